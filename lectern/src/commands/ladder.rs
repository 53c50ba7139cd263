//! `lectern ladder`.

use std::path::{Path, PathBuf};

use ladders::{Ladder, SourceShape};
use media_types::FrameRate;
use serde_json::json;

use crate::cli::LadderCommand;
use crate::exit::Failure;
use crate::ladder_book;

pub(crate) fn run(command: LadderCommand, json: bool) -> Result<(), Failure> {
    match command {
        LadderCommand::Check { files } => check(&files, json),
        LadderCommand::Explain { ladder, size, rate, bitrate_kbps, source } => {
            let ladder = ladder_book::find(&ladder)?;
            let shape = match source {
                Some(path) => measured(&path)?,
                None => stated(&size, &rate, bitrate_kbps)?,
            };
            explain(&ladder, &shape, json);
            Ok(())
        }
        LadderCommand::Plot { ladder, svg } => plot(&ladder_book::find(&ladder)?, svg.as_deref()),
        LadderCommand::Schema => {
            println!("{:#}", ladders::json_schema());
            Ok(())
        }
    }
}

fn check(files: &[PathBuf], json: bool) -> Result<(), Failure> {
    let shipped = ladders::catalog().iter().map(|(name, text)| (format!("{name}.toml"), (*text).to_owned()));
    let texts: Vec<(String, String)> = if files.is_empty() {
        shipped.collect()
    } else {
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Failure::config("ladder.not_readable", format!("{}: {error}", path.display()), "check the path")
            })?;
            Ok((path.display().to_string(), text))
        };
        files.iter().map(read).collect::<Result<_, Failure>>()?
    };
    let mut bad = Vec::new();
    for (file, text) in &texts {
        match ladders::parse(file, text) {
            Ok(ladder) if json => {
                println!("{}", json!({ "file": file, "ok": true, "name": ladder.name, "sha256": ladder.sha256 }))
            }
            Ok(ladder) => println!("{file}: {} with {} rungs is fine", ladder.name, ladder.rungs.len()),
            Err(report) => {
                if json {
                    println!("{}", json!({ "file": file, "ok": false, "mistakes": report.mistakes }));
                }
                bad.push(report.to_string());
            }
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(Failure::config("ladder.invalid", bad.join("\n"), "")) }
}

fn explain(ladder: &Ladder, shape: &SourceShape, json: bool) {
    let selection = ladders::select(ladder, shape);
    if json {
        println!(
            "{}",
            json!({ "ladder": ladder.name, "renditions": selection.renditions, "skipped": selection.skipped })
        );
    } else {
        print!("{}", ladders::explain(ladder, &selection, shape));
    }
}

fn plot(ladder: &Ladder, svg: Option<&Path>) -> Result<(), Failure> {
    match svg {
        None => print!("{}", ladders::plot_text(ladder)),
        Some(path) => std::fs::write(path, ladders::plot_svg(ladder)).map_err(|error| {
            Failure::failed("output.failed", format!("{}: {error}", path.display()), "choose another file")
        })?,
    }
    Ok(())
}

fn stated(size: &str, rate: &str, bitrate_kbps: Option<u64>) -> Result<SourceShape, Failure> {
    let wrong = |what: &str, text: &str, like: &str| {
        Failure::config("arguments.invalid", format!("{text} is not a {what}"), &format!("write it like {like}"))
    };
    let (width, height) = size
        .split_once(['x', 'X'])
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .filter(|&(width, height): &(u32, u32)| width > 0 && height > 0)
        .ok_or_else(|| wrong("size", size, "1920x1080"))?;
    let (num, den) = rate.split_once('/').unwrap_or((rate, "1"));
    let frame_rate = num
        .parse()
        .ok()
        .zip(den.parse().ok())
        .and_then(|(num, den)| FrameRate::new(num, den))
        .ok_or_else(|| wrong("frame rate", rate, "25 or 30000/1001"))?;
    Ok(SourceShape { width, height, frame_rate, video_bitrate_bps: bitrate_kbps.map(|rate| rate.saturating_mul(1000)) })
}

fn measured(path: &Path) -> Result<SourceShape, Failure> {
    let report = crate::block_on(super::probe::probe(path))?;
    pipeline::source_shape(&report).map_err(|error| workers::WorkError::from(error).into())
}
