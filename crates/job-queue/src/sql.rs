//! Every statement of the queue, in the spelling both engines take.

macro_rules! job_columns {
    () => {
        "id, tenant_id, asset_id, stage, payload, state, priority, weight, attempt, max_attempts, progress, worker,
        error_code, error_detail, result, created_ms, started_ms, finished_ms, run_at_ms, making, needs, cpu_ms, peak_bytes"
    };
}

// Enqueue.

pub(crate) const INSERT: &str = "INSERT INTO job (id, tenant_id, asset_id, stage, payload, state, priority, weight,
    run_at_ms, attempt, returned, max_attempts, waits_for, heartbeat, progress, dedupe_key, created_ms, making,
    traceparent, needs)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, 0, 0, 0, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING";
pub(crate) const BY_ID: &str = "SELECT id FROM job WHERE tenant_id = $1 AND id = $2";
pub(crate) const BY_DEDUPE_KEY: &str = "SELECT id FROM job WHERE tenant_id = $1 AND dedupe_key = $2
    AND state IN ('waiting', 'ready', 'running')";
/// Changes nothing and holds the row, so that the job cannot finish between this look and the commit.
pub(crate) const HOLD_NEED: &str =
    "UPDATE job SET heartbeat = heartbeat WHERE tenant_id = $1 AND id = $2 RETURNING state";
pub(crate) const INSERT_NEED: &str = "INSERT INTO job_dependency (tenant_id, job_id, needs_id) VALUES ($1, $2, $3)";
pub(crate) const SET_WAITING: &str = "UPDATE job SET waits_for = $3, state = $4 WHERE tenant_id = $1 AND id = $2";

// Claim: what kinds of jobs are ready, whose turn it is, and that one's first job.

/// Steps from one pair of stage and priority to the next, and to what those need, so that it does not grow with the number of jobs. ORDER BY and
/// LIMIT, not MIN: a server that has counted nothing yet takes all of a small table for the smallest. What is drained is left out.
pub(crate) const KINDS: &str = "WITH RECURSIVE
    stages(stage) AS (
        SELECT (SELECT job.stage FROM job WHERE job.state = 'ready' AND job.waits_for = 0
            ORDER BY job.stage LIMIT 1)
        UNION ALL
        SELECT (SELECT job.stage FROM job WHERE job.state = 'ready' AND job.waits_for = 0
            AND job.stage > stages.stage ORDER BY job.stage LIMIT 1)
        FROM stages WHERE stages.stage IS NOT NULL),
    kinds(stage, priority) AS (
        SELECT stage, (SELECT job.priority FROM job WHERE job.state = 'ready' AND job.waits_for = 0
            AND job.stage = stages.stage ORDER BY job.priority LIMIT 1)
        FROM stages WHERE stages.stage IS NOT NULL
        UNION ALL
        SELECT stage, (SELECT job.priority FROM job WHERE job.state = 'ready' AND job.waits_for = 0
            AND job.stage = kinds.stage AND job.priority > kinds.priority ORDER BY job.priority LIMIT 1)
        FROM kinds WHERE kinds.priority IS NOT NULL),
    wants(stage, priority, needs) AS (
        SELECT stage, priority, (SELECT job.needs FROM job WHERE job.state = 'ready' AND job.waits_for = 0
            AND job.stage = kinds.stage AND job.priority = kinds.priority ORDER BY job.needs LIMIT 1)
        FROM kinds WHERE kinds.priority IS NOT NULL
        UNION ALL
        SELECT stage, priority, (SELECT job.needs FROM job WHERE job.state = 'ready' AND job.waits_for = 0
            AND job.stage = wants.stage AND job.priority = wants.priority AND job.needs > wants.needs
            ORDER BY job.needs LIMIT 1)
        FROM wants WHERE wants.needs IS NOT NULL)
    SELECT stage, priority, needs, (SELECT job.run_at_ms FROM job WHERE job.state = 'ready' AND job.waits_for = 0
        AND job.stage = wants.stage AND job.priority = wants.priority AND job.needs = wants.needs
        ORDER BY job.run_at_ms LIMIT 1) AS oldest_ms
    FROM wants WHERE needs IS NOT NULL AND NOT EXISTS (SELECT 1 FROM queue_drain AS drain WHERE drain.scope = 'queue'
        OR (drain.scope = 'stage' AND drain.name = wants.stage) OR (drain.scope = 'worker' AND drain.name = $1))
    LIMIT 1000";
