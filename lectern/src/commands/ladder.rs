//! `lectern ladder`.

use std::path::{Path, PathBuf};

use ladders::{KeyframeCost, Ladder, SourceShape};
use serde_json::json;

use crate::cli::LadderCommand;
use crate::exit::Failure;
use crate::ladder_book;
use crate::out;

pub(crate) fn run(command: LadderCommand, json: bool) -> Result<(), Failure> {
    match command {
        LadderCommand::Check { files } => check(&files, json),
        LadderCommand::Explain { ladder, size: (width, height), rate, bitrate_kbps, source } => {
            let ladder = ladder_book::find(&ladder)?;
            let stated = SourceShape {
                width,
                height,
                frame_rate: rate,
                video_bitrate_bps: bitrate_kbps.map(|rate| rate.saturating_mul(1000)),
                keyframes: KeyframeCost::default(),
            };
            let shape = source.map_or(Ok(stated), |path| measured(&path))?;
            explain(&ladder, &shape, json)
        }
        LadderCommand::Plot { ladder, svg } => plot(&ladder_book::find(&ladder)?, svg.as_deref()),
        LadderCommand::Schema => out::line(format_args!("{:#}", ladders::json_schema())),
    }
}

fn check(files: &[PathBuf], json: bool) -> Result<(), Failure> {
    let shipped = ladders::catalog().iter().map(|(name, text)| (format!("{name}.toml"), (*text).to_owned()));
    let texts: Vec<(String, String)> = if files.is_empty() {
        shipped.collect()
    } else {
        let read = |path: &PathBuf| {
            let text = ladder_book::read(path)
                .map_err(|reason| Failure::config("ladder.not_readable", reason, "check the path and the file"))?;
            Ok((path.display().to_string(), text))
        };
        files.iter().map(read).collect::<Result<_, Failure>>()?
    };
    let mut bad = Vec::new();
    for (file, text) in &texts {
        match ladders::parse(file, text) {
            Ok(ladder) if json => {
                out::line(json!({ "file": file, "ok": true, "name": ladder.name, "sha256": ladder.sha256 }))?;
            }
            Ok(ladder) => {
                out::line(format_args!("{file}: {} with {} rungs is fine", ladder.name, ladder.rungs.len()))?;
            }
            Err(report) => {
                if json {
                    out::line(json!({ "file": file, "ok": false, "mistakes": report.mistakes }))?;
                }
                bad.push(report.to_string());
            }
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(Failure::config("ladder.invalid", bad.join("\n"), "")) }
}

fn explain(ladder: &Ladder, shape: &SourceShape, json: bool) -> Result<(), Failure> {
    let selection = ladders::select(ladder, shape);
    if json {
        out::line(json!({ "ladder": ladder.name, "renditions": selection.renditions, "skipped": selection.skipped }))
    } else {
        out::print(ladders::explain(ladder, &selection, shape))
    }
}

fn plot(ladder: &Ladder, svg: Option<&Path>) -> Result<(), Failure> {
    match svg {
        None => out::print(ladders::plot_text(ladder)),
        Some(path) => std::fs::write(path, ladders::plot_svg(ladder)).map_err(|error| {
            Failure::failed("output.failed", format!("{}: {error}", path.display()), "choose another file")
        }),
    }
}

fn measured(path: &Path) -> Result<SourceShape, Failure> {
    let report = crate::block_on(super::probe::probe(path))?;
    pipeline::source_shape(&report).map_err(|error| workers::WorkError::from(error).into())
}
