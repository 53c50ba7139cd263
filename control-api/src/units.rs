//! The engine's own units: for each, every route with its policy. The first word of an address behind `/api/v1/` belongs to
//! one unit alone.

use axum::http::Method;
use axum::routing::{get, post};
use kernel::{Policy, Rights, Routes, Served, Unit};
use utoipa_axum::routes;

use crate::options::ControlOptions;
use crate::state::Installation;
use crate::{
    assets, codes, demand, direct, events, findings, jobs, ladders, licence, limits, ops, permissions, playback, queue,
    renewals, resumable, retries, source, transcoding, uploads, web,
};

/// They are about the same assets, whose rows lie in the same tables.
const TABLES: &[&str] = &["assets", "core", "keys", "queue"];

/// Bytes in and out, assets and what happens to them; the studio's page.
pub static MEDIA: Unit = Unit {
    slug: "media",
    parts: &[],
    addresses: &["/", "/assets", "/api/v1/assets", "/api/v1/events", "/api/v1/limits", "/api/v1/uploads"],
    tables: TABLES,
    permissions: permissions::OF_MEDIA,
    codes: codes::ALL,
    rights: Rights::nothing("recordings belong to the tenant, and their rows name nobody"),
};
/// What is made of assets: jobs, workers and ladders.
pub static PROCESSING: Unit = Unit {
    slug: "processing",
    parts: &["ott-transcoding"],
    addresses: &["/api/v1/jobs", "/api/v1/ladders", "/api/v1/queue", "/api/v1/transcoding", "/api/v1/workers"],
    tables: TABLES,
    permissions: permissions::OF_PROCESSING,
    codes: codes::ALL,
    rights: Rights::nothing("jobs are about recordings, and name nobody"),
};
/// Where assets are played, and licences for that. What is published is `/p`, which an origin in the same process answers.
pub static STREAMING: Unit = Unit {
    slug: "streaming",
    parts: &[],
    addresses: &["/api/v1/playback", "/p"],
    tables: TABLES,
    permissions: permissions::OF_STREAMING,
    codes: codes::ALL,
    rights: Rights::nothing("who plays what is not written down"),
};

/// What a process serves of [`MEDIA`], [`PROCESSING`] and [`STREAMING`].
pub fn units(options: ControlOptions) -> [Served; 3] {
    let installation = Installation::new(options);
    let (of_media, of_processing) = (installation.clone(), installation.clone());
    [
        Served::new(&MEDIA, installation.clone(), media)
            .with_figures(move |text| Box::pin(ops::of_media(of_media.clone(), text))),
        Served::new(&PROCESSING, installation.clone(), processing)
            .with_figures(move |text| Box::pin(ops::of_processing(of_processing.clone(), text))),
        Served::new(&STREAMING, installation, streaming),
    ]
}

fn media(routes: Routes<Installation>) -> Routes<Installation> {
    use Policy::{May, Operator, Public};
    use permissions::{
        ASSET_DELETE, ASSET_DOWNLOAD, ASSET_READ, ASSET_UPDATE, EVENT_READ, UPLOAD_CREATE, UPLOAD_DELETE, UPLOAD_READ,
    };
    let of_one_upload = [
        (Method::GET, May(UPLOAD_READ)),
        (Method::HEAD, May(UPLOAD_READ)),
        (Method::PATCH, May(UPLOAD_CREATE)),
        (Method::OPTIONS, May(UPLOAD_CREATE)),
        (Method::DELETE, May(UPLOAD_DELETE)),
    ];
    routes
        .mount(May(UPLOAD_CREATE), routes!(uploads::create, resumable::capabilities))
        .mount(
            of_one_upload,
            routes!(uploads::show, uploads::delete, resumable::head, resumable::patch, resumable::capabilities_of_one),
        )
        .mount(May(UPLOAD_CREATE), routes!(uploads::put))
        .mount(May(UPLOAD_CREATE), routes!(direct::sign))
        .mount(May(UPLOAD_CREATE), routes!(direct::take))
        .mount(Operator, routes!(limits::show))
        .mount(May(ASSET_READ), routes!(assets::list))
        .mount(
            [(Method::GET, May(ASSET_READ)), (Method::DELETE, May(ASSET_DELETE))],
            routes!(assets::show, assets::delete),
        )
        .mount(May(ASSET_UPDATE), routes!(assets::cancel))
        .mount(May(ASSET_DOWNLOAD), routes!(source::download))
        .mount(May(ASSET_UPDATE), routes!(retries::retry_asset))
        .mount(May(ASSET_READ), routes!(findings::ladder))
        .mount(May(ASSET_UPDATE), routes!(renewals::renew_asset))
        .mount(May(EVENT_READ), routes!(events::stream))
        .mount_hidden(Public, "/", get(web::index))
        .mount_hidden(Public, "/assets/{*path}", get(web::asset))
}

fn processing(routes: Routes<Installation>) -> Routes<Installation> {
    use Policy::{May, Operator};
    use permissions::{ASSET_READ, ASSET_UPDATE, JOB_READ, JOB_UPDATE, LADDER_READ};
    routes
        .mount(May(JOB_READ), routes!(jobs::list))
        .mount(May(JOB_READ), routes!(jobs::show))
        .mount(May(JOB_UPDATE), routes!(retries::retry_job))
        .mount(May(JOB_UPDATE), routes!(retries::cancel_job))
        .mount(Operator, routes!(queue::show))
        .mount(Operator, routes!(queue::drain))
        .mount(Operator, routes!(queue::resume))
        .mount(Operator, routes!(queue::workers))
        .mount(Operator, routes!(queue::drain_worker))
        .mount(Operator, routes!(queue::resume_worker))
        .mount(May(LADDER_READ), routes!(ladders::list))
        .mount(May(LADDER_READ), routes!(ladders::show))
        .mount(May(ASSET_UPDATE), routes!(renewals::renew_ladder))
        .mount(May(ASSET_UPDATE), routes!(transcoding::create))
        .mount(May(ASSET_READ), routes!(transcoding::show))
}

fn streaming(routes: Routes<Installation>) -> Routes<Installation> {
    use Policy::{May, Public, Service};
    routes
        .mount(Public, routes!(playback::show))
        .mount(May(permissions::PLAYBACK_TOKEN_CREATE), routes!(licence::issue_token))
        .mount(Public, routes!(licence::clearkey, licence::preflight))
        .mount(Public, routes!(licence::acquire, licence::acquire_preflight))
        .mount(Public, routes!(licence::fairplay_certificate))
        .mount_hidden(Service, demand::DEMAND_PATH, post(demand::demand))
}
