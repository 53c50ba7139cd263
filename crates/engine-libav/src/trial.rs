//! Trials of the encoders: one is good for orders once it has made pictures that decode to what they show.
//!
//! What a build of libavcodec lists says little: it may lack the library, or have one that puts key frames where it likes.

use ff::frame;
use ffmpeg_next as ff;
use media_types::{
    CodecConfig, DynamicRange, FrameMap, FrameRate, Rational, Rendition, Rotation, Sample, Shown, Timescale,
    VideoCodec, VideoEncoding,
};
use pipeline::{Coding, EngineError, RangeCheck, RangeOrder, VideoSetup};

use crate::error::{engine, is_again_or_end};
use crate::judge::{decoder, luma_of};
use crate::video::VideoEncoder;

const RATE: FrameRate = FrameRate::new(25, 1).expect("not zero");
const FRAMES: u64 = 12;
const GOP: u32 = 6;
const TICKS: u32 = 3600;
const WIDTH: u32 = 128;
const HEIGHT: u32 = 96;
/// A picture is all of one brightness, which says its number.
const DARKEST: u64 = 40;
const STEP: u64 = 14;
/// Further from its own brightness a picture could be another one.
const MAX_OFF: f64 = 6.0;

/// Makes some pictures in a codec, and reads them again.
///
/// # Errors
/// A clause that says what came of it.
pub fn try_encoder(codec: VideoCodec) -> Result<(), String> {
    let order = order(codec);
    let (config, samples) = encode(&order).map_err(|error| error.to_string())?;
    let mut check = RangeCheck::new(&order);
    samples.iter().try_for_each(|sample| check.sample(0, sample)).map_err(|fault| fault.to_string())?;
    check.finish().map_err(|fault| fault.to_string())?;
    let shown = decode(&config, &samples).map_err(|error| error.to_string())?;
    if shown.len() as u64 != FRAMES {
        return Err(format!("{} of {FRAMES} pictures can be decoded", shown.len()));
    }
    for (number, brightness) in (0..FRAMES).zip(shown) {
        if (brightness - luma(number) as f64).abs() > MAX_OFF {
            return Err(format!("picture {number} is {brightness:.0} bright instead of {}", luma(number)));
        }
    }
    Ok(())
}

fn luma(number: u64) -> u64 {
    DARKEST + number * STEP
}

fn order(codec: VideoCodec) -> RangeOrder {
    let (preset, crf) = match codec {
        VideoCodec::H264 => ("veryfast", 20.0),
        VideoCodec::Hevc => ("ultrafast", 20.0),
        VideoCodec::Av1 => ("10", 30.0),
        VideoCodec::Vp9 => ("6", 20.0),
    };
    let encoding = VideoEncoding {
        codec,
        preset: preset.to_owned(),
        crf,
        max_bitrate_bps: 2_000_000,
        buffer_bits: 3_000_000,
        tune: None,
        dynamic_range: DynamicRange::Sdr,
    };
    let pictures = (0..FRAMES).map(|frame| Shown { source_pts: frame.cast_signed() * i64::from(TICKS), frames: 1 });
    RangeOrder {
        video: VideoSetup {
            stream_index: 0,
            source_time_base: Rational { num: 1, den: 90_000 },
            clock: Default::default(),
            rotation: Rotation::None,
            deinterlace: false,
            film: None,
            hdr: None,
            frame_rate: RATE,
            timescale: Timescale::NINETY_KHZ,
            frame_ticks: TICKS,
            gop_frames: GOP,
        },
        first_frame: 0,
        pictures: FrameMap(pictures.collect()),
        renditions: vec![Rendition { name: "trial".to_owned(), width: WIDTH, height: HEIGHT, encoding, frame_step: 1 }],
        judge: None,
        careful: false,
    }
}

fn encode(order: &RangeOrder) -> Result<(CodecConfig, Vec<Sample>), EngineError> {
    let nothing = || EngineError::Engine { detail: "it gave nothing".to_owned() };
    let rendition = order.renditions.first().ok_or_else(nothing)?;
    let mut encoder = VideoEncoder::open(order, rendition, &picture(0))?;
    let mut samples = Vec::new();
    for number in 0..FRAMES {
        let coding = if number.is_multiple_of(GOP.into()) { Coding::Keyframe } else { Coding::Free };
        encoder.push(&mut picture(number), number, coding)?;
        while let Some(sample) = encoder.pull()? {
            samples.push(sample);
        }
    }
    encoder.finish()?;
    while let Some(sample) = encoder.pull()? {
        samples.push(sample);
    }
    let config = encoder.configuration().cloned().ok_or_else(nothing)?;
    Ok((config, samples))
}

fn picture(number: u64) -> frame::Video {
    let mut picture = frame::Video::new(ff::format::Pixel::YUV420P, WIDTH, HEIGHT);
    picture.set_color_space(ff::color::Space::BT709);
    picture.data_mut(0).fill(u8::try_from(luma(number)).unwrap_or(u8::MAX));
    picture.data_mut(1).fill(128);
    picture.data_mut(2).fill(128);
    picture
}

/// How bright each picture is, in the order in which they are shown.
fn decode(config: &CodecConfig, samples: &[Sample]) -> Result<Vec<f64>, EngineError> {
    let mut decoder = decoder(config)?;
    let mut shown = Vec::new();
    for sample in samples {
        let mut packet = ff::Packet::copy(&sample.data);
        packet.set_pts(Some(sample.pts));
        packet.set_dts(Some(sample.dts));
        decoder.send_packet(&packet).map_err(engine("decoding what was encoded"))?;
        drain(&mut decoder, &mut shown)?;
    }
    decoder.send_eof().map_err(engine("decoding what was encoded"))?;
    drain(&mut decoder, &mut shown)?;
    Ok(shown)
}

fn drain(decoder: &mut ff::decoder::Video, shown: &mut Vec<f64>) -> Result<(), EngineError> {
    let mut picture = frame::Video::empty();
    loop {
        match decoder.receive_frame(&mut picture) {
            Ok(()) => {}
            Err(error) if is_again_or_end(&error) => return Ok(()),
            Err(error) => return Err(engine("decoding what was encoded")(error)),
        }
        let luma = luma_of(&picture).ok_or_else(|| EngineError::Engine { detail: "a picture without luma".into() })?;
        let sum: u64 = luma.rows().flatten().map(|sample| u64::from(*sample)).sum();
        shown.push(sum as f64 / (luma.width() * luma.height()).max(1) as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoder_of_this_build_passes() {
        for codec in VideoCodec::ALL {
            assert_eq!(try_encoder(codec), Ok(()), "{codec:?}");
        }
    }
}
