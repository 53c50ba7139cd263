//! A folder or a bucket whose files are uploaded.
//!
//! - `folder`: which files of a folder are whole, and where those go that are taken.
//! - `bucket`: which objects of a bucket are new, and what is noted there of those that were taken.
//! - `ingest`: the objects of a bucket, one after the other.
//! - `upload`: one of them to the API.

mod bucket;
mod folder;
mod ingest;
mod upload;

use std::fmt::Display;
use std::io;
use std::time::{Duration, Instant};

use http_client::{Limits, PlainHttp, header};
use kernel::AdminToken;
use serde_json::json;

use crate::cli::Watch;
use crate::exit::Failure;
use crate::{out, settings};
use folder::{Folder, Taken};
use upload::{Api, Refusal};

const TOKEN_VARIABLE: &str = settings::ADMIN_TOKEN.name;
/// Between two looks at the folder.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A piece goes over a slow line within this.
const WHOLE: Duration = Duration::from_secs(600);

/// For how long a file has not changed when it is taken, in seconds.
const SETTLE_S: u64 = 10;

/// Uploads what comes into the folder or bucket, one file after the other, until it is stopped.
pub(crate) async fn run(options: Watch, json: bool) -> Result<(), Failure> {
    let watching = Watching { api: api(&options)?, remove: options.remove, once: options.once, json };
    let root = options.folder;
    if let Some(location) = root.to_str().filter(|named| named.starts_with("s3://")) {
        if options.settle.is_some() {
            let detail = "--settle is for folders: an object is whole when it is listed";
            return Err(Failure::config("watch.settle", detail, "leave --settle out"));
        }
        return tokio::select! {
            ended = ingest::run(&watching, location) => ended,
            () = crate::commands::interrupted() => Ok(()),
        };
    }
    let opened = Folder::open(root.clone(), Duration::from_secs(options.settle.unwrap_or(SETTLE_S)));
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
                self.say_done(name, &asset)
            }
            Err(Refusal::Unfit(why)) => {
                let path = folder.failed(taken, &why).map_err(|error| broken(&error))?;
                self.say_refused(name, &why, path.display())
            }
            Err(other) => Err(stopped(other)),
        }
    }

    fn say_done(&self, name: &str, asset: &str) -> Result<(), Failure> {
        match self.json {
            true => out::line(json!({ "file": name, "asset_id": asset })),
            false => out::line(format_args!("{name} is {asset}")),
        }
    }

    fn say_refused(&self, name: &str, why: &str, kept: impl Display) -> Result<(), Failure> {
        match self.json {
            true => out::line(json!({ "file": name, "error": why, "kept": kept.to_string() })),
            false => out::line(format_args!("{name} is refused: {why}; it is kept as {kept}")),
        }
    }
}

/// Why no file is uploaded any more.
fn stopped(refusal: Refusal) -> Failure {
    let detail = match refusal {
        Refusal::Source(error) => return error.into(),
        Refusal::Away { detail } | Refusal::Unfit(detail) => detail,
        Refusal::Changed => "it is not any more what it was".to_owned(),
    };
    Failure::unavailable("watch.refused", detail, "correct --url or LECTERN_ADMIN_TOKEN; nothing is lost")
}

fn broken(error: &io::Error) -> Failure {
    Failure::unavailable("watch.folder", error, "see that the folder is there and can be written to; nothing is lost")
}
