//! Many calls under way at a time. The calling thread alone asks the fence and starts calls; the client's threads carry
//! them and report back, so a batch is read top to bottom here.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};

/// How often a call that failed for certain is made anew where a fresh start may help.
const ATTEMPTS: u32 = 3;

/// The first and the longest pause before a NameNode that cannot serve now is asked again.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long leave is good for. A call waits for its turn on a thread of the client, and the process may be stopped in
/// the meantime; the lock in `ZooKeeper` keeps a quarter of its session for the change under way, so much of the shortest.
const LEAVE: Duration = Duration::from_millis(250);

/// How often a call may come too late: a machine that is so busy all the time would go on for ever.
const MOST_LATE: u32 = 1_000;

/// What became of one call.
pub(crate) type Answer<T> = std::result::Result<T, Setback>;

/// What became of a call that has no result.
pub(crate) enum Setback {
    /// This is its answer.
    Failed(Error),
    /// Not done, and the same call may do later.
    Later(Error),
    /// Not done, because no NameNode could be reached.
    Away(Error),
    /// A read whose reply was lost.
    Again(Error),
    /// Not sent, because its leave was too old.
    Unsent,
    /// A file was made and could not be filled: it must go before anything else is said of it.
    Clear {
        /// Why it could not be filled.
        error: Error,
        /// Whether another attempt may do better.
        again: bool,
    },
}

impl From<Error> for Setback {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a call is to do.
#[derive(Clone)]
pub(crate) enum Step {
    /// What was asked for.
    Make,
    /// The end of a file that could not be filled.
    Clear {
        /// Why it could not be filled.
        error: Error,
        /// Whether it is made anew after that.
        again: bool,
    },
}

/// Where the answer of one call goes. One that is dropped without an answer, as by a panic, says so by itself.
pub(crate) struct Reply<T> {
    ticket: Option<Ticket>,
    reports: mpsc::Sender<(Ticket, Answer<T>)>,
    defect: ErrorKind,
    /// When leave was asked for.
    asked: Instant,
}

impl<T> Reply<T> {
    /// Whether the call came too late to its turn: it is answered as unsent then, and leave is asked for anew.
    pub(crate) fn is_late(&self) -> bool {
        self.asked.elapsed() >= LEAVE
    }

    /// Hands the answer over. Nobody listens where the batch is over, and then nobody asks.
    pub(crate) fn send(mut self, answer: Answer<T>) {
        self.report(answer);
    }

    fn report(&mut self, answer: Answer<T>) {
        if let Some(ticket) = self.ticket.take() {
            let _nobody_listens = self.reports.send((ticket, answer));
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        let error = Error::new(self.defect, "a call of the HDFS client broke off without an answer");
        self.report(Err(error.into()));
    }
}

/// How a batch is carried out.
pub(crate) struct Batch {
    /// How many are under way at most.
    pub(crate) in_flight: usize,
    /// How long a NameNode that cannot serve is waited for.
    pub(crate) wait: Duration,
    /// Whether one that cannot be reached is waited for too: whoever opens a root wants to hear at once that nobody
    /// listens there.
    pub(crate) wait_if_away: bool,
    /// What a call is that ended in a defect of the client.
    pub(crate) defect: ErrorKind,
    /// Whether the client sends a call again by itself and tells the last answer only: "not now" may then hide a reply
    /// that was lost before it.
    pub(crate) not_now_may_hide_a_loss: bool,
}

struct Ticket {
    index: usize,
    step: Step,
    attempt: u32,
    /// How often it came too late to its turn.
    late: u32,
    /// An attempt of it may have been carried out, so that what a later one finds may be its own work.
    may_be_done: bool,
}

impl Ticket {
    fn new(index: usize) -> Self {
        Self { index, step: Step::Make, attempt: 1, late: 0, may_be_done: false }
    }

