//! Two steps on a tree, one after the other or at once: what must hold whatever befalls them, and the trees in which they
//! can end.

use comptask_upgrade::{ErrorKind, MemoryStorage, Operation, RecoveryMode};

use super::checker::{differences, image, normal, under_way_bars_nodes, Checker, Image};
use super::disk::Disk;
use super::faults::Fault;
use super::returned::{downgrade_of_lived, lived, upgraded, without_rubbish, Return};
use super::steps::{recovery, Answered, Step, DELETE, STATUS, UPGRADE};
use super::sweep::Tally;
use super::trees::{fixture, Fixture};

/// What holds on a tree at every instant, whatever the two processes were asked.
pub enum Law {
    /// Of a V1 tree that is upgraded, deleted, or cancelled.
    Upgrade(Box<Checker>),
    /// Of a tree on which V2 has been at work, that goes back.
    Return(Box<Return>),
}

impl Law {
    fn holds(&self, now: &Image, tree: &MemoryStorage, catalog: &str) -> Result<(), String> {
        let Answered::Gate(gate) = Step::Gate.plainly(&tree.copy(), catalog) else {
            return Err("the gate does not answer".to_owned());
        };
        under_way_bars_nodes(now, gate)?;
        match self {
            Self::Upgrade(checker) => {
                checker.node_may_start(now, gate)?;
                if now.contains_key("Compaction_V2/Taskrecovery") {
                    return checker.v1_is_whole(now);
                }
                checker.at_every_instant(now, Operation::Delete)
            }
            Self::Return(back) => back.no_task_is_lost(now),
        }
    }
}

/// Two steps on a tree.
pub struct Course {
    pub start: MemoryStorage,
    pub catalog: &'static str,
    law: Law,
    pub steps: [Step; 2],
    /// The trees in which the two can end, by courses that nothing disturbed.
    ends: Vec<Image>,
}

impl Course {
    fn new(start: &MemoryStorage, catalog: &'static str, law: Law, steps: [Step; 2]) -> Self {
        let mut course = Self { start: start.copy(), catalog, law, steps, ends: Vec::new() };
        let [first, second] = steps;
        let before: [&[Step]; 5] = [&[], &[first], &[second], &[first, second], &[second, first]];
        for steps in before {
            let tree = course.start.copy();
            for step in steps {
                let answered = step.plainly(&tree, catalog);
                assert!(!went_wrong(answered), "{course:?}, undisturbed: {step:?} answered {answered:?}");
            }
            let end = course.settle(&tree).unwrap_or_else(|why| panic!("{course:?}, undisturbed: {why}"));
            if !course.ends.contains(&end) {
                course.ends.push(end);
            }
        }
        course
    }

    /// Both steps until neither has anything left to do.
    fn settle(&self, tree: &MemoryStorage) -> Result<Image, String> {
        let [first, second] = self.steps;
        let mut refused = false;
        for step in [second, first, second] {
            let answered = step.plainly(tree, self.catalog);
            refused |= answered == Answered::Failed(ErrorKind::Refused);
            if went_wrong(answered) {
                return Err(format!("I8: {step:?}, undisturbed, answered {answered:?}"));
            }
        }
        let end = normal(image(tree));
        // Who is refused clears nothing.
        Ok(if refused { without_rubbish(end) } else { end })
    }

    /// The first process with its fault, and how many calls the second one makes after it.
    pub fn befall(&self, fault: (u64, Fault), seed: u64) -> (Disk, u64) {
        let disk = Disk::new(&self.start.copy());
        let (answered, storage) = self.steps[0].disturbed(&disk, self.catalog, [fault], seed);
        no_defect_was_seen(answered).unwrap_or_else(|why| panic!("{self:?}, {fault:?}: {why}"));
        assert!(storage.struck(), "{self:?}: call {} was not reached", fault.0);
        let (_, next) = self.steps[1].disturbed(&disk.copy(), self.catalog, [], seed);
        (disk, next.calls().len() as u64)
    }

    /// The second process with its fault, on what the first left.
    pub fn pair(&self, left: &Disk, fault: (u64, Fault), seed: u64, tally: &mut Tally) -> Result<(), String> {
        let disk = left.copy();
        let (answered, storage) = self.steps[1].disturbed(&disk, self.catalog, [fault], seed);
        no_defect_was_seen(answered)?;
        let Some((_, befallen)) = storage.faults().first().copied() else {
            return Err("the call was not reached".to_owned());
        };
        tally.schedules += 1;
        tally.strike(befallen);
        let tree = disk.live();
        self.holds(&tree)?;
        self.ends_well(&tree)
    }

    /// I8, I6: undisturbed from here on, both steps end in a tree that an undisturbed course makes.
    pub fn ends_well(&self, tree: &MemoryStorage) -> Result<(), String> {
        let end = self.settle(tree)?;
        if self.ends.contains(&end) {
            return Ok(());
        }
        let differ = differences(&end, &self.ends[0]);
        Err(format!("I6: it ends in no tree that an undisturbed course makes: {differ:?}"))
    }

    /// What holds at every instant.
    pub fn holds(&self, tree: &MemoryStorage) -> Result<(), String> {
        self.law.holds(&image(tree), tree, self.catalog)
    }
}

impl std::fmt::Debug for Course {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{:?}, then {:?}", self.steps[0], self.steps[1])
    }
}

/// No fault makes a run blame itself, or whoever changed the files: nobody did.
pub fn no_defect_was_seen(answered: Answered) -> Result<(), String> {
    match answered {
        Answered::Failed(ErrorKind::Internal | ErrorKind::Damaged | ErrorKind::Corrupt) => {
            Err(format!("a process that was disturbed answered {answered:?}"))
        }
        _ => Ok(()),
    }
}

/// A refusal is an answer, whatever was asked; anything else that is not well is not.
fn went_wrong(answered: Answered) -> bool {
    !matches!(answered, Answered::Well | Answered::Gate(_) | Answered::Failed(ErrorKind::Refused))
}

fn of_an_upgrade(fixture: &Fixture) -> Law {
    Law::Upgrade(Box::new(Checker::new(fixture)))
}

/// Each of the operations first, and each after each: the four of the seed and the gate.
pub fn courses() -> Vec<Course> {
    let two = fixture("two");
    let whole = upgraded(&two);
    let mut all = Vec::new();
    let back = recovery(RecoveryMode::Auto);
    for second in [UPGRADE, DELETE, back, STATUS, Step::Gate] {
        all.push(Course::new(&two.storage, two.catalog, of_an_upgrade(&two), [UPGRADE, second]));
        for first in [DELETE, back, Step::Gate] {
            all.push(Course::new(&whole, two.catalog, of_an_upgrade(&two), [first, second]));
        }
    }
    let tree = lived();
    for mode in [RecoveryMode::Downgrade, RecoveryMode::DowngradeOld] {
        for second in [UPGRADE, DELETE, recovery(mode), STATUS, Step::Gate] {
            let back = match mode {
                RecoveryMode::Downgrade => downgrade_of_lived("two", tree.copy(), true),
                _ => Return::to_the_old_files("two", &fixture("seed"), tree.copy()),
            };
            let catalog = back.catalog;
            all.push(Course::new(&tree, catalog, Law::Return(Box::new(back)), [recovery(mode), second]));
        }
    }
    all
}
