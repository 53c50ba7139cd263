//! What lies in a data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use asset_store::AssetStore;
use database::Database;
use job_queue::JobQueue;
use key_vault::LocalKeks;
use media_store::MediaStore;

use crate::exit::Failure;
use crate::ladder_book::LadderBook;

/// An opened data folder: `lectern.db`, `media/`, `ladders/`.
pub(crate) struct DataFolder {
    pub(crate) folder: PathBuf,
    pub(crate) database: Database,
    pub(crate) assets: AssetStore,
    pub(crate) media: Arc<dyn MediaStore>,
    pub(crate) ladders: LadderBook,
}

/// Makes the folder if need be and opens what is in it.
pub(crate) async fn open(folder: &Path, migrate: bool) -> Result<DataFolder, Failure> {
    let hint = "choose a folder you may write to with --data";
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::unavailable("data.unusable", format!("{}: {error}", folder.display()), hint))?;
    let database = Database::open(&database_path(folder)?).await?;
    if migrate {
        database.migrate().await?;
    } else {
        database.check_migrated().await?;
    }
    let media = media_store::open(text(&folder.join("media"))?).await?;
    let assets = AssetStore::new(JobQueue::new(database.clone()));
    Ok(DataFolder {
        folder: folder.to_owned(),
        database,
        assets,
        media,
        ladders: LadderBook::open(folder.join("ladders")),
    })
}

impl DataFolder {
    /// The key-encryption keys, where some are configured. They never lie in the data folder, so that no backup of that
    /// folder holds both.
    pub(crate) fn key_encryption_keys(&self) -> Result<Option<LocalKeks>, Failure> {
        LocalKeks::configured(&[&self.folder]).map_err(|error| {
            Failure::config("keys.encryption_key", error, "see docs/operations.md, \"Key-encryption key\"")
        })
    }
}

/// Path of the database file.
pub(crate) fn database_path(folder: &Path) -> Result<String, Failure> {
    text(&folder.join("lectern.db")).map(str::to_owned)
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str()
        .ok_or_else(|| Failure::config("data.unusable", "the data folder's path is not UTF-8", "choose another path"))
}
