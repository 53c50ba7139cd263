//! `lectern limits`: how much tenants may have.

use asset_store::{Limits, StoreError, Whose};
use media_types::TenantId;
use serde_json::{Value, json};

use crate::cli::{Data, LimitedOnes, LimitsCommand};
use crate::data::{DataFolder, Migrate};
use crate::exit::Failure;
use crate::out;

pub(crate) async fn run(command: LimitsCommand, json: bool) -> Result<(), Failure> {
    match command {
        LimitsCommand::Show { tenant, data } => {
            let tenant = tenant.as_deref().map_or(Ok(kernel::default_tenant()), tenant_of)?;
            on(&data, async |data| show(data, &tenant, json).await).await
        }
        LimitsCommand::Set { whose, open_assets, stored_bytes, cpu_s_per_day, data } => {
            let whose = whose_of(whose)?;
            let limits = Limits { open_assets, stored_bytes, cpu_s_per_day };
            on(&data, async |data| {
                data.assets.set_limits(&whose, &limits).await.map_err(failed)?;
                show(data, &tenant(&whose), json).await
            })
            .await
        }
    }
}

async fn on(options: &Data, work: impl AsyncFnOnce(&DataFolder) -> Result<(), Failure>) -> Result<(), Failure> {
    let data = crate::data::open(options, Migrate::Never).await?;
    let done = work(&data).await;
    data.database.close().await;
    done
}

async fn show(data: &DataFolder, tenant: &TenantId, json: bool) -> Result<(), Failure> {
    let set = data.assets.limits().await.map_err(failed)?;
    let limits = data.assets.limits_of(tenant).await.map_err(failed)?;
    let used = data.assets.usage(tenant, data.assets.now_ms()).await.map_err(failed)?;
    if json {
        let set: Vec<Value> =
            set.iter().map(|(whose, limits)| json!({ "of": words(whose), "limits": counted(limits) })).collect();
        let used = json!({
            "open_assets": used.open_assets, "stored_bytes": used.stored_bytes, "cpu_s_per_day": used.cpu_s_today,
        });
        return out::line(json!({ "set": set, "tenant": tenant, "limits": counted(&limits), "used": used }));
    }
    for (whose, limits) in &set {
        out::line(format_args!("{}: {}", words(whose), list(limits)))?;
    }
    out::line(format_args!("{tenant} may have {}", list(&limits)))?;
    out::line(format_args!(
        "{tenant} has open assets: {}, bytes of sources: {}, seconds of work today: {}",
        used.open_assets, used.stored_bytes, used.cpu_s_today
    ))
}

fn counted(limits: &Limits) -> Value {
    json!({
        "open_assets": limits.open_assets,
        "stored_bytes": limits.stored_bytes,
        "cpu_s_per_day": limits.cpu_s_per_day,
    })
}

fn list(limits: &Limits) -> String {
    let told = |number: Option<u64>, of: &str| number.map(|number| format!("{of}: {number}"));
    let all = [
        told(limits.open_assets, "open assets"),
        told(limits.stored_bytes, "bytes of sources"),
        told(limits.cpu_s_per_day, "seconds of work a day"),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    if all.is_empty() { "anything".to_owned() } else { all.join(", ") }
}

fn words(whose: &Whose) -> String {
    match whose {
        Whose::All => "all".to_owned(),
        Whose::Each => "each".to_owned(),
        Whose::Tenant(tenant) => tenant.to_string(),
    }
}

fn tenant(whose: &Whose) -> TenantId {
    match whose {
        Whose::Tenant(tenant) => tenant.clone(),
        Whose::All | Whose::Each => kernel::default_tenant(),
    }
}

fn whose_of(whose: LimitedOnes) -> Result<Whose, Failure> {
    match whose {
        LimitedOnes { tenant: Some(tenant), .. } => tenant_of(&tenant).map(Whose::Tenant),
        LimitedOnes { all: true, .. } => Ok(Whose::All),
        LimitedOnes { .. } => Ok(Whose::Each),
    }
}

fn tenant_of(text: &str) -> Result<TenantId, Failure> {
    text.parse().map_err(|error| Failure::config("tenant.invalid_id", error, "write the id of a tenant"))
}

fn failed(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::Invalid { .. } => "set the others with --each or --tenant",
        _ => "try again; nothing is lost",
    };
    Failure::failed("limits.refused", kernel::problem::chain(&error), hint)
}
