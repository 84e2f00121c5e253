//! A tool that is stopped for longer than its session lasts, and goes on when another one has done the work.

use comptask_upgrade::ErrorKind;
use parking_lot::Mutex;
use rustix::process::Signal;

use crate::scenes::{self, Scene};
use crate::servers::Servers;
use crate::support::sweep::Draw;
use crate::tool::Call;

const SESSION_MS: u32 = 2_000;
/// How many runs are stopped.
const STOPS: u64 = 12;
/// How many changes a run has, less what it needs to be stopped before its end.
const CHANGES: u64 = 132;
/// As whom the one that is stopped works.
const STOPPED: &str = "stopped";

#[test]
fn a_run_that_was_stopped_and_overtaken_writes_nothing_more() {
    let servers = Servers::shared();
    let (upgrade, cancel) = (scenes::upgrade(scenes::FEW), scenes::cancel());
    let seed = crate::kills::seed();
    println!("replay with COMPTASK_UPGRADE_SEED={seed}");
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for number in 0..STOPS {
            let (servers, upgrade, cancel, told) = (&servers, &upgrade, &cancel, &told);
            scope.spawn(move || {
                // One somewhere in each part of the run.
                let part = CHANGES / STOPS;
                let moment = 1 + number * part + Draw(seed.wrapping_add(number)).below(part);
                let next = if number % 3 == 0 { cancel } else { upgrade };
                let changes = stop_and_overtake(servers, upgrade, next, usize::try_from(moment).unwrap());
                told.lock().push(changes);
            });
        }
    });
    let mut told = told.into_inner();
    told.sort_unstable();
    println!("runs were stopped and overtaken after these numbers of changes: {told:?}");
}

/// Stops an upgrade after some changes, lets the next run do its work, lets the first one go on. Gives how many changes
/// the first one made.
fn stop_and_overtake(servers: &Servers, upgrade: &Scene, next: &Scene, moment: usize) -> usize {
    let tree = upgrade.plant(servers);
    let by_the_stopped = || {
        let made = servers.audit.of_tree(&tree.name);
        made.into_iter().filter(|made| made.user == STOPPED).map(|made| made.what).collect::<Vec<_>>()
    };
    let mut first = Call::upgrade().user(STOPPED).session_ms(SESSION_MS).start(&tree);
    let runs = first.runs_until(|| by_the_stopped().len() >= moment);
    assert!(runs, "it ended before {moment} changes");
    first.stop();

    let (second, _) = next.call.user("next").run_when_free(&tree, first.id());
    second.assert_success(&format!("while another run was stopped after {moment} changes"));
    tree.assert_is(&next.end, "after the second run");
    let (image, made) = (tree.image(), by_the_stopped());

    first.signal(Signal::CONT);
    let ended = first.end();
    let late = by_the_stopped().split_off(made.len());
    assert!(late.is_empty(), "stopped after {moment} changes, it still made {late:#?}");
    ended.assert_failed(ErrorKind::LockLost, &["lock lost", "next: "]);
    assert_eq!(tree.image(), image);
    made.len()
}
