//! Listing in byte order of the whole key, with a bound on what is held of each folder, however many files it has.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::disk::Disk;
use super::path_of;
use crate::StoreError;
use crate::store::MAX_LISTED_KEYS;

struct Walk<'a> {
    root: &'a Path,
    prefix: &'a str,
    after: Option<&'a str>,
    limit: usize,
    found: Vec<String>,
}

impl Disk {
    pub(super) fn list(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        let limit = limit.min(MAX_LISTED_KEYS);
        let mut walk = Walk { root: &self.objects, prefix, after, limit, found: Vec::new() };
        // Straight to the folder that the prefix names, not through its neighbours.
        let base = prefix.rfind('/').map_or("", |slash| &prefix[..=slash]);
        walk.folder(base)?;
        Ok(walk.found)
    }
}

impl Walk<'_> {
    /// `base` is the key of the folder with its `/`, or empty for the root.
    fn folder(&mut self, base: &str) -> Result<(), StoreError> {
        let mut floor = None;
        while self.found.len() < self.limit {
            let entries = self.smallest(base, floor.as_deref())?;
            let Some((last, _)) = entries.last_key_value() else { return Ok(()) };
            floor = Some(last.clone());
            for (key, is_folder) in entries {
                if self.found.len() >= self.limit {
                    return Ok(());
                }
                if is_folder {
                    self.folder(&key)?;
                } else {
                    self.found.push(key);
                }
            }
        }
        Ok(())
    }

    /// The first entries of a folder above `floor`, at most as many as are still wanted. Folders carry their `/`, so
    /// that the order is that of the keys in them: `a-b` before `a/x`.
    fn smallest(&self, base: &str, floor: Option<&str>) -> Result<BTreeMap<String, bool>, StoreError> {
        let wanted = self.limit - self.found.len();
        let mut smallest = BTreeMap::new();
        let entries = match fs::read_dir(path_of(self.root, base)) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(smallest);
            }
            Err(error) => return Err(StoreError::io("list a folder")(error)),
        };
        for entry in entries {
            let entry = entry.map_err(StoreError::io("list a folder"))?;
            let kind = entry.file_type().map_err(StoreError::io("look at a file"))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_folder = kind.is_dir();
            let key = format!("{base}{name}{}", if is_folder { "/" } else { "" });
            if !(kind.is_file() || is_folder) || floor.is_some_and(|floor| key.as_str() <= floor) {
                continue;
            }
            if self.may_hold(&key, is_folder) {
                smallest.insert(key, is_folder);
            }
            if smallest.len() > wanted {
                smallest.pop_last();
            }
        }
        Ok(smallest)
    }

    fn may_hold(&self, key: &str, is_folder: bool) -> bool {
        let prefixed = key.starts_with(self.prefix) || (is_folder && self.prefix.starts_with(key));
        let later = self.after.is_none_or(|after| key > after || (is_folder && after.starts_with(key)));
        prefixed && later
    }
}
