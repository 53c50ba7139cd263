//! The light of a source: whether it is of high dynamic range, what it says of that, and whether its pictures can be shown
//! without Dolby's decoder.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ff::codec::packet::side_data::Type as StreamData;
use ff::color::{Primaries, Space, TransferCharacteristic as Transfer};
use ff::frame;
use ff::frame::side_data::Type as FrameData;
use ffmpeg_next as ff;
use libc::c_int;
use media_types::{ContentLight, HdrTransfer, HdrVideo, MasteringDisplay, StreamClock};
use pipeline::EngineError;

use crate::error::input;
use crate::open::{SharedSource, open};
use crate::pictures::Pictures;

/// `AVCOL_TRC_SMPTE2084` and `AVCOL_TRC_ARIB_STD_B67`, as ITU-T H.273 numbers them.
const HIGH: [c_int; 2] = [16, 18];
/// Bits of a sample that high dynamic range needs (ITU-R BT.2100 table 9).
const LEAST_BITS: i32 = 10;

/// What the container says of a Dolby Vision stream, as a warning: what is beside its base is left out.
///
/// # Errors
/// `input.dolby_vision` for a stream without a base that others can show: its pictures are in colours of their own (IPTPQc2).
pub(crate) fn dolby_vision(stream: &ff::Stream<'_>) -> Result<Option<String>, EngineError> {
    let Some(record) = of_stream(stream, StreamData::DOVI_CONF) else { return Ok(None) };
    match base(&record) {
        Base::None(profile) => Err(input(
            "input.dolby_vision",
            format!(
                "the pictures are in Dolby Vision profile {profile}, whose colours only a Dolby Vision decoder knows"
            ),
        )),
        Base::Other => Ok(Some("the Dolby Vision part of the pictures is left out: their base is used".to_owned())),
    }
}

#[derive(Debug, PartialEq)]
enum Base {
    /// None; the profile.
    None(u8),
    /// HDR10, HLG or standard dynamic range, as the pictures themselves say.
    Other,
}

/// Of an `AVDOVIDecoderConfigurationRecord`: one byte each for two version numbers, profile, level, three flags and the
/// compatibility of the base. Old records of other profiles leave the last one 0.
fn base(record: &[u8]) -> Base {
    match *record {
        [_, _, profile @ 5, ..] | [_, _, profile @ (10 | 20), _, _, _, _, 0, ..] => Base::None(profile),
        _ => Base::Other,
    }
}

/// The light of a video stream; `None` when it is of standard dynamic range, or of a high one that renditions cannot have.
/// The first picture of such a source is decoded, since some say what they are nowhere else.
pub(crate) fn hdr(stream: &ff::Stream<'_>, bytes: &SharedSource, clock: &StreamClock) -> Option<HdrVideo> {
    // SAFETY: the parameters belong to a stream of an open context. The field is 32 bits wide and read as a number.
    let stated = unsafe { (&raw const (*stream.parameters().as_ptr()).color_trc).cast::<c_int>().read() };
    if !HIGH.contains(&stated) {
        return None;
    }
    let source = open(bytes).ok()?;
    let stop = Arc::new(AtomicBool::new(false));
    let picture =
        Pictures::new(source, stream.index() as u32, clock, 1, stop).and_then(|mut all| all.next()).ok()??;
    let of_frame = |kind| picture.side_data(kind).map(|data| data.data().to_vec());
    let mastering = of_frame(FrameData::MasteringDisplayMetadata)
        .or_else(|| of_stream(stream, StreamData::MasteringDisplayMetadata));
    let content = of_frame(FrameData::ContentLightLevel).or_else(|| of_stream(stream, StreamData::ContentLightLevel));
    Some(HdrVideo {
        transfer: transfer(&picture)?,
        mastering: mastering.and_then(|data| mastering_display(&data)),
        content_light: content.and_then(|data| content_light(&data)),
    })
}

/// Of a picture in the colours and with the depth of ITU-R BT.2100.
fn transfer(picture: &frame::Video) -> Option<HdrTransfer> {
    // SAFETY: the function takes any format of the bindings and answers null or a static description.
    let format = unsafe { ff::ffi::av_pix_fmt_desc_get(picture.format().into()).as_ref() }?;
    let is_wide = picture.color_primaries() == Primaries::BT2020
        && matches!(picture.color_space(), Space::BT2020NCL | Space::RGB)
        && format.comp[0].depth >= LEAST_BITS;
    match picture.color_transfer_characteristic() {
        Transfer::SMPTE2084 if is_wide => Some(HdrTransfer::Pq),
        Transfer::ARIB_STD_B67 if is_wide => Some(HdrTransfer::Hlg),
        _ => None,
    }
}

fn of_stream(stream: &ff::Stream<'_>, kind: StreamData) -> Option<Vec<u8>> {
    stream.side_data().find(|data| data.kind() == kind).map(|data| data.data().to_vec())
}

