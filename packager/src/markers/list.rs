//! Cues that a person wrote down, one a line: `START [DURATION] [ID] [KEY=VALUE ...]`.

mod options;

use std::collections::BTreeSet;

use media_types::{MediaTime, Timescale};
use thiserror::Error;

use super::{MOST_MARKERS, MOST_SECONDS, Marker, Messages, is_plain};
use options::Options;

const MICROSECONDS: Timescale = Timescale::new(1_000_000).expect("not zero");
/// What cues of a list have in common.
const CLASS: &str = "cue";
/// Start, duration, id, and every option once.
const MOST_WORDS: usize = 3 + options::KEYS.len();

/// Why a list of cues cannot be read, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}, column {column}: {problem}")]
pub struct CueListError {
    /// 1-based line.
    pub line: usize,
    /// 1-based column, in characters.
    pub column: usize,
    /// What is wrong there.
    pub problem: CueProblem,
}

/// What is wrong with a list of cues.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CueProblem {
    /// A word where a time should be.
    #[error("{0:?} is no time; write seconds such as 12.5, or hh:mm:ss.mmm")]
    Time(String),
    /// A time behind the longest presentation.
    #[error("{0:?} is longer than anything that can be played")]
    TooLong(String),
    /// An id with characters that a playlist cannot carry, or a very long one.
    #[error("the id {0:?} cannot stand in a playlist; use at most 100 characters, without quotes")]
    Id(String),
    /// An id that an earlier line has.
    #[error("the id {0:?} is taken by an earlier cue; give each its own")]
    Taken(String),
    /// A word behind the id that is no option.
    #[error(
        "{0:?} is one word too many; write START, DURATION and ID, with spaces between, then options such as cut=no"
    )]
    Surplus(String),
    /// An option that there is not.
    #[error("there is no option {0:?}; there are asset, assets, resume, limit, snap, restrict, cue and cut")]
    Option(String),
    /// An option that stands before on its line.
    #[error("{0} stands twice on this line")]
    Repeated(&'static str),
    /// A word that an option does not know.
    #[error("{value:?} is nothing for {key}; write {allowed}")]
    Value {
        /// The option.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        allowed: &'static str,
    },
    /// An address that players could not fetch.
    #[error(
        "{0:?} is no address that players can fetch; write http:// or https://, and % with two digits for odd characters"
    )]
    Address(String),
    /// Two answers to what is shown.
    #[error("asset and assets exclude one another: an address of a playlist, or of a list of them")]
    TwoAssets,
    /// How something is shown, without what.
    #[error("{0} needs asset=ADDRESS on its line")]
    NoAsset(&'static str),
    /// More lines than a presentation may have markers.
    #[error("this is cue {}; {MOST_MARKERS} are the most", MOST_MARKERS + 1)]
    TooMany,
}

