//! Languages and names as tracks state them, for people and manifests.

use media_types::language;

/// Macintosh language codes 0 to 33, which QuickTime files may have (QuickTime File Format, "Language Code Values").
const MACINTOSH: &str = "en fr de it nl sv es da pt no he ja ar fi el is mt tr hr zh-Hant ur hi th ko lt pl hu et lv \
se fo fa ru zh-Hans";

/// What `mdhd` has (ISO/IEC 14496-12 §8.4.2.3), as BCP 47 wants it: the shortest code; `und` when there is none.
/// Macintosh codes count in `quicktime` files alone.
pub(super) fn unpack(packed: u16, quicktime: bool) -> String {
    if packed < 0x400 && quicktime {
        return MACINTOSH.split(' ').nth(packed.into()).unwrap_or("und").to_owned();
    }
    language::unpacked(packed).unwrap_or_else(|| language::UNKNOWN.to_owned())
}

/// A tag as `elng` has it (§8.4.6): letters, digits and hyphens, or nothing.
pub(super) fn tag(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.len() > 1 && language::is_plain(text)).then(|| text.to_owned())
}

/// A name for people ([`language::label`]).
pub(super) fn label(bytes: &[u8]) -> Option<String> {
    // QuickTime counts the bytes first; ISO BMFF ends the text with a zero byte.
    let counted = bytes.split_first().filter(|(count, rest)| usize::from(**count) == rest.len() && !rest.is_empty());
    let bytes = counted.map_or(bytes, |(_, rest)| rest);
    let bytes = &bytes[..bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len())];
    language::label(std::str::from_utf8(bytes).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(code: &str) -> u16 {
        code.bytes().fold(0, |packed, letter| packed << 5 | u16::from(letter - 0x60))
    }

    #[test]
    fn packed_codes_become_the_shortest_tags() {
        for (code, expected) in [("eng", "en"), ("und", "und"), ("deu", "de"), ("gsw", "gsw"), ("zho", "zh")] {
            assert_eq!(unpack(packed(code), true), expected);
        }
        for (code, expected) in
            [(0, "en"), (32, "ru"), (19, "zh-Hant"), (0x3ff, "und"), (0x7fff, "und"), (0x8000, "und")]
        {
            assert_eq!(unpack(code, true), expected);
        }
        assert_eq!(unpack(0, false), "und");
    }

    #[test]
    fn labels_are_what_a_person_wrote() {
        for (name, expected) in [
            (&b"VideoHandler\0"[..], None),
            (b"\x0cVideoHandler", None),
            (b"Core Media Audio", None),
            (b"Director's commentary\0", Some("Director's commentary")),
            (b"\x06Ton 5.", Some("Ton 5.")),
            (b"", None),
            (b"\0", None),
            (b"a\nb", None),
            (b"\xff\xfe", None),
        ] {
            assert_eq!(label(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn tags_are_plain_or_nothing() {
        assert_eq!(tag(b"pt-BR").as_deref(), Some("pt-BR"));
        for bad in [&b"e"[..], b"en\"", b"en--US", b"", b"\xff\xff"] {
            assert_eq!(tag(bad), None);
        }
    }
}
