//! `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).

use super::Sps;

/// A configuration record, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// `AVCProfileIndication`.
    pub profile: u8,
    /// `profile_compatibility`: the constraint flags.
    pub compatibility: u8,
    /// `AVCLevelIndication`.
    pub level: u8,
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: u8,
    /// Sequence parameter sets, NAL units. Empty when they lie in the samples only.
    pub sps: Vec<&'a [u8]>,
    /// Picture parameter sets, NAL units.
    pub pps: Vec<&'a [u8]>,
}

impl<'a> Record<'a> {
    /// Reads a record without its box header. `None` when it is cut short, of another version, or states lengths of
    /// three bytes.
    pub fn parse(record: &'a [u8]) -> Option<Self> {
        let [1, profile, compatibility, level, lengths, sps_count, rest @ ..] = record else { return None };
        let length_size = (lengths & 3) + 1;
        if length_size == 3 {
            return None;
        }
        let mut rest = rest;
        let sps = units(&mut rest, sps_count & 0x1f)?;
        let (&pps_count, mut rest) = rest.split_first()?;
        let pps = units(&mut rest, pps_count)?;
        Some(Self { profile: *profile, compatibility: *compatibility, level: *level, length_size, sps, pps })
    }

    /// The first sequence parameter set, read.
    pub fn first_sps(&self) -> Option<Sps> {
        self.sps.first().and_then(|nal| Sps::parse(nal))
    }
}

fn units<'a>(rest: &mut &'a [u8], count: u8) -> Option<Vec<&'a [u8]>> {
    (0..count)
        .map(|_| {
            let (length, tail) = rest.split_first_chunk::<2>()?;
            let (unit, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            *rest = tail;
            Some(unit)
        })
        .collect()
}

/// The record of a track whose samples hold each NAL unit behind its 4-byte length. `sps` and `pps` are NAL units with
/// their header bytes; profile and chroma format are the first's, the level is the highest, and only constraints that
/// all sets state are stated (§5.3.3.1.2). `None` when there is no sequence parameter set, one cannot be read, or there
/// are more, or longer ones, than a record can hold.
pub fn record(sps: &[&[u8]], pps: &[&[u8]]) -> Option<Vec<u8>> {
    let parsed: Vec<Sps> = sps.iter().map(|nal| Sps::parse(nal)).collect::<Option<_>>()?;
    let first = parsed.first()?;
    let constraints = parsed.iter().fold(0xff, |all, set| all & set.constraints);
    let level = parsed.iter().map(|set| set.level).max()?;
    let sps_count = u8::try_from(sps.len()).ok().filter(|&count| count < 32)?;
    let mut out = vec![1, first.profile, constraints, level, 0xff, 0xe0 | sps_count];
    write_units(&mut out, sps)?;
    out.push(u8::try_from(pps.len()).ok()?);
    write_units(&mut out, pps)?;
    if !matches!(first.profile, 66 | 77 | 88) {
        out.extend_from_slice(&[
            0xfc | first.chroma_format,
            0xf8 | (first.bit_depth_luma - 8),
            0xf8 | (first.bit_depth_chroma - 8),
            0, // numOfSequenceParameterSetExt
        ]);
    }
    Some(out)
}

fn write_units(out: &mut Vec<u8>, units: &[&[u8]]) -> Option<()> {
    for unit in units {
        out.extend_from_slice(&u16::try_from(unit.len()).ok()?.to_be_bytes());
        out.extend_from_slice(unit);
    }
    Some(())
}

/// The name of the codec in manifests, such as `avc1.640028` (RFC 6381 §3.3), of a configuration record. A track with
/// parameter sets in its samples replaces `avc1` by `avc3`.
pub fn codec_string(record: &[u8]) -> Option<String> {
    match record {
        [1, profile, compatibility, level, ..] => Some(format!("avc1.{profile:02x}{compatibility:02x}{level:02x}")),
        _ => None,
    }
}
