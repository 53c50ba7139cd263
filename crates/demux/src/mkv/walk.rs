//! Through the file, element by element.
//!
//! Clusters are entered, not read as a whole, and what they hold is told by its identifiers: so Segments and Clusters of
//! unknown size, those of a recorder that was killed and those with a wrong size all end where the next one begins.

use super::ebml::{self, Head};
use super::entry::Entry;
use super::input::Stop;
use super::lane::Lane;
use super::{MkvDemuxer, chapters, ids};
use crate::DemuxError;

/// What is looked for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The EBML header.
    Start,
    /// An element.
    Elements,
    /// A Cluster after damage, from this byte on.
    Search(u64),
}

/// The Cluster that was entered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cluster {
    pub(super) end: Option<u64>,
    /// In timestamp units.
    pub(super) timestamp: Option<i64>,
}

/// The BlockGroup that was entered, and what it said about its block so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) end: u64,
    pub(super) referring: bool,
    /// Timestamp units.
    pub(super) duration: Option<u64>,
    /// Nanoseconds.
    pub(super) discard_ns: i64,
    /// The block addition with identifier 1.
    pub(super) addition: Option<Vec<u8>>,
}

/// The most bytes of the EBML header, of Info, of Tracks (fonts and pictures are in Attachments), of Chapters.
const LARGEST_HEADER: u64 = 64 << 10;
const LARGEST_INFO: u64 = 1 << 20;
const LARGEST_TRACKS: u64 = 32 << 20;
const LARGEST_CHAPTERS: u64 = 4 << 20;
const LARGEST_ADDITION: u64 = 64 << 10;
const MOST_TRACKS: usize = 64;

impl MkvDemuxer {
    pub(super) fn step(&mut self) -> Result<(), Stop> {
        match self.phase {
            Phase::Start => self.start(),
            Phase::Search(from) => self.search(from),
            Phase::Elements => self.next_element(),
        }
    }

    pub(super) fn fail(&self, reason: impl Into<String>) -> Stop {
        Stop::Fail(DemuxError { offset: self.at, reason: reason.into() })
    }

    /// The EBML header (RFC 8794 §11.2).
    fn start(&mut self) -> Result<(), Stop> {
        let bytes = self.input.peek(0, Head::MAX)?;
        let Some(head) = Head::read(bytes).filter(|head| head.id == ids::EBML) else {
            return Err(self.fail("no Matroska file: it does not begin with an EBML header"));
        };
        let Some(size) = head.size.filter(|&size| size <= LARGEST_HEADER) else {
            return Err(self.fail("the EBML header has no plausible size"));
        };
        let whole = (head.length + size) as usize;
        let bytes = self.input.bytes(0, whole)?;
        if bytes.len() < whole {
            return Err(self.fail("the file ends inside its EBML header"));
        }
        for (id, content) in ebml::children(&bytes[head.length as usize..]) {
            match id {
                ids::DOC_TYPE => {
                    let name = ebml::string(content).unwrap_or_default();
                    if !matches!(name.as_str(), "matroska" | "webm") {
                        return Err(self.fail(format!("an EBML file of type {name:?}, neither matroska nor webm")));
                    }
                }
                ids::EBML_READ_VERSION if ebml::unsigned(content) != Some(1) => {
                    return Err(self.fail("EBML of another version than 1"));
                }
                ids::DOC_TYPE_READ_VERSION if ebml::unsigned(content).is_none_or(|version| version > 4) => {
                    self.warnings.push(0, "the file asks for a newer reader than of Matroska 4; read as that".into());
                }
                _ => {}
            }
        }
        self.at = whole as u64;
        self.phase = Phase::Elements;
        Ok(())
    }

    fn next_element(&mut self) -> Result<(), Stop> {
        match &self.group {
            None if !self.held.is_empty() => return self.settle(),
            Some(group) if self.at >= group.end => return self.close_group(),
            _ => {}
        }
        if self.cluster.is_some_and(|cluster| cluster.end.is_some_and(|end| self.at >= end)) {
            self.cluster = None;
        }
        let bytes = self.input.peek(self.at, Head::MAX)?;
        if bytes.is_empty() {
            return self.finish();
        }
        let at_end = bytes.len() < Head::MAX;
        match Head::read(bytes) {
            Some(head) => self.element(head),
            None if at_end => self.finish(),
            None => self.damaged("what is no element"),
        }
    }

