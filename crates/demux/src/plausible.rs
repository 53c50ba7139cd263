//! Whether samples can be what their track says they are.

use bitstream::audio::{aac, flac};
use bitstream::{av1, avc, hevc, vp9};
use media_types::CodecConfig;

/// Odd samples that are put down to chance, whatever their share is.
const LEAST_ODD: u32 = 4;

/// Looks at samples that were decrypted: under a wrong key most codecs' samples soon are what no encoder writes.
///
/// That it finds nothing proves nothing. Where slice headers and all before them are clear, as they are meant to be, a
/// wrong key shows in H.264 and H.265 only by byte sequences that NAL units never hold, about once in 5 million encrypted
/// bytes. Of AV1 and VP9 it sees no more than the first bits of headers, of Opus nothing.
#[derive(Clone, Debug)]
pub struct SampleCheck {
    codec: Codec,
    seen: u32,
    odd: u32,
}

/// A sample, or the samples so far, cannot be what the track says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Implausible {
    /// What was found.
    pub what: &'static str,
}

#[derive(Clone, Debug)]
enum Codec {
    Avc(Box<avc::ParameterSets>),
    Hevc(Box<hevc::ParameterSets>),
    /// Its first syntax elements, by their `id_syn_ele`, as a set of bits.
    Aac(u8),
    Ac3,
    Flac,
    Vp9,
    Av1,
    Unknown,
}

/// What one sample looks like.
enum Look {
    Sound,
    /// Nothing that proves anything by itself.
    Odd,
    Impossible(&'static str),
}

impl SampleCheck {
    /// Of a track with this configuration.
    pub fn new(config: &CodecConfig) -> Self {
        let codec = match config {
            CodecConfig::Avc(record) => {
                avc::ParameterSets::from_record(record).map_or(Codec::Unknown, |sets| Codec::Avc(Box::new(sets)))
            }
            CodecConfig::Hevc(record) => {
                hevc::ParameterSets::from_record(record).map_or(Codec::Unknown, |sets| Codec::Hevc(Box::new(sets)))
            }
            CodecConfig::Aac(config) => aac::Config::parse(config).map_or(Codec::Unknown, |config| aac_codec(&config)),
            CodecConfig::Ac3(_) | CodecConfig::Eac3(_) => Codec::Ac3,
            CodecConfig::Flac(_) => Codec::Flac,
            CodecConfig::Vp9(_) => Codec::Vp9,
            CodecConfig::Av1(_) => Codec::Av1,
            _ => Codec::Unknown,
        };
        Self { codec, seen: 0, odd: 0 }
    }

