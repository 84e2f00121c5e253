//! What is said of Kerberos before the client is asked: it takes a keytab that is not there for a cache that is empty,
//! and looks at no ticket where the configuration does not ask for one.

use super::super::hdfs::kerberos::readable;
use super::super::hdfs::options::{Configuration, HdfsOptions};
use crate::error::{Error, ErrorKind, Result};

const AUTHENTICATION: &str = "hadoop.security.authentication";

/// Whether the options of Kerberos can be meant.
///
/// # Errors
/// `InvalidArgument` where one would have no effect or lacks another, `NotFound` and `Permission` where a file that one
/// names cannot be read.
pub(super) fn check(options: &HdfsOptions, configuration: &Configuration) -> Result<()> {
    let given = [
        ("kerberos_principal", &options.principal),
        ("kerberos_keytab", &options.keytab),
        ("kerberos_cache", &options.ticket_cache),
    ];
    let Some((first, _)) = given.iter().find(|(_, value)| value.is_some()) else { return Ok(()) };
    if !configuration.is_secure() {
        let text = format!("{first} is set, and {AUTHENTICATION} is not kerberos: the NameNode would be asked without");
        let advice = format!("set conf_dir to the cluster's configuration, or {AUTHENTICATION} to kerberos");
        return Err(Error::new(ErrorKind::InvalidArgument, text).advise(advice));
    }
    if options.principal.is_none() {
        let text = format!("{first} is set without kerberos_principal, which says whose key or ticket in it is meant");
        return Err(Error::new(ErrorKind::InvalidArgument, text).advise("set kerberos_principal too"));
    }
    if let Some(keytab) = &options.keytab {
        readable("kerberos_keytab", keytab)?;
    } else if let Some(cache) = &options.ticket_cache {
        readable("kerberos_cache", cache)?;
    }
    Ok(())
}

/// What to look at where a NameNode takes a connection and ends it without a word to the client: so it does with whom
/// it does not let in.
pub(super) fn where_it_breaks(options: &HdfsOptions, configuration: &Configuration) -> String {
    let stands_in = std::env::var("HADOOP_PROXY_USER").ok().filter(|_| configuration.is_secure());
    match options.user.clone().filter(|_| configuration.is_secure()).or(stands_in) {
        Some(user) => {
            format!(
                "see that the principal may stand in for {user} (hadoop.proxyuser.* of the NameNode), then run again"
            )
        }
        None if configuration.is_secure() => {
            "see in the NameNode's log why it ends the connection, then run again".to_owned()
        }
        None => format!(
            "the NameNode may let nobody in without Kerberos: set conf_dir to the cluster's configuration, or \
             {AUTHENTICATION} to kerberos; otherwise see in its log why it ends the connection"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(pairs: &[(&str, &str)]) -> Result<()> {
        let mut options = HdfsOptions::default();
        for (key, value) in pairs {
            options.set(key, value).unwrap();
        }
        check(&options, &options.configuration().unwrap())
    }

    #[test]
    fn an_option_without_effect_or_without_its_principal_is_refused() {
        let kerberos = (AUTHENTICATION, "kerberos");
        let principal = ("kerberos_principal", "somebody");
        checked(&[]).unwrap();
        checked(&[kerberos, principal]).unwrap();
        for pairs in [&[principal][..], &[principal, (AUTHENTICATION, "simple")]] {
            let error = checked(pairs).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().contains("kerberos_principal is set"), "{error}");
        }
        for key in ["kerberos_keytab", "kerberos_cache"] {
            let error = checked(&[kerberos, (key, "/dev/null")]).unwrap_err();
            assert!(error.message().contains(&format!("{key} is set without kerberos_principal")), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let folder = tempfile::TempDir::new().unwrap();
        let there = folder.path().join("keytab").display().to_string();
        std::fs::write(&there, "keys").unwrap();
        let with = |key: &str, name: &str| {
            checked(&[(AUTHENTICATION, "kerberos"), ("kerberos_principal", "somebody"), (key, name)])
        };
        for key in ["kerberos_keytab", "kerberos_cache"] {
            with(key, &there).unwrap();
            with(key, &format!("FILE:{there}")).unwrap();
            with(key, "KEYRING:persistent").unwrap();
            let error = with(key, &format!("FILE:{there}.not")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert_eq!(error.path(), format!("{there}.not"));
        }
    }
}
