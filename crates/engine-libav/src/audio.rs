//! One sound track: decoded, brought to the planned rate and channels, placed on an exact sample count, encoded as
//! AAC-LC in one run from first sample to last.

use ff::format::context::Input;
use ff::{codec, frame};
use ffmpeg_next as ff;
use media_types::AudioPlan;
use pipeline::{AudioOrder, AudioSummary, EngineError, EngineSink};

use crate::aac::Track;
use crate::error::{engine, input, is_again_or_end, no_decoder};
use crate::open::{keep_stream, read_packet};
use crate::timeline::Timeline;

pub(crate) fn encode_audio(
    mut source: Input,
    order: &AudioOrder,
    sink: &mut dyn EngineSink,
) -> Result<AudioSummary, EngineError> {
    let plan = &order.plan;
    let mut decoder = open_decoder(&mut source, plan)?;
    let mut track = Track::open(plan, sink)?;
    let mut line = Timeline::new(plan);
    let mut damaged = 0;
    let mut packet = ff::Packet::empty();
    let mut decoded = frame::Audio::empty();
    let mut ended = false;
    while !ended && !line.full() {
        match read_packet(&mut packet, &mut source) {
            Ok(()) if packet.stream() != plan.stream_index as usize || packet.size() == 0 => continue,
            Ok(()) => damaged += u64::from(decoder.send_packet(&packet).is_err_and(|error| !is_again_or_end(&error))),
            Err(_) => {
                ended = true;
                // A decoder that refuses to drain has nothing more to give.
                let _ = decoder.send_eof();
            }
        }
        loop {
            match decoder.receive_frame(&mut decoded) {
                Ok(()) => line.place(&decoded, &mut |line| track.encode_whole_frames(line, sink))?,
                Err(error) => {
                    damaged += u64::from(!is_again_or_end(&error));
                    break;
                }
            }
        }
    }
    line.finish()?;
    track.encode_whole_frames(&mut line, sink)?;
    track.finish(&mut line, sink)?;
    Ok(AudioSummary { samples: plan.sample_count, filled_samples: line.filled, damaged_packets: damaged })
}

fn open_decoder(source: &mut Input, plan: &AudioPlan) -> Result<ff::decoder::Audio, EngineError> {
    let wanted = plan.stream_index as usize;
    keep_stream(source, wanted);
    let stream =
        source.stream(wanted).ok_or_else(|| input("input.no_audio", "the planned sound track is not there"))?;
    let context =
        codec::Context::from_parameters(stream.parameters()).map_err(engine("preparing the sound decoder"))?;
    let mut decoder = context.decoder();
    decoder.set_packet_time_base(stream.time_base());
    decoder.audio().map_err(no_decoder("the sound"))
}
