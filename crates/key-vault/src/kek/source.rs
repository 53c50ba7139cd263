//! Where key-encryption keys come from: a file that only its owner reads, or the environment.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KekTextError, LocalKeks};

/// The variable that names a file with key-encryption keys.
pub const KEK_FILE_VARIABLE: &str = "LECTERN_KEK_FILE";
/// The variable that holds key-encryption keys itself.
pub const KEK_VARIABLE: &str = "LECTERN_KEK";

/// More than any list of keys with comments.
const MAX_FILE_BYTES: u64 = 16 << 10;

/// Why key-encryption keys could not be had. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KekSourceError {
    /// The file cannot be read.
    #[error("the key file {} cannot be read", path.display())]
    Unreadable {
        /// As it was given.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("the key file {} is not a regular file", path.display())]
    NotAFile {
        /// As it was given.
        path: PathBuf,
    },
    /// Others than its owner may read or change it.
    #[error("the key file {0} is open to other users (mode {mode:04o}), close it with: chmod 600 {0}", path.display())]
    Open {
        /// As it was given.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It would be backed up together with what it opens.
    #[error(
        "the key file {} lies inside the data folder {}, whose copies must not hold it, move it elsewhere",
        path.display(), folder.display()
    )]
    InsideData {
        /// As it was given.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// Larger than any list of keys.
    #[error("the key file {} has more than {MAX_FILE_BYTES} bytes, which no list of keys has", path.display())]
    TooLarge {
        /// As it was given.
        path: PathBuf,
    },
    /// Its text is no list of keys.
    #[error("the key file {}: {problem}", path.display())]
    File {
        /// As it was given.
        path: PathBuf,
        /// What is wrong.
        problem: KekTextError,
    },
    /// The variable is not set, or is no text.
    #[error("the variable {variable} holds no key-encryption key, make one with: openssl rand -hex 32")]
    Missing {
        /// Its name.
        variable: String,
    },
    /// The variable's text is no list of keys.
    #[error("the variable {variable}: {problem}")]
    Variable {
        /// Its name.
        variable: String,
        /// What is wrong.
        problem: KekTextError,
    },
}

impl LocalKeks {
    /// The list of keys in a file ([`LocalKeks::parse`]) that only its owner may read, and that lies outside of `folders`,
    /// since whoever copies those must not have the key to what is in them. Links are followed before that is judged.
    ///
    /// # Errors
    /// The file cannot be read, is open to others, lies inside of a folder, or holds something else.
    pub fn from_file(path: &Path, folders: &[&Path]) -> Result<Self, KekSourceError> {
        let unreadable = |source| KekSourceError::Unreadable { path: path.to_owned(), source };
        let real = path.canonicalize().map_err(unreadable)?;
        let not_a_file = || KekSourceError::NotAFile { path: path.to_owned() };
        // Before it is opened: opening a pipe waits for somebody to write.
        if !real.metadata().map_err(unreadable)?.is_file() {
            return Err(not_a_file());
        }
        for folder in folders {
            // A folder that is not there yet holds nothing.
            let Ok(inside) = folder.canonicalize() else { continue };
            if real.starts_with(inside) {
                return Err(KekSourceError::InsideData { path: path.to_owned(), folder: (*folder).to_owned() });
            }
        }
        let file = File::open(&real).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err(not_a_file());
        }
        if let Some(mode) = open_mode(&about) {
            return Err(KekSourceError::Open { path: path.to_owned(), mode });
        }
        if about.len() > MAX_FILE_BYTES {
            return Err(KekSourceError::TooLarge { path: path.to_owned() });
        }
        // Never grows, so that no copy of a key stays behind in memory that was given back.
        let mut text = Zeroizing::new(vec![0; usize::try_from(about.len()).unwrap_or_default()]);
        let mut file = file;
        file.read_exact(&mut text).map_err(unreadable)?;
        let text = std::str::from_utf8(&text)
            .map_err(|_| unreadable(io::Error::new(io::ErrorKind::InvalidData, "it is not text")))?;
        Self::parse(text).map_err(|problem| KekSourceError::File { path: path.to_owned(), problem })
    }

    /// The list of keys that the environment configures: in the file that [`KEK_FILE_VARIABLE`] names, else in
    /// [`KEK_VARIABLE`]; `None` when neither is set. `folders` as for [`LocalKeks::from_file`].
    ///
    /// # Errors
    /// The file or the variable that is set cannot be used.
    pub fn configured(folders: &[&Path]) -> Result<Option<Self>, KekSourceError> {
        let set = |variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty());
        match std::env::var_os(KEK_FILE_VARIABLE) {
            Some(path) if !path.is_empty() => Self::from_file(Path::new(&path), folders).map(Some),
            _ if set(KEK_VARIABLE) => Self::from_env(KEK_VARIABLE).map(Some),
            _ => Ok(None),
        }
    }

    /// The list of keys in a variable of the environment ([`LocalKeks::parse`]).
    ///
    /// # Errors
    /// It is not set, or holds something else.
    pub fn from_env(variable: &str) -> Result<Self, KekSourceError> {
        let missing = || KekSourceError::Missing { variable: variable.to_owned() };
        let text = Zeroizing::new(std::env::var(variable).map_err(|_| missing())?);
        if text.trim().is_empty() {
            return Err(missing());
        }
        Self::parse(&text).map_err(|problem| KekSourceError::Variable { variable: variable.to_owned(), problem })
    }
}

