//! The `NameNode` is killed and started again, and goes into its safe mode, while runs are under way.

use std::time::Duration;

use comptask_upgrade::ErrorKind;

use crate::scenes::{self, Scene};
use crate::servers::Servers;
use crate::tool::{Call, Tool};
use crate::tree::Tree;

/// One call at a time.
const SLOW: [&str; 2] = ["--in-flight", "1"];
const ROUNDS: usize = 2;
/// Runs that are under way at a kill, each further than the next.
const RUNS: usize = 4;
/// Kills that must have hit a run between its first and its last change.
const HITS: usize = 6;

/// A run at a kill of the `NameNode`: the tree's name, and how many changes were made where it was still under way.
struct Hit {
    name: String,
    changes: Option<usize>,
    tool: Tool,
}

/// A run, and how many changes its tree had before.
struct UnderWay<'s> {
    tree: Tree<'s>,
    planted: usize,
    tool: Tool,
}

impl<'s> UnderWay<'s> {
    fn start(servers: &'s Servers, scene: &Scene, call: &Call) -> Self {
        let tree = scene.plant(servers);
        Self { planted: tree.changes(), tool: call.start(&tree), tree }
    }

    fn changes(&self) -> usize {
        self.tree.changes() - self.planted
    }

    fn hit(mut self) -> Hit {
        let changes = Some(self.changes()).filter(|_| self.tool.is_running());
        Hit { name: self.tree.name, changes, tool: self.tool }
    }

    /// Waits until so many changes are made; the run must still be under way then.
    fn is_at(&mut self, changes: usize) {
        let (tree, planted) = (&self.tree, self.planted);
        assert!(self.tool.runs_until(|| tree.changes() - planted >= changes), "it ended before {changes} changes");
    }
}

#[test]
fn a_name_node_that_is_killed_is_waited_for_or_a_second_run_ends_in_the_same_bytes() {
    let mut servers = Servers::start();
    let scene = scenes::upgrade(scenes::MORE);
    let (mut hits, mut borne, mut ended_with) = (0, 0, Vec::new());
    for round in 0..ROUNDS {
        let mut trees = Vec::new();
        for run in 0..RUNS {
            // In every second run many calls are in the air at once.
            let call =
                if run % 2 == 0 { Call::upgrade().with(&SLOW) } else { Call::upgrade().with(&["--in-flight", "4"]) };
            let mut under_way = UnderWay::start(&servers, &scene, &call);
            under_way.is_at(1 + (RUNS * round + run) * 4);
            trees.push(under_way);
        }
        let told = trees.into_iter().map(UnderWay::hit).collect::<Vec<_>>();
        servers.hdfs.name_node.kill();
        servers.hdfs.restart_name_node().unwrap();
        for Hit { name, changes, tool } in told {
            let tree = Tree::known(&servers, name);
            let ended = tool.end();
            hits += usize::from(changes.is_some());
            if ended.code == Some(0) {
                borne += 1;
            } else {
                let said: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
                let next = "next: run the command again";
                assert!(ended.stderr.contains(next), "what is to be done? {}", ended.stderr);
                ended_with.push(format!("{:?} after {changes:?} changes: {said:?}", ended.code));
                (scene.holds)(&tree.image()).unwrap();
                Call::upgrade().run(&tree).assert_success("after the NameNode was killed");
            }
            tree.assert_is(&scene.end, "after the NameNode was killed");
        }
    }
    println!("the NameNode was killed under {hits} runs: {borne} went on, the others ended with {ended_with:#?}");
    assert!(hits >= HITS, "only {hits} runs were under way when the NameNode was killed");
    safe_mode(&servers, &scene);
}

/// One run waits for its end, another one does not.
fn safe_mode(servers: &Servers, scene: &Scene) {
    let mut patient = UnderWay::start(servers, scene, &Call::upgrade().with(&SLOW));
    let hasty = Call::upgrade().with(&SLOW).with(&["--hdfs-option", "wait_ms=500"]);
    let mut hasty = UnderWay::start(servers, scene, &hasty);
    patient.is_at(5);
    hasty.is_at(5);
    servers.hdfs.safe_mode(true).unwrap();
    let ended = hasty.tool.end();
    ended.assert_failed(ErrorKind::RetryLater, &["safe mode", "next: "]);
    let left = hasty.tree.image();
    (scene.holds)(&left).unwrap();

    // Long enough for the patient one to have asked in vain.
    let changes = patient.changes();
    assert!(patient.tool.is_running());
    std::thread::sleep(Duration::from_secs(2));
    assert!(patient.tool.is_running(), "it did not wait");
    assert_eq!(patient.changes(), changes, "the NameNode was not in its safe mode");
    servers.hdfs.safe_mode(false).unwrap();
    let (tree, planted) = (patient.tree, patient.planted);
    patient.tool.end().assert_success("after the safe mode");
    tree.assert_is(&scene.end, "after the safe mode");
    let all = tree.changes() - planted;
    println!("safe mode after {changes} of {all} changes: one run went on, one said \"retry later\"");
    assert!(changes < all);

    assert_eq!(hasty.tree.image(), left, "nothing is written by a run that has ended");
    Call::upgrade().run(&hasty.tree).assert_success("after the safe mode");
    hasty.tree.assert_is(&scene.end, "after the safe mode");
}
