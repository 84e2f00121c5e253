//! Name services: what a configuration says of their NameNodes, all of which the client must know.

use super::options::Configuration;
use crate::error::{Error, ErrorKind, Result};

const NAME_NODES: &str = "dfs.ha.namenodes.";

impl Configuration {
    pub(super) fn is_name_service(&self, name: &str) -> bool {
        self.get(&format!("{NAME_NODES}{name}")).is_some()
    }

    /// A proxy provider whose reads may be behind the writes, and a NameNode that the client would leave out in
    /// silence, are found before the run, not in the night when the other one fails.
    pub(super) fn check_name_service(&self, name: &str) -> Result<()> {
        let key = format!("dfs.client.failover.proxy.provider.{name}");
        if let Some(provider) = self.get(&key).filter(|provider| provider.contains("Observer")) {
            let text = format!("{provider} is refused: an observer's answer may be older than this run's own changes");
            let advice = format!("set {key} to ...server.namenode.ha.ConfiguredFailoverProxyProvider for this run");
            return Err(Error::new(ErrorKind::Unsupported, text).advise(advice));
        }
        let list = format!("{NAME_NODES}{name}");
        let Some(ids) = self.get(&list) else { return Ok(()) };
        let mut ids = trimmed(ids).peekable();
        if ids.peek().is_none() {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("{list} names no NameNode")));
        }
        for id in ids {
            let key = format!("dfs.namenode.rpc-address.{name}.{id}");
            let address = self.get(&key).unwrap_or_default();
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
            if port.is_none() {
                let text = format!("{list} names {id:?}, and {key} is {address:?}, not host:port");
                return Err(Error::new(ErrorKind::InvalidArgument, text).advise(format!("set {key}")));
            }
        }
        Ok(())
    }
}

/// A list as Hadoop reads it. The client takes the spaces in it for parts of the names, and leaves out what it does
/// not find by them.
pub(super) fn plain_lists(map: &mut std::collections::BTreeMap<String, String>) {
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
    fn an_observer_is_refused_by_name() {
        let provider = "org.apache.hadoop.hdfs.server.namenode.ha.ObserverReadProxyProvider";
        let conf = configuration(&[("dfs.client.failover.proxy.provider.ns1", provider)]);
        let error = conf.check_name_service("ns1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(provider), "{error}");
        assert!(conf.check_name_service("another").is_ok());
    }

    #[test]
    fn a_list_with_spaces_is_read_as_hadoop_reads_it() {
        let conf = configuration(&[
            ("dfs.ha.namenodes.ns1", "a, b ,\n c,"),
            ("dfs.namenode.rpc-address.ns1.a", "one:8020"),
            ("dfs.namenode.rpc-address.ns1.b", "two:8020"),
            ("dfs.namenode.rpc-address.ns1.c", "three:8020"),
        ]);
        conf.check_name_service("ns1").unwrap();
        assert_eq!(conf.for_client()["dfs.ha.namenodes.ns1"], "a,b,c");
    }

    #[test]
    fn a_name_node_without_an_address_is_not_left_out() {
        for address in [None, Some("two"), Some("two:port")] {
            let mut pairs = vec![("dfs.ha.namenodes.ns1", "a,b"), ("dfs.namenode.rpc-address.ns1.a", "one:8020")];
            pairs.extend(address.map(|address| ("dfs.namenode.rpc-address.ns1.b", address)));
            let error = configuration(&pairs).check_name_service("ns1").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("dfs.namenode.rpc-address.ns1.b"), "{error}");
        }
        let error = configuration(&[("dfs.ha.namenodes.ns1", " ,")]).check_name_service("ns1").unwrap_err();
        assert!(error.message().contains("names no NameNode"), "{error}");
    }
}
