//! Program specific information (§2.4.4): one section in one packet.

use super::packet::{Marks, ROOM, Stream};
use crate::PackageError;

/// The only program.
const PROGRAM: u16 = 1;

/// One stream of the program map.
pub(super) struct Listed {
    pub(super) stream_type: u8,
    pub(super) pid: u16,
    pub(super) descriptors: Vec<u8>,
}

/// The program association table.
pub(super) fn association(map_pid: u16) -> Vec<u8> {
    let mut body = PROGRAM.to_be_bytes().to_vec();
    body.extend((0xe000 | map_pid).to_be_bytes());
    // transport_stream_id
    section(0, 1, &body)
}

/// The program map.
///
/// # Errors
/// [`PackageError::Config`] when it takes more than a packet.
pub(super) fn map(clock_pid: u16, streams: &[Listed]) -> Result<Vec<u8>, PackageError> {
    let mut body = (0xe000 | clock_pid).to_be_bytes().to_vec();
    body.extend(0xf000u16.to_be_bytes());
    for stream in streams {
        // Longer ones make the section too long, which is found below.
        let length = stream.descriptors.len().min(0x3ff) as u16;
        body.push(stream.stream_type);
        body.extend((0xe000 | stream.pid).to_be_bytes());
        body.extend((0xf000 | length).to_be_bytes());
        body.extend_from_slice(&stream.descriptors);
    }
    // In front of a section lies a pointer to it.
    match 12 + body.len() + 1 {
        0..=ROOM => Ok(section(2, PROGRAM, &body)),
        _ => Err(PackageError::Config("it is too long for a program map")),
    }
}

/// A section in force, version 0, the first and last of its table.
fn section(table: u8, extension: u16, body: &[u8]) -> Vec<u8> {
    let mut out = vec![table];
    out.extend((0xb000 | (body.len() + 9) as u16).to_be_bytes());
    out.extend(extension.to_be_bytes());
    out.extend([0xc1, 0, 0]);
    out.extend_from_slice(body);
    let crc = scte35::crc32(&out);
    out.extend(crc.to_be_bytes());
    out
}

/// A packet of a section, filled up behind it.
pub(super) fn write(stream: &mut Stream, out: &mut Vec<u8>, section: &[u8]) {
    let mut body = [0xff; ROOM - 1];
    body[..section.len()].copy_from_slice(section);
    stream.unit(out, Marks::default(), &[0], &body);
}
