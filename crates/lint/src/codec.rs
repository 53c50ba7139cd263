//! What decoder configurations say, so far as playlists, manifests and sample entries repeat it.

mod sps;

use bitstream::bits::Bits;

use crate::bmff::entry::Entry;

/// What a format is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Video,
    Audio,
    Text,
}

/// The kind of a format, by its four-character code.
pub(crate) fn kind(format: [u8; 4]) -> Option<Kind> {
    match &format {
        b"avc1" | b"avc3" | b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" | b"dvav" | b"dva1" | b"av01" | b"vp08" | b"vp09" => {
            Some(Kind::Video)
        }
        b"mp4a" | b"ac-3" | b"ec-3" | b"ac-4" | b"Opus" | b"fLaC" | b"alac" | b"mha1" | b"mhm1" | b"iamf" => {
            Some(Kind::Audio)
        }
        b"wvtt" | b"stpp" | b"sbtt" | b"tx3g" => Some(Kind::Text),
        _ => None,
    }
}

/// The kind of a format, by its name in CODECS.
pub(crate) fn kind_of_name(codec: &str) -> Option<Kind> {
    let four = codec.split('.').next().unwrap_or(codec);
    let code: [u8; 4] = match four.to_ascii_lowercase().as_str() {
        "opus" => *b"Opus",
        "flac" => *b"fLaC",
        _ => four.as_bytes().try_into().ok()?,
    };
    kind(code)
}

/// Which codec family NAL units belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nal {
    Avc,
    Hevc,
}

/// What a configuration says. Fields that it does not tell are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// As RFC 6381 names it.
    pub(crate) codec: String,
    /// Size of the cropped picture.
    pub(crate) size: Option<(u32, u32)>,
    /// Output samples per second, and channels or 0.
    pub(crate) sound: Option<(u32, u32)>,
    /// AAC's own rate below spectral band replication.
    pub(crate) core_rate: Option<u32>,
    /// Transfer characteristics (ISO/IEC 23091-2).
    pub(crate) transfer: Option<u16>,
    /// Codec family and bytes of a NAL unit's length.
    pub(crate) nal: Option<(Nal, usize)>,
}

/// Reads an entry's configuration; `None` when it is broken.
pub(crate) fn facts(entry: &Entry) -> Option<Facts> {
    let config = entry.config.as_slice();
    let format = String::from_utf8_lossy(&entry.format).into_owned();
    let mut facts = match &entry.format {
        b"avc1" | b"avc3" | b"dvav" | b"dva1" => avc(&format, config),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => hevc(&format, config),
        b"av01" => av1(config),
        b"vp08" | b"vp09" => vp9(&format, config),
        b"mp4a" => mp4a(config),
        b"ac-3" => ac3(config),
        b"Opus" => Some(Facts { sound: Some((48_000, u32::from(*config.get(1)?))), ..Facts::default() }),
        _ => Some(Facts::default()),
    }?;
    if facts.codec.is_empty() {
        facts.codec = if format == "Opus" { "opus".to_owned() } else { format };
    }
    facts.transfer = entry.colour.map(|colour| colour.1).or(facts.transfer);
    Some(facts)
}

fn avc(format: &str, config: &[u8]) -> Option<Facts> {
    let &[1, profile, constraints, level, lengths, count, ref sets @ ..] = config else { return None };
    let mut facts = Facts {
        codec: format!("{format}.{profile:02x}{constraints:02x}{level:02x}"),
        nal: Some((Nal::Avc, usize::from(lengths & 3) + 1)),
        ..Facts::default()
    };
    if count & 31 > 0 {
        let (length, sets) = sets.split_first_chunk::<2>()?;
        let sps = sps::avc(sets.get(..u16::from_be_bytes(*length).into())?)?;
        (facts.size, facts.transfer) = (Some(sps.size), sps.transfer);
    }
    Some(facts)
}

