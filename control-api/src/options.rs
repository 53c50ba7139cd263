//! What the control API is given.

use crate::cors::Origins;
use crate::demand::Viewers;
use crate::gateway::Gateway;
use crate::licence::Licences;
use std::sync::Arc;

use asset_store::AssetStore;
use database::Database;
use kernel::auth::Vouching;
use kernel::{AdminToken, Clock, Directory, Limiter, Maintenance, Proxies, Recorder};
use ladders::Ladder;
use media_store::MediaStore;

/// The largest source that an installation takes unless told otherwise: 64 GiB.
pub const DEFAULT_MAX_UPLOAD_BYTES: u64 = 64 << 30;

/// Where ladders come from. Implementations may replace them at any time; a plan pins what it was made with.
pub trait LadderSource: Send + Sync {
    /// The names of all ladders, sorted.
    fn names(&self) -> Vec<String>;
    /// The ladder of this name.
    fn ladder(&self, name: &str) -> Option<Ladder>;
}

/// The ladders that ship.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltinLadders;

impl LadderSource for BuiltinLadders {
    fn names(&self) -> Vec<String> {
        ladders::catalog().iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    fn ladder(&self, name: &str) -> Option<Ladder> {
        ladders::builtin(name)
    }
}

/// Adds families to the text of `/metrics`.
pub type Figures = Arc<dyn Fn(&mut telemetry::figures::Text) + Send + Sync>;

/// What every process needs to answer, whatever it serves.
pub struct FrontOptions {
    /// Opens every route that is not public or for other processes alone.
    pub admin_token: AdminToken,
    /// Opens the routes of other processes of the installation; without it nothing does.
    pub service_token: Option<AdminToken>,
    /// Knows the keys that open what they may, and the tenants; without it only the tokens open anything.
    pub directory: Option<Arc<dyn Directory>>,
    /// What a gateway says of tokens is signed, and believed, by this; without it every process looks for itself.
    pub vouching: Option<Vouching>,
    /// Where requests that change something are recorded; a process without one serves nothing that does.
    pub recorder: Option<Recorder>,
    /// Counts requests, and refuses those of whoever sends too many.
    pub limiter: Limiter,
    /// Who is believed when he says for whom he asks.
    pub proxies: Proxies,
    /// Whose pages may call, beside those of the server itself.
    pub origins: Origins,
    /// Which units are closed; a process without one closes none.
    pub maintenance: Option<Maintenance>,
    /// The version that the `OpenAPI` document and the metrics carry.
    pub version: String,
    /// Where the units have their tables, unless none has any; the process is ready as long as these are there.
    pub database: Option<Database>,
    /// What stands before the units of other processes, if this one does. It is among the units that are served.
    pub gateway: Option<Gateway>,
    /// What else `/metrics` says, of parts of this process that are no units.
    pub more_figures: Vec<Figures>,
}

/// What the engine's units wire together.
pub struct ControlOptions {
    /// The assets, their jobs and the database of both.
    pub store: AssetStore,
    /// Their bytes.
    pub media: Arc<dyn MediaStore>,
    /// The ladders that an upload may name.
    pub ladders: Arc<dyn LadderSource>,
    /// Scheme and authority that clients reach the server at, without a trailing slash, such as
    /// `https://video.example`; `None` makes every address in an answer relative. Under
    /// another one than the page's own, the page may play from there.
    pub public_base: Option<String>,
    /// The largest source, in bytes.
    pub max_upload_bytes: u64,
    /// The time.
    pub clock: Clock,
    /// Keys and tokens of protected recordings.
    pub licences: Licences,
    /// Who hears what viewers of other processes' origins wait for.
    pub viewers: Option<Arc<dyn Viewers>>,
}
