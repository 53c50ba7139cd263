//! What an interlaced stream's fields show: two moments a picture, one moment, or film spread over them.
//!
//! The lines of one field are looked at between those of another. Where something moves, lines of two moments stand out like
//! the teeth of a comb. Each picture is woven of its own two fields, and of one of them and the other one of the picture
//! before: which of these stand out says which fields are of one moment.

use std::ops::Range;

use media_types::Fields;

/// Side of the blocks that are told apart into moving and still ones.
const BLOCK: usize = 16;
/// A block moves when samples of one of its fields differ by so much on average from the picture before.
const MOVES: u32 = 3;
/// So far beyond both its neighbours a sample may be for its encoder's sake.
const NOISE: i16 = 4;
/// A picture says something when its teeth are so long in all: one level for every so many samples.
const LEAST_TEETH: u64 = 64;
/// And when the longest of its weaves' teeth are so many times as long as the shortest, in hundredths: detail has teeth too.
const STANDS_OUT: u64 = 105;
/// Where the two weaves that are compared lie between the shortest and the longest, in hundredths from one to the other: so far
/// apart at least when the picture's own fields are of one moment, or one of them and one before.
const WHOLE_APART: u64 = 50;
const BEFORE_APART: u64 = 15;
/// Pictures of a window that have to say something.
const LEAST_PICTURES: usize = 6;
/// Of a hundred of those, how many follow the pattern of film, are whole, or are of two moments each.
const FILM_PERCENT: usize = 75;
const WHOLE_PERCENT: usize = 95;
const INTERLACED_PERCENT: usize = 60;
/// For each window that says several things, as one with an edit in it does, so many have to say one.
const CLEAR: usize = 3;

/// What the five pictures that four of film are spread over show, from the one on that shows nothing new: where these have 2, 3,
/// 2 and 3 fields, and where they have 2, 3, 3 and 2.
const PATTERNS: [[Weave; 5]; 2] = [
    [Weave::Before, Weave::Before, Weave::Neither, Weave::Whole, Weave::Whole],
    [Weave::Before, Weave::Neither, Weave::Whole, Weave::Whole, Weave::Whole],
];

/// The greys of a picture, without anything beside them.
pub struct Levels {
    width: usize,
    samples: Vec<u8>,
}

impl Levels {
    /// Of rows of `width` samples; `None` when they are none.
    pub fn new(width: usize, samples: Vec<u8>) -> Option<Self> {
        (width > 0 && !samples.is_empty() && samples.len().is_multiple_of(width)).then_some(Self { width, samples })
    }

    fn height(&self) -> usize {
        self.samples.len() / self.width
    }

    /// Some columns of a row.
    fn row(&self, y: usize, columns: &Range<usize>) -> &[u8] {
        let start = y * self.width;
        &self.samples[start + columns.start..start + columns.end]
    }

    fn has_shape_of(&self, other: &Self) -> bool {
        (self.width, self.samples.len()) == (other.width, other.samples.len())
    }

    /// How far this is from the picture before it where it is farthest: the largest sum of differences in a block. Pictures of
    /// two shapes are as far as can be.
    pub fn apart(&self, before: &Self) -> u64 {
        if !self.has_shape_of(before) {
            return u64::MAX;
        }
        let block = |(top, left)| u64::from(difference(before, self, top, left).iter().sum::<u32>());
        self.blocks().map(block).max().unwrap_or_default()
    }

    /// Upper left corners of all blocks.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        let columns = self.width;
        (0..self.height()).step_by(BLOCK).flat_map(move |top| (0..columns).step_by(BLOCK).map(move |left| (top, left)))
    }
}

/// How far the upper field and the lower one of a block are from those of the picture before.
fn difference(before: &Levels, picture: &Levels, top: usize, left: usize) -> [u32; 2] {
    let mut fields = [0; 2];
    let columns = left..(left + BLOCK).min(picture.width);
    for y in top..(top + BLOCK).min(picture.height()) {
        let (old, new) = (before.row(y, &columns), picture.row(y, &columns));
        fields[y % 2] += old.iter().zip(new).map(|(old, new)| u32::from(old.abs_diff(*new))).sum::<u32>();
    }
    fields
}

/// Which fields are of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weave {
    /// Nothing moves, or too little.
    Still,
    /// The picture's own.
    Whole,
    /// One of the picture's and the other one of the picture before.
    Before,
    /// Neither are, or both.
    Neither,
}

/// Lengths of teeth: of the picture's own fields, of its upper one with the lower one before, and the other way round.
#[derive(Default)]
struct Teeth {
    own: u64,
    across: [u64; 2],
}

impl Weave {
    /// Of a picture and the one before it.
    fn of(before: &Levels, picture: &Levels) -> Self {
        if !picture.has_shape_of(before) {
            return Self::Still;
        }
        let mut teeth = Teeth::default();
        for (top, left) in picture.blocks() {
            let moved = difference(before, picture, top, left);
            let samples = (BLOCK.min(picture.width - left) * BLOCK.min(picture.height() - top) / 2) as u32;
            if moved.iter().any(|field| *field >= MOVES * samples.max(1)) {
                teeth.add(before, picture, top, left);
            }
        }
        teeth.judge(picture.samples.len() as u64)
    }
}

