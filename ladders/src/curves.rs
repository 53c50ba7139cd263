//! What was decided for a recording, for a person: the figures as a table, and the curves as a picture.

use std::collections::BTreeMap;

use media_types::{LadderDecision, Rendition, Trial};

use crate::explain::{kilo, push_line};
use crate::plot::{Axis, escape, join};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 64.0;
/// Characters of the plot on a terminal.
const COLUMNS: usize = 60;
const LINES: usize = 18;
/// Dark enough for a label on white; the sizes take them in turn.
const COLOURS: [&str; 6] = ["#0a5ca8", "#9a3b00", "#19692c", "#7a2a8c", "#8a6d00", "#4a4a4a"];

/// What was tried and what was chosen, as two tables. Plain text, at most 100 columns for names of usual length.
pub fn explain_decision(decision: &LadderDecision, renditions: &[Rendition]) -> String {
    let mut text = String::new();
    let (width, height) = decision.compared_at;
    let seconds = decision.sampled_ms as f64 / 1000.0;
    let (target, step) = (decision.wanted.target_db, decision.wanted.step_db);
    let lines = [
        format!("decided by {seconds:.1} s of samples, compared at {width}x{height} (XPSNR of the luma)"),
        format!("wanted: {target} dB at best, steps of {step} dB at least"),
    ];
    lines.iter().for_each(|line| push_line(&mut text, line));
    if let Some(legible) = decision.wanted.legible_lines.filter(|_| decision.is_drawn) {
        push_line(&mut text, &format!("most of it is drawn: {legible} lines or more, so that it can be read"));
    }
    let lines = [String::new(), format!("{:<16} {:>11} {:>6} {:>8} {:>6}", "tried", "size", "crf", "kbit/s", "dB")];
    lines.iter().for_each(|line| push_line(&mut text, line));
    for trial in &decision.trials {
        let size = format!("{}x{}", trial.width, trial.height);
        let (rate, db) = (kilo(trial.bitrate_bps), trial.quality_db);
        push_line(&mut text, &format!("{:<16} {size:>11} {:>6} {rate:>8} {db:>6.1}", size_name(trial), trial.crf));
    }
    push_line(&mut text, &format!("\n{:<16} {:>11} {:>6} {:>8} {:>6}", "chosen", "size", "crf", "kbit/s", "dB"));
    for chosen in &decision.chosen {
        let found = renditions.iter().find(|rendition| rendition.name == chosen.name);
        let size = found.map_or(String::new(), |one| format!("{}x{}", one.width, one.height));
        let crf = found.map_or(String::new(), |one| one.encoding.crf.to_string());
        let (name, rate, db) = (&chosen.name, kilo(chosen.bitrate_bps), chosen.quality_db);
        push_line(&mut text, &format!("{name:<16} {size:>11} {crf:>6} {rate:>8} {db:>6.1}"));
    }
    if decision.first_is_early_only {
        push_line(
            &mut text,
            "\nThe lowest rung is only for who plays before the rest is made: others look better and are smaller.",
        );
    }
    text
}

/// Trials that differ in their rate factor alone, by their height.
fn by_size(decision: &LadderDecision) -> BTreeMap<(u32, &str), Vec<&Trial>> {
    let mut sizes: BTreeMap<(u32, &str), Vec<&Trial>> = BTreeMap::new();
    for trial in &decision.trials {
        sizes.entry((trial.width.min(trial.height), size_name(trial))).or_default().push(trial);
    }
    sizes
}

/// The rung's name without the rate factor.
fn size_name(trial: &Trial) -> &str {
    trial.name.split_once("-crf").map_or(&trial.name, |(name, _)| name)
}

fn points(decision: &LadderDecision) -> impl Iterator<Item = (f64, f64)> {
    let trials = decision.trials.iter().map(|trial| (trial.bitrate_bps, trial.quality_db));
    let chosen = decision.chosen.iter().map(|one| (one.bitrate_bps, one.quality_db));
    trials.chain(chosen).map(|(rate, db)| (rate as f64, db))
}

