//! Which streams a program has (ISO/IEC 13818-1 §2.4.4, §2.6; ETSI EN 300 468 §6; ATSC A/52 annex A).

use media_types::language;

use crate::Roles;

/// How an elementary stream is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Avc,
    Hevc,
    /// In ADTS frames.
    Aac,
    Ac3,
    Eac3,
    /// SCTE 35 messages.
    Markers,
    /// Passed over; its name for people.
    Other(&'static str),
}

impl Kind {
    /// Whether its samples become a track.
    pub(super) fn is_media(self) -> bool {
        !matches!(self, Self::Markers | Self::Other(_))
    }
}

/// One stream of a program map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) pid: u16,
    pub(super) kind: Kind,
    /// BCP 47, `und` when nothing is stated.
    pub(super) language: String,
    pub(super) roles: Roles,
}

/// A program map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) number: u16,
    pub(super) clock_pid: u16,
    pub(super) streams: Vec<Listed>,
}

/// Program numbers and the PIDs of their maps from an intact section of the program association table; `None` when it is
/// another table or not yet in force.
pub(super) fn programs(section: &[u8]) -> Option<Vec<(u16, u16)>> {
    let entries = table(section, 0)?;
    let pairs = entries.chunks_exact(4).map(|entry| (be16(entry, 0), be16(entry, 2) & 0x1fff));
    Some(pairs.filter(|(number, _)| *number != 0).collect())
}

/// The program map of an intact section; `None` when it is another table, not yet in force or contradicts itself.
pub(super) fn program(section: &[u8]) -> Option<Program> {
    let body = table(section, 2)?;
    let (head, rest) = body.split_at_checked(4)?;
    let (common, mut rest) = rest.split_at_checked(usize::from(be16(head, 2) & 0xfff))?;
    let owner = registration(common);
    let mut streams = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(5) {
        let (own, tail) = tail.split_at_checked(usize::from(be16(head, 3) & 0xfff))?;
        rest = tail;
        let (language, roles) = spoken(own);
        streams.push(Listed { pid: be16(head, 1) & 0x1fff, kind: kind(head[0], own, owner), language, roles });
    }
    Some(Program { number: be16(section, 3), clock_pid: be16(head, 0) & 0x1fff, streams })
}

/// What lies between the 8-byte head and the CRC of a section of table `id` that is in force (§2.4.4.10).
fn table(section: &[u8], id: u8) -> Option<&[u8]> {
    let in_force = *section.first()? == id && section.get(5)? & 1 == 1;
    in_force.then(|| section.get(8..section.len().checked_sub(4)?)).flatten()
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// Tag and content of each descriptor.
fn descriptors(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = bytes.split_first_chunk::<2>()?;
        let (content, tail) = rest.split_at_checked(usize::from(head[1]))?;
        bytes = tail;
        Some((head[0], content))
    })
}

/// `format_identifier` of the registration descriptor (§2.6.8).
fn registration(bytes: &[u8]) -> Option<[u8; 4]> {
    descriptors(bytes).find_map(|(tag, content)| (tag == 5).then(|| content.first_chunk().copied()).flatten())
}

/// From `stream_type` (table 2-34 and the private ones of ATSC, SCTE and BDAV) and descriptors.
fn kind(stream_type: u8, own: &[u8], owner: Option<[u8; 4]>) -> Kind {
    let disc = owner.as_ref() == Some(b"HDMV");
    match stream_type {
        0x1b => Kind::Avc,
        0x24 => Kind::Hevc,
        0x0f => Kind::Aac,
        0x81 => Kind::Ac3,
        0x87 => Kind::Eac3,
        0x84 if disc => Kind::Eac3,
        0x86 if !disc => Kind::Markers,
        0x05 | 0x06 => private(own),
        0x01 | 0x02 => Kind::Other("MPEG-1/2 video"),
        0x03 | 0x04 => Kind::Other("MPEG-1/2 audio (MP2 or MP3)"),
        0x10 => Kind::Other("MPEG-4 Visual"),
        0x11 | 0x1c => Kind::Other("MPEG-4 audio in LATM"),
        0x15 => Kind::Other("timed metadata"),
        0x1f | 0x20 | 0x23 => Kind::Other("a second layer or view of H.264"),
        0x21 => Kind::Other("JPEG 2000"),
        0x25..=0x2b | 0x31 => Kind::Other("a second layer or view of HEVC"),
        0x2d | 0x2e => Kind::Other("MPEG-H 3D Audio"),
        0x33 | 0x34 => Kind::Other("VVC"),
        0x42 | 0xd2 | 0xd4 => Kind::Other("AVS video"),
        0x80 if disc => Kind::Other("linear PCM"),
        0x82 | 0x85 | 0x86 | 0x8a => Kind::Other("DTS"),
        0x83 => Kind::Other("Dolby TrueHD"),
        0x90 => Kind::Other("PGS subtitles"),
        0xea => Kind::Other("VC-1"),
        0xcf | 0xdb | 0xc1 | 0xc2 => Kind::Other("media under sample encryption (decrypt it first)"),
        _ => Kind::Other("data of an unknown type"),
    }
}

