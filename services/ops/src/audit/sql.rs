//! Every statement of the unit.

macro_rules! log_columns {
    () => {
        "size, checkpoint, public_key, secret, is_wrapped"
    };
}

macro_rules! entry_columns {
    () => {
        "seq, entry, leaf_hash, actor, action, resource, request_id, session, subject, time_ms"
    };
}

macro_rules! stream_columns {
    () => {
        "tenant_id, id, url, has_personal, credential, next_seq, due_ms, failures, last_error, last_ms, created_by, created_ms"
    };
}

/// Whether the hold `h` holds the entry `e`.
macro_rules! holds {
    () => {
        "e.time_ms >= COALESCE(h.from_ms, e.time_ms) AND e.time_ms < COALESCE(h.to_ms, e.time_ms + 1)
                AND (h.resource IS NULL OR e.resource = h.resource
                    OR substr(e.resource, 1, length(h.resource) + 1) = h.resource || '/')
                AND (h.person IS NULL OR e.actor = h.person OR e.subject = h.person)"
    };
}

/// What changes who may what: what a review of access looks at.
macro_rules! access_actions {
    () => {
        "'accept_invitation', 'add_identity', 'create_api_key', 'create_identity_provider', 'create_invitation', \
        'create_oauth_client', 'create_org_domain', 'create_org_node', 'create_password_link', 'create_role', \
        'create_user', 'delete_identity_provider', 'delete_oauth_client', 'delete_org_domain', 'delete_org_node', \
        'delete_role', 'erase_user', 'grant_org_node_role', 'grant_role', 'impersonate', 'import_users', 'merge_users', \
        'prove_org_domain', 'put_guardian', 'put_org_place', 'put_sign_in_policy', 'remove_guardian', 'remove_identity', \
        'remove_totp', 'reset_factors', 'resume_tenant', 'revoke_api_key', 'revoke_invitation', 'revoke_org_node_role', \
        'revoke_role', 'scim_create_user', 'scim_erase_user', 'scim_patch_user', 'scim_replace_user', 'suspend_tenant', \
        'update_identity_provider', 'update_oauth_client', 'update_org_domain', 'update_org_node', 'update_role', \
        'update_user'"
    };
}

/// What changes the log's own keeping, by whomever.
macro_rules! keeping_actions {
    () => {
        "'create_audit_hold', 'create_audit_stream', 'end_audit_stream', 'put_audit_retention', 'release_audit_hold'"
    };
}

/// The operations that packs name, by their ids.
pub fn packed() -> impl Iterator<Item = &'static str> {
    [access_actions!(), keeping_actions!()].into_iter().flat_map(|list| list.split('\'').skip(1).step_by(2))
}

