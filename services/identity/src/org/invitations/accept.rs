//! What becomes of an invitation that is accepted: an account with all that was promised, and the link by which its password is set.

use axum::http::StatusCode;
use database::{Json, args};
use kernel::{Problem, codes as common};
use media_types::TenantId;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::super::settings::{self, LOCALE, TIME_ZONE};
use super::super::store::{SUSPENDED, Tenants};
use super::super::tree::{self, ROOT};
use super::super::{codes, rolls, tell};
use super::{HAS_ACCOUNT, has_account};
use crate::auth::link;
use crate::auth::secret::{self, INVITATION, LINK, Secret};
use crate::rbac;
use crate::user::{self, Arriving};

/// Whose it is, is what its token says.
pub(super) const FIND: &str = "SELECT i.tenant_id, i.email, i.name, i.node_id, i.roles, i.teams, i.token_sha256, i.invited_by,
    i.expires_ms, t.slug, t.state FROM org_invitation i JOIN tenant t ON t.tenant_id = i.tenant_id WHERE i.id = $1 LIMIT 1";
/// Whoever deletes it has it.
pub(super) const TAKE: &str =
    "DELETE FROM org_invitation WHERE tenant_id = $1 AND id = $2 AND token_sha256 = $3 AND expires_ms > $4";

database::row! {
    struct FoundRow {
        tenant_id: String,
        email: String,
        name: Option<String>,
        node_id: String,
        roles: Json<Vec<String>>,
        teams: Json<Vec<String>>,
        token_sha256: Vec<u8>,
        invited_by: String,
        expires_ms: i64,
        slug: String,
        state: String,
    }
}

/// Somebody who has accepted one.
pub(super) struct Accepted {
    pub(super) tenant: TenantId,
    pub(super) slug: String,
    pub(super) user: String,
    /// By which he sets his password, until then.
    pub(super) token: String,
    pub(super) expires_ms: i64,
}

impl Tenants {
    /// Makes the account of whoever has this token.
    pub(super) async fn accept(&self, token: &str, name: Option<String>) -> Result<Accepted, Problem> {
        let refused = || {
            let detail = "the invitation was accepted or revoked, or has ended";
            Problem::invalid("/token", codes::INVITATION_INVALID, detail)
        };
        let (now_ms, hash) = (self.now_ms(), secret::sha256(token));
        let id = secret::id(INVITATION, token).ok_or_else(refused)?;
        let found: Option<FoundRow> = self.db.optional(FIND, args![&id]).await?;
        let is_it = |row: &FoundRow| bool::from(row.token_sha256.as_slice().ct_eq(&hash)) && row.expires_ms > now_ms;
        let row = found.filter(is_it).ok_or_else(refused)?;
        if row.state == SUSPENDED {
            let detail = "the tenant that has invited is suspended";
            return Err(Problem::new(StatusCode::FORBIDDEN, common::TENANT_SUSPENDED, detail));
        }
        let tenant = row.tenant_id.parse::<TenantId>().map_err(|error| Problem::internal(&error))?;
        let link_secret = Secret::draw(LINK).map_err(|error| Problem::internal(&error))?;

        let mut tx = self.db.begin().await?;
        tree::one_by_one(&mut tx, &tenant).await?;
        if tx.execute(TAKE, args![&tenant, &id, &hash[..], now_ms]).await? == 0 {
            return Err(refused());
        }
        let known: Option<(String,)> = tx.optional(HAS_ACCOUNT, args![&tenant, &row.email]).await?;
        if known.is_some() {
            return Err(has_account());
        }
        // What he was invited to may be gone since: then he belongs to the tenant itself.
        let is_there = tree::depth(&mut tx, &tenant, &row.node_id).await?.is_some();
        let node = if is_there { row.node_id.as_str() } else { ROOT };
        let holds = settings::store::holds_in(&mut tx, &tenant, node).await?;
        let text =
            |key: &str, usual: &str| settings::value(&holds, key).and_then(Value::as_str).unwrap_or(usual).to_owned();
        let local = row.email.split('@').next().unwrap_or_default().to_owned();
        let invited = Arriving {
            name: name.or(row.name).unwrap_or(local),
            email: row.email,
            locale: text(LOCALE, "en"),
            time_zone: text(TIME_ZONE, "UTC"),
        };
        let by = (row.invited_by.as_str(), now_ms);
        let user = user::arrive(&mut tx, &tenant, invited, by).await?;
        tree::put_place(&mut tx, &tenant, &user, node).await?;
        for role in &row.roles.0 {
            rbac::give(&mut tx, &tenant, (&user, role), by).await?;
        }
        for team in &row.teams.0 {
            match rolls::join(&mut tx, &tenant, (team, &user), by).await {
                Err(problem) if problem.status() == StatusCode::NOT_FOUND => {}
                joined => joined?,
            }
        }
        link::put(&mut tx, (&tenant, &user), &link_secret, now_ms).await?;
        let data = json!({ "id": id, "user_id": user, "actor": user });
        tell(&mut tx, &tenant, ("invitation.accepted", &id), data, now_ms).await?;
        tx.commit().await?;
        let (token, expires_ms) = (link_secret.reveal(), now_ms + link::HOLDS_MS);
        Ok(Accepted { tenant, slug: row.slug, user, token, expires_ms })
    }
}
