//! Cue text: its timestamps and its character references.

use media_types::TextPlace;

use crate::time::{push_timestamp, take_timestamp};

/// Appends `text` as cue text of WebVTT, in which `&`, `<` and `>` are references.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}

/// Cue settings of a place on a numeric keypad, 1 to 9, as Advanced SubStation Alpha has it.
pub(crate) fn placement(place: u8) -> String {
    let line = ["", "line:50%", "line:0"][usize::from((place - 1) / 3)];
    let align = ["align:left", "", "align:right"][usize::from((place - 1) % 3)];
    match (line, align) {
        ("", align) => align.to_owned(),
        (line, "") => line.to_owned(),
        (line, align) => format!("{line} {align}"),
    }
}

/// Cue settings of a place in hundredths of the picture; what is beyond it counts as its edge.
pub(crate) fn settings_of(place: TextPlace) -> String {
    let line = place.top_percent.map(|top| format!("line:{}%", top.min(100)));
    let left = place.left_percent.map(|left| format!("position:{}% align:start", left.min(100)));
    let settings: Vec<String> = line.into_iter().chain(left).collect();
    settings.join(" ")
}

/// The timestamp tags of a cue's text: byte range of the time between its brackets, and the time in milliseconds.
pub(crate) fn timestamp_tags(payload: &str) -> impl Iterator<Item = (std::ops::Range<usize>, i64)> {
    payload.match_indices('<').filter_map(move |(at, _)| {
        let inner = &payload[at + 1..];
        // A tag's name never starts with a digit, so that most are told apart by one byte.
        inner.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
        let (ms, _, rest) = take_timestamp(inner)?;
        rest.starts_with('>').then(|| (at + 1..at + 1 + inner.len() - rest.len(), ms))
    })
}

/// The payload with its inner times moved; `None` when it has none.
pub(crate) fn shift_timestamps(payload: &str, offset_us: i64) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (range, ms) in timestamp_tags(payload) {
        out.push_str(&payload[copied..range.start]);
        push_timestamp(&mut out, ms.saturating_add(offset_us / 1000));
        copied = range.end;
    }
    (copied > 0).then(|| {
        out.push_str(&payload[copied..]);
        out
    })
}
