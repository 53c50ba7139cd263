//! How much processor time one order is worth.
//!
//! What stands still is killed by the clock on the wall; this is for what turns in circles where no clock of ours sees
//! it, and the kernel keeps the account. It is far more than any order takes: it tells work from a loop, not fast from slow.
//! An engine that its source has taken over can put the kernel's signal aside; the clock on the wall ends that one too.

use crate::protocol::ToChild;

/// For whatever is asked.
const ANY_SECONDS: u64 = 600;
/// A source of which so many bytes take longer than a second to go through is read in circles.
const READ_BYTES_PER_SECOND: u64 = 1 << 20;
/// The largest picture, decoded with what leads to it, and encoded as slowly as encoders can.
const PICTURE_SECONDS: u64 = 60;

/// What a child may use for `order` on a source of `source_bytes`, in seconds, all its threads together. What an order
/// leaves over is there for the next one.
pub(super) fn cpu_seconds(order: &ToChild, source_bytes: u64) -> u64 {
    let pictures = match order {
        ToChild::EncodeRange(order) => order.frame_count().saturating_mul(1 + order.renditions.len() as u64),
        ToChild::Stills(order) => order.pictures(),
        ToChild::MeasureAudio(_)
        | ToChild::EncodeAudio(_)
        | ToChild::ReadText(_)
        | ToChild::Open { .. }
        | ToChild::Probe
        | ToChild::ReadReply { .. }
        | ToChild::Stop => 0,
    };
    let sound = match order {
        ToChild::MeasureAudio(plan) => Some(plan.as_ref()),
        ToChild::EncodeAudio(order) => Some(&order.plan),
        _ => None,
    };
    let sound_seconds = sound.map_or(0, |plan| plan.sample_count / u64::from(plan.sample_rate.max(1)));
    let reading = source_bytes / READ_BYTES_PER_SECOND;
    [reading, pictures.saturating_mul(PICTURE_SECONDS), sound_seconds]
        .into_iter()
        .fold(ANY_SECONDS, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use media_types::{AudioPlan, Rational};
    use pipeline::AudioOrder;

    use super::*;

    #[test]
    fn an_order_without_work_is_worth_ten_minutes_and_the_reading_of_its_source() {
        assert_eq!(cpu_seconds(&ToChild::Probe, 0), 600);
        assert_eq!(cpu_seconds(&ToChild::Probe, 64 << 30), 600 + (64 << 10));
        assert_eq!(cpu_seconds(&ToChild::Probe, u64::MAX), 600 + (u64::MAX >> 20));
    }

    #[test]
    fn measuring_and_encoding_sound_may_take_as_long_as_it_lasts() {
        let plan = AudioPlan {
            name: "und".to_owned(),
            label: None,
            roles: Default::default(),
            clock: Default::default(),
            stream_index: 0,
            source_time_base: Rational { num: 1, den: 48_000 },
            origin_pts: 0,
            sample_rate: 48_000,
            channels: 2,
            bitrate_bps: 128_000,
            opus_bitrate_bps: None,
            sample_count: 48_000 * 7200,
            borders: Vec::new(),
            language: "und".to_owned(),
            loudness: None,
        };
        let order = AudioOrder { plan: plan.clone(), gain_db: 0.0 };
        assert_eq!(cpu_seconds(&ToChild::MeasureAudio(Box::new(plan)), 0), 600 + 7200);
        assert_eq!(cpu_seconds(&ToChild::EncodeAudio(Box::new(order)), 0), 600 + 7200);
    }
}
