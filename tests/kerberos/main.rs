//! HDFS under Kerberos: whose ticket is taken, on each kind of wire, and what is said where there is none that counts.
//! Whatever speaks to it is a process of its own, since GSSAPI reads the environment of its process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../adapters/mod.rs"]
mod adapters;
#[path = "../cluster/mod.rs"]
mod cluster;
#[path = "../support/mod.rs"]
mod support;

mod refusals;

use std::process::Command;

use cluster::secure::{SecureHdfs, Wire, DEPUTY, TREES, UPGRADER};
use serde_json::Value;

/// Options or variables.
type Pairs<'p> = &'p [(&'p str, &'p str)];

/// Has a process of its own do something on HDFS by an adapter, and gives what it told: `{}` or an error.
fn told(hdfs: &SecureHdfs, adapter: &str, work: &str, options: Pairs<'_>, variables: Pairs<'_>) -> Value {
    let tests = std::env::current_exe().unwrap();
    let mut command = Command::new(tests.ancestors().nth(2).unwrap().join("examples/on-hdfs"));
    command.args([work, adapter, &format!("{}{TREES}", hdfs.uri())]);
    let conf = hdfs.conf().display().to_string();
    let krb5_conf = hdfs.kdc.krb5_conf().display().to_string();
    // A JVM is told of Kerberos by a property of its own.
    let property = format!("-Xmx512m -Djava.security.krb5.conf={krb5_conf}");
    let mut all = vec![("conf_dir", conf.as_str())];
    if adapter == adapters::LIBHDFS {
        all.push(("jvm_options", &property));
    }
    command.args(all.iter().chain(options).map(|(key, value)| format!("{key}={value}")));
    // What a developer is logged in as must not reach the test.
    command.env("KRB5_CONFIG", krb5_conf).env("KRB5CCNAME", "FILE:/dev/null/no-ticket");
    for name in ["HADOOP_PROXY_USER", "HADOOP_TOKEN_FILE_LOCATION", "HADOOP_CONF_DIR", "HADOOP_USER_NAME"] {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{adapter} {work} {options:?}: {}: {complained}", output.status);
    println!("{adapter} {work} {options:?} {variables:?}: {said}");
    // What a JVM logs comes before it.
    serde_json::from_str(said.lines().last().unwrap()).unwrap()
}

#[track_caller]
fn goes(told: &Value) {
    assert_eq!(told, &serde_json::json!({}));
}

/// The whole flow on one kind of wire, by every adapter, with every kind of ticket that it takes.
fn flows(wire: Wire) {
    let hdfs = SecureHdfs::start(wire).unwrap();
    let keytab = hdfs.kdc.keytab().display().to_string();
    let cache = hdfs.kdc.ticket(UPGRADER, 3_600).unwrap();
    let path = cache.trim_start_matches("FILE:");
    for (adapter, _) in adapters::ALL {
        // A ticket that somebody got before, and that the process's environment, or an option, names.
        goes(&told(
            &hdfs,
            adapter,
            "flow",
            &[],
            &[("KRB5CCNAME", if adapter == adapters::LIBHDFS { path } else { &cache })],
        ));
        if adapter == adapters::LIBHDFS {
            goes(&told(&hdfs, adapter, "flow", &[("kerberos_cache", path)], &[]));
            continue;
        }
        goes(&told(&hdfs, adapter, "write", &[("kerberos_principal", UPGRADER), ("kerberos_cache", &cache)], &[]));
        goes(&told(&hdfs, adapter, "write", &[("kerberos_principal", UPGRADER)], &[("KRB5CCNAME", &cache)]));
        // A keytab, by which the library gets the ticket itself.
        let from_keytab = |principal| [("kerberos_principal", principal), ("kerberos_keytab", keytab.as_str())];
        goes(&told(&hdfs, adapter, "flow", &from_keytab(UPGRADER), &[]));
        // Somebody who may stand in for the owner.
        let deputy = [&from_keytab(DEPUTY)[..], &[("user", UPGRADER)]].concat();
        goes(&told(&hdfs, adapter, "flow", &deputy, &[]));
    }
}

#[test]
fn the_flow_goes_where_who_speaks_is_proven_once() {
    flows(Wire::Authentication);
}

#[test]
fn the_flow_goes_where_each_message_is_signed() {
    flows(Wire::Integrity);
}

#[test]
fn the_flow_goes_where_each_message_is_encrypted() {
    flows(Wire::Privacy);
}

#[test]
fn the_flow_goes_where_the_bytes_of_files_have_a_key_of_their_own() {
    flows(Wire::EncryptedTransfer);
}
