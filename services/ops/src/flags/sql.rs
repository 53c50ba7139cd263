//! Every statement of flags.

macro_rules! flag_columns {
    () => {
        "key, version, content, created_ms, updated_ms"
    };
}

macro_rules! segment_columns {
    () => {
        "name, version, content, updated_ms"
    };
}

macro_rules! change_columns {
    () => {
        "version, action, actor, request_id, was, became, time_ms"
    };
}

macro_rules! request_columns {
    () => {
        "tenant_id, id, flag_key, environment, state, was, wanted, reason, due_ms, asked_by, decided_by, version,
            created_ms, updated_ms"
    };
}

macro_rules! experiment_columns {
    () => {
        "id, flag_key, environment, design, created_ms, stopped_ms"
    };
}

/// Also has every other change of the tenant wait until this one is over.
pub(crate) const BUMP: &str = "INSERT INTO flag_head (tenant_id, seq) VALUES ($1, 1)
    ON CONFLICT (tenant_id) DO UPDATE SET seq = flag_head.seq + 1 RETURNING seq";
pub(crate) const HEAD: &str = "SELECT seq FROM flag_head WHERE tenant_id = $1";
pub(crate) const HEADS: &str = "SELECT tenant_id, seq FROM flag_head WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2";

pub(crate) const COUNT_FLAGS: &str = "SELECT COUNT(*) FROM flag WHERE tenant_id = $1";
pub(crate) const INSERT_FLAG: &str = concat!(
    "INSERT INTO flag (tenant_id, key, version, is_archived, content, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING ",
    flag_columns!()
);
pub(crate) const FLAG: &str = concat!("SELECT ", flag_columns!(), " FROM flag WHERE tenant_id = $1 AND key = $2");
pub(crate) const ALL_FLAGS: &str =
    concat!("SELECT ", flag_columns!(), " FROM flag WHERE tenant_id = $1 ORDER BY key LIMIT $2");
pub(crate) const LIST_FLAGS: &str = concat!(
    "SELECT ",
    flag_columns!(),
    " FROM flag WHERE tenant_id = $1 AND is_archived = $2 AND (created_ms, key) < ($3, $4)
        ORDER BY created_ms DESC, key DESC LIMIT $5"
);
pub(crate) const UPDATE_FLAG: &str = concat!(
    "UPDATE flag SET version = version + 1, is_archived = $4, content = $5, updated_ms = $6
        WHERE tenant_id = $1 AND key = $2 AND version = $3 RETURNING ",
    flag_columns!()
);
pub(crate) const DELETE_FLAG: &str = "DELETE FROM flag WHERE tenant_id = $1 AND key = $2 AND version = $3";

pub(crate) const COUNT_SEGMENTS: &str = "SELECT COUNT(*) FROM flag_segment WHERE tenant_id = $1";
pub(crate) const SEGMENT: &str =
    concat!("SELECT ", segment_columns!(), " FROM flag_segment WHERE tenant_id = $1 AND name = $2");
pub(crate) const SEGMENTS: &str =
    concat!("SELECT ", segment_columns!(), " FROM flag_segment WHERE tenant_id = $1 ORDER BY name LIMIT $2");
pub(crate) const PUT_SEGMENT: &str = concat!(
    "INSERT INTO flag_segment (tenant_id, name, version, content, updated_ms) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id, name) DO UPDATE SET version = excluded.version, content = excluded.content,
            updated_ms = excluded.updated_ms RETURNING ",
    segment_columns!()
);
pub(crate) const DELETE_SEGMENT: &str = "DELETE FROM flag_segment WHERE tenant_id = $1 AND name = $2";

pub(crate) const LAST_VERSION: &str = "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM flag_change
    WHERE tenant_id = $1 AND kind = $2 AND name = $3";
pub(crate) const INSERT_CHANGE: &str =
    "INSERT INTO flag_change (tenant_id, kind, name, version, action, actor, request_id,
    was, became, time_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
pub(crate) const FORGET_CHANGES: &str =
    "DELETE FROM flag_change WHERE tenant_id = $1 AND kind = $2 AND name = $3 AND version <= $4";
pub(crate) const CHANGES: &str = concat!(
    "SELECT ",
    change_columns!(),
    " FROM flag_change WHERE tenant_id = $1 AND kind = $2 AND name = $3 AND version < $4 ORDER BY version DESC LIMIT $5"
);
pub(crate) const CHANGE: &str = concat!(
    "SELECT ",
    change_columns!(),
    " FROM flag_change WHERE tenant_id = $1 AND kind = $2 AND name = $3 AND version = $4"
);

pub(crate) const COUNT_USE: &str = "INSERT INTO flag_usage (tenant_id, flag_key, environment, yes, no, last_ms)
    SELECT tenant_id, key, CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS BIGINT) FROM flag WHERE tenant_id = $1 AND key = $2
    ON CONFLICT (tenant_id, flag_key, environment) DO UPDATE SET yes = flag_usage.yes + excluded.yes,
        no = flag_usage.no + excluded.no, last_ms = excluded.last_ms";
