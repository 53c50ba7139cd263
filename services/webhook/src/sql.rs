//! Every statement of this crate.

macro_rules! endpoint_columns {
    () => {
        "id, url, description, events, state, disabled_reason, version, previous_until_ms, failing_since_ms, created_ms,
        updated_ms"
    };
}

macro_rules! secret_columns {
    () => {
        "tenant_id, id, url, secret, is_wrapped, previous_secret, previous_is_wrapped, previous_until_ms"
    };
}

macro_rules! delivery_columns {
    () => {
        "tenant_id, id, endpoint_id, event_id, seq, kind, subject, state, attempt, tries, next_ms, attempts, created_ms,
        updated_ms"
    };
}

/// Whether a delivery `d` may be sent, at the time `$3`: its own time has come, and no earlier event about the same thing
/// is still under way that has not failed too often to be waited for.
macro_rules! is_due {
    () => {
        "d.state = 'pending' AND d.next_ms <= $3 AND NOT EXISTS (SELECT 1 FROM webhook_delivery e
            WHERE e.tenant_id = d.tenant_id AND e.endpoint_id = d.endpoint_id AND e.subject = d.subject
            AND e.state IN ('pending', 'sending') AND e.seq < d.seq AND e.tries < $4)"
    };
}

pub(crate) const COUNT_ENDPOINTS: &str = "SELECT COUNT(*) FROM webhook_endpoint WHERE tenant_id = $1";
pub(crate) const INSERT_ENDPOINT: &str = concat!(
    "INSERT INTO webhook_endpoint (tenant_id, id, url, description, events, state, since_seq, version, secret, is_wrapped,
        previous_is_wrapped, failures, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, $5, 'enabled', $6, 1, $7, $8, FALSE, 0, $9, $9) RETURNING ",
    endpoint_columns!()
);
pub(crate) const ENDPOINT: &str =
    concat!("SELECT ", endpoint_columns!(), " FROM webhook_endpoint WHERE tenant_id = $1 AND id = $2");
pub(crate) const LIST_ENDPOINTS: &str = concat!(
    "SELECT ",
    endpoint_columns!(),
    " FROM webhook_endpoint WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3)
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
/// Whatever was wrong with it before counts no longer.
pub(crate) const UPDATE_ENDPOINT: &str = concat!(
    "UPDATE webhook_endpoint SET url = $4, description = $5, events = $6, state = $7, disabled_reason = $8,
        failing_since_ms = NULL, failures = 0, version = version + 1, updated_ms = $9
        WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    endpoint_columns!()
);
pub(crate) const DELETE_ENDPOINT: &str =
    "DELETE FROM webhook_endpoint WHERE tenant_id = $1 AND id = $2 AND version = $3";
pub(crate) const ROTATE: &str = concat!(
    "UPDATE webhook_endpoint SET previous_secret = secret, previous_is_wrapped = is_wrapped, previous_until_ms = $5,
        secret = $3, is_wrapped = $4, version = version + 1, updated_ms = $6
        WHERE tenant_id = $1 AND id = $2 RETURNING ",
    endpoint_columns!()
);
pub(crate) const LISTENING: &str = "SELECT id, events, since_seq FROM webhook_endpoint
    WHERE tenant_id = $1 AND state = 'enabled' ORDER BY id LIMIT $2";
pub(crate) const SECRETS: &str =
    concat!("SELECT ", secret_columns!(), " FROM webhook_endpoint WHERE tenant_id = $1 AND id = $2");
pub(crate) const ALL_SECRETS: &str = concat!(
    "SELECT ",
    secret_columns!(),
    " FROM webhook_endpoint WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3"
);
/// Only if nobody has changed it meanwhile.
pub(crate) const RESEAL: &str = "UPDATE webhook_endpoint SET secret = $3, is_wrapped = $4
    WHERE tenant_id = $1 AND id = $2 AND secret = $5";
pub(crate) const RESEAL_PREVIOUS: &str = "UPDATE webhook_endpoint SET previous_secret = $3, previous_is_wrapped = $4
    WHERE tenant_id = $1 AND id = $2 AND previous_secret = $5";

pub(crate) const FORGET_PREVIOUS: &str = "UPDATE webhook_endpoint SET previous_secret = NULL, previous_until_ms = NULL
    WHERE previous_until_ms < $1";

pub(crate) const HEALTHY: &str = "UPDATE webhook_endpoint SET failing_since_ms = NULL, failures = 0
    WHERE tenant_id = $1 AND id = $2 AND failing_since_ms IS NOT NULL";
pub(crate) const FAILING: &str = "UPDATE webhook_endpoint SET failing_since_ms = COALESCE(failing_since_ms, $3),
    failures = failures + 1 WHERE tenant_id = $1 AND id = $2 AND state = 'enabled'
    RETURNING CAST(failing_since_ms AS BIGINT), failures";
pub(crate) const DISABLE: &str = "UPDATE webhook_endpoint SET state = 'disabled', disabled_reason = $3,
    version = version + 1, updated_ms = $4 WHERE tenant_id = $1 AND id = $2 AND state = 'enabled' RETURNING url";

pub(crate) const INSERT_DELIVERY: &str =
    "INSERT INTO webhook_delivery (tenant_id, id, endpoint_id, event_id, seq, kind,
    subject, state, attempt, tries, next_ms, attempts, created_ms, updated_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, 0, $8, $9, $8, $8) ON CONFLICT DO NOTHING";
