//! `lectern worker`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine_host::EngineOptions;
use job_queue::policy::budget::Budget;
use job_queue::{Capabilities, WorkerCard};
use key_vault::KeyVault;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use workers::{Protecting, WorkerConfig, Workshop, run_workers};

use super::figures::{self, Needs};
use crate::cli::{Takes, Worker};
use crate::data::{DataFolder, Migrate};
use crate::exit::Failure;
use crate::ladder_book::shared;

/// A job without a sign of life for so long is given to another worker.
const PATIENCE: Duration = Duration::from_secs(8);

pub(crate) async fn run(options: Worker) -> Result<(), Failure> {
    let data = crate::data::open(&options.data, Migrate::Never).await?;
    let store = figures::of_store(data.traffic.clone());
    figures::listen(options.metrics, Some(store), Needs::All(data.database.clone())).await?;
    let (stop, stopped) = watch::channel(false);
    let keks = crate::data::key_encryption_keys(&options.data)?;
    let engine = crate::engine::find(options.makes).await?;
    let vault = keks.map(|keks| KeyVault::new(data.database.clone(), Arc::new(keks)));
    let post = Post::of(&engine, &options.takes).await?;
    let (work, ended) = spawn(&data, workshop(&data, vault, engine), post, stopped)?;
    tokio::select! {
        () = super::serve::interrupted() => {}
        () = ended => {}
    }
    let _ = stop.send(true);
    let ended = outcome(work).await;
    data.database.close().await;
    ended
}

pub(crate) type Work = JoinHandle<Result<(), Failure>>;

/// What the workers of this process share. Without `vault` they protect no recording.
pub(crate) fn workshop(data: &DataFolder, vault: Option<KeyVault>, engine: EngineOptions) -> Arc<Workshop> {
    let (book, store) = (data.ladders.clone(), data.media.clone());
    let ladders = Arc::new(move |name: String| {
        let (book, store) = (book.clone(), store.clone());
        Box::pin(async move { shared::find(&book, &*store, &name).await }) as _
    });
    let protecting = Protecting { vault, systems: super::serve::licence_systems() };
    let (assets, media) = (data.assets.clone(), data.media.clone());
    Arc::new(Workshop::new(assets, media, engine, ladders, protecting))
}

/// Starts the workers of this process, which end when `stopped` turns true; and a future that tells of their end, also
/// of one that comes by itself.
pub(crate) fn spawn(
    data: &DataFolder,
    workshop: Arc<Workshop>,
    post: Post,
    stopped: watch::Receiver<bool>,
) -> Result<(Work, impl Future<Output = ()> + Send + use<>), Failure> {
    // Where other machines may work on the same database nobody knows whether he is alone.
    let presence = data.beside_database.as_deref().map(Presence::announce).transpose()?;
    let config = WorkerConfig {
        alone: presence.as_ref().is_some_and(|presence| presence.alone),
        budget: post.budget,
        card: card(post),
        patience: PATIENCE,
    };
    let (at_work, ended) = oneshot::channel::<()>();
    let work = tokio::spawn(async move {
        let _dropped_at_the_end = (presence, at_work);
        run_workers(workshop, config, stopped)
            .await
            .map_err(|error| Failure::failed("worker.failed", error, "see the log above"))
    });
    Ok((work, async { drop(ended.await) }))
}

/// How the workers ended.
pub(crate) async fn outcome(work: Work) -> Result<(), Failure> {
    work.await.unwrap_or_else(|error| Err(Failure::failed("worker.panicked", error, "see the log above")))
}

/// A shared lock on a file beside the database, held as long as this process works.
struct Presence {
    _file: std::fs::File,
    alone: bool,
}

impl Presence {
    fn announce(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("workers.lock");
        let failed = |error: std::io::Error| {
            Failure::unavailable(
                "data.unusable",
                format!("{}: {error}", path.display()),
                "choose a folder on a local disk with --data",
            )
        };
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        let alone = file.try_lock().is_ok();
        if alone {
            file.unlock().map_err(failed)?;
        }
        file.lock_shared().map_err(failed)?;
        Ok(Self { _file: file, alone })
    }
}

/// What the workers of a process can do, and take on.
pub(crate) struct Post {
    /// What they make media with, in a few words.
    makes: String,
    offers: Capabilities,
    budget: Budget,
}

impl Post {
    /// Has the engine prove what it can do.
    ///
    /// # Errors
    /// When nothing is left of what is to be offered.
    pub(crate) async fn of(engine: &EngineOptions, takes: &Takes) -> Result<Self, Failure> {
        let proved = crate::engine::capabilities(engine).await;
        let offers = match takes.offer.is_empty() {
            true => proved.clone(),
            false => proved.among(&takes.offer.iter().map(|only| only.name()).collect()),
        };
        if offers.is_empty() {
            let detail = format!("this machine can do {proved}, and nothing of what --offer names");
            return Err(Failure::config(
                "worker.offers_nothing",
                detail,
                "`lectern doctor` says what it can do, and why not more",
            ));
        }
        let whole = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let memory_bytes = match takes.memory_mib {
            Some(mib) => i64::from(mib) << 20,
            None => whole(workers::memory_bytes() / 4 * 3),
        };
        let cpu_milli = takes.processors.unwrap_or(i64::from(workers::cores()) * 1_000);
        tracing::info!(%offers, cpu_milli, memory_bytes, "work is taken on");
        Ok(Self { makes: what_makes(engine), offers, budget: Budget { cpu_milli, memory_bytes } })
    }
}

/// What others see of a worker: its name is that of the machine, the process and the moment.
fn card(post: Post) -> WorkerCard {
    let host = host();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let moment = since.as_micros() & 0xffff_ffff;
    WorkerCard {
        name: format!("{host}-{}-{moment:08x}", std::process::id()),
        host,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        makes: post.makes,
        places: post.budget.cpu_milli.saturating_add(999) / 1_000,
        offers: Some(post.offers),
    }
}

/// The machine's name, as far as it is one word.
fn host() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let kept = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    let word: String = told.chars().filter(kept).take(40).collect();
    if word.is_empty() { "worker".to_owned() } else { word }
}

/// What a worker with this engine makes media with, in a few words.
fn what_makes(engine: &EngineOptions) -> String {
    engine.devices.clone().unwrap_or_else(|| "processor".to_owned())
}
