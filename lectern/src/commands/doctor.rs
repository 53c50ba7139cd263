//! `lectern doctor`: what this machine has and lacks, each with its cure.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use database::EngineKind;
use engine_host::{EngineOptions, EngineSession, FileSource, TriedElement};
use serde_json::json;

use crate::cli::{Data, Devices, Doctor};
use crate::exit::Failure;
use crate::{out, settings};

struct Finding {
    name: &'static str,
    fine: bool,
    detail: String,
    cure: &'static str,
}

pub(crate) async fn run(options: Doctor, json: bool) -> Result<(), Failure> {
    let devices = devices(options.makes.devices).await;
    let findings = [
        engine().await,
        libvmaf().await,
        devices,
        encoders().await,
        store(&options.data).await,
        database(&options.data).await,
        mail().await,
        shipped_ladders(),
        cores(),
    ];
    for finding in &findings {
        if json {
            out::line(
                json!({ "check": finding.name, "ok": finding.fine, "detail": finding.detail, "cure": finding.cure }),
            )?;
        } else {
            let mark = if finding.fine { "ok  " } else { "FAIL" };
            out::line(format_args!("{mark} {:<9} {}", finding.name, finding.detail))?;
            if !finding.fine {
                out::line(format_args!("               {}", finding.cure))?;
            }
        }
    }
    if findings.iter().all(|finding| finding.fine) {
        return Ok(());
    }
    Err(Failure::unavailable(
        "doctor.failed",
        "something Lectern needs is missing or broken",
        "see the lines marked FAIL",
    ))
}

fn finding(name: &'static str, result: Result<String, String>, cure: &'static str) -> Finding {
    let fine = result.is_ok();
    Finding { name, fine, detail: result.unwrap_or_else(|error| error), cure }
}

/// Starts a real engine: that it answers with its name shows that it lives and speaks our protocol.
async fn engine() -> Finding {
    let result = async {
        let options = EngineOptions::find().map_err(|error| error.to_string())?;
        let source = FileSource::open(Path::new("/proc/self/exe")).map_err(|error| error.to_string())?;
        let session = EngineSession::start(&options, Arc::new(source)).await.map_err(|error| error.to_string())?;
        let (identity, confinement) = (session.identity().to_owned(), session.confinement());
        session.close().await;
        Ok(format!("{} ({identity}), {confinement}", options.program.display()))
    };
    finding("engine", result.await, "run `make build`; it installs FFmpeg's development packages first")
}

/// What the machine has beside its processor, by test encodes. That there is nothing, or nothing that is good, is no fault.
async fn devices(wanted: Devices) -> Finding {
    let result = async {
        let options = EngineOptions::find().map_err(|error| error.to_string())?;
        if wanted == Devices::None {
            return Ok("none is to be used: the processor makes all ranges".to_owned());
        }
        let found = crate::engine::find_devices(&options, wanted).await.map_err(|error| error.to_string())?;
        let used = match &found.used {
            Some(profile) => format!("ranges are made with {profile}"),
            None => "none is used: the processor makes all ranges".to_owned(),
        };
        Ok([used].into_iter().chain(found.tried.iter().map(told)).collect::<Vec<_>>().join("; "))
    };
    finding("devices", result.await, "install the device's driver, or say `--devices none`")
}

/// What pictures can be encoded in, by trials. Without H.264 nothing can be made.
async fn encoders() -> Finding {
    let result = async {
        let options = EngineOptions::find().map_err(|error| error.to_string())?;
        let tried = options.try_encoders().await.map_err(|error| error.to_string())?;
        let said = tried.0.iter().map(told).collect::<Vec<_>>().join("; ");
        if tried.passed().any(|codec| codec == "h264") { Ok(said) } else { Err(said) }
    };
    finding("encoders", result.await, "install a libavcodec that has libx264 (Debian's does)")
}

fn told(tried: &TriedElement) -> String {
    match &tried.outcome {
        Ok(took) => format!("{} passed in {} ms", tried.name, took.as_millis()),
        Err(why) => format!("{}: {why}", tried.name),
    }
}

/// The library that judges besides, if one is named, by a trial.
async fn libvmaf() -> Finding {
    let result = async {
        let Some(named) = crate::engine::named_libvmaf() else {
            return Ok("none is named in LECTERN_LIBVMAF: renditions are judged by XPSNR alone".to_owned());
        };
        let options = EngineOptions::find().map_err(|error| error.to_string())?;
        let (path, version) = crate::engine::try_libvmaf(&options, &named).await?;
        Ok(format!("{path} ({version}) judges renditions by VMAF, model vmaf_v0.6.1"))
    };
    finding("libvmaf", result.await, crate::engine::LIBVMAF_CURE)
}

async fn store(places: &Data) -> Finding {
    let result = async {
        let location = crate::data::store(places).map_err(|failure| failure.to_string())?;
        let store = media_store::open(&location).await.map_err(|error| error.to_string())?;
        let key = "doctor/probe";
        store.delete(key).await.map_err(|error| error.to_string())?;
        store.put_new(key, Bytes::from_static(b"lectern")).await.map_err(|error| error.to_string())?;
        let read = store.get(key).await.map_err(|error| error.to_string())?;
        store.delete(key).await.map_err(|error| error.to_string())?;
        if read == "lectern" {
            Ok(format!("{location} takes and gives back bytes"))
        } else {
            Err("the store gives back other bytes".to_owned())
        }
    };
    finding("store", result.await, "choose a folder with free space that you may write to, with --data or --store")
}

/// A file is migrated, as `serve` would do; a server's database is looked at.
async fn database(places: &Data) -> Finding {
    let result = async {
        let address = crate::data::database(places).map_err(|failure| failure.to_string())?;
        let database = crate::data::open_database(places, &address).await.map_err(|failure| failure.to_string())?;
        let migrated = match address.kind() {
            EngineKind::Sqlite => database.migrate().await,
            EngineKind::Postgres => database.check_migrated().await,
        };
        migrated.map_err(|error| error.to_string())?;
        database.close().await;
        Ok(format!("{} is readable, writable and up to date", address.shown()))
    };
    finding(
        "database",
        result.await,
        "name a file on a local disk (not a network share), or a PostgreSQL server that runs",
    )
}

/// The server that letters go to, by a greeting. That none is named is no fault.
async fn mail() -> Finding {
    let result = async {
        let from = settings::environment("LECTERN_MAIL_FROM");
        match super::serve::smtp(None, from.as_deref()).map_err(|failure| failure.to_string())? {
            None => Ok("no server is named in LECTERN_SMTP_URL: nothing is offered that needs a letter".to_owned()),
            Some(smtp) => smtp.check().await.map(|()| "the SMTP server answers".to_owned()),
        }
    };
    let cure = "correct LECTERN_SMTP_URL and LECTERN_MAIL_FROM, and see that the server runs and knows the user";
    finding("mail", result.await, cure)
}

fn shipped_ladders() -> Finding {
    let bad: Vec<_> =
        ladders::catalog().iter().filter(|(name, _)| ladders::builtin(name).is_none()).map(|(name, _)| *name).collect();
    let result = if bad.is_empty() {
        Ok(format!("{} shipped ladders are fine", ladders::catalog().len()))
    } else {
        Err(format!("broken: {}", bad.join(", ")))
    };
    finding("ladders", result, "reinstall Lectern")
}

fn cores() -> Finding {
    finding(
        "cores",
        Ok(format!("{} processors and {} MiB of memory for jobs", workers::cores(), workers::memory_bytes() >> 20)),
        "",
    )
}
