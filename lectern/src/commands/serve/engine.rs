//! What a process has of the engine: recordings, and all that is done with them.

use std::sync::Arc;

use control_api::options::DEFAULT_MAX_UPLOAD_BYTES;
use control_api::{ControlOptions, LadderSource, Licences};
use database::Database;
use kernel::Served;
use ladders::Ladder;
use origin_server::{Origin, OriginOptions};
use tokio::sync::watch;
use workers::Wishes;

use super::{licence_servers, renewing};
use crate::cli::{Data, Serve};
use crate::commands::viewers::Viewers;
use crate::commands::worker::{self, Post, Work};
use crate::data::DataFolder;
use crate::exit::Failure;
use crate::ladder_book::shared::Sharing;

/// An opened data folder and what those share who use it.
pub(super) struct Engine {
    pub(super) data: DataFolder,
    licences: Licences,
    viewers: Arc<Viewers>,
}

impl Engine {
    pub(super) async fn open(database: Database, places: &Data) -> Result<Self, Failure> {
        let data = DataFolder::over(database, places).await?;
        let licences = licences(&data.database, places)?;
        let viewers = Arc::new(Viewers(Wishes::new(data.assets.clone(), data.media.clone())));
        Ok(Self { data, licences, viewers })
    }

    /// What is published.
    pub(super) fn origin(&self) -> Origin {
        Origin::new(self.data.media.clone(), OriginOptions::default()).with_demand(self.viewers.clone())
    }

    /// The engine's units. Ladders are looked after where jobs are.
    pub(super) fn units(&self) -> [Served; 3] {
        let sharing = Arc::new(Sharing::new(self.data.ladders.clone(), self.data.media.clone()));
        let (book, assets, shared) = (self.data.ladders.clone(), self.data.assets.clone(), sharing.clone());
        let [media, processing, streaming] = control_api::units(ControlOptions {
            store: self.data.assets.clone(),
            media: self.data.media.clone(),
            ladders: Arc::new(Ladders(sharing)),
            public_base: None,
            max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES,
            clock: self.data.database.clock(),
            licences: self.licences.clone(),
            viewers: Some(self.viewers.clone()),
        });
        let processing = processing
            .with_task(|stopped| renewing::run(book, assets, stopped))
            .with_task(|stopped| shared.run(stopped));
        [media, processing, streaming]
    }

    /// The workers of this process, and a future that tells of their end.
    pub(super) async fn work(
        &self,
        options: &Serve,
        stopped: watch::Receiver<bool>,
    ) -> Result<(Work, impl Future<Output = ()> + Send + use<>), Failure> {
        let engine = crate::engine::find(options.makes).await?;
        let post = Post::of(&engine, &options.takes).await?;
        let workshop = worker::workshop(&self.data, self.licences.vault.clone(), engine);
        worker::spawn(&self.data, workshop, post, stopped)
    }
}

/// Licences for protected recordings, where a key-encryption key is configured.
fn licences(database: &Database, places: &Data) -> Result<Licences, Failure> {
    let servers = licence_servers::configured()?;
    let Some(keks) = crate::data::key_encryption_keys(places)? else {
        if servers.is_none() {
            return Ok(Licences::default());
        }
        let detail = "a licence server is configured, and no key-encryption key that playback tokens are signed under";
        return Err(Failure::config("keys.encryption_key", detail, "see docs/operations.md, \"Key-encryption key\""));
    };
    Ok(Licences { servers, ..Licences::under(database.clone(), keks) })
}

struct Ladders(Arc<Sharing>);

impl LadderSource for Ladders {
    fn names(&self) -> Vec<String> {
        self.0.names()
    }

    fn ladder(&self, name: &str) -> Option<Ladder> {
        self.0.get(name)
    }
}
