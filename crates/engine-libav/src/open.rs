//! A source's bytes behind libavformat.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ff::codec::discard::Discard;
use ff::format::context::{Input, StreamIo};
use ffmpeg_next as ff;
use pipeline::{EngineError, SourceRead};

use crate::error::input;

/// Containers that hold their media themselves. Playlists and anything else that points at other files stay out.
const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,live_flv,asf,mxf,ogg,wav,w64,aiff,mp3,aac,flac,ac3,eac3,ivf";

/// A source that several demuxers may be opened on, one after the other.
#[derive(Clone)]
pub(crate) struct SharedSource(Arc<Mutex<Held>>);

struct Held {
    source: Box<dyn SourceRead>,
    failure: Option<String>,
    /// Bytes that nobody looks at now, ascending: they are not fetched, and read as zeros.
    unread: Vec<Range<u64>>,
}

impl SharedSource {
    pub(crate) fn new(source: Box<dyn SourceRead>) -> Self {
        Self(Arc::new(Mutex::new(Held { source, failure: None, unread: Vec::new() })))
    }

    pub(crate) fn size(&self) -> u64 {
        self.lock().source.size()
    }

    /// Why bytes could not be had since the last time this was asked. Demuxers take that for the end of the file.
    pub(crate) fn take_failure(&self) -> Option<EngineError> {
        let failure = self.lock().failure.take()?;
        Some(EngineError::Engine { detail: format!("reading the source: {failure}") })
    }

    /// From now on these bytes, ascending and inside the source, read as zeros. With none everything is read again.
    pub(crate) fn leave_out(&self, unread: Vec<Range<u64>>) {
        self.lock().unread = unread;
    }

    pub(crate) fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut held = self.lock();
        let next = held.unread.partition_point(|range| range.end <= offset);
        let until = match held.unread.get(next) {
            Some(range) if range.start <= offset => {
                let zeros = length(buf, range.end - offset);
                buf[..zeros].fill(0);
                return Ok(zeros);
            }
            Some(range) => length(buf, range.start - offset),
            None => buf.len(),
        };
        let read = held.source.read_at(offset, &mut buf[..until]);
        if let Err(error) = &read
            && error.kind() != io::ErrorKind::Interrupted
        {
            held.failure.get_or_insert_with(|| error.to_string());
        }
        read
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to `length` bytes from the start.
    pub(crate) fn head(&self, length: usize) -> io::Result<Vec<u8>> {
        let mut head = vec![0; length];
        let mut filled = 0;
        while filled < length {
            match self.read_at(filled as u64, &mut head[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        head.truncate(filled);
        Ok(head)
    }
}

/// How much of a buffer so many bytes fill.
fn length(buf: &[u8], bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX).min(buf.len())
}

struct Cursor {
    source: SharedSource,
    position: u64,
}

impl Read for Cursor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(self.position, buf)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => i128::from(offset),
            SeekFrom::End(delta) => i128::from(self.source.size()) + i128::from(delta),
            SeekFrom::Current(delta) => i128::from(self.position) + i128::from(delta),
        };
        self.position = u64::try_from(target).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

/// Opens the source as one of the allowed containers.
pub(crate) fn open(source: &SharedSource) -> Result<Input, EngineError> {
    if source.size() == 0 {
        return Err(input("input.empty", "the file is empty"));
    }
    let head =
        source.head(32).map_err(|error| EngineError::Engine { detail: format!("reading the source: {error}") })?;
    if let Some(kind) = still_image(&head) {
        return Err(input("input.image", format!("the file is a {kind} picture, not a recording")));
    }
    let io = StreamIo::from_read_seek_with_capacity(Cursor { source: source.clone(), position: 0 }, 256 * 1024)
        .map_err(crate::error::engine("preparing the source"))?;
    let mut options = ff::Dictionary::new();
    options.set("format_whitelist", FORMATS);
    options.set("protocol_whitelist", "none");
    options.set("max_streams", "64");
    // MPEG program streams leave out what follows from the order of pictures.
    options.set("fflags", "+genpts");
    ff::format::input_from_stream(io, None, Some(options)).map_err(|error| unreadable(&head, &error))
}

/// Reads the next packet of any kept stream. `Packet::read` would leak what the packet held before.
pub(crate) fn read_packet(packet: &mut ff::Packet, source: &mut Input) -> Result<(), ff::Error> {
    use ff::packet::Mut;
    // SAFETY: the packet is valid, and unreferencing leaves it empty but valid.
    unsafe { ff::ffi::av_packet_unref(packet.as_mut_ptr()) };
    packet.read(source)
}

/// From now on packets of stream `wanted` only are read.
pub(crate) fn keep_stream(source: &mut Input, wanted: usize) {
    keep_streams(source, &[wanted]);
}

/// From now on packets of these streams only are read.
pub(crate) fn keep_streams(source: &mut Input, wanted: &[usize]) {
    for mut stream in source.streams_mut() {
        let discard = if wanted.contains(&stream.index()) { Discard::Default } else { Discard::All };
        // SAFETY: the stream belongs to the open context; `discard` is a plain field that the demuxer reads.
        unsafe { (*stream.as_mut_ptr()).discard = discard.into() };
    }
}

/// Whether the container says when pictures are decoded, but not when they are shown: that is their order alone.
pub(crate) fn has_decode_times_only(source: &Input) -> bool {
    source.format().name() == "avi"
}

fn unreadable(head: &[u8], error: &ff::Error) -> EngineError {
    let text = std::str::from_utf8(head).is_ok_and(|text| !text.contains('\0'));
    if head.len() >= 8 && &head[4..8] == b"ftyp" {
        return input(
            "input.index_missing",
            "the MP4 file has no readable index (moov): it was not closed, or its end is missing",
        );
    }
    if text {
        return input("input.not_media", "the file is text, not a recording");
    }
    input("input.unreadable", format!("the file is not a recording in a known container ({error})"))
}

fn still_image(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 6] = [
        (b"\xff\xd8\xff", "JPEG"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"GIF8", "GIF"),
        (b"BM", "BMP"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
    ];
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some("WebP");
    }
    if head.get(4..8) == Some(b"ftyp") && matches!(head.get(8..12), Some(b"heic" | b"heix" | b"mif1" | b"avif")) {
        return Some("HEIF");
    }
    MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}
