//! Whether a backup is whole, and whether a store holds what it refers to.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use backup_format::{FormatError, Kind, StoredObject, row};
use database::backup::check_known;
use media_store::{MediaStore, ObjectMeta, StoreError};
use tokio::task::JoinSet;

use super::Named;
use super::folder::Backup;
use crate::exit::Failure;

/// Objects that are looked for at once.
const LOOKS_AT_ONCE: usize = 16;

/// What was found.
#[derive(Default)]
pub(crate) struct Verified {
    pub(crate) tables: u64,
    pub(crate) rows: u64,
    pub(crate) objects: u64,
    /// What is wrong with the backup itself.
    pub(crate) damaged: Named,
    /// What is wrong with objects, in the store or in the backup.
    pub(crate) objects_at_fault: Named,
}

impl Verified {
    pub(crate) fn is_fine(&self) -> bool {
        self.damaged.count == 0 && self.objects_at_fault.count == 0
    }
}

/// Reads everything in the backup at `root`, and looks for its objects in `store`.
pub(crate) async fn verify(root: &Path, store: Option<Arc<dyn MediaStore>>) -> Result<Verified, Failure> {
    let backup = Backup::open(root)?;
    let mut found = Verified::default();
    if let Err(error) = check_known(&backup.manifest.migrations) {
        found.damaged.add(|| error.to_string());
    }
    for table in &backup.manifest.tables {
        found.tables += 1;
        found.rows += table.rows.lines;
        if let Err(error) = read_rows(&backup, table) {
            found.damaged.add(|| kernel::problem::chain(&error));
        }
    }
    found.objects = backup.manifest.inventory.objects.lines;
    if let Err(error) = read_objects(&backup, store, &mut found).await? {
        found.damaged.add(|| kernel::problem::chain(&error));
    }
    Ok(found)
}

fn read_rows(backup: &Backup, table: &backup_format::Table) -> Result<(), FormatError> {
    let kinds: Vec<Kind> = table.columns.iter().map(|column| column.kind).collect();
    let mut lines = backup.rows(table)?;
    while let Some(line) = lines.next_line()? {
        row::read(&kinds, line).map_err(|what| lines.damaged(what))?;
    }
    Ok(())
}

async fn read_objects(
    backup: &Backup,
    store: Option<Arc<dyn MediaStore>>,
    found: &mut Verified,
) -> Result<Result<(), FormatError>, Failure> {
    let mut lines = match backup.inventory() {
        Ok(lines) => lines,
        Err(error) => return Ok(Err(error)),
    };
    let mut looks: JoinSet<(StoredObject, Result<Option<ObjectMeta>, StoreError>)> = JoinSet::new();
    loop {
        let line = match lines.next_line() {
            Ok(Some(line)) => StoredObject::read(line),
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        };
        let object = match line {
            Ok(object) => object,
            Err(what) => return Ok(Err(lines.damaged(what))),
        };
        if let Some(path) = backup.object(&object.key)
            && let Some(fault) = fault_of_copy(&object, &path)
        {
            found.objects_at_fault.add(|| format!("the copy of {} {fault}", told(&object)));
        }
        let Some(store) = store.clone() else { continue };
        if looks.len() == LOOKS_AT_ONCE
            && let Some(looked) = looks.join_next().await
        {
            judge(looked, found)?;
        }
        looks.spawn(async move {
            let meta = store.head(&object.key).await;
            (object, meta)
        });
    }
    while let Some(looked) = looks.join_next().await {
        judge(looked, found)?;
    }
    Ok(Ok(()))
}

type Looked = Result<(StoredObject, Result<Option<ObjectMeta>, StoreError>), tokio::task::JoinError>;

fn judge(looked: Looked, found: &mut Verified) -> Result<(), Failure> {
    let (object, meta) =
        looked.map_err(|error| Failure::failed("backup.failed", error, "try again; nothing was changed"))?;
    match (object.size_bytes, meta?) {
        (_, None) => found.objects_at_fault.add(|| format!("{} is not in the store", told(&object))),
        (Some(size), Some(meta)) if meta.size_bytes != size => {
            found
                .objects_at_fault
                .add(|| format!("{} has {} bytes in the store, not {size}", told(&object), meta.size_bytes));
        }
        _ => {}
    }
    Ok(())
}

fn told(object: &StoredObject) -> String {
    format!("{} (of {})", object.key, object.asset)
}

/// What is wrong with the copy of an object, a clause.
fn fault_of_copy(object: &StoredObject, path: &Path) -> Option<String> {
    let Some(size) = object.size_bytes else {
        return Some("is not there: the store did not hold it either".to_owned());
    };
    let read = || {
        let (mut file, mut hash, mut read) = (File::open(path)?, blake3::Hasher::new(), 0);
        let mut piece = vec![0; 1 << 20];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok::<_, std::io::Error>((read, hash.finalize().to_hex().to_string())),
                length => {
                    hash.update(&piece[..length]);
                    read += length as u64;
                }
            }
        }
    };
    match read() {
        Err(error) => Some(format!("cannot be read: {error}")),
        Ok((length, _)) if length != size => Some(format!("has {length} bytes, not {size}")),
        Ok((_, hash)) => {
            object.blake3.as_ref().is_some_and(|known| *known != hash).then(|| "has other bytes".to_owned())
        }
    }
}
