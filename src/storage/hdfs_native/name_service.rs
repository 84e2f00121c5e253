//! Name services: what a configuration says of their `NameNode`s, all of which the client must know.

use std::collections::BTreeMap;

use super::super::hdfs::options::Configuration;
use crate::error::{Error, ErrorKind, Result};

const NAME_NODES: &str = "dfs.ha.namenodes.";

/// A NameNode that the client would leave out in silence is found before the run, not in the night when the other one
/// fails.
///
/// # Errors
/// `InvalidArgument` where a name service names none, or one without `host:port`.
pub(super) fn check(configuration: &Configuration, name: &str) -> Result<()> {
    let list = format!("{NAME_NODES}{name}");
    let Some(ids) = configuration.get(&list) else { return Ok(()) };
    let mut ids = trimmed(ids).peekable();
    if ids.peek().is_none() {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("{list} names no NameNode")));
    }
    for id in ids {
        let key = format!("dfs.namenode.rpc-address.{name}.{id}");
        let address = configuration.get(&key).unwrap_or_default();
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none() {
            let text = format!("{list} names {id:?}, and {key} is {address:?}, not host:port");
            return Err(Error::new(ErrorKind::InvalidArgument, text).advise(format!("set {key}")));
        }
    }
    Ok(())
}

/// A list as Hadoop reads it. The client takes the spaces in it for parts of the names, and leaves out what it does
/// not find by them.
pub(super) fn plain_lists(map: &mut BTreeMap<String, String>) {
    for (_, value) in map.iter_mut().filter(|(key, _)| key.starts_with(NAME_NODES)) {
        *value = trimmed(value).collect::<Vec<_>>().join(",");
    }
}

fn trimmed(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::HdfsOptions;
    use super::*;

    fn configuration(pairs: &[(&str, &str)]) -> Configuration {
        let mut options = HdfsOptions::default();
        for (key, value) in pairs {
            options.set(key, value).unwrap();
        }
        options.configuration().unwrap()
    }

    #[test]
    fn a_list_with_spaces_is_read_as_hadoop_reads_it() {
        let conf = configuration(&[
            ("dfs.ha.namenodes.ns1", "a, b ,\n c,"),
            ("dfs.namenode.rpc-address.ns1.a", "one:8020"),
            ("dfs.namenode.rpc-address.ns1.b", "two:8020"),
            ("dfs.namenode.rpc-address.ns1.c", "three:8020"),
        ]);
        check(&conf, "ns1").unwrap();
        let mut map = conf.over(&[]);
        plain_lists(&mut map);
        assert_eq!(map["dfs.ha.namenodes.ns1"], "a,b,c");
    }

    #[test]
    fn a_name_node_without_an_address_is_not_left_out() {
        for address in [None, Some("two"), Some("two:port")] {
            let mut pairs = vec![("dfs.ha.namenodes.ns1", "a,b"), ("dfs.namenode.rpc-address.ns1.a", "one:8020")];
            pairs.extend(address.map(|address| ("dfs.namenode.rpc-address.ns1.b", address)));
            let error = check(&configuration(&pairs), "ns1").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("dfs.namenode.rpc-address.ns1.b"), "{error}");
        }
        let error = check(&configuration(&[("dfs.ha.namenodes.ns1", " ,")]), "ns1").unwrap_err();
        assert!(error.message().contains("names no NameNode"), "{error}");
    }
}
