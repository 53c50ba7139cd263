//! Every statement of this crate.

macro_rules! asset_columns {
    () => {
        "tenant_id, id, playback_id, filename, flow, generation, source_size, source_sha256, ladder, ladder_sha256,
        protection, duration_ms, created_ms, updated_ms, uploaded_ms, playable_ms, complete_ms, version, renewal_ms,
        renewed_ms"
    };
}

macro_rules! upload_columns {
    () => {
        "tenant_id, id, asset_id, size_bytes, received_bytes, state, filename, metadata, created_ms, updated_ms"
    };
}

pub(crate) const INSERT_ASSET: &str = concat!(
    "INSERT INTO asset (tenant_id, id, playback_id, filename, state, flow, generation, ladder, protection, created_ms,
        updated_ms, version) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $9, 1) RETURNING ",
    asset_columns!()
);
/// An update that changes nothing locks the row on both engines.
pub(crate) const LOCK_ASSET: &str =
    concat!("UPDATE asset SET version = version WHERE tenant_id = $1 AND id = $2 RETURNING ", asset_columns!());
pub(crate) const SAVE_ASSET: &str = "UPDATE asset SET state = $3, flow = $4, source_size = $5, source_sha256 = $6,
    ladder_sha256 = $7, duration_ms = $8, uploaded_ms = $9, playable_ms = $10, complete_ms = $11, updated_ms = $12,
    version = $13, ladder = $14, renewal_state = $15, renewal_ms = $16, renewed_ms = $17
    WHERE tenant_id = $1 AND id = $2";
pub(crate) const NEXT_GENERATION: &str = "UPDATE asset SET generation = generation + 1, updated_ms = $3
    WHERE tenant_id = $1 AND id = $2 RETURNING generation";
pub(crate) const GET_ASSET: &str =
    concat!("SELECT ", asset_columns!(), " FROM asset WHERE tenant_id = $1 AND id = $2 AND state <> 'deleted'");
pub(crate) const GET_BY_PLAYBACK: &str =
    concat!("SELECT ", asset_columns!(), " FROM asset WHERE playback_id = $1 AND state <> 'deleted' LIMIT 1");
pub(crate) const LIST_ASSETS: &str = concat!(
    "SELECT ",
    asset_columns!(),
    " FROM asset WHERE tenant_id = $1 AND state <> 'deleted' AND (created_ms, id) < ($2, $3)
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
pub(crate) const LIST_ASSETS_IN_STATE: &str = concat!(
    "SELECT ",
    asset_columns!(),
    " FROM asset WHERE tenant_id = $1 AND state = $2 AND (created_ms, id) < ($3, $4)
        ORDER BY created_ms DESC, id DESC LIMIT $5"
);
pub(crate) const ACTIVE_ASSETS: &str = concat!(
    "SELECT ",
    asset_columns!(),
    " FROM asset WHERE state IN ('processing', 'deleting') AND (tenant_id, id) > ($1, $2)
        ORDER BY tenant_id, id LIMIT $3"
);
/// Under way, and never many.
pub(crate) const RENEWING_ASSETS: &str = concat!(
    "SELECT ",
    asset_columns!(),
    " FROM asset WHERE renewal_state = 'processing' ORDER BY renewal_ms, tenant_id, id LIMIT $1"
);
pub(crate) const FIRST_WAITING: &str = concat!(
    "SELECT ",
    asset_columns!(),
    " FROM asset WHERE renewal_state = 'waiting' ORDER BY renewal_ms, tenant_id, id LIMIT 1"
);
pub(crate) const OUTDATED: &str = concat!(
    "SELECT ",
    asset_columns!(),
    " FROM asset WHERE tenant_id = $1 AND state = 'ready' AND ladder = $2
        AND (ladder_sha256 <> $3 OR renewal_state IN ('waiting', 'processing'))
        AND (created_ms, id) < ($4, $5) ORDER BY created_ms DESC, id DESC LIMIT $6"
);
pub(crate) const TENANTS: &str =
    "SELECT DISTINCT tenant_id FROM asset WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2";
pub(crate) const ALL_ASSETS: &str = concat!(
    "SELECT ",
    asset_columns!(),
    " FROM asset WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3"
);
pub(crate) const RAISE_GENERATION: &str =
    "UPDATE asset SET generation = $3 WHERE tenant_id = $1 AND id = $2 AND generation < $3";
pub(crate) const COUNT_RENEWALS: &str = "SELECT renewal_state, CAST(COUNT(*) AS BIGINT) FROM asset
    WHERE renewal_state IS NOT NULL GROUP BY renewal_state ORDER BY renewal_state";
pub(crate) const COUNT_BY_STATE: &str =
    "SELECT state, CAST(COUNT(*) AS BIGINT) FROM asset WHERE state <> 'deleted' GROUP BY state ORDER BY state";
pub(crate) const ERASE_ASSET: &str = "DELETE FROM asset WHERE tenant_id = $1 AND id = $2 AND state = 'deleted'";
pub(crate) const ERASE_UPLOADS: &str = "DELETE FROM upload WHERE tenant_id = $1 AND asset_id = $2";

pub(crate) const INSERT_UPLOAD: &str = concat!(
    "INSERT INTO upload (tenant_id, id, asset_id, size_bytes, received_bytes, state, filename, metadata, created_ms,
        updated_ms) VALUES ($1, $2, $3, $4, 0, 'waiting', $5, $6, $7, $7) RETURNING ",
    upload_columns!()
);
pub(crate) const GET_UPLOAD: &str =
    concat!("SELECT ", upload_columns!(), " FROM upload WHERE tenant_id = $1 AND id = $2");