    fn element(&mut self, head: Head) -> Result<(), Stop> {
        let inside = self.at + head.length;
        match (head.id, head.size) {
            (ids::SEGMENT, size) if !self.has_tracks => {
                self.segment_end = size.map(|size| inside + size);
                self.at = inside;
                return Ok(());
            }
            (ids::CLUSTER, size) => return self.enter_cluster(inside, size),
            (ids::EBML | ids::SEGMENT, _) => {
                self.warnings.push(self.at, "another Segment follows, which is left out".into());
                return self.end();
            }
            (_, None) => return self.damaged("an element of unknown size"),
            (_, Some(_)) => {}
        }
        let end = inside + head.size.unwrap_or(0);
        let border = self.group.as_ref().map(|group| group.end).or(self.cluster.and_then(|cluster| cluster.end));
        if border.is_some_and(|border| end > border) && !ids::is_of_segment(head.id) {
            return self.damaged("an element that is larger than the one it lies in");
        }
        match (&self.group, &self.cluster) {
            (Some(_), _) => self.of_group(head, end),
            (None, Some(_)) if !ids::is_of_segment(head.id) => self.of_cluster(head, end),
            _ => self.of_segment(head, end),
        }
    }

    fn of_segment(&mut self, head: Head, end: u64) -> Result<(), Stop> {
        match head.id {
            ids::INFO if !self.has_tracks => self.info(head)?,
            ids::TRACKS if !self.has_tracks => self.track_list(head)?,
            ids::CHAPTERS if self.chapters.is_empty() => {
                if head.size.is_some_and(|size| size <= LARGEST_CHAPTERS) {
                    let content = self.content(head, LARGEST_CHAPTERS)?;
                    self.chapters = chapters::read(&content);
                }
            }
            id if ids::is_of_segment(id) || matches!(id, ids::VOID | ids::CRC_32) || !self.has_tracks => {}
            id => return self.damaged(&format!("an element {id:X} outside of a Cluster")),
        }
        self.cluster = None;
        self.at = end;
        Ok(())
    }

    fn enter_cluster(&mut self, inside: u64, size: Option<u64>) -> Result<(), Stop> {
        if !self.has_tracks {
            return Err(self.fail("no Tracks element before the first Cluster: the file has lost its beginning"));
        }
        self.group = None;
        self.held.clear();
        self.cluster = Some(Cluster { end: size.map(|size| inside + size), timestamp: None });
        self.at = inside;
        Ok(())
    }

    fn of_cluster(&mut self, head: Head, end: u64) -> Result<(), Stop> {
        match head.id {
            ids::TIMESTAMP if head.size.is_some_and(|size| size > 8) => {
                return self.damaged("a number of more than 8 bytes");
            }
            ids::TIMESTAMP => {
                let value = ebml::unsigned(&self.content(head, 8)?);
                // Farther than 2^62 ns is damage, and would not fit the arithmetic.
                let most = (1u64 << 62) / self.unit_ns;
                let Some(value) = value.filter(|&value| value <= most) else {
                    return self.damaged("a Cluster without a plausible timestamp");
                };
                if let Some(cluster) = &mut self.cluster {
                    cluster.timestamp = i64::try_from(value).ok();
                }
            }
            ids::SIMPLE_BLOCK => return self.block(head, end, true),
            ids::BLOCK_GROUP => {
                self.group = Some(Group { end, ..Group::default() });
                self.at += head.length;
                return Ok(());
            }
            id if ids::is_of_cluster(id) => {}
            // An element of a later version, unless nothing bounds it: then it is rather damage.
            _ if self.cluster.is_some_and(|cluster| cluster.end.is_some()) => {}
            id => return self.damaged(&format!("an unknown element {id:X}")),
        }
        self.at = end;
        Ok(())
    }

