//! `lectern origin`.

use origin_server::{Origin, OriginOptions};

use crate::cli;
use crate::exit::Failure;

pub(crate) async fn run(options: cli::Origin, json: bool) -> Result<(), Failure> {
    let store = options
        .store
        .to_str()
        .ok_or_else(|| Failure::config("store.unusable", "the store's path is not UTF-8", "choose another path"))?;
    if !store.contains("://") && !options.store.is_dir() {
        let detail = format!("{store} is not a folder");
        return Err(Failure::unavailable(
            "store.missing",
            detail,
            "name the folder `media` of a data folder, or s3://BUCKET/PREFIX, with --store",
        ));
    }
    let origin = Origin::new(media_store::open(store).await?, OriginOptions::default());
    let listener = super::serve::bind(options.listen).await?;
    super::serve::announce(&listener, json, None);
    origin_server::serve(listener, origin.standalone(), super::serve::interrupted()).await;
    Ok(())
}
