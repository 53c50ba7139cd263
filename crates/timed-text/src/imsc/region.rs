//! Cue settings as regions (W3C WebVTT §7.2 says where a cue box lies).

/// What the settings of a cue say; lengths are percent of the picture.
struct Settings<'a> {
    vertical: Option<&'a str>,
    line: Option<(Line, &'a str)>,
    position: Option<(f64, &'a str)>,
    size: Option<f64>,
    align: &'a str,
}

#[derive(Clone, Copy)]
enum Line {
    /// From the top, or, when negative, from the bottom.
    Number(f64),
    Percent(f64),
}

/// The picture's height holds so many lines of the default font.
const LINES: f64 = 15.0;

/// Text without a place of its own stays this far from the edges, in percent.
const MARGIN: f64 = 10.0;

/// Lines that are counted from an edge stay this far from it, in percent.
const EDGE: f64 = 5.0;

fn percent(text: &str) -> Option<f64> {
    text.strip_suffix('%')?.parse::<f64>().ok().filter(|value| (0.0..=100.0).contains(value))
}

impl<'a> Settings<'a> {
    fn of(text: &'a str) -> Self {
        let mut settings = Settings { vertical: None, line: None, position: None, size: None, align: "center" };
        for (name, value) in text.split_ascii_whitespace().filter_map(|setting| setting.split_once(':')) {
            let (place, side) = value.split_once(',').unwrap_or((value, ""));
            match name {
                "vertical" => settings.vertical = Some(value),
                "line" => {
                    let number = || place.parse::<f64>().ok().filter(|value| value.is_finite()).map(Line::Number);
                    settings.line = percent(place).map(Line::Percent).or_else(number).map(|line| (line, side));
                }
                "position" => settings.position = percent(place).map(|place| (place, side)),
                "size" => settings.size = percent(value),
                "align" => settings.align = value,
                _ => {}
            }
        }
        settings
    }

    /// Left edge and width.
    fn horizontal(&self) -> (f64, f64) {
        if self.position.is_none() && self.size.is_none() {
            return (MARGIN, 100.0 - 2.0 * MARGIN);
        }
        let (automatic, natural_side) = match self.align {
            "start" | "left" => (0.0, "line-left"),
            "end" | "right" => (100.0, "line-right"),
            _ => (50.0, "center"),
        };
        let (position, side) = self.position.unwrap_or((automatic, ""));
        let size = self.size.unwrap_or(100.0);
        match if side.is_empty() { natural_side } else { side } {
            "line-left" => (position, size.min(100.0 - position)),
            "line-right" => (position - size.min(position), size.min(position)),
            _ => {
                let width = size.min(2.0 * position.min(100.0 - position));
                (position - width / 2.0, width)
            }
        }
    }

    /// Upper edge, height, and the edge that the text sits at.
    fn vertical(&self) -> (f64, f64, &'static str) {
        match self.line {
            None => (MARGIN, 100.0 - 2.0 * MARGIN, "after"),
            Some((Line::Number(number), _)) if number >= 0.0 => {
                let top = (number * 100.0 / LINES).clamp(EDGE, 100.0 - EDGE);
                (top, 100.0 - EDGE - top, "before")
            }
            Some((Line::Number(number), _)) => {
                let bottom = (100.0 + (number + 1.0) * 100.0 / LINES).clamp(EDGE, 100.0 - EDGE);
                (EDGE, bottom - EDGE, "after")
            }
            Some((Line::Percent(place), "end")) => (0.0, place, "after"),
            Some((Line::Percent(place), "center")) => {
                let half = place.min(100.0 - place);
                (place - half, 2.0 * half, "center")
            }
            Some((Line::Percent(place), _)) => (place, 100.0 - place, "before"),
        }
    }
}

/// Appends region `r{index}` for the settings of a cue.
pub(super) fn push(out: &mut String, index: usize, settings: &str) {
    let settings = Settings::of(settings);
    let align = match settings.align {
        align @ ("start" | "left" | "right" | "end") => align,
        _ => "center",
    };
    let mode = match settings.vertical {
        Some("rl") => " tts:writingMode=\"tbrl\"",
        Some("lr") => " tts:writingMode=\"tblr\"",
        _ => "",
    };
    let whole = (MARGIN, 100.0 - 2.0 * MARGIN);
    // Turned text keeps to the margins: its lines count from another edge.
    let (x, width) = if mode.is_empty() { settings.horizontal() } else { whole };
    let (y, height, display) = if mode.is_empty() { settings.vertical() } else { (whole.0, whole.1, "before") };
    let (x, width, y, height) = (hundredths(x), hundredths(width), hundredths(y), hundredths(height));
    out.push_str(&format!(
        "      <region xml:id=\"r{index}\" tts:origin=\"{x}% {y}%\" tts:extent=\"{width}% {height}%\" \
         tts:displayAlign=\"{display}\" tts:textAlign=\"{align}\"{mode}/>\n"
    ));
}

/// To two digits, so that text is the same everywhere.
fn hundredths(value: f64) -> f64 {
    // Adding zero makes a negative one positive.
    (value * 100.0).round() / 100.0 + 0.0
}
