//! Feature flags: typed values for each environment, switched, targeted and rolled out while everything runs.
//!
//! - [`Flags`], [`TenantFlags`]: what other services ask, answered from memory; it follows the tables by itself.
//! - [`Context`], [`Evaluation`], [`Reason`]: who asks, what the answer is, and why.
//! - [`UNIT`], [`serve`]: the unit. `routes`: `/api/v1/flags`, OFREP and Unleash's client API. `views`: their JSON. [`codes`]: what they refuse.
//! - `store`: flags, their history, segments, and what clients report. `sql`: statements.
//! - [`Evaluator`]: strategies, constraints, segments and variants, by Unleash's own engine, which only that file names.
//! - `requests`, `guard`: changes that are asked for, at a time or with somebody else's approval, and which may not be made without.
//!   `keeping`: what a process does unasked.
//! - `experiment`: variants that are compared, and the statistics that say whether one is better.
//! - `fronts`: keys of pages and apps, which are told what public flags come to for them.
//! - `stale`: which flags may not be needed any more.
//! - `model`, `rules`, `wire`, `snapshot`: what a flag is, what it may say, how Unleash's clients read it, and the flags of an
//!   environment, compiled.

pub mod codes;
mod evaluate;
mod experiment;
mod fronts;
mod guard;
mod keeping;
mod local;
mod model;
mod requests;
mod rights;
mod routes;
mod rules;
mod snapshot;
mod sql;
mod stale;
mod store;
mod unit;
mod views;
mod wire;

pub use evaluate::{Context, Evaluator, Outcome, Unreadable};
pub use local::{Flags, TenantFlags};
pub use snapshot::{DEFAULT_ENVIRONMENT, Evaluation, Reason};
pub use sql::STATEMENTS;
pub use unit::{UNIT, serve};

#[cfg(test)]
mod tests;
