//! An operation on a tree, disturbed at any of its calls; and how the schedules of a sweep are carried out and judged.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

use comptask_upgrade::{ErrorKind, MemoryStorage, Operation, RunOptions};
use parking_lot::Mutex;

use super::checker::{differences, image, normal, Image};
use super::disk::Disk;
use super::faults::{Call, Fault, FaultStorage};
use super::sessions::{builder, fresh, kind_of, run, Answer};

/// An operation on a tree, and what it does undisturbed.
pub struct Scenario {
    pub name: String,
    pub start: MemoryStorage,
    catalog: &'static str,
    operation: Operation,
    options: RunOptions,
    /// What holds at every instant.
    holds: Holds,
    end: Image,
    pub kind: Option<ErrorKind>,
    pub calls: Vec<Call>,
}

type Holds = Box<dyn Fn(&Image) -> Result<(), String> + Send + Sync>;

#[derive(Default)]
pub struct Tally {
    pub schedules: u64,
    pub faults: BTreeMap<Fault, u64>,
    /// Runs that bore the fault and went through at once.
    borne: u64,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.borne += other.borne;
        self.failures.extend(other.failures.iter().cloned());
        other.faults.iter().for_each(|(fault, count)| *self.faults.entry(*fault).or_default() += count);
    }

    pub fn strike(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }
}

impl Debug for Scenario {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.name)
    }
}

impl Scenario {
    /// `ended` says what a tree is that the undisturbed run leaves where it goes through.
    pub fn new(
        name: &str,
        (start, catalog): (MemoryStorage, &'static str),
        (operation, options): (Operation, RunOptions),
        holds: impl Fn(&Image) -> Result<(), String> + Send + Sync + 'static,
        ended: impl Fn(&Image) -> Result<(), String>,
    ) -> Self {
        let by = if operation == Operation::Recovery { options.recovery_mode.word() } else { "" };
        let force = if options.force { " by force" } else { "" };
        let mut scenario = Self {
            name: format!("{} {by} of {name}{force}", operation.word()),
            start,
            catalog,
            operation,
            options,
            holds: Box::new(holds),
            end: Image::new(),
            kind: None,
            calls: Vec::new(),
        };
        let tree = scenario.start.copy();
        let (answer, storage) = scenario.disturbed(&Disk::new(&tree), None, 1);
        scenario.kind = kind_of(&answer);
        if let Err(failure) = &answer {
            println!("{}: {}", scenario.name, failure.error);
        }
        scenario.calls = storage.calls();
        scenario.end = normal(image(&tree));
        let ended = if scenario.kind.is_none() { ended(&image(&tree)) } else { (scenario.holds)(&image(&tree)) };
        ended.unwrap_or_else(|why| panic!("{}, undisturbed: {why}", scenario.name));
        scenario
    }

    fn disturbed(&self, disk: &Disk, fault: Option<(u64, Fault)>, seed: u64) -> (Answer, FaultStorage) {
        let storage = FaultStorage::on(disk, fault, seed);
        let lock = storage.lock();
        let session = builder(Arc::new(storage.clone()), lock, self.catalog).open().unwrap();
        (session.run(self.operation, &self.options, None), storage)
    }

    /// I6: the tree is, byte for byte, what the undisturbed run leaves.
    fn ended(&self, tree: &MemoryStorage) -> Result<(), String> {
        match &differences(&normal(image(tree)), &self.end)[..] {
            [] => Ok(()),
            [first, rest @ ..] => Err(format!("I6: {first}, and {} more", rest.len())),
        }
    }

    /// I8: a run without a fault, by another process under another lock, ends as the undisturbed one did.
    fn finish(&self, tree: &MemoryStorage) -> Result<(), String> {
        let answer = fresh(tree, self.catalog).run(self.operation, &self.options, None);
        if kind_of(&answer) != self.kind {
            return Err(format!("I8: the next run ended so: {:?}", answer.err().map(|failure| failure.error)));
        }
        self.ended(tree)
    }

    /// One fault at one call.
    pub fn single(&self, at: u64, fault: Fault, tally: &mut Tally) -> Result<(), String> {
        let tree = self.start.copy();
        let (answer, storage) = self.disturbed(&Disk::new(&tree), Some((at, fault)), at);
        if !storage.struck() {
            return Err("the call was not reached".to_owned());
        }
        tally.schedules += 1;
        tally.strike(fault);
        (self.holds)(&image(&tree))?;
        let is_change = self.calls[usize::try_from(at - 1).unwrap()] != Call::Look;
        if fault == Fault::ReplyLost && is_change && answer.is_err() {
            let error = answer.err().map(|failure| failure.error);
            return Err(format!("a change that was made was taken for one that failed: {error:?}"));
        }
        if answer.is_ok() {
            tally.borne += 1;
            self.ended(&tree).map_err(|why| format!("the run said that it went well: {why}"))?;
        }
        self.status_looks_only(&tree)?;
        self.finish(&tree)
    }

    /// STATUS answers whatever was left, and writes nothing.
    fn status_looks_only(&self, tree: &MemoryStorage) -> Result<(), String> {
        let before = tree.image();
        let answer = run(&fresh(tree, self.catalog), Operation::Status);
        if let Err(failure) = answer {
            return Err(format!("STATUS: {}", failure.error));
        }
        if tree.image() == before {
            Ok(())
        } else {
            Err("STATUS wrote".to_owned())
        }
    }

    /// Faults in the run and in the run that comes after it.
    pub fn double(&self, first: (u64, Fault), draw: &mut Draw, tally: &mut Tally) -> Result<(), String> {
        let tree = self.start.copy();
        // The second process sees what the first one left, and a power cut in it takes what nobody has flushed.
        let disk = Disk::new(&tree);
        let _failed = self.disturbed(&disk, Some(first), first.0);
        // Past the end of what the second run does, no second fault strikes.
        let second = (1 + draw.below(self.calls.len() as u64), draw.fault());
        let (_, storage) = self.disturbed(&disk, Some(second), second.0);
        tally.schedules += 1;
        tally.strike(first.1);
        storage.faults().into_iter().for_each(|(_, fault)| tally.strike(fault));
        let held = (self.holds)(&image(&tree));
        held.and_then(|()| self.finish(&tree)).map_err(|why| format!("then {:?} at call {}: {why}", second.1, second.0))
    }

    pub fn every_fault(&self) -> Vec<(u64, Fault)> {
        let mut all = Vec::new();
        for (call, at) in self.calls.iter().zip(1..) {
            all.extend(Fault::ALL.into_iter().filter(|fault| fault.applies_to(*call)).map(|fault| (at, fault)));
        }
        all
    }
}

/// Numbers from a seed (splitmix64), so that a schedule can be had again.
#[derive(Default)]
pub struct Draw(pub u64);

impl Draw {
    /// A fault of any kind.
    pub fn fault(&mut self) -> Fault {
        Fault::ALL[usize::try_from(self.below(Fault::ALL.len() as u64)).unwrap()]
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound.max(1)
    }

