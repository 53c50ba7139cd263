//! `lectern audit`.

use std::path::Path;

use kernel::Keyring;
use media_types::TenantId;
use ops::audit::{Audit, AuditError, Verified};
use serde_json::json;

use crate::cli::{AuditCommand, Data};
use crate::data::Migrate;
use crate::exit::Failure;
use crate::out;

pub(crate) async fn run(command: AuditCommand, json: bool) -> Result<(), Failure> {
    let AuditCommand::Verify { since, tenant, data } = command;
    let since = since.as_deref().map(read).transpose()?;
    let verified = verify(&data, tenant.as_deref(), since.as_deref()).await?;
    tell(&verified, json)
}

async fn verify(data: &Data, tenant: Option<&str>, since: Option<&str>) -> Result<Verified, Failure> {
    let tenant: TenantId = tenant
        .map_or_else(|| Ok(kernel::default_tenant()), str::parse)
        .map_err(|error| Failure::config("tenant.invalid_id", error, "write the id of a tenant"))?;
    let database = crate::data::open_migrated(data, Migrate::Never).await?;
    // Who verifies opens no secret.
    let audit = Audit::new(database.clone(), database.clock(), Keyring::default());
    let verified = audit.verify(&tenant, since).await;
    database.close().await;
    verified.map_err(failed)
}

/// A checkpoint that was kept.
fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let hint = "name a file that /api/v1/audit/checkpoint was saved in";
        Failure::bad_input("audit.checkpoint", format!("{}: {error}", path.display()), hint)
    })
}

fn failed(error: AuditError) -> Failure {
    match error {
        AuditError::Database(error) => error.into(),
        AuditError::Note(error) => {
            let hint = "name a checkpoint of this database; if it is one, the log was begun anew since";
            Failure::bad_input("audit.checkpoint", error, hint)
        }
        error => Failure::bad_input("audit.damaged", error, HINT),
    }
}

const HINT: &str = "find out who can write to the database, and compare with a backup";

fn tell(verified: &Verified, json: bool) -> Result<(), Failure> {
    let Verified { entries, emptied, origin, faults, count } = verified;
    if json {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        out::line(json!({
            "fine": verified.is_fine(), "entries": entries, "emptied": emptied, "origin": origin,
            "faults": { "count": count, "first": faults },
        }))?;
    } else {
        faults.iter().try_for_each(|fault| out::line(format_args!("FAIL {fault}")))?;
        match origin.as_str() {
            "" => out::line("there is no log")?,
            origin => out::line(format_args!("{entries} entries of {origin}"))?,
        }
    }
    if verified.is_fine() {
        return Ok(());
    }
    Err(Failure::bad_input("audit.damaged", format!("the audit log has {count} faults"), HINT))
}
