//! Logging, set up once per process: lines for people on a terminal, JSON otherwise; always on standard error, so that
//! standard output stays what the command prints.
//!
//! Layer 3.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging. `default_filter` applies unless `LECTERN_LOG` holds another one, in the syntax of
/// [`EnvFilter`]: `info,sqlx=warn`.
pub fn start(default_filter: &str) {
    let filter = EnvFilter::try_from_env("LECTERN_LOG").unwrap_or_else(|_| EnvFilter::new(default_filter));
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    // A second start in one process changes nothing.
    let _ = if std::io::stderr().is_terminal() {
        lines.with_target(false).compact().try_init()
    } else {
        lines.json().flatten_event(true).with_current_span(false).try_init()
    };
}
