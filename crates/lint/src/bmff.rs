//! ISO base media file format: tolerant readers of boxes, initialisation segments and media segments.

pub(crate) mod boxes;
pub(crate) mod check_init;
pub(crate) mod check_segment;
pub(crate) mod encryption;
pub(crate) mod entry;
pub(crate) mod event;
pub(crate) mod init;
pub(crate) mod pssh;
pub(crate) mod segment;

/// Something that cannot be read: where, and what is the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: &'static crate::Rule,
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(rule: &'static crate::Rule, offset: usize, message: impl Into<String>) -> Self {
        Self { rule, offset, message: message.into() }
    }
}
