//! Nobody gets in without a ticket that counts, and each is told what is missing.

use std::time::{Duration, Instant};

use super::cluster::kdc::Kdc;
use super::cluster::secure::{SecureHdfs, Wire, DEPUTY, SERVERS, STRANGER, UPGRADER};
use super::{adapters, told, Pairs};
use serde_json::Value;

/// That an error is of a kind, says this, and advises that.
#[track_caller]
fn says(told: &Value, kind: &str, message: &str, advice: &str) {
    assert_eq!(told["kind"], kind, "{told}");
    assert!(told["message"].as_str().unwrap().contains(message), "{told}");
    assert!(told["next_action"].as_str().unwrap().contains(advice), "{told}");
}

#[test]
fn without_a_ticket_that_counts_it_is_told_what_is_missing() {
    let hdfs = SecureHdfs::start(Wire::Authentication).unwrap();
    for (adapter, _) in adapters::ALL {
        if adapter == adapters::HDFS_NATIVE {
            of_hdfs_native(&hdfs);
        } else {
            of_libhdfs(&hdfs);
        }
    }
}

fn of_hdfs_native(hdfs: &SecureHdfs) {
    let keytab = hdfs.kdc.keytab().display().to_string();
    let told = |work: &str, options: Pairs<'_>, variables: Pairs<'_>| {
        told(hdfs, adapters::HDFS_NATIVE, work, options, variables)
    };
    let with_keytab = |principal: &str, more: Pairs<'_>, variables: Pairs<'_>| {
        let options = [("kerberos_principal", principal), ("kerberos_keytab", keytab.as_str())];
        told("write", &[&options, more].concat(), variables)
    };
    let klist = "klist";

    // No ticket, none for this name, one that has ended, no key for this name, no realm.
    says(&told("open", &[], &[]), "Permission", "No Kerberos credentials available", klist);
    let cache = hdfs.kdc.ticket(UPGRADER, 3_600).unwrap();
    let other = told("open", &[("kerberos_principal", STRANGER), ("kerberos_cache", &cache)], &[]);
    says(&other, "Permission", "does not match desired name", klist);
    let short = hdfs.kdc.ticket(DEPUTY, 2).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    says(&told("open", &[], &[("KRB5CCNAME", &short)]), "Permission", "Ticket expired", klist);
    says(
        &with_keytab("nobody", &[], &[]),
        "Permission",
        "Kerberos: No credentials",
        "holds a key of kerberos_principal",
    );
    says(&with_keytab(UPGRADER, &[], &[("KRB5_CONFIG", "/dev/null")]), "Permission", "default realm", "krb5.conf");

    // Options that cannot be meant.
    let simple = ("hadoop.security.authentication", "simple");
    says(&with_keytab(UPGRADER, &[simple], &[]), "InvalidArgument", "is not kerberos", "conf_dir");
    let absent = [("kerberos_principal", UPGRADER), ("kerberos_keytab", "/dev/null/keytab")];
    says(&told("open", &absent, &[]), "InvalidArgument", "kerberos_keytab names cannot be read", "");

    // Somebody without the right, somebody who may not stand in, and somebody without Kerberos.
    says(&with_keytab(STRANGER, &[], &[]), "Permission", "user=stranger, access=WRITE", "owner of the tree");
    let broke = "broke before its answer came";
    let stands_in = with_keytab(STRANGER, &[("user", UPGRADER)], &[]);
    says(&stands_in, "Storage", broke, "may stand in for upgrader");
    let stands_in = with_keytab(STRANGER, &[], &[("HADOOP_PROXY_USER", UPGRADER)]);
    says(&stands_in, "Storage", broke, "may stand in for upgrader");
    says(&told("open", &[simple], &[]), "Storage", broke, "hadoop.security.authentication to kerberos");

    // The system has no library for it: a file that is none is found first.
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("libgssapi_krb5.so.2"), "").unwrap();
    let instead = folder.path().display().to_string();
    let lacking = with_keytab(UPGRADER, &[], &[("LD_LIBRARY_PATH", &instead)]);
    says(&lacking, "Unsupported", "libgssapi_krb5", "libgssapi-krb5-2");

    // A DataNode that wants a proof, and a configuration that does not say so.
    let conf = tempfile::TempDir::new().unwrap();
    for name in ["core-site.xml", "hdfs-site.xml"] {
        let text = std::fs::read_to_string(hdfs.conf().join(name)).unwrap();
        let lines = text.lines().filter(|line| !line.contains("dfs.data.transfer.protection"));
        std::fs::write(conf.path().join(name), lines.collect::<Vec<_>>().join("\n")).unwrap();
    }
    let conf = conf.path().display().to_string();
    let silent = with_keytab(UPGRADER, &[("conf_dir", &conf)], &[]);
    says(&silent, "Storage", "its bytes cannot be written", "dfs.data.transfer.protection");

    // Nobody gives tickets: it is waited for, as long as was told.
    let nobody = hdfs.kdc.krb5_conf_of_nobody().unwrap().display().to_string();
    let begun = Instant::now();
    let away = with_keytab(UPGRADER, &[("wait_ms", "1500")], &[("KRB5_CONFIG", &nobody)]);
    says(&away, "RetryLater", "Cannot contact any KDC", "key distribution centre");
    assert!(begun.elapsed() > Duration::from_millis(1_500), "{:?}", begun.elapsed());

    // The servers have other keys than the key distribution centre knows of: they refuse the ticket.
    let folder = tempfile::TempDir::new().unwrap();
    let stranger = Kdc::start(folder.path(), &[SERVERS, UPGRADER]).unwrap();
    let (keytab, krb5_conf) = (stranger.keytab().display().to_string(), stranger.krb5_conf().display().to_string());
    let options = [("kerberos_principal", UPGRADER), ("kerberos_keytab", keytab.as_str())];
    let refused = super::told(hdfs, adapters::HDFS_NATIVE, "open", &options, &[("KRB5_CONFIG", &krb5_conf)]);
    says(&refused, "Permission", "GSS initiate failed", klist);
}

fn of_libhdfs(hdfs: &SecureHdfs) {
    let told = |options: Pairs<'_>| told(hdfs, adapters::LIBHDFS, "open", options, &[]);
    says(&told(&[]), "Permission", "Client cannot authenticate via:[TOKEN, KERBEROS]", "ticket");
    let keytab = hdfs.kdc.keytab().display().to_string();
    let with_keytab = told(&[("kerberos_principal", UPGRADER), ("kerberos_keytab", &keytab)]);
    says(&with_keytab, "Unsupported", "neither a keytab", "kinit");
}
