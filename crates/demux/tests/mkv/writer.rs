//! A small Matroska writer, for what ffmpeg does not write.

/// An element with its size in one or eight bytes.
pub(crate) fn element(id: u32, content: &[u8]) -> Vec<u8> {
    let mut out = name(id);
    match content.len() {
        short @ 0..=126 => out.push(0x80 | short as u8),
        long => out.extend((1u64 << 56 | long as u64).to_be_bytes()),
    }
    out.extend(content);
    out
}

/// An element of unknown size.
pub(crate) fn open(id: u32, content: &[u8]) -> Vec<u8> {
    let mut out = name(id);
    out.extend([0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
    out.extend(content);
    out
}

fn name(id: u32) -> Vec<u8> {
    id.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect()
}

pub(crate) fn number(id: u32, value: u64) -> Vec<u8> {
    let bytes: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
    element(id, &bytes)
}

pub(crate) fn text(id: u32, value: &str) -> Vec<u8> {
    element(id, value.as_bytes())
}

pub(crate) fn master(id: u32, children: &[Vec<u8>]) -> Vec<u8> {
    element(id, &children.concat())
}

pub(crate) fn header() -> Vec<u8> {
    master(0x1A45_DFA3, &[number(0x4286, 1), text(0x4282, "matroska"), number(0x4287, 4), number(0x4285, 2)])
}

/// A track: number, type, codec, private data and more.
pub(crate) fn track(number_: u64, kind: u64, codec: &str, private: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let mut children = vec![number(0xD7, number_), number(0x73C5, number_), number(0x83, kind), text(0x86, codec)];
    if !private.is_empty() {
        children.push(element(0x63A2, private));
    }
    children.extend_from_slice(more);
    master(0xAE, &children)
}

/// A file of tracks and clusters, the Segment of unknown size.
pub(crate) fn file(tracks: &[Vec<u8>], rest: &[Vec<u8>]) -> Vec<u8> {
    let info = master(0x1549_A966, &[number(0x2A_D7B1, 1_000_000)]);
    let tracks = master(0x1654_AE6B, tracks);
    [header(), open(0x1853_8067, &[info, tracks, rest.concat()].concat())].concat()
}

pub(crate) fn cluster(timestamp: u64, children: &[Vec<u8>]) -> Vec<u8> {
    master(0x1F43_B675, &[vec![number(0xE7, timestamp)], children.to_vec()].concat())
}

/// The content of a block: `flags` 0x80 for a key frame, lacing in 0x06.
pub(crate) fn block(track: u8, relative: i16, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = relative.to_be_bytes();
    [&[0x80 | track, high, low, flags], payload].concat()
}

pub(crate) fn simple(track: u8, relative: i16, flags: u8, payload: &[u8]) -> Vec<u8> {
    element(0xA3, &block(track, relative, flags, payload))
}

pub(crate) fn group(block: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    master(0xA0, &[vec![element(0xA1, block)], more.to_vec()].concat())
}
