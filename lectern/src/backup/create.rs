//! Writing a backup while everything goes on.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::sync::Arc;

use asset_store::restored::assets_after;
use backup_format::{FORMAT, Inventory, Lines, Manifest, Sheet, SheetEntry, StoredObject, Table, row};
use database::EngineKind;
use database::backup::{BackupError, Snapshot};
use key_vault::LocalKeks;
use media_store::MediaStore;
use tokio::task::JoinSet;

use super::folder::{Draft, Whole};
use super::{objects, refused};
use crate::data::DataFolder;
use crate::exit::Failure;

/// Assets whose objects are looked at at once.
const ASSETS_AT_ONCE: usize = 8;
/// Bytes of an object that are copied at once.
const PIECE_BYTES: u64 = 8 << 20;

/// What was written.
pub(crate) struct Created {
    pub(crate) tables: u64,
    pub(crate) rows: u64,
    pub(crate) objects: u64,
    pub(crate) objects_size_bytes: u64,
    pub(crate) missing: u64,
    /// Objects that were copied now; others lay there already.
    pub(crate) copied: Option<u64>,
}

/// Writes a backup of `data` into the folder `to`.
pub(crate) async fn create(data: &DataFolder, to: &Path, with_objects: bool) -> Result<Created, Failure> {
    let made_ms = data.database.now_ms();
    let draft = Draft::begin(to, made_ms)?;
    // A key-encryption key never lies beside what it opens.
    LocalKeks::configured(&[to]).map_err(|error| {
        Failure::config("keys.encryption_key", error, "see docs/operations.md, \"Key-encryption key\"")
    })?;
    let mut snapshot = data.database.snapshot().await.map_err(refused)?;
    let mut tables = Vec::new();
    for shape in snapshot.tables().to_vec() {
        let mut sheet = draft.sheet(&shape.name)?;
        snapshot.rows(&shape, |cells| sheet.line(&row::write(cells))).await.map_err(refused)?;
        let rows = draft.close(sheet)?;
        tables.push(Table { name: shape.name, columns: shape.columns, rows });
    }
    let (mut inventory, listed) = list(&mut snapshot, &data.media, &draft).await?;
    let migrations = snapshot.migrations().to_vec();
    // What is copied may take hours, and takes no moment of the database.
    snapshot.end().await?;
    let mut copied = None;
    if with_objects {
        let lines = draft.listed(&listed)?;
        let mut of = Copied { now: 0, missing: 0, size_bytes: 0 };
        inventory.objects = copy_all(lines, data.media.as_ref(), &draft, &mut of).await?;
        (inventory.copied, inventory.missing, inventory.size_bytes) = (true, of.missing, of.size_bytes);
        copied = Some(of.now);
    }
    let rows = tables.iter().map(|table| table.rows.lines).sum();
    let created = Created {
        tables: tables.len() as u64,
        rows,
        objects: inventory.objects.lines,
        objects_size_bytes: inventory.size_bytes,
        missing: inventory.missing,
        copied,
    };
    let engine = match data.database.kind() {
        EngineKind::Sqlite => "sqlite",
        EngineKind::Postgres => "postgres",
    };
    let (version, folder) = (env!("CARGO_PKG_VERSION").to_owned(), draft.name().to_owned());
    let engine = engine.to_owned();
    draft.publish(Manifest { format: FORMAT, version, made_ms, engine, folder, migrations, tables, inventory })?;
    Ok(created)
}

/// Writes the inventory of what the snapshot refers to.
async fn list(
    snapshot: &mut Snapshot,
    media: &Arc<dyn MediaStore>,
    draft: &Draft,
) -> Result<(Inventory, SheetEntry), Failure> {
    let mut sheet = draft.inventory()?;
    let (mut size_bytes, mut missing) = (0, 0);
    let mut page = assets_after(snapshot.tx(), None).await.map_err(of_assets)?;
    while !page.is_empty() {
        for assets in page.chunks(ASSETS_AT_ONCE) {
            let mut looks = JoinSet::new();
            for (at, asset) in assets.iter().cloned().enumerate() {
                let media = Arc::clone(media);
                looks.spawn(async move { (at, objects::of_asset(media, asset).await) });
            }
            let mut found: Vec<_> = looks.join_all().await;
            found.sort_by_key(|(at, _)| *at);
            for (_, objects) in found {
                for object in objects? {
                    size_bytes += object.size_bytes.unwrap_or(0);
                    missing += u64::from(object.size_bytes.is_none());
                    write(&mut sheet, &object)?;
                }
            }
        }
        page = assets_after(snapshot.tx(), page.last()).await.map_err(of_assets)?;
    }
    let entry = draft.close(sheet)?;
    Ok((Inventory { objects: entry.clone(), size_bytes, missing, copied: false }, entry))
}

fn write(sheet: &mut Sheet<BufWriter<File>>, object: &StoredObject) -> Result<(), Failure> {
    sheet.line(&object.write()).map_err(|error| refused(BackupError::Io(error)))
}

struct Copied {
    now: u64,
    missing: u64,
    size_bytes: u64,
}

/// Copies every object of the inventory that the backup does not hold yet, and writes the inventory anew: with the hashes of
/// what was copied, and without the sizes of what is gone.
async fn copy_all(
    mut lines: Lines<BufReader<File>>,
    media: &dyn MediaStore,
    draft: &Draft,
    of: &mut Copied,
) -> Result<SheetEntry, Failure> {
    let mut sheet = draft.sheet("store-objects-copied")?;
    while let Some(line) = lines.next_line().map_err(super::damaged)? {
        let mut object = StoredObject::read(line).map_err(|what| super::damaged(lines.damaged(what)))?;
        let path = draft.object(&object.key);
        let held = std::fs::metadata(&path).is_ok_and(|file| Some(file.len()) == object.size_bytes);
        if !held && object.size_bytes.is_some() {
            draft.make_room(&path)?;
            match copy(media, &mut object, &path).await? {
                true => of.now += 1,
                false => object.size_bytes = None,
            }
        }
        of.missing += u64::from(object.size_bytes.is_none());
        of.size_bytes += object.size_bytes.unwrap_or(0);
        write(&mut sheet, &object)?;
    }
    let entry = draft.close(sheet)?;
    draft.take_for_inventory("store-objects-copied")?;
    Ok(entry)
}

/// Copies an object to a file; `false` when it has gone meanwhile.
async fn copy(media: &dyn MediaStore, object: &mut StoredObject, path: &Path) -> Result<bool, Failure> {
    let (key, size) = (object.key.as_str(), object.size_bytes.unwrap_or(0));
    let mut whole = Whole::begin(path)?;
    let (mut at, mut hash) = (0, blake3::Hasher::new());
    while at < size {
        let bytes = match media.get_range(key, at, PIECE_BYTES.min(size - at)).await {
            Err(media_store::StoreError::NotFound { .. }) => return Ok(false),
            read => read?,
        };
        if bytes.is_empty() {
            return Err(media_store::StoreError::Damaged { key: key.to_owned() }.into());
        }
        hash.update(&bytes);
        whole.write(&bytes)?;
        at += bytes.len() as u64;
    }
    let found = hash.finalize().to_hex().to_string();
    if object.blake3.as_ref().is_some_and(|known| *known != found) {
        return Err(media_store::StoreError::Damaged { key: key.to_owned() }.into());
    }
    whole.finish()?;
    object.blake3 = Some(found);
    Ok(true)
}

fn of_assets(error: asset_store::StoreError) -> Failure {
    Failure::failed("backup.failed", kernel::problem::chain(&error), "try again; nothing was changed")
}
