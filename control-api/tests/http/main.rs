//! The control API over real HTTP, on a temporary SQLite database and an in-process media store.

#![allow(clippy::unwrap_used)]

mod access;
mod arriving;
mod assets;
mod audited;
mod conditions;
mod contract;
mod crossing;
mod events;
mod findings;
mod gateway;
mod licence;
mod licence_proxy;
mod limited;
mod maintenance;
mod operations;
mod pages;
mod parts;
mod permitted;
mod renewals;
mod revoked;
mod rights;
mod server;
mod source;
mod units;
mod uploads;