pub(crate) const RUNNING_NOW: &str = "SELECT CAST(COUNT(*) AS BIGINT),
    CAST(COALESCE(SUM(CASE WHEN priority >= $1 AND priority < $2 THEN 1 ELSE 0 END), 0) AS BIGINT)
    FROM job WHERE state = 'running'";
/// The first tenants, in no order that matters, that have such a job: all there are when they are fewer than asked for.
pub(crate) const FEW_LANES: &str = "WITH RECURSIVE few(tenant_id, place) AS (
        SELECT (SELECT job.tenant_id FROM job WHERE job.state = 'ready' AND job.stage = $1 AND job.priority = $2 AND job.needs = $4
            ORDER BY job.tenant_id LIMIT 1), CAST(1 AS BIGINT)
        UNION ALL
        SELECT (SELECT job.tenant_id FROM job WHERE job.state = 'ready' AND job.stage = $1 AND job.priority = $2 AND job.needs = $4
            AND job.tenant_id > few.tenant_id ORDER BY job.tenant_id LIMIT 1), place + 1
        FROM few WHERE few.tenant_id IS NOT NULL AND place < $3)
    SELECT few.tenant_id, share.tag_ms, (SELECT job.run_at_ms FROM job WHERE job.state = 'ready'
            AND job.stage = $1 AND job.priority = $2 AND job.needs = $4 AND job.tenant_id = few.tenant_id
            ORDER BY job.run_at_ms LIMIT 1) AS oldest_ms,
        (SELECT last.start_ms FROM queue_share AS last ORDER BY last.start_ms DESC LIMIT 1) AS virtual_ms
    FROM few LEFT JOIN queue_share AS share ON share.tenant_id = few.tenant_id
    WHERE few.tenant_id IS NOT NULL LIMIT $3";
/// The first tenants by tag that have such a job, of many. Not EXISTS, which PostgreSQL may turn into a join with all that is ready:
/// this looks at one tenant after the other and stops.
pub(crate) const LANES: &str = "SELECT tenant_id, tag_ms, oldest_ms,
        (SELECT last.start_ms FROM queue_share AS last ORDER BY last.start_ms DESC LIMIT 1) AS virtual_ms
    FROM (SELECT share.tenant_id, share.tag_ms, (SELECT job.run_at_ms FROM job WHERE job.state = 'ready'
            AND job.tenant_id = share.tenant_id AND job.stage = $1 AND job.priority = $2 AND job.needs = $5
            ORDER BY job.run_at_ms LIMIT 1) AS oldest_ms
        FROM queue_share AS share) AS lane
    WHERE oldest_ms <= $3 ORDER BY tag_ms, tenant_id LIMIT $4";
/// Nothing when another worker has just given this tenant a job, or is about to.
pub(crate) const TRY_SHARE: &str =
    "SELECT tag_ms FROM queue_share WHERE tenant_id = $1 AND tag_ms = $2 /*SKIP LOCKED*/";
/// Changes nothing and holds the row. In every transaction the share is held before any job.
pub(crate) const HOLD_SHARE: &str = "UPDATE queue_share SET tag_ms = tag_ms WHERE tenant_id = $1 RETURNING tag_ms";
/// `=` and not `IN` around the inner SELECT: PostgreSQL may run a sub-select of IN more than once, and each run would skip
/// the row that the one before has locked. Whoever holds the row knows that it is ready: asked for once more outside,
/// PostgreSQL would look for the job among all that are.
pub(crate) const CLAIM: &str = "UPDATE job SET state = 'running', attempt = attempt + 1, heartbeat = heartbeat + 1,
        progress = 0, worker = $1, started_ms = $2
    WHERE (tenant_id, id) = (SELECT tenant_id, id FROM job
        WHERE state = 'ready' AND tenant_id = $3 AND stage = $4 AND priority = $5 AND needs = $7
        AND run_at_ms <= $6
        ORDER BY run_at_ms, id LIMIT 1 /*SKIP LOCKED*/)
    RETURNING id, attempt, returned, tenant_id, asset_id, stage, payload, priority, weight, max_attempts, making,
    run_at_ms, ready_ms, traceparent";
