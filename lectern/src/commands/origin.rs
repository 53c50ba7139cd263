//! `lectern origin`.

use std::path::Path;
use std::sync::Arc;

use media_store::Counted;
use origin_server::{Origin, OriginOptions, ServeLimits, Tls};
use tokio::sync::watch;

use super::figures::{self, Needs};
use super::viewers::Elsewhere;
use crate::cli;
use crate::exit::Failure;

/// In clear, unless there is TLS.
pub(crate) async fn run(options: cli::Origin, tls: Option<Tls>, json: bool) -> Result<(), Failure> {
    let store = &options.store;
    if crate::data::is_folder(store) && !Path::new(store).is_dir() {
        let detail = format!("{store} is not a folder");
        return Err(Failure::unavailable(
            "store.missing",
            detail,
            "name the folder `media` of a data folder, or s3://BUCKET/PREFIX, with --store",
        ));
    }
    let (media, traffic) = Counted::over(media_store::open(store).await?);
    figures::listen(options.metrics, Some(figures::of_store(traffic)), Needs::Nothing).await?;
    let mut origin = Origin::new(media, OriginOptions::default());
    if let Some(url) = &options.demand.url {
        origin = origin.with_demand(Arc::new(Elsewhere::at(url)?));
    }
    let listener = super::serve::bind(options.listen).await?;
    super::serve::announce(&listener, json, tls.is_some(), None);
    let (_stop, stopped) = watch::channel(false);
    if let Some(tls) = &tls {
        tokio::spawn(super::serve::tls::follow(tls.clone(), stopped));
    }
    let (router, limits) = (origin.standalone(), ServeLimits::default());
    origin_server::serve_over(listener, tls, router, limits, super::serve::interrupted()).await;
    Ok(())
}
