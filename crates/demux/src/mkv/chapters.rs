//! Chapters (RFC 9559 §5.1.7).

use super::{ebml, ids};

/// A named place in the presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Nanoseconds from the presentation's start.
    pub start_ns: u64,
    /// Nanoseconds from the presentation's start, when stated.
    pub end_ns: Option<u64>,
    /// Its first name; empty when it has none.
    pub title: String,
}

/// The most chapters that are kept.
const MOST: usize = 1000;

/// The chapters of the first edition, in the order of the file, without those inside others and those hidden.
pub(super) fn read(content: &[u8]) -> Vec<Chapter> {
    let Some((_, edition)) = ebml::children(content).find(|(id, _)| *id == ids::EDITION_ENTRY) else {
        return Vec::new();
    };
    let atoms = ebml::children(edition).filter(|(id, _)| *id == ids::CHAPTER_ATOM);
    atoms.filter_map(|(_, atom)| chapter(atom)).take(MOST).collect()
}

fn chapter(atom: &[u8]) -> Option<Chapter> {
    let mut chapter = Chapter { start_ns: 0, end_ns: None, title: String::new() };
    for (id, bytes) in ebml::children(atom) {
        match id {
            ids::CHAPTER_TIME_START => chapter.start_ns = ebml::unsigned(bytes)?,
            ids::CHAPTER_TIME_END => chapter.end_ns = ebml::unsigned(bytes),
            ids::CHAPTER_FLAG_HIDDEN if ebml::unsigned(bytes) == Some(1) => return None,
            ids::CHAPTER_DISPLAY if chapter.title.is_empty() => {
                let name = ebml::children(bytes).find(|(id, _)| *id == ids::CHAP_STRING);
                chapter.title = name.and_then(|(_, bytes)| ebml::string(bytes)).unwrap_or_default();
            }
            _ => {}
        }
    }
    Some(chapter)
}
