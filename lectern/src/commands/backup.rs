//! `lectern backup`.

use serde_json::{Value, json};

use crate::backup::restore::Restored;
use crate::backup::verify::Verified;
use crate::backup::{Named, create, restore, verify};
use crate::cli::{BackupCommand, Data};
use crate::data::Migrate;
use crate::exit::Failure;
use crate::out;

pub(crate) async fn run(command: BackupCommand, json: bool) -> Result<(), Failure> {
    match command {
        BackupCommand::Create { to, with_objects, data } => {
            let data = crate::data::open(&data, Migrate::Never).await?;
            let made = create::create(&data, &to, with_objects).await;
            data.database.close().await;
            tell_created(&made?, &to.display().to_string(), json)
        }
        BackupCommand::Verify { backup, store } => {
            let store = match store {
                Some(location) => Some(media_store::open(&location).await?),
                None => None,
            };
            tell_verified(&verify::verify(&backup, store).await?, json)
        }
        BackupCommand::Restore { backup, data } => {
            let (restored, shown) = into(&backup, &data).await?;
            tell_restored(&restored, &shown, json)
        }
    }
}

async fn into(backup: &std::path::Path, data: &Data) -> Result<(Restored, String), Failure> {
    let address = crate::data::database(data)?;
    let database = crate::data::open_database(data, &address).await?;
    let media = media_store::open(&crate::data::store(data)?).await?;
    let restored = restore::restore(backup, &database, &media).await;
    database.close().await;
    Ok((restored?, address.shown().to_owned()))
}

fn tell_created(made: &create::Created, to: &str, json: bool) -> Result<(), Failure> {
    if json {
        return out::line(json!({
            "backup": to, "tables": made.tables, "rows": made.rows, "objects": made.objects,
            "objects_size_bytes": made.objects_size_bytes, "objects_missing": made.missing, "objects_copied": made.copied,
        }));
    }
    out::line(format_args!("{to} holds {} rows of {} tables", made.rows, made.tables))?;
    let (objects, bytes) = (made.objects, made.objects_size_bytes);
    match made.copied {
        Some(copied) => out::line(format_args!("and {objects} objects of {bytes} bytes, {copied} of them copied now")),
        None => out::line(format_args!("and refers to {objects} objects of {bytes} bytes, which stay where they are")),
    }?;
    if made.missing > 0 {
        out::line(format_args!(
            "{} objects that rows refer to are not in the store; `lectern backup verify` names them",
            made.missing
        ))?;
    }
    Ok(())
}

fn tell_verified(found: &Verified, json: bool) -> Result<(), Failure> {
    let (damaged, objects) = (&found.damaged, &found.objects_at_fault);
    if json {
        out::line(json!({
            "fine": found.is_fine(), "tables": found.tables, "rows": found.rows, "objects": found.objects,
            "damaged": named(damaged), "objects_at_fault": named(objects),
        }))?;
    } else {
        for fault in damaged.first.iter().chain(&objects.first) {
            out::line(format_args!("FAIL {fault}"))?;
        }
        out::line(format_args!("{} rows of {} tables, {} objects", found.rows, found.tables, found.objects))?;
    }
    if damaged.count > 0 {
        let detail = format!("the backup has {} faults", damaged.count + objects.count);
        return Err(Failure::bad_input("backup.damaged", detail, "use another backup, and make a new one"));
    }
    if objects.count > 0 {
        let detail = format!("{} objects are not as the backup knows them", objects.count);
        let hint = "name the store that it was made of, bring back what is missing, or make a new backup";
        return Err(Failure::bad_input("backup.objects", detail, hint));
    }
    Ok(())
}

fn tell_restored(restored: &Restored, shown: &str, json: bool) -> Result<(), Failure> {
    let agreed = &restored.agreed;
    if json {
        return out::line(json!({
            "tables": restored.tables, "rows": restored.rows, "objects": restored.objects,
            "jobs_requeued": restored.requeued, "uploads_completed": agreed.whole.len(),
            "uploads_lost": named(&agreed.uploads_lost), "published_later": named(&agreed.published_later),
            "media_missing": named(&agreed.media_missing),
        }));
    }
    out::line(format_args!("{shown} holds {} rows of {} tables", restored.rows, restored.tables))?;
    if restored.objects > 0 {
        out::line(format_args!("{} objects were put into the store", restored.objects))?;
    }
    if restored.requeued > 0 {
        out::line(format_args!("{} jobs that were at work begin again", restored.requeued))?;
    }
    tell(&agreed.uploads_lost, "uploads were under way and their bytes are gone: they have failed, upload again")?;
    tell(&agreed.published_later, "assets are served in a later generation than the backup knows, and stay so")?;
    tell(&agreed.media_missing, "assets cannot be played: the store does not hold what was published")
}

fn tell(named: &Named, what: &str) -> Result<(), Failure> {
    if named.count == 0 {
        return Ok(());
    }
    out::line(format_args!("{} {what}", named.count))?;
    named.first.iter().try_for_each(|name| out::line(format_args!("  {name}")))
}

fn named(named: &Named) -> Value {
    json!({ "count": named.count, "first": named.first })
}
