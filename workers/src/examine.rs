//! What was made, read back through the linter before anyone else sees it.

use bytes::Bytes;
use lint::{Fetched, Linter, Options, Report, Severity, Step};

use crate::error::WorkError;

/// Segments of each track that are read through the MPD; all are read through the playlists.
pub(crate) const SEGMENTS_THROUGH_MPD: usize = 2;

/// Broken rules that are told; a fault in every segment is one fault.
const TOLD: usize = 5;

/// Reads the presentation whose entry point is `root` to its last segment, or as far as `options` say. `fetch` gives the
/// bytes of a URI below `/`, or the part of them that starts at the first number and has the second's length.
///
/// # Errors
/// What `fetch` fails with, and [`WorkError::Engine`] with the first rules that are broken.
pub(crate) async fn examine<F, Fetching>(root: &str, options: Options, mut fetch: F) -> Result<Report, WorkError>
where
    F: FnMut(String, Option<(u64, u64)>) -> Fetching,
    Fetching: Future<Output = Result<Bytes, WorkError>>,
{
    let mut linter = Linter::new(&format!("/{root}"), options);
    while let Step::Fetch { uri, range } = linter.poll() {
        let bytes = fetch(uri.trim_start_matches('/').to_owned(), range).await?;
        linter.give(Ok(Fetched { bytes, content_type: None, final_uri: uri }));
    }
    let report = linter.report();
    let broken: Vec<_> = report.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
    if broken.is_empty() {
        return Ok(report);
    }
    let told: Vec<_> =
        broken.iter().take(TOLD).map(|finding| format!("{}: {}", finding.rule.id, finding.message)).collect();
    Err(WorkError::Engine(format!("{root} breaks {} rules: {}", broken.len(), told.join("; "))))
}

/// The part of an object that a range asks for, as far as the object goes.
pub(crate) fn part(bytes: &Bytes, start: u64, length: u64) -> Bytes {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(start)..at(start.saturating_add(length)))
}
