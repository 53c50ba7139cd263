//! `lectern ladder renew`: recordings of a data folder encoded again with a ladder as it is now.

use asset_store::StoreError;
use media_types::{AssetId, LadderPin};
use serde_json::json;

use crate::cli::Data;
use crate::data::{DataFolder, Migrate};
use crate::exit::Failure;
use crate::out;

pub(crate) async fn run(ladder: String, asset: Option<String>, data: Data, json: bool) -> Result<(), Failure> {
    let data = crate::data::open(&data, Migrate::Never).await?;
    let found = data.ladders.get(&ladder).map(|ladder| ladder.pin());
    let ladder = found.ok_or_else(|| {
        let names: Vec<_> = data.ladders.all().into_iter().map(|ladder| ladder.name).collect();
        let detail = format!("there is no ladder named {ladder}");
        Failure::config("ladder.unknown", detail, &format!("there are {}", names.join(", ")))
    })?;
    let renewing = match asset {
        None => library(&data, &ladder).await?,
        Some(asset) => one(&data, &asset, &ladder).await?,
    };
    data.database.close().await;
    match json {
        true => out::line(json!({ "ladder": ladder.name, "sha256": ladder.sha256, "renewing": renewing })),
        false => out::line(format_args!("{renewing} recordings wait for {} or are being encoded with it", ladder.name)),
    }
}

async fn library(data: &DataFolder, ladder: &LadderPin) -> Result<u64, Failure> {
    let (tenant, now_ms) = (kernel::default_tenant(), data.assets.now_ms());
    data.assets.renew_library(&tenant, ladder, true, now_ms).await.map_err(|error| failed(&error))
}

async fn one(data: &DataFolder, asset: &str, ladder: &LadderPin) -> Result<u64, Failure> {
    let missing = || Failure::config("asset.not_found", format!("there is no asset {asset}"), "check the id");
    let id: AssetId = asset.parse().map_err(|_| missing())?;
    let (tenant, now_ms) = (kernel::default_tenant(), data.assets.now_ms());
    let renewed = match data.assets.renew(&tenant, &id, ladder, now_ms).await {
        Err(StoreError::NotFound(_)) => return Err(missing()),
        renewed => renewed.map_err(|error| failed(&error))?,
    };
    data.assets.start_renewals(now_ms).await.map_err(|error| failed(&error))?;
    Ok(u64::from(renewed.flow.renewal.is_some_and(|renewal| renewal.is_open())))
}

fn failed(error: &StoreError) -> Failure {
    let hint = match error {
        StoreError::NotReady(_) => "wait until it is ready: only then is there anything to encode again",
        _ => "try again; nothing is lost",
    };
    Failure::failed("ladder.renew", error, hint)
}