/// Reads a list of cues, and puts them in the order of their starts.
///
/// A line is a start, then how long it lasts, then an id; the last two may be left out. Times are seconds (`12.5`),
/// `mm:ss` or `hh:mm:ss`, with up to six decimals. A single second word that begins with a digit is a duration,
/// otherwise an id. A `#` that begins a word begins a comment. Cues without a duration are mere places, and cues without
/// an id are numbered in the order of the list. Segments are cut at every cue.
///
/// Options follow, `KEY=VALUE` without spaces: `cut=no` leaves segments as they are; `asset=` names a playlist that
/// players of HLS show at the cue, in place of the programme for as long as the cue lasts; `assets=` a list of them.
/// `resume=TIME` says from the cue's start where the programme goes on, `limit=TIME` how much is shown at most;
/// `snap=out,in`, `restrict=skip,jump` and `cue=pre,post,once` are lists of words ([`Interstitial`](super::Interstitial)).
///
/// # Errors
/// A line that is none of this.
pub fn parse_cue_list(text: &str) -> Result<Vec<Marker>, CueListError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut cues: Vec<(Option<String>, Marker)> = Vec::new();
    let mut taken = BTreeSet::new();
    for (line, words) in text.lines().map(words).enumerate() {
        let Some(&(column, first)) = words.first() else { continue };
        let fault = |(column, problem)| CueListError { line: line + 1, column, problem };
        if cues.len() >= MOST_MARKERS {
            return Err(fault((column, CueProblem::TooMany)));
        }
        let start = time(first).map_err(|problem| fault((column, problem)))?;
        // An option is known by its sign; none of the others has any.
        let options = words.iter().position(|(_, word)| word.contains('=')).unwrap_or(words.len()).max(1);
        let (length, id) = rest(&words[1..options]).map_err(fault)?;
        if let Some((column, id)) = id
            && !taken.insert(id.to_owned())
        {
            return Err(fault((column, CueProblem::Taken(id.to_owned()))));
        }
        let options = Options::read(&words[options..]).map_err(fault)?;
        let marker = Marker {
            id: String::new(),
            class: Some(CLASS.to_owned()),
            start,
            duration: Some(length),
            planned: None,
            messages: Messages::default(),
            cuts: options.cuts(),
            interstitial: options.interstitial(length).map_err(fault)?,
        };
        cues.push((id.map(|(_, id)| id.to_owned()), marker));
    }
    let mut markers: Vec<Marker> = Vec::with_capacity(cues.len());
    for (position, (id, mut marker)) in cues.into_iter().enumerate() {
        marker.id = id.unwrap_or_else(|| {
            let mut free = format!("{CLASS}-{}", position + 1);
            while !taken.insert(free.clone()) {
                free.push('x');
            }
            free
        });
        markers.push(marker);
    }
    markers.sort_by_key(|marker| marker.start);
    Ok(markers)
}

/// A word of a line and its 1-based column.
type Word<'a> = (usize, &'a str);
/// A fault and its column.
type Fault = (usize, CueProblem);

/// What a line says before its comment; a surplus word is kept for the complaint.
fn words(line: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let (mut column, mut rest) = (1, line);
    while words.len() <= MOST_WORDS {
        let word = rest.trim_start();
        column += rest[..rest.len() - word.len()].chars().count();
        if word.is_empty() || word.starts_with('#') {
            break;
        }
        let end = word.find(char::is_whitespace).unwrap_or(word.len());
        words.push((column, &word[..end]));
        column += word[..end].chars().count();
        rest = &word[end..];
    }
    words
}

/// Length and id.
fn rest<'a>(words: &[Word<'a>]) -> Result<(MediaTime, Option<Word<'a>>), Fault> {
    let length = |&(column, word): &Word<'_>| time(word).map_err(|problem| (column, problem));
    let (length, id) = match words {
        [] => (MediaTime::new(0, MICROSECONDS), None),
        [one] if one.1.starts_with(|letter: char| letter.is_ascii_digit()) => (length(one)?, None),
        [id] => (MediaTime::new(0, MICROSECONDS), Some(*id)),
        [first, id] => (length(first)?, Some(*id)),
        [_, _, (column, word), ..] => return Err((*column, CueProblem::Surplus((*word).to_owned()))),
    };
    match id {
        Some((column, id)) if !is_plain(id) => Err((column, CueProblem::Id(id.to_owned()))),
        id => Ok((length, id)),
    }
}

/// Seconds, `mm:ss` or `hh:mm:ss`, with up to six decimals.
fn time(word: &str) -> Result<MediaTime, CueProblem> {
    let unfit = || CueProblem::Time(word.to_owned());
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(fraction) || fraction.len() > 6 || whole.split(':').count() > 3 {
        return Err(unfit());
    }
    let mut seconds: i64 = 0;
    for (position, part) in whole.split(':').enumerate() {
        if !is_number(part) {
            return Err(unfit());
        }
        let value: i64 = part.parse().map_err(|_| CueProblem::TooLong(word.to_owned()))?;
        if position > 0 && value >= 60 {
            return Err(unfit());
        }
        let sum = seconds.checked_mul(60).and_then(|sum| sum.checked_add(value));
        seconds = sum.filter(|&sum| sum < MOST_SECONDS).ok_or_else(|| CueProblem::TooLong(word.to_owned()))?;
    }
    let micros = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = micros.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Ok(MediaTime::new(seconds * 1_000_000 + micros, MICROSECONDS))
}
