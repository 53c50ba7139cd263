//! Documents, encryption, signatures and SPEKE from the outside.
#![allow(clippy::unwrap_used)]

mod c14n;
mod document;
mod encryption;
mod hostile;
mod select;
mod signature;
mod speke;
mod support;