    fn of_group(&mut self, head: Head, end: u64) -> Result<(), Stop> {
        match head.id {
            ids::BLOCK => return self.block(head, end, false),
            ids::BLOCK_DURATION | ids::DISCARD_PADDING if head.size.is_some_and(|size| size > 8) => {
                return self.damaged("a number of more than 8 bytes");
            }
            ids::BLOCK_DURATION => {
                let value = ebml::unsigned(&self.content(head, 8)?);
                self.group_mut().duration = value;
            }
            ids::DISCARD_PADDING => {
                let value = ebml::signed(&self.content(head, 8)?);
                self.group_mut().discard_ns = value.unwrap_or(0);
            }
            ids::REFERENCE_BLOCK => self.group_mut().referring = true,
            ids::BLOCK_ADDITIONS if head.size.is_some_and(|size| size <= LARGEST_ADDITION) => {
                let content = self.content(head, LARGEST_ADDITION)?;
                self.group_mut().addition = addition(&content);
            }
            _ => {}
        }
        self.at = end;
        Ok(())
    }

    fn group_mut(&mut self) -> &mut Group {
        self.group.get_or_insert_default()
    }

    /// The content of the element at `at`, which is refused beyond `most` bytes.
    fn content(&mut self, head: Head, most: u64) -> Result<bytes::Bytes, Stop> {
        let size = head.size.unwrap_or(u64::MAX);
        if size > most {
            return Err(self.fail(format!("an element {:X} of {size} bytes, more than the {most} allowed", head.id)));
        }
        let bytes = self.input.bytes(self.at, (head.length + size) as usize)?;
        Ok(bytes.slice((head.length as usize).min(bytes.len())..))
    }

    fn info(&mut self, head: Head) -> Result<(), Stop> {
        let content = self.content(head, LARGEST_INFO)?;
        let scale = ebml::children(&content).find(|(id, _)| *id == ids::TIMESTAMP_SCALE);
        if let Some((_, bytes)) = scale {
            self.unit_ns = ebml::unsigned(bytes)
                .filter(|scale| (1..=10_000_000_000).contains(scale))
                .ok_or_else(|| self.fail("a TimestampScale of no time or of more than 10 seconds"))?;
        }
        Ok(())
    }

    fn track_list(&mut self, head: Head) -> Result<(), Stop> {
        let content = self.content(head, LARGEST_TRACKS)?;
        if (content.len() as u64) < head.size.unwrap_or(0) {
            return Err(self.fail("the file ends inside its list of tracks"));
        }
        self.has_tracks = true;
        let mut passed_over = Vec::new();
        for (id, bytes) in ebml::children(&content) {
            if id != ids::TRACK_ENTRY {
                continue;
            }
            let entry = Entry::read(&content.slice_ref(bytes));
            if self.lanes.len() >= MOST_TRACKS {
                self.warnings.push(self.at, format!("tracks after the first {MOST_TRACKS} are left out"));
                break;
            }
            match Lane::open(entry) {
                Ok(lane) => {
                    lane.notes().into_iter().for_each(|note| self.warnings.push(self.at, note));
                    self.lanes.push(lane);
                }
                Err(reason) => {
                    passed_over.push(reason.clone());
                    self.warnings.push(self.at, format!("{reason}; it is left out"));
                }
            }
        }
        if self.lanes.is_empty() {
            let reasons = if passed_over.is_empty() { "it has none".into() } else { passed_over.join("; ") };
            return Err(self.fail(format!("no track that can be carried: {reasons}")));
        }
        Ok(())
    }
}

fn addition(content: &[u8]) -> Option<Vec<u8>> {
    ebml::children(content).filter(|(id, _)| *id == ids::BLOCK_MORE).find_map(|(_, more)| {
        let of = |id| ebml::children(more).find(|(child, _)| *child == id).map(|(_, bytes)| bytes);
        let number = of(ids::BLOCK_ADD_ID).map_or(Some(1), ebml::unsigned);
        (number == Some(1)).then(|| of(ids::BLOCK_ADDITIONAL).map(<[u8]>::to_vec)).flatten()
    })
}
