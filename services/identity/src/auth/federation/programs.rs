//! Signing in by a provider with a program that asks for it here, and who one is at providers: `/api/v1/auth/sessions/provider` and
//! `/api/v1/auth/identities`.

use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kernel::problem::ProblemBody;
use kernel::{ApiJson, ApiPath, ApiQuery, Myself, Policy, Problem, Routes};
use utoipa_axum::routes;

use super::sign_in::{Purpose, Returned, nobody};
use super::views::{
    IdentitiesView, IdentityChallengeRequest, IdentityView, OfferedProviderView, OfferedProvidersView, OfferedQuery,
    ProviderAnswerRequest, ProviderChallengeRequest, ProviderChallengeView,
};
use super::{Federation, missing};
use crate::auth::codes;
use crate::auth::proof::FEDERATED;
use crate::auth::secret;
use crate::auth::sessions::routes::{agent, begun, by, fresh};
use crate::auth::sessions::views::{HalfWayView, TokensView};
use crate::auth::sessions::{Passed, SignedIn};

/// Mounts every route.
pub(in crate::auth) fn mount<S>(routes: Routes<S>) -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Federation: FromRef<S>,
{
    use Policy::{Person, Public};
    routes
        .mount(Public, routes!(offered))
        .mount(Public, routes!(leave))
        .mount(Public, routes!(come_back))
        .mount(Person, routes!(leave_to_link))
        .mount(Person, routes!(identities, link))
        .mount(Person, routes!(unlink))
}

fn returned(request: &ProviderAnswerRequest) -> Returned<'_> {
    Returned { state: &request.state, code: request.code.as_deref(), iss: request.iss.as_deref() }
}

/// The providers by which people of a tenant can sign in.
#[utoipa::path(
    get, path = "/api/v1/auth/sessions/providers", operation_id = "list_offered_providers", tag = "sessions",
    params(OfferedQuery),
    responses(
        (status = 200, description = "all of them", body = OfferedProvidersView),
        (status = 422, description = "not a valid query", body = ProblemBody),
    )
)]
pub(crate) async fn offered(
    State(federation): State<Federation>,
    ApiQuery(query): ApiQuery<OfferedQuery>,
) -> Result<Response, Problem> {
    let rows = match federation.sessions.tenant_named(&query.tenant).await? {
        Some(tenant) => federation.offered(&tenant).await?,
        None => Vec::new(),
    };
    Ok(fresh(OfferedProvidersView { items: rows.into_iter().map(OfferedProviderView::from).collect() }))
}

/// Where a page sends the browser of whoever signs in by a provider. It comes back to that page, at the address of this installation.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/provider-challenge", operation_id = "begin_provider_sign_in", tag = "sessions",
    request_body = ProviderChallengeRequest, extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "where, and what to come back with", body = ProviderChallengeView),
        (status = 404, description = "no such provider, or no address that it could send anybody back to", body = ProblemBody),
        (status = 503, description = "the provider does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn leave(
    State(federation): State<Federation>,
    ApiJson(request): ApiJson<ProviderChallengeRequest>,
) -> Result<Response, Problem> {
    let tenant = federation.sessions.tenant_named(&request.tenant).await?.ok_or_else(missing)?;
    let of = federation.open(&tenant, &request.provider_id).await?;
    let token = secret::random().map_err(|error| Problem::internal(&error))?;
    let address = federation.leave((&tenant, &of), Purpose::Program, &token, None).await?;
    Ok(fresh(ProviderChallengeView::of(address, token)))
}