pub(crate) const USAGE: &str = "SELECT environment, yes, no, last_ms FROM flag_usage
    WHERE tenant_id = $1 AND flag_key = $2 ORDER BY environment LIMIT $3";
pub(crate) const LAST_USES: &str = "SELECT flag_key, CAST(MAX(last_ms) AS BIGINT) FROM flag_usage
    WHERE tenant_id = $1 GROUP BY flag_key ORDER BY flag_key LIMIT $2";
pub(crate) const SEEN_CLIENT: &str = "INSERT INTO flag_client (tenant_id, app_name, environment, sdk, last_ms)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, app_name, environment) DO UPDATE SET sdk = excluded.sdk, last_ms = excluded.last_ms";
pub(crate) const FORGET_CLIENTS: &str =
    "DELETE FROM flag_client WHERE tenant_id = $1 AND (app_name, environment) NOT IN
    (SELECT app_name, environment FROM flag_client WHERE tenant_id = $1
        ORDER BY last_ms DESC, app_name, environment LIMIT $2)";
pub(crate) const CLIENTS: &str = "SELECT app_name, environment, sdk, last_ms FROM flag_client
    WHERE tenant_id = $1 ORDER BY last_ms DESC, app_name, environment LIMIT $2";

pub(crate) const COUNT_OPEN_REQUESTS: &str =
    "SELECT COUNT(*) FROM flag_request WHERE tenant_id = $1 AND state IN ('asked', 'approved')";
pub(crate) const INSERT_REQUEST: &str = concat!(
    "INSERT INTO flag_request (tenant_id, id, flag_key, environment, state, was, wanted, reason, due_ms, asked_by,
        created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) RETURNING ",
    request_columns!()
);
pub(crate) const REQUEST: &str =
    concat!("SELECT ", request_columns!(), " FROM flag_request WHERE tenant_id = $1 AND id = $2");
pub(crate) const LIST_REQUESTS: &str = concat!(
    "SELECT ",
    request_columns!(),
    " FROM flag_request WHERE tenant_id = $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2)
        AND (CAST($3 AS TEXT) IS NULL OR flag_key = $3) AND (created_ms, id) < ($4, $5)
        ORDER BY created_ms DESC, id DESC LIMIT $6"
);
pub(crate) const SETTLE_REQUEST: &str = concat!(
    "UPDATE flag_request SET state = $3, decided_by = $4, version = $5, updated_ms = $6
        WHERE tenant_id = $1 AND id = $2 RETURNING ",
    request_columns!()
);
pub(crate) const DUE_REQUESTS: &str = concat!(
    "SELECT ",
    request_columns!(),
    " FROM flag_request WHERE state = $1 AND due_ms <= $2 ORDER BY due_ms, id LIMIT $3"
);
pub(crate) const FORGET_REQUESTS: &str = "DELETE FROM flag_request WHERE tenant_id = $1
    AND state NOT IN ('asked', 'approved') AND id NOT IN (SELECT id FROM flag_request WHERE tenant_id = $1
        AND state NOT IN ('asked', 'approved') ORDER BY created_ms DESC, id DESC LIMIT $2)";
pub(crate) const GUARDS: &str =
    "SELECT environment, since_ms FROM flag_guard WHERE tenant_id = $1 ORDER BY environment LIMIT $2";
pub(crate) const GUARD: &str = "INSERT INTO flag_guard (tenant_id, environment, since_ms) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, environment) DO NOTHING";
pub(crate) const UNGUARD: &str = "DELETE FROM flag_guard WHERE tenant_id = $1 AND environment = $2";
pub(crate) const FREEZE: &str = "SELECT reason, actor, since_ms FROM flag_freeze WHERE scope = 'all'";
pub(crate) const BEGIN_FREEZE: &str =
    "INSERT INTO flag_freeze (scope, reason, actor, since_ms) VALUES ('all', $1, $2, $3)
    ON CONFLICT (scope) DO UPDATE SET reason = excluded.reason, actor = excluded.actor";
pub(crate) const END_FREEZE: &str = "DELETE FROM flag_freeze WHERE scope = 'all'";

pub(crate) const COUNT_KEYS: &str = "SELECT COUNT(*) FROM flag_key WHERE tenant_id = $1";
pub(crate) const INSERT_KEY: &str = "INSERT INTO flag_key (tenant_id, id, name, environment, created_ms)
    VALUES ($1, $2, $3, $4, $5) RETURNING id, name, environment, created_ms";
pub(crate) const KEYS: &str = "SELECT id, name, environment, created_ms FROM flag_key
    WHERE tenant_id = $1 ORDER BY created_ms DESC, id DESC LIMIT $2";
