//! Every statement of this crate.

use database::Json;
use serde_json::Value;

macro_rules! letter_columns {
    () => {
        "tenant_id, id, template, locale, recipient, vars, link, secret, is_wrapped, attempt, tries, until_ms, created_ms"
    };
}

/// Those that wait; what was given up counts no more.
pub(crate) const COUNT: &str = "SELECT COUNT(*) FROM letter WHERE tenant_id = $1 AND state <> 'failed'";
pub(crate) const INSERT: &str =
    "INSERT INTO letter (tenant_id, id, template, locale, recipient, vars, link, secret, is_wrapped,
    state, attempt, tries, next_ms, until_ms, created_ms, updated_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', 0, 0, $10, $11, $10, $10)";
pub(crate) const DUE: &str = "SELECT id FROM letter WHERE state IN ('pending', 'sending') AND next_ms <= $1 LIMIT 1";
/// Chosen once and for all before the update. Whose claim has ended is due like any other one.
pub(crate) const CLAIM: &str = concat!(
    "WITH chosen AS MATERIALIZED (SELECT tenant_id, id FROM letter
        WHERE state IN ('pending', 'sending') AND next_ms <= $1 ORDER BY next_ms, id LIMIT $3 /*SKIP LOCKED*/)
    UPDATE letter SET state = 'sending', attempt = attempt + 1, tries = tries + 1, next_ms = $2, updated_ms = $1
        WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM chosen) RETURNING ",
    letter_columns!()
);
/// Of a claim that goes on.
pub(crate) const HOLD: &str = "UPDATE letter SET next_ms = $4
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'sending'";
/// Under the claim that it was sent by. What was sent leaves nothing.
pub(crate) const SENT: &str = "DELETE FROM letter WHERE tenant_id = $1 AND id = $2 AND attempt = $3";
pub(crate) const AGAIN: &str = "UPDATE letter SET state = 'pending', next_ms = $4, error = $5, updated_ms = $6
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'sending'";
/// What its link opens with goes at once.
pub(crate) const GIVE_UP: &str =
    "UPDATE letter SET state = 'failed', link = NULL, secret = NULL, error = $4, updated_ms = $5
    WHERE tenant_id = $1 AND id = $2 AND attempt = $3 AND state = 'sending'";
pub(crate) const GIVEN_UP: &str =
    "SELECT tenant_id, id, template, recipient, tries, error, created_ms, updated_ms FROM letter
    WHERE state = 'failed' AND (updated_ms, id) < ($1, $2) ORDER BY updated_ms DESC, id DESC LIMIT $3";
/// Those to one address, whatever has become of them.
pub(crate) const FORGET: &str = "DELETE FROM letter WHERE tenant_id = $1 AND recipient = $2";
/// Removes at most `$2` of those that were given up before `$1`, in milliseconds since 1970.
pub const REMOVE: &str = "DELETE FROM letter WHERE (tenant_id, id) IN
    (SELECT tenant_id, id FROM letter WHERE state = 'failed' AND updated_ms < $1 ORDER BY updated_ms LIMIT $2)";

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[&str] = &[COUNT, INSERT, DUE, CLAIM, HOLD, SENT, AGAIN, GIVE_UP, GIVEN_UP, FORGET, REMOVE];

database::row! {
    /// A letter that was claimed.
    pub(crate) struct ClaimedRow {
        pub(crate) tenant_id: String,
        pub(crate) id: String,
        pub(crate) template: String,
        pub(crate) locale: String,
        pub(crate) recipient: String,
        pub(crate) vars: Json<Value>,
        pub(crate) link: Option<String>,
        pub(crate) secret: Option<Vec<u8>>,
        pub(crate) is_wrapped: bool,
        pub(crate) attempt: i64,
        pub(crate) tries: i64,
        pub(crate) until_ms: i64,
        pub(crate) created_ms: i64,
    }
}
