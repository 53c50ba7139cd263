//! Every statement of the unit.

macro_rules! log_columns {
    () => {
        "size, checkpoint, public_key, secret, is_wrapped"
    };
}

macro_rules! entry_columns {
    () => {
        "seq, entry, leaf_hash, actor, action, resource, request_id, time_ms"
    };
}

/// Entries behind a place, newest first. What a search names is looked up in the index of the first of request, resource, action and
/// actor, which `$by` is, and the others are held against what that gives.
macro_rules! search {
    ($by:literal) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            " FROM audit_entry WHERE tenant_id = $1 AND (time_ms, seq) < ($2, $3) AND time_ms >= $4 AND time_ms < $5
                AND (CAST($6 AS TEXT) IS NULL OR request_id = $6) AND (CAST($7 AS TEXT) IS NULL OR resource = $7)
                AND (CAST($8 AS TEXT) IS NULL OR action = $8) AND (CAST($9 AS TEXT) IS NULL OR actor = $9)",
            $by,
            " ORDER BY time_ms DESC, seq DESC LIMIT $10"
        )
    };
}

pub(crate) const INSERT_LOG: &str =
    "INSERT INTO audit_log (tenant_id, size, checkpoint, public_key, secret, is_wrapped, created_ms)
    VALUES ($1, 0, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id) DO NOTHING";
pub(crate) const LOG: &str = concat!("SELECT ", log_columns!(), " FROM audit_log WHERE tenant_id = $1");
/// An update that changes nothing locks the row on both engines.
pub(crate) const LOCK_LOG: &str =
    concat!("UPDATE audit_log SET size = size WHERE tenant_id = $1 RETURNING ", log_columns!());
pub(crate) const ADVANCE: &str = "UPDATE audit_log SET size = $3, checkpoint = $4 WHERE tenant_id = $1 AND size = $2";
pub(crate) const LOGS: &str = "SELECT tenant_id, secret, is_wrapped FROM audit_log WHERE tenant_id > $1
    ORDER BY tenant_id LIMIT $2";
/// Only if nobody has changed it meanwhile.
pub(crate) const RESEAL: &str =
    "UPDATE audit_log SET secret = $2, is_wrapped = $3 WHERE tenant_id = $1 AND secret = $4";

pub(crate) const INSERT_ENTRY: &str =
    "INSERT INTO audit_entry (tenant_id, seq, entry, leaf_hash, actor, action, resource, request_id, time_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(crate) const ENTRY: &str =
    concat!("SELECT ", entry_columns!(), " FROM audit_entry WHERE tenant_id = $1 AND seq = $2");
pub(crate) const ENTRIES: &str =
    concat!("SELECT ", entry_columns!(), " FROM audit_entry WHERE tenant_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3");
pub(crate) const SEARCH: &str = search!("");
pub(crate) const SEARCH_REQUEST: &str = search!(" AND request_id = $6");
pub(crate) const SEARCH_RESOURCE: &str = search!(" AND resource = $7");
pub(crate) const SEARCH_ACTION: &str = search!(" AND action = $8");
pub(crate) const SEARCH_ACTOR: &str = search!(" AND actor = $9");

pub(crate) const LEAVES: &str = "SELECT seq, leaf_hash FROM audit_entry
    WHERE tenant_id = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq";
pub(crate) const INSERT_NODE: &str = "INSERT INTO audit_node (tenant_id, level, idx, hash) VALUES ($1, $2, $3, $4)";
pub(crate) const NODES: &str = "SELECT idx, hash FROM audit_node
    WHERE tenant_id = $1 AND level = $2 AND idx >= $3 AND idx <= $4 ORDER BY idx";
/// Entries that lie outside of what the log says that it has. An entry and its log's new size come in one transaction.
pub(crate) const SURPLUS: &str = "SELECT COUNT(*) FROM audit_entry WHERE tenant_id = $1
    AND (seq < 0 OR seq >= COALESCE((SELECT size FROM audit_log WHERE tenant_id = $1), 0))";

/// What somebody has done, oldest first.
pub(crate) const DONE_BY: &str = "SELECT entry, time_ms, seq FROM audit_entry
    WHERE tenant_id = $1 AND actor = $2 AND (time_ms, seq) > ($3, $4) ORDER BY time_ms, seq LIMIT $5";

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[
    INSERT_LOG,
    LOG,
    LOCK_LOG,
    ADVANCE,
    LOGS,
    RESEAL,
    INSERT_ENTRY,
    ENTRY,
    ENTRIES,
    SEARCH,
    SEARCH_REQUEST,
    SEARCH_RESOURCE,
    SEARCH_ACTION,
    SEARCH_ACTOR,
    LEAVES,
    INSERT_NODE,
    NODES,
    SURPLUS,
    DONE_BY,
];
