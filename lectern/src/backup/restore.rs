//! Putting a backup into an empty database.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use asset_store::AssetStore;
use backup_format::{Kind, Lines, StoredObject, row};
use bytes::Bytes;
use database::{Database, Tx, outbox};
use job_queue::JobQueue;
use media_store::{MAX_OBJECT_BYTES, MediaStore, StoreError};
use media_types::publication;

use super::agree::{self, Agreed};
use super::folder::Backup;
use super::refused;
use crate::exit::Failure;

/// Bytes of an object that are staged at once.
const PIECE_BYTES: u64 = 8 << 20;

/// What was put back.
pub(crate) struct Restored {
    pub(crate) tables: u64,
    pub(crate) rows: u64,
    /// Objects that were put into the store.
    pub(crate) objects: u64,
    /// Jobs that were at work when the backup was made.
    pub(crate) requeued: u64,
    pub(crate) agreed: Agreed,
}

/// Puts the backup at `root` into `database`, which must be empty, and has it agree with the store. Rows appear all at once;
/// done again after a kill before that, it does the same.
pub(crate) async fn restore(
    root: &Path,
    database: &Database,
    media: &Arc<dyn MediaStore>,
) -> Result<Restored, Failure> {
    let now_ms = database.now_ms();
    let backup = Backup::open(root)?;
    let mut new = database.restore(&backup.manifest.migrations).await.map_err(refused)?;
    for table in &backup.manifest.tables {
        new.table(&table.name, &table.columns).await.map_err(refused)?;
        let kinds: Vec<Kind> = table.columns.iter().map(|column| column.kind).collect();
        let mut lines = backup.rows(table).map_err(super::damaged)?;
        while let Some(line) = lines.next_line().map_err(super::damaged)? {
            let cells = row::read(&kinds, line).map_err(|what| super::damaged(lines.damaged(what)))?;
            new.row(cells).await.map_err(refused)?;
        }
    }
    let mut tx = new.finish().await.map_err(refused)?;
    // Objects only now: that the database takes the rows is known. Pointers behind them, and the commit behind those.
    let objects = put_objects(&backup, media.as_ref()).await?;
    let store = AssetStore::new(JobQueue::new(database.clone()));
    let (requeued, agreed) = go_on(&mut tx, &store, media, now_ms).await?;
    tx.commit().await?;
    settle(&store, media.as_ref(), &agreed, now_ms).await?;
    let rows = backup.manifest.tables.iter().map(|table| table.rows.lines).sum();
    Ok(Restored { tables: backup.manifest.tables.len() as u64, rows, objects, requeued, agreed })
}

/// Has every count go on behind what the time after the backup may have used.
async fn go_on(
    tx: &mut Tx,
    store: &AssetStore,
    media: &Arc<dyn MediaStore>,
    now_ms: i64,
) -> Result<(u64, Agreed), Failure> {
    outbox::raise(tx, now_ms).await?;
    let requeued = job_queue::restored(tx, now_ms).await.map_err(|error| agree::failed(error.into()))?;
    webhook::restored(tx, now_ms).await?;
    let mut agreed = Agreed::default();
    agree::assets(tx, media, &mut agreed).await?;
    agree::uploads(tx, store, media.as_ref(), now_ms, &mut agreed).await?;
    Ok((requeued, agreed))
}

/// What the rows are only now ready for. Left undone by a kill, the next request of the client does it.
async fn settle(store: &AssetStore, media: &dyn MediaStore, agreed: &Agreed, now_ms: i64) -> Result<(), Failure> {
    for upload in &agreed.spoilt {
        media.stage_discard(&publication::staging_key(&upload.asset_id)).await?;
    }
    for upload in &agreed.whole {
        let (staging, key) = (publication::staging_key(&upload.asset_id), publication::source_key(&upload.asset_id));
        let object = media.stage_finish(&staging, &key).await?;
        let attached =
            store.attach_source(&upload.tenant_id, &upload.id, object.size_bytes, &object.sha256, now_ms).await;
        attached.map_err(agree::failed)?;
    }
    Ok(())
}

/// Puts the copied objects into the store that it does not hold; returns how many.
async fn put_objects(backup: &Backup, media: &dyn MediaStore) -> Result<u64, Failure> {
    let (mut put, mut lines) = (0, backup.inventory().map_err(super::damaged)?);
    if !backup.manifest.inventory.copied {
        return lines.skip_all().map_err(super::damaged).map(|()| 0);
    }
    while let Some(object) = next_object(&mut lines)? {
        let (Some(size), Some(path)) = (object.size_bytes, backup.object(&object.key)) else { continue };
        match media.head(&object.key).await? {
            Some(there) if there.size_bytes == size => continue,
            Some(_) => return Err(StoreError::Damaged { key: object.key }.into()),
            None => {}
        }
        let file = File::open(&path).map_err(|error| unreadable(&path, &error))?;
        put_object(media, &object, size, &file, &path).await?;
        put += 1;
    }
    Ok(put)
}

fn next_object<R: std::io::BufRead>(lines: &mut Lines<R>) -> Result<Option<StoredObject>, Failure> {
    let Some(line) = lines.next_line().map_err(super::damaged)? else { return Ok(None) };
    let object = StoredObject::read(line);
    object.map(Some).map_err(|what| super::damaged(lines.damaged(what)))
}

async fn put_object(
    media: &dyn MediaStore,
    object: &StoredObject,
    size: u64,
    file: &File,
    path: &Path,
) -> Result<(), Failure> {
    if file.metadata().map_err(|error| unreadable(path, &error))?.len() != size {
        return Err(unreadable(path, &"it has another size than was written"));
    }
    let read = |at: u64, length: u64| {
        let mut piece = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut piece, at).map_err(|error| unreadable(path, &error))?;
        Ok::<_, Failure>(Bytes::from(piece))
    };
    if size <= MAX_OBJECT_BYTES {
        let bytes = read(0, size)?;
        if object.blake3.as_ref().is_some_and(|known| *known != blake3::hash(&bytes).to_hex().to_string()) {
            return Err(unreadable(path, &"it has other bytes than were written"));
        }
        media.put_new(&object.key, bytes).await?;
        return Ok(());
    }
    let staging = format!("restored/{}", object.key);
    let mut hash = blake3::Hasher::new();
    media.stage_discard(&staging).await?;
    let mut at = 0;
    while at < size {
        let bytes = read(at, PIECE_BYTES.min(size - at))?;
        hash.update(&bytes);
        at = media.stage_append(&staging, at, bytes).await?;
    }
    if object.blake3.as_ref().is_some_and(|known| *known != hash.finalize().to_hex().to_string()) {
        media.stage_discard(&staging).await?;
        return Err(unreadable(path, &"it has other bytes than were written"));
    }
    media.stage_finish(&staging, &object.key).await?;
    Ok(())
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    let hint = "use another backup; `lectern backup verify` lists all faults";
    Failure::bad_input("backup.damaged", format!("{}: {why}", path.display()), hint)
}