/// The virtual time is the greatest `start_ms` of all, and never goes back: a tenant whose tag was settled downward may start
/// earlier than it did before.
pub(crate) const CHARGE: &str = "UPDATE queue_share SET tag_ms = $2,
    start_ms = CASE WHEN start_ms > $3 THEN start_ms ELSE CAST($3 AS BIGINT) END WHERE tenant_id = $1";
pub(crate) const SETTLE: &str = "UPDATE queue_share SET tag_ms = $2 WHERE tenant_id = $1";

// Shares of tenants.

pub(crate) const HAS_SHARE: &str = "SELECT tenant_id FROM queue_share WHERE tenant_id = $1";
pub(crate) const ADD_SHARE: &str =
    "INSERT INTO queue_share (tenant_id, tag_ms, start_ms) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING";
/// For jobs of a version that keeps no shares.
pub(crate) const ADD_SHARES: &str = "INSERT INTO queue_share (tenant_id, tag_ms, start_ms)
    SELECT DISTINCT job.tenant_id, 0, 0 FROM job WHERE job.state = 'ready'
    AND NOT EXISTS (SELECT 1 FROM queue_share AS share WHERE share.tenant_id = job.tenant_id) ON CONFLICT DO NOTHING";
/// What a share that lies as far behind the virtual time as any may says, its absence says too. The one that is the virtual time stays.
pub(crate) const DROP_SHARES: &str = "DELETE FROM queue_share
    WHERE tag_ms + $1 <= (SELECT MAX(start_ms) FROM queue_share)
    AND start_ms < (SELECT MAX(start_ms) FROM queue_share)
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.state = 'ready' AND job.tenant_id = queue_share.tenant_id)
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.state = 'running' AND job.tenant_id = queue_share.tenant_id)
    AND NOT EXISTS (SELECT 1 FROM job WHERE job.state = 'waiting' AND job.tenant_id = queue_share.tenant_id)";
pub(crate) const USE: &str = "INSERT INTO queue_usage (tenant_id, day, attempts, took_ms) VALUES ($1, $2, 1, $3)
    ON CONFLICT (tenant_id, day) DO UPDATE SET attempts = queue_usage.attempts + 1,
        took_ms = queue_usage.took_ms + excluded.took_ms";
pub(crate) const USED: &str = "SELECT took_ms FROM queue_usage WHERE tenant_id = $1 AND day = $2";
pub(crate) const DROP_USAGE: &str = "DELETE FROM queue_usage WHERE day < $1";
// Clocks.

pub(crate) const HASTEN: &str = "UPDATE job SET run_at_ms = $1 WHERE state = 'ready' AND run_at_ms > $2
    AND (attempt > 0 OR run_at_ms <= created_ms)";

// Under a lease: $1 is the tenant, $2 the job, $3 the attempt.

/// Changes nothing and holds the row, so that nobody takes the job over before the commit.
pub(crate) const CHECK: &str = "UPDATE job SET heartbeat = heartbeat
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running' RETURNING attempt - returned, max_attempts,
    weight, started_ms";
pub(crate) const FINISH: &str = "UPDATE job SET state = 'done', progress = 1, result = $4, finished_ms = $5,
        error_code = NULL, error_detail = NULL, finished_in = $6,
        cpu_ms = $7, peak_bytes = $8, result_key = $9
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running' RETURNING weight, started_ms";
/// In the order of ids, so that two transactions that finish parts of the same jobs cannot lock each other out.
pub(crate) const DEPENDANTS: &str = "SELECT job_id FROM job_dependency WHERE tenant_id = $1 AND needs_id = $2
    ORDER BY job_id";
pub(crate) const RELEASE: &str = "UPDATE job SET waits_for = waits_for - 1, ready_ms = $3,
        state = CASE WHEN waits_for <= 1 THEN 'ready' ELSE 'waiting' END
    WHERE tenant_id = $1 AND id = $2 AND state = 'waiting'";
