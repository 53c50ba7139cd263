//! What a whole track looks like, from its packets' times alone.

use media_types::{FrameRate, Timescale};

use crate::PackageError;

/// The times of one packet, in ticks of its track; presentation starts at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketTimes {
    /// Decode time; negative for what is decoded before presentation starts.
    pub dts: i64,
    /// Presentation time; negative for what is hidden.
    pub pts: i64,
    /// Length where it is stated. All but the last packet last until the next one is decoded.
    pub duration: Option<u32>,
    /// Whether decoding can start here.
    pub keyframe: bool,
}

/// Collects a track's shape, packet by packet in decode order.
#[derive(Clone, Debug)]
pub struct Survey {
    keys: Option<Vec<i64>>,
    first: Option<PacketTimes>,
    last: Option<PacketTimes>,
    last_length: u32,
    /// The distance that all decode times keep, until one does not.
    even: Option<u32>,
    uneven: bool,
    raise: i64,
    earliest: i64,
    end: i64,
    packets: u64,
}

/// A track's shape: all that cutting it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackShape {
    /// Added to decode times so that the coded timeline starts at or after 0.
    pub shift: i64,
    /// What an edit list must hide at the start, in ticks.
    pub hidden_ticks: u32,
    /// When the first packet is shown or heard.
    pub first_pts: i64,
    /// When the last one ends, or an edit list cuts it.
    pub end_pts: i64,
    /// Packets in the track.
    pub packets: u64,
    /// Presentation times of the keyframes of a video track, ascending.
    pub key_times: Vec<i64>,
    /// Pictures per second: exact when all last equally long, the average otherwise.
    pub rate: Option<FrameRate>,
}

impl Survey {
    /// Of a video track when keyframes matter.
    pub fn new(video: bool) -> Self {
        Self {
            keys: video.then(Vec::new),
            first: None,
            last: None,
            last_length: 0,
            even: None,
            uneven: false,
            raise: 0,
            earliest: i64::MAX,
            end: i64::MIN,
            packets: 0,
        }
    }

    /// Takes the next packet.
    ///
    /// # Errors
    /// [`PackageError::Times`] when it is not decoded after the one before it.
    pub fn add(&mut self, packet: PacketTimes) -> Result<(), PackageError> {
        let fault = |what| PackageError::Times { packet: self.packets, what };
        if packet.dts.unsigned_abs().max(packet.pts.unsigned_abs()) > 1 << 56 {
            return Err(fault("its times are beyond any recording"));
        }
        if let Some(last) = self.last {
            let length = u32::try_from(packet.dts - last.dts).ok().filter(|&length| length > 0);
            let length = length.ok_or(fault("it is not decoded after the one before it"))?;
            self.last_length = length;
            self.uneven |= self.even.is_some_and(|even| even != length);
            self.even = self.even.or(Some(length));
        }
        if let Some(keys) = self.keys.as_mut().filter(|_| packet.keyframe) {
            keys.push(packet.pts);
        }
        self.first = self.first.or(Some(packet));
        self.last = Some(packet);
        self.raise = self.raise.max(packet.dts - packet.pts);
        self.earliest = self.earliest.min(packet.pts);
        let length = packet.duration.or(self.even).unwrap_or(self.last_length).max(1);
        self.end = self.end.max(packet.pts + i64::from(length));
        self.packets += 1;
        Ok(())
    }

    /// When the first packet so far is shown; `None` when there was none.
    pub fn earliest(&self) -> Option<i64> {
        self.first.map(|_| self.earliest)
    }

    /// The shape of a track that ends at `end` at the latest, with all times moved by `offset`. `None` when there was no
    /// packet, or all of them are shown before the start.
    ///
    /// # Errors
    /// [`PackageError::Track`] when more is hidden than an edit list can say.
    pub fn finish(
        mut self,
        timescale: Timescale,
        end: Option<i64>,
        offset: i64,
    ) -> Result<Option<TrackShape>, PackageError> {
        let Some(first) = self.first else { return Ok(None) };
        let shift = (-(first.dts + offset)).max(0);
        let hidden_ticks = u32::try_from(shift + self.raise)
            .map_err(|_| PackageError::Track("it starts too long before it is shown"))?;
        let end_pts = end.map_or(self.end, |end| end.min(self.end)) + offset;
        let rate = self.keys.is_some().then(|| self.rate(timescale)).flatten();
        let mut key_times = self.keys.take().unwrap_or_default();
        key_times.iter_mut().for_each(|time| *time += offset);
        key_times.sort_unstable();
        key_times.dedup();
        Ok((end_pts > 0).then_some(TrackShape {
            shift,
            hidden_ticks,
            first_pts: self.earliest + offset,
            end_pts,
            packets: self.packets,
            key_times,
            rate,
        }))
    }

    fn rate(&self, timescale: Timescale) -> Option<FrameRate> {
        if let Some(even) = self.even.filter(|_| !self.uneven) {
            return FrameRate::new(timescale.get(), even);
        }
        let ticks = u64::try_from(self.end.checked_sub(self.earliest)?).ok().filter(|&ticks| ticks > 0)?;
        let thousandths = u128::from(self.packets) * u128::from(timescale.get()) * 1000 / u128::from(ticks);
        FrameRate::new(u32::try_from(thousandths).ok()?.max(1), 1000)
    }
}