    /// Looks at the next sample; some may be left out.
    ///
    /// # Errors
    /// It cannot be of the codec, or more than a quarter of those so far are hardly so.
    pub fn look(&mut self, sample: &[u8]) -> Result<(), Implausible> {
        self.seen = self.seen.saturating_add(1);
        let (look, what) = match &mut self.codec {
            Codec::Avc(sets) => (nal_units(sample, |nal| avc_unit(sets, nal)), "slice headers cannot be read"),
            Codec::Hevc(sets) => (nal_units(sample, |nal| hevc_unit(sets, nal)), "slice headers cannot be read"),
            Codec::Aac(first) => (
                odd_unless(sample.first().is_some_and(|byte| *first >> (byte >> 5) & 1 == 1)),
                "AAC frames begin with elements that cannot come first",
            ),
            Codec::Ac3 => (odd_unless(sample.starts_with(&[0x0b, 0x77])), "AC-3 frames lack their sync word"),
            Codec::Flac => (odd_unless(flac::block_size(sample).is_some()), "FLAC frames lack their headers"),
            Codec::Vp9 => (odd_unless(vp9_frames(sample)), "VP9 frames lack their markers"),
            Codec::Av1 => {
                (odd_unless(av1::obus(sample).all(|obu| obu.is_some())), "AV1 samples are no sequence of OBUs")
            }
            Codec::Unknown => return Ok(()),
        };
        match look {
            Look::Sound => return Ok(()),
            Look::Impossible(what) => return Err(Implausible { what }),
            Look::Odd => self.odd = self.odd.saturating_add(1),
        }
        if self.odd >= LEAST_ODD && u64::from(self.odd) * 4 > u64::from(self.seen) {
            return Err(Implausible { what });
        }
        Ok(())
    }
}

/// Whether an H.264 sample is an instantaneous decoding refresh picture, by the type of its first slice; `None` when its
/// first bytes, `head`, hold no slice.
pub fn avc_is_idr(head: &[u8]) -> Option<bool> {
    let mut rest = head;
    loop {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let kind = avc::NalType::of(tail)?;
        if kind.is_vcl() {
            return Some(kind.is_idr());
        }
        rest = tail.get(usize::try_from(u32::from_be_bytes(*length)).ok()?..)?;
    }
}

fn odd_unless(sound: bool) -> Look {
    if sound { Look::Sound } else { Look::Odd }
}

/// Which elements a frame may begin with (ISO/IEC 14496-3 §4.4.2.1, §4.5.2.1): those of its first channels, coupling (2),
/// data (4), a configuration (5) or filling (6). An error resilient or unified frame has no elements.
fn aac_codec(config: &aac::Config) -> Codec {
    let always = 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6;
    match (config.object_type, config.channel_config) {
        (1..=4, 0) => Codec::Aac(always | 1 | 1 << 1 | 1 << 3),
        (1..=4, 2) => Codec::Aac(always | 1 << 1),
        (1..=4, _) => Codec::Aac(always | 1),
        _ => Codec::Unknown,
    }
}

/// Whether each frame begins with `frame_marker` (VP9 §7.2).
fn vp9_frames(sample: &[u8]) -> bool {
    vp9::frames(sample).is_some_and(|mut frames| frames.all(|frame| sample[frame.start] >> 6 == 2))
}

fn nal_units(sample: &[u8], mut unit: impl FnMut(&[u8]) -> Look) -> Look {
    let mut look = Look::Sound;
    for nal in bitstream::bits::length_prefixed(sample) {
        let Some(nal) = nal else {
            return Look::Impossible("the length of a NAL unit runs past the end of its sample");
        };
        if nal.is_empty() {
            continue;
        }
        match unit(nal) {
            Look::Sound => {}
            Look::Odd => look = Look::Odd,
            impossible @ Look::Impossible(_) => return impossible,
        }
    }
    look
}

const FORBIDDEN_BIT: Look = Look::Impossible("the first bit of a NAL unit is set");
const START_CODE: Look = Look::Impossible("a slice holds bytes that NAL units never hold");

fn avc_unit(sets: &mut avc::ParameterSets, nal: &[u8]) -> Look {
    let Some(kind) = avc::NalType::of(nal) else { return FORBIDDEN_BIT };
    if kind.is_sps() || kind.is_pps() {
        sets.learn(nal);
        return Look::Sound;
    }
    match kind.is_slice() {
        true if holds_start_code(nal) => START_CODE,
        true => odd_unless(sets.slice_header_length(nal).is_some()),
        false => Look::Sound,
    }
}

fn hevc_unit(sets: &mut hevc::ParameterSets, nal: &[u8]) -> Look {
    if nal[0] & 0x80 != 0 {
        return FORBIDDEN_BIT;
    }
    let Some(kind) = hevc::NalType::of(nal) else { return Look::Odd };
    if nal[1] & 7 == 0 {
        return Look::Impossible("the temporal identifier of a NAL unit is below 0");
    }
    let base_layer = nal[0] & 1 == 0 && nal[1] >> 3 == 0;
    if !base_layer {
        return Look::Sound;
    }
    if kind.is_vps() || kind.is_sps() || kind.is_pps() {
        sets.learn(nal);
        return Look::Sound;
    }
    match kind.is_slice() {
        true if holds_start_code(nal) => START_CODE,
        true => odd_unless(sets.slice_header_length(nal).is_some()),
        false => Look::Sound,
    }
}

/// Whether two zero bytes and one below 3 follow one another, which emulation prevention makes impossible (ITU-T H.264
/// §7.4.1, H.265 §7.4.2). Zeros at the end, which careless writers leave, are passed over.
///
/// It looks at every third byte: coded pictures rarely hold any of these.
fn holds_start_code(nal: &[u8]) -> bool {
    let end = nal.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    let nal = &nal[..end];
    let mut at = 2;
    while let Some(&byte) = nal.get(at) {
        at += match byte {
            3.. => 3,
            _ if nal[at - 2..at] == [0, 0] => return true,
            0 => 1,
            _ => 3,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn unlike(config: CodecConfig, samples: &[&[u8]]) -> Option<&'static str> {
        let mut check = SampleCheck::new(&config);
        samples.iter().find_map(|sample| check.look(sample).err()).map(|found| found.what)
    }

    fn avc() -> CodecConfig {
        CodecConfig::Avc(Bytes::from_static(&[
            0x01, 0x64, 0x00, 0x0a, 0xff, 0xe1, 0x00, 0x18, 0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x46, 0x26, 0xc0, 0x44,
            0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x48, 0x96, 0x58, 0x01, 0x00, 0x04, 0x68,
            0xef, 0x8f, 0xcb, 0xfd, 0xf8, 0xf8, 0x00,
        ]))
    }

    #[test]
    fn structures_that_no_encoder_writes_are_impossible_at_once() {
        for (sample, what) in [
            (&[0, 0, 0, 9, 0x65, 1][..], Some("the length of a NAL unit runs past the end of its sample")),
            (&[0, 0, 0, 2, 0x85, 1], Some("the first bit of a NAL unit is set")),
            (&[0, 0, 0, 6, 0x65, 0x88, 0, 0, 1, 7], Some("a slice holds bytes that NAL units never hold")),
            (&[0, 0, 0, 6, 0x65, 0x88, 0, 0, 3, 1], None),
            (&[0, 0, 0, 6, 0x65, 0x88, 0x84, 7, 0, 0], None),
            (&[0, 0, 0, 0, 0, 0, 0, 2, 9, 0xf0], None),
        ] {
            assert_eq!(unlike(avc(), &[sample]), what, "{sample:02x?}");
        }
    }

    #[test]
    fn idr_pictures_are_told_by_their_first_slice() {
        let sei = [0, 0, 0, 3, 6, 1, 2];
        let with = |tail: &[u8]| [&sei[..], tail].concat();
        assert_eq!(avc_is_idr(&with(&[0, 0, 9, 9, 0x65, 1])), Some(true));
        assert_eq!(avc_is_idr(&with(&[0, 0, 9, 9, 0x41, 1])), Some(false));
        for head in [&sei[..], &with(&[0, 0, 0]), &with(&[0, 0, 0, 1]), &[], &[0xff; 9]] {
            assert_eq!(avc_is_idr(head), None, "{head:?}");
        }
    }

    #[test]
    fn odd_samples_count_when_they_are_many() {
        let stereo = || CodecConfig::Aac(Bytes::from_static(&[0x12, 0x10]));
        let mono = || CodecConfig::Aac(Bytes::from_static(&[0x12, 0x08]));
        let (pair, single, end) = (&[0x21, 1][..], &[0x01, 1][..], &[0xe0, 1][..]);
        let begins = Some("AAC frames begin with elements that cannot come first");
        assert_eq!(unlike(stereo(), &[pair; 90]), None);
        assert_eq!(unlike(mono(), &[single; 90]), None);
        assert_eq!(unlike(stereo(), &[single; 3]), None);
        assert_eq!(unlike(stereo(), &[single; 4]), begins);
        assert_eq!(unlike(mono(), &[end; 4]), begins);
        let seldom: Vec<&[u8]> = (0..100).map(|at| if at % 5 == 0 { end } else { pair }).collect();
        assert_eq!(unlike(stereo(), &seldom), None);
        let config = || CodecConfig::Vp9(Bytes::new());
        assert_eq!(unlike(config(), &[&[0x82, 0x49, 0x83][..]; 9]), None);
        assert_eq!(unlike(config(), &[&[0x42, 0x49, 0x83][..]; 9]), Some("VP9 frames lack their markers"));
        let config = || CodecConfig::Av1(Bytes::new());
        assert_eq!(unlike(config(), &[&[0x12, 0, 0x32, 1, 7][..]; 9]), None);
        assert_eq!(unlike(config(), &[&[0x32, 9, 7][..]; 9]), Some("AV1 samples are no sequence of OBUs"));
        let config = || CodecConfig::Ac3(Bytes::from_static(&[0x10, 0x3d, 0x40]));
        assert_eq!(unlike(config(), &[&[0x0b, 0x77, 1][..]; 9]), None);
        assert_eq!(unlike(config(), &[&[0x77, 0x0b, 1][..]; 9]), Some("AC-3 frames lack their sync word"));
    }

    proptest! {
        #[test]
        fn a_start_code_is_found_wherever_it_lies(bytes in prop::collection::vec(0u8..5, 0..60)) {
            let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            let plain = bytes[..end].windows(3).any(|three| three[..2] == [0, 0] && three[2] < 3);
            prop_assert_eq!(holds_start_code(&bytes), plain);
        }

        #[test]
        fn no_sample_panics(codec in 0usize..5, config in prop::collection::vec(any::<u8>(), 0..60), sample in prop::collection::vec(any::<u8>(), 0..200)) {
            let config = Bytes::from(config);
            let config = match codec {
                0 => avc(),
                1 => CodecConfig::Hevc(config),
                2 => CodecConfig::Aac(config),
                3 => CodecConfig::Flac(config),
                _ => CodecConfig::Avc(config),
            };
            let _ = avc_is_idr(&sample);
            let mut check = SampleCheck::new(&config);
            let _ = check.look(&sample);
        }

        /// Samples that are noise behind their clear lengths and headers, as a wrong key makes them where the rest is encrypted.
        #[test]
        fn noise_is_noticed(seed in any::<u64>()) {
            let mut state = seed | 1;
            let mut noise = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            };
            let mut check = SampleCheck::new(&avc());
            let found = (0..200).any(|_| {
                let mut sample = vec![0, 0, 0, 60, 0x41];
                sample.extend((0..59).map(|_| noise()));
                check.look(&sample).is_err()
            });
            prop_assert!(found);
        }
    }
}