pub(crate) const RETRY: &str = "UPDATE job SET state = 'ready', run_at_ms = $4, error_code = $5, error_detail = $6,
        progress = 0, cpu_ms = $7, peak_bytes = $8, returned = returned + $9
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running'";
pub(crate) const PARK: &str = "UPDATE job SET state = 'parked', finished_ms = $4, error_code = $5, error_detail = $6,
        cpu_ms = $7, peak_bytes = $8
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running'";
pub(crate) const RENEW: &str = "UPDATE job SET heartbeat = heartbeat + 1, progress = $4
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running'";
pub(crate) const HAND_BACK: &str = "UPDATE job SET state = 'ready', returned = returned + 1, progress = 0
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'running' RETURNING weight";

// Take-over.

pub(crate) const RUNNING: &str = "SELECT tenant_id, id, attempt, heartbeat, asset_id FROM job
    WHERE state = 'running' ORDER BY tenant_id, id LIMIT $1";
pub(crate) const TAKE_OVER: &str = "UPDATE job SET
        state = CASE WHEN attempt - returned >= max_attempts THEN 'parked' ELSE 'ready' END,
        finished_ms = CASE WHEN attempt - returned >= max_attempts THEN CAST($5 AS BIGINT) ELSE NULL END,
        error_code = $6, error_detail = $7, progress = 0, ready_ms = CAST($5 AS BIGINT)
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND heartbeat = $4 AND state = 'running' RETURNING state";

// In a database that was restored.

/// Numbers of attempts go on above $1: those behind the ones of a backup may have been given to other attempts, and what these
/// have made lies under them. A job that never began and was sent for a later time is left alone, as [`HASTEN`] tells it by that.
pub(crate) const RAISE_ATTEMPTS: &str = "UPDATE job SET returned = returned + CAST($1 AS BIGINT) - attempt,
        attempt = CAST($1 AS BIGINT)
    WHERE state <> 'done' AND attempt < $1 AND (attempt > 0 OR run_at_ms <= created_ms)";
pub(crate) const REQUEUE_RUNNING: &str = "UPDATE job SET state = 'ready', progress = 0, returned = returned + 1,
        ready_ms = CAST($1 AS BIGINT) WHERE state = 'running'";
pub(crate) const SIGN_OFF_ALL: &str = "DELETE FROM queue_worker";

// By people and by the asset.

pub(crate) const CANCEL_ASSET: &str = "UPDATE job SET state = 'cancelled', finished_ms = $3, error_code = $4,
        error_detail = $5
    WHERE tenant_id = $1 AND asset_id = $2 AND state IN ('waiting', 'ready', 'running')";
pub(crate) const CANCEL_MAKING: &str = "UPDATE job SET state = 'cancelled', finished_ms = $4, error_code = $5,
        error_detail = $6
    WHERE tenant_id = $1 AND asset_id = $2 AND making = $3 AND state IN ('waiting', 'ready', 'running')";
/// The counter of what it waits for is right: what it waits for cannot have been done since it was cancelled, as that was
/// cancelled with it.
pub(crate) const REVIVE_ASSET: &str = "UPDATE job SET state = CASE WHEN waits_for > 0 THEN 'waiting' ELSE 'ready' END,
        returned = attempt, run_at_ms = CASE WHEN run_at_ms > $4 THEN run_at_ms ELSE CAST($4 AS BIGINT) END,
        progress = 0, finished_ms = NULL, error_code = NULL, error_detail = NULL
    WHERE tenant_id = $1 AND asset_id = $2 AND making = $3
    AND (state = 'parked' OR (state = 'cancelled' AND error_code = $5))";
pub(crate) const REVIVE: &str = "UPDATE job SET state = 'ready', returned = attempt, run_at_ms = $3, progress = 0,
        finished_ms = NULL, error_code = NULL, error_detail = NULL
    WHERE tenant_id = $1 AND id = $2 AND state = 'parked'";
pub(crate) const DELETE_ASSET: &str = "DELETE FROM job WHERE tenant_id = $1 AND asset_id = $2
    AND state IN ('done', 'parked', 'cancelled')";
