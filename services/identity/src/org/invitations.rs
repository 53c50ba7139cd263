//! Who is invited to a tenant, and what he shall have there: an invitation is accepted once, by a token that is given out once.
//!
//! Whoever invites gives no more than he could give at once: what was given since, and where, counts as for those who are there already.
//! Nobody is invited who has an account: the token would open that for whoever has it.
//!
//! - `routes`: `/api/v1/org/invitations`. `views`: their JSON. `accept`: what becomes of one.

mod accept;
pub(super) mod routes;
mod views;

use axum::http::StatusCode;
use database::{DbError, Json, Tx, args};
use kernel::conditional::stale;
use kernel::{Cursor, Principal, Problem, Stored};
use media_types::TenantId;
use serde_json::json;

use self::views::{IssuedInvitationView, OrgInvitationView};
use super::settings::{self, INVITATION_DAYS, INVITATIONS_ALLOWED};
use super::store::Tenants;
use super::tree::{self, ROOT, roles};
use super::{codes, domains, rolls, tell};

/// The most invitations of a tenant that nobody has accepted yet.
const MAX_OPEN: i64 = 1000;
/// For how many days one holds where no setting says so.
const USUAL_DAYS: i64 = 7;
const DAY_MS: i64 = 24 * 3600 * 1000;

macro_rules! invitation_columns {
    () => {
        "id, email, name, node_id, roles, teams, invited_by, expires_ms, created_ms"
    };
}