/// The permission bits of a file that others than its owner may use.
#[cfg(unix)]
fn open_mode(about: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = about.permissions().mode() & 0o7777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_mode(_about: &Metadata) -> Option<u32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::KeyEncryption;

    const DIGITS: &str = "a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7";

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_closed_file_outside_of_the_data_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (file, data) = (folder.path().join("kek"), folder.path().join("data"));
        for mode in [0o600, 0o400] {
            let _ = fs::remove_file(&file);
            write(&file, &format!("# ours\n{DIGITS}\n"), mode);
            let keks = LocalKeks::from_file(&file, &[&data]).ok().unwrap();
            assert_eq!(keks.current_id(), LocalKeks::parse(DIGITS).ok().unwrap().current_id());
        }
        fs::create_dir(&data).unwrap();
        assert!(LocalKeks::from_file(&data.join("../kek"), &[&data]).is_ok(), "the path is resolved first");
    }

    #[test]
    fn every_other_file_is_refused_in_one_sentence_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let data = at("data");
        fs::create_dir(&data).unwrap();
        write(&at("open"), DIGITS, 0o640);
        write(&data.join("inside"), DIGITS, 0o600);
        symlink(data.join("inside"), at("link")).unwrap();
        write(&at("short"), &DIGITS[2..], 0o600);
        write(&at("large"), &DIGITS.repeat(300), 0o600);
        fs::write(at("binary"), [0xff; 32]).unwrap();
        fs::set_permissions(at("binary"), fs::Permissions::from_mode(0o600)).unwrap();
        let data_text = data.display();
        for (name, message) in [
            ("open", "the key file PATH is open to other users (mode 0640), close it with: chmod 600 PATH".to_owned()),
            ("link", format!("the key file PATH lies inside the data folder {data_text}, whose copies must not hold it, move it elsewhere")),
            ("data", "the key file PATH is not a regular file".to_owned()),
            ("none", "the key file PATH cannot be read".to_owned()),
            ("binary", "the key file PATH cannot be read".to_owned()),
            ("large", "the key file PATH has more than 16384 bytes, which no list of keys has".to_owned()),
            ("short", "the key file PATH: key-encryption key 1 is not 32, 48 or 64 hexadecimal digits (a key of 32 hexadecimal digits was expected, found 62 characters)".to_owned()),
        ] {
            let path = at(name);
            let found = LocalKeks::from_file(&path, &[&data]).err().unwrap();
            assert_eq!(found.to_string(), message.replace("PATH", &path.display().to_string()));
            assert!(!format!("{found:?}").contains("a7a7"), "{found:?}");
        }
        assert!(LocalKeks::from_file(&data.join("inside"), &[]).is_ok());
    }

    #[test]
    fn a_variable_that_holds_no_key_is_named_and_not_repeated() {
        let missing = LocalKeks::from_env("LECTERN_NO_SUCH_VARIABLE").err().unwrap();
        assert!(matches!(missing, KekSourceError::Missing { .. }), "{missing}");
        let wrong = LocalKeks::from_env("PATH").err().unwrap();
        assert!(wrong.to_string().starts_with("the variable PATH: key-encryption key 1 is not"), "{wrong}");
        assert!(!wrong.to_string().contains("/bin"), "{wrong}");
    }
}
