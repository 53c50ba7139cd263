//! The folder of a backup. Its manifest is written when all else is synced, and by a rename: whoever is killed before leaves the
//! backup of before, or none.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use backup_format::{FormatError, Lines, MANIFEST, MAX_MANIFEST_BYTES, Manifest, Sheet, SheetEntry};

use crate::exit::Failure;

/// The file of the inventory, which no table can have.
const INVENTORY: &str = "store-objects";
const ROWS: &str = "rows-";
const OBJECTS: &str = "objects";
const LOCK: &str = "lock";
const PART: &str = "manifest.json.part";

/// A backup that is being written.
pub(super) struct Draft {
    root: PathBuf,
    /// Where its lines gather.
    name: String,
    /// Released when dropped.
    _lock: File,
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.display().to_string();
    move |error| {
        let hint = "name a folder with free space that you may write to with --to";
        Failure::unavailable("backup.unwritable", format!("{path}: {error}"), hint)
    }
}

fn sync(folder: &Path) -> Result<(), Failure> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritable(folder))
}

/// Makes a folder that nobody else may read: rows hold what is nobody else's business.
fn make(folder: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unwritable(folder))
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

impl Draft {
    /// Begins in `root`, which is made if it is not there. What a draft that was killed has left is removed; objects stay.
    pub(super) fn begin(root: &Path, now_ms: i64) -> Result<Self, Failure> {
        make(root)?;
        refuse_strangers(root)?;
        let lock = create(&root.join(LOCK)).map_err(unwritable(root))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let detail = format!("another backup is being written to {}", root.display());
                return Err(Failure::unavailable("backup.locked", detail, "wait for it, or name another folder"));
            }
            Err(TryLockError::Error(error)) => return Err(unwritable(root)(error)),
        }
        let kept = match fs::exists(root.join(MANIFEST)).map_err(unwritable(root))? {
            true => read_manifest(root).ok().map(|manifest| manifest.folder),
            false => Some(String::new()),
        };
        // Where a manifest cannot be read, nobody knows what belongs to it.
        if let Some(kept) = kept {
            remove_rows(root, &kept)?;
        }
        let name =
            (now_ms..).map(|at| format!("{ROWS}{at}")).find(|name| !root.join(name).exists()).unwrap_or_default();
        make(&root.join(&name))?;
        Ok(Self { root: root.to_owned(), name, _lock: lock })
    }

    /// The name of the folder that its lines gather in.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A file of lines: of a table's rows.
    pub(super) fn sheet(&self, table: &str) -> Result<Sheet<BufWriter<File>>, Failure> {
        let path = lines_path(&self.root, &self.name, table);
        create(&path).map(|file| Sheet::new(BufWriter::with_capacity(1 << 16, file))).map_err(unwritable(&path))
    }

    /// The file of the inventory.
    pub(super) fn inventory(&self) -> Result<Sheet<BufWriter<File>>, Failure> {
        self.sheet(INVENTORY)
    }

    /// Makes a file durable.
    pub(super) fn close(&self, sheet: Sheet<BufWriter<File>>) -> Result<SheetEntry, Failure> {
        let (file, entry) = sheet.finish();
        let done = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        done.map_err(unwritable(&self.root)).map(|()| entry)
    }

    /// The inventory as it was closed, to read it again.
    pub(super) fn listed(&self, entry: &SheetEntry) -> Result<Lines<BufReader<File>>, Failure> {
        open_inventory(&self.root, &self.name, entry).map_err(super::damaged)
    }

    /// Has another file of lines be the inventory.
    pub(super) fn take_for_inventory(&self, name: &str) -> Result<(), Failure> {
        let (from, to) = (lines_path(&self.root, &self.name, name), lines_path(&self.root, &self.name, INVENTORY));
        fs::rename(from, &to).map_err(unwritable(&to))
    }

    /// Where a copy of an object lies.
    pub(super) fn object(&self, key: &str) -> PathBuf {
        object_path(&self.root, key)
    }

    /// Makes a folder for a file of [`Draft::object`], durably.
    pub(super) fn make_room(&self, path: &Path) -> Result<(), Failure> {
        let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) else { return Ok(()) };
        let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.is_dir()).collect();
        make(folder)?;
        missing.iter().filter_map(|folder| folder.parent()).try_for_each(sync)
    }

    /// Makes it the backup in its folder: the one of before is gone after that, and not before.
    pub(super) fn publish(self, manifest: Manifest) -> Result<(), Failure> {
        sync(&self.root.join(&self.name))?;
        sync(&self.root)?;
        let part = self.root.join(PART);
        let written = create(&part).and_then(|mut file| {
            file.write_all(manifest.write().as_bytes())?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&part, self.root.join(MANIFEST))).map_err(unwritable(&part))?;
        sync(&self.root)?;
        if let Some(parent) = self.root.canonicalize().ok().as_deref().and_then(Path::parent) {
            sync(parent)?;
        }
        remove_rows(&self.root, &self.name)
    }
}

