//! The product from outside: built executables, real media, real players, and `kill -9`.
//!
//! Run through `make test`, which builds the executables, makes the fixtures and installs the judges. Fixtures lie in
//! `.cache/media`; `LECTERN_BIN` names another `lectern` than the one beside this test. With `LECTERN_TOPOLOGY=fleet` what
//! is one process otherwise is an API with an origin and two workers, on PostgreSQL and S3, and with `split` a gateway before a
//! process for each unit (`topology`).

#![allow(clippy::unwrap_used, unreachable_pub)]

mod access;
mod arriving;
mod audited;
mod backups;
mod bad_input;
mod bridged;
mod bucket;
mod careful;
mod codecs;
mod command_line;
mod corpus;
mod deploy;
mod direct;
mod encode;
mod faults;
mod first_play;
mod flags;
mod fleet;
mod full_disk;
mod fuzzed;
mod gateway;
mod hdr;
mod inbox;
mod judge;
mod kill;
mod oidc;
mod operations;
mod opus;
mod package;
mod parts;
mod people;
mod per_title;
mod protected;
mod provisioned;
mod renewal;
mod reuse;
mod server;
mod slides;
mod storyboard;
mod telecine;
mod topology;
mod tracks;
mod units;
mod upload;
mod vmaf;
mod watch;
mod watched;
mod webhooks;
