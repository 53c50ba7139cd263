//! The admin token: given, or made for who tries it out.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::Path;

use kernel::AdminToken;

use crate::exit::Failure;
use crate::settings;

/// Holds the admin token; without it a token is made and the server stays on loopback.
const VARIABLE: &str = settings::ADMIN_TOKEN.name;

/// What opens the routes of people.
pub(super) struct Token {
    pub(super) admin: AdminToken,
    /// The text, when this process made it up: it goes into the printed address.
    pub(super) made: Option<String>,
}

impl Token {
    /// The given one, or the one that is kept in `folder`.
    pub(super) fn find(folder: &Path, listen: SocketAddr) -> Result<Self, Failure> {
        if let Ok(text) = std::env::var(VARIABLE) {
            let admin = AdminToken::new(&text).map_err(|error| {
                Failure::config("token.weak", format!("{VARIABLE}: {error}"), "make one with: openssl rand -hex 24")
            })?;
            return Ok(Self { admin, made: None });
        }
        if !listen.ip().is_loopback() {
            let detail = format!("{listen} can be reached from other machines and {VARIABLE} is not set");
            return Err(Failure::config("token.missing", detail, "set it, or listen on 127.0.0.1"));
        }
        let text = kept_token(folder).map_err(|error| {
            Failure::unavailable(
                "data.unusable",
                format!("{}: {error}", folder.display()),
                "choose a folder you may write to with --data",
            )
        })?;
        let admin = AdminToken::new(&text).map_err(|error| {
            Failure::config(
                "token.weak",
                format!("{}: {error}", folder.join("admin-token").display()),
                "remove the file to have a new one made",
            )
        })?;
        Ok(Self { admin, made: Some(text) })
    }
}

/// The development token, kept in the data folder so that a page survives a restart.
fn kept_token(folder: &Path) -> std::io::Result<String> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = folder.join("admin-token");
    match std::fs::read_to_string(&path) {
        Ok(text) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    std::fs::create_dir_all(folder)?;
    let mut random = [0; 24];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    // Under its name it is whole, whatever happens on the way there.
    let unfinished = folder.join("admin-token.new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)?;
    Ok(text)
}
