//! What the handlers of the engine's units share.

use std::sync::Arc;

use asset_store::AssetStore;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use job_queue::JobQueue;
use kernel::{Clock, EventFeed, FeedOptions, Idempotency, Problem, Tenant};
use media_store::MediaStore;
use media_types::TenantId;

use crate::checksum::Checks;
use crate::demand::Viewers;
use crate::events::Pulse;
use crate::head_start::Looks;
use crate::licence::Licences;
use crate::options::{ControlOptions, LadderSource};
use crate::playback::Remembered;
use crate::source::Downloads;
use crate::transfer::Transfers;
use crate::web::Policy;

/// The state of the engine's units, whoever asks. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Installation(Arc<Inner>);

/// The same on behalf of the tenant whose resources a request is about. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Api {
    installation: Installation,
    pub(crate) tenant: TenantId,
}

pub(crate) struct Inner {
    pub(crate) store: AssetStore,
    pub(crate) media: Arc<dyn MediaStore>,
    pub(crate) ladders: Arc<dyn LadderSource>,
    pub(crate) public_base: String,
    pub(crate) policy: Policy,
    pub(crate) max_upload_bytes: u64,
    pub(crate) clock: Clock,
    pub(crate) idempotency: Idempotency,
    pub(crate) feed: EventFeed,
    pub(crate) transfers: Transfers,
    pub(crate) checks: Checks,
    pub(crate) looks: Looks,
    pub(crate) downloads: Downloads,
    pub(crate) generations: Remembered,
    pub(crate) pulse: Pulse,
    pub(crate) licences: Licences,
    pub(crate) viewers: Option<Arc<dyn Viewers>>,
}

impl std::ops::Deref for Installation {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::ops::Deref for Api {
    type Target = Installation;
    fn deref(&self) -> &Installation {
        &self.installation
    }
}

impl FromRequestParts<Installation> for Api {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, installation: &Installation) -> Result<Self, Problem> {
        let Tenant(tenant) = Tenant::from_request_parts(parts, installation).await?;
        Ok(installation.of(tenant))
    }
}

impl Installation {
    pub(crate) fn new(options: ControlOptions) -> Self {
        let db = options.store.queue().database().clone();
        let public_base = options.public_base.unwrap_or_default();
        Self(Arc::new(Inner {
            idempotency: Idempotency::new(db.clone(), Arc::clone(&options.clock)),
            feed: EventFeed::new(db.clone(), FeedOptions::default()),
            store: options.store,
            media: options.media,
            ladders: options.ladders,
            policy: Policy::playing_from(&public_base),
            public_base,
            max_upload_bytes: options.max_upload_bytes,
            clock: options.clock,
            transfers: Transfers::default(),
            checks: Checks::default(),
            looks: Looks::default(),
            downloads: Downloads::default(),
            generations: Remembered::default(),
            pulse: Pulse::default(),
            licences: options.licences,
            viewers: options.viewers,
        }))
    }

    /// On behalf of a tenant.
    pub(crate) fn of(&self, tenant: TenantId) -> Api {
        Api { installation: self.clone(), tenant }
    }

    pub(crate) fn queue(&self) -> &JobQueue {
        self.store.queue()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// An address for a client: absolute when the installation knows its own.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.public_base)
    }
}

/// An [`Api`] over a database and a store of its own, for tests of what a client cannot bring about.
#[cfg(test)]
pub(crate) async fn for_tests() -> (Api, database::testing::Scratch) {
    let scratch = database::testing::Scratch::migrated(database::EngineKind::Sqlite).await;
    let options = ControlOptions {
        store: AssetStore::new(JobQueue::new(scratch.db.clone())),
        media: Arc::new(media_store::MemoryStore::default()),
        ladders: Arc::new(crate::BuiltinLadders),
        public_base: None,
        max_upload_bytes: 1 << 30,
        clock: scratch.db.clock(),
        licences: Licences::default(),
        viewers: None,
    };
    (Installation::new(options).of(kernel::default_tenant()), scratch)
}

/// Announces an upload of so many bytes; its row and its asset's.
#[cfg(test)]
pub(crate) async fn announced(api: &Api, size_bytes: u64) -> (asset_store::UploadRow, asset_store::AssetRow) {
    let new = asset_store::NewUpload {
        tenant_id: api.tenant.clone(),
        filename: "a.mp4".to_owned(),
        size_bytes: Some(size_bytes),
        parts: Vec::new(),
        ladder: ladders::DEFAULT_LADDER.to_owned(),
        protection: None,
    };
    let mut tx = api.queue().database().begin().await.expect("the database is there");
    let announced = api.store.create_upload(&mut tx, &new, api.now_ms()).await.expect("it is a valid announcement");
    tx.commit().await.expect("the database is there");
    announced
}

/// Removes an asset's rows at once, as a deletion does in the end.
#[cfg(test)]
pub(crate) async fn erase(scratch: &database::testing::Scratch, asset: &media_types::AssetId) {
    let mut tx = scratch.db.begin().await.expect("the database is there");
    for statement in ["DELETE FROM upload WHERE asset_id = $1", "DELETE FROM asset WHERE id = $1"] {
        tx.execute(statement, database::args![asset]).await.expect("rows can be deleted");
    }
    tx.commit().await.expect("the database is there");
}