pub(crate) const JOB: &str = concat!("SELECT ", job_columns!(), " FROM job WHERE tenant_id = $1 AND id = $2");
pub(crate) const JOBS_OF: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE tenant_id = $1 AND asset_id = $2 AND making = $3 ORDER BY created_ms, id LIMIT $4"
);
pub(crate) const PARKED_OF: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE tenant_id = $1 AND asset_id = $2 AND making = $3 AND state = 'parked'
    ORDER BY created_ms, id LIMIT 1"
);
pub(crate) const DONE_OF: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE tenant_id = $1 AND asset_id = $2 AND making = $3 AND stage = $4 AND state = 'done'
    ORDER BY created_ms DESC, id DESC LIMIT 1"
);
pub(crate) const DONE_WITH: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE tenant_id = $1 AND result_key = $2 AND state = 'done'
    ORDER BY finished_ms DESC, id DESC LIMIT $3"
);
pub(crate) const OPEN_JOBS: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE tenant_id = $1 AND asset_id = $2 AND stage = $3 AND state IN ('waiting', 'ready', 'running')
    ORDER BY created_ms, id LIMIT $4"
);
pub(crate) const COUNT_AT: &str = "SELECT CAST((SELECT COUNT(*) FROM job WHERE state = 'ready' AND tenant_id = $1
        AND stage = $2 AND priority = $3)
    + (SELECT COUNT(*) FROM job WHERE state = 'running' AND tenant_id = $1 AND stage = $2 AND priority = $3) AS BIGINT)";
pub(crate) const LIST: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE tenant_id = $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2)
    AND (CAST($3 AS TEXT) IS NULL OR stage = $3) AND (CAST($4 AS BIGINT) IS NULL OR (created_ms, id) < ($4, $5))
    ORDER BY created_ms DESC, id DESC LIMIT $6"
);
/// Not one more condition of the above: no index is used for a condition that may be absent.
pub(crate) const LIST_OF_ASSET: &str = concat!(
    "SELECT ",
    job_columns!(),
    " FROM job WHERE tenant_id = $1 AND (CAST($2 AS TEXT) IS NULL OR state = $2)
    AND (CAST($3 AS TEXT) IS NULL OR stage = $3) AND (CAST($4 AS BIGINT) IS NULL OR (created_ms, id) < ($4, $5))
    AND asset_id = $7 ORDER BY created_ms DESC, id DESC LIMIT $6"
);
/// One branch for each partial index: jobs that ended are the most by far, and none of them is looked at.
pub(crate) const DEPTHS: &str = "SELECT stage, 'ready' AS state, CAST(COUNT(*) AS BIGINT) FROM job
    WHERE state = 'ready' GROUP BY stage
    UNION ALL SELECT stage, 'running', CAST(COUNT(*) AS BIGINT) FROM job WHERE state = 'running' GROUP BY stage
    UNION ALL SELECT stage, state, CAST(COUNT(*) AS BIGINT) FROM job
        WHERE state IN ('waiting', 'parked') GROUP BY stage, state
    ORDER BY 1, 2 LIMIT 1000";
/// By priority, which is what classes are made of; when the one that has been ready for longest could first run.
pub(crate) const BACKLOG: &str = "SELECT priority, 'ready' AS state, CAST(COUNT(*) AS BIGINT),
        MIN(CASE WHEN ready_ms > run_at_ms THEN ready_ms ELSE run_at_ms END) FROM job
    WHERE state = 'ready' GROUP BY priority
    UNION ALL SELECT priority, 'running', CAST(COUNT(*) AS BIGINT), NULL FROM job
        WHERE state = 'running' GROUP BY priority
    UNION ALL SELECT priority, state, CAST(COUNT(*) AS BIGINT), NULL FROM job
        WHERE state IN ('waiting', 'parked') GROUP BY priority, state
    ORDER BY 1, 2 LIMIT 1000";
