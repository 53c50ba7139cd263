//! Ladders: what might be encoded, as data that operators edit, and the choice of what one source gets.
//!
//! - `ladder`: the values. [`Ladder`], [`Rung`], [`AudioRung`].
//! - `file`: the format of a ladder file and its JSON Schema, [`json_schema`].
//! - `encoder`: what each codec's encoder may be told.
//! - `parse`: [`parse`], which reports every mistake at once, read through `section`; `report` holds [`Report`] and [`Mistake`].
//! - `catalog`: the ladders that ship. [`catalog`], [`builtin`].
//! - `select`: [`select`], from a ladder and the shape of a source to renditions.
//! - `trials`: [`first_trials`] and [`further_trials`], what is encoded of samples of a recording.
//! - `per_title`: [`decide`], from what those cost to its own renditions.
//! - `legible`: what drawn pictures get at low rates.
//! - `explain`, `plot`: a selection for a person: [`explain`], [`plot_text`], [`plot_svg`].
//! - `curves`: a decision for a person: [`explain_decision`], [`plot_decision_text`], [`plot_decision_svg`].
//!
//! Layer 1: deterministic, no I/O.

mod catalog;
mod curves;
mod encoder;
mod explain;
mod file;
mod ladder;
mod legible;
mod parse;
mod per_title;
mod plot;
mod report;
mod section;
mod select;
mod trials;

pub use catalog::{DEFAULT_LADDER, builtin, catalog};
pub use curves::{explain_decision, plot_decision_svg, plot_decision_text};
pub use explain::explain;
pub use file::json_schema;
pub use ladder::{AudioRung, Ladder, Rung};
pub use parse::parse;
pub use per_title::{Decided, Samples, decide};
pub use plot::{plot_svg, plot_text};
pub use report::{Mistake, Report};
pub use select::{KeyframeCost, Selection, SourceShape, select};
pub use trials::{Tried, first_trials, further_trials};
