//! What every handler shares.

use std::sync::Arc;

use asset_store::AssetStore;
use job_queue::JobQueue;
use kernel::{Clock, EventFeed, FeedOptions, Idempotency};
use media_store::MediaStore;
use media_types::TenantId;

use crate::events::Pulse;
use crate::ops::Requests;
use crate::options::{ControlOptions, LadderSource};
use crate::playback::Remembered;
use crate::transfer::Transfers;

/// The state of the control API. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Api(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: AssetStore,
    pub(crate) media: Arc<dyn MediaStore>,
    pub(crate) ladders: Arc<dyn LadderSource>,
    pub(crate) public_base: String,
    pub(crate) max_upload_bytes: u64,
    pub(crate) version: String,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) idempotency: Idempotency,
    pub(crate) feed: EventFeed,
    pub(crate) transfers: Transfers,
    pub(crate) requests: Arc<Requests>,
    pub(crate) generations: Remembered,
    pub(crate) pulse: Pulse,
}

impl std::ops::Deref for Api {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Api {
    pub(crate) fn new(options: ControlOptions) -> Self {
        let db = options.store.queue().database().clone();
        Self(Arc::new(Inner {
            idempotency: Idempotency::new(db.clone(), Arc::clone(&options.clock)),
            feed: EventFeed::new(db, FeedOptions::default()),
            store: options.store,
            media: options.media,
            ladders: options.ladders,
            public_base: options.public_base.unwrap_or_default(),
            max_upload_bytes: options.max_upload_bytes,
            version: options.version,
            clock: options.clock,
            tenant: kernel::default_tenant(),
            transfers: Transfers::default(),
            requests: Arc::default(),
            generations: Remembered::default(),
            pulse: Pulse::default(),
        }))
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
