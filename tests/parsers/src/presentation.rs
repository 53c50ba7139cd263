//! The linter of anybody's presentations.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use lint::{Fetched, Linter, Options, Step};

use crate::fixture;

/// Valid presentations, clear and protected, by path.
pub(crate) static GOOD: LazyLock<[BTreeMap<String, Bytes>; 2]> = LazyLock::new(|| {
    [false, true].map(|protected| {
        fixture::files(protected).into_iter().map(|(path, bytes)| (path, Bytes::from(bytes))).collect()
    })
});

const ROOTS: [&str; 4] = ["m.m3u8", "m.mpd", "v1.m3u8", "x.mp4"];
const MAX_FETCHES: usize = 300;
const MAX_FINDINGS: usize = 200;

/// A valid presentation in which the input takes the place of one file. The first byte says where to begin, and with bit
/// 2 whether the presentation is protected; the second which file it is, in the order of paths.
pub fn presentation(data: &[u8]) {
    let &[choice, which, ref content @ ..] = data else { return };
    let files = &GOOD[usize::from(choice >> 2 & 1)];
    let replaced = files.keys().nth(usize::from(which) % files.len()).expect("a remainder is below the count");
    let content = Bytes::copy_from_slice(content);
    let options = Options { max_fetches: MAX_FETCHES, max_findings: MAX_FINDINGS, ..fixture::options() };
    let mut linter = Linter::new(ROOTS[usize::from(choice & 3)], options);
    let mut fetches = 0;
    while let Step::Fetch { uri, range } = linter.poll() {
        fetches += 1;
        assert!(fetches <= MAX_FETCHES, "more is fetched than allowed");
        let file = if uri == *replaced { Some(&content) } else { files.get(&uri) };
        let answer = file.ok_or_else(|| "404 Not Found".to_owned()).map(|file| {
            let (start, length) = range.unwrap_or((0, u64::MAX));
            let end = start.saturating_add(length).min(file.len() as u64);
            let bytes = file.slice(start.min(end) as usize..end as usize);
            Fetched { bytes, content_type: None, final_uri: uri.clone() }
        });
        linter.give(answer);
    }
    assert_eq!(linter.poll(), Step::Done, "done stays done");
    let report = linter.report();
    assert!(report.findings.len() <= MAX_FINDINGS, "{} findings", report.findings.len());
    assert!(report.objects <= MAX_FETCHES as u64);
    let _ = report.to_string();
}
