//! `lectern migrate`.

use crate::cli::Data;
use crate::exit::Failure;
use crate::out;

/// Needs the database alone: the store may be somewhere that this machine does not reach.
pub(crate) async fn run(data: Data) -> Result<(), Failure> {
    let address = crate::data::database(&data)?;
    let database = crate::data::open_database(&data, &address).await?;
    database.migrate().await?;
    database.close().await;
    out::line(format_args!("{} is up to date", address.shown()))
}
