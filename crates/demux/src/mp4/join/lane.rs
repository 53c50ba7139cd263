//! The sample table of a track over all parts, as it grows.

use std::collections::VecDeque;

/// Samples that are listed one by one.
const MOST_LISTED: usize = 16_000_000;

/// Where the bytes of a chunk lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At this byte of the parts, one behind the other.
    Media(u64),
    /// In the zeros in front of them.
    Silence,
}

impl Place {
    fn after(self, bytes: u64) -> Self {
        match self {
            Self::Media(at) => Self::Media(at.saturating_add(bytes)),
            Self::Silence => Self::Silence,
        }
    }
}

/// Samples that lie one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) place: Place,
    pub(super) count: u32,
    pub(super) description: u32,
}

/// A sample on the recording's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) place: Place,
    pub(super) size: u32,
    /// Decode time, later than that of the sample before it.
    pub(super) time: i64,
    /// Presentation time.
    pub(super) shown: i64,
    pub(super) duration: u32,
    pub(super) sync: bool,
    pub(super) description: u32,
}

/// A count and a value, as often as the value changes.
pub(super) type Runs<T> = VecDeque<(u32, T)>;

/// A track of the joined file.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) count: u32,
    /// Decode time of the first sample.
    pub(super) begins: i64,
    pub(super) last: Option<Sample>,
    /// When presentation begins.
    pub(super) shown: i64,
    /// When presentation ends.
    pub(super) ends: i64,
    /// Of all samples but the last.
    pub(super) durations: Runs<u32>,
    pub(super) offsets: Runs<i32>,
    /// Those to start at, by number from 1.
    pub(super) sync: Vec<u32>,
    /// Whether there are others.
    pub(super) leans: bool,
    /// The size of all samples, while it is one.
    pub(super) size: u32,
    /// Of each, when they differ.
    pub(super) sizes: Vec<u32>,
    pub(super) chunks: Vec<Chunk>,
}

fn run<T: PartialEq>(runs: &mut Runs<T>, count: u32, value: T) {
    match runs.back_mut() {
        Some((length, last)) if *last == value => *length = length.saturating_add(count),
        _ => runs.push_back((count, value)),
    }
}

impl Lane {
    /// Adds a sample.
    ///
    /// # Errors
    /// It is too far from the one before it, or one too many.
    pub(super) fn push(&mut self, sample: Sample) -> Result<(), String> {
        match &self.last {
            Some(last) => run(&mut self.durations, 1, step(last, sample.time)?),
            None => self.begins = sample.time,
        }
        let offset = sample.shown.checked_sub(sample.time).and_then(|offset| i32::try_from(offset).ok());
        run(&mut self.offsets, 1, offset.ok_or("shows a picture long before or after it is decoded")?);
        self.add(sample, 1)?;
        if sample.sync {
            self.sync.push(self.count);
        }
        self.leans |= !sample.sync;
        let until = sample.shown.saturating_add(sample.duration.into());
        let is_first = self.count == 1;
        self.ends = if is_first { until } else { self.ends.max(until) };
        self.shown = if is_first { sample.shown } else { self.shown.min(sample.shown) };
        Ok(())
    }

    /// Adds so many samples of a tick each that are alike, of which `first` is the first.
    ///
    /// # Errors
    /// There are too many.
    pub(super) fn extend(&mut self, first: Sample, count: u32) -> Result<(), String> {
        let Some(more) = count.checked_sub(1) else { return Ok(()) };
        self.push(first)?;
        if more == 0 {
            return Ok(());
        }
        run(&mut self.durations, more, 1);
        run(&mut self.offsets, more, 0);
        let time = first.time.saturating_add(more.into());
        let second = Sample { place: first.place.after(first.size.into()), ..first };
        self.add(second, more)?;
        self.last = Some(Sample { time, shown: time, ..second });
        self.ends = time.saturating_add(1);
        Ok(())
    }

    /// Where the next sample of the chunk would lie that was added to last.
    fn next(&self) -> Option<(Place, u32)> {
        let last = self.last.as_ref()?;
        Some((last.place.after(last.size.into()), last.description))
    }

    fn add(&mut self, sample: Sample, count: u32) -> Result<(), String> {
        let follows = self.next() == Some((sample.place, sample.description)) && sample.place != Place::Silence;
        let total = self.count.checked_add(count).ok_or("is too much: more samples than an index holds")?;
        if self.sizes.is_empty() && self.count > 0 && self.size != sample.size {
            self.list(self.count)?;
            self.sizes = vec![self.size; self.count as usize];
        }
        if self.sizes.is_empty() {
            self.size = sample.size;
        } else {
            self.list(total)?;
            self.sizes.resize(total as usize, sample.size);
        }
        match self.chunks.last_mut() {
            Some(chunk) if follows => chunk.count += count,
            _ => self.chunks.push(Chunk { place: sample.place, count, description: sample.description }),
        }
        self.count = total;
        let behind = u64::from(count - 1) * u64::from(sample.size);
        self.last = Some(Sample { place: sample.place.after(behind), ..sample });
        Ok(())
    }

    fn list(&self, count: u32) -> Result<(), String> {
        let fits = count as usize <= MOST_LISTED;
        fits.then_some(()).ok_or_else(|| format!("is too much: more than {MOST_LISTED} samples"))
    }

    /// When the last sample ends, by its decode time.
    pub(super) fn end(&self) -> Option<i64> {
        self.last.map(|last| last.time.saturating_add(last.duration.into()))
    }
}

fn step(last: &Sample, time: i64) -> Result<u32, String> {
    let step = time.checked_sub(last.time).and_then(|step| i32::try_from(step).ok());
    step.and_then(|step| u32::try_from(step).ok()).ok_or_else(|| "is too far from the part before it".to_owned())
}