/// Native 32-bit integers of a structure of libavutil that the bindings leave out.
fn integers<const N: usize>(data: &[u8]) -> Option<[i32; N]> {
    let mut all = [0; N];
    for (entry, bytes) in all.iter_mut().zip(data.get(..4 * N)?.as_chunks::<4>().0) {
        *entry = i32::from_ne_bytes(*bytes);
    }
    Some(all)
}

/// `AVMasteringDisplayMetadata`: chromaticities of red, green, blue and white, the darkest and the brightest light, all as
/// fractions, and whether the former and the latter are known. Half of it cannot be said in a stream.
fn mastering_display(data: &[u8]) -> Option<MasteringDisplay> {
    let [rx, rxd, ry, ryd, gx, gxd, gy, gyd, bx, bxd, by, byd, wx, wxd, wy, wyd, min, mind, max, maxd, colours, light] =
        integers::<22>(data)?;
    let place = |x, xd, y, yd| Some((scaled(x, xd, 50_000)?.try_into().ok()?, scaled(y, yd, 50_000)?.try_into().ok()?));
    let (green, blue, red) = (place(gx, gxd, gy, gyd)?, place(bx, bxd, by, byd)?, place(rx, rxd, ry, ryd)?);
    let display = MasteringDisplay {
        primaries: [green, blue, red],
        white: place(wx, wxd, wy, wyd)?,
        max_luminance: scaled(max, maxd, 10_000)?,
        min_luminance: scaled(min, mind, 10_000)?,
    };
    (colours != 0 && light != 0 && display.max_luminance > display.min_luminance).then_some(display)
}

/// A fraction in steps of `1 / steps`, rounded; `None` when it is no number from 0 on.
fn scaled(num: i32, den: i32, steps: u64) -> Option<u32> {
    let (num, den) = (u64::try_from(num).ok()?, u64::try_from(den).ok().filter(|den| *den > 0)?);
    u32::try_from((num * steps + den / 2) / den).ok()
}

/// `AVContentLightMetadata`. Both 0 means that it is not known (CTA-861.3 §6.9.1).
fn content_light(data: &[u8]) -> Option<ContentLight> {
    let [content, average] = integers::<2>(data)?;
    let light = ContentLight { max_content: content.try_into().ok()?, max_average: average.try_into().ok()? };
    (light.max_content > 0 || light.max_average > 0).then_some(light)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_base_that_others_can_show_is_used() {
        for (profile, compatibility, expected) in [
            (5, 0, Base::None(5)),
            (10, 0, Base::None(10)),
            (8, 1, Base::Other),
            (8, 4, Base::Other),
            (10, 4, Base::Other),
        ] {
            let record = [1, 0, profile, 6, 1, 0, 1, compatibility];
            assert_eq!(base(&record), expected, "profile {profile}.{compatibility}");
        }
        assert_eq!(base(&[1, 0, 7, 6, 1, 1, 1, 0]), Base::Other, "an old record, whose last byte says nothing");
        assert_eq!(base(&[]), Base::Other);
    }

    fn bytes(of: &[i32]) -> Vec<u8> {
        of.iter().flat_map(|one| one.to_ne_bytes()).collect()
    }

    /// Of a screen with the colours of P3 and 1,000 cd/m².
    const SCREEN: [i32; 22] = [
        34_000, 50_000, 16_000, 50_000, 13_250, 50_000, 34_500, 50_000, 7_500, 50_000, 3_000, 50_000, 15_635, 50_000,
        16_450, 50_000, 1, 10_000, 10_000_000, 10_000, 1, 1,
    ];

    #[test]
    fn a_screen_is_told_in_the_steps_of_the_stream() {
        let display = mastering_display(&bytes(&SCREEN)).expect("it is whole");
        assert_eq!(display.primaries, [(13_250, 34_500), (7_500, 3_000), (34_000, 16_000)]);
        assert_eq!((display.white, display.max_luminance, display.min_luminance), ((15_635, 16_450), 10_000_000, 1));
        // In the fixed point of AV1.
        let mut fixed = SCREEN;
        (fixed[0], fixed[1]) = (44_564, 1 << 16);
        assert_eq!(mastering_display(&bytes(&fixed)), Some(display));
    }

    #[test]
    fn half_a_screen_and_nonsense_are_none() {
        for (at, value) in [(20, 0), (21, 0), (1, 0), (1, -7), (0, -1), (18, 0), (0, i32::MAX)] {
            let mut screen = SCREEN;
            screen[at] = value;
            assert_eq!(mastering_display(&bytes(&screen)), None, "{at}: {value}");
        }
        assert_eq!(mastering_display(&bytes(&SCREEN)[..87]), None);
        assert_eq!(content_light(&bytes(&[0, 0])), None);
        assert_eq!(content_light(&bytes(&[70_000, 400])), None);
        assert_eq!(content_light(&bytes(&[1000, 400])), Some(ContentLight { max_content: 1000, max_average: 400 }));
    }
}
