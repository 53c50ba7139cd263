//! The part of `lectern-engine` that its tests reach: how it confines itself.
//!
//! [`confine`]: what the process gives up before it touches media.

pub mod confine;