/// Entries behind a place, newest first. What a search names is looked up in the index of the first of request, session, resource,
/// subject, action and actor, which `$by` is, and the others are held against what that gives.
macro_rules! search {
    ($($by:tt)*) => {
        concat!(
            "SELECT ",
            entry_columns!(),
            " FROM audit_entry WHERE tenant_id = $1 AND (time_ms, seq) < ($2, $3) AND time_ms >= $4 AND time_ms < $5
                AND entry <> ''
                AND (CAST($6 AS TEXT) IS NULL OR request_id = $6) AND (CAST($7 AS TEXT) IS NULL OR resource = $7)
                AND (CAST($8 AS TEXT) IS NULL OR action = $8) AND (CAST($9 AS TEXT) IS NULL OR actor = $9)
                AND (CAST($10 AS TEXT) IS NULL OR session = $10) AND (CAST($11 AS TEXT) IS NULL OR subject = $11)",
            $($by)*,
            " ORDER BY time_ms DESC, seq DESC LIMIT $12"
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
    "INSERT INTO audit_entry (tenant_id, seq, entry, leaf_hash, actor, action, resource, request_id, session, subject, time_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
pub(crate) const ENTRY: &str =
    concat!("SELECT ", entry_columns!(), " FROM audit_entry WHERE tenant_id = $1 AND seq = $2");
pub(crate) const ENTRIES: &str =
    concat!("SELECT ", entry_columns!(), " FROM audit_entry WHERE tenant_id = $1 AND seq >= $2 ORDER BY seq LIMIT $3");
pub(crate) const SEARCH: &str = search!("");
pub(crate) const SEARCH_REQUEST: &str = search!(" AND request_id = $6");
pub(crate) const SEARCH_RESOURCE: &str = search!(" AND resource = $7");
pub(crate) const SEARCH_ACTION: &str = search!(" AND action = $8");
pub(crate) const SEARCH_ACTOR: &str = search!(" AND actor = $9");
pub(crate) const SEARCH_SESSION: &str = search!(" AND session = $10");
pub(crate) const SEARCH_SUBJECT: &str = search!(" AND subject = $11");
pub(crate) const SEARCH_ACCESS: &str = search!(" AND action IN (", access_actions!(), ")");
pub(crate) const SEARCH_ADMIN: &str = search!(" AND (actor = 'admin' OR action IN (", keeping_actions!(), "))");

pub(crate) const SUBJECT: &str = "SELECT secret, is_wrapped FROM audit_subject WHERE tenant_id = $1 AND id = $2";
pub(crate) const INSERT_SUBJECT: &str = "INSERT INTO audit_subject (tenant_id, id, secret, is_wrapped, created_ms)
    VALUES ($1, $2, $3, $4, $5)";
/// The row stays: no other key is drawn for whom it names.
pub(crate) const ERASE: &str = "INSERT INTO audit_subject (tenant_id, id, secret, is_wrapped, created_ms, erased_ms)
    VALUES ($1, $2, NULL, FALSE, $3, $3) ON CONFLICT (tenant_id, id) DO UPDATE SET
    secret = NULL, is_wrapped = FALSE, erased_ms = excluded.erased_ms
    WHERE audit_subject.erased_ms IS NULL OR audit_subject.secret IS NOT NULL";
/// While a hold keeps what is said of him: he has been erased, and his key goes when that ends.
pub(crate) const ERASE_LATER: &str =
    "INSERT INTO audit_subject (tenant_id, id, secret, is_wrapped, created_ms, erased_ms)
    VALUES ($1, $2, NULL, FALSE, $3, $3) ON CONFLICT (tenant_id, id) DO UPDATE SET
    erased_ms = excluded.erased_ms WHERE audit_subject.erased_ms IS NULL";
pub(crate) const TO_ERASE: &str = "SELECT tenant_id, id FROM audit_subject
    WHERE erased_ms IS NOT NULL AND secret IS NOT NULL AND (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3";
pub(crate) const SUBJECTS: &str = "SELECT tenant_id, id, secret, is_wrapped FROM audit_subject
    WHERE (tenant_id, id) > ($1, $2) AND secret IS NOT NULL ORDER BY tenant_id, id LIMIT $3";
/// Only if nobody has changed it meanwhile.
pub(crate) const RESEAL_SUBJECT: &str = "UPDATE audit_subject SET secret = $3, is_wrapped = $4
    WHERE tenant_id = $1 AND id = $2 AND secret = $5";

pub(crate) const RETENTION: &str = "SELECT days, swept_ms, updated_ms FROM audit_retention WHERE tenant_id = $1";
/// What is kept for a shorter time now is found from the place on that was come to.
pub(crate) const RETAIN: &str =
    "INSERT INTO audit_retention (tenant_id, days, swept_ms, updated_ms) VALUES ($1, $2, 0, $3)
    ON CONFLICT (tenant_id) DO UPDATE SET days = excluded.days, updated_ms = excluded.updated_ms";
pub(crate) const RETAIN_FOR_GOOD: &str = "DELETE FROM audit_retention WHERE tenant_id = $1";
pub(crate) const RETENTIONS: &str = "SELECT tenant_id FROM audit_retention WHERE tenant_id > $1
    ORDER BY tenant_id LIMIT $2";
pub(crate) const SWEPT: &str = "UPDATE audit_retention SET swept_ms = $2 WHERE tenant_id = $1 AND swept_ms < $2";
pub(crate) const SWEEP_ANEW: &str = "UPDATE audit_retention SET swept_ms = 0 WHERE tenant_id = $1";
/// Chosen once and for all before any is changed.
pub(crate) const EMPTY: &str = concat!(
    "WITH chosen AS MATERIALIZED (SELECT e.seq FROM audit_entry e
        WHERE e.tenant_id = $1 AND e.time_ms >= $2 AND e.time_ms < $3 AND e.entry <> ''
            AND NOT EXISTS (SELECT 1 FROM audit_hold h WHERE h.tenant_id = $1 AND ",
    holds!(),
    ") ORDER BY e.time_ms, e.seq LIMIT $4)
    UPDATE audit_entry SET entry = '', actor = '', action = '', resource = '', request_id = NULL, session = NULL, subject = NULL
    WHERE tenant_id = $1 AND seq IN (SELECT seq FROM chosen) RETURNING seq"
);
/// Whether something holds what there is of somebody.
pub(crate) const HELD: &str = concat!(
    "SELECT COUNT(*) FROM audit_hold h WHERE h.tenant_id = $1 AND (h.person = $2
        OR EXISTS (SELECT 1 FROM audit_entry e
            WHERE e.tenant_id = $1 AND (e.actor = $2 OR e.subject = $2) AND ",
    holds!(),
    "))"
);
pub(crate) const INSERT_HOLD: &str =
    "INSERT INTO audit_hold (tenant_id, id, reason, resource, person, from_ms, to_ms, created_by, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
pub(crate) const COUNT_HOLDS: &str = "SELECT COUNT(*) FROM audit_hold WHERE tenant_id = $1";
pub(crate) const HOLDS: &str =
    "SELECT id, reason, resource, person, from_ms, to_ms, created_by, created_ms FROM audit_hold
    WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4";
pub(crate) const HOLD: &str =
    "SELECT id, reason, resource, person, from_ms, to_ms, created_by, created_ms FROM audit_hold
    WHERE tenant_id = $1 AND id = $2";
pub(crate) const RELEASE: &str = "DELETE FROM audit_hold WHERE tenant_id = $1 AND id = $2";

pub(crate) const STREAMS: &str = concat!(
    "SELECT ",
    stream_columns!(),
    " FROM audit_stream WHERE tenant_id = $1 ORDER BY created_ms DESC, id DESC LIMIT $2"
);
pub(crate) const STREAM: &str =
    concat!("SELECT ", stream_columns!(), " FROM audit_stream WHERE tenant_id = $1 AND id = $2");
pub(crate) const COUNT_STREAMS: &str = "SELECT COUNT(*) FROM audit_stream WHERE tenant_id = $1";
pub(crate) const INSERT_STREAM: &str = "INSERT INTO audit_stream
        (tenant_id, id, url, has_personal, credential, next_seq, due_ms, failures, created_by, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)";
pub(crate) const END_STREAM: &str = "DELETE FROM audit_stream WHERE tenant_id = $1 AND id = $2";
pub(crate) const FORGET_SUBJECT: &str = "DELETE FROM audit_subject WHERE tenant_id = $1 AND id = $2";
/// Those that are due and have something to send.
pub(crate) const DUE_STREAMS: &str = concat!(
    "SELECT ",
    stream_columns!(),
    " FROM audit_stream s WHERE due_ms <= $1
        AND EXISTS (SELECT 1 FROM audit_log l WHERE l.tenant_id = s.tenant_id AND l.size > s.next_seq)
    ORDER BY due_ms LIMIT $2"
);
/// Only if nobody else was first.
pub(crate) const CLAIM_STREAM: &str =
    "UPDATE audit_stream SET due_ms = $4 WHERE tenant_id = $1 AND id = $2 AND due_ms = $3";
pub(crate) const ADVANCE_STREAM: &str =
    "UPDATE audit_stream SET next_seq = $4, due_ms = $5, failures = $6, last_error = $7,
        last_ms = COALESCE(CAST($8 AS BIGINT), last_ms)
    WHERE tenant_id = $1 AND id = $2 AND due_ms = $3";

pub(crate) const UNJUDGED: &str =
    "SELECT l.tenant_id FROM audit_log l LEFT JOIN audit_judged j ON j.tenant_id = l.tenant_id
    WHERE l.tenant_id > $1 AND l.size > COALESCE(j.next_seq, 0) ORDER BY l.tenant_id LIMIT $2";
pub(crate) const JUDGED: &str = "SELECT next_seq FROM audit_judged WHERE tenant_id = $1";
/// Only if nobody else was first.
pub(crate) const JUDGE: &str = "INSERT INTO audit_judged (tenant_id, next_seq) VALUES ($1, $3)
    ON CONFLICT (tenant_id) DO UPDATE SET next_seq = excluded.next_seq WHERE audit_judged.next_seq = $2";
pub(crate) const INSERT_FINDING: &str = "INSERT INTO audit_finding (tenant_id, id, rule, seq, actor, count, time_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, rule, seq) DO NOTHING";
pub(crate) const FINDINGS: &str = "SELECT id, rule, seq, actor, count, time_ms FROM audit_finding
    WHERE tenant_id = $1 AND (time_ms, id) < ($2, $3) ORDER BY time_ms DESC, id DESC LIMIT $4";

pub(crate) const LEAVES: &str = "SELECT seq, leaf_hash FROM audit_entry
    WHERE tenant_id = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq";
pub(crate) const INSERT_NODE: &str = "INSERT INTO audit_node (tenant_id, level, idx, hash) VALUES ($1, $2, $3, $4)";
pub(crate) const NODES: &str = "SELECT idx, hash FROM audit_node
    WHERE tenant_id = $1 AND level = $2 AND idx >= $3 AND idx <= $4 ORDER BY idx";
/// Entries that lie outside of what the log says that it has. An entry and its log's new size come in one transaction.
pub(crate) const SURPLUS: &str = "SELECT COUNT(*) FROM audit_entry WHERE tenant_id = $1
    AND (seq < 0 OR seq >= COALESCE((SELECT size FROM audit_log WHERE tenant_id = $1), 0))";

/// What somebody has done, oldest first.
/// What others have done to him.
pub(crate) const DONE_TO: &str = "SELECT entry, time_ms, seq FROM audit_entry WHERE tenant_id = $1 AND subject = $2
    AND actor <> $2 AND (time_ms, seq) > ($3, $4) ORDER BY time_ms, seq LIMIT $5";
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
    SEARCH_SESSION,
    SEARCH_SUBJECT,
    SEARCH_ACCESS,
    SEARCH_ADMIN,
    SUBJECT,
    INSERT_SUBJECT,
    ERASE,
    SUBJECTS,
    RESEAL_SUBJECT,
    RETENTION,
    RETAIN,
    RETAIN_FOR_GOOD,
    RETENTIONS,
    SWEPT,
    SWEEP_ANEW,
    EMPTY,
    HELD,
    ERASE_LATER,
    TO_ERASE,
    INSERT_HOLD,
    COUNT_HOLDS,
    HOLDS,
    HOLD,
    RELEASE,
    STREAMS,
    STREAM,
    COUNT_STREAMS,
    INSERT_STREAM,
    END_STREAM,
    FORGET_SUBJECT,
    DUE_STREAMS,
    CLAIM_STREAM,
    ADVANCE_STREAM,
    UNJUDGED,
    JUDGED,
    JUDGE,
    INSERT_FINDING,
    FINDINGS,
    LEAVES,
    INSERT_NODE,
    NODES,
    SURPLUS,
    DONE_BY,
    DONE_TO,
];