fn hevc(format: &str, config: &[u8]) -> Option<Facts> {
    if config.len() < 23 || config[0] != 1 {
        return None;
    }
    let space = ["", "A", "B", "C"][usize::from(config[1] >> 6)];
    let tier = if config[1] & 0x20 == 0 { 'L' } else { 'H' };
    let compatibility = u32::from_be_bytes(*config[2..].first_chunk()?).reverse_bits();
    let mut codec = format!("{format}.{space}{}.{compatibility:X}.{tier}{}", config[1] & 31, config[12]);
    let constraints = &config[6..12];
    let used = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1);
    for byte in &constraints[..used] {
        codec.push_str(&format!(".{byte:X}"));
    }
    let mut facts = Facts { codec, nal: Some((Nal::Hevc, usize::from(config[21] & 3) + 1)), ..Facts::default() };
    let mut rest = &config[23..];
    for _ in 0..config[22] {
        let (head, tail) = rest.split_first_chunk::<3>()?;
        rest = tail;
        for _ in 0..u16::from_be_bytes([head[1], head[2]]) {
            let (length, tail) = rest.split_first_chunk::<2>()?;
            let (nal, tail) = tail.split_at_checked(u16::from_be_bytes(*length).into())?;
            rest = tail;
            if head[0] & 0x3f == 33 {
                facts.size = Some(sps::hevc(nal)?.size);
            }
        }
    }
    Some(facts)
}

fn av1(config: &[u8]) -> Option<Facts> {
    let &[0x81, profile_level, flags, _, ..] = config else { return None };
    let (profile, level) = (profile_level >> 5, profile_level & 31);
    let tier = if flags & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (flags & 0x40 != 0, flags & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(Facts { codec: format!("av01.{profile}.{level:02}{tier}.{depth:02}"), ..Facts::default() })
}

fn vp9(format: &str, config: &[u8]) -> Option<Facts> {
    // Version and flags, then the record.
    let &[_, _, _, _, profile, level, depth, _, transfer, ..] = config else { return None };
    Some(Facts {
        codec: format!("{format}.{profile:02}.{level:02}.{:02}", depth >> 4),
        transfer: Some(transfer.into()),
        ..Facts::default()
    })
}

fn ac3(config: &[u8]) -> Option<Facts> {
    let mut bits = Bits::new(config);
    let rate = [48_000, 44_100, 32_000, 0][bits.take(2)? as usize];
    bits.skip(8)?;
    let channels = [2, 1, 2, 3, 3, 4, 4, 5][bits.take(3)? as usize] + bits.take(1)?;
    Some(Facts { sound: Some((rate, channels)), ..Facts::default() })
}

/// `esds` (ISO/IEC 14496-1 §7.2.6): the object type and the AudioSpecificConfig in it.
fn mp4a(config: &[u8]) -> Option<Facts> {
    let es = descriptor(config.get(4..)?, 3)?;
    let flags = *es.get(2)?;
    let mut at = 3 + if flags & 0x80 == 0 { 0 } else { 2 };
    if flags & 0x40 != 0 {
        at += 1 + usize::from(*es.get(at)?);
    }
    at += if flags & 0x20 == 0 { 0 } else { 2 };
    let decoder = descriptor(es.get(at..)?, 4)?;
    let object = *decoder.first()?;
    if object != 0x40 {
        return Some(Facts { codec: format!("mp4a.{object:02x}"), ..Facts::default() });
    }
    aac(descriptor(decoder.get(13..)?, 5)?)
}

/// The body of a descriptor with this tag.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (&found, mut rest) = bytes.split_first()?;
    let mut length = 0;
    for _ in 0..4 {
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    (found == tag).then(|| rest.get(..length))?
}

/// AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1).
fn aac(config: &[u8]) -> Option<Facts> {
    let mut bits = Bits::new(config);
    let object_type = |bits: &mut Bits<'_>| match bits.take(5)? {
        31 => Some(32 + bits.take(6)?),
        kind => Some(kind),
    };
    let kind = object_type(&mut bits)?;
    let core = frequency(&mut bits)?;
    let channels = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8, 0][bits.take(4)? as usize];
    let explicit = matches!(kind, 5 | 29);
    let rate = if explicit { frequency(&mut bits)? } else { core };
    let channels = if kind == 29 { 0 } else { channels };
    Some(Facts {
        codec: format!("mp4a.40.{kind}"),
        sound: Some((rate, channels)),
        core_rate: Some(core),
        ..Facts::default()
    })
}