pub(crate) const DELETE_KEY: &str = "DELETE FROM flag_key WHERE tenant_id = $1 AND id = $2";
/// Of whichever tenant: the key says which one.
pub(crate) const FRONT: &str = "SELECT tenant_id, environment FROM flag_key WHERE id = $1 LIMIT 1";

pub(crate) const INSERT_EXPERIMENT: &str = concat!(
    "INSERT INTO flag_experiment (tenant_id, id, flag_key, environment, design, created_ms)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING ",
    experiment_columns!()
);
pub(crate) const EXPERIMENTS: &str = concat!(
    "SELECT ",
    experiment_columns!(),
    " FROM flag_experiment WHERE tenant_id = $1 ORDER BY created_ms DESC, id DESC LIMIT $2"
);
pub(crate) const EXPERIMENT: &str =
    concat!("SELECT ", experiment_columns!(), " FROM flag_experiment WHERE tenant_id = $1 AND id = $2");
pub(crate) const STOP_EXPERIMENT: &str =
    "UPDATE flag_experiment SET stopped_ms = $3 WHERE tenant_id = $1 AND id = $2 AND stopped_ms IS NULL";
pub(crate) const DELETE_EXPERIMENT: &str = "DELETE FROM flag_experiment WHERE tenant_id = $1 AND id = $2";
/// Unless it was seen already, there are too many, or the experiment is gone.
pub(crate) const EXPOSE: &str = "INSERT INTO flag_exposure (tenant_id, experiment_id, unit, variant)
    SELECT tenant_id, id, CAST($3 AS TEXT), CAST($4 AS TEXT) FROM flag_experiment
    WHERE tenant_id = $1 AND id = $2 AND stopped_ms IS NULL
        AND (SELECT CAST(COALESCE(SUM(count), 0) AS BIGINT) FROM flag_tally
            WHERE tenant_id = $1 AND experiment_id = $2 AND event = $5) < $6
    ON CONFLICT (tenant_id, experiment_id, unit) DO NOTHING";
/// No experiment counts so many.
pub(crate) const CONVERSIONS: &str =
    "SELECT event FROM flag_conversion WHERE tenant_id = $1 AND experiment_id = $2 AND unit = $3
    ORDER BY event LIMIT 1000";
pub(crate) const FORGET_CONVERSIONS: &str =
    "DELETE FROM flag_conversion WHERE tenant_id = $1 AND experiment_id = $2 AND unit = $3";
pub(crate) const FORGET_EXPOSURE: &str =
    "DELETE FROM flag_exposure WHERE tenant_id = $1 AND experiment_id = $2 AND unit = $3";
pub(crate) const EXPOSURE: &str =
    "SELECT variant FROM flag_exposure WHERE tenant_id = $1 AND experiment_id = $2 AND unit = $3";
pub(crate) const CONVERT: &str = "INSERT INTO flag_conversion (tenant_id, experiment_id, unit, event)
    VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, experiment_id, unit, event) DO NOTHING";
pub(crate) const ADD_TALLY: &str = "INSERT INTO flag_tally (tenant_id, experiment_id, variant, event, count)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, experiment_id, variant, event) DO UPDATE SET count = flag_tally.count + excluded.count";
pub(crate) const TALLIES: &str = "SELECT variant, event, count FROM flag_tally
    WHERE tenant_id = $1 AND experiment_id = $2 ORDER BY variant, event LIMIT $3";

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[
    BUMP,
    HEAD,
    HEADS,
    COUNT_FLAGS,
    INSERT_FLAG,
    FLAG,
    ALL_FLAGS,
    LIST_FLAGS,
    UPDATE_FLAG,
    DELETE_FLAG,
    COUNT_SEGMENTS,
    SEGMENT,
    SEGMENTS,
    PUT_SEGMENT,
    DELETE_SEGMENT,
    LAST_VERSION,
    INSERT_CHANGE,
    FORGET_CHANGES,
    CHANGES,
    CHANGE,
    COUNT_USE,
    USAGE,
    LAST_USES,
    SEEN_CLIENT,
    FORGET_CLIENTS,
    CLIENTS,
    COUNT_OPEN_REQUESTS,
    INSERT_REQUEST,
    REQUEST,
    LIST_REQUESTS,
    SETTLE_REQUEST,
    DUE_REQUESTS,
    FORGET_REQUESTS,
    GUARDS,
    GUARD,
    UNGUARD,
    FREEZE,
    BEGIN_FREEZE,
    END_FREEZE,
    COUNT_KEYS,
    INSERT_KEY,
    KEYS,
    DELETE_KEY,
    FRONT,
    INSERT_EXPERIMENT,
    EXPERIMENTS,
    EXPERIMENT,
    STOP_EXPERIMENT,
    DELETE_EXPERIMENT,
    EXPOSE,
    EXPOSURE,
    CONVERSIONS,
    FORGET_CONVERSIONS,
    FORGET_EXPOSURE,
    CONVERT,
    ADD_TALLY,
    TALLIES,
];
