//! Which program is taken, and which of its streams are followed.

use bytes::Bytes;

use super::output::SILENT;
use super::{Slot, TsDemuxer};
use crate::DemuxError;
use crate::ts::directory::PATIENCE;
use crate::ts::markers::Markers;
use crate::ts::psi::{Kind, Program};
use crate::ts::stream::Stream;

impl TsDemuxer {
    /// Takes a program, once there is one, and sees whether all its streams are known.
    pub(super) fn open(&mut self) -> Result<(), DemuxError> {
        if self.program.is_some() {
            if self.is_settled() {
                self.settle();
            }
            return Ok(());
        }
        let position = self.position();
        let Some(program) = self.directory.choose(position > PATIENCE).cloned() else {
            return match position > SILENT.0 {
                true => Err(self.no_program()),
                false => Ok(()),
            };
        };
        self.adopt(program);
        self.rewind();
        Ok(())
    }

    /// What lies before the program map belongs to the program as well: from the start once more.
    pub(super) fn rewind(&mut self) {
        self.directory.restart();
        self.lost_at = None;
        self.done = 0;
        if self.window_at > 0 {
            (self.window, self.window_at, self.is_last) = (Bytes::new(), 0, false);
        }
    }

    pub(super) fn no_program(&self) -> DemuxError {
        let reason = match self.directory.is_empty() {
            true => "no program association table in the transport stream",
            false => "no program with audio or video in the transport stream",
        };
        DemuxError { offset: 0, reason: reason.to_owned() }
    }

    /// Follows the streams of a program.
    pub(super) fn adopt(&mut self, program: Program) {
        let others = self.directory.others(program.number);
        if others > 0 {
            self.shared.warn(|| format!("{others} more programs are passed over: program {} is taken", program.number));
        }
        for listed in &program.streams {
            let slot = match listed.kind {
                _ if !matches!(self.slots[usize::from(listed.pid)], Slot::None) => continue,
                Kind::Other(name) => {
                    self.shared.warn(|| format!("PID {} is passed over: {name}", listed.pid));
                    continue;
                }
                Kind::Markers => {
                    self.markers.push(Markers::default());
                    Slot::Markers((self.markers.len() - 1) as u16)
                }
                _ => {
                    let Some(stream) = Stream::new(listed.clone(), self.streams.len()) else { continue };
                    self.streams.push(stream);
                    Slot::Stream((self.streams.len() - 1) as u16)
                }
            };
            self.slots[usize::from(listed.pid)] = slot;
        }
        if let slot @ Slot::None = &mut self.slots[usize::from(program.clock_pid)] {
            *slot = Slot::Clock;
        }
        self.output.begun = vec![false; self.streams.len()];
        self.program = Some(program);
    }

    /// Whether a new map still lists the streams that are followed.
    pub(super) fn compare(&mut self) -> Result<(), DemuxError> {
        let Some(old) = &self.program else { return Ok(()) };
        let Some(new) = self.directory.program(old.number).filter(|new| *new != old).cloned() else { return Ok(()) };
        for stream in &self.streams {
            let same = new.streams.iter().find(|listed| listed.pid == stream.listed.pid);
            let change = match same {
                Some(listed) if listed.kind == stream.listed.kind => continue,
                Some(_) => "is coded otherwise from here on",
                None => "ends here",
            };
            let name = &stream.name;
            let reason = format!(
                "{name} {change} (a new program map): cut the file at this place and take the parts one by one"
            );
            return Err(self.shared.refuse(reason));
        }
        let known = |pid| old.streams.iter().any(|listed| listed.pid == pid);
        for listed in new.streams.iter().filter(|listed| listed.kind.is_media() && !known(listed.pid)) {
            self.shared.warn(|| format!("PID {} is passed over: it begins in the middle of the file", listed.pid));
        }
        self.program = Some(new);
        Ok(())
    }
}
