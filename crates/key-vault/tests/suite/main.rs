//! The vault on both engines.
#![allow(clippy::unwrap_used)]

mod data_keys;
mod keys;
mod rewrap;
mod service;
mod speke;
mod support;

use database::testing::{for_each_engine, prepare_all};
use key_vault::STATEMENTS;

#[tokio::test]
async fn every_statement_prepares_on_both_engines() {
    for_each_engine(|db| async move { prepare_all(&db, STATEMENTS).await.unwrap() }).await;
}
