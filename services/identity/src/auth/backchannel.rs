//! Clients are told that a session of theirs has ended before its time (OpenID Connect Back-Channel Logout 1.0), however it has: by signing out,
//! a new password, a suspension, an erasure.
//!
//! What is to be told is a row from the beginning of the session on. When the session is gone, whoever finds that sends it, so that nothing
//! that ends a session has to know of it; and it is sent again, at ever longer intervals, until the client has taken it.

use database::{DbError, Tx, args};
use futures::future::join_all;
use kernel::Problem;
use kernel::problem::chain;
use serde::Serialize;
use serde_json::json;
use tokio::sync::watch;
use url::form_urlencoded;
use uuid::Uuid;

use super::address::PublicAddress;
use super::sessions::{Account, Sessions};

/// What is sent at once.
const AT_ONCE: i64 = 32;
/// Before it is tried again, the first time; twice as long each time, up to six hours.
const PAUSE_MS: i64 = 60_000;
const LONGEST_MS: i64 = 6 * 3_600_000;
const MAX_TRIES: i64 = 12;
/// Seconds for which a client may take a token (§2.4).
const HOLDS_S: i64 = 120;
/// What makes a token one of these (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// What its header says that it is.
const TYPE: &str = "logout+jwt";

/// Of a client that wants to be told.
const WATCH: &str = "INSERT INTO auth_logout
    (tenant_id, session_id, client_id, user_id, living_tenant_id, living_session_id, tries, next_ms, expires_ms)
    SELECT c.tenant_id, CAST($3 AS TEXT), c.id, CAST($4 AS TEXT), c.tenant_id, CAST($3 AS TEXT), 0, 0, CAST($5 AS BIGINT)
    FROM oauth_client c
    WHERE c.tenant_id = $1 AND c.id = $2 AND c.backchannel_uri IS NOT NULL";
/// A session that ends in its time is no news; nor is one any more that nobody has taken for so long.
const OVER: &str = "SELECT session_id FROM auth_logout WHERE expires_ms <= $1 LIMIT 1";
const SWEEP: &str = "DELETE FROM auth_logout WHERE expires_ms <= $1";
const DUE: &str =
    "SELECT l.tenant_id, l.session_id, l.client_id, l.user_id, l.tries, c.backchannel_uri FROM auth_logout l
    JOIN oauth_client c ON c.tenant_id = l.tenant_id AND c.id = l.client_id
    WHERE l.next_ms <= $1 AND l.expires_ms > $1 AND l.living_session_id IS NULL
    ORDER BY l.next_ms, l.session_id LIMIT $2";
/// Whoever is first sends it.
const CLAIM: &str = "UPDATE auth_logout SET tries = tries + 1, next_ms = $4
    WHERE tenant_id = $1 AND session_id = $2 AND tries = $3";
const TOLD: &str = "DELETE FROM auth_logout WHERE tenant_id = $1 AND session_id = $2";

/// Every statement of it, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[WATCH, OVER, SWEEP, DUE, CLAIM, TOLD];

database::row! {
    /// A session that is gone, and whom that is news to.
    struct DueRow {
        tenant_id: String,
        session_id: String,
        client_id: String,
        user_id: String,
        tries: i64,
        backchannel_uri: Option<String>,
    }
}

/// What a client is told (§2.4).
#[derive(Serialize)]
struct LogoutClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
    sid: &'a str,
    events: serde_json::Value,
}

/// Notes a session that begins for a client, in the transaction in which it does.
pub(super) async fn watch(
    tx: &mut Tx,
    account: &Account,
    (client, session): (&str, &str),
    expires_ms: i64,
) -> Result<(), DbError> {
    let Account { tenant, user } = account;
    tx.execute(WATCH, args![tenant, client, session, user, expires_ms]).await.map(drop)
}

/// Tells clients until `stopped` turns true. Any number of processes may do this at once.
pub(super) async fn run(sessions: Sessions, issuer: Option<PublicAddress>, mut stopped: watch::Receiver<bool>) {
    let Some(issuer) = issuer else { return };
    let mut changed = sessions.db.changed();
    loop {
        changed.mark_unchanged();
        let round = async {
            match deliver(&sessions, &issuer).await {
                Ok(told) if told > 0 => return,
                Ok(_) => {}
                Err(problem) => {
                    tracing::warn!(detail = problem.detail(), "clients are told later that somebody has signed out");
                }
            }
            sessions.db.next_look(&mut changed).await;
        };
        tokio::select! {
            // Whoever could stop it is gone: that is an end too. What is under way is tried again.
            _ = stopped.wait_for(|stop| *stop) => return,
            () = round => {}
        }
    }
}

/// Tells some of those who are to be told now; how many have taken it.
pub(crate) async fn deliver(sessions: &Sessions, issuer: &PublicAddress) -> Result<usize, Problem> {
    let now_ms = (sessions.clock)();
    let due: Vec<DueRow> = sessions.db.all(DUE, args![now_ms, AT_ONCE]).await?;
    // Nobody is woken by a commit that changes nothing.
    let over: Option<(String,)> = sessions.db.optional(OVER, args![now_ms]).await?;
    if over.is_some() {
        let mut tx = sessions.db.begin().await?;
        tx.execute(SWEEP, args![now_ms]).await?;
        tx.commit().await?;
    }
    let told = join_all(due.iter().map(|row| tell(sessions, issuer, row, now_ms))).await;
    let mut count = 0;
    for taken in told {
        count += usize::from(taken?);
    }
    Ok(count)
}

/// Tells one; whether it has taken it.
async fn tell(sessions: &Sessions, issuer: &PublicAddress, row: &DueRow, now_ms: i64) -> Result<bool, Problem> {
    let DueRow { tenant_id, session_id, client_id, user_id, tries, backchannel_uri } = row;
    let pause_ms = PAUSE_MS.saturating_mul(1 << (*tries).clamp(0, 10)).min(LONGEST_MS);
    let mut tx = sessions.db.begin().await?;
    let is_mine = tx.execute(CLAIM, args![tenant_id, session_id, *tries, now_ms + pause_ms]).await? == 1;
    tx.commit().await?;
    if !is_mine {
        return Ok(false);
    }
    let is_told = match backchannel_uri {
        Some(uri) => {
            let now_s = now_ms.div_euclid(1000);
            let claims = LogoutClaims {
                iss: issuer.as_str(),
                sub: user_id,
                aud: client_id,
                iat: now_s,
                exp: now_s + HOLDS_S,
                jti: Uuid::now_v7().simple().to_string(),
                sid: session_id,
                events: json!({ EVENT: {} }),
            };
            let token = sessions.signing.signer().await?.sign_as(TYPE, &claims);
            let form = form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
            match sessions.outside.post(uri, form).await {
                Ok(status) => status.is_success(),
                Err(error) => {
                    tracing::info!(client = %client_id, error = %chain(&error), "a client is not told that somebody has signed out");
                    false
                }
            }
        }
        // It wants to know no longer.
        None => true,
    };
    if is_told || *tries + 1 >= MAX_TRIES {
        let mut tx = sessions.db.begin().await?;
        tx.execute(TOLD, args![tenant_id, session_id]).await?;
        tx.commit().await?;
    }
    Ok(is_told)
}