/// Private data names itself by a descriptor.
fn private(own: &[u8]) -> Kind {
    let by_name = registration(own).and_then(|name| match &name {
        b"AC-3" => Some(Kind::Ac3),
        b"EAC3" => Some(Kind::Eac3),
        b"HEVC" => Some(Kind::Hevc),
        b"CUEI" => Some(Kind::Markers),
        b"Opus" => Some(Kind::Other("Opus")),
        b"AV01" => Some(Kind::Other("AV1")),
        b"BSSD" => Some(Kind::Other("SMPTE 302M audio")),
        b"KLVA" => Some(Kind::Other("KLV metadata")),
        b"ID3 " => Some(Kind::Other("timed metadata")),
        b"DTS1" | b"DTS2" | b"DTS3" => Some(Kind::Other("DTS")),
        _ => None,
    });
    let by_tag = || {
        descriptors(own).find_map(|(tag, content)| match tag {
            0x6a => Some(Kind::Ac3),
            0x7a => Some(Kind::Eac3),
            0x46 | 0x56 => Some(Kind::Other("teletext")),
            0x59 => Some(Kind::Other("DVB subtitles")),
            0x7b => Some(Kind::Other("DTS")),
            0x7c => Some(Kind::Other("MPEG-4 audio in LATM")),
            0x7f if content.first() == Some(&0x15) => Some(Kind::Other("AC-4")),
            0x7f if content.first() == Some(&0x20) => Some(Kind::Other("TTML subtitles")),
            _ => None,
        })
    };
    by_name.or_else(by_tag).unwrap_or(Kind::Other("private data"))
}

/// ISO 639 language descriptor (§2.6.18) and DVB's supplementary audio descriptor (EN 300 468 §6.4.11).
fn spoken(own: &[u8]) -> (String, Roles) {
    let mut roles = Roles::default();
    let mut found = None;
    for (tag, content) in descriptors(own) {
        match (tag, content) {
            (0x0a, [a, b, c, audio_type, ..]) => {
                found = found.or_else(|| code([*a, *b, *c]));
                roles.hearing_impaired |= *audio_type == 2;
                roles.visual_impaired |= *audio_type == 3;
            }
            (0x7f, [6, flags, ..]) => {
                let editorial = flags >> 2 & 0x1f;
                roles.visual_impaired |= editorial == 1;
                roles.hearing_impaired |= editorial == 2;
            }
            _ => {}
        }
    }
    (found.unwrap_or_else(|| language::UNKNOWN.to_owned()), roles)
}

/// DVB and ATSC also use the bibliographic codes (ISO 639-2 §4.1).
fn code(letters: [u8; 3]) -> Option<String> {
    language::canonical(std::str::from_utf8(&letters).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn map(streams: &[(u8, u16, &[u8])]) -> Vec<u8> {
        let mut body = vec![0, 1, 0xc1, 0, 0, 0xe1, 0, 0xf0, 0];
        for (stream_type, pid, own) in streams {
            body.push(*stream_type);
            body.extend((pid | 0xe000).to_be_bytes());
            body.extend((own.len() as u16 | 0xf000).to_be_bytes());
            body.extend(*own);
        }
        let mut section = vec![2];
        section.extend(((body.len() as u16 + 4) | 0xb000).to_be_bytes());
        section.extend(body);
        section.extend([0; 4]);
        section
    }

    #[test]
    fn streams_are_named_by_type_and_descriptors() {
        for (stream_type, own, kind) in [
            (0x1b, &[][..], Kind::Avc),
            (0x24, &[], Kind::Hevc),
            (0x0f, &[], Kind::Aac),
            (0x81, &[], Kind::Ac3),
            (0x87, &[], Kind::Eac3),
            (0x06, &[0x6a, 0], Kind::Ac3),
            (0x06, &[0x7a, 1, 0], Kind::Eac3),
            (0x06, &[5, 4, b'E', b'A', b'C', b'3'], Kind::Eac3),
            (0x06, &[0x56, 0], Kind::Other("teletext")),
            (0x86, &[], Kind::Markers),
        ] {
            let program = program(&map(&[(stream_type, 0x101, own)])).expect("valid");
            assert_eq!((program.streams[0].pid, program.streams[0].kind), (0x101, kind));
        }
    }

    #[test]
    fn languages_and_audio_types_become_tags_and_roles() {
        let program =
            program(&map(&[(0x0f, 0x101, b"\x0a\x04ger\x03"), (0x0f, 0x102, b"\x0a\x04eng\x02"), (0x0f, 0x103, b"")]))
                .expect("valid");
        let told: Vec<_> = program
            .streams
            .iter()
            .map(|stream| (stream.language.as_str(), stream.roles.visual_impaired, stream.roles.hearing_impaired))
            .collect();
        assert_eq!(told, [("de", true, false), ("en", false, true), ("und", false, false)]);
    }

    proptest! {
        #[test]
        fn no_section_makes_it_panic(mut section in prop::collection::vec(any::<u8>(), 0..100), id in prop::sample::select(vec![0u8, 2])) {
            if section.len() > 5 {
                section[0] = id;
                section[5] |= 1;
            }
            let _ = (programs(&section), program(&section));
        }
    }
}