fn axes(decision: &LadderDecision, x: (f64, f64), y: (f64, f64)) -> (Axis, Axis) {
    let rates = Axis::over(points(decision).map(|(rate, _)| rate), x.0, x.1);
    (rates, Axis::linear_over(points(decision).map(|(_, db)| db), y.0, y.1))
}

/// Quality over rate as a standalone SVG, readable on light and on dark pages: a line for each size, a ring for each rung.
pub fn plot_decision_svg(decision: &LadderDecision) -> String {
    let (x, y) = axes(decision, (MARGIN, WIDTH - 2.0 * MARGIN), (HEIGHT - MARGIN, MARGIN));
    let place = |rate: u64, db: f64| (x.at(rate as f64), y.at(db));
    let mut svg = String::new();
    let (left, right, bottom, top) = (MARGIN, WIDTH - MARGIN / 2.0, HEIGHT - MARGIN, MARGIN);
    let head = [
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="12">"#
        ),
        "  <title>Quality over rate, and what was chosen</title>".to_owned(),
        format!(r##"  <rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##),
        format!(r##"  <path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#5c5c5c"/>"##),
    ];
    head.iter().for_each(|line| push_line(&mut svg, line));
    for (trials, colour) in by_size(decision).values().zip(COLOURS.iter().cycle()) {
        let at: Vec<_> = trials.iter().map(|trial| place(trial.bitrate_bps, trial.quality_db)).collect();
        let line = at.iter().copied().map(join).collect::<Vec<_>>().join(" ");
        push_line(
            &mut svg,
            &format!(r#"  <polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>"#),
        );
        for (x, y) in &at {
            push_line(&mut svg, &format!(r#"  <circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#));
        }
        if let (Some((x, y)), Some(trial)) = (at.first(), trials.first()) {
            let name = escape(size_name(trial));
            push_line(
                &mut svg,
                &format!(r#"  <text x="{:.1}" y="{:.1}" fill="{colour}">{name}</text>"#, x + 8.0, y + 4.0),
            );
        }
    }
    for chosen in &decision.chosen {
        let (x, y) = place(chosen.bitrate_bps, chosen.quality_db);
        push_line(&mut svg, &format!(r##"  <circle cx="{x:.1}" cy="{y:.1}" r="8" fill="none" stroke="#1a1a1a"/>"##));
        let label = escape(&format!("{} kbit/s, {:.1} dB", kilo(chosen.bitrate_bps), chosen.quality_db));
        push_line(
            &mut svg,
            &format!(
                r##"  <text x="{:.1}" y="{:.1}" text-anchor="end" fill="#1a1a1a">{label}</text>"##,
                x - 10.0,
                y - 8.0
            ),
        );
    }
    let (middle, below, half) = ((left + right) / 2.0, HEIGHT - 24.0, HEIGHT / 2.0);
    push_line(
        &mut svg,
        &format!(
            r##"  <text x="{middle}" y="{below}" text-anchor="middle" fill="#1a1a1a">kbit/s, logarithmic</text>"##
        ),
    );
    push_line(
        &mut svg,
        &format!(
            r##"  <text x="24" y="{half}" text-anchor="middle" fill="#1a1a1a" transform="rotate(-90 24 {half})">XPSNR of the luma in dB</text>"##
        ),
    );
    svg.push_str("</svg>\n");
    svg
}

/// The same for a terminal: a letter for each size, `*` for each rung.
pub fn plot_decision_text(decision: &LadderDecision) -> String {
    let (x, y) = axes(decision, (0.0, (COLUMNS - 1) as f64), ((LINES - 1) as f64, 0.0));
    let mut grid = vec![vec![' '; COLUMNS]; LINES];
    let mut put = |rate: u64, db: f64, mark: char| {
        let (column, line) = (x.at(rate as f64).round().max(0.0) as usize, y.at(db).round().max(0.0) as usize);
        grid[line.min(LINES - 1)][column.min(COLUMNS - 1)] = mark;
    };
    let mut legend = Vec::new();
    for (trials, mark) in by_size(decision).values().zip('a'..='z') {
        legend.extend(trials.first().map(|trial| format!("{mark} {}", size_name(trial))));
        trials.iter().for_each(|trial| put(trial.bitrate_bps, trial.quality_db, mark));
    }
    decision.chosen.iter().for_each(|one| put(one.bitrate_bps, one.quality_db, '*'));
    let mut text = String::new();
    push_line(&mut text, &format!("XPSNR in dB over kbit/s, logarithmic: {}, * chosen", legend.join(", ")));
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    points(decision).for_each(|(_, db)| (low, high) = (low.min(db), high.max(db)));
    for (number, line) in grid.iter().enumerate() {
        let label = match number {
            0 => format!("{high:.1}"),
            last if last == LINES - 1 => format!("{low:.1}"),
            _ => String::new(),
        };
        push_line(&mut text, &format!("{label:>6} |{}", line.iter().collect::<String>()));
    }
    let (least, most) = points(decision).fold((f64::INFINITY, 0.0_f64), |(a, b), (rate, _)| (a.min(rate), b.max(rate)));
    let (least, most) = (kilo(least as u64).to_string(), kilo(most as u64).to_string());
    push_line(&mut text, &format!("        {least}{most:>width$}", width = COLUMNS.saturating_sub(least.len())));
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use media_types::{Chosen, PerTitle};

    use super::*;

    fn decision() -> LadderDecision {
        let trial = |name: &str, height: u32, crf: f32, kbps: u64, quality_db: f64| Trial {
            name: format!("{name}-crf{crf}"),
            width: height * 16 / 9,
            height,
            crf,
            bitrate_bps: kbps * 1000,
            quality_db,
        };
        LadderDecision {
            wanted: PerTitle { target_db: 39.0, step_db: 2.0, legible_lines: None },
            sampled_ms: 16_000,
            compared_at: (1920, 1080),
            is_drawn: false,
            trials: vec![
                trial("360p", 360, 23.0, 687, 28.6),
                trial("720p", 720, 23.0, 2380, 33.4),
                trial("720p", 720, 29.0, 990, 31.0),
                trial("1080p", 1080, 23.0, 6036, 38.3),
                trial("1080p", 1080, 29.0, 2280, 34.0),
            ],
            chosen: vec![
                Chosen { name: "720p".to_owned(), bitrate_bps: 1_119_000, quality_db: 31.8 },
                Chosen { name: "1080p".to_owned(), bitrate_bps: 6_036_000, quality_db: 38.3 },
            ],
            first_is_early_only: true,
        }
    }

    #[test]
    fn the_tables_have_every_trial_and_every_rung() {
        let text = explain_decision(&decision(), &[]);
        assert!(text.contains("720p                1280x720     29      990   31.0\n"), "{text}");
        assert!(text.contains(&format!("1080p{}6036   38.3\n", " ".repeat(35))), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn a_plot_has_a_mark_for_each_size_and_each_rung() {
        let text = plot_decision_text(&decision());
        assert!(
            text.starts_with("XPSNR in dB over kbit/s, logarithmic: a 360p, b 720p, c 1080p, * chosen\n  38.3 |"),
            "{text}"
        );
        assert_eq!(text.lines().skip(1).map(|line| line.matches('*').count()).sum::<usize>(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80) && text.contains("\n        687 "), "{text}");
        let svg = plot_decision_svg(&decision());
        assert_eq!((svg.matches("<polyline").count(), svg.matches("r=\"8\"").count()), (3, 2));
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    }

    #[test]
    fn hostile_names_and_figures_still_plot() {
        let mut odd = decision();
        odd.trials[0].name = "<script>".to_owned();
        odd.trials.iter_mut().for_each(|trial| trial.bitrate_bps = 0);
        odd.chosen.clear();
        assert!(!plot_decision_svg(&odd).contains("<script>") && !plot_decision_svg(&odd).contains("NaN"));
        odd.trials.clear();
        assert!(!plot_decision_svg(&odd).contains("NaN") && plot_decision_text(&odd).lines().count() == LINES + 2);
    }
}
