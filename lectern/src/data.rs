//! Where everything lies: the data folder, and database and store, which lie in it unless they are named.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use asset_store::AssetStore;
use database::{Address, Database, EngineKind};
use job_queue::JobQueue;
use kernel::Keyring;
use key_vault::LocalKeks;
use media_store::{Counted, MediaStore, Traffic};

use crate::cli::Data;
use crate::exit::Failure;
use crate::ladder_book::LadderBook;
use crate::settings;

/// An opened data folder: `lectern.db` and `media/`, or what was named in their place, and `ladders/`.
pub(crate) struct DataFolder {
    pub(crate) database: Database,
    pub(crate) assets: AssetStore,
    pub(crate) media: Arc<dyn MediaStore>,
    /// What has gone through `media`.
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) ladders: LadderBook,
    /// The folder of a database that is a file; `None` of one that other machines may use.
    pub(crate) beside_database: Option<PathBuf>,
}

/// When migrations are applied.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Migrate {
    /// To a file, which is this machine's. A server's database is migrated by `lectern migrate` alone: processes of another
    /// version may be at work on it.
    OwnFile,
    /// Never: somebody else does it.
    Never,
}

/// Opens everything, and makes the folder if something lies in it.
pub(crate) async fn open(places: &Data, migrate: Migrate) -> Result<DataFolder, Failure> {
    let database = open_migrated(places, migrate).await?;
    DataFolder::over(database, places).await
}

/// Opens the database, migrated.
pub(crate) async fn open_migrated(places: &Data, migrate: Migrate) -> Result<Database, Failure> {
    let address = database(places)?;
    let database = open_database(places, &address).await?;
    if migrate == Migrate::OwnFile && address.kind() == EngineKind::Sqlite {
        database.migrate().await?;
    } else {
        database.check_migrated().await?;
    }
    Ok(database)
}

/// Opens the database of an installation that this process is a part of: what lies in these folders of `migrations/` has to
/// be there, and the rest is for others to see to.
pub(crate) async fn open_part(places: &Data, modules: &[&str]) -> Result<Database, Failure> {
    let database = open_database(places, &database(places)?).await?;
    database.check_modules(modules).await?;
    Ok(database)
}

impl DataFolder {
    /// Opens the rest.
    pub(crate) async fn over(database: Database, places: &Data) -> Result<Self, Failure> {
        let address = self::database(places)?;
        let (media, traffic) = Counted::over(media_store::open(&store(places)?).await?);
        let assets = AssetStore::new(JobQueue::new(database.clone()));
        let beside_database = address.file().and_then(|file| Path::new(file).parent()).map(Path::to_owned);
        let ladders = LadderBook::open(places.data.join("ladders"));
        Ok(Self { database, assets, media, traffic, ladders, beside_database })
    }
}

/// The key-encryption keys, where some are configured. They never lie where the data do, so that no backup holds both.
pub(crate) fn key_encryption_keys(places: &Data) -> Result<Option<LocalKeks>, Failure> {
    let store = store(places)?;
    let mut folders = vec![places.data.as_path()];
    folders.extend(is_folder(&store).then(|| Path::new(&store)));
    LocalKeks::configured(&folders).map_err(|error| {
        Failure::config("keys.encryption_key", error, "see docs/operations.md, \"Key-encryption key\"")
    })
}

/// What secrets are wrapped under that are kept for `purpose`: nothing where no key-encryption key is configured.
pub(crate) fn keyring(places: &Data, purpose: &str) -> Result<Keyring, Failure> {
    let keys = key_encryption_keys(places)?;
    Ok(keys.map(|keys| Keyring::new(keys.derive_secrets(purpose))).unwrap_or_default())
}

/// Where the database is.
pub(crate) fn database(places: &Data) -> Result<Address, Failure> {
    if let Some(address) = &places.database {
        if address.has_password() {
            let detail =
                "the address in --database holds a password, and everyone on this machine can read a command line";
            return Err(Failure::config("database.password_shown", detail, "write it in LECTERN_DATABASE instead"));
        }
        return Ok(address.clone());
    }
    // An address may hold a password, and `ps` shows a command line to everyone.
    match settings::said(settings::DATABASE, &settings::environment)? {
        Some(said) => Ok(Address::new(said.text)),
        None => Ok(Address::new(text(&places.data.join("lectern.db"))?)),
    }
}

/// Opens the database alone.
pub(crate) async fn open_database(places: &Data, address: &Address) -> Result<Database, Failure> {
    if places.database.is_none() && address.file().is_some_and(|file| Path::new(file).parent() == Some(&places.data)) {
        make(&places.data)?;
    }
    address.open().await.map_err(|error| match address.kind() {
        EngineKind::Sqlite => error.into(),
        EngineKind::Postgres => Failure::unavailable(
            "database.failed",
            kernel::problem::chain(&error),
            "check that the server of --database or LECTERN_DATABASE runs, and user, password and name of the database",
        ),
    })
}

/// Where the store is, as [`media_store::open`] takes it.
pub(crate) fn store(places: &Data) -> Result<String, Failure> {
    match &places.store {
        Some(location) => Ok(location.clone()),
        None => text(&places.data.join("media")).map(str::to_owned),
    }
}

/// Whether a store of this name is a folder.
pub(crate) fn is_folder(location: &str) -> bool {
    !location.contains("://")
}

fn make(folder: &Path) -> Result<(), Failure> {
    let hint = "choose a folder you may write to with --data";
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::unavailable("data.unusable", format!("{}: {error}", folder.display()), hint))
}

fn text(path: &Path) -> Result<&str, Failure> {
    path.to_str()
        .ok_or_else(|| Failure::config("data.unusable", "the data folder's path is not UTF-8", "choose another path"))
}
