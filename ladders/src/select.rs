//! From a ladder and the shape of a source to what is encoded.

use media_types::{DynamicRange, FrameRate, Rendition, SkippedRung, VideoCodec, VideoEncoding};

use crate::{Ladder, Rung};

/// A rendition's longer side is at most this many times its rung's height, so that strips stay decodable.
const MAX_ASPECT: u64 = 4;
/// A range lasts at least so long, but for a recording's last one.
const RANGE_S: u128 = 20;
/// The part of a source's bitrate that has to do for added key frames: what moves is a little coarser, and does not grow.
const OWN_SHARE: u64 = 2;
/// Where a slide changes its first picture is as large as a key frame, and the next key frame may follow at once.
const KEYFRAMES_HELD: u128 = 2;
/// Tenths of its buffer that are full when a range begins.
const FULL: u128 = 9;
/// Encoders of other codecs than H.264 take no shorter side.
const LEAST_SIDE: u32 = 64;
/// Encoders count in kilobits and take 0 for no cap.
const MIN_BITS: u64 = 1_000;

/// What selection needs to know of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceShape {
    /// Pixels, upright and with square pixels. At least 1.
    pub width: u32,
    /// Pixels, upright and with square pixels. At least 1.
    pub height: u32,
    /// Pictures per second that will be encoded.
    pub frame_rate: FrameRate,
    /// Average bitrate of the video stream in bits per second, if known.
    pub video_bitrate_bps: Option<u64>,
    /// Of the source's key frames; all zero when nothing is known of them.
    pub keyframes: KeyframeCost,
    /// Whether it has a high dynamic range that renditions can have too.
    pub is_hdr: bool,
}

/// What key frames cost at the source's own size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyframeCost {
    /// Mean size of the source's key frames in bits.
    pub bits: u64,
    /// Bits per second of the key frames that delivery needs and the source does not have.
    pub added_bps: u64,
}

impl SourceShape {
    /// Pixels of the shorter side.
    fn shorter(&self) -> u32 {
        self.width.min(self.height)
    }

    /// What counts to the bitrate for the key frames that the source lacks.
    pub(crate) fn counted_keyframes_bps(&self) -> u64 {
        let own = self.video_bitrate_bps.unwrap_or(0) / OWN_SHARE;
        self.keyframes.added_bps.saturating_sub(own)
    }
}

/// What one source gets of a ladder.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// H.264 first, then the other codecs, and behind these what is of high dynamic range; of each group ascending in size and in
    /// cap. At least one of H.264 if the ladder has a rung of it.
    pub renditions: Vec<Rendition>,
    /// In the order of the ladder's rungs.
    pub skipped: Vec<SkippedRung>,
}

