//! Damage, and the end of the file.

use super::ebml::Head;
use super::input::Stop;
use super::walk::Phase;
use super::{MkvDemuxer, ids};

/// Bytes looked at at once for a Cluster.
const SEARCH: usize = 64 << 10;

impl MkvDemuxer {
    /// Goes on at the next Cluster.
    pub(super) fn damaged(&mut self, what: &str) -> Result<(), Stop> {
        if !self.has_tracks {
            return Err(self.fail(format!("damaged before its list of tracks: {what}")));
        }
        self.warnings.push(self.at, format!("{what}; reading goes on at the next Cluster"));
        self.group = None;
        self.held.clear();
        self.cluster = None;
        self.phase = Phase::Search(self.at + 1);
        Ok(())
    }

    pub(super) fn search(&mut self, from: u64) -> Result<(), Stop> {
        let bytes = self.input.peek(from, SEARCH)?;
        let at_end = bytes.len() < SEARCH;
        let name = ids::CLUSTER.to_be_bytes();
        let found = bytes.windows(4).position(|four| four == name);
        let next = match found {
            // Its size and its first element must be seen as well.
            Some(at) if at + 2 * Head::MAX > bytes.len() && !at_end => from + at as u64,
            Some(at) if begins_cluster(&bytes[at..]) => {
                self.at = from + at as u64;
                self.phase = Phase::Elements;
                return Ok(());
            }
            Some(at) => from + at as u64 + 1,
            None if at_end => {
                self.at = from + bytes.len() as u64;
                return self.end();
            }
            None => from + bytes.len() as u64 - 3,
        };
        self.phase = Phase::Search(next);
        Ok(())
    }

    /// At the end of the bytes.
    pub(super) fn finish(&mut self) -> Result<(), Stop> {
        if !self.has_tracks {
            return Err(self.fail("the file ends before its list of tracks"));
        }
        let file_end = self.input.length().unwrap_or(self.at);
        let group_end = self.group.as_ref().map(|group| group.end);
        let cluster_end = self.cluster.and_then(|cluster| cluster.end);
        if let Some(stated) = [group_end, cluster_end, self.segment_end].into_iter().flatten().max()
            && stated > file_end
        {
            let missing = stated - file_end;
            self.warnings.push(file_end, format!("the file is cut short: {missing} bytes are missing at its end"));
        } else if self.at < file_end {
            self.warnings.push(self.at, "the file is cut short inside an element".into());
        }
        self.end()
    }

    /// Nothing more is read.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        self.progress.ended = true;
        self.group = None;
        self.held.clear();
        Ok(())
    }
}

/// Whether the bytes are the head of a Cluster and of an element that one begins with.
fn begins_cluster(bytes: &[u8]) -> bool {
    let Some(head) = Head::read(bytes) else { return false };
    let first = bytes.get(head.length as usize..).and_then(Head::read);
    first.is_some_and(|first| ids::is_of_cluster(first.id) && first.size.is_some())
}