const PURGE: &str = "DELETE FROM org_invitation WHERE tenant_id = $1 AND expires_ms <= $2";
const COUNT: &str = "SELECT COUNT(*) FROM org_invitation WHERE tenant_id = $1";
const HAS_ACCOUNT: &str = "SELECT id FROM user_account WHERE tenant_id = $1 AND email = $2";
const INSERT: &str = concat!(
    "INSERT INTO org_invitation
        (tenant_id, id, email, name, node_id, roles, teams, token_sha256, invited_by, expires_ms, created_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING ",
    invitation_columns!()
);
const ONE: &str = concat!("SELECT ", invitation_columns!(), " FROM org_invitation WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    invitation_columns!(),
    " FROM org_invitation WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3)
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const DELETE: &str = "DELETE FROM org_invitation WHERE tenant_id = $1 AND id = $2";

/// Every statement of invitations, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] =
    &[PURGE, COUNT, HAS_ACCOUNT, INSERT, ONE, LIST, DELETE, accept::FIND, accept::TAKE];

database::row! {
    /// An invitation, without the hash of its token.
    #[derive(Clone, Debug)]
    pub(crate) struct InvitationRow {
        pub(crate) id: String,
        pub(crate) email: String,
        pub(crate) name: Option<String>,
        pub(crate) node_id: String,
        pub(crate) roles: Json<Vec<String>>,
        pub(crate) teams: Json<Vec<String>>,
        pub(crate) invited_by: String,
        pub(crate) expires_ms: i64,
        pub(crate) created_ms: i64,
    }
}

/// An invitation that is about to be made.
pub(super) struct NewInvitation {
    pub(super) tenant: TenantId,
    pub(super) id: String,
    pub(super) token_sha256: [u8; 32],
    /// In its normal form.
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) node: Option<String>,
    pub(super) roles: Vec<String>,
    pub(super) teams: Vec<String>,
    pub(super) expires_ms: Option<i64>,
    pub(super) by: Principal,
    pub(super) now_ms: i64,
}

impl Tenants {
    pub(super) async fn invitation(&self, tenant: &TenantId, id: &str) -> Result<InvitationRow, Problem> {
        let missing = || Problem::not_found(codes::INVITATION_NOT_FOUND, "there is no such invitation");
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first, those included that have ended lately.
    pub(super) async fn invitations(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<InvitationRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, id, i64::from(limit)]).await
    }

    /// Ends an invitation that nobody has accepted.
    pub(super) async fn revoke_invitation(
        &self,
        tenant: &TenantId,
        of: &InvitationRow,
        actor: &str,
    ) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.id]).await? == 0 {
            return Err(stale());
        }
        let data = json!({ "id": of.id, "actor": actor });
        tell(&mut tx, tenant, ("invitation.revoked", &of.id), data, self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// Makes an invitation, in the transaction that stores the answer: without the token, which is stored nowhere.
pub(super) async fn create(tx: &mut Tx, new: NewInvitation) -> Result<Stored, Problem> {
    let NewInvitation { tenant, id, token_sha256, email, name, node, roles, teams, expires_ms, by, now_ms } = new;
    tree::one_by_one(tx, &tenant).await?;
    tx.execute(PURGE, args![&tenant, now_ms]).await?;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_OPEN {
        let detail = format!("there are {MAX_OPEN} invitations already that nobody has accepted");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::INVITATION_TOO_MANY, detail));
    }
    let known: Option<(String,)> = tx.optional(HAS_ACCOUNT, args![&tenant, &email]).await?;
    if known.is_some() {
        return Err(has_account());
    }
    let node = match node {
        Some(node) => node,
        None => domains::place_of(tx, &tenant, &email).await?.unwrap_or_else(|| ROOT.to_owned()),
    };
    tree::level(tx, &tenant, &node, "/node_id").await?;
    tree::check_beyond(tx, &tenant, [&node, ROOT], &by).await?;
    check_given(tx, &tenant, (&roles, &teams), &by).await?;
    let holds = settings::store::holds_in(tx, &tenant, &node).await?;
    if settings::value(&holds, INVITATIONS_ALLOWED).and_then(serde_json::Value::as_bool) == Some(false) {
        return Err(Problem::conflict(codes::INVITATION_NOT_ALLOWED, "nobody is invited to this place"));
    }
    let days = settings::value(&holds, INVITATION_DAYS).and_then(serde_json::Value::as_i64).unwrap_or(USUAL_DAYS);
    let expires_ms = expires_ms.unwrap_or(now_ms + days * DAY_MS);
    let args = args![
        &tenant,
        &id,
        &email,
        name,
        &node,
        json!(roles),
        json!(teams),
        &token_sha256[..],
        by.actor(),
        expires_ms,
        now_ms
    ];
    let row: InvitationRow = match tx.optional(INSERT, args).await {
        Err(error) if error.is_unique_violation() => {
            let detail = "somebody has invited this address already";
            return Err(Problem::conflict(codes::INVITATION_EXISTS, detail));
        }
        made => made?.ok_or(DbError::NoRow)?,
    };
    // Without name and address: events are kept, and what is erased must not be in them.
    let data = json!({ "id": id, "node_id": node, "role_ids": roles, "team_ids": teams, "actor": by.actor() });
    tell(tx, &tenant, ("invitation.created", &id), data, now_ms).await?;
    let view = IssuedInvitationView { invitation: OrgInvitationView::from(row), token: None };
    let body = serde_json::to_value(view).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

/// That there are such roles and teams, and nothing in them that whoever invites lacks.
async fn check_given(
    tx: &mut Tx,
    tenant: &TenantId,
    (given, teams): (&[String], &[String]),
    by: &Principal,
) -> Result<(), Problem> {
    let unknown = |pointer: String, problem: Problem| {
        if problem.status() == StatusCode::NOT_FOUND {
            return Problem::invalid(pointer, codes::INVITATION_UNKNOWN, problem.detail());
        }
        problem
    };
    for (at, role) in given.iter().enumerate() {
        let checked = roles::check_role(tx, tenant, role, by).await;
        checked.map_err(|problem| unknown(format!("/role_ids/{at}"), problem))?;
    }
    for (at, team) in teams.iter().enumerate() {
        let checked = rolls::check_team(tx, tenant, team).await;
        checked.map_err(|problem| unknown(format!("/team_ids/{at}"), problem))?;
    }
    Ok(())
}

fn has_account() -> Problem {
    Problem::conflict(codes::INVITATION_HAS_ACCOUNT, "there is a person with this address already")
}