pub(crate) const UPLOAD_OF_ASSET: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM upload WHERE tenant_id = $1 AND asset_id = $2 ORDER BY created_ms DESC, id DESC LIMIT 1"
);
pub(crate) const SAVE_UPLOAD: &str = concat!(
    "UPDATE upload SET received_bytes = $3, state = $4, updated_ms = $5 WHERE tenant_id = $1 AND id = $2 RETURNING ",
    upload_columns!()
);
pub(crate) const CLOSE_UPLOADS: &str = "UPDATE upload SET state = $3, updated_ms = $4
    WHERE tenant_id = $1 AND asset_id = $2 AND state IN ('waiting', 'receiving', 'received')";
pub(crate) const OPEN_UPLOADS: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM upload WHERE state IN ('waiting', 'receiving', 'received') AND (tenant_id, id) > ($1, $2)
        ORDER BY tenant_id, id LIMIT $3"
);
pub(crate) const IDLE_UPLOADS: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM upload WHERE state IN ('waiting', 'receiving', 'received') AND updated_ms < $1 ORDER BY updated_ms LIMIT $2"
);

// Limits, and what they count.

pub(crate) const LIMITS: &str = "SELECT scope, name, open_assets, stored_bytes, cpu_s_per_day FROM admission_limit
    ORDER BY scope, name LIMIT 10000";
pub(crate) const LIMITS_OF: &str = "SELECT scope, name, open_assets, stored_bytes, cpu_s_per_day FROM admission_limit
    WHERE (scope = 'tenant' AND name = $1) OR (scope <> 'tenant' AND name = '')";
/// Changes nothing and holds the rows.
pub(crate) const HOLD_LIMITS: &str = "UPDATE admission_limit SET name = name
    WHERE (scope = 'tenant' AND name = $1) OR (scope <> 'tenant' AND name = '')
    RETURNING scope, name, open_assets, stored_bytes, cpu_s_per_day";
pub(crate) const SET_LIMITS: &str =
    "INSERT INTO admission_limit (scope, name, open_assets, stored_bytes, cpu_s_per_day)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope, name) DO UPDATE SET open_assets = excluded.open_assets,
        stored_bytes = excluded.stored_bytes, cpu_s_per_day = excluded.cpu_s_per_day";
pub(crate) const DROP_LIMITS: &str = "DELETE FROM admission_limit WHERE scope = $1 AND name = $2";
pub(crate) const OPEN_ASSETS: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM asset
    WHERE tenant_id = $1 AND state IN ('awaiting_upload', 'ingesting', 'processing')";
pub(crate) const PROCESSED_ASSETS: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM asset
    WHERE state IN ('processing', 'deleting') AND state = 'processing'";
/// What was given up takes no room.
pub(crate) const STORED_BYTES: &str = "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) FROM upload
    WHERE tenant_id = $1 AND state NOT IN ('canceled', 'expired', 'errored')";

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[
    INSERT_ASSET,
    LOCK_ASSET,
    SAVE_ASSET,
    NEXT_GENERATION,
    GET_ASSET,
    GET_BY_PLAYBACK,
    LIST_ASSETS,
    LIST_ASSETS_IN_STATE,
    ACTIVE_ASSETS,
    RENEWING_ASSETS,
    FIRST_WAITING,
    OUTDATED,
    TENANTS,
    ALL_ASSETS,
    RAISE_GENERATION,
    COUNT_RENEWALS,
    COUNT_BY_STATE,
    ERASE_ASSET,
    ERASE_UPLOADS,
    INSERT_UPLOAD,
    GET_UPLOAD,
    UPLOAD_OF_ASSET,
    SAVE_UPLOAD,
    CLOSE_UPLOADS,
    OPEN_UPLOADS,
    IDLE_UPLOADS,
    LIMITS,
    LIMITS_OF,
    HOLD_LIMITS,
    SET_LIMITS,
    DROP_LIMITS,
    OPEN_ASSETS,
    PROCESSED_ASSETS,
    STORED_BYTES,
];
