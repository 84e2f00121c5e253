//! The bar: how far a run is, how fast it goes, how long it will take, and the task at hand.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::style::TemplateError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// How often the clock of the bar goes on while nothing is heard of the run.
const TICK: Duration = Duration::from_millis(200);

const COUNTED: &str = "{prefix} [{bar:24.green}] {pos}/{len} {percent}%  {rate}  {time_left}  {wide_msg:.dim}";
const UNCOUNTED: &str = "{spinner:.green} {prefix}  {elapsed_precise}  {wide_msg:.dim}";

/// A bar on stderr. Any thread may use it.
pub struct Bar {
    drawn: ProgressBar,
    counted: ProgressStyle,
    uncounted: ProgressStyle,
    // What is shown: the label, and whether tasks are counted.
    shown: Mutex<Option<(String, bool)>>,
}

impl Bar {
    /// A bar that is not drawn before its first [`show`](Self::show). `time_left` is the word for the time left.
    pub fn new(colours: bool, time_left: &str) -> Result<Self, TemplateError> {
        console::set_colors_enabled_stderr(colours);
        let drawn = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Ok(Self { drawn, counted: counted(time_left)?, uncounted: uncounted()?, shown: Mutex::new(None) })
    }

    /// Shows how far the run is: so many of so many, or a spinner where the total is 0.
    pub fn show(&self, label: &str, task: &str, seen: u64, total: u64) {
        let is_counted = total > 0;
        let is_new = self.is_new(label, is_counted);
        if is_counted {
            self.drawn.set_length(total);
        }
        self.drawn.set_position(if is_counted { seen } else { 0 });
        if is_new {
            let style = if is_counted { &self.counted } else { &self.uncounted };
            self.drawn.set_style(style.clone());
            self.drawn.set_prefix(crate::printable(label));
            // What was done before, and how long the stage before took, say nothing of how fast this one is.
            self.drawn.reset_eta();
            self.drawn.reset_elapsed();
            self.drawn.enable_steady_tick(TICK);
        }
        self.drawn.set_message(crate::printable(task));
    }

    /// Whether this is another label, or another kind of bar, than before; it is the one before from now on.
    fn is_new(&self, label: &str, is_counted: bool) -> bool {
        // What a panic elsewhere left there is whole.
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = shown.as_ref().is_none_or(|(known, counted)| known != label || *counted != is_counted);
        if is_new {
            *shown = Some((label.to_owned(), is_counted));
        }
        is_new
    }

    /// Takes the bar off the screen while something else is written, and puts it back.
    pub fn suspend(&self, write: impl FnOnce()) {
        self.drawn.suspend(write);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.drawn.disable_steady_tick();
        self.drawn.finish_and_clear();
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
