//! Chapters (RFC 9559 §5.1.7).

use super::{ebml, ids, language};
use crate::{Chapter, ChapterTitle};

/// Names of one chapter; more are of no use to anybody.
const MOST_TITLES: usize = 32;

/// The chapters of the first edition, in the order of the file, without those inside others and those hidden.
pub(super) fn read(content: &[u8]) -> Vec<Chapter> {
    let Some((_, edition)) = ebml::children(content).find(|(id, _)| *id == ids::EDITION_ENTRY) else {
        return Vec::new();
    };
    let atoms = ebml::children(edition).filter(|(id, _)| *id == ids::CHAPTER_ATOM);
    atoms.filter_map(|(_, atom)| chapter(atom)).take(Chapter::MOST).collect()
}

fn chapter(atom: &[u8]) -> Option<Chapter> {
    let mut chapter = Chapter { start_ns: 0, end_ns: None, titles: Vec::new() };
    for (id, bytes) in ebml::children(atom) {
        match id {
            ids::CHAPTER_TIME_START => chapter.start_ns = ebml::unsigned(bytes)?,
            ids::CHAPTER_TIME_END => chapter.end_ns = ebml::unsigned(bytes),
            ids::CHAPTER_FLAG_HIDDEN if ebml::unsigned(bytes) == Some(1) => return None,
            ids::CHAPTER_DISPLAY if chapter.titles.len() < MOST_TITLES => chapter.titles.extend(title(bytes)),
            _ => {}
        }
    }
    Some(chapter)
}

/// A `ChapterDisplay` (§5.1.7.1.4.9), whose language is English when absent.
fn title(display: &[u8]) -> Option<ChapterTitle> {
    let text =
        |wanted: u32| ebml::children(display).find(|(id, _)| *id == wanted).and_then(|(_, bytes)| ebml::string(bytes));
    let language = language::stated(text(ids::CHAP_LANGUAGE_BCP47).as_deref(), text(ids::CHAP_LANGUAGE).as_deref());
    Some(ChapterTitle { language, text: text(ids::CHAP_STRING)? })
}
