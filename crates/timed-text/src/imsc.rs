//! WebVTT cues as an IMSC 1 text document, so that one source serves players of either format.

use std::collections::HashMap;

use crate::time::{push_timestamp, written_ms};
use crate::webvtt::clean_payload;
use crate::{Document, OUTPUT_LIMIT, TextError};

mod content;
mod region;

/// The document (W3C IMSC 1, text profile). Cue settings become regions, tags become spans; ruby is written behind its
/// base in brackets. Inner times, voices and WebVTT's own regions and styles have no counterpart and are left out.
/// Times are rounded to the nearest millisecond.
pub fn write(document: &Document) -> Result<String, TextError> {
    let mut regions: Vec<&str> = Vec::new();
    let mut ids: HashMap<&str, usize> = HashMap::new();
    let mut body = String::new();
    for cue in document.cues.iter().filter(|cue| cue.end_us > cue.start_us) {
        let region = *ids.entry(&cue.settings).or_insert_with(|| {
            regions.push(&cue.settings);
            regions.len() - 1
        });
        let (start, end) = written_ms(cue.start_us, cue.end_us);
        body.push_str("      <p begin=\"");
        push_timestamp(&mut body, start);
        body.push_str("\" end=\"");
        push_timestamp(&mut body, end);
        body.push_str(&format!("\" region=\"r{region}\""));
        let payload = clean_payload(&cue.payload);
        if payload.contains("  ") || payload.contains(['\t']) || payload.split('\n').any(|line| line.trim() != line) {
            body.push_str(" xml:space=\"preserve\"");
        }
        body.push_str("><span style=\"b\">");
        content::push(&mut body, &payload);
        body.push_str("</span></p>\n");
        if body.len() > OUTPUT_LIMIT {
            return Err(TextError::TooLarge { what: "bytes of TTML", found: body.len(), limit: OUTPUT_LIMIT });
        }
    }
    let mut out = String::with_capacity(body.len() + 1024);
    out.push_str(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<tt xmlns=\"http://www.w3.org/ns/ttml\" xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\"",
        " xmlns:tts=\"http://www.w3.org/ns/ttml#styling\" xml:lang=\"",
    ));
    content::push_attribute(&mut out, document.language.as_deref().unwrap_or_default());
    out.push_str(concat!(
        "\" ttp:timeBase=\"media\" ttp:profile=\"http://www.w3.org/ns/ttml/profile/imsc1/text\">\n",
        "  <head>\n    <styling>\n",
        "      <style xml:id=\"s\" tts:color=\"white\" tts:fontFamily=\"proportionalSansSerif\" tts:fontSize=\"100%\"",
        " tts:lineHeight=\"125%\"/>\n",
        "      <style xml:id=\"b\" tts:backgroundColor=\"#000000cc\"/>\n",
        "    </styling>\n    <layout>\n",
    ));
    for (index, settings) in regions.iter().enumerate() {
        region::push(&mut out, index, settings);
    }
    out.push_str("    </layout>\n  </head>\n  <body style=\"s\">\n    <div>\n");
    out.push_str(&body);
    out.push_str("    </div>\n  </body>\n</tt>\n");
    Ok(out)
}

#[cfg(test)]
mod tests;