/// The spans that finished what a job has waited for.
pub(crate) const AWAITED: &str = "SELECT need.finished_in FROM job_dependency AS dependency
    JOIN job AS need ON need.tenant_id = dependency.tenant_id AND need.id = dependency.needs_id
    WHERE dependency.tenant_id = $1 AND dependency.job_id = $2 AND need.finished_in IS NOT NULL
    ORDER BY need.finished_ms DESC, need.id LIMIT $3";

// Drains, and who works.

pub(crate) const DRAIN: &str = "INSERT INTO queue_drain (scope, name, reason, since_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (scope, name) DO UPDATE SET reason = excluded.reason";
pub(crate) const RESUME: &str = "DELETE FROM queue_drain WHERE scope = $1 AND name = $2";
pub(crate) const DRAINS: &str = "SELECT scope, name, reason, since_ms FROM queue_drain ORDER BY scope, name LIMIT 1000";
pub(crate) const RUNNING_OF: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM job WHERE state = 'running'
    AND (CAST($1 AS TEXT) IS NULL OR stage = $1) AND (CAST($2 AS TEXT) IS NULL OR worker = $2)";
pub(crate) const SIGN_ON: &str = "INSERT INTO queue_worker (name, host, version, makes, places, heartbeat, started_ms,
        seen_ms, offers)
    VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7) ON CONFLICT (name) DO UPDATE SET heartbeat = queue_worker.heartbeat + 1,
        seen_ms = $6";
pub(crate) const SIGN_OFF: &str = "DELETE FROM queue_worker WHERE name = $1";
pub(crate) const SIGN_OFF_SILENT: &str = "DELETE FROM queue_worker WHERE name = $1 AND heartbeat = $2";
pub(crate) const DROP_DRAINS: &str = "DELETE FROM queue_drain WHERE scope = 'worker' AND name = $1";
pub(crate) const ON_DUTY: &str = "SELECT name, host, version, makes, places, heartbeat, started_ms, seen_ms, offers
    FROM queue_worker ORDER BY started_ms, name LIMIT $1";
pub(crate) const AT_WORK: &str = "SELECT worker, CAST(COUNT(*) AS BIGINT) FROM job WHERE state = 'running'
    AND worker IS NOT NULL GROUP BY worker ORDER BY worker LIMIT $1";

/// How many jobs could run, by what they need.
pub(crate) const NEEDS: &str = "SELECT needs, CAST(COUNT(*) AS BIGINT) FROM job WHERE state = 'ready' AND needs <> ''
    GROUP BY needs ORDER BY needs LIMIT 1000";

/// Every statement above, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[
    INSERT,
    BY_ID,
    BY_DEDUPE_KEY,
    HOLD_NEED,
    INSERT_NEED,
    SET_WAITING,
    KINDS,
    RUNNING_NOW,
    FEW_LANES,
    LANES,
    TRY_SHARE,
    HOLD_SHARE,
    CLAIM,
    CHARGE,
    SETTLE,
    HAS_SHARE,
    ADD_SHARE,
    ADD_SHARES,
    DROP_SHARES,
    USE,
    USED,
    DROP_USAGE,
    HASTEN,
    CHECK,
    FINISH,
    DEPENDANTS,
    RELEASE,
    RETRY,
    PARK,
    RENEW,
    HAND_BACK,
    RUNNING,
    TAKE_OVER,
    CANCEL_ASSET,
    CANCEL_MAKING,
    REVIVE_ASSET,
    REVIVE,
    DELETE_ASSET,
    JOB,
    JOBS_OF,
    PARKED_OF,
    DONE_OF,
    DONE_WITH,
    OPEN_JOBS,
    COUNT_AT,
    LIST,
    LIST_OF_ASSET,
    DEPTHS,
    DRAIN,
    RESUME,
    DRAINS,
    RUNNING_OF,
    SIGN_ON,
    SIGN_OFF,
    SIGN_OFF_SILENT,
    DROP_DRAINS,
    ON_DUTY,
    AT_WORK,
    BACKLOG,
    AWAITED,
    NEEDS,
];

/// Those that a restored database sees once, which may read it from end to end: beside [`STATEMENTS`].
pub const STATEMENTS_OF_RESTORING: &[&str] = &[RAISE_ATTEMPTS, REQUEUE_RUNNING, SIGN_OFF_ALL];
