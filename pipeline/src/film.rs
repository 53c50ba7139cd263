//! Film out of pictures of 3:2 pulldown: of every five of them the four that show something new.
//!
//! Which five belong together follows from their times alone, so that it is the same in every range; which of the five is
//! left out follows from what these five and the one before them show, so that the pattern may change at any edit.

use std::collections::VecDeque;

use media_types::{Fields, FilmGrid, FrameRate, VideoProbe};

use crate::exact::{FrameScale, TimeBase, round_div};
use crate::rate::{constant_rate, slot};
use crate::timeline::Timeline;
use crate::walk::DecodedPictures;
use crate::{EngineError, PlanError, VideoSetup};

/// Pictures of the source to as many less one of the film.
const FIVE: i128 = 5;
/// Pictures of film per second, numerator and denominator.
const RATES: [(u32, u32); 2] = [(24_000, 1001), (24, 1)];
/// A time so far from the grid's origin, in ticks, is of no picture of it.
const FAR: i64 = 1 << 60;
/// Pictures of the film before a wanted one whose decoding settles which are left out: those of its own five, one before
/// them, and what matching fields takes to begin.
const LEAD: u32 = 8;

/// What a place of the source and of the film is.
#[derive(Clone, Copy)]
struct Places {
    origin: i64,
    source: FrameScale,
    film: FrameScale,
}

impl Places {
    fn new(grid: &FilmGrid, base: TimeBase) -> Self {
        let (origin, num, den) = (grid.origin_pts, grid.rate.num(), grid.rate.den());
        let source = FrameScale::new(base, origin, num.saturating_mul(5), den.saturating_mul(4));
        Self { origin, source, film: FrameScale::new(base, origin, num, den) }
    }

    /// The five that a picture of the source belongs to, and which of them it is.
    fn place(&self, pts: i64) -> (i128, i128) {
        let near = pts.clamp(self.origin.saturating_sub(FAR), self.origin.saturating_add(FAR));
        let place = slot(&self.source, near);
        (place.div_euclid(FIVE), place.rem_euclid(FIVE))
    }

    /// When a picture of the film is shown.
    fn time(&self, picture: i128) -> i64 {
        let ticks = round_div(picture * self.film.whole, self.film.step);
        i64::try_from(ticks).map_or(i64::MAX, |ticks| self.origin.saturating_add(ticks))
    }
}

/// The picture of the film that the one at place `at` of the five `five` shows, when that at `left_out` shows none.
fn of_film(five: i128, at: i128, left_out: i128) -> i128 {
    five * (FIVE - 1) + at - i128::from(at > left_out)
}

/// The first place that is none of `places`, which ascend.
fn first_absent(places: impl Iterator<Item = i128>) -> i128 {
    places.zip(0..).take_while(|(place, at)| place == at).count() as i128
}

/// The timeline of pictures at `pts`, as [`Timeline::new`]; that of the film where it lies in their fields, and how.
pub(crate) fn timeline(
    video: &VideoProbe,
    pts: &[i64],
    base: TimeBase,
    max_rate: u32,
) -> Result<(Timeline, Option<FilmGrid>), PlanError> {
    let Some(grid) = grid(video, pts, base) else {
        return Ok((Timeline::new(pts, base, video.stated_rate, max_rate)?, None));
    };
    let places = Places::new(&grid, base);
    let mut pictures = Vec::with_capacity(pts.len());
    for five in pts.chunk_by(|left, right| places.place(*left).0 == places.place(*right).0) {
        let at = five.iter().map(|pts| places.place(*pts).1);
        let absent = first_absent(at.clone());
        let number = places.place(five[0]).0;
        // Where all five are there one of them is left out, whichever it is.
        pictures.extend(at.take(FIVE as usize - 1).map(|at| of_film(number, at, absent)));
    }
    let times: Vec<i64> = pictures.iter().map(|picture| places.time(*picture)).collect();
    let first = pictures.first().copied().unwrap_or_default();
    pictures.iter_mut().for_each(|picture| *picture -= first);
    Ok((Timeline::in_slots(&times, &pictures, grid.rate, max_rate)?, Some(grid)))
}

