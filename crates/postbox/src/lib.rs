//! Letters to people: each is a row that is written in the transaction of what it tells of, and is sent later, at least once.
//!
//! - [`NewLetter`], [`put`]: a letter is put into the box. [`About`]: what there is to tell, which the words of each language know.
//! - [`Postbox`]: the box. [`Postbox::run`] sends what is due, of any number of processes each letter by one. [`Letter`]: one that was
//!   given up, as an operator sees it.
//! - [`Carrier`]: who takes letters away. [`Smtp`] is the one there is.
//! - `written`, `words`: a letter as it is read, in the language of who gets it. Pure.
//! - `schedule`: when it is tried again. Pure. `sql`: rows and statements.
//!
//! What a link opens with is sealed as whoever has written the letter seals such things, and is gone with it. Layer 4; the wall around
//! `lettre` and `fluent`.

mod letter;
mod postbox;
mod schedule;
mod smtp;
mod sql;
mod words;
mod written;

pub use letter::{About, Factor, Letter, Link, NewLetter, forget, given_up, put};
pub use postbox::{Carrier, NotCarried, Open, Postbox};
pub use smtp::{InvalidSmtp, Smtp};
pub use sql::{REMOVE, STATEMENTS};
pub use written::Written;

#[cfg(test)]
mod tests;