    /// The error of this call, as far as it can be known.
    fn known(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::RetryLater | ErrorKind::LockLost
                if self.may_be_done =>
            {
                let text = format!("an earlier attempt may have been carried out; the last one: {}", error.message());
                Error::new(ErrorKind::OutcomeUnknown, text).at(error.path())
            }
            _ => error,
        }
    }
}

struct State<T> {
    queue: VecDeque<Ticket>,
    answers: Vec<Option<Result<T>>>,
    /// The places of those that wait for each call.
    waiting: Vec<Vec<usize>>,
    /// Since when the NameNode has answered nothing but "not now".
    waiting_since: Option<Instant>,
    pause: Duration,
    resume_at: Option<Instant>,
    /// Why nothing more is sent: the fence refused, or the wait is over.
    refused: Option<Error>,
}

impl Batch {
    /// Carries out `count` calls, each started by `start` after `permit` gave leave, and gives the answers in order.
    pub(crate) fn run<T>(
        &self,
        count: usize,
        permit: &dyn Fn() -> Result<()>,
        start: &dyn Fn(usize, &Step, Reply<T>),
    ) -> Vec<Result<T>> {
        let missing = || Err(Error::new(ErrorKind::Internal, "a call of the HDFS client ended without an answer"));
        let answers = self.run_in_order(count, &[], permit, start);
        answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect()
    }

    /// The same for calls some of which need another: `after` has for each the place of that one. Without an answer are
    /// those that need one which failed.
    pub(crate) fn run_in_order<T>(
        &self,
        count: usize,
        after: &[Option<usize>],
        permit: &dyn Fn() -> Result<()>,
        start: &dyn Fn(usize, &Step, Reply<T>),
    ) -> Vec<Option<Result<T>>> {
        let (sender, reports) = mpsc::channel();
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut queue = VecDeque::with_capacity(count);
        for index in 0..count {
            match after.get(index).copied().flatten().and_then(|needed| waiting.get_mut(needed)) {
                Some(waiting) => waiting.push(index),
                None => queue.push_back(Ticket::new(index)),
            }
        }
        let mut state = State {
            queue,
            answers: (0..count).map(|_| None).collect(),
            waiting,
            waiting_since: None,
            pause: PAUSE,
            resume_at: None,
            refused: None,
        };
        let mut running = 0_usize;
        loop {
            while running < self.in_flight.max(1) && state.may_send() {
                let Some(ticket) = state.queue.pop_front() else { break };
                let asked = Instant::now();
                if state.refused.is_none() {
                    state.refused = permit().err();
                }
                if let Some(refusal) = state.refused.clone() {
                    state.refuse(&ticket, refusal);
                    continue;
                }
                let (index, step) = (ticket.index, ticket.step.clone());
                let reply = Reply { ticket: Some(ticket), reports: sender.clone(), defect: self.defect, asked };
                start(index, &step, reply);
                running += 1;
            }
            if running == 0 && state.queue.is_empty() {
                break;
            }
            if running == 0 {
                state.sleep();
                continue;
            }
            // This function holds a sender itself, so the channel never closes.
            let Ok((ticket, answer)) = reports.recv() else { break };
            running -= 1;
            state.take(self, ticket, answer);
        }
        state.answers
    }
}

impl<T> State<T> {
    fn may_send(&self) -> bool {
        self.refused.is_some() || self.resume_at.is_none_or(|at| Instant::now() >= at)
    }

    fn sleep(&self) {
        if let Some(at) = self.resume_at {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
        }
    }

    fn answer(&mut self, index: usize, result: Result<T>) {
        let waiting = self.waiting.get_mut(index).map(std::mem::take).unwrap_or_default();
        if result.is_ok() {
            // At the front, so that a task comes to its slow calls while others are at their quick ones.
            waiting.into_iter().rev().for_each(|index| self.queue.push_front(Ticket::new(index)));
        }
        if let Some(answer) = self.answers.get_mut(index) {
            *answer = Some(result);
        }
    }

    /// The answer of a call that is not sent.
    fn refuse(&mut self, ticket: &Ticket, refusal: Error) {
        let error = match &ticket.step {
            Step::Make => ticket.known(refusal),
            Step::Clear { error, .. } => left_behind(error, &refusal),
        };
        self.answer(ticket.index, Err(error));
    }

