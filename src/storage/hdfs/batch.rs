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

/// What became of one call.
pub(crate) enum Answer<T> {
    /// It has its result.
    Done(Result<T>),
    /// Not done, and the same call may do later.
    Later(Error),
    /// Not done, because no NameNode could be reached.
    Away(Error),
    /// A read whose reply was lost.
    Again(Error),
    /// A file was made and could not be filled: it must go before anything else is said of it.
    Clear {
        /// Why it could not be filled.
        error: Error,
        /// Whether another attempt may do better.
        again: bool,
    },
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
}

impl<T> Reply<T> {
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
        self.report(Answer::Done(Err(error)));
    }
}

/// How a batch is carried out.
pub(crate) struct Batch {
    /// How many are under way at most.
    pub(crate) in_flight: usize,
    /// How long a NameNode that cannot serve is waited for.
    pub(crate) wait: Duration,
    /// Whether one that cannot be reached is waited for too.
    pub(crate) wait_if_away: bool,
    /// What a call is that ended in a defect of the client.
    pub(crate) defect: ErrorKind,
}

struct Ticket {
    index: usize,
    step: Step,
    attempt: u32,
}

struct State<T> {
    queue: VecDeque<Ticket>,
    answers: Vec<Option<Result<T>>>,
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
        let (sender, reports) = mpsc::channel();
        let mut state = State {
            queue: (0..count).map(|index| Ticket { index, step: Step::Make, attempt: 1 }).collect(),
            answers: (0..count).map(|_| None).collect(),
            waiting_since: None,
            pause: PAUSE,
            resume_at: None,
            refused: None,
        };
        let mut running = 0_usize;
        loop {
            while running < self.in_flight.max(1) && state.may_send() {
                let Some(ticket) = state.queue.pop_front() else { break };
                if state.refused.is_none() {
                    state.refused = permit().err();
                }
                if let Some(refusal) = state.refused.clone() {
                    state.refuse(ticket, refusal);
                    continue;
                }
                let (index, step) = (ticket.index, ticket.step.clone());
                start(index, &step, Reply { ticket: Some(ticket), reports: sender.clone(), defect: self.defect });
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
        let missing = || Err(Error::new(ErrorKind::Internal, "a call of the HDFS client ended without an answer"));
        state.answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect()
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
        if let Some(answer) = self.answers.get_mut(index) {
            *answer = Some(result);
        }
    }

    /// The answer of a call that is not sent.
    fn refuse(&mut self, ticket: Ticket, refusal: Error) {
        let error = match ticket.step {
            Step::Make => refusal,
            Step::Clear { error, .. } => left_behind(&error, &refusal),
        };
        self.answer(ticket.index, Err(error));
    }

    fn take(&mut self, batch: &Batch, mut ticket: Ticket, answer: Answer<T>) {
        let answer = match answer {
            Answer::Away(error) if !batch.wait_if_away => Answer::Done(Err(error)),
            Answer::Away(error) => Answer::Later(error),
            answer => answer,
        };
        if let Answer::Later(error) = answer {
            let since = *self.waiting_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= batch.wait {
                let waited = format!("{} (waited {} s)", error.message(), since.elapsed().as_secs());
                let error = Error::new(ErrorKind::RetryLater, waited).advise(error.next_action());
                // The others would hear the same, so they are not sent.
                self.refused.get_or_insert_with(|| error.clone());
                self.refuse(ticket, error);
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
        self.waiting_since = None;
        self.pause = PAUSE;
        match (answer, ticket.step.clone()) {
            (Answer::Again(_), Step::Make) if ticket.attempt < ATTEMPTS => {
                ticket.attempt += 1;
                self.queue.push_front(ticket);
            }
            (Answer::Clear { error, again }, Step::Make) => {
                ticket.step = Step::Clear { error, again };
                self.queue.push_front(ticket);
            }
            (Answer::Done(Ok(_)), Step::Clear { again: true, .. }) if ticket.attempt < ATTEMPTS => {
                ticket.attempt += 1;
                ticket.step = Step::Make;
                self.queue.push_front(ticket);
            }
            (Answer::Done(Ok(_)), Step::Clear { error, .. }) => self.answer(ticket.index, Err(error)),
            (Answer::Done(Err(failed)) | Answer::Again(failed), Step::Clear { error, .. })
            | (Answer::Clear { error: failed, .. }, Step::Clear { error, .. }) => {
                self.answer(ticket.index, Err(left_behind(&error, &failed)));
            }
            (Answer::Done(result), Step::Make) => self.answer(ticket.index, result),
            (Answer::Again(error) | Answer::Later(error) | Answer::Away(error), _) => {
                self.answer(ticket.index, Err(error));
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

    use super::*;

    fn failed(kind: ErrorKind) -> Error {
        Error::new(kind, "words")
    }

    /// The answer of a batch of one, how often leave was asked for, and how often the call was made.
    fn one(leaves: usize, wait: Duration, answer: fn(&Step, usize) -> Answer<()>) -> (Result<()>, usize, usize) {
        let batch = Batch { in_flight: 4, wait, wait_if_away: true, defect: ErrorKind::OutcomeUnknown };
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
            Step::Make => Answer::Clear { error: failed(ErrorKind::Storage), again: true },
            Step::Clear { .. } => Answer::Done(Ok(())),
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
            Step::Make => Answer::Clear { error: failed(ErrorKind::Quota), again: false },
            Step::Clear { .. } => Answer::Done(Err(failed(ErrorKind::OutcomeUnknown))),
        });
        assert_eq!(kind(answer), Some(ErrorKind::OutcomeUnknown));
    }

    #[test]
    fn leave_is_asked_again_after_a_wait() {
        let later_twice = |_: &Step, made| match made {
            0 | 1 => Answer::Later(failed(ErrorKind::RetryLater)),
            _ => Answer::Done(Ok(())),
        };
        let (answer, asked, made) = one(100, Duration::from_secs(30), later_twice);
        assert_eq!((kind(answer), asked, made), (None, 3, 3));
        let (answer, asked, made) = one(1, Duration::from_secs(30), later_twice);
        assert_eq!((kind(answer), asked, made), (Some(ErrorKind::LockLost), 2, 1));
        let (answer, _, made) = one(100, Duration::ZERO, later_twice);
        assert_eq!((kind(answer), made), (Some(ErrorKind::RetryLater), 1));
    }

    #[test]
    fn a_lost_reply_is_asked_for_three_times_and_a_defect_is_an_answer() {
        let (answer, _, made) = one(100, Duration::ZERO, |_, _| Answer::Again(failed(ErrorKind::Storage)));
        assert_eq!((kind(answer), made), (Some(ErrorKind::Storage), 3));
        let (answer, ..) = one(100, Duration::ZERO, |_, _| panic!("a defect of the client"));
        assert_eq!(kind(answer), Some(ErrorKind::OutcomeUnknown));
    }
}
