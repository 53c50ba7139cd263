//! Deliveries in a database that was restored from a backup.

use database::{DbError, Tx, args};

use crate::sql;

/// Has deliveries go on that were under way, under numbers of attempts that nobody has had: above `now_ms`. For the transaction
/// that restores.
pub async fn restored(tx: &mut Tx, now_ms: i64) -> Result<(), DbError> {
    tx.execute(sql::RESTORED, args![now_ms]).await?;
    Ok(())
}
