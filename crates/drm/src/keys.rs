//! Which key encrypts which track, and the file that says so.

use std::fmt;

use zeroize::Zeroizing;

use crate::secret::{ContentKey, KeyTextError, decode_hex};
use crate::types::KeyId;

/// The most lines of a key file.
pub const MAX_KEY_LINES: usize = 1000;

/// Tracks that share a key, because a licence may allow one and refuse another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackClass {
    /// Sound.
    Audio,
    /// Video of at most 576 lines.
    Sd,
    /// Video of at most 1080 lines.
    Hd,
    /// Larger video.
    Uhd,
}

impl TrackClass {
    /// All classes.
    pub const ALL: [TrackClass; 4] = [Self::Audio, Self::Sd, Self::Hd, Self::Uhd];

    /// The class of video, by its short side in pixels, so that portrait counts as landscape does.
    pub fn of_video(width: u32, height: u32) -> Self {
        match width.min(height) {
            0..=576 => Self::Sd,
            577..=1080 => Self::Hd,
            _ => Self::Uhd,
        }
    }

    /// As it is written in a key file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Sd => "sd",
            Self::Hd => "hd",
            Self::Uhd => "uhd",
        }
    }

    /// The class of a name, whatever its case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for TrackClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key with its name and the tracks it is for.
#[derive(Clone)]
pub struct KeyEntry {
    /// Its public name.
    pub id: KeyId,
    /// The key.
    pub key: ContentKey,
    /// The tracks it is for; `None` means all that have no key of their own.
    pub class: Option<TrackClass>,
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEntry").field("id", &self.id).field("class", &self.class).finish_non_exhaustive()
    }
}

/// No key is for a class of tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key is for {class} tracks: add a line KID:KEY:{class}, or KID:KEY for all tracks without one of their own")]
pub struct MissingKey {
    /// The class.
    pub class: TrackClass,
}

/// No key is for a class of tracks in a crypto period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key is for {class} tracks in period {period}: add a line KID:KEY:{class}:{period}, or KID:KEY::{period}")]
pub struct MissingPeriodKey {
    /// The class.
    pub class: TrackClass,
    /// The 0-based period.
    pub period: u32,
}

/// The keys of a presentation: for each crypto period, at most one for each class and one for all others.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    entries: Vec<KeyEntry>,
    /// The period of each entry; `None` for all.
    periods: Vec<Option<u32>>,
}

impl KeySet {
    /// Parses a key file: lines `KID:KEY` or `KID:KEY:class`, 32 hexadecimal digits each (the KID also with dashes), class
    /// `audio`, `sd`, `hd` or `uhd`; `#` begins a comment. A fourth field is the 0-based crypto period that the key is
    /// for, `KID:KEY:class:period` or `KID:KEY::period`; without it the key is for all periods.
    ///
    /// # Errors
    /// Where the file is wrong and what to do about it; never a key.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let mut lines_of: Vec<usize> = Vec::new();
        let mut set = Self::default();
        for (line, content) in (1..).zip(text.lines()) {
            if line > MAX_KEY_LINES {
                return Err(KeyFileError { line, column: 1, problem: KeyFileProblem::TooLong });
            }
            let Some((entry, period)) =
                parse_line(content).map_err(|(column, problem)| KeyFileError { line, column, problem })?
            else {
                continue;
            };
            let at_first = |problem: fn(usize) -> KeyFileProblem, index: usize| KeyFileError {
                line,
                column: 1 + content.len() - content.trim_start().len(),
                problem: problem(lines_of[index]),
            };
            if let Some(index) = set.entries.iter().position(|known| known.id == entry.id) {
                return Err(at_first(|first| KeyFileProblem::SameId { first }, index));
            }
            let mut known = set.entries.iter().zip(&set.periods);
            if let Some(index) = known.position(|(known, of)| known.class == entry.class && *of == period) {
                return Err(match entry.class {
                    _ if period.is_some() => at_first(|first| KeyFileProblem::SamePeriod { first }, index),
                    Some(_) => at_first(|first| KeyFileProblem::SameClass { first }, index),
                    None => at_first(|first| KeyFileProblem::TwoForAll { first }, index),
                });
            }
            lines_of.push(line);
            set.entries.push(entry);
            set.periods.push(period);
        }
        if set.entries.is_empty() {
            return Err(KeyFileError { line: 1, column: 1, problem: KeyFileProblem::Empty });
        }
        Ok(set)
    }

    /// One key for all tracks.
    pub fn single(id: KeyId, key: ContentKey) -> Self {
        Self { entries: vec![KeyEntry { id, key, class: None }], periods: vec![None] }
    }

    /// All keys, in the file's order.
    pub fn entries(&self) -> &[KeyEntry] {
        &self.entries
    }

    /// The names of all keys, ascending: what licence requests for the whole presentation list.
    pub fn key_ids(&self) -> Vec<KeyId> {
        let mut ids: Vec<KeyId> = self.entries.iter().map(|entry| entry.id).collect();
        ids.sort_unstable();
        ids
    }

    /// The key of a class of tracks: its own, else the one for all. Where keys change, that of the first period.
    ///
    /// # Errors
    /// Neither is there.
    pub fn key_for(&self, class: TrackClass) -> Result<&KeyEntry, MissingKey> {
        self.find(class, 0).ok_or(MissingKey { class })
    }

    /// Whether a key is for one crypto period alone.
    pub fn has_periods(&self) -> bool {
        self.periods.iter().any(Option::is_some)
    }

    /// The key of a class of tracks in a 0-based crypto period. A key of the class comes before one for all classes, a
    /// key of the period before one for all periods.
    ///
    /// # Errors
    /// There is none.
    pub fn key_in(&self, class: TrackClass, period: u32) -> Result<&KeyEntry, MissingPeriodKey> {
        self.find(class, period).ok_or(MissingPeriodKey { class, period })
    }

    fn find(&self, class: TrackClass, period: u32) -> Option<&KeyEntry> {
        let of = |class, period| {
            let mut all = self.entries.iter().zip(&self.periods);
            all.find(|(entry, of)| entry.class == class && **of == period).map(|(entry, _)| entry)
        };
        let in_class = |class| of(class, Some(period)).or_else(|| of(class, None));
        in_class(Some(class)).or_else(|| in_class(None))
    }
}

