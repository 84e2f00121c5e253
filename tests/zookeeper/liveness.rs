//! Who is up, from the registry's node.

use comptask_upgrade::{ErrorKind, Liveness, ZooKeeperLiveness};

use crate::shared::{options, path, Shared};

#[test]
fn liveness_names_the_nodes_and_its_number_moves_when_one_comes_or_goes() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    let registry = ZooKeeperLiveness::new(options(&hosts), &path).unwrap();
    let missing = registry.online_nodes().unwrap_err();
    assert_eq!((missing.kind(), missing.path()), (ErrorKind::Liveness, path.as_str()));
    assert_eq!(registry.change_id().unwrap_err().kind(), ErrorKind::Liveness);

    for made in ["/test", &path] {
        server.client().run(&format!("create {made}")).unwrap();
    }
    assert_eq!(registry.online_nodes().unwrap(), Vec::<String>::new());
    let mut last = registry.change_id().unwrap().unwrap();
    assert_eq!(registry.change_id().unwrap(), Some(last), "asking changes nothing");
    for name in ["xcloud24_9876", "xcloud25_9876"] {
        server.client().run(&format!("create {path}/{name}")).unwrap();
        let now = registry.change_id().unwrap().unwrap();
        assert!(now > last, "{name} came: {last} {now}");
        last = now;
    }
    let mut names = registry.online_nodes().unwrap();
    names.sort();
    assert_eq!(names, ["xcloud24_9876", "xcloud25_9876"]);
    server.client().run(&format!("delete {path}/xcloud24_9876")).unwrap();
    assert_eq!(registry.online_nodes().unwrap(), ["xcloud25_9876"]);
    assert!(registry.change_id().unwrap().unwrap() > last, "they went");
    // The same through a chroot.
    let (_, below) = path.split_at("/test".len());
    let through = ZooKeeperLiveness::new(options(&format!("{hosts}/test")), below).unwrap();
    assert_eq!(through.online_nodes().unwrap(), ["xcloud25_9876"]);
}