/// Chooses what to encode, of each codec and dynamic range by itself.
///
/// - Rungs of high dynamic range are for sources that have it.
/// - A rung's height bounds the shorter side; aspect is kept, sides are even, nothing is scaled up.
/// - The first rung above the source is encoded at the source's own size, named after it (`900p`, `900p-av1`), unless that is
///   hardly larger than the rung below; the rungs above it are skipped.
/// - No rendition spends more than 1.1 times the source's bitrate, times the share of its lines that it has. If the
///   key frames that delivery needs and the source does not have would add more than half to its bitrate, what is above
///   that counts to it. The cap is a little lower, since every range may also spend what its buffer holds at its start.
/// - The buffer of a rung that is held to this falls with its cap, but holds two key frames of the source's.
/// - Pictures with a side below 64 are coded in H.264 alone.
pub fn select(ladder: &Ladder, source: &SourceShape) -> Selection {
    let mut selection = Selection { renditions: Vec::new(), skipped: Vec::new() };
    for rung in &ladder.rungs {
        let (width, height) = fit(rung.height, source);
        let clamped = rung.height > source.shorter();
        let shorter = width.min(height);
        let (range, codec) = rung.encoding.group();
        let below = selection.renditions.last().filter(|below| below.encoding.group() == (range, codec));
        let skip = match below {
            _ if range == DynamicRange::Hdr && !source.is_hdr => {
                Some("the source is not HDR (PQ or HLG in BT.2020, 10 bits)".to_owned())
            }
            _ if codec != VideoCodec::H264 && shorter < LEAST_SIDE => {
                Some(format!("{width}x{height} is too small for {}", codec.name()))
            }
            None => None,
            Some(below) if (width, height) == (below.width, below.height) && !clamped => {
                Some(format!("at this aspect it has the size of {}", below.name))
            }
            Some(below) => {
                let lines_below = below.width.min(below.height);
                let hardly_larger = u64::from(shorter) * 100 < u64::from(lines_below) * 115;
                match clamped && hardly_larger {
                    true if shorter > lines_below => {
                        Some(format!("the source is {}p, hardly larger than {}", source.shorter(), below.name))
                    }
                    true => Some(format!("the source is {}p", source.shorter())),
                    false => None,
                }
            }
        };
        match skip {
            Some(reason) => selection.skipped.push(SkippedRung { name: rung.name.clone(), reason }),
            None => {
                let name = if clamped { own_name(ladder, &rung.encoding, shorter) } else { rung.name.clone() };
                let encoding = limit(rung, source, width, height);
                selection.renditions.push(Rendition { name, width, height, encoding, frame_step: 1 });
            }
        }
    }
    hold_in_step(&mut selection.renditions);
    selection
}

/// No rendition may spend more than the next larger one of its group, whose buffer may have been paid for with its cap.
pub(crate) fn hold_in_step(renditions: &mut [Rendition]) {
    for index in (1..renditions.len()).rev() {
        let (below, above) = renditions.split_at_mut(index);
        let (below, above) = (&mut below[index - 1].encoding, &above[0].encoding);
        if below.group() == above.group() {
            below.max_bitrate_bps = below.max_bitrate_bps.min(above.max_bitrate_bps);
        }
    }
}

/// A name for a rendition at the source's own size that no rung of the ladder has.
fn own_name(ladder: &Ladder, encoding: &VideoEncoding, lines: u32) -> String {
    let name = match encoding.group() {
        (DynamicRange::Sdr, VideoCodec::H264) => format!("{lines}p"),
        (DynamicRange::Sdr, codec) => format!("{lines}p-{}", codec.name()),
        (range, codec) => format!("{lines}p-{}-{}", codec.name(), range.name()),
    };
    if ladder.rungs.iter().any(|rung| rung.name == name) { format!("{name}-source") } else { name }
}

/// The largest even size of the source's aspect that a rung of this height allows.
fn fit(rung_height: u32, source: &SourceShape) -> (u32, u32) {
    let (short, long) = (u64::from(source.shorter().max(1)), u64::from(source.width.max(source.height).max(1)));
    let rung_height = u64::from(rung_height);
    let strip = rung_height * MAX_ASPECT * short / long;
    let lines = even_down(rung_height.min(short).min(strip.max(2)));
    // Nearest even number to the exact longer side, and never more than the source has.
    let exact_halves = (lines * long + short) / (2 * short);
    let columns = (exact_halves * 2).clamp(lines, even_down(long).max(lines));
    let (lines, columns) = (to_u32(lines), to_u32(columns));
    if source.width >= source.height { (columns, lines) } else { (lines, columns) }
}

fn even_down(value: u64) -> u64 {
    (value / 2 * 2).max(2)
}

fn to_u32(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX - 1)
}