pub(crate) const DELIVERY: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM webhook_delivery WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3"
);
pub(crate) const LIST_DELIVERIES: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM webhook_delivery WHERE tenant_id = $1 AND endpoint_id = $2 AND (created_ms, id) < ($3, $4)
        ORDER BY created_ms DESC, id DESC LIMIT $5"
);
pub(crate) const LIST_DELIVERIES_IN_STATE: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM webhook_delivery WHERE tenant_id = $1 AND endpoint_id = $2 AND (created_ms, id) < ($3, $4) AND state = $6
        ORDER BY created_ms DESC, id DESC LIMIT $5"
);
pub(crate) const REPLAY: &str = concat!(
    "UPDATE webhook_delivery SET state = 'pending', tries = 0, next_ms = $4, updated_ms = $4
        WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3 AND state <> 'sending' RETURNING ",
    delivery_columns!()
);
/// The choice stands before the update, as in `CLAIM`.
pub(crate) const REPLAY_FAILED: &str = "WITH chosen AS MATERIALIZED (SELECT id FROM webhook_delivery
    WHERE tenant_id = $1 AND endpoint_id = $2 AND state = 'failed' AND created_ms >= $3
    ORDER BY created_ms, id LIMIT $5 /*SKIP LOCKED*/)
    UPDATE webhook_delivery SET state = 'pending', tries = 0, next_ms = $4, updated_ms = $4
    WHERE tenant_id = $1 AND id IN (SELECT id FROM chosen)";
pub(crate) const GIVE_UP_PENDING: &str = "UPDATE webhook_delivery SET state = 'failed', updated_ms = $3
    WHERE tenant_id = $1 AND endpoint_id = $2 AND state = 'pending'";

/// Endpoints that something may be sent to, and whether they have failed lately.
pub(crate) const DUE: &str = concat!(
    "SELECT p.tenant_id, p.id, CAST(CASE WHEN p.failing_since_ms IS NULL THEN 0 ELSE 1 END AS BIGINT)
        FROM webhook_endpoint p WHERE p.state = 'enabled' AND (p.tenant_id, p.id) > ($1, $2)
        AND EXISTS (SELECT 1 FROM webhook_delivery d
            WHERE d.tenant_id = p.tenant_id AND d.endpoint_id = p.id AND ",
    is_due!(),
    ") ORDER BY p.tenant_id, p.id LIMIT $5"
);
/// Chosen once and for all before the update: PostgreSQL may run a `SELECT` inside it anew for each row, and each time skip
/// what it has just changed, past the limit.
pub(crate) const CLAIM: &str = concat!(
    "WITH chosen AS MATERIALIZED (SELECT d.id FROM webhook_delivery d
            WHERE d.tenant_id = $1 AND d.endpoint_id = $2 AND ",
    is_due!(),
    " ORDER BY d.next_ms, d.seq, d.id LIMIT $5 /*SKIP LOCKED*/)
    UPDATE webhook_delivery SET state = 'sending', attempt = attempt + 1, tries = tries + 1, updated_ms = $3
        WHERE tenant_id = $1 AND id IN (SELECT id FROM chosen) RETURNING ",
    delivery_columns!()
);
/// What was answered so far to one that is claimed, whose row is locked.
pub(crate) const HELD: &str = "UPDATE webhook_delivery SET state = state
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'sending' RETURNING attempts";
pub(crate) const FINISH: &str = "UPDATE webhook_delivery SET state = $4, next_ms = $5, attempts = $6, updated_ms = $7
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'sending'";
pub(crate) const SENDING: &str = "SELECT tenant_id, id, attempt FROM webhook_delivery WHERE state = 'sending'
    ORDER BY tenant_id, id LIMIT $1";
pub(crate) const GIVE_BACK: &str =
    "UPDATE webhook_delivery SET state = CASE WHEN tries >= $5 THEN 'failed' ELSE 'pending' END,
    next_ms = $4, updated_ms = $4 WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'sending'";
pub(crate) const PRUNE: &str = "DELETE FROM webhook_delivery WHERE (tenant_id, id) IN (SELECT tenant_id, id
    FROM webhook_delivery WHERE state IN ('delivered', 'failed') AND updated_ms < $1 ORDER BY updated_ms LIMIT $2)";
/// In a database that was restored: what was being sent may have arrived, and comes once more. Numbers of attempts go on above $1.
pub(crate) const RESTORED: &str = "UPDATE webhook_delivery SET attempt = CASE WHEN attempt > $1 THEN attempt
        ELSE CAST($1 AS BIGINT) END, state = CASE WHEN state = 'sending' THEN 'pending' ELSE state END
    WHERE state <> 'delivered'";

/// What receivers answered when they were told of something; a receiver may have said anything.
pub(crate) const FORGET_ANSWERS: &str =
    "UPDATE webhook_delivery SET attempts = '[]' WHERE tenant_id = $1 AND subject = $2";

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[
    COUNT_ENDPOINTS,
    INSERT_ENDPOINT,
    ENDPOINT,
    LIST_ENDPOINTS,
    UPDATE_ENDPOINT,
    DELETE_ENDPOINT,
    ROTATE,
    LISTENING,
    SECRETS,
    ALL_SECRETS,
    RESEAL,
    RESEAL_PREVIOUS,
    FORGET_PREVIOUS,
    HEALTHY,
    FAILING,
    DISABLE,
    INSERT_DELIVERY,
    DELIVERY,
    LIST_DELIVERIES,
    LIST_DELIVERIES_IN_STATE,
    REPLAY,
    REPLAY_FAILED,
    GIVE_UP_PENDING,
    DUE,
    CLAIM,
    HELD,
    FINISH,
    SENDING,
    GIVE_BACK,
    PRUNE,
    RESTORED,
    FORGET_ANSWERS,
];
