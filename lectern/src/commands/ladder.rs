//! `lectern ladder`.

use std::path::{Path, PathBuf};

use engine_host::EngineOptions;
use ladders::{KeyframeCost, Ladder, SourceShape};
use media_types::EncodePlan;
use serde_json::json;

use crate::cli::LadderCommand;
use crate::exit::Failure;
use crate::ladder_book;
use crate::out;

pub(crate) fn run(command: LadderCommand, json: bool) -> Result<(), Failure> {
    match command {
        LadderCommand::Check { files } => check(&files, json),
        LadderCommand::Explain { ladder, size: (width, height), rate, bitrate_kbps, hdr, source } => {
            let ladder = ladder_book::find(&ladder)?;
            let stated = SourceShape {
                width,
                height,
                frame_rate: rate,
                video_bitrate_bps: bitrate_kbps.map(|rate| rate.saturating_mul(1000)),
                keyframes: KeyframeCost::default(),
                is_hdr: hdr,
            };
            let shape = source.as_deref().map_or(Ok(stated), measured)?;
            let decided = source.filter(|_| ladder.per_title.is_some());
            let decided = decided.map(|path| decide(&path, &ladder)).transpose()?.flatten();
            explain(&ladder, &shape, decided.as_ref(), json)
        }
        LadderCommand::Plot { ladder, source, svg } => {
            plot(&ladder_book::find(&ladder)?, source.as_deref(), svg.as_deref())
        }
        LadderCommand::Renew { ladder, asset, data } => crate::block_on(super::renew::run(ladder, asset, data, json)),
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

fn explain(ladder: &Ladder, shape: &SourceShape, decided: Option<&EncodePlan>, json: bool) -> Result<(), Failure> {
    let decided = decided.and_then(|plan| Some((plan, plan.decision.as_ref()?, plan.video.as_ref()?)));
    if let Some((plan, decision, video)) = decided {
        return match json {
            true => out::line(json!({
                "ladder": ladder.name, "renditions": video.renditions, "skipped": plan.skipped, "decision": decision,
            })),
            false => out::print(ladders::explain_decision(decision, &video.renditions)),
        };
    }
    let selection = ladders::select(ladder, shape);
    if json {
        out::line(json!({ "ladder": ladder.name, "renditions": selection.renditions, "skipped": selection.skipped }))
    } else {
        out::print(ladders::explain(ladder, &selection, shape))
    }
}

fn plot(ladder: &Ladder, source: Option<&Path>, svg: Option<&Path>) -> Result<(), Failure> {
    let decision = match source {
        None => None,
        Some(path) => {
            let decided = decide(path, ladder)?.and_then(|plan| plan.decision);
            Some(decided.ok_or_else(|| {
                Failure::failed(
                    "ladder.nothing_to_decide",
                    format!("{} gets the rungs of {} as they are", path.display(), ladder.name),
                    "choose a ladder with a [per_title] section and a recording of a minute or more, or leave out --source",
                )
            })?)
        }
    };
    let (text, picture): (String, String) = match &decision {
        Some(decision) => (ladders::plot_decision_text(decision), ladders::plot_decision_svg(decision)),
        None => (ladders::plot_text(ladder), ladders::plot_svg(ladder)),
    };
    match svg {
        None => out::print(text),
        Some(path) => std::fs::write(path, picture).map_err(|error| {
            Failure::failed("output.failed", format!("{}: {error}", path.display()), "choose another file")
        }),
    }
}

/// The plan of a recording with its own rungs; `None` when it gets the ladder's.
fn decide(path: &Path, ladder: &Ladder) -> Result<Option<EncodePlan>, Failure> {
    let mut engine = EngineOptions::find()?;
    engine.nice = 0;
    crate::block_on(async { Ok(workers::decide_local(path, ladder, &engine).await?) })
}

fn measured(path: &Path) -> Result<SourceShape, Failure> {
    let report = crate::block_on(super::probe::probe(&[path.to_owned()]))?;
    pipeline::source_shape(&report).map_err(|error| workers::WorkError::from(error).into())
}