    fn take(&mut self, batch: &Batch, mut ticket: Ticket, answer: Answer<T>) {
        let answer = match answer {
            Err(Setback::Away(error)) if !batch.wait_if_away => Err(Setback::Failed(error)),
            Err(Setback::Away(error)) => Err(Setback::Later(error)),
            answer => answer,
        };
        if let Err(Setback::Later(error)) = answer {
            ticket.may_be_done |= batch.not_now_may_hide_a_loss;
            let since = *self.waiting_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= batch.wait {
                let waited = format!("{} (waited {} s)", error.message(), since.elapsed().as_secs());
                let error = Error::new(ErrorKind::RetryLater, waited).advise(error.next_action());
                // The others would hear the same, so they are not sent.
                self.refused.get_or_insert_with(|| error.clone());
                self.refuse(&ticket, error);
                return;
            }
            let now = Instant::now();
            if self.resume_at.is_none_or(|at| now >= at) {
                self.resume_at = Some(now + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            self.queue.push_front(ticket);
            return;
        }
        if !matches!(answer, Err(Setback::Unsent)) {
            // The NameNode has answered.
            self.waiting_since = None;
            self.pause = PAUSE;
        }
        match (answer, ticket.step.clone()) {
            (Err(Setback::Again(_)), Step::Make) if ticket.attempt < ATTEMPTS => {
                ticket.attempt += 1;
                self.queue.push_front(ticket);
            }
            (Err(Setback::Clear { error, again }), Step::Make) => {
                ticket.step = Step::Clear { error, again };
                self.queue.push_front(ticket);
            }
            (Ok(_), Step::Clear { again: true, .. }) if ticket.attempt < ATTEMPTS => {
                ticket.attempt += 1;
                ticket.step = Step::Make;
                self.queue.push_front(ticket);
            }
            (Ok(_), Step::Clear { error, .. }) => self.answer(ticket.index, Err(error)),
            (
                Err(Setback::Failed(failed) | Setback::Again(failed) | Setback::Clear { error: failed, .. }),
                Step::Clear { error, .. },
            ) => self.answer(ticket.index, Err(left_behind(&error, &failed))),
            (Ok(value), Step::Make) => self.answer(ticket.index, Ok(value)),
            (Err(Setback::Failed(error)), Step::Make) => self.answer(ticket.index, Err(ticket.known(error))),
            (Err(Setback::Again(error) | Setback::Later(error) | Setback::Away(error)), _) => {
                self.answer(ticket.index, Err(error));
            }
            (Err(Setback::Unsent), _) if ticket.late < MOST_LATE => {
                ticket.late += 1;
                self.queue.push_front(ticket);
            }
            (Err(Setback::Unsent), _) => {
                let text = "the machine is too busy to send a call within 250 ms of its leave";
                self.refuse(&ticket, Error::new(ErrorKind::RetryLater, text));
            }
        }
    }
}

/// A file that could not be filled may still be there: the caller looks, and does not find all its bytes.
fn left_behind(error: &Error, failed: &Error) -> Error {
    let text = format!("{}; and what was begun could not be removed: {}", error.message(), failed.message());
    Error::new(ErrorKind::OutcomeUnknown, text).at(error.path())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use parking_lot::Mutex;

    use super::*;

    /// A batch of changes.
    fn changes(wait: Duration) -> Batch {
        Batch {
            in_flight: 4,
            wait,
            wait_if_away: true,
            defect: ErrorKind::OutcomeUnknown,
            not_now_may_hide_a_loss: false,
        }
    }

    fn failed(kind: ErrorKind) -> Error {
        Error::new(kind, "words")
    }

    /// The answer of a batch of one, how often leave was asked for, and how often the call was made.
    fn one(leaves: usize, wait: Duration, answer: fn(&Step, usize) -> Answer<()>) -> (Result<()>, usize, usize) {
        let batch = changes(wait);
        let (asked, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let permit = || match asked.fetch_add(1, Ordering::Relaxed) {
            before if before < leaves => Ok(()),
            _ => Err(failed(ErrorKind::LockLost)),
        };
        let start = |_, step: &Step, reply: Reply<()>| {
            let (step, made) = (step.clone(), made.fetch_add(1, Ordering::Relaxed));
            // A panic ends the thread and drops the reply, as it does in a client.
            drop(std::thread::spawn(move || reply.send(answer(&step, made))).join());
        };
        let answers = batch.run(1, &permit, &start);
        (answers.into_iter().next().unwrap(), asked.into_inner(), made.into_inner())
    }

    fn kind(answer: Result<()>) -> Option<ErrorKind> {
        answer.err().map(|error| error.kind())
    }

    /// A file that never can be filled, and can be removed.
    fn cannot_be_filled(step: &Step, _: usize) -> Answer<()> {
        match step {
            Step::Make => Err(Setback::Clear { error: failed(ErrorKind::Storage), again: true }),
            Step::Clear { .. } => Ok(()),
        }
    }

    #[test]
    fn a_file_that_cannot_be_filled_goes_before_it_counts_as_not_made() {
        let (answer, asked, made) = one(100, Duration::ZERO, cannot_be_filled);
        assert_eq!((kind(answer), asked, made), (Some(ErrorKind::Storage), 6, 6), "three times made and removed");
    }

    #[test]
    fn without_leave_to_remove_it_its_end_is_unknown() {
        let (answer, asked, made) = one(1, Duration::ZERO, cannot_be_filled);
        assert_eq!((kind(answer), asked, made), (Some(ErrorKind::OutcomeUnknown), 2, 1));
        // With leave for the removal and not for another attempt nothing was made, and the fence says why.
        let (answer, asked, made) = one(2, Duration::ZERO, cannot_be_filled);
        assert_eq!((kind(answer), asked, made), (Some(ErrorKind::LockLost), 3, 2));
    }

    #[test]
    fn a_removal_that_fails_leaves_it_unknown() {
        let (answer, ..) = one(100, Duration::ZERO, |step, _| match step {
            Step::Make => Err(Setback::Clear { error: failed(ErrorKind::Quota), again: false }),
            Step::Clear { .. } => Err(failed(ErrorKind::OutcomeUnknown).into()),
        });
        assert_eq!(kind(answer), Some(ErrorKind::OutcomeUnknown));
    }

    #[test]
    fn leave_is_asked_again_after_a_wait() {
        let later_twice = |_: &Step, made| match made {
            0 | 1 => Err(Setback::Later(failed(ErrorKind::RetryLater))),
            _ => Ok(()),
        };
        let (answer, asked, made) = one(100, Duration::from_secs(30), later_twice);
        assert_eq!((kind(answer), asked, made), (None, 3, 3));
        let (answer, asked, made) = one(1, Duration::from_secs(30), later_twice);
        assert_eq!((kind(answer), asked, made), (Some(ErrorKind::LockLost), 2, 1));
        let (answer, _, made) = one(100, Duration::ZERO, later_twice);
        assert_eq!((kind(answer), made), (Some(ErrorKind::RetryLater), 1));
    }

    #[test]
    fn leave_that_waited_for_its_turn_is_asked_for_anew() {
        let batch = changes(Duration::ZERO);
        let (asked, made, turns) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let permit = || match asked.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Ok(()),
            _ => Err(failed(ErrorKind::LockLost)),
        };
        let start = |_, _: &Step, reply: Reply<()>| {
            // The first two turns come late, as to a process that was stopped.
            if turns.fetch_add(1, Ordering::Relaxed) < 2 {
                std::thread::sleep(LEAVE);
            }
            if reply.is_late() {
                return reply.send(Err(Setback::Unsent));
            }
            made.fetch_add(1, Ordering::Relaxed);
            reply.send(Ok(()));
        };
        let answers = batch.run(1, &permit, &start);
        assert_eq!(answers.into_iter().map(kind).collect::<Vec<_>>(), [Some(ErrorKind::LockLost)]);
        assert_eq!((asked.into_inner(), made.into_inner()), (3, 0), "nothing goes out by old leave");
    }

    #[test]
    fn what_not_now_may_hide_is_not_taken_for_a_no() {
        let found = |kind| {
            move |_: &Step, made| match made {
                0 => Err(Setback::Later(failed(ErrorKind::RetryLater))),
                _ => Err(failed(kind).into()),
            }
        };
        let one = |hides, wait, answer: &dyn Fn(&Step, usize) -> Answer<()>| {
            let made = AtomicUsize::new(0);
            let batch = Batch { not_now_may_hide_a_loss: hides, ..changes(wait) };
            let start = |_, step: &Step, reply: Reply<()>| {
                reply.send(answer(step, made.fetch_add(1, Ordering::Relaxed)));
            };
            kind(batch.run(1, &|| Ok(()), &start).remove(0))
        };
        let wait = Duration::from_secs(30);
        for said in [ErrorKind::NotFound, ErrorKind::AlreadyExists] {
            assert_eq!(one(true, wait, &found(said)), Some(ErrorKind::OutcomeUnknown));
            assert_eq!(one(false, wait, &found(said)), Some(said));
        }
        assert_eq!(one(true, wait, &found(ErrorKind::Quota)), Some(ErrorKind::Quota));
        assert_eq!(one(true, Duration::ZERO, &found(ErrorKind::Quota)), Some(ErrorKind::OutcomeUnknown));
        assert_eq!(one(false, Duration::ZERO, &found(ErrorKind::Quota)), Some(ErrorKind::RetryLater));
    }

    #[test]
    fn a_lost_reply_is_asked_for_three_times_and_a_defect_is_an_answer() {
        let (answer, _, made) = one(100, Duration::ZERO, |_, _| Err(Setback::Again(failed(ErrorKind::Storage))));
        assert_eq!((kind(answer), made), (Some(ErrorKind::Storage), 3));
        let (answer, ..) = one(100, Duration::ZERO, |_, _| panic!("a defect of the client"));
        assert_eq!(kind(answer), Some(ErrorKind::OutcomeUnknown));
    }

    /// A tree of calls, each after the one at half its place, so that most depend on a call that is not the last one made.
    fn halves(count: usize) -> Vec<Option<usize>> {
        (0..count).map(|place| (place > 2).then_some(place / 2)).collect()
    }

    #[test]
    fn a_call_begins_when_the_one_that_it_needs_was_answered_and_not_before() {
        let after = halves(200);
        let answered = Mutex::new(vec![false; 200]);
        let start = |index: usize, _: &Step, reply: Reply<usize>| {
            if let Some(needed) = after[index] {
                assert!(answered.lock()[needed], "{index} needs {needed}");
            }
            answered.lock()[index] = true;
            reply.send(Ok(index));
        };
        let answers = changes(Duration::ZERO).run_in_order(200, &after, &|| Ok(()), &start);
        let places: Vec<usize> = answers.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
        assert_eq!(places, (0..200).collect::<Vec<usize>>());
    }

    #[test]
    fn what_needs_a_call_that_failed_is_not_sent_and_the_others_are() {
        let sent = Mutex::new(Vec::new());
        let start = |index: usize, _: &Step, reply: Reply<()>| {
            sent.lock().push(index);
            reply.send(if index == 4 { Err(failed(ErrorKind::Quota).into()) } else { Ok(()) });
        };
        let answers = changes(Duration::ZERO).run_in_order(20, &halves(20), &|| Ok(()), &start);
        // 8 and 9 need 4, and 16 to 19 need these.
        let unanswered: Vec<usize> = (0..20).filter(|place| answers[*place].is_none()).collect();
        assert_eq!(unanswered, [8, 9, 16, 17, 18, 19]);
        assert!(sent.lock().iter().all(|index| !unanswered.contains(index)));
        assert!(answers.iter().flatten().filter(|answer| answer.is_err()).count() == 1);
    }

    #[test]
    fn what_needs_a_call_that_is_made_anew_waits_for_the_last_attempt() {
        let attempts = AtomicUsize::new(0);
        let start = |index: usize, _: &Step, reply: Reply<usize>| {
            let is_first = index == 0 && attempts.fetch_add(1, Ordering::Relaxed) == 0;
            let again = || Err(Setback::Again(failed(ErrorKind::Storage)));
            reply.send(if is_first { again() } else { Ok(attempts.load(Ordering::Relaxed)) });
        };
        let answers = changes(Duration::ZERO).run_in_order(2, &[None, Some(0)], &|| Ok(()), &start);
        let attempts: Vec<usize> = answers.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
        assert_eq!(attempts, [2, 2]);
    }

    #[test]
    fn without_leave_nothing_that_waits_is_sent() {
        let leaves = AtomicUsize::new(0);
        let permit = || match leaves.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(failed(ErrorKind::LockLost)),
        };
        let start = |_: usize, _: &Step, reply: Reply<()>| reply.send(Ok(()));
        let mut answers = changes(Duration::ZERO).run_in_order(3, &[None, Some(0), Some(1)], &permit, &start);
        let (third, second) = (answers.pop().unwrap(), answers.pop().unwrap());
        assert_eq!(second.unwrap().unwrap_err().kind(), ErrorKind::LockLost);
        assert!(third.is_none() && answers.pop().unwrap().unwrap().is_ok());
    }
}