fn frequency(bits: &mut Bits<'_>) -> Option<u32> {
    const RATES: [u32; 13] =
        [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
    match bits.take(4)? {
        15 => bits.take(24),
        index => RATES.get(index as usize).copied(),
    }
}

/// Whether a name in CODECS is one for `facts`: case, default tails and implicit SBR aside.
pub(crate) fn same(name: &str, facts: &Facts) -> bool {
    let (left, right) = (name.trim().to_ascii_lowercase(), facts.codec.to_ascii_lowercase());
    if left == right {
        return true;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (left.split('.').collect(), right.split('.').collect());
    if a[0] != b[0] {
        return false;
    }
    match a[0] {
        "avc1" | "avc3" | "dvav" | "dva1" => false,
        "hvc1" | "hev1" => {
            let trimmed = |parts: &[&str]| {
                let used = parts.iter().rposition(|part| !part.trim_matches('0').is_empty()).map_or(0, |at| at + 1);
                parts[..used].iter().map(|part| part.trim_start_matches('0').to_owned()).collect::<Vec<_>>()
            };
            trimmed(&a) == trimmed(&b)
        }
        "av01" | "vp09" | "vp08" => a.len() >= 4 && a[..4] == b[..4.min(b.len())],
        "mp4a" => {
            let aac = |parts: &[&str]| parts.get(1) == Some(&"40") && matches!(parts.get(2), Some(&("2" | "5" | "29")));
            aac(&a) && aac(&b)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_compared_by_what_they_mean() {
        let facts = |codec: &str| Facts { codec: codec.to_owned(), ..Facts::default() };
        for (name, codec, equal) in [
            ("avc1.64001F", "avc1.64001f", true),
            ("avc1.64001e", "avc1.64001f", false),
            ("avc3.64001f", "avc1.64001f", false),
            ("hvc1.1.6.L93.90", "hvc1.1.6.L93.90", true),
            ("hvc1.1.6.L93.B0.0.0", "hvc1.1.6.L93.B0", true),
            ("hvc1.2.4.L93.90", "hvc1.1.6.L93.90", false),
            ("mp4a.40.5", "mp4a.40.2", true),
            ("mp4a.40.34", "mp4a.40.2", false),
            ("av01.0.04M.08.0.110.01.01.01.0", "av01.0.04M.08", true),
            ("av01.0.05M.08", "av01.0.04M.08", false),
            ("stpp.ttml.im1t", "stpp", true),
        ] {
            assert_eq!(same(name, &facts(codec)), equal, "{name} {codec}");
        }
    }

    #[test]
    fn sound_is_read_from_its_configuration() {
        let sound = |hex: &str| {
            let facts = aac(&hex::decode(hex).unwrap()).unwrap();
            (facts.codec, facts.sound.unwrap())
        };
        assert_eq!(sound("1190"), ("mp4a.40.2".to_owned(), (48_000, 2)));
        assert_eq!(sound("1210"), ("mp4a.40.2".to_owned(), (44_100, 2)));
        assert_eq!(sound("2b920800"), ("mp4a.40.5".to_owned(), (44_100, 2)));
        assert_eq!(ac3(&hex::decode("103d40").unwrap()).unwrap().sound, Some((48_000, 6)));
    }

    proptest::proptest! {
        #[test]
        fn no_configuration_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let with = |first: &[u8]| [first, &bytes].concat();
            avc("avc1", &with(&[1]));
            avc("avc1", &with(&[1, 100, 0, 31, 255, 225, 0, 30, 0x67]));
            hevc("hvc1", &with(&[1]));
            av1(&with(&[0x81]));
            vp9("vp09", &bytes);
            mp4a(&bytes);
            aac(&bytes);
            ac3(&bytes);
            sps::avc(&with(&[0x67]));
            sps::hevc(&with(&[0x42, 1]));
        }
    }
}
