//! Subtitle files and samples.

use std::num::NonZeroU32;

use media_types::{TextForm, TextPlace};
use timed_text::{Document, Parsed, TextSample, ass, codec, imsc, srt, stpp, ttml, webvtt, wvtt};

const SCALE: NonZeroU32 = NonZeroU32::new(1000).expect("not zero");

/// Documents with more cues are not written: overlapping ones grow with the square, up to a limit far above that of memory
/// here.
const MOST_WRITTEN: usize = 200;

/// A subtitle file of any kind: read, written in every form and read again.
pub fn subtitles(data: &[u8]) {
    let _ = codec::sniff(data);
    for parsed in [webvtt::parse(data), srt::parse(data), codec::parse(data)].into_iter().flatten() {
        written(&parsed);
    }
    if let Ok(ttml) = ttml::parse(data) {
        document(&ttml);
    }
    written(&Parsed { document: ass::document(events(data), 8_000_000), warnings: Vec::new() });
}

/// What a decoder might make of each line.
fn events(data: &[u8]) -> Vec<ass::Event> {
    let event = |(line, number): (&str, i64)| {
        let start_us = number * 7 % 20 * 500_000 - 1_000_000;
        let end_us = (number % 3 > 0).then_some(start_us + number % 5 * 400_000);
        let in_fields = format!("0,0,Default,,0,0,0,,{line}");
        let (text, form) = match number % 4 {
            0 => (line.to_owned(), TextForm::WebVtt(line.chars().rev().collect())),
            1 => (in_fields, TextForm::Placed(TextPlace { top_percent: Some(number as u8), left_percent: None })),
            _ => (in_fields, TextForm::Event),
        };
        ass::Event { start_us, end_us, text, form }
    };
    String::from_utf8_lossy(data).split('\n').zip(0..).take(MOST_WRITTEN).map(event).collect()
}

fn document(ttml: &ttml::Ttml) {
    let text = ttml.text();
    let paragraphs: Vec<_> = ttml.paragraphs().collect();
    assert!(paragraphs.iter().all(|p| text.get(p.span.clone()).is_some_and(|p| p.starts_with('<'))));
    let _ = (ttml.profile(), ttml.forced(), ttml.language(), codec::stpp(ttml.profile()));
    assert_eq!(stpp::config(ttml).iter().filter(|byte| **byte == 0).count(), 3);
    if let Ok(parsed) = ttml.to_cues() {
        written(&parsed);
    }
    if paragraphs.len() > MOST_WRITTEN {
        return;
    }
    let borders = borders(ttml.end_us().unwrap_or(10_000_000));
    let Ok(samples) = stpp::samples(ttml, SCALE, &borders) else { return };
    contiguous(&borders, &samples);
    for sample in &samples {
        ttml::parse(&sample.data).expect("a part of what was read is read");
    }
}

/// Three segments up to `end_us`, in ticks of [`SCALE`].
fn borders(end_us: i64) -> [i64; 4] {
    let third = (end_us / 3000).clamp(1, i64::from(u32::MAX) / 4);
    [0, third, 2 * third, 3 * third + 1]
}

fn contiguous(borders: &[i64], samples: &[TextSample]) {
    let mut at = borders[0];
    for sample in samples {
        assert!(sample.start == at && sample.duration > 0, "{} instead of {at}", sample.start);
        at += i64::from(sample.duration);
    }
    assert_eq!(Some(&at), borders.last());
}

fn written(parsed: &Parsed) {
    let document = &parsed.document;
    assert!(parsed.warnings.len() <= 1000);
    assert!(document.cues.iter().all(|cue| cue.end_us > cue.start_us), "a cue ends after it starts");
    if document.cues.len() > MOST_WRITTEN {
        return;
    }
    if let Ok(text) = webvtt::write(document) {
        let again = webvtt::parse(text.as_bytes()).expect("what was written is read").document;
        assert!(again.cues.len() <= document.cues.len());
        // Settings of samples that mean nothing are gone then, and nothing else goes.
        let text = webvtt::write(&again).expect("what was read is written");
        let third = webvtt::parse(text.as_bytes()).expect("what was written is read").document;
        assert_eq!(webvtt::write(&third).as_deref(), Ok(text.as_str()), "from then on nothing changes");
    }
    if let Ok(text) = imsc::write(document) {
        ttml::parse(text.as_bytes()).expect("what was written is read");
    }
    let borders = borders(document.end_us());
    let us = borders.map(|border| border * 1000);
    if let Ok(files) = webvtt::segments(document, &us, None) {
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| webvtt::parse(file.as_bytes()).is_ok()));
    }
    if let Ok(segments) = wvtt::samples(document, SCALE, &borders) {
        back(document, &borders, &segments);
    }
    let mut shifted = document.clone();
    shifted.shift(i64::MIN);
    assert!(shifted.cues.is_empty());
    let joined = Document::join([document.clone(), document.clone()], Some(0));
    assert!(joined.cues.len() <= document.cues.len());
}

fn back(document: &Document, borders: &[i64], segments: &[Vec<TextSample>]) {
    assert_eq!(segments.len() + 1, borders.len());
    for (samples, pair) in segments.iter().zip(borders.windows(2)) {
        contiguous(pair, samples);
    }
    let samples = segments.iter().flatten().map(|sample| (sample.start, sample.duration, &sample.data[..]));
    let read = wvtt::document(&wvtt::config(document), SCALE, samples).expect("what was written is read").document;
    let shown = document.cues.iter().filter(|cue| cue.end_us > 0 && cue.start_us < borders[borders.len() - 1] * 1000);
    assert!(read.cues.len() <= shown.count(), "no more cues than went in");
}

/// A text track: its configuration, and samples of a second each.
pub fn text_samples(data: &[u8]) {
    let (config, samples) = crate::pieces::split(data);
    let samples = || (0..).step_by(1000).zip(&samples).map(|(start, sample)| (start, 1000, *sample));
    let config = String::from_utf8_lossy(config);
    let tracks = [
        wvtt::document(&config, SCALE, samples()),
        stpp::document(SCALE, samples(), false),
        stpp::document(SCALE, samples(), true),
    ];
    for parsed in tracks.into_iter().flatten() {
        written(&parsed);
    }
}
