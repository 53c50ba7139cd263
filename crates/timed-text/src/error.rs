//! Why a text cannot be read or written, and what was mended on the way.

/// A file or track cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// W3C WebVTT §4.1: the signature is missing.
    #[error("not a WebVTT file: line 1 starts with {found:?}, not with WEBVTT")]
    NotWebVtt {
        /// What the first line starts with.
        found: String,
    },
    /// No line holds the times of a cue.
    #[error("not a SubRip file: none of its {lines} lines is the times of a cue")]
    NotSrt {
        /// Number of lines.
        lines: usize,
    },
    /// The root element is another.
    #[error("not a TTML document: the root element is {found:?}")]
    NotTtml {
        /// Name of the root element.
        found: String,
    },
    /// A byte of another encoding.
    #[error("byte {byte:#04x} at offset {offset} (line {line}) is not UTF-8")]
    NotUtf8 {
        /// Value of the first byte that is wrong.
        byte: u8,
        /// Its place in the file.
        offset: usize,
        /// Its line, from 1.
        line: usize,
    },
    /// More than is ever read or written.
    #[error("{what}: {found}, the limit is {limit}")]
    TooLarge {
        /// What was counted, with its unit.
        what: &'static str,
        /// How much there is, at least.
        found: usize,
        /// How much there may be.
        limit: usize,
    },
    /// XML that is not well-formed, or more than a subtitle needs.
    #[error("XML at byte {offset}: {reason}")]
    Xml {
        /// Place in the document.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
    /// IMSC 1 image profile: pictures have no text.
    #[error("the document is of the IMSC image profile, whose pictures cannot become text cues")]
    ImageProfile,
    /// Segment borders must ascend, and no segment may last longer than a sample can.
    #[error("segment border {index} is {value}, after {before}")]
    Borders {
        /// Index of the border.
        index: usize,
        /// The border.
        value: i64,
        /// The border before it.
        before: i64,
    },
    /// A sample of an MP4 track is not what its format asks for.
    #[error("sample {sample}, byte {offset}: {reason}")]
    Sample {
        /// Index of the sample, from 0.
        sample: usize,
        /// Place in the sample.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Something that was passed over or mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line it was found in, from 1; 0 when it concerns the whole.
    pub line: usize,
    /// What was found and what was done about it.
    pub what: String,
}

/// Warnings up to a bound, so that a broken file cannot make a list of millions.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

impl Warnings {
    const LIMIT: usize = 500;

    pub(crate) fn push(&mut self, line: usize, what: impl Into<String>) {
        if self.0.len() < Self::LIMIT {
            self.0.push(Warning { line, what: what.into() });
        } else if self.0.len() == Self::LIMIT {
            self.0.push(Warning { line, what: "further warnings are left out".to_owned() });
        }
    }

    /// As [`Warnings::push`], once for each text.
    pub(crate) fn push_once(&mut self, line: usize, what: &str) {
        if !self.0.iter().any(|warning| warning.what == what) {
            self.push(line, what);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_vec(self) -> Vec<Warning> {
        self.0
    }
}

/// The start of a line as it is quoted in a message.
pub(crate) fn excerpt(text: &str) -> String {
    let mut out: String = text.chars().take(40).collect();
    if out.len() < text.len() {
        out.push('…');
    }
    out
}