/// A key file is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct KeyFileError {
    /// 1-based line.
    pub line: usize,
    /// 1-based column in characters.
    pub column: usize,
    /// What is wrong there.
    pub problem: KeyFileProblem,
}

/// What is wrong with a key file, and the cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileProblem {
    /// Not of the form that lines have.
    #[error("a key line is KID:KEY or KID:KEY:class, separated by colons; write the missing part")]
    Form,
    /// The key's name is wrong.
    #[error("the KID is not 32 hexadecimal digits, with or without dashes ({0}); correct it")]
    Id(KeyTextError),
    /// The key is wrong.
    #[error("{0}; the KEY is 32 hexadecimal digits without dashes")]
    Key(KeyTextError),
    /// No such class.
    #[error("unknown class; write audio, sd, hd or uhd, or leave the class away for all tracks")]
    Class,
    /// One name twice.
    #[error("this KID is already given in line {first}; remove one of the two lines")]
    SameId {
        /// Line of the first.
        first: usize,
    },
    /// Two keys for one class.
    #[error("line {first} already has a key of this class; remove one of them or change its class")]
    SameClass {
        /// Line of the first.
        first: usize,
    },
    /// Two keys without a class.
    #[error("line {first} already has a key without a class; give each of them a class, audio, sd, hd or uhd")]
    TwoForAll {
        /// Line of the first.
        first: usize,
    },
    /// The period is no number.
    #[error("the period is not a whole number; write KID:KEY:class:period or KID:KEY::period, the first period is 0")]
    Period,
    /// Two keys for one class in one period.
    #[error(
        "line {first} already has a key for the same tracks in this period; remove one of them or change its period"
    )]
    SamePeriod {
        /// Line of the first.
        first: usize,
    },
    /// More lines than are read.
    #[error("a key file has at most 1000 lines; remove those that are not needed")]
    TooLong,
    /// No key at all.
    #[error("the file holds no key; add a line KID:KEY")]
    Empty,
}

/// An entry and its period.
type Line = (KeyEntry, Option<u32>);

/// The entry of a line and its period, `None` for blank ones and comments; otherwise the column and the problem.
fn parse_line(line: &str) -> Result<Option<Line>, (usize, KeyFileProblem)> {
    let content = line.split('#').next().unwrap_or_default();
    if content.trim().is_empty() {
        return Ok(None);
    }
    let mut column = 1;
    let mut fields = content.split(':').map(|field| {
        let start = column + field.chars().take_while(|c| c.is_whitespace()).count();
        column += field.chars().count() + 1;
        (start, field.trim())
    });
    let end = content.trim_end().chars().count() + 1;
    let (id_at, id) = fields.next().ok_or((1, KeyFileProblem::Form))?;
    let (key_at, key) = fields.next().ok_or((end, KeyFileProblem::Form))?;
    let class = fields.next();
    let period = fields.next();
    if let Some((at, _)) = fields.next() {
        return Err((at, KeyFileProblem::Form));
    }
    let id = parse_id(id).map_err(|error| (id_at + digit_offset(error), KeyFileProblem::Id(error)))?;
    let key = ContentKey::from_hex(key).map_err(|error| (key_at + digit_offset(error), KeyFileProblem::Key(error)))?;
    let class = match class {
        None => None,
        Some((_, "")) if period.is_some() => None,
        Some((at, name)) => Some(TrackClass::from_name(name).ok_or((at, KeyFileProblem::Class))?),
    };
    let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|digit| digit.is_ascii_digit()));
    let period = period.map(|(at, text)| number(text).ok_or((at, KeyFileProblem::Period))).transpose()?;
    Ok(Some((KeyEntry { id, key, class }, period)))
}

fn digit_offset(error: KeyTextError) -> usize {
    match error {
        KeyTextError::Digit { position } => position - 1,
        KeyTextError::Length { .. } => 0,
    }
}

/// 32 hexadecimal digits, with dashes anywhere between them.
fn parse_id(text: &str) -> Result<KeyId, KeyTextError> {
    if let Some(position) = text.chars().position(|c| !c.is_ascii_hexdigit() && c != '-') {
        return Err(KeyTextError::Digit { position: position + 1 });
    }
    let digits = Zeroizing::new(text.chars().filter(|&c| c != '-').collect::<String>());
    let mut id = KeyId([0; 16]);
    decode_hex(&digits, &mut id.0)?;
    Ok(id)
}

impl std::str::FromStr for KeyId {
    type Err = KeyTextError;

    /// From 32 hexadecimal digits, with or without dashes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_id(text)
    }
}

#[cfg(test)]
#[path = "keys/tests.rs"]
mod tests;
