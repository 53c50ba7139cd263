//! The control API of Lectern under `/api/v1`: the router of a process, whatever units it serves, and the engine's own units
//! (uploads, assets, jobs, ladders, playback, events) with the page of the studio.
//!
//! - [`options`]: what they need to run ([`FrontOptions`], [`ControlOptions`], [`LadderSource`]).
//! - `api`, `front`: the router, and what every process answers. `ops`, `docs`: health, metrics, the `OpenAPI` document and its
//!   page.
//! - `maintenance`: units that are closed for a while. `packed`: answers that are compressed. `cors`: pages of other
//!   addresses.
//! - `units`: every route of [`MEDIA`], [`PROCESSING`] and [`STREAMING`] with its policy. `permissions`: what these name. `state`:
//!   what they share, and whose resources a request is about.
//! - `action`: what a request has done, once for each key.
//! - `uploads`, `resumable`, `tus`, `checksum`, `receive`, `transfer`: bytes in, by one PUT or by tus 1.0, into the store's
//!   staging. `parts`: recordings in several files. `direct`: bytes that go straight to the store.
//! - `source`: bytes out, as they came in.
//! - `assets`, `jobs`, `ladders`, `playback`, `events`: the resources.
//! - `findings`: what the engine found out about an asset, and why it has the renditions that it has.
//! - `renewals`: what is ready, encoded again. `retries`: what failed, going on.
//! - `limits`: how much a tenant may have.
//! - `queue`: who works, and what is drained.
//! - `licence`: keys for players that hold a playback token, and those tokens.
//! - `gateway`: [`GATEWAY`], the way to units that other processes serve.
//! - `demand`: what viewers of origins in other processes wait for.
//! - `transcoding`: the older routes of the same records, in camelCase.
//! - `web`: the studio's files.
//!
//! Layer 7: wires the asset store, the queue, the media store and the ladders; knows no packager and no engine.

mod action;
mod api;
mod assets;
mod checksum;
mod codes;
mod cors;
mod demand;
mod direct;
mod docs;
mod error;
mod events;
mod findings;
mod front;
mod gateway;
mod head_start;
mod jobs;
mod ladders;
mod licence;
mod limits;
mod maintenance;
mod ops;
pub mod options;
mod packed;
mod parts;
mod permissions;
mod playback;
mod queue;
mod receive;
mod renewals;
mod resumable;
mod retries;
mod source;
mod state;
mod transcoding;
mod transfer;
mod tus;
mod units;
mod uploads;
mod views;
mod web;

pub use api::router;
pub use axum::Router;
pub use cors::{InvalidOrigin, Origins};
pub use demand::{DEMAND_PATH, Hope, Viewers, Wish};
pub use gateway::{Bounds, GATEWAY, Gateway, GatewayOptions};
pub use licence::{LicenceServers, Licences, POLICY_HEADER, PolicyKey, PolicyKeyError};
pub use options::{BuiltinLadders, ControlOptions, Figures, FrontOptions, LadderSource};
pub use units::{MEDIA, PROCESSING, STREAMING, units};
