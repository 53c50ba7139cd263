//! `lectern lint`.

mod fetch;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use lint::{Linter, Options, RULES, Report, Severity, Step};
use serde_json::json;

use crate::cli::Lint;
use crate::exit::Failure;
use crate::out;
use crate::package::read_keys;
use fetch::Fetcher;

pub(crate) fn run(options: &Lint, json: bool) -> Result<(), Failure> {
    if options.rules {
        return rules(json);
    }
    let keys = match &options.key_file {
        Some(path) => read_keys(path)?.entries().iter().map(|entry| (entry.id, entry.key.clone())).collect(),
        None => Vec::new(),
    };
    let max_segments_per_track = options.segments.unwrap_or(usize::MAX);
    let how = Options { max_segments_per_track, keys, digests: options.clear.is_some(), ..Options::default() };
    let mut twins = twins(options)?.into_iter();
    let mut broken = 0;
    for root in roots(&options.targets)? {
        let report = examine(&root, how.clone());
        if let Some(twin) = twins.next() {
            compare(&root, &report, &twin, &examine(&twin, how.clone()))?;
        }
        broken += report.count(Severity::Error);
        if options.strict {
            broken += report.count(Severity::Warning);
        }
        if json { out::line(json!({ "root": root, "report": report }))? } else { out::print(&report)? }
    }
    if broken == 0 {
        return Ok(());
    }
    Err(Failure::failed("lint.broken", format!("rules are broken in {broken} places"), ""))
}

/// What is to be compared with, an entry point for each of those that are looked at.
fn twins(options: &Lint) -> Result<Vec<String>, Failure> {
    let Some(clear) = &options.clear else { return Ok(Vec::new()) };
    let (ours, theirs) = (roots(&options.targets)?, roots(std::slice::from_ref(clear))?);
    if ours.len() == theirs.len() {
        return Ok(theirs);
    }
    let detail = format!("{} entry points are to be compared with {}", ours.len(), theirs.len());
    Err(Failure::config("lint.twin", detail, "name one playlist or MPD, and its twin in clear"))
}

/// Every track of one has the samples of some track of the other.
fn compare(root: &str, report: &Report, twin: &str, clear: &Report) -> Result<(), Failure> {
    let known = |digest: &String| clear.samples.iter().any(|track| track.blake3.as_ref() == Some(digest));
    let other = report.samples.iter().find(|track| !track.blake3.as_ref().is_some_and(known));
    let detail = match other {
        None if report.samples.is_empty() => format!("{root} has no samples"),
        None => return Ok(()),
        Some(track) if track.blake3.is_none() => format!("{} cannot be decrypted with these keys", track.resource),
        Some(track) => format!("{}: its {} samples are those of no track of {twin}", track.resource, track.count),
    };
    Err(Failure::failed("lint.samples", detail, "compare key, scheme and source of both"))
}

/// Lints one presentation to the end.
pub(crate) fn examine(root: &str, options: Options) -> Report {
    let limit = options.max_object_bytes;
    let mut linter = Linter::new(root, options);
    let mut fetcher = Fetcher::new(limit);
    while let Step::Fetch { uri, range } = linter.poll() {
        linter.give(fetcher.fetch(&uri, range));
    }
    linter.report()
}

/// What a folder stands for: its multivariant playlist and MPD, or else all playlists and MPDs that lie in it.
fn roots(targets: &[String]) -> Result<Vec<String>, Failure> {
    let mut roots = Vec::new();
    for target in targets {
        let folder = Path::new(target);
        if !folder.is_dir() {
            roots.push(target.clone());
            continue;
        }
        let unreadable = |error: std::io::Error| {
            Failure::bad_input("input.unreadable", format!("{target}: {error}"), "check the path and its permissions")
        };
        let mut here = Vec::new();
        for entry in folder.read_dir().map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|kind| kind == "m3u8" || kind == "mpd") && path.is_file() {
                here.push(path.to_string_lossy().into_owned());
            }
        }
        if here.is_empty() {
            let detail = format!("{target} holds no .m3u8 and no .mpd file");
            return Err(Failure::bad_input("lint.nothing", detail, "name the playlist or the MPD itself"));
        }
        here.sort();
        // What a multivariant playlist names is read through it.
        if here.iter().any(|path| is_multivariant(path)) {
            here.retain(|path| !path.ends_with(".m3u8") || is_multivariant(path));
        }
        roots.extend(here);
    }
    Ok(roots)
}

fn is_multivariant(path: &str) -> bool {
    const HEAD_BYTES: u64 = 64 << 10;
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    read.is_ok() && head.split(|&byte| byte == b'\n').any(|line| line.starts_with(b"#EXT-X-STREAM-INF"))
}

fn rules(json: bool) -> Result<(), Failure> {
    if json {
        return out::line(json!({ "rules": RULES }));
    }
    for rule in RULES {
        let severity = format!("{:?}", rule.severity).to_lowercase();
        out::line(format_args!("{:<28} {severity:<8} {} ({})", rule.id, rule.title, rule.clause))?;
    }
    Ok(())
}
