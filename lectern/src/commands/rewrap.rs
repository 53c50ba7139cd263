//! `lectern rewrap`: all content keys, secrets of webhooks and of people's codes, and signing keys of audit logs and of access tokens,
//! under the current key-encryption key.

use std::collections::BTreeMap;
use std::sync::Arc;

use key_vault::{KeyEncryption, KeyVault};
use serde_json::json;

use crate::cli::Data;
use crate::data::Migrate;
use crate::exit::Failure;
use crate::out;

const HINT: &str = "see docs/operations.md, \"Key-encryption key\"";

pub(crate) async fn run(options: Data, json: bool) -> Result<(), Failure> {
    let data = crate::data::open(&options, Migrate::Never).await?;
    let keks = crate::data::key_encryption_keys(&options)?.ok_or_else(|| {
        Failure::config("keys.encryption_key", "no key-encryption key is configured", "set LECTERN_KEK_FILE")
    })?;
    let current = keks.current_id().clone();
    let vault = KeyVault::new(data.database.clone(), Arc::new(keks));
    let failed = |error| Failure::failed("keys.rewrap", error, HINT);
    let mut left = BTreeMap::new();
    for (kek_id, _) in vault.count_by_kek().await.map_err(failed)? {
        if kek_id == current {
            continue;
        }
        let done = vault.rewrap_all(&kek_id).await.map_err(failed)?;
        if json {
            out::line(
                json!({ "from": kek_id.as_str(), "to": current.as_str(), "rewrapped": done.rewrapped, "failed": done.failed }),
            )?;
        } else {
            out::line(format_args!("{} keys from {kek_id} to {current}", done.rewrapped))?;
        }
        if done.failed > 0 {
            left.insert(kek_id, done.failed);
        }
    }
    let secrets = super::serve::webhooks(&data.database, &options)?.rewrap().await;
    let secrets = secrets.map_err(|error| Failure::failed("keys.rewrap", error, HINT))?;
    let signing = super::serve::audit(&data.database, &options)?.rewrap().await;
    let signing = signing.map_err(|error| Failure::failed("keys.rewrap", error, HINT))?;
    let tokens = super::serve::sessions(&data.database, &options)?.rewrap().await;
    let tokens = tokens.map_err(|error| Failure::failed("keys.rewrap", error, HINT))?;
    for (count, name, what) in [
        (secrets, "webhook_secrets", "secrets of webhooks"),
        (signing, "audit_signing_keys", "signing keys of audit logs"),
        (tokens, "token_signing_keys", "signing keys of access tokens and secrets of codes"),
    ] {
        match count {
            0 => {}
            _ if json => out::line(json!({ name: count }))?,
            _ => out::line(format_args!("{count} {what} to {current}"))?,
        }
    }
    data.database.close().await;
    let Some((kek_id, count)) = left.first_key_value() else {
        return if json {
            Ok(())
        } else {
            out::line(format_args!("every key lies under {current}; former ones are not needed"))
        };
    };
    let detail = format!("{count} keys do not open under {kek_id} and stay as they are");
    Err(Failure::failed("keys.rewrap", detail, "keep that key-encryption key, and restore the database they came from"))
}
