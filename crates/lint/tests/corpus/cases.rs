//! One way, at least, to break each rule.

mod container;
mod dash;
mod hls;
mod markers;
mod text;

/// A change of a file.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// The first occurrence of a text.
    Text(&'static str, String, String),
    /// Bytes at an offset from the first occurrence of a four-character code.
    Bytes(&'static str, &'static str, isize, Vec<u8>),
    Replace(&'static str, Vec<u8>),
    Remove(&'static str),
}

/// Edits of the valid presentation, and the rule that they break.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    pub(crate) root: &'static str,
    pub(crate) protected: bool,
    pub(crate) edits: Vec<Edit>,
    pub(crate) key: Option<[u8; 16]>,
    pub(crate) fetches: Option<usize>,
    pub(crate) content_type: Option<&'static str>,
}

pub(crate) fn cases() -> Vec<Case> {
    [container::cases(), hls::cases(), dash::cases(), markers::cases(), text::cases()].concat()
}

impl Case {
    fn with(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    fn without_edits(mut self) -> Self {
        self.edits.clear();
        self
    }

    fn without_first(mut self) -> Self {
        self.edits.remove(0);
        self
    }
}

impl Edit {
    /// The same file with another text changed instead.
    fn with_text(self, from: &str, to: &str) -> Self {
        match self {
            Edit::Text(file, ..) => text(file, from, to),
            other => other,
        }
    }
}

fn case(rule: &'static str, root: &'static str, protected: bool, edit: Edit) -> Case {
    Case { rule, root, protected, edits: vec![edit], key: None, fetches: None, content_type: None }
}

fn text(file: &'static str, from: &str, to: &str) -> Edit {
    Edit::Text(file, from.to_owned(), to.to_owned())
}

fn master(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.m3u8", false, text("m.m3u8", from, to))
}

fn list(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.m3u8", false, text("v1.m3u8", from, to))
}

fn mpd(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.mpd", false, text("m.mpd", from, to))
}

fn locked(rule: &'static str, from: &str, to: &str) -> Case {
    case(rule, "m.mpd", true, text("m.mpd", from, to))
}

/// In a clear file of the first video track: `i.mp4` or a segment.
fn boxes(rule: &'static str, file: &'static str, kind: &'static str, at: isize, bytes: &[u8]) -> Case {
    case(rule, "m.m3u8", false, Edit::Bytes(file, kind, at, bytes.to_vec()))
}

fn crypt(rule: &'static str, file: &'static str, kind: &'static str, at: isize, bytes: &[u8]) -> Case {
    case(rule, "m.m3u8", true, Edit::Bytes(file, kind, at, bytes.to_vec()))
}
