//! Experiments in their tables, and what they count.

use std::collections::{BTreeMap, BTreeSet};

use database::{DbError, Tx, args};
use media_types::TenantId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{FlagError, Store, json_of};
use crate::flags::DEFAULT_ENVIRONMENT;
use crate::flags::experiment::{Design, EXPOSED, Event, ExperimentRow, MAX_EXPERIMENTS, MAX_UNITS, TallyRow};
use crate::flags::sql;

/// Rows of the counts of an experiment: of each of 32 variants, exposures, a goal and 8 guardrails.
const MAX_TALLIES: i64 = 320;

/// What has happened to a unit of an experiment.
#[derive(Default)]
struct Happened<'a> {
    /// The first variant that it saw.
    variant: Option<&'a str>,
    events: BTreeSet<&'a str>,
}

/// An experiment and a unit of it, by their ids: in this order they are counted, so that requests that count the same ones never wait for
/// each other in turn.
type Unit = (String, String);

impl Store {
    /// Begins an experiment, unless one with the same flag is running in the environment.
    pub(crate) async fn begin_experiment(
        &self,
        tenant: &TenantId,
        (flag_key, environment): (&str, &str),
        design: &Design,
    ) -> Result<ExperimentRow, FlagError> {
        let mut tx = self.begin(tenant).await?;
        let all: Vec<ExperimentRow> = tx.all(sql::EXPERIMENTS, args![tenant, MAX_EXPERIMENTS]).await?;
        if i64::try_from(all.len()).is_ok_and(|count| count >= MAX_EXPERIMENTS) {
            return Err(FlagError::TooMany(MAX_EXPERIMENTS));
        }
        let is_same = |row: &ExperimentRow| row.flag_key == flag_key && row.environment == environment;
        if all.iter().any(|row| is_same(row) && row.stopped_ms.is_none()) {
            return Err(FlagError::Running);
        }
        let id = format!("fex_{}", Uuid::now_v7().simple());
        let args = args![tenant, id, flag_key, environment, json_of(design), self.now_ms()];
        let row = tx.optional(sql::INSERT_EXPERIMENT, args).await?.ok_or(DbError::NoRow)?;
        tx.commit().await?;
        Ok(row)
    }

    /// All of them, newest first.
    pub(crate) async fn experiments(&self, tenant: &TenantId) -> Result<Vec<ExperimentRow>, DbError> {
        self.db.all(sql::EXPERIMENTS, args![tenant, MAX_EXPERIMENTS]).await
    }

    /// One, with what it has counted.
    pub(crate) async fn experiment(
        &self,
        tenant: &TenantId,
        id: &str,
    ) -> Result<(ExperimentRow, Vec<TallyRow>), FlagError> {
        let row: Option<ExperimentRow> = self.db.optional(sql::EXPERIMENT, args![tenant, id]).await?;
        let row = row.ok_or(FlagError::NoExperiment)?;
        Ok((row, self.db.all(sql::TALLIES, args![tenant, id, MAX_TALLIES]).await?))
    }

    /// Has an experiment count no more; once it does not, nothing changes.
    pub(crate) async fn stop_experiment(&self, tenant: &TenantId, id: &str) -> Result<(), FlagError> {
        let mut tx = self.begin(tenant).await?;
        tx.execute(sql::STOP_EXPERIMENT, args![tenant, id, self.now_ms()]).await?;
        Ok(tx.commit().await?)
    }

    /// Removes an experiment that is not running, with all that it has counted.
    pub(crate) async fn delete_experiment(&self, tenant: &TenantId, id: &str) -> Result<(), FlagError> {
        let mut tx = self.begin(tenant).await?;
        let row: Option<ExperimentRow> = tx.optional(sql::EXPERIMENT, args![tenant, id]).await?;
        if row.ok_or(FlagError::NoExperiment)?.stopped_ms.is_none() {
            return Err(FlagError::Running);
        }
        tx.execute(sql::DELETE_EXPERIMENT, args![tenant, id]).await?;
        Ok(tx.commit().await?)
    }

    /// Counts what has happened, each once for a unit; how much of it was new and of an experiment that runs.
    pub(crate) async fn happened(&self, tenant: &TenantId, events: &[Event]) -> Result<i64, DbError> {
        let running = self.experiments(tenant).await?.into_iter().filter(|row| row.stopped_ms.is_none());
        let running: Vec<ExperimentRow> = running.collect();
        let units = gathered(&running, events);
        if units.is_empty() {
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        let mut tallies: BTreeMap<(String, String, String), i64> = BTreeMap::new();
        for ((experiment, unit), happened) in units {
            for (variant, event) in count(&mut tx, tenant, (&experiment, &unit), &happened).await? {
                *tallies.entry((experiment.clone(), variant, event)).or_default() += 1;
            }
        }
        // After all else, and in one order: they are what everybody waits for.
        for ((experiment, variant, event), more) in &tallies {
            tx.execute(sql::ADD_TALLY, args![tenant, experiment, variant, event, *more]).await?;
        }
        tx.commit().await?;
        Ok(tallies.values().sum())
    }
}

/// What somebody is in an experiment, whom clients call so: who is in several has another name in each.
pub(crate) fn unit_of(experiment: &str, called: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(format!("{experiment}\n{called}")).into();
    hex::encode(&digest[..16])
}

/// What has happened to whom, as far as an experiment counts it.
fn gathered<'a>(running: &[ExperimentRow], events: &'a [Event]) -> BTreeMap<Unit, Happened<'a>> {
    let mut units: BTreeMap<Unit, Happened<'a>> = BTreeMap::new();
    for event in events {
        let environment = event.environment.as_deref().unwrap_or(DEFAULT_ENVIRONMENT);
        let is_of = |row: &&ExperimentRow| row.flag_key == event.flag_key && row.environment == environment;
        let Some(row) = running.iter().find(is_of) else { continue };
        let design = &row.design.0;
        let counts = match &event.variant {
            Some(variant) => design.variants.contains_key(variant),
            None => design.counts(&event.event),
        };
        if !counts {
            continue;
        }
        let happened = units.entry((row.id.clone(), unit_of(&row.id, &event.unit))).or_default();
        match &event.variant {
            Some(variant) => {
                happened.variant.get_or_insert(variant);
            }
            None => {
                happened.events.insert(&event.event);
            }
        }
    }
    units
}

/// Remembers it, and says by which variant and event it counts, as far as it is new. What is done counts for whom has seen a variant.
async fn count(
    tx: &mut Tx,
    tenant: &TenantId,
    (experiment, unit): (&str, &str),
    happened: &Happened<'_>,
) -> Result<Vec<(String, String)>, DbError> {
    let mut new = Vec::new();
    if let Some(variant) = happened.variant {
        let args = args![tenant, experiment, unit, variant, EXPOSED, MAX_UNITS];
        if tx.execute(sql::EXPOSE, args).await? > 0 {
            new.push((variant.to_owned(), EXPOSED.to_owned()));
        }
    }
    if happened.events.is_empty() {
        return Ok(new);
    }
    let seen: Option<(String,)> = tx.optional(sql::EXPOSURE, args![tenant, experiment, unit]).await?;
    let Some((variant,)) = seen else { return Ok(new) };
    for event in &happened.events {
        if tx.execute(sql::CONVERT, args![tenant, experiment, unit, *event]).await? > 0 {
            new.push((variant.clone(), (*event).to_owned()));
        }
    }
    Ok(new)
}
