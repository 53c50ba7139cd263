//! Requests for changes in their table, environments where changes need approval, and the switch that refuses all changes.

use std::collections::{BTreeMap, BTreeSet};

use database::{DbError, Tx, args, outbox};
use kernel::Cursor;
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::{By, FlagError, Store, json_of, segments};
use crate::flags::model::{Content, FlagRow, MAX_FLAGS, MAX_SEGMENTS, SegmentRow, Settings};
use crate::flags::requests::{
    APPLIED, APPROVED, ASKED, DECLINED, FreezeRow, GuardRow, MAX_DUE, MAX_GUARDS, MAX_KEPT, MAX_OPEN, RequestRow,
    STALE, WITHDRAWN, Wish,
};
use crate::flags::{guard, rules, sql};

impl Store {
    /// Remembers what somebody asks for. Where nobody has to approve it, and a time is named, it only waits for that.
    pub(crate) async fn ask(&self, by: By<'_>, wish: &Wish) -> Result<RequestRow, FlagError> {
        let tenant = by.tenant;
        let mut tx = self.begin(tenant).await?;
        let flag: Option<FlagRow> = tx.optional(sql::FLAG, args![tenant, &wish.flag_key]).await?;
        let flag = flag.ok_or(FlagError::NotFound)?;
        let (open,): (i64,) = tx.optional(sql::COUNT_OPEN_REQUESTS, args![tenant]).await?.ok_or(DbError::NoRow)?;
        if open >= MAX_OPEN {
            return Err(FlagError::TooMany(open));
        }
        let is_guarded = guarded(&mut tx, tenant).await?.contains(&wish.environment);
        let state = if wish.due_ms.is_some() && !is_guarded { APPROVED } else { ASKED };
        let id = format!("frq_{}", Uuid::now_v7().simple());
        let was = flag.content.0.environments.get(&wish.environment).map(json_of);
        let args = args![
            tenant,
            id,
            &wish.flag_key,
            &wish.environment,
            state,
            was,
            wish.wanted.as_ref().map(json_of),
            &wish.reason,
            wish.due_ms,
            by.actor,
            self.now_ms(),
        ];
        let row = tx.optional(sql::INSERT_REQUEST, args).await?.ok_or(DbError::NoRow)?;
        tx.execute(sql::FORGET_REQUESTS, args![tenant, MAX_KEPT]).await?;
        self.tell(&mut tx, by, &row).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Requests, newest first; of one state or one flag where such is named.
    pub(crate) async fn requests(
        &self,
        tenant: &TenantId,
        (state, flag): (Option<&str>, Option<&str>),
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<RequestRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(sql::LIST_REQUESTS, args![tenant, state, flag, time_ms, id, i64::from(limit)]).await
    }

    pub(crate) async fn request(&self, tenant: &TenantId, id: &str) -> Result<RequestRow, FlagError> {
        self.db.optional(sql::REQUEST, args![tenant, id]).await?.ok_or(FlagError::NoRequest)
    }

    /// Approves a request, which takes effect now or when its time has come; one whose flag has changed since goes stale instead.
    pub(crate) async fn approve(&self, by: By<'_>, id: &str) -> Result<RequestRow, FlagError> {
        let mut tx = self.begin(by.tenant).await?;
        let row = waiting(&mut tx, by.tenant, id, &[ASKED]).await?;
        if row.asked_by == by.actor {
            return Err(FlagError::OwnRequest);
        }
        let is_due = row.due_ms.is_none_or(|due_ms| due_ms <= self.now_ms());
        let row = match is_due {
            true => self.take_effect(&mut tx, by.tenant, &row, Some(by.actor)).await?,
            false => self.settle(&mut tx, &row, APPROVED, Some(by.actor), None).await?,
        };
        self.tell(&mut tx, by, &row).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Declines a request; [`Store::withdraw`] is for whoever no longer wants it.
    pub(crate) async fn decline(&self, by: By<'_>, id: &str) -> Result<RequestRow, FlagError> {
        self.end(by, id, DECLINED, &[ASKED]).await
    }

    /// Takes back a request that has not taken effect.
    pub(crate) async fn withdraw(&self, by: By<'_>, id: &str) -> Result<RequestRow, FlagError> {
        self.end(by, id, WITHDRAWN, &[ASKED, APPROVED]).await
    }

    async fn end(&self, by: By<'_>, id: &str, state: &str, from: &[&str]) -> Result<RequestRow, FlagError> {
        let mut tx = self.begin(by.tenant).await?;
        let row = waiting(&mut tx, by.tenant, id, from).await?;
        let row = self.settle(&mut tx, &row, state, Some(by.actor), None).await?;
        self.tell(&mut tx, by, &row).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Approved requests of all tenants whose time has come, the first ones; none while flags may not change.
    pub(crate) async fn due(&self) -> Result<Vec<RequestRow>, DbError> {
        if self.freeze().await?.is_some() {
            return Ok(Vec::new());
        }
        self.db.all(sql::DUE_REQUESTS, args![APPROVED, self.now_ms(), MAX_DUE]).await
    }

    /// Has a request take effect whose time has come, unless somebody else did.
    pub(crate) async fn take_due(&self, tenant: &TenantId, id: &str) -> Result<(), FlagError> {
        let mut tx = self.begin(tenant).await?;
        let row = waiting(&mut tx, tenant, id, &[APPROVED]).await?;
        let decided_by = row.decided_by.clone();
        let row = self.take_effect(&mut tx, tenant, &row, decided_by.as_deref()).await?;
        let actor = row.asked_by.clone();
        self.tell(&mut tx, By { tenant, actor: &actor }, &row).await?;
        Ok(tx.commit().await?)
    }

    /// Makes of the flag what was asked for, or of the request a stale one.
    async fn take_effect(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        row: &RequestRow,
        decided_by: Option<&str>,
    ) -> Result<RequestRow, FlagError> {
        check_freeze(tx).await?;
        let flag: Option<FlagRow> = tx.optional(sql::FLAG, args![tenant, &row.flag_key]).await?;
        // Since it was asked for, somebody may have begun to demand approval.
        let is_allowed = decided_by.is_some() || !guarded(tx, tenant).await?.contains(&row.environment);
        let Some((flag, content)) = flag.filter(|_| is_allowed).and_then(|flag| wished(flag, row)) else {
            return self.settle(tx, row, STALE, decided_by, None).await;
        };
        let rows: Vec<SegmentRow> = tx.all(sql::SEGMENTS, args![tenant, MAX_SEGMENTS]).await?;
        let known: BTreeMap<_, _> = rows.into_iter().map(|row| (row.name, row.content.0)).collect();
        if rules::check(&flag.key, &content, &known).is_err() {
            return self.settle(tx, row, STALE, decided_by, None).await;
        }
        let by = By { tenant, actor: &row.asked_by };
        let made = self.change_in(tx, by, &flag, "applied", &content).await?;
        self.settle(tx, row, APPLIED, decided_by, Some(made.version)).await
    }

    async fn settle(
        &self,
        tx: &mut Tx,
        row: &RequestRow,
        state: &str,
        decided_by: Option<&str>,
        version: Option<i64>,
    ) -> Result<RequestRow, FlagError> {
        let args = args![&row.tenant_id, &row.id, state, decided_by, version, self.now_ms()];
        Ok(tx.optional(sql::SETTLE_REQUEST, args).await?.ok_or(DbError::NoRow)?)
    }

    async fn tell(&self, tx: &mut Tx, By { tenant, actor }: By<'_>, row: &RequestRow) -> Result<(), DbError> {
        let data = json!({ "id": row.id, "key": row.flag_key, "environment": row.environment, "state": row.state, "actor": actor });
        let (kind, time_ms) = ("flag.request_changed", self.now_ms());
        let event = outbox::NewEvent { tenant_id: tenant, kind, subject: &row.flag_key, data, time_ms };
        outbox::append(tx, &event).await?;
        Ok(())
    }

    /// Environments in which changes need approval, in the order of their names.
    pub(crate) async fn guards(&self, tenant: &TenantId) -> Result<Vec<GuardRow>, DbError> {
        self.db.all(sql::GUARDS, args![tenant, MAX_GUARDS]).await
    }

    /// Demands approval in an environment from now on, or none.
    pub(crate) async fn guard(&self, tenant: &TenantId, environment: &str, is_needed: bool) -> Result<(), FlagError> {
        let mut tx = self.begin(tenant).await?;
        if is_needed {
            let guards = guarded(&mut tx, tenant).await?;
            if !guards.contains(environment) && i64::try_from(guards.len()).is_ok_and(|count| count >= MAX_GUARDS) {
                return Err(FlagError::TooMany(MAX_GUARDS));
            }
            tx.execute(sql::GUARD, args![tenant, environment, self.now_ms()]).await?;
        } else {
            tx.execute(sql::UNGUARD, args![tenant, environment]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Why flags may not change at the moment, if so.
    pub(crate) async fn freeze(&self) -> Result<Option<FreezeRow>, DbError> {
        self.db.optional(sql::FREEZE, args![]).await
    }

    /// Refuses every change of flags of all tenants, but for turning them off. Asked for again it changes all but since when.
    pub(crate) async fn begin_freeze(&self, reason: &str, actor: &str) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        tx.execute(sql::BEGIN_FREEZE, args![reason, actor, self.now_ms()]).await?;
        tx.commit().await
    }

    /// Lets flags change again.
    pub(crate) async fn end_freeze(&self) -> Result<(), DbError> {
        let mut tx = self.db.begin().await?;
        tx.execute(sql::END_FREEZE, args![]).await?;
        tx.commit().await
    }
}

/// Refuses a change of a flag that may not be made, or not directly.
pub(super) async fn permit(
    tx: &mut Tx,
    tenant: &TenantId,
    was: Option<&Content>,
    became: Option<&Content>,
) -> Result<(), FlagError> {
    if !matches!((was, became), (Some(was), Some(became)) if guard::is_kill(was, became)) {
        check_freeze(tx).await?;
    }
    let touched = guard::touched(was, became);
    if touched.is_empty() {
        return Ok(());
    }
    let guards = guarded(tx, tenant).await?;
    match touched.into_iter().find(|name| guards.contains(*name)) {
        Some(name) => Err(FlagError::Guarded(name.to_owned())),
        None => Ok(()),
    }
}

/// Refuses to change a segment that flags refer to where changes need approval.
pub(super) async fn permit_segment(tx: &mut Tx, tenant: &TenantId, name: &str) -> Result<(), FlagError> {
    check_freeze(tx).await?;
    let guards = guarded(tx, tenant).await?;
    if guards.is_empty() {
        return Ok(());
    }
    let flags: Vec<FlagRow> = tx.all(sql::ALL_FLAGS, args![tenant, MAX_FLAGS]).await?;
    let environments = flags.iter().flat_map(|flag| &flag.content.0.environments);
    let mut using = environments.filter(|(_, settings)| segments::named_in(settings).any(|named| named == name));
    match using.find(|(environment, _)| guards.contains(*environment)) {
        Some((environment, _)) => Err(FlagError::Guarded(environment.clone())),
        None => Ok(()),
    }
}

/// Refuses everything while flags may not change.
pub(super) async fn check_freeze(tx: &mut Tx) -> Result<(), FlagError> {
    let freeze: Option<FreezeRow> = tx.optional(sql::FREEZE, args![]).await?;
    freeze.map_or(Ok(()), |freeze| Err(FlagError::Frozen(freeze.reason)))
}

async fn guarded(tx: &mut Tx, tenant: &TenantId) -> Result<BTreeSet<String>, DbError> {
    let rows: Vec<GuardRow> = tx.all(sql::GUARDS, args![tenant, MAX_GUARDS]).await?;
    Ok(rows.into_iter().map(|row| row.environment).collect())
}

/// A request that is in one of these states.
async fn waiting(tx: &mut Tx, tenant: &TenantId, id: &str, states: &[&str]) -> Result<RequestRow, FlagError> {
    let row: Option<RequestRow> = tx.optional(sql::REQUEST, args![tenant, id]).await?;
    let row = row.ok_or(FlagError::NoRequest)?;
    if states.contains(&row.state.as_str()) { Ok(row) } else { Err(FlagError::Decided(row.state)) }
}

/// The flag, and what is asked for, if its settings are still those that it was asked for with.
fn wished(flag: FlagRow, row: &RequestRow) -> Option<(FlagRow, Content)> {
    let mut content = flag.content.0.clone();
    let now: Option<&Settings> = content.environments.get(&row.environment);
    if now != row.was.as_ref().map(|was| &was.0) {
        return None;
    }
    match &row.wanted {
        Some(wanted) => drop(content.environments.insert(row.environment.clone(), wanted.0.clone())),
        None => drop(content.environments.remove(&row.environment)),
    }
    Some((flag, content))
}
