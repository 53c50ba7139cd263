//! Every route with its policy, in one table.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use bytes::Bytes;
use kernel::routes::{BEARER, shell};
use kernel::{AdminToken, Guard, Policy, Routes};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::routes;

use crate::options::ControlOptions;
use crate::state::Api;
use crate::{
    assets, demand, direct, docs, events, findings, jobs, ladders, licence, limits, ops, playback, queue, renewals,
    resumable, retries, source, transcoding, uploads, web,
};

/// The largest JSON body.
const MAX_JSON_BYTES: usize = 1 << 20;

/// The control API as a router, complete: it has a fallback, so merge it only with routers that have none.
pub fn router(options: ControlOptions) -> Router {
    let guard = Guard::new(options.admin_token.clone()).with_service(options.service_token.clone());
    let api = Api::new(options);
    let routes = table(guard, &api.version);
    let json = routes.document().to_json().expect("an OpenAPI document is plain data, which always has a JSON form");
    let json = Bytes::from(json);
    let document = get(move |headers: HeaderMap| async move { docs::document(&headers, json) });
    let requests = std::sync::Arc::clone(&api.requests);
    let (router, _document) = routes.mount_hidden(Policy::Public, "/api/openapi.json", document).finish(api);
    let nosniff = HeaderValue::from_static("nosniff");
    shell(router.layer(DefaultBodyLimit::max(MAX_JSON_BYTES)))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, nosniff))
        .layer(from_fn_with_state(requests, ops::count))
}

/// The `OpenAPI` 3.1 document of [`router`].
pub fn openapi(version: &str) -> OpenApi {
    let token = AdminToken::new("no-router-is-made-with-this").expect("the text fits the rules of a token");
    table(Guard::new(token), version).document().clone()
}

fn table(guard: Guard, version: &str) -> Routes<Api> {
    use Policy::{Admin, Public, Service};
    let routes = Routes::new(guard, blank(version))
        .mount(Admin, routes!(uploads::create, resumable::capabilities))
        .mount(
            Admin,
            routes!(uploads::show, uploads::delete, resumable::head, resumable::patch, resumable::capabilities_of_one),
        )
        .mount(Admin, routes!(uploads::put))
        .mount(Admin, routes!(direct::sign))
        .mount(Admin, routes!(direct::take))
        .mount(Admin, routes!(limits::show))
        .mount(Admin, routes!(assets::list))
        .mount(Admin, routes!(assets::show, assets::delete))
        .mount(Admin, routes!(assets::cancel))
        .mount(Admin, routes!(source::download))
        .mount(Admin, routes!(retries::retry_asset))
        .mount(Admin, routes!(findings::ladder))
        .mount(Admin, routes!(renewals::renew_asset))
        .mount(Admin, routes!(jobs::list))
        .mount(Admin, routes!(jobs::show))
        .mount(Admin, routes!(retries::retry_job))
        .mount(Admin, routes!(retries::cancel_job))
        .mount(Admin, routes!(queue::show))
        .mount(Admin, routes!(queue::drain))
        .mount(Admin, routes!(queue::resume))
        .mount(Admin, routes!(queue::workers))
        .mount(Admin, routes!(queue::drain_worker))
        .mount(Admin, routes!(queue::resume_worker))
        .mount(Admin, routes!(ladders::list))
        .mount(Admin, routes!(ladders::show))
        .mount(Admin, routes!(renewals::renew_ladder))
        .mount(Admin, routes!(events::stream))
        .mount(Admin, routes!(transcoding::create))
        .mount(Admin, routes!(transcoding::show))
        .mount(Admin, routes!(ops::metrics))
        .mount(Admin, routes!(licence::issue_token))
        .mount(Public, routes!(playback::show))
        .mount(Public, routes!(licence::clearkey, licence::preflight))
        .mount(Public, routes!(licence::acquire, licence::acquire_preflight))
        .mount(Public, routes!(licence::fairplay_certificate))
        .mount(Public, routes!(ops::healthz))
        .mount(Public, routes!(ops::readyz))
        .mount_hidden(Service, demand::DEMAND_PATH, post(demand::demand))
        .mount_hidden(Public, "/", get(web::index))
        .mount_hidden(Public, "/assets/{*path}", get(web::asset))
        .mount_hidden(Public, "/api/docs", get(docs::page))
        .mount_hidden(Public, "/api/docs/page.js", get(docs::script))
        .mount_hidden(Public, "/api/docs/page.css", get(docs::style));
    let routes = ::ops::flags::routes::mount(routes);
    webhook::routes::mount(routes)
}

fn blank(version: &str) -> OpenApi {
    let description =
        "Uploads, assets, jobs, ladders, playback, events, webhooks and feature flags of a Lectern server.";
    let info = InfoBuilder::new().title("Lectern").version(version).description(Some(description)).build();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let components = ComponentsBuilder::new().security_scheme(BEARER, bearer).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}