impl Teeth {
    fn add(&mut self, before: &Levels, picture: &Levels, top: usize, left: usize) {
        let columns = left..(left + BLOCK).min(picture.width);
        for y in top.max(1)..(top + BLOCK).min(picture.height() - 1) {
            let [above, line, below] = [y - 1, y, y + 1].map(|y| picture.row(y, &columns));
            let [old_above, old_line, old_below] = [y - 1, y, y + 1].map(|y| before.row(y, &columns));
            self.own += teeth(above, line, below);
            // A line of this picture between lines of the one before, and the other way round.
            self.across[y % 2] += teeth(old_above, line, old_below);
            self.across[1 - y % 2] += teeth(above, old_line, below);
        }
    }

    fn judge(&self, samples: u64) -> Weave {
        let across = self.across[0].min(self.across[1]);
        let (shortest, longest) = (self.own.min(across), self.own.max(self.across[0]).max(self.across[1]));
        let all = longest - shortest;
        let lies_by = |from: u64, to: u64, apart: u64| to > from && (to - from) * 100 >= all * apart;
        if all * LEAST_TEETH < samples || longest * 100 < shortest * STANDS_OUT {
            Weave::Still
        } else if lies_by(self.own, across, WHOLE_APART) {
            Weave::Whole
        } else if lies_by(across, self.own, BEFORE_APART) {
            Weave::Before
        } else {
            Weave::Neither
        }
    }
}

/// How far the samples of a line are beyond what lies above and below it.
fn teeth(above: &[u8], line: &[u8], below: &[u8]) -> u64 {
    let beyond = |((above, line), below): ((&u8, &u8), &u8)| {
        let (above, line, below) = (i16::from(*above), i16::from(*line), i16::from(*below));
        let beyond = (line - above.max(below)).max(above.min(below) - line);
        (beyond - NOISE).max(0).unsigned_abs()
    };
    above.iter().zip(line).zip(below).map(beyond).map(u64::from).sum()
}

/// What a window's pictures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Nothing, or too little.
    Nothing,
    /// Several things.
    Unclear,
    Interlaced,
    Whole,
    /// Film; the first of the pictures that say nothing new.
    Film(i64),
}

/// Looks at windows of a stream's pictures.
#[derive(Default)]
pub struct FieldWatch {
    last: Option<Levels>,
    /// Of the window that is looked at: when each picture is shown, and its weave.
    seen: Vec<(i64, Weave)>,
    said: Vec<Said>,
}

impl FieldWatch {
    /// The next picture of a window, and when it is shown.
    pub fn show(&mut self, pts: i64, picture: Levels) {
        let weave = self.last.as_ref().map_or(Weave::Still, |last| Weave::of(last, &picture));
        self.seen.push((pts, weave));
        self.last = Some(picture);
    }

    /// What is shown next is somewhere else.
    pub fn end_window(&mut self) {
        self.last = None;
        self.said.push(judge(&std::mem::take(&mut self.seen)));
    }

    /// What all windows say: film or whole pictures where none says anything else, and few of them are unclear.
    pub fn fields(&self) -> Fields {
        let count = |wanted: fn(&Said) -> bool| self.said.iter().filter(|said| wanted(said)).count();
        let film = count(|said| matches!(said, Said::Film(_)));
        let (whole, interlaced) = (count(|said| *said == Said::Whole), count(|said| *said == Said::Interlaced));
        let unclear = count(|said| *said == Said::Unclear);
        let first_film = self.said.iter().find_map(|said| if let Said::Film(pts) = said { Some(*pts) } else { None });
        match first_film {
            _ if interlaced > 0 => Fields::Interlaced,
            Some(repeated_pts) if whole == 0 && film >= unclear * CLEAR => Fields::Film { repeated_pts },
            None if whole > 0 && whole >= unclear * CLEAR => Fields::Whole,
            _ => Fields::Interlaced,
        }
    }
}

fn judge(seen: &[(i64, Weave)]) -> Said {
    let says = |weave: Weave| seen.iter().filter(|(_, seen)| *seen == weave).count();
    let (whole, before, neither) = (says(Weave::Whole), says(Weave::Before), says(Weave::Neither));
    let all = whole + before + neither;
    let part = |of: usize, percent: usize| of * 100 >= all * percent;
    if all < LEAST_PICTURES {
        return Said::Nothing;
    }
    let follows = |pattern: &[Weave; 5], phase: usize| {
        let like = |at: usize, weave: Weave| weave == pattern[(at + 5 - phase) % 5];
        seen.iter().enumerate().filter(|(at, (_, weave))| like(*at, *weave)).count()
    };
    // The first picture of a window has none before it that it could be compared with.
    let tried = PATTERNS.iter().flat_map(|pattern| (1..=5).map(move |phase| (follows(pattern, phase % 5), phase)));
    let (followed, repeated) = tried.max_by_key(|(followed, _)| *followed).unwrap_or_default();
    match seen.get(repeated) {
        Some((pts, _)) if before > 0 && part(followed, FILM_PERCENT) => Said::Film(*pts),
        _ if part(whole, WHOLE_PERCENT) => Said::Whole,
        _ if part(neither, INTERLACED_PERCENT) => Said::Interlaced,
        _ => Said::Unclear,
    }
}

#[cfg(test)]
mod tests;
