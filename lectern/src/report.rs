//! Progress: a bar with an ETA on a terminal, plain lines otherwise, JSON lines when asked for.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::out;

/// Shows how far one command is.
pub(crate) enum Report {
    Bar(ProgressBar),
    Lines(Mutex<LastLine>),
    Json(Mutex<LastLine>),
}

pub(crate) struct LastLine {
    began: Instant,
    percent: u64,
    at: Instant,
}

const STEPS: u64 = 1000;
/// Between plain lines.
const LINE_EVERY: Duration = Duration::from_secs(2);

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        let now = Instant::now();
        let last = Mutex::new(LastLine { began: now, percent: 0, at: now });
        if json {
            return Report::Json(last);
        }
        if !std::io::stderr().is_terminal() {
            return Report::Lines(last);
        }
        let bar = ProgressBar::new(STEPS);
        let style =
            ProgressStyle::with_template("{msg:<10} [{wide_bar}] {percent:>3} %  {elapsed} elapsed, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        Report::Bar(bar)
    }

    /// What is being done now.
    pub(crate) fn stage(&self, name: &'static str) {
        match self {
            Report::Bar(bar) => bar.set_message(name),
            Report::Lines(_) => out::note(format_args!("{name} ...")),
            Report::Json(_) => drop(out::line(json!({ "stage": name }))),
        }
    }

    /// `share` of everything is done, 0 to 1.
    pub(crate) fn progress(&self, share: f64) {
        match self {
            Report::Bar(bar) => bar.set_position((share * STEPS as f64) as u64),
            Report::Lines(last) => {
                if let Some((percent, eta_s)) = due(last, share) {
                    out::note(format_args!("{percent} % done, about {eta_s} s left"));
                }
            }
            Report::Json(last) => {
                if let Some((percent, eta_s)) = due(last, share) {
                    // The result comes to the same place; if that cannot be written either, the command fails.
                    let _ = out::line(json!({ "percent": percent, "eta_s": eta_s }));
                }
            }
        }
    }

    pub(crate) fn finish(&self) {
        if let Report::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn due(last: &Mutex<LastLine>, share: f64) -> Option<(u64, u64)> {
    let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let percent = (share * 100.0) as u64;
    if percent <= last.percent || last.at.elapsed() < LINE_EVERY {
        return None;
    }
    (last.percent, last.at) = (percent, Instant::now());
    let elapsed = last.began.elapsed().as_secs_f64();
    Some((percent, (elapsed / share.max(0.01) - elapsed).max(0.0).round() as u64))
}
