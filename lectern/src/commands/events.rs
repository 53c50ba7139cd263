//! `lectern events`: who reads the outbox, and how far they are.

use database::{Database, outbox};
use kernel::reader::{self, Place, Trouble};
use serde_json::{Value, json};

use crate::cli::{Data, EventsCommand, ReplayedOnes};
use crate::data::Migrate;
use crate::exit::Failure;
use crate::out;

pub(crate) async fn run(command: EventsCommand, json: bool) -> Result<(), Failure> {
    match command {
        EventsCommand::Readers { data } => on(&data, async |database| readers(database, json).await).await,
        EventsCommand::Replay { of, data } => on(&data, async |database| replay(database, &of, json).await).await,
        EventsCommand::Retry { unit, data } => on(&data, async |database| retry(database, &unit, json).await).await,
        EventsCommand::Forget { bridge, data } => {
            on(&data, async |database| forget(database, &bridge, json).await).await
        }
    }
}

async fn on(options: &Data, work: impl AsyncFnOnce(&Database) -> Result<(), Failure>) -> Result<(), Failure> {
    let database = crate::data::open_migrated(options, Migrate::Never).await?;
    let done = work(&database).await;
    database.close().await;
    done
}

async fn readers(database: &Database, json: bool) -> Result<(), Failure> {
    let head = outbox::head(database).await?;
    for place in reader::all(database).await? {
        let troubles = reader::troubles(database, &place.name).await?;
        if json {
            out::line(told(&place, head, &troubles))?;
            continue;
        }
        let Place { name, seq, holder, error, waiting, parked } = &place;
        let holder = holder.as_ref().map(|holder| format!(", process {holder}")).unwrap_or_default();
        let seq = seq.max(&0);
        out::line(format_args!("{name}: {seq} of {head} events; {waiting} wait, {parked} are given up{holder}"))?;
        if let Some(error) = error {
            out::line(format_args!("  it fails: {error}"))?;
        }
        for Trouble { tenant_id, subject, seq, tries, error } in &troubles {
            let why = error.as_deref().unwrap_or_default();
            out::line(format_args!("  event {seq} of {tenant_id} about {subject}, {tries} times: {why}"))?;
        }
    }
    Ok(())
}

fn told(place: &Place, head: i64, troubles: &[Trouble]) -> Value {
    let troubles: Vec<Value> = troubles
        .iter()
        .map(|Trouble { tenant_id, subject, seq, tries, error }| {
            json!({ "tenant": tenant_id, "subject": subject, "seq": seq, "tries": tries, "error": error })
        })
        .collect();
    let Place { name, seq, holder, error, waiting, parked } = place;
    json!({
        "reader": name, "seq": seq, "head": head, "holder": holder, "error": error, "waiting": waiting, "parked": parked,
        "failed": troubles,
    })
}

async fn replay(database: &Database, of: &ReplayedOnes, json: bool) -> Result<(), Failure> {
    let names = match of {
        ReplayedOnes { bridge: Some(bridge), .. } => vec![of_bridge(bridge)],
        ReplayedOnes { unit, .. } => of_unit(database, unit.as_deref().unwrap_or_default()).await?,
    };
    for name in names {
        if !reader::replay(database, &name).await? {
            return Err(nobody(&name));
        }
        said(&name, "takes all events anew", json)?;
    }
    Ok(())
}

async fn retry(database: &Database, unit: &str, json: bool) -> Result<(), Failure> {
    for name in of_unit(database, unit).await? {
        let count = reader::retry(database, &name).await?;
        said(&name, &format!("tries {count} events again"), json)?;
    }
    Ok(())
}

async fn forget(database: &Database, bridge: &str, json: bool) -> Result<(), Failure> {
    let name = of_bridge(bridge);
    if !reader::forget(database, &name).await? {
        return Err(nobody(&name));
    }
    said(&name, "is forgotten", json)
}

fn of_bridge(name: &str) -> String {
    format!("bridge.{name}")
}

/// The handlers of a unit.
async fn of_unit(database: &Database, unit: &str) -> Result<Vec<String>, Failure> {
    let all = reader::all(database).await?.into_iter().map(|place| place.name);
    let names: Vec<String> = all.filter(|name| name.split_once('.').is_some_and(|(of, _)| of == unit)).collect();
    if unit == "bridge" || names.is_empty() { Err(nobody(unit)) } else { Ok(names) }
}

fn nobody(name: &str) -> Failure {
    let hint = "`lectern events readers` lists who reads events, once it has begun";
    Failure::bad_input("events.no_reader", format!("{name} reads no events"), hint)
}

fn said(name: &str, what: &str, json: bool) -> Result<(), Failure> {
    if json { out::line(json!({ "reader": name, "done": what })) } else { out::line(format_args!("{name} {what}")) }
}