/// The rung's encoding with cap and buffer held to what the source can be worth.
fn limit(rung: &Rung, source: &SourceShape, width: u32, height: u32) -> VideoEncoding {
    let mut encoding = rung.encoding.clone();
    let Some(source_bps) = source.video_bitrate_bps else { return encoding };
    let (lines, of_lines) = (u128::from(width.min(height)), u128::from(source.shorter().max(1)));
    let allowed_bps = u128::from(source_bps) + u128::from(source.counted_keyframes_bps());
    let worth = allowed_bps * 11 * lines / (10 * of_lines);
    let (rung_cap, rung_buffer) = (u128::from(encoding.max_bitrate_bps.max(1)), u128::from(encoding.buffer_bits));
    let range = 10 * RANGE_S;
    let mut cap = worth * range * rung_cap / (range * rung_cap + FULL * rung_buffer);
    if cap >= rung_cap {
        return encoding;
    }
    let mut buffer = rung_buffer * cap / rung_cap;
    let needed = (KEYFRAMES_HELD * u128::from(source.keyframes.bits) * 10 * lines / (FULL * of_lines)).min(rung_buffer);
    if buffer < needed {
        buffer = needed;
        cap = worth.saturating_sub(buffer * FULL / range);
    }
    let kept = |value: u128| u64::try_from(value).unwrap_or(u64::MAX).max(MIN_BITS);
    encoding.buffer_bits = kept(buffer);
    encoding.max_bitrate_bps = kept(cap).min(encoding.max_bitrate_bps);
    encoding
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::{builtin, catalog};

    fn shape(width: u32, height: u32, kbps: Option<u64>) -> SourceShape {
        let frame_rate = FrameRate::new(30, 1).unwrap();
        SourceShape {
            width,
            height,
            frame_rate,
            video_bitrate_bps: kbps.map(|kbps| kbps * 1000),
            keyframes: KeyframeCost::default(),
            is_hdr: false,
        }
    }

    fn sizes(ladder: &str, width: u32, height: u32) -> String {
        let selection = select(&builtin(ladder).unwrap(), &shape(width, height, None));
        let list: Vec<_> =
            selection.renditions.iter().map(|r| format!("{}={}x{}", r.name, r.width, r.height)).collect();
        list.join(" ")
    }

    #[test]
    fn sizes_follow_the_source() {
        for (width, height, expected) in [
            (1920, 1080, "360p=640x360 480p=854x480 720p=1280x720 1080p=1920x1080"),
            (1280, 720, "360p=640x360 480p=854x480 720p=1280x720"),
            (1080, 1920, "360p=360x640 480p=480x854 720p=720x1280 1080p=1080x1920"),
            (1440, 1080, "360p=480x360 480p=640x480 720p=960x720 1080p=1440x1080"),
            (1440, 900, "360p=576x360 480p=768x480 720p=1152x720 900p=1440x900"),
            (1366, 768, "360p=640x360 480p=854x480 720p=1280x720"),
            (480, 270, "270p=480x270"),
            (1, 1, "2p=2x2"),
        ] {
            assert_eq!(sizes("lecture", width, height), expected, "{width}x{height}");
        }
        assert_eq!(sizes("low-bandwidth", 3840, 2160), "240p=426x240 360p=640x360 480p=854x480 720p=1280x720");
    }

    /// `lecture` with its two rungs of 720 and 1080 lines in AV1 besides.
    fn mixed() -> Ladder {
        let mut ladder = builtin("lecture").unwrap();
        let again: Vec<Rung> = ladder.rungs.iter().filter(|rung| matches!(rung.height, 720 | 1080)).cloned().collect();
        for mut rung in again {
            rung.name.push_str("-av1");
            rung.encoding.codec = VideoCodec::Av1;
            ladder.rungs.push(rung);
        }
        ladder
    }

    #[test]
    fn a_rung_of_one_codec_pushes_out_none_of_another() {
        for (width, height, expected) in [
            (1920, 1080, "360p 480p 720p 1080p 720p-av1 1080p-av1"),
            (1440, 900, "360p 480p 720p 900p 720p-av1 900p-av1"),
            (854, 480, "360p 480p 480p-av1"),
            (60, 46, "46p"),
        ] {
            let selection = select(&mixed(), &shape(width, height, None));
            let names: Vec<_> = selection.renditions.iter().map(|rendition| rendition.name.as_str()).collect();
            assert_eq!(names.join(" "), expected, "{width}x{height}");
        }
        let tiny = select(&mixed(), &shape(60, 46, None)).skipped.pop().unwrap();
        assert_eq!((tiny.name.as_str(), tiny.reason.as_str()), ("1080p-av1", "60x46 is too small for av1"));
    }

    #[test]
    fn rungs_of_high_range_are_for_sources_that_have_it_and_stand_beside_all_others() {
        let ladder = builtin("film-hdr").unwrap();
        let names = |selection: &Selection| -> Vec<String> {
            selection.renditions.iter().map(|rendition| rendition.name.clone()).collect()
        };
        let standard = select(&ladder, &shape(1920, 1080, None));
        assert_eq!(names(&standard), ["360p", "480p", "720p", "1080p"]);
        assert_eq!(standard.skipped.len(), 5);
        assert_eq!(standard.skipped[0].reason, "the source is not HDR (PQ or HLG in BT.2020, 10 bits)");
        let high = |width, height, kbps| select(&ladder, &SourceShape { is_hdr: true, ..shape(width, height, kbps) });
        assert_eq!(
            names(&high(1440, 900, None)),
            ["360p", "480p", "720p", "900p", "480p-hdr", "720p-hdr", "900p-hevc-hdr"]
        );
        let poor = high(3840, 2160, Some(2_000));
        assert_eq!(poor.renditions.last().unwrap().name, "2160p-hdr");
        assert!(poor.renditions.iter().all(|one| one.encoding.max_bitrate_bps <= 2_200_000));
    }

    #[test]
    fn skipped_rungs_say_why() {
        let reasons = |width, height| -> Vec<String> {
            let selection = select(&builtin("lecture").unwrap(), &shape(width, height, None));
            selection.skipped.iter().map(|skipped| format!("{}: {}", skipped.name, skipped.reason)).collect()
        };
        assert_eq!(
            reasons(1280, 720),
            ["1080p: the source is 720p", "1440p: the source is 720p", "2160p: the source is 720p"]
        );
        assert_eq!(reasons(1366, 768)[0], "1080p: the source is 768p, hardly larger than 720p");
    }

    #[test]
    fn a_poor_source_lowers_the_caps_in_step() {
        let selection = select(&builtin("film").unwrap(), &shape(1920, 1080, Some(2000)));
        let caps: Vec<_> = selection.renditions.iter().map(|r| r.encoding.max_bitrate_bps / 1000).collect();
        assert_eq!(caps, [686, 915, 1373, 2060]);
        for rendition in &selection.renditions {
            let ratio = rendition.encoding.buffer_bits as f64 / rendition.encoding.max_bitrate_bps as f64;
            assert!((ratio - 1.5).abs() < 0.01, "{ratio}");
        }
    }

    /// A source of 720 lines and a selection from `lecture` for it: its top cap and buffer in kbit.
    fn top(kbps: u64, keyframes: KeyframeCost) -> (u64, u64) {
        let source = SourceShape { keyframes, ..shape(1280, 720, Some(kbps)) };
        let top = select(&builtin("lecture").unwrap(), &source).renditions.pop().unwrap().encoding;
        (top.max_bitrate_bps / 1000, top.buffer_bits / 1000)
    }

    #[test]
    fn key_frames_that_a_source_lacks_are_paid_for() {
        let keyframes = KeyframeCost { bits: 540_000, added_bps: 240_000 };
        assert_eq!(top(28, KeyframeCost::default()), (28, 56));
        // 1.1 times 254, less what two key frames take of 20 s.
        assert_eq!(top(28, keyframes), (225, 1200));
        // Far from its caps a ladder stays as it is.
        assert_eq!(top(9000, keyframes), (2200, 4400));
    }

    #[test]
    fn a_meeting_does_not_grow_for_key_frames_that_add_less_than_half() {
        let plain = top(300, KeyframeCost::default());
        for added_bps in [90_000, 150_000] {
            assert_eq!(top(300, KeyframeCost { bits: 200_000, added_bps }), plain, "{added_bps}");
        }
        assert_eq!(top(300, KeyframeCost { bits: 200_000, added_bps: 450_000 }).0, 605);
    }

    #[test]
    fn caps_ascend_even_where_key_frames_take_all_there_is() {
        let keyframes = KeyframeCost { bits: 11_283_492, added_bps: 883_489 };
        let source = SourceShape { keyframes, is_hdr: true, ..shape(6361, 6361, Some(0)) };
        for (name, _) in catalog() {
            let caps: Vec<_> = select(&builtin(name).unwrap(), &source)
                .renditions
                .iter()
                .map(|rendition| (rendition.encoding.group(), rendition.encoding.max_bitrate_bps))
                .collect();
            assert!(caps.is_sorted(), "{name}: {caps:?}");
        }
    }

    #[test]
    fn a_source_of_key_frames_alone_gains_nothing() {
        for bits in [0, 40_000] {
            assert_eq!(top(1000, KeyframeCost { bits, added_bps: 0 }), top(1000, KeyframeCost::default()), "{bits}");
        }
    }

    proptest! {
        #[test]
        fn selections_hold_what_they_promise(
            width in 1u32..=16_384,
            height in 1u32..=16_384,
            kbps in prop::option::of(0u64..100_000),
            bits in 0u64..100_000_000,
            added_bps in 0u64..50_000_000,
            which in 0usize..catalog().len(),
            is_hdr: bool,
        ) {
            let ladder = builtin(catalog()[which].0).unwrap();
            let keyframes = KeyframeCost { bits, added_bps };
            let source = SourceShape { keyframes, is_hdr, ..shape(width, height, kbps) };
            let Selection { renditions, skipped } = select(&ladder, &source);
            prop_assert!(!renditions.is_empty());
            prop_assert_eq!(renditions.len() + skipped.len(), ladder.rungs.len());
            for rendition in &renditions {
                prop_assert!(rendition.width % 2 == 0 && rendition.height % 2 == 0);
                prop_assert!(rendition.width <= width.max(2) && rendition.height <= height.max(2));
                prop_assert_eq!(rendition.width >= rendition.height, width >= height || rendition.width == rendition.height);
                if width.max(height) <= 4 * width.min(height) && width.min(height) >= 64 {
                    let exact = f64::from(rendition.width.min(rendition.height)) * f64::from(width.max(height)) / f64::from(width.min(height));
                    prop_assert!((f64::from(rendition.width.max(rendition.height)) - exact).abs() <= 2.0);
                }
                if let Some(bps) = source.video_bitrate_bps {
                    let (cap, buffer) = (rendition.encoding.max_bitrate_bps, rendition.encoding.buffer_bits);
                    let worth = (bps + added_bps.saturating_sub(bps / 2)) * 11 / 10;
                    prop_assert!(cap <= worth.max(1_000) && buffer >= 1_000);
                    let uncapped = ladder.rungs.iter().any(|rung| (rung.encoding.max_bitrate_bps, rung.encoding.buffer_bits) == (cap, buffer));
                    prop_assert!(uncapped || cap == 1_000 || buffer == 1_000 || cap * 20 + buffer * 9 / 10 <= worth * 20 + 20);
                }
                prop_assert!(rendition.encoding.max_bitrate_bps > 0);
            }
            prop_assert_eq!(renditions[0].encoding.group(), (DynamicRange::Sdr, VideoCodec::H264));
            prop_assert!(is_hdr || renditions.iter().all(|one| one.encoding.dynamic_range == DynamicRange::Sdr));
            for pair in renditions.windows(2) {
                let groups = (pair[0].encoding.group(), pair[1].encoding.group());
                prop_assert!(groups.0 <= groups.1);
                if groups.0 == groups.1 {
                    prop_assert!(pair[0].width < pair[1].width || pair[0].height < pair[1].height);
                    prop_assert!(pair[0].encoding.max_bitrate_bps <= pair[1].encoding.max_bitrate_bps);
                }
            }
            let names: std::collections::BTreeSet<_> = renditions.iter().map(|rendition| &rendition.name).collect();
            prop_assert_eq!(names.len(), renditions.len());
        }
    }
}
