//! Quotas that run out in the middle of an upgrade.

use std::sync::Mutex;

use comptask_upgrade::ErrorKind;

use crate::scenes;
use crate::servers::Servers;
use crate::tool::Call;
use crate::tree::Tree;

/// How many names a tree may get beside those it has: the run needs over 200 for a moment.
const NAMES: [u64; 4] = [3, 12, 60, 110];
/// How many bytes: a file counts as a whole block of 1 MiB while it is written.
const BYTES: [u64; 2] = [1 << 19, 5 << 20];

#[test]
fn a_quota_that_runs_out_is_told_and_a_second_run_ends_in_the_same_bytes() {
    let servers = Servers::shared();
    let scene = scenes::upgrade(scenes::MORE);
    let trees: Vec<Tree<'_>> = (0..NAMES.len() + BYTES.len()).map(|_| scene.plant(&servers)).collect();
    let (of_names, of_bytes) = trees.split_at(NAMES.len());
    // The tree's own folder is one of its names.
    let names = scene.start.len() as u64 + 1;
    for (tree, more) in of_names.iter().zip(NAMES) {
        servers.hdfs.name_quota(&tree.path_in_hdfs(), Some(names + more)).unwrap();
    }
    let bytes: usize = scene.start.values().flatten().map(Vec::len).sum();
    for (tree, more) in of_bytes.iter().zip(BYTES) {
        servers.hdfs.space_quota(&tree.path_in_hdfs(), Some(bytes as u64 + more)).unwrap();
    }
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for tree in &trees {
            scope.spawn(|| {
                let planted = tree.changes();
                let ended = Call::upgrade().run(tree);
                ended.assert_failed(ErrorKind::Quota, &["quota", "next: "]);
                let left = tree.image();
                (scene.holds)(&left).unwrap();
                told.lock().unwrap().push(tree.changes() - planted);
            });
        }
    });
    println!("quotas ran out after these numbers of changes: {:?}", told.into_inner().unwrap());

    let paths = |trees: &[Tree<'_>]| trees.iter().map(Tree::path_in_hdfs).collect::<Vec<_>>();
    for (command, paths) in [("-clrQuota", paths(of_names)), ("-clrSpaceQuota", paths(of_bytes))] {
        let arguments: Vec<&str> = std::iter::once(command).chain(paths.iter().map(String::as_str)).collect();
        servers.hdfs.admin(&arguments).unwrap();
    }
    std::thread::scope(|scope| {
        for tree in &trees {
            scope.spawn(|| {
                Call::upgrade().run(tree).assert_success("after the quota was raised");
                tree.assert_is(&scene.end, "after the quota was raised");
            });
        }
    });
}
