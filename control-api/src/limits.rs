//! How much a tenant may have, and has.

use axum::Json;
use kernel::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error;
use crate::state::Api;

/// What is counted. As a limit, null means none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counted {
    /// Recordings that are not ready yet, uploads under way among them.
    open_assets: Option<u64>,
    /// Bytes of sources, as announced.
    stored_bytes: Option<u64>,
    /// Seconds of work on a day (UTC).
    cpu_s_per_day: Option<u64>,
}

/// Limits and what counts against them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitsView {
    /// An upload beyond these is refused when it is announced; what was taken in is seen through.
    limits: Counted,
    /// As it is now.
    used: Counted,
}

/// How much may be uploaded and made, and how much is.
#[utoipa::path(
    get, path = "/api/v1/limits", operation_id = "get_limits", tag = "uploads",
    responses((status = 200, description = "limits and use", body = LimitsView))
)]
pub(crate) async fn show(api: Api) -> Result<Json<LimitsView>, Problem> {
    let limits = api.store.limits_of(&api.tenant).await.map_err(error::store)?;
    let used = api.store.usage(&api.tenant, api.now_ms()).await.map_err(error::store)?;
    Ok(Json(LimitsView {
        limits: Counted {
            open_assets: limits.open_assets,
            stored_bytes: limits.stored_bytes,
            cpu_s_per_day: limits.cpu_s_per_day,
        },
        used: Counted {
            open_assets: Some(used.open_assets),
            stored_bytes: Some(used.stored_bytes),
            cpu_s_per_day: Some(used.cpu_s_today),
        },
    }))
}
