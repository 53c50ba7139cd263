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
    let how = Options { max_segments_per_track: options.segments.unwrap_or(usize::MAX), keys, ..Options::default() };
    let mut broken = 0;
    for root in roots(&options.targets)? {
        let report = examine(&root, how.clone());
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
