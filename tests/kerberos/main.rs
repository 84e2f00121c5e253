//! try
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#[path = "../cluster/mod.rs"]
mod cluster;
use cluster::secure::*;
use std::process::Command;

fn child(h: &SecureHdfs, work: &str, root: &str, options: &[(&str, &str)], env: &[(&str, &str)]) -> String {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/on-hdfs");
    let conf = h.conf().display().to_string();
    let mut c = Command::new(program);
    c.env_clear().env("KRB5_CONFIG", h.kdc.krb5_conf()).env("KRB5CCNAME", "FILE:/nonexistent/none").args([
        work,
        "hdfs-native",
        root,
    ]);
    c.arg(format!("conf_dir={conf}"));
    for (k, v) in options {
        c.arg(format!("{k}={v}"));
    }
    for (k, v) in env {
        c.env(k, v);
    }
    let o = c.output().unwrap();
    format!("{} {} {}", o.status, String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr))
}

#[test]
fn t() {
    for wire in [Wire::Authentication, Wire::Privacy, Wire::EncryptedTransfer, Wire::Integrity] {
        if let Ok(w) = std::env::var("W") {
            if w != format!("{wire:?}") {
                continue;
            }
        }
        println!("=== {wire:?}");
        let h = SecureHdfs::start(wire).unwrap();
        let keytab = h.kdc.keytab().display().to_string();
        let root = format!("{}{TREES}", h.uri());
        let me: &[(&str, &str)] = &[("kerberos_principal", UPGRADER), ("kerberos_keytab", &keytab)];
        let all = |name: &str, work: &str, o: &[(&str, &str)], e: &[(&str, &str)]| {
            println!("--- {name}: {}", child(&h, work, &root, o, e))
        };
        all("open keytab", "open", me, &[]);
        all("flow keytab", "flow", me, &[]);
        let cache = h.kdc.ticket(UPGRADER, 600).unwrap();
        all("cache by env", "open", &[], &[("KRB5CCNAME", &cache)]);
        all("cache by option", "open", &[("kerberos_principal", UPGRADER), ("kerberos_cache", &cache)], &[]);
        all("cache without principal", "open", &[("kerberos_cache", &cache)], &[]);
        all("principal alone", "open", &[("kerberos_principal", UPGRADER)], &[("KRB5CCNAME", &cache)]);
        all("flow cache", "flow", &[], &[("KRB5CCNAME", &cache)]);
        all("no ticket", "open", &[], &[]);
        all("no krb5 conf", "open", me, &[("KRB5_CONFIG", "/nonexistent")]);
        all("wrong principal", "open", &[("kerberos_principal", "nobody"), ("kerberos_keytab", &keytab)], &[]);
        all("principal not in cache", "open", &[("kerberos_principal", STRANGER), ("kerberos_cache", &cache)], &[]);
        all(
            "no keytab file",
            "open",
            &[("kerberos_principal", UPGRADER), ("kerberos_keytab", "/nonexistent/keytab")],
            &[],
        );
        all(
            "no cache file",
            "open",
            &[("kerberos_principal", UPGRADER), ("kerberos_cache", "FILE:/nonexistent/cache")],
            &[],
        );
        all("stranger", "writable", &[("kerberos_principal", STRANGER), ("kerberos_keytab", &keytab)], &[]);
        all("deputy alone", "writable", &[("kerberos_principal", DEPUTY), ("kerberos_keytab", &keytab)], &[]);
        all(
            "deputy for",
            "writable",
            &[("kerberos_principal", DEPUTY), ("kerberos_keytab", &keytab), ("user", UPGRADER)],
            &[],
        );
        all(
            "stranger for",
            "writable",
            &[("kerberos_principal", STRANGER), ("kerberos_keytab", &keytab), ("user", UPGRADER)],
            &[],
        );
        all("simple", "open", &[("hadoop.security.authentication", "simple")], &[]);
        all(
            "simple with keytab",
            "open",
            &[
                ("hadoop.security.authentication", "simple"),
                ("kerberos_principal", UPGRADER),
                ("kerberos_keytab", &keytab),
            ],
            &[],
        );
        let n = h.kdc.krb5_conf_of_nobody().unwrap().display().to_string();
        all("kdc away", "open", &[me, &[("wait_ms", "2000")]].concat(), &[("KRB5_CONFIG", &n)]);
        {
            let bad = h.conf().join("../conf2");
            std::fs::create_dir_all(&bad).unwrap();
            for f in ["core-site.xml", "hdfs-site.xml"] {
                let t = std::fs::read_to_string(h.conf().join(f)).unwrap();
                let t: String = t
                    .lines()
                    .filter(|l| !l.contains("dfs.data.transfer.protection"))
                    .map(|l| format!("{l}\n"))
                    .collect();
                std::fs::write(bad.join(f), t).unwrap();
            }
            all("no dtp", "flow", &[me, &[("conf_dir", &bad.display().to_string())]].concat(), &[]);
        }
        {
            let fake = h.conf().join("../lib");
            std::fs::create_dir_all(&fake).unwrap();
            std::fs::write(fake.join("libgssapi_krb5.so.2"), "").unwrap();
            all("no lib", "open", me, &[("LD_LIBRARY_PATH", &fake.display().to_string())]);
        }
        h.kdc.server.pause().unwrap();
        all("kdc paused", "open", &[me, &[("wait_ms", "2000")]].concat(), &[]);
        h.kdc.server.resume().unwrap();
        {
            let home = h.conf().join("../kdc-two");
            std::fs::create_dir_all(&home).unwrap();
            let two = cluster::kdc::Kdc::start(&home, &[SERVERS, UPGRADER]).unwrap();
            let k2 = two.keytab().display().to_string();
            all(
                "other realm keys",
                "open",
                &[("kerberos_principal", UPGRADER), ("kerberos_keytab", &k2)],
                &[("KRB5_CONFIG", &two.krb5_conf().display().to_string())],
            );
            all("other realm keytab", "open", &[("kerberos_principal", UPGRADER), ("kerberos_keytab", &k2)], &[]);
        }
        let short = h.kdc.ticket(UPGRADER, 2).unwrap();
        std::thread::sleep(std::time::Duration::from_secs(4));
        all("expired", "open", &[], &[("KRB5CCNAME", &short)]);
        all("HADOOP_PROXY_USER", "open", me, &[("HADOOP_PROXY_USER", "somebody")]);
    }
}
