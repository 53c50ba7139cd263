//! What a process says of itself to those who watch it: figures for Prometheus, and whether it lives and can work.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use control_api::Figures;
use database::Database;
use media_store::Traffic;
use telemetry::figures::{self, Text};

use crate::cli::MetricsAt;
use crate::exit::Failure;

/// What has to be there for a process to work.
#[derive(Clone)]
pub(crate) enum Needs {
    /// No database.
    Nothing,
    /// One that is migrated.
    All(Database),
    /// One that is migrated as far as these folders of `migrations/` go.
    Modules(Database, Vec<&'static str>),
}

/// Answers on the address of its own, if there is one, as long as the process lives.
pub(crate) async fn listen(metrics: MetricsAt, store: Option<Figures>, needs: Needs) -> Result<(), Failure> {
    let Some(address) = metrics.metrics_listen else { return Ok(()) };
    let listener = super::serve::bind(address).await?;
    let address = listener.local_addr().map_or_else(|_| address.to_string(), |address| address.to_string());
    tracing::info!(address, "figures are served");
    tokio::spawn(origin_server::serve(listener, router(store, needs), std::future::pending()));
    Ok(())
}

fn router(store: Option<Figures>, needs: Needs) -> Router {
    let metrics = get(move || {
        let text = of_process(store.as_ref());
        async { ([(header::CONTENT_TYPE, Text::MEDIA_TYPE)], text) }
    });
    let ready = get(move || ready(needs.clone()));
    Router::new().route("/metrics", metrics).route("/healthz", get(async || "ok\n")).route("/readyz", ready)
}

async fn ready(needs: Needs) -> Response {
    let found = match needs {
        Needs::Nothing => Ok(()),
        Needs::All(database) => database.check_migrated().await,
        Needs::Modules(database, modules) => database.check_modules(&modules).await,
    };
    match found {
        Ok(()) => "ready\n".into_response(),
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer or is not migrated\n").into_response()
        }
    }
}

fn of_process(store: Option<&Figures>) -> String {
    let mut text = Text::default();
    text.family("lectern_build_info", "gauge", "The version that runs.");
    text.line("lectern_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    figures::write(&mut text);
    if let Some(store) = store {
        store(&mut text);
    }
    text.finish()
}

/// What has gone through the store.
pub(crate) fn of_store(traffic: Arc<Traffic>) -> Figures {
    Arc::new(move |text: &mut Text| {
        let help =
            "Bytes that calls to the store have moved; files that an origin sends from a folder are not among them.";
        text.family("lectern_store_bytes_total", "counter", help);
        text.line("lectern_store_bytes_total", &[("direction", "read")], traffic.read_bytes());
        text.line("lectern_store_bytes_total", &[("direction", "written")], traffic.written_bytes());
        text.family("lectern_store_calls_total", "counter", "Calls to the store that have ended.");
        text.line("lectern_store_calls_total", &[], traffic.calls());
        text.family("lectern_store_failures_total", "counter", "Those that failed because of the store.");
        text.line("lectern_store_failures_total", &[], traffic.failures());
    })
}