/// How film lies in the fields; `None` where there is none, or pictures are not shown at a rate of pulldown.
fn grid(video: &VideoProbe, pts: &[i64], base: TimeBase) -> Option<FilmGrid> {
    let Fields::Film { repeated_pts } = video.fields else { return None };
    let source = constant_rate(pts, base, video.stated_rate)?;
    let is_of = |film: &FrameRate| {
        let (left, right) = ((source.num(), film.den()), (film.num(), source.den()));
        u64::from(left.0) * u64::from(left.1) * 4 == u64::from(right.0) * u64::from(right.1) * 5
    };
    let rate = RATES.into_iter().filter_map(|(num, den)| FrameRate::new(num, den)).find(is_of)?;
    let first = *pts.first()?;
    let scale = FrameScale::new(base, first, source.num(), source.den());
    // A recording that begins with what its missing predecessor shows too has four pictures of film in its first four.
    let lead = u32::from(slot(&scale, repeated_pts).rem_euclid(FIVE) == 0);
    Some(FilmGrid { origin_pts: base.earlier(first, lead, source), rate })
}

/// When decoding has to begin for the picture of the film at `pts`, so that it comes out as in any other range.
pub fn decoded_from(setup: &VideoSetup, grid: &FilmGrid, pts: i64) -> i64 {
    let base = TimeBase::new(setup.source_time_base);
    base.map_or(pts, |base| base.earlier(pts, LEAD, grid.rate))
}

/// Pictures of the film, at their own times, out of pictures whose fields were matched.
pub struct FilmPictures<D: DecodedPictures> {
    decoded: D,
    places: Places,
    /// How far a picture is from the one before it.
    apart: fn(&D::Picture, &D::Picture) -> u64,
    /// What belongs to one five, with the place of each and how far it is from the one before.
    five: Vec<Member<D::Picture>>,
    number: i128,
    last: Option<D::Picture>,
    ready: VecDeque<(i64, D::Picture)>,
}

struct Member<P> {
    at: i128,
    news: u64,
    picture: P,
}

impl<D: DecodedPictures> FilmPictures<D> {
    /// Of `decoded`, whose pictures are progressive already. `apart` tells how far a picture is from the one before it: the one
    /// that is nearest to its own says nothing new.
    ///
    /// # Errors
    /// When the order's time base is none.
    pub fn new(
        setup: &VideoSetup,
        grid: &FilmGrid,
        decoded: D,
        apart: fn(&D::Picture, &D::Picture) -> u64,
    ) -> Result<Self, EngineError> {
        let base =
            TimeBase::new(setup.source_time_base).map_err(|error| EngineError::Engine { detail: error.detail })?;
        let (five, ready) = (Vec::with_capacity(FIVE as usize), VecDeque::new());
        Ok(Self { decoded, places: Places::new(grid, base), apart, five, number: 0, last: None, ready })
    }

    /// Makes ready what the five that were gathered show.
    fn settle(&mut self) {
        let places = self.five.iter().map(|member| member.at);
        let left_out = match first_absent(places) {
            // Of equals the first: what it shows has been shown.
            FIVE => self.five.iter().min_by_key(|member| member.news).map_or(FIVE, |member| member.at),
            absent => absent,
        };
        for Member { at, picture, .. } in self.five.drain(..).filter(|member| member.at != left_out) {
            self.ready.push_back((self.places.time(of_film(self.number, at, left_out)), picture));
        }
    }

    fn gather(&mut self, pts: i64, picture: D::Picture) {
        let (number, at) = self.places.place(pts);
        if number != self.number {
            self.settle();
            self.number = number;
        }
        // What has no place of its own, or comes late, is no picture of a constant rate.
        if self.five.last().is_some_and(|last| last.at >= at) {
            return;
        }
        let news = self.last.as_ref().map_or(u64::MAX, |last| (self.apart)(last, &picture));
        self.last = Some(picture.clone());
        self.five.push(Member { at, news, picture });
    }
}

impl<D: DecodedPictures> DecodedPictures for FilmPictures<D> {
    type Picture = D::Picture;

    fn pixels(&self) -> usize {
        self.decoded.pixels()
    }

    fn next(&mut self) -> Result<Option<(i64, D::Picture)>, EngineError> {
        while self.ready.is_empty() {
            match self.decoded.next()? {
                Some((pts, picture)) => self.gather(pts, picture),
                None if self.five.is_empty() => return Ok(None),
                None => self.settle(),
            }
        }
        Ok(self.ready.pop_front())
    }
}

#[cfg(test)]
mod tests;
