//! `kill -9` of the tool at random moments, each followed by a plain run to the same bytes.

use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::scenes::{self, Scene};
use crate::servers::Servers;
use crate::support::checker::normal;
use crate::support::sweep::Draw;

const UPGRADE_KILLS: u64 = 100;
const WAY_BACK_KILLS: u64 = 15;
/// Trees at a time. A run waits for servers most of its time.
const TREES: u64 = 10;
/// The session of a run that is killed: its lock stays for so long.
const SESSION_MS: u32 = 2_000;

/// A run that nobody disturbed: what there is to kill it in.
struct Course {
    until_first: Duration,
    from_first_to_last: Duration,
    changes: u64,
}

/// When a run is killed.
#[derive(Debug)]
enum Moment {
    AfterStart(Duration),
    AfterFirstChange(Duration),
    /// As soon as this many changes are seen: most changes come in bursts, which a random time seldom hits.
    AtChange(u64),
}

impl Moment {
    fn draw(draw: &mut Draw, course: &Course) -> Self {
        let mut within = |time: Duration| {
            let micros = u64::try_from(time.as_micros()).unwrap();
            Duration::from_micros(draw.below(micros + 1))
        };
        let (early, late) = (within(course.until_first), within(course.from_first_to_last));
        match draw.below(20) {
            0 => Self::AfterStart(early),
            1..=9 => Self::AfterFirstChange(late),
            _ => Self::AtChange(1 + draw.below(course.changes - 1)),
        }
    }
}

#[derive(Default)]
struct Tally {
    /// Killed while it ran.
    under_way: u64,
    /// Of these, between the first and the last change.
    in_between: u64,
    too_late: u64,
    /// Kills after which the lock of the dead run was met, and how often in all.
    met_the_lock: u64,
    refusals: u64,
}

fn undisturbed(servers: &Servers, scene: &Scene) -> Course {
    let tree = scene.plant(servers);
    let planted = tree.changes();
    let mut tool = scene.call.start(&tree);
    let started = tool.started;
    // The log is read all the time, so that it tells when.
    tool.runs_until(|| servers.audit.look());
    tool.end().assert_success("undisturbed");
    tree.assert_is(&scene.end, "undisturbed");
    let made = servers.audit.of_tree(&tree.name).split_off(planted);
    let (first, last) = (made.first().unwrap().seen, made.last().unwrap().seen);
    Course { until_first: first - started, from_first_to_last: last - first, changes: made.len() as u64 }
}

/// One kill and what comes after it. Gives whether it hit a tool that ran.
fn kill_once(servers: &Servers, scene: &Scene, moment: &Moment, tally: &Mutex<Tally>) -> bool {
    let tree = scene.plant(servers);
    let planted = tree.changes();
    let mut tool = scene.call.session_ms(SESSION_MS).start(&tree);
    let changes = || (tree.changes() - planted) as u64;
    match *moment {
        Moment::AfterStart(time) => {
            let until = Instant::now() + time;
            tool.runs_until(|| Instant::now() >= until);
        }
        Moment::AfterFirstChange(time) => {
            tool.runs_until(|| changes() > 0);
            let until = Instant::now() + time;
            tool.runs_until(|| Instant::now() >= until);
        }
        Moment::AtChange(number) => {
            tool.runs_until(|| changes() >= number);
        }
    }
    let (was_running, killed) = tool.kill();
    let left = tree.image();
    (scene.holds)(&left).unwrap_or_else(|why| panic!("{}, killed {moment:?}: {why}", scene.name));
    let in_between = changes() > 0 && left != scene.start && normal(left) != scene.end;
    let (second, refusals) = scene.call.run_when_free(&tree, killed.process);
    second.assert_success(&format!("{}, after a kill {moment:?}", scene.name));
    tree.assert_is(&scene.end, &format!("after a kill {moment:?}"));
    let mut tally = tally.lock();
    if was_running {
        tally.under_way += 1;
        tally.in_between += u64::from(in_between);
    } else {
        tally.too_late += 1;
    }
    tally.refusals += u64::from(refusals);
    tally.met_the_lock += u64::from(refusals > 0);
    was_running
}

/// Kills of runs of a scene that are still to be made, and what came of the others.
struct Series {
    scene: Scene,
    course: Course,
    kills: u64,
    tally: Mutex<Tally>,
}

impl Series {
    fn new(servers: &Servers, scene: Scene, kills: u64) -> Self {
        Self { course: undisturbed(servers, &scene), scene, kills, tally: Mutex::default() }
    }

    fn judge(self) {
        let Self { scene, course, kills, tally } = self;
        let Tally { under_way, in_between, too_late, met_the_lock, refusals } = tally.into_inner();
        println!(
            "{}: killed at {under_way} moments while it ran, {in_between} of them between the first and the last of {} \
             changes; {too_late} came too late ({} ms undisturbed); the lock of the dead was met after {met_the_lock} \
             kills, {refusals} times",
            scene.name,
            course.changes,
            (course.until_first + course.from_first_to_last).as_millis(),
        );
        assert!(under_way >= kills, "only {under_way} kills hit a running tool");
        assert!(in_between * 10 >= under_way * 6, "only {in_between} kills hit between the first and the last change");
        assert!(met_the_lock > 0, "no run was refused for the lock of the dead");
    }
}

/// Makes the kills of all series, several trees at a time.
fn kill_and_run_again(servers: &Servers, all: &[Series]) {
    let seed = seed();
    println!("replay with COMPTASK_UPGRADE_SEED={seed}");
    let mut waiting: Vec<&Series> = Vec::new();
    for series in all {
        waiting.extend((0..series.kills).map(|_| series));
    }
    let (total, waiting, begun) = (waiting.len() as u64, Mutex::new(waiting), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..TREES {
            scope.spawn(|| loop {
                let number = begun.fetch_add(1, Ordering::Relaxed);
                // What comes too late proves nothing, and another kill takes its place; but not for ever.
                let Some(series) = waiting.lock().pop().filter(|_| number < 4 * total) else { return };
                let mut draw = Draw(seed.wrapping_add(number.wrapping_mul(1 << 32)));
                let moment = Moment::draw(&mut draw, &series.course);
                let kill = AssertUnwindSafe(|| kill_once(servers, &series.scene, &moment, &series.tally));
                match catch_unwind(kill) {
                    Ok(true) => {}
                    Ok(false) => waiting.lock().push(series),
                    Err(panic) => {
                        // One failure is enough: the others end what they have begun.
                        waiting.lock().clear();
                        resume_unwind(panic);
                    }
                }
            });
        }
    });
}

/// The seed of the random moments: the environment's, or the time.
pub fn seed() -> u64 {
    std::env::var("COMPTASK_UPGRADE_SEED").map_or_else(
        |_| u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos()),
        |seed| seed.parse().expect("COMPTASK_UPGRADE_SEED is a number"),
    )
}

#[test]
fn whatever_is_killed_ends_in_the_same_bytes() {
    let servers = Servers::shared();
    let mut all = vec![Series::new(&servers, scenes::upgrade(scenes::FEW), UPGRADE_KILLS)];
    for scene in [scenes::cancel(), scenes::downgrade(), scenes::delete()] {
        all.push(Series::new(&servers, scene, WAY_BACK_KILLS));
    }
    kill_and_run_again(&servers, &all);
    all.into_iter().for_each(Series::judge);
}
