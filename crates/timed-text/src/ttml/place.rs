//! Regions as cue settings.

use super::names::Attr;
use super::style::{Align, DisplayAlign, Specified, Vertical};
use super::tree::Node;

/// A whole side in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// What lengths are relative to (TTML2 §7.2.2, §10.3).
pub(super) struct Lengths {
    cells: (f64, f64),
    pixels: Option<(f64, f64)>,
}

impl Lengths {
    pub(super) fn of(root: &Node) -> Self {
        let two = |text: &str, unit: &str| {
            let mut parts = text.split_ascii_whitespace().map(|part| part.strip_suffix(unit)?.parse::<u32>().ok());
            match (parts.next().flatten(), parts.next().flatten()) {
                (Some(width @ 1..), Some(height @ 1..)) => Some((f64::from(width), f64::from(height))),
                _ => None,
            }
        };
        Self {
            cells: root.get(Attr::CellResolution).and_then(|text| two(text, "")).unwrap_or((32.0, 15.0)),
            pixels: root.get(Attr::Extent).and_then(|text| two(text, "px")),
        }
    }

    /// Horizontal and vertical length in hundredths of a percent, each inside the picture.
    pub(super) fn pair(&self, text: &str) -> Option<(u32, u32)> {
        let mut parts = text.split_ascii_whitespace();
        let (x, y) = (parts.next()?, parts.next()?);
        let horizontal = length(x, self.cells.0, self.pixels.map(|pixels| pixels.0))?;
        let vertical = length(y, self.cells.1, self.pixels.map(|pixels| pixels.1))?;
        parts.next().is_none().then_some((horizontal, vertical))
    }
}

fn length(text: &str, cells: f64, pixels: Option<f64>) -> Option<u32> {
    let unit = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+'))?;
    let value: f64 = text[..unit].parse().ok()?;
    let share = match &text[unit..] {
        "%" | "rw" | "rh" => value / 100.0,
        "c" => value / cells,
        "px" => value / pixels?,
        _ => return None,
    };
    // Clamped, so that the cast is of a number in range.
    Some((share * f64::from(WHOLE)).round().clamp(0.0, f64::from(WHOLE)) as u32)
}

/// Cue settings for text in `region`, aligned as `align` says (W3C WebVTT §3.4). A region at the bottom, where text
/// sits on its lower edge, is where players put cues anyhow; it has no `line`, so that they may avoid their controls.
pub(super) fn settings(region: Specified, align: Align) -> String {
    let mut out: Vec<String> = Vec::new();
    let vertical = region.vertical.unwrap_or(Vertical::No);
    match vertical {
        Vertical::No => {}
        Vertical::RightToLeft => out.push("vertical:rl".to_owned()),
        Vertical::LeftToRight => out.push("vertical:lr".to_owned()),
    }
    if vertical == Vertical::No {
        let (x, y) = region.origin.unwrap_or((0, 0));
        let (width, height) = region.extent.unwrap_or((WHOLE - x, WHOLE - y));
        let (width, height) = (width.min(WHOLE - x), height.min(WHOLE - y));
        out.extend(line(y, height, region.display_align.unwrap_or(DisplayAlign::Before), region.origin.is_some()));
        out.extend(position(x, width, align));
        if width < WHOLE && width > 0 {
            out.push(format!("size:{}", percent(width)));
        }
    }
    match align {
        Align::Start => out.push("align:start".to_owned()),
        Align::Left => out.push("align:left".to_owned()),
        Align::Right => out.push("align:right".to_owned()),
        Align::End => out.push("align:end".to_owned()),
        Align::Center => {}
    }
    out.join(" ")
}

fn line(y: u32, height: u32, align: DisplayAlign, placed: bool) -> Option<String> {
    match align {
        // A document without regions says nothing of the place.
        DisplayAlign::Before if !placed => None,
        DisplayAlign::Before => Some(format!("line:{}", percent(y))),
        DisplayAlign::Center => Some(format!("line:{},center", percent(y + height / 2))),
        DisplayAlign::After if y + height >= WHOLE * 3 / 4 => None,
        DisplayAlign::After => Some(format!("line:{},end", percent(y + height))),
    }
}

fn position(x: u32, width: u32, align: Align) -> Option<String> {
    match align {
        Align::Start | Align::Left => (x > 0).then(|| format!("position:{},line-left", percent(x))),
        Align::Center => (x + width / 2 != WHOLE / 2).then(|| format!("position:{},center", percent(x + width / 2))),
        Align::Right | Align::End => (x + width < WHOLE).then(|| format!("position:{},line-right", percent(x + width))),
    }
}

/// Hundredths of a percent as text without needless zeros.
fn percent(value: u32) -> String {
    match (value / 100, value % 100) {
        (whole, 0) => format!("{whole}%"),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}%", part / 10),
        (whole, part) => format!("{whole}.{part:02}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_unit_are_shares_of_the_picture() {
        let lengths = Lengths { cells: (40.0, 20.0), pixels: Some((1280.0, 720.0)) };
        for (text, expected) in [
            ("10% 80.5%", Some((1000, 8050))),
            ("4c 2c", Some((1000, 1000))),
            ("128px 360px", Some((1000, 5000))),
            ("10rw 20rh", Some((1000, 2000))),
            ("-5% 150%", Some((0, 10_000))),
            ("auto", None),
            ("10%", None),
            ("10% 10% 10%", None),
            ("1em 1em", None),
            (". %", None),
        ] {
            assert_eq!(lengths.pair(text), expected, "{text}");
        }
    }
}
