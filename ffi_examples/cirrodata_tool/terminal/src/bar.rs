//! The bar: how far a run is, how fast it goes, how long it will take, and the task at hand.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::style::TemplateError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How often the clock of the bar goes on while nothing is heard of the run.
const TICK: Duration = Duration::from_millis(200);

/// Two lines, each with one part that takes the room that is left, so that neither wraps on a narrow terminal.
const COUNTED: &str = "{prefix}  {wide_msg:.dim}\n[{wide_bar:.green}] {pos}/{len} {percent}%  {rate}  {time_left}";
const UNCOUNTED: &str = "{spinner:.green} {prefix}  {elapsed_precise}  {wide_msg:.dim}";

/// A bar on stderr. Any thread may use it.
pub struct Bar {
    counted: ProgressStyle,
    uncounted: ProgressStyle,
    shown: Mutex<Option<Shown>>,
}

/// What is on the screen.
struct Shown {
    bar: ProgressBar,
    label: String,
    is_counted: bool,
}

impl Bar {
    /// A bar that is not drawn before its first [`show`](Self::show). `time_left` is the word for the time left.
    pub fn new(colours: bool, time_left: &str) -> Result<Self, TemplateError> {
        // A style takes the one or the other, by the target that the bar has as the style is set.
        console::set_colors_enabled(colours);
        console::set_colors_enabled_stderr(colours);
        Ok(Self { counted: counted(time_left)?, uncounted: uncounted()?, shown: Mutex::new(None) })
    }

    /// Shows how far the run is: so many of so many, or a spinner where the total is 0.
    pub fn show(&self, label: &str, task: &str, seen: u64, total: u64) {
        let is_counted = total > 0;
        let mut guard = self.shown();
        let of_its_kind = guard.take().filter(|shown| {
            if shown.is_counted != is_counted {
                shown.bar.finish_and_clear();
            }
            shown.is_counted == is_counted
        });
        let shown = guard.insert(of_its_kind.unwrap_or_else(|| self.begin(label, is_counted, seen, total)));
        if shown.label != label {
            label.clone_into(&mut shown.label);
            shown.bar.set_prefix(crate::printable(label));
            if !is_counted {
                // It is how long this takes, not all before it too.
                shown.bar.reset_elapsed();
            }
        }
        if is_counted {
            shown.bar.set_length(total);
            shown.bar.set_position(seen);
        }
        shown.bar.set_message(crate::printable(task));
    }

    /// Takes the bar off the screen while something else is written, and puts it back.
    pub fn suspend(&self, write: impl FnOnce()) {
        match self.shown().as_ref() {
            Some(shown) => shown.bar.suspend(write),
            None => write(),
        }
    }

    /// A bar that is drawn from here on: what is set one by one before would be seen so.
    fn begin(&self, label: &str, is_counted: bool, seen: u64, total: u64) -> Shown {
        let bar = ProgressBar::with_draw_target(is_counted.then_some(total), ProgressDrawTarget::hidden());
        bar.set_style(if is_counted { &self.counted } else { &self.uncounted }.clone());
        bar.set_prefix(crate::printable(label));
        if is_counted {
            bar.set_position(seen);
            // What was done before says nothing of how fast it goes.
            bar.reset_eta();
        }
        bar.set_draw_target(ProgressDrawTarget::stderr());
        bar.enable_steady_tick(TICK);
        Shown { bar, label: label.to_owned(), is_counted }
    }

    fn shown(&self) -> MutexGuard<'_, Option<Shown>> {
        // What a panic elsewhere left there is whole.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(shown) = self.shown().take() {
            shown.bar.finish_and_clear();
        }
    }
}

fn counted(time_left: &str) -> Result<ProgressStyle, TemplateError> {
    let time_left = crate::printable(time_left);
    Ok(ProgressStyle::with_template(COUNTED)?
        .progress_chars("=> ")
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}/s", state.per_sec());
        })
        .with_key("time_left", move |state: &ProgressState, out: &mut dyn Write| {
            let seconds = state.eta().as_secs();
            // Nothing is known before the first tasks are done; at the end it is truly nothing.
            if seconds == 0 && state.len().is_some_and(|total| state.pos() < total) && state.per_sec() < 1.0 {
                let _ = write!(out, "{time_left} --:--");
            } else if seconds < 3600 {
                let _ = write!(out, "{time_left} {:02}:{:02}", seconds / 60, seconds % 60);
            } else {
                let _ = write!(out, "{time_left} {}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            }
        }))
}

fn uncounted() -> Result<ProgressStyle, TemplateError> {
    Ok(ProgressStyle::with_template(UNCOUNTED)?.tick_chars("-\\|/ "))
}
