//! A folder whose files are uploaded.
//!
//! - `folder`: which of them are whole, and where those go that are taken.
//! - `upload`: one file to the API.

mod folder;
mod upload;

use std::io;
use std::time::{Duration, Instant};

use http_client::{Limits, PlainHttp, header};
use kernel::AdminToken;
use serde_json::json;

use crate::cli::Watch;
use crate::exit::Failure;
use crate::out;
use folder::{Folder, Taken};
use upload::{Api, Refusal};

const TOKEN_VARIABLE: &str = "LECTERN_ADMIN_TOKEN";
/// Between two looks at the folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A piece goes over a slow line within this.
const WHOLE: Duration = Duration::from_secs(600);

/// Uploads what comes into the folder, one file after the other, until it is stopped.
pub(crate) async fn run(options: Watch, json: bool) -> Result<(), Failure> {
    let watching = Watching { api: api(&options)?, remove: options.remove, once: options.once, json };
    let root = options.folder;
    let opened = Folder::open(root.clone(), Duration::from_secs(options.settle));
    let folder = opened.map_err(|error| {
        let detail = format!("{}: {error}", root.display());
        Failure::config(
            "watch.folder",
            detail,
            "name a folder that this user may write to and that nobody else watches",
        )
    })?;
    tokio::select! {
        ended = watching.all(folder) => ended,
        () = crate::commands::interrupted() => Ok(()),
    }
}

fn api(options: &Watch) -> Result<Api, Failure> {
    let token = std::env::var(TOKEN_VARIABLE).unwrap_or_default();
    let authorization = AdminToken::new(&token).ok().and_then(|_| {
        let mut value: header::HeaderValue = format!("Bearer {token}").parse().ok()?;
        value.set_sensitive(true);
        Some(value)
    });
    let authorization = authorization.ok_or_else(|| {
        let hint = "set LECTERN_ADMIN_TOKEN to the token that the API was started with";
        Failure::config("watch.token", format!("{TOKEN_VARIABLE} holds no token"), hint)
    })?;
    let limits = Limits { whole: WHOLE, plain_http: PlainHttp::Loopback, ..Limits::default() };
    let http = crate::http::client(limits)?;
    let base = options.url.trim_end_matches('/').to_owned();
    http.check_url(&base).map_err(|error| {
        Failure::config("watch.url", error, "write https://HOST, or http:// for an API on this machine")
    })?;
    Ok(Api { http, base, authorization, ladder: options.ladder.clone() })
}

struct Watching {
    api: Api,
    remove: bool,
    once: bool,
    json: bool,
}

impl Watching {
    async fn all(&self, mut folder: Folder) -> Result<(), Failure> {
        loop {
            match folder.next(Instant::now()).map_err(|error| broken(&error))? {
                Some(taken) => self.one(&folder, &taken).await?,
                None if self.once && !folder.is_waiting() => return Ok(()),
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    async fn one(&self, folder: &Folder, taken: &Taken) -> Result<(), Failure> {
        let name = &taken.name;
        match self.api.upload(taken).await {
            Ok(asset) => {
                folder.done(taken, self.remove).map_err(|error| broken(&error))?;
                match self.json {
                    true => out::line(json!({ "file": name, "asset_id": asset })),
                    false => out::line(format_args!("{name} is {asset}")),
                }
            }
            Err(Refusal::Unfit(why)) => {
                let path = folder.failed(taken, &why).map_err(|error| broken(&error))?;
                match self.json {
                    true => out::line(json!({ "file": name, "error": why, "kept": path })),
                    false => out::line(format_args!("{name} is refused: {why}; it is kept as {}", path.display())),
                }
            }
            Err(Refusal::Away { detail }) => Err(Failure::unavailable(
                "watch.refused",
                detail,
                "correct --url or LECTERN_ADMIN_TOKEN; nothing is lost",
            )),
        }
    }
}

fn broken(error: &io::Error) -> Failure {
    Failure::unavailable("watch.folder", error, "see that the folder is there and can be written to; nothing is lost")
}
