//! The store on both engines.
#![allow(clippy::unwrap_used)]

mod classes;
mod demand;
mod faults;
mod findings;
mod flow;
mod head_start;
mod limits;
mod progress;
mod reads;
mod renewals;
mod restored;
mod retry;
mod support;
mod uploads;

use asset_store::STATEMENTS;
use database::testing::{for_each_engine, prepare_all};

#[tokio::test]
async fn every_statement_prepares_on_both_engines() {
    for_each_engine(|db| async move { prepare_all(&db, STATEMENTS).await.unwrap() }).await;
}