    /// The next number, of any size.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

pub type Item<'a> = (&'a Scenario, (u64, Fault), u64);

/// Works on every schedule of a scenario, named in what fails.
pub fn in_parallel(items: &[Item<'_>], work: impl Fn(&Item<'_>, &mut Tally) -> Result<(), String> + Sync) -> Tally {
    by_two(items, |item, tally| {
        let (scenario, (at, fault), _) = item;
        work(item, tally).map_err(|why| format!("{}, {fault:?} at call {at}: {why}", scenario.name))
    })
}

/// Works on every item with two threads. What fails is gathered: one defect shows in many schedules. A panic is a failure
/// that names its item.
pub fn by_two<T: Sync + Debug>(items: &[T], work: impl Fn(&T, &mut Tally) -> Result<(), String> + Sync) -> Tally {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Tally::default());
    let drain = || loop {
        let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
        let mut tally = Tally::default();
        let worked = catch_unwind(AssertUnwindSafe(|| work(item, &mut tally)));
        if let Err(why) = worked.unwrap_or_else(|panic| Err(format!("{item:?} panicked: {}", text_of(&*panic)))) {
            tally.failures.push(why);
        }
        all.lock().add(&tally);
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(drain);
        drain();
        if let Err(panic) = other.join() {
            std::panic::resume_unwind(panic);
        }
    });
    all.into_inner()
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

pub fn judge(what: &str, tally: &Tally, begun: Instant) {
    const SHOWN: usize = 40;
    let Tally { schedules, faults, borne, failures } = tally;
    println!(
        "{what}: {schedules} schedules in {:.1} s, {borne} borne at once, faults {faults:?}",
        begun.elapsed().as_secs_f64()
    );
    for failure in failures.iter().take(SHOWN) {
        println!("  {failure}");
    }
    assert!(failures.is_empty(), "{what}: {} of {schedules} schedules failed, the first {SHOWN} above", failures.len());
}
