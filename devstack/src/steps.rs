//! What is shown while the system starts: a line a step, with the time it took.

use std::io::{IsTerminal, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Result;

static DONE: AtomicBool = AtomicBool::new(false);

/// Whether all steps have been shown.
pub(crate) fn are_done() -> bool {
    DONE.load(Ordering::Relaxed)
}

/// Says what came of the steps; there are no more.
pub(crate) fn done(summary: &str) {
    say(summary);
    DONE.store(true, Ordering::Relaxed);
}

/// Shows a step while `work` runs, and what came of it.
pub(crate) async fn step<T>(name: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    let started = Instant::now();
    progress(name);
    let result = work.await;
    let seconds = started.elapsed().as_secs_f64();
    match &result {
        Ok(_) => finish(&format!("  ✓ {name} ({seconds:.1} s)")),
        Err(_) => finish(&format!("  ✗ {name}")),
    }
    result
}

/// What a step is busy with now; on a terminal in place of what it was before.
pub(crate) fn progress(text: &str) {
    let mut out = stdout();
    let _ = match out.is_terminal() {
        true => write!(out, "\r\x1b[2K  … {text}"),
        false => writeln!(out, "  … {text}"),
    };
    let _ = out.flush();
}

fn finish(line: &str) {
    if stdout().is_terminal() {
        let _ = write!(stdout(), "\r\x1b[2K");
    }
    say(line);
}

/// Says something to whoever started this; nobody reading is no reason to stop.
pub(crate) fn say(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}
