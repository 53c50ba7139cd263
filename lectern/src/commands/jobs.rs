//! `lectern jobs`: the queue of a data folder or a database, seen and steered from a terminal.

mod drain;
mod show;

use asset_store::StoreError;
use job_queue::{JobFilter, JobState, MAX_PAGE, Offers};
use media_types::{AssetId, JobId, TenantId};

use crate::cli::{Data, JobsCommand};
use crate::data::{DataFolder, Migrate};
use crate::exit::Failure;

pub(crate) async fn run(command: JobsCommand, json: bool) -> Result<(), Failure> {
    match command {
        JobsCommand::List { data, state, stage, asset, limit } => {
            let filter = JobFilter { state: state.as_deref().map(state_of).transpose()?, stage, asset_id: None };
            let asset_id = asset.as_deref().map(asset_of).transpose()?;
            on(&data, async |data| list(data, JobFilter { asset_id, ..filter }, limit, json).await).await
        }
        JobsCommand::Show { job, data } => {
            let id = job_of(&job)?;
            on(&data, async |data| {
                let tenant = tenant_of_job(data, &id).await?;
                let found = data.assets.queue().job(&tenant, &id).await.map_err(|error| queue_failed(&error))?;
                show::one(&found.ok_or_else(no_job)?, &offers(data).await?, json)
            })
            .await
        }
        JobsCommand::Retry { id, rendition: None, data } => on(&data, async |data| retry(data, &id, json).await).await,
        JobsCommand::Retry { id, rendition: Some(name), data } => {
            on(&data, async |data| super::renew::rendition(data, &id, &name, json).await).await
        }
        JobsCommand::Cancel { id, data } => on(&data, async |data| cancel(data, &id, json).await).await,
        JobsCommand::Workers(data) => {
            on(&data, async |data| {
                let workers = data.assets.queue().workers().await.map_err(|error| queue_failed(&error))?;
                let drains = data.assets.queue().drains().await.map_err(|error| queue_failed(&error))?;
                show::workers(&workers, &drains, json)
            })
            .await
        }
        JobsCommand::Drain { what, reason, no_wait, data } => {
            on(&data, async |data| drain::drain(data, what, reason.as_deref(), !no_wait, json).await).await
        }
        JobsCommand::Resume { what, data } => on(&data, async |data| drain::resume(data, what, json).await).await,
    }
}

async fn on(options: &Data, work: impl AsyncFnOnce(&DataFolder) -> Result<(), Failure>) -> Result<(), Failure> {
    let data = crate::data::open(options, Migrate::Never).await?;
    let done = work(&data).await;
    data.database.close().await;
    done
}

async fn list(data: &DataFolder, filter: JobFilter, limit: u32, json: bool) -> Result<(), Failure> {
    let offers = offers(data).await?;
    let mut left = i64::from(limit);
    show::heading(json)?;
    for tenant in data.assets.tenants().await.map_err(store_failed)? {
        let mut after = None;
        while left > 0 {
            let page = data.assets.queue().list(&tenant, &filter, after, left.min(MAX_PAGE)).await;
            let page = page.map_err(|error| queue_failed(&error))?;
            let Some(last) = page.last() else { break };
            after = Some((last.created_ms, last.id.to_string()));
            left -= i64::try_from(page.len()).unwrap_or(i64::MAX);
            page.iter().try_for_each(|job| show::line(job, &offers, json))?;
        }
    }
    Ok(())
}

async fn retry(data: &DataFolder, id: &str, json: bool) -> Result<(), Failure> {
    let now_ms = data.assets.now_ms();
    if let Some(asset) = an_asset(id) {
        let tenant = tenant_of_asset(data, &asset).await?;
        let asset = data.assets.retry(&tenant, &asset, now_ms).await.map_err(store_failed)?;
        return show::asset(&asset, json);
    }
    let id = job_of(id)?;
    let tenant = tenant_of_job(data, &id).await?;
    let job = data.assets.retry_job(&tenant, &id, now_ms).await.map_err(store_failed)?;
    show::one(&job, &offers(data).await?, json)
}

async fn cancel(data: &DataFolder, id: &str, json: bool) -> Result<(), Failure> {
    let now_ms = data.assets.now_ms();
    if let Some(asset) = an_asset(id) {
        let event = asset_flow::FlowEvent::Cancelled;
        let tenant = tenant_of_asset(data, &asset).await?;
        let asset = data.assets.request(&tenant, &asset, event, now_ms).await.map_err(store_failed)?;
        return show::asset(&asset, json);
    }
    let id = job_of(id)?;
    let tenant = tenant_of_job(data, &id).await?;
    let job = data.assets.cancel_job(&tenant, &id, now_ms).await.map_err(store_failed)?;
    show::one(&job, &offers(data).await?, json)
}

async fn offers(data: &DataFolder) -> Result<Offers, Failure> {
    data.assets.queue().offers().await.map_err(|error| queue_failed(&error))
}

/// Whose asset this is. Of one that is not there nobody's: any tenant will then say so.
pub(super) async fn tenant_of_asset(data: &DataFolder, id: &AssetId) -> Result<TenantId, Failure> {
    for tenant in data.assets.tenants().await.map_err(store_failed)? {
        if data.assets.asset(&tenant, id).await.map_err(store_failed)?.is_some() {
            return Ok(tenant);
        }
    }
    Ok(kernel::default_tenant())
}

/// The same of a job.
async fn tenant_of_job(data: &DataFolder, id: &JobId) -> Result<TenantId, Failure> {
    for tenant in data.assets.tenants().await.map_err(store_failed)? {
        if data.assets.queue().job(&tenant, id).await.map_err(|error| queue_failed(&error))?.is_some() {
            return Ok(tenant);
        }
    }
    Ok(kernel::default_tenant())
}

fn state_of(text: &str) -> Result<JobState, Failure> {
    let hint = format!("write one of {}", JobState::ALL.map(JobState::as_str).join(", "));
    text.parse().map_err(|_| Failure::config("job.unknown_state", format!("{text} is no state of a job"), &hint))
}

fn job_of(text: &str) -> Result<JobId, Failure> {
    text.parse().map_err(|_| no_job())
}

/// Ids say of what they are.
fn an_asset(id: &str) -> Option<AssetId> {
    id.starts_with(AssetId::PREFIX).then(|| id.parse().ok()).flatten()
}

fn asset_of(text: &str) -> Result<AssetId, Failure> {
    text.parse().map_err(|_| Failure::config("asset.not_found", "there is no such asset", "check the id"))
}

fn no_job() -> Failure {
    Failure::config(
        "job.not_found",
        "there is no such job",
        "check the id; `lectern jobs list` lists the jobs there are",
    )
}

fn store_failed(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::NotFound("job") => return no_job(),
        StoreError::NotFound(_) => {
            return Failure::config("asset.not_found", "there is no such asset", "check the id");
        }
        StoreError::NoRetry(asset_store::NoRetry::OfRenewal) => "ask for it again with `lectern ladder renew`",
        StoreError::NoRetry(asset_store::NoRetry::NotParked) => {
            "`lectern jobs list --state parked` lists those that are"
        }
        StoreError::NoRetry(asset_store::NoRetry::Phase(_)) => "only what failed goes on",
        StoreError::NoRetry(_) => "upload the file again",
        StoreError::JobEnded(_) => "there is nothing to cancel",
        _ => "try again; nothing is lost",
    };
    Failure::failed("jobs.refused", kernel::problem::chain(&error), hint)
}

fn queue_failed(error: &job_queue::QueueError) -> Failure {
    Failure::failed("jobs.failed", kernel::problem::chain(error), "try again; nothing is lost")
}
