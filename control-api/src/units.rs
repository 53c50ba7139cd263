//! The engine's own units: for each, every route with its policy. The first word of an address behind `/api/v1/` belongs to
//! one unit alone.

use axum::routing::{get, post};
use kernel::{Policy, Routes, Served, Unit};
use utoipa_axum::routes;

use crate::options::ControlOptions;
use crate::state::Api;
use crate::{
    assets, codes, demand, direct, events, findings, jobs, ladders, licence, limits, ops, playback, queue, renewals,
    resumable, retries, source, transcoding, uploads, web,
};

/// They are about the same assets, whose rows lie in the same tables.
const TABLES: &[&str] = &["assets", "core", "keys", "queue"];

/// Bytes in and out, assets and what happens to them; the studio's page.
pub static MEDIA: Unit = Unit {
    slug: "media",
    parts: &[],
    addresses: &["/", "/assets", "/api/v1/assets", "/api/v1/events", "/api/v1/limits", "/api/v1/uploads"],
    tables: TABLES,
    codes: codes::ALL,
};
/// What is made of assets: jobs, workers and ladders.
pub static PROCESSING: Unit = Unit {
    slug: "processing",
    parts: &["ott-transcoding"],
    addresses: &["/api/v1/jobs", "/api/v1/ladders", "/api/v1/queue", "/api/v1/transcoding", "/api/v1/workers"],
    tables: TABLES,
    codes: codes::ALL,
};
/// Where assets are played, and licences for that. What is published is `/p`, which an origin in the same process answers.
pub static STREAMING: Unit =
    Unit { slug: "streaming", parts: &[], addresses: &["/api/v1/playback", "/p"], tables: TABLES, codes: codes::ALL };

/// What a process serves of [`MEDIA`], [`PROCESSING`] and [`STREAMING`].
pub fn units(options: ControlOptions) -> [Served; 3] {
    let api = Api::new(options);
    let (of_media, of_processing) = (api.clone(), api.clone());
    [
        Served::new(&MEDIA, api.clone(), media)
            .with_figures(move |text| Box::pin(ops::of_media(of_media.clone(), text))),
        Served::new(&PROCESSING, api.clone(), processing)
            .with_figures(move |text| Box::pin(ops::of_processing(of_processing.clone(), text))),
        Served::new(&STREAMING, api, streaming),
    ]
}

fn media(routes: Routes<Api>) -> Routes<Api> {
    use Policy::{Admin, Public};
    routes
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
        .mount(Admin, routes!(events::stream))
        .mount_hidden(Public, "/", get(web::index))
        .mount_hidden(Public, "/assets/{*path}", get(web::asset))
}

fn processing(routes: Routes<Api>) -> Routes<Api> {
    use Policy::Admin;
    routes
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
        .mount(Admin, routes!(transcoding::create))
        .mount(Admin, routes!(transcoding::show))
}

fn streaming(routes: Routes<Api>) -> Routes<Api> {
    use Policy::{Admin, Public, Service};
    routes
        .mount(Public, routes!(playback::show))
        .mount(Admin, routes!(licence::issue_token))
        .mount(Public, routes!(licence::clearkey, licence::preflight))
        .mount(Public, routes!(licence::acquire, licence::acquire_preflight))
        .mount(Public, routes!(licence::fairplay_certificate))
        .mount_hidden(Service, demand::DEMAND_PATH, post(demand::demand))
}
