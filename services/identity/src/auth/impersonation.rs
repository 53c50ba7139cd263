//! Acting as somebody else, to see what he sees: for ten minutes, in the open, by whoever may that and lacks nothing that the person may.
//!
//! It is a session of that person's, which he sees among his own with who and why. Its token names both (RFC 8693 §4.1), as does the audit log
//! in whatever is done by it. It ends with the session in which it was asked for, gives nothing to anybody, and changes neither what the person
//! proves who he is by nor that of others.

use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::{Json, args};
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, Grants, Permission, Person, Policy, Principal, Problem, Routes, Tenant, text};
use postbox::About;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::codes;
use super::factors::check_recent;
use super::jwt::Act;
use super::policy::Rules;
use super::proof::Proof;
use super::secret::Refresh;
use super::sessions::store::{BY_ID, STAYS};
use super::sessions::{ACCESS_S, Account, SessionRow, Sessions, tell};
use crate::rbac::{held, model};

/// Characters of a reason.
const MAX_REASON: usize = 500;

/// A permission of its own, so that nobody has it by one for people.
pub(super) const CREATE: Permission = Permission::new("impersonation", "create");

const TARGET: &str = "SELECT permissions FROM user_account WHERE tenant_id = $1 AND id = $2 AND state = 'active'";
/// Those that are over, and the one that this takes the place of.
const FORGET: &str = "DELETE FROM auth_session WHERE tenant_id = $1 AND user_id = $2 AND acted_by IS NOT NULL
    AND (acted_by = $3 OR expires_ms <= $4)";
const INSERT: &str = "INSERT INTO auth_session
    (tenant_id, id, user_id, user_agent, family_sha256, token_sha256, methods, authenticated_ms, expires_ms, last_used_ms, created_ms,
        acted_by, acted_session_id, reason)
    VALUES ($1, $2, $3, NULL, $4, $5, $6, 0, $7, $8, $8, $9, $10, $11)";

/// Every statement of it, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[TARGET, FORGET, INSERT];

/// Mounts every route.
pub(super) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Sessions: FromRef<S>,
{
    routes.mount(Policy::May(CREATE), routes!(impersonate))
}

/// Why somebody acts as another person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImpersonationRequest {
    /// For that person to read, and for the record: 1 to 500 characters.
    #[schema(example = "Request 4711: his list of recordings stays empty")]
    pub(crate) reason: String,
}

/// What opens the API as another person. It is in this answer and in no other.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImpersonationView {
    /// What to send as `Authorization: Bearer`. Its `act` says who acts.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds for which it holds; there is no other one behind it.
    expires_in: i64,
    /// The session.
    session_id: String,
    /// The person.
    user_id: String,
}

impl Sessions {
    /// What a person may who is not suspended.
    async fn grants_of(&self, account: &Account) -> Result<Grants, Problem> {
        let Account { tenant, user } = account;
        let found: Option<(Json<Grants>,)> = self.db.optional(TARGET, args![tenant, user]).await?;
        let (Json(own),) = found.ok_or_else(unknown)?;
        Ok(model::may(&own, &held(&self.db, tenant, user).await?, (self.clock)()))
    }

    /// Begins a session in which somebody acts as this person.
    async fn act(&self, me: &Person, account: Account, reason: String) -> Result<ImpersonationView, Problem> {
        let now_ms = (self.clock)();
        let own: Option<SessionRow> = self.db.optional(BY_ID, args![&me.session]).await?;
        let own = own.filter(|row| row.user_id == me.id).ok_or_else(unknown)?;
        // What he himself has shown, and that the person has shown nothing.
        let proof = Proof::stored(&own.proof().text(), 0);
        let refresh = Refresh::first().map_err(|error| Problem::internal(&error))?;
        let expires_ms = (now_ms + ACCESS_S * 1000).min(own.expires_ms);
        let mut claims = self.claims((&account, &proof), &refresh.session, expires_ms, None);
        claims.act = Some(Act { sub: me.id.clone() });
        let access_token = self.signing.signer().await?.sign(&claims);
        let Account { tenant, user } = account;
        let mut tx = self.db.begin().await?;
        if tx.execute(STAYS, args![&tenant, &user]).await? == 0 {
            return Err(unknown());
        }
        tx.execute(FORGET, args![&tenant, &user, &me.id, now_ms]).await?;
        let args = args![
            &tenant,
            &refresh.session,
            &user,
            &refresh.family_sha256()[..],
            &refresh.sha256()[..],
            proof.text(),
            expires_ms,
            now_ms,
            &me.id,
            &me.session,
            &reason
        ];
        tx.execute(INSERT, args).await?;
        let data = json!({ "id": refresh.session, "user_id": user, "actor": me.id, "reason": reason });
        tell(&mut tx, &tenant, ("session.impersonated", &user), data, now_ms).await?;
        self.notify(&mut tx, (&tenant, &user), &About::Impersonated).await?;
        tx.commit().await?;
        let expires_in = (expires_ms - now_ms) / 1000;
        Ok(ImpersonationView {
            access_token,
            token_type: "Bearer",
            expires_in,
            session_id: refresh.session,
            user_id: user,
        })
    }
}

fn unknown() -> Problem {
    Problem::not_found(codes::IMPERSONATION_UNKNOWN_PERSON, "there is no such person who could sign in")
}

/// That it is somebody in person who asks.
fn in_person(principal: &Principal) -> Result<&Arc<Person>, Problem> {
    let detail = "only somebody who has signed in acts as another person, so that it is known who does";
    match principal {
        Principal::Person(me) => Ok(me),
        _ => Err(Problem::new(StatusCode::FORBIDDEN, codes::IMPERSONATION_NOT_IN_PERSON, detail)),
    }
}

/// Lets the person who asks act as another one for ten minutes, where the tenant allows it. He has to have proved within ten minutes who he is,
/// and to lack nothing that the other one may. That one sees it among his sessions, with the reason.
#[utoipa::path(
    post, path = "/api/v1/auth/impersonations/{id}", operation_id = "impersonate", tag = "sessions",
    params(("id" = String, Path, description = "the person to act as")),
    request_body = ImpersonationRequest,
    responses(
        (status = 201, description = "the token", body = ImpersonationView),
        (
            status = 403,
            description = "nobody in person, or not proved of late; or the tenant allows it to nobody, or the person may more",
            body = ProblemBody
        ),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 422, description = "no reason", body = ProblemBody),
    )
)]
pub(crate) async fn impersonate(
    State(sessions): State<Sessions>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiPath(id): ApiPath<String>,
    ApiJson(request): ApiJson<ImpersonationRequest>,
) -> Result<Response, Problem> {
    let account = Account { tenant, user: id };
    let wanted = sessions.grants_of(&account).await?;
    let me = in_person(&principal)?;
    check_recent(me, (sessions.clock)())?;
    text::check(&request.reason, 1..=MAX_REASON)
        .map_err(|detail| Problem::invalid("/reason", codes::IMPERSONATION_INVALID_REASON, detail))?;
    let forbidden = |code, detail: String| Err(Problem::new(StatusCode::FORBIDDEN, code, detail));
    if !Rules::of(&sessions.db, &account.tenant).await?.allows_impersonation {
        let detail = "the tenant allows nobody to act as another person";
        return forbidden(codes::IMPERSONATION_NOT_ALLOWED, detail.to_owned());
    }
    if let Some(lacking) = principal.lacks(&wanted) {
        return forbidden(codes::IMPERSONATION_BEYOND_OWN, format!("whoever asks has no {lacking} himself"));
    }
    let view = sessions.act(me, account, request.reason).await?;
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response())
}