/// A file that appears whole, or not at all.
pub(super) struct Whole {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl Whole {
    /// Begins to write the file at `path`, in a folder that is there.
    pub(super) fn begin(path: &Path) -> Result<Self, Failure> {
        let part = path.with_file_name(format!("{}~", path.file_name().unwrap_or_default().to_string_lossy()));
        let file = create(&part).map_err(unwritable(&part))?;
        Ok(Self { path: path.to_owned(), part, file })
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(unwritable(&self.part))
    }

    /// Makes it appear, durably.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let done = self.file.sync_all().and_then(|()| fs::rename(&self.part, &self.path));
        done.map_err(unwritable(&self.path))?;
        self.path.parent().map_or(Ok(()), sync)
    }
}

/// Nothing is ever written among files of somebody else.
fn refuse_strangers(root: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(root).map_err(unwritable(root))? {
        let name = entry.map_err(unwritable(root))?.file_name().to_string_lossy().into_owned();
        if ![MANIFEST, PART, LOCK, OBJECTS].contains(&name.as_str()) && !name.starts_with(ROWS) {
            let detail = format!("{} holds {name}, which belongs to no backup", root.display());
            return Err(Failure::config(
                "backup.foreign_folder",
                detail,
                "name an empty folder, or one of a backup, with --to",
            ));
        }
    }
    Ok(())
}

fn remove_rows(root: &Path, kept: &str) -> Result<(), Failure> {
    for entry in fs::read_dir(root).map_err(unwritable(root))? {
        let entry = entry.map_err(unwritable(root))?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(ROWS) && name != kept {
            fs::remove_dir_all(entry.path()).map_err(unwritable(root))?;
        }
    }
    Ok(())
}

fn lines_path(root: &Path, folder: &str, name: &str) -> PathBuf {
    root.join(folder).join(format!("{name}.jsonl"))
}

fn object_path(root: &Path, key: &str) -> PathBuf {
    root.join(OBJECTS).join(key)
}

fn read_manifest(root: &Path) -> Result<Manifest, FormatError> {
    let io = |source| FormatError::Io { file: MANIFEST.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(root.join(MANIFEST)).map_err(io)?;
    file.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    Manifest::read(&bytes)
}

fn open_lines(
    root: &Path,
    folder: &str,
    name: &str,
    entry: &SheetEntry,
) -> Result<Lines<BufReader<File>>, FormatError> {
    let shown = format!("{folder}/{name}.jsonl");
    match File::open(lines_path(root, folder, name)) {
        Ok(file) => Ok(Lines::new(&shown, BufReader::with_capacity(1 << 16, file), entry)),
        Err(source) => Err(FormatError::Io { file: shown, source }),
    }
}

fn open_inventory(root: &Path, folder: &str, entry: &SheetEntry) -> Result<Lines<BufReader<File>>, FormatError> {
    open_lines(root, folder, INVENTORY, entry)
}

/// A backup that is there.
pub(super) struct Backup {
    root: PathBuf,
    pub(super) manifest: Manifest,
}

impl Backup {
    /// Opens the one in this folder.
    pub(super) fn open(root: &Path) -> Result<Self, Failure> {
        if !root.join(MANIFEST).exists() {
            let detail = format!("{} holds no backup: there is no {MANIFEST}", root.display());
            let hint = "name the folder that `lectern backup create` has finished";
            return Err(Failure::bad_input("backup.none", detail, hint));
        }
        let manifest = read_manifest(root).map_err(super::damaged)?;
        Ok(Self { root: root.to_owned(), manifest })
    }

    /// The rows of a table.
    pub(super) fn rows(&self, table: &backup_format::Table) -> Result<Lines<BufReader<File>>, FormatError> {
        open_lines(&self.root, &self.manifest.folder, &table.name, &table.rows)
    }

    /// The inventory.
    pub(super) fn inventory(&self) -> Result<Lines<BufReader<File>>, FormatError> {
        open_inventory(&self.root, &self.manifest.folder, &self.manifest.inventory.objects)
    }

    /// Where the copy of an object lies, if objects were copied.
    pub(super) fn object(&self, key: &str) -> Option<PathBuf> {
        self.manifest.inventory.copied.then(|| object_path(&self.root, key))
    }
}
