//! A ladder as a picture: the cap of each rung against its height, both on logarithmic axes.

use std::fmt::Write;

use media_types::{DynamicRange, VideoCodec, VideoEncoding};

use crate::explain::{kilo, push_line};
use crate::{Ladder, Rung};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const MARGIN: f64 = 64.0;
/// Characters of the longest bar.
const BAR: f64 = 44.0;

/// A standalone SVG of at most a few kilobytes, readable on light and on dark pages.
pub fn plot_svg(ladder: &Ladder) -> String {
    let x_axis =
        Axis::over(ladder.rungs.iter().map(|rung| rung.encoding.max_bitrate_bps as f64), MARGIN, WIDTH - MARGIN / 2.0);
    let y_axis = Axis::over(ladder.rungs.iter().map(|rung| f64::from(rung.height)), HEIGHT - MARGIN, MARGIN);
    let place = |rung: &Rung| (x_axis.at(rung.encoding.max_bitrate_bps as f64), y_axis.at(f64::from(rung.height)));
    let mut svg = String::new();
    push_line(
        &mut svg,
        &format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="12">"#
        ),
    );
    let title = escape(&format!("{}: cap against height", ladder.name));
    push_line(&mut svg, &format!("  <title>{title}</title>"));
    push_line(&mut svg, &format!(r##"  <rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>"##));
    push_line(&mut svg, &format!(r##"  <text x="{MARGIN}" y="28" font-size="16" fill="#1a1a1a">{title}</text>"##));
    let (left, right, bottom, top) = (MARGIN, WIDTH - MARGIN / 2.0, HEIGHT - MARGIN, MARGIN);
    push_line(&mut svg, &format!(r##"  <path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#5c5c5c"/>"##));
    for rungs in by_group(ladder) {
        let points: Vec<String> = rungs.iter().map(|rung| join(place(rung))).collect();
        let (colour, points) = (colour(rungs[0].encoding.codec), points.join(" "));
        push_line(
            &mut svg,
            &format!(r##"  <polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"##),
        );
    }
    for rung in &ladder.rungs {
        let ((x, y), codec) = (place(rung), rung.encoding.codec);
        let (name, cap) = (&rung.name, kilo(rung.encoding.max_bitrate_bps));
        let label = escape(&format!("{name} ({}) at {cap} kbit/s", kind(&rung.encoding)));
        push_line(&mut svg, &format!(r##"  <circle cx="{x:.1}" cy="{y:.1}" r="5" fill="{}"/>"##, colour(codec)));
        // Labels of the right half lie left of their points, so that none leaves the picture.
        let (anchor, shift) = if x > WIDTH / 2.0 { ("end", -10.0) } else { ("start", 10.0) };
        push_line(
            &mut svg,
            &format!(
                r##"  <text x="{:.1}" y="{:.1}" text-anchor="{anchor}" fill="#1a1a1a">{label}</text>"##,
                x + shift,
                y - 8.0
            ),
        );
    }
    let middle = (left + right) / 2.0;
    push_line(
        &mut svg,
        &format!(
            r##"  <text x="{middle}" y="{}" text-anchor="middle" fill="#1a1a1a">cap in kbit/s, logarithmic</text>"##,
            HEIGHT - 24.0
        ),
    );
    push_line(
        &mut svg,
        &format!(
            r##"  <text x="24" y="{0}" text-anchor="middle" fill="#1a1a1a" transform="rotate(-90 24 {0})">height in pixels, logarithmic</text>"##,
            HEIGHT / 2.0
        ),
    );
    svg.push_str("</svg>\n");
    svg
}

/// The rungs of each codec and dynamic range that the ladder has.
fn by_group(ladder: &Ladder) -> impl Iterator<Item = &[Rung]> {
    ladder.rungs.chunk_by(|left, right| left.encoding.group() == right.encoding.group())
}

/// What a rung is coded as: `hevc`, or `hevc hdr`.
fn kind(encoding: &VideoEncoding) -> String {
    let codec = encoding.codec.name();
    match encoding.dynamic_range {
        DynamicRange::Sdr => codec.to_owned(),
        range => format!("{codec} {}", range.name()),
    }
}

/// Dark enough for a label on white.
fn colour(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::H264 => "#0a5ca8",
        VideoCodec::Hevc => "#9a3b00",
        VideoCodec::Av1 => "#19692c",
        VideoCodec::Vp9 => "#7a2a8c",
    }
}

/// The same for a terminal: one bar per rung, of each codec and range highest first, its length the logarithm of the cap.
pub fn plot_text(ladder: &Ladder) -> String {
    let mut text = String::new();
    push_line(&mut text, &format!("{}: cap in kbit/s, logarithmic", ladder.name));
    let axis = Axis::over(ladder.rungs.iter().map(|rung| rung.encoding.max_bitrate_bps as f64), 4.0, BAR);
    let names = ladder.rungs.iter().map(|rung| rung.name.len()).max().unwrap_or(0);
    let kinds = ladder.rungs.iter().map(|rung| kind(&rung.encoding).len()).max().unwrap_or(0);
    for rung in by_group(ladder).flat_map(|rungs| rungs.iter().rev()) {
        let length = axis.at(rung.encoding.max_bitrate_bps as f64).round().clamp(0.0, BAR) as usize;
        let bar = "#".repeat(length);
        let (kind, cap) = (kind(&rung.encoding), kilo(rung.encoding.max_bitrate_bps));
        let line = format!("{:>names$} {:>5} {kind:>kinds$} | {bar} {cap}", rung.name, rung.height);
        push_line(&mut text, &line);
    }
    text
}

/// A scale from values to coordinates.
pub(crate) struct Axis {
    scale: fn(f64) -> f64,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// A logarithmic one; values below 1 count as 1.
    pub(crate) fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        Self::scaled(|value| value.max(1.0).log2(), values, from, to)
    }

    pub(crate) fn linear_over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        Self::scaled(|value| value, values, from, to)
    }

    fn scaled(scale: fn(f64) -> f64, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let ends = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        let (low, high) = values.map(scale).fold((f64::INFINITY, f64::NEG_INFINITY), ends);
        Self { scale, low, high, from, to }
    }

    /// The coordinate of a value; the far end when all values are equal.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        if span <= 0.0 || !span.is_finite() {
            return self.to;
        }
        self.from + ((self.scale)(value) - self.low) / span * (self.to - self.from)
    }
}

pub(crate) fn join((x, y): (f64, f64)) -> String {
    format!("{x:.1},{y:.1}")
}

pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => {}
            c => out.write_char(c).expect("writing to a string does not fail"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{builtin, catalog};

    #[test]
    fn a_bar_plot_has_the_highest_rung_first_and_grows_with_the_cap() {
        for (name, _) in catalog() {
            let ladder = builtin(name).unwrap();
            let text = plot_text(&ladder);
            let mut bars = text.lines().skip(1).map(|line| line.matches('#').count());
            for rungs in by_group(&ladder) {
                let of_codec: Vec<usize> = bars.by_ref().take(rungs.len()).collect();
                assert!(of_codec.len() == rungs.len() && of_codec.is_sorted_by(|a, b| a > b), "{text}");
            }
            assert_eq!(bars.next(), None);
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        }
    }

    #[test]
    fn an_svg_has_one_point_per_rung_inside_its_frame() {
        let ladder = builtin("film").unwrap();
        let svg = plot_svg(&ladder);
        assert_eq!(svg.matches("<circle").count(), ladder.rungs.len());
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        for part in svg.split("cx=\"").skip(1) {
            let x: f64 = part.split('"').next().unwrap().parse().unwrap();
            assert!((MARGIN..=WIDTH).contains(&x));
        }
    }

    #[test]
    fn a_ladder_of_one_rung_and_a_hostile_name_still_plots() {
        let mut ladder = builtin("film").unwrap();
        ladder.rungs.truncate(1);
        ladder.name = "<script>&\"".to_owned();
        let svg = plot_svg(&ladder);
        assert!(!svg.contains("<script>") && !svg.contains("NaN") && !svg.contains("inf"));
        ladder.rungs.clear();
        assert!(!plot_svg(&ladder).contains("NaN"));
        assert_eq!(plot_text(&ladder).lines().count(), 1);
    }
}
