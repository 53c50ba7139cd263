//! What every service of Lectern shares, so that each behaves alike and none writes it twice.
//!
//! - [`problem`]: every refusal is an RFC 9457 problem ([`Problem`]).
//! - [`json`]: [`ApiJson`], a request body that refuses unknown fields and says where.
//! - [`request_id`]: one id per request, in the answer's header, its problem and the log.
//! - `traced`: one span per request.
//! - [`policy`]: who may call a route ([`Policy`]).
//! - [`auth`]: the [`Guard`] that asks who calls it, and [`Still`] for answers that go on.
//! - [`principal`]: who a request is from ([`Principal`]) and whose resources it is about ([`Tenant`]); [`Directory`], which
//!   knows keys, people and tenants.
//! - [`permission`]: what may be done ([`Permission`]), and lists of that ([`Grants`]).
//! - [`client`]: where a request is from ([`Client`]), and who is believed about that ([`Proxies`]).
//! - [`rate`]: how many requests are answered, of a key, a tenant and an address ([`Limiter`]).
//! - [`routes`]: [`Routes`], the only way to mount a route: it takes a policy, so none can be left open by accident.
//! - `retiring`: routes that are going to end, and say so.
//! - [`dialect`]: routes that refuse as the protocol of somebody else has it ([`Dialect`]).
//! - [`audit`]: a record of every request that changes something ([`Recorder`]), on its way to the log.
//! - [`manifest`]: every unit of the platform; [`unit`]: those that a build has ([`Unit`]), and that a process serves ([`Served`]).
//! - [`maintenance`]: units that are closed for a while.
//! - [`idempotency`]: `Idempotency-Key`, one effect and one answer per key.
//! - [`paging`]: opaque cursors, bounded pages and the `Link` header.
//! - [`conditional`]: strong `ETag`s, `If-None-Match` and `If-Match`.
//! - [`events`]: the outbox as a resumable stream. [`filter`]: which kinds of events somebody wants. [`cloud_event`]: how others are told.
//! - [`reader`]: how far somebody has read it. [`inbox`]: what units do because of events ([`Handler`]).
//! - [`rights`]: people's data, handed out, erased, and removed when it is old ([`Rights`]).
//! - [`clock`]: time as an argument, and its RFC 3339 form.
//! - [`text`]: what texts may be. [`uri`]: text within an address.
//! - [`keyring`]: secrets, drawn and at rest ([`Keyring`]). [`standing`]: whose claims are dead ([`Standing`]).
//!
//! Layer 5.

pub mod audit;
pub mod auth;
pub mod client;
pub mod clock;
pub mod cloud_event;
pub mod code;
pub mod codes;
pub mod conditional;
pub mod dialect;
pub mod events;
pub mod filter;
pub mod idempotency;
pub mod inbox;
pub mod json;
pub mod keyring;
pub mod maintenance;
pub mod manifest;
pub mod paging;
pub mod permission;
pub mod policy;
pub mod principal;
pub mod problem;
pub mod rate;
pub mod reader;
pub mod request_id;
mod retiring;
pub mod rights;
pub mod routes;
pub mod standing;
pub mod text;
mod traced;
pub mod unit;
pub mod uri;

pub use audit::Recorder;
pub use auth::{AdminToken, Guard, Still};
pub use client::{Client, Proxies};
pub use clock::{Clock, rfc3339};
pub use cloud_event::CloudEvent;
pub use code::Code;
pub use conditional::{Etag, check_if_match, require_if_match, respond_cached};
pub use dialect::Dialect;
pub use events::{EventData, EventFeed, FeedOptions};
pub use filter::Filters;
pub use idempotency::{Idempotency, Outcome, Stored};
pub use inbox::{Handler, Inbox};
pub use json::{ApiJson, ApiPath, ApiQuery};
pub use keyring::{Keyring, Sealed, SecretError};
pub use maintenance::Maintenance;
pub use paging::{Cursor, Page};
pub use permission::{Grants, Permission};
pub use policy::{Policy, Rules};
pub use principal::{ApiKey, Directory, Holder, Myself, Person, Principal, Tenant};
pub use problem::{FieldError, Problem};
pub use rate::{Limiter, Rates};
pub use reader::Reader;
pub use rights::{Personal, Rights};
pub use routes::Routes;
pub use standing::Standing;
pub use unit::{Served, Unit};

use media_types::TenantId;

/// The tenant that every installation has: whoever holds the admin token acts for it unless he names another.
pub fn default_tenant() -> TenantId {
    TenantId::from_unique("default")
}
