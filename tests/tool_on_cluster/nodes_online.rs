//! A PU is registered in `ZooKeeper`.

use comptask_upgrade::ErrorKind;

use crate::scenes;
use crate::servers::Servers;

#[test]
fn a_registered_node_is_named_and_nothing_is_changed() {
    const BUSY: &str = "/cluster/busy-pus";
    let servers = Servers::shared();
    for path in [BUSY, &format!("{BUSY}/xcloud24_9876"), &format!("{BUSY}/xcloud25_9876")] {
        servers.client().run(&format!("create {path}")).unwrap();
    }
    for scene in [scenes::upgrade(scenes::FEW), scenes::cancel(), scenes::downgrade()] {
        let tree = scene.plant(&servers);
        let planted = tree.changes();
        let ended = scene.call.registry(BUSY).run(&tree);
        ended.assert_failed(ErrorKind::NodesOnline, &["xcloud24_9876, xcloud25_9876", "next: "]);
        assert_eq!(tree.changes(), planted, "{} changed something", scene.name);
        assert_eq!(tree.image(), scene.start);
        // They go, and the same call goes through.
        scene.call.run(&tree).assert_success("with every node down");
        tree.assert_is(&scene.end, "with every node down");
    }
}