/// Begins the session of whoever has come back from a provider. Whoever has codes is asked for one first: `POST
/// /api/v1/auth/sessions/code`.
#[utoipa::path(
    post, path = "/api/v1/auth/sessions/provider", operation_id = "sign_in_by_provider", tag = "sessions",
    request_body = ProviderAnswerRequest, extensions(("x-audit" = json!("answer"))),
    responses(
        (status = 200, description = "it is he, and a code is needed besides", body = HalfWayView),
        (status = 201, description = "the session with its tokens", body = TokensView),
        (status = 400, description = "nobody is to come back with this", body = ProblemBody),
        (status = 403, description = "the provider has let nobody in, or nobody who has an account; or the tenant is suspended", body = ProblemBody),
        (status = 404, description = "the provider is none any more", body = ProblemBody),
        (status = 409, description = "he has just been let in elsewhere", body = ProblemBody),
        (status = 503, description = "the provider does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn come_back(
    State(federation): State<Federation>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<ProviderAnswerRequest>,
) -> Result<Response, Problem> {
    let waiting = federation.waiting(&request.state).await?;
    if waiting.purpose() != Purpose::Program {
        let detail = "somebody was sent to the provider for something else";
        return Err(Problem::bad_request(codes::PROVIDER_SIGN_IN_INVALID, detail));
    }
    let account = federation.come_back(&waiting, returned(&request), &request.provider_token).await?;
    let signed_in = match federation.sessions.passed(account, FEDERATED, "").await?.ok_or_else(nobody)? {
        Passed::Whole(account, proof) => {
            federation.sessions.whole(&account, &proof, agent(&headers)).await?.ok_or_else(nobody)?
        }
        Passed::HalfWay(half) => SignedIn::HalfWay(half),
    };
    match signed_in {
        SignedIn::Whole(tokens) => Ok(begun(tokens)),
        SignedIn::HalfWay(half) => {
            let by = by(&half.account);
            let mut response = fresh(HalfWayView::from(half));
            response.extensions_mut().insert(by);
            Ok(response)
        }
    }
}

/// Where a page sends the browser of the person who asks, to say who he is at a provider.
#[utoipa::path(
    post, path = "/api/v1/auth/identities/challenge", operation_id = "begin_identity", tag = "factors",
    request_body = IdentityChallengeRequest, extensions(("x-audit" = json!("none"))),
    responses(
        (status = 200, description = "where, and what to come back with", body = ProviderChallengeView),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 404, description = "no such provider, or no address that it could send anybody back to", body = ProblemBody),
        (status = 503, description = "the provider does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn leave_to_link(
    State(federation): State<Federation>,
    Myself(me): Myself,
    ApiJson(request): ApiJson<IdentityChallengeRequest>,
) -> Result<Response, Problem> {
    let token = secret::random().map_err(|error| Problem::internal(&error))?;
    let address = federation.leave_to_link(&me, &request.provider_id, &token).await?;
    Ok(fresh(ProviderChallengeView::of(address, token)))
}

/// Lets the person who asks sign in by a provider from now on, as whom that has let him in.
#[utoipa::path(
    post, path = "/api/v1/auth/identities", operation_id = "add_identity", tag = "factors",
    request_body = ProviderAnswerRequest,
    responses(
        (status = 200, description = "all of them", body = IdentitiesView),
        (status = 400, description = "nobody is to come back with this", body = ProblemBody),
        (
            status = 403,
            description = "who asks has not proved within ten minutes who that is, or the provider has let nobody in",
            body = ProblemBody
        ),
        (status = 404, description = "the provider is none any more", body = ProblemBody),
        (status = 409, description = "it is somebody's already, or there are too many", body = ProblemBody),
        (status = 503, description = "the provider does not answer", body = ProblemBody),
    )
)]
pub(crate) async fn link(
    State(federation): State<Federation>,
    Myself(me): Myself,
    ApiJson(request): ApiJson<ProviderAnswerRequest>,
) -> Result<Response, Problem> {
    federation.linked(&me, returned(&request), &request.provider_token).await?;
    let items = federation.identities(&me).await?.into_iter().map(IdentityView::from).collect();
    Ok(fresh(IdentitiesView { items }))
}

/// Who the person who asks is at providers.
#[utoipa::path(
    get, path = "/api/v1/auth/identities", operation_id = "list_identities", tag = "factors",
    responses((status = 200, description = "all of them", body = IdentitiesView))
)]
pub(crate) async fn identities(State(federation): State<Federation>, Myself(me): Myself) -> Result<Response, Problem> {
    let items = federation.identities(&me).await?.into_iter().map(IdentityView::from).collect();
    Ok(fresh(IdentitiesView { items }))
}

/// Lets the person who asks sign in by a provider no more as who he is there.
#[utoipa::path(
    delete, path = "/api/v1/auth/identities/{id}", operation_id = "remove_identity", tag = "factors",
    params(("id" = String, Path, description = "the identity")),
    responses(
        (status = 204, description = "removed"),
        (status = 403, description = "who asks has not proved within ten minutes who that is", body = ProblemBody),
        (status = 404, description = "no such identity of this person", body = ProblemBody),
    )
)]
pub(crate) async fn unlink(
    State(federation): State<Federation>,
    Myself(me): Myself,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, Problem> {
    federation.unlink(&me, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
