//! `lectern ladder renew`: recordings of a data folder encoded again with a ladder as it is now.

use asset_store::StoreError;
use media_types::{AssetId, LadderPin};
use serde_json::json;

use super::jobs::tenant_of_asset;
use crate::cli::Data;
use crate::data::{DataFolder, Migrate};
use crate::exit::Failure;
use crate::out;

pub(crate) async fn run(ladder: String, asset: Option<String>, data: Data, json: bool) -> Result<(), Failure> {
    let data = crate::data::open(&data, Migrate::Never).await?;
    let ladder = pin(&data, &ladder)?;
    let renewing = match asset {
        None => library(&data, &ladder).await?,
        Some(asset) => one(&data, &id(&asset)?, &ladder, None).await?,
    };
    data.database.close().await;
    tell(&ladder, renewing, json)
}

/// `lectern jobs retry --rendition`: one rendition of an asset encoded again, with its ladder as it is now.
pub(crate) async fn rendition(data: &DataFolder, asset: &str, name: &str, json: bool) -> Result<(), Failure> {
    let id = id(asset)?;
    let tenant = tenant_of_asset(data, &id).await?;
    let found = data.assets.asset(&tenant, &id).await.map_err(|error| failed(&error))?;
    let ladder = pin(data, &found.ok_or_else(|| missing(asset))?.ladder)?;
    let renewing = one(data, &id, &ladder, Some(name)).await?;
    tell(&ladder, renewing, json)
}

fn tell(ladder: &LadderPin, renewing: u64, json: bool) -> Result<(), Failure> {
    match json {
        true => out::line(json!({ "ladder": ladder.name, "sha256": ladder.sha256, "renewing": renewing })),
        false => out::line(format_args!("{renewing} recordings wait for {} or are being encoded with it", ladder.name)),
    }
}

async fn library(data: &DataFolder, ladder: &LadderPin) -> Result<u64, Failure> {
    data.assets.renew_libraries(ladder, true, data.assets.now_ms()).await.map_err(|error| failed(&error))
}

async fn one(data: &DataFolder, id: &AssetId, ladder: &LadderPin, again: Option<&str>) -> Result<u64, Failure> {
    let (tenant, now_ms) = (tenant_of_asset(data, id).await?, data.assets.now_ms());
    let renewed = match data.assets.renew(&tenant, id, ladder, again, now_ms).await {
        Err(StoreError::NotFound("rendition")) => {
            let detail = format!("{id} has no rendition {}", again.unwrap_or_default());
            return Err(Failure::config("rendition.unknown", detail, "use a name that GET /api/v1/assets/ID lists"));
        }
        Err(StoreError::NotFound(_)) => return Err(missing(id.as_str())),
        renewed => renewed.map_err(|error| failed(&error))?,
    };
    data.assets.start_renewals(now_ms).await.map_err(|error| failed(&error))?;
    Ok(u64::from(renewed.flow.renewal.is_some_and(|renewal| renewal.is_open())))
}

/// A ladder as it is in force now.
fn pin(data: &DataFolder, name: &str) -> Result<LadderPin, Failure> {
    data.ladders.get(name).map(|ladder| ladder.pin()).ok_or_else(|| {
        let names: Vec<_> = data.ladders.all().into_iter().map(|ladder| ladder.name).collect();
        let detail = format!("there is no ladder named {name}");
        Failure::config("ladder.unknown", detail, &format!("there are {}", names.join(", ")))
    })
}

fn id(asset: &str) -> Result<AssetId, Failure> {
    asset.parse().map_err(|_| missing(asset))
}

fn missing(asset: &str) -> Failure {
    Failure::config("asset.not_found", format!("there is no asset {asset}"), "check the id")
}

fn failed(error: &StoreError) -> Failure {
    let hint = match error {
        StoreError::NotReady(_) => "wait until it is ready: only then is there anything to encode again",
        _ => "try again; nothing is lost",
    };
    Failure::failed("ladder.renew", error, hint)
}
