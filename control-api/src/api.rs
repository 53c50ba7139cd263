//! The router of a process: what every process answers, and the routes of the units that it serves.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use database::Database;
use kernel::routes::{BEARER, shell};
use kernel::{Guard, Policy, Routes, Served, client};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::routes;

use crate::front::Front;
use crate::maintenance::{self, Doors};
use crate::options::FrontOptions;
use crate::{cors, docs, ops, packed};

/// The largest JSON body.
const MAX_JSON_BYTES: usize = 1 << 20;

/// What a process answers that serves `units`, complete: it has a fallback, so merge it only with routers that have none.
pub fn router(mut options: FrontOptions, units: Vec<Served>) -> Router {
    let gateway = options.gateway.take();
    let guard = Guard::new(options.admin_token.clone()).with_service(options.service_token.clone());
    let guard = guard.with_limiter(options.limiter.clone()).with_maintenance(options.maintenance.clone());
    let guard = guard.with_vouching(options.vouching.take());
    let (proxies, origins) = (options.proxies.clone(), options.origins.clone());
    let doors = options.maintenance.clone().zip(options.database.as_ref().map(Database::clock));
    let guard = options.directory.iter().fold(guard, |guard, known| guard.with_directory(Arc::clone(known)));
    let (recorder, document) = (options.recorder.clone(), blank(&options.version, &units));
    let front = Front::new(options, &units, gateway.as_ref());
    let requests = Arc::clone(&front.requests);
    let routes = Routes::new(guard, recorder, document).with(front, common);
    let routes = doors.into_iter().fold(routes, |routes, (maintenance, clock)| {
        let mount = |routes: Routes<Doors>| {
            routes.mount(Policy::Operator, routes!(maintenance::close, maintenance::show, maintenance::open))
        };
        routes.with(Doors { maintenance, clock }, mount)
    });
    let routes = units.into_iter().fold(routes, |routes, unit| unit.mount(routes));
    let json = serde_json::to_value(routes.document());
    let json = docs::text(json.expect("an OpenAPI document is plain data, which always has a JSON form"));
    let document = get(move |headers: HeaderMap| async move {
        let whole = match &gateway {
            Some(gateway) => gateway.document(json).await,
            None => json,
        };
        docs::document(&headers, whole)
    });
    let (router, _document) = routes.mount_hidden(Policy::Public, "/api/openapi.json", document).finish(());
    let nosniff = HeaderValue::from_static("nosniff");
    shell(router.layer(DefaultBodyLimit::max(MAX_JSON_BYTES)).layer(from_fn_with_state(proxies, client::find)))
        .layer(from_fn(packed::pack))
        .layer(SetResponseHeaderLayer::overriding(header::X_CONTENT_TYPE_OPTIONS, nosniff))
        .layer(from_fn_with_state(origins, cors::allow))
        .layer(from_fn_with_state(requests, ops::count))
}

/// What every process answers, whatever it serves.
fn common(routes: Routes<Front>) -> Routes<Front> {
    use Policy::{Operator, Public};
    routes
        .mount(Operator, routes!(ops::metrics))
        .mount(Public, routes!(ops::healthz))
        .mount(Public, routes!(ops::readyz))
        .mount_hidden(Public, "/api/docs", get(docs::page))
        .mount_hidden(Public, "/api/docs/page.js", get(docs::script))
        .mount_hidden(Public, "/api/docs/page.css", get(docs::style))
}

fn blank(version: &str, units: &[Served]) -> OpenApi {
    let slugs: Vec<&str> = units.iter().map(|served| served.unit().slug).collect();
    let description = format!("The units of a Lectern server that are served here: {}.", slugs.join(", "));
    let info = InfoBuilder::new().title("Lectern").version(version).description(Some(description)).build();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let components = ComponentsBuilder::new().security_scheme(BEARER, bearer).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}
