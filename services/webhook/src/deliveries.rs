//! Deliveries: handed out from the outbox, claimed, finished under their fence, listed, made again.

use std::collections::BTreeSet;

use database::outbox::EventRow;
use database::{DbError, Json, Tx, args, outbox};
use kernel::{Cursor, Filters};
use media_types::TenantId;
use uuid::Uuid;

use crate::model::{Attempt, DISABLED, DeliveryRow, EndpointRow, MAX_ENDPOINTS, Reason, delivery_id, with_attempt};
use crate::{WebhookError, Webhooks, payload, schedule, sql};

/// Endpoints that one read returns.
const PAGE: i64 = 200;
/// Events that one transaction hands out.
const EVENTS: i64 = 100;
/// The most deliveries that one request makes again.
pub(crate) const MAX_REPLAYED: i64 = 1000;
/// Deliveries that are over are kept so long.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
/// Deliveries that one step of the tidying removes.
const PRUNED: i64 = 1000;

/// A claim of a delivery: tenant, delivery and attempt. What is written under it changes nothing once somebody else has
/// claimed the row.
pub(crate) type Fence = (String, String, i64);

/// An endpoint that has something to get.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) tenant: String,
    pub(crate) endpoint: String,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has arrived.
    Delivered,
    /// It has not. The receiver may have asked for a pause.
    Failed {
        /// In milliseconds.
        asked_ms: Option<i64>,
    },
    /// It has not, and the receiver wants no more.
    Gone,
}

impl Webhooks {
    /// Hands what is new in the outbox to the endpoints it is for; whether there was anything. Of several processes that do this at
    /// once one does it.
    pub(crate) async fn hand_out(&self) -> Result<bool, DbError> {
        let from = self.reader.place(&self.db).await?.unwrap_or(0);
        let events = outbox::after_of_all(&self.db, from, EVENTS).await?;
        let Some(to) = events.last().map(|event| event.seq) else { return Ok(false) };
        let mut tx = self.db.begin().await?;
        if !self.reader.advance(&mut tx, from, to).await? {
            return Ok(true);
        }
        let tenants: BTreeSet<&str> = events.iter().map(|event| event.tenant_id.as_str()).collect();
        for tenant in tenants {
            self.hand_out_of(&mut tx, tenant, &events).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Hands out those events that are a tenant's.
    async fn hand_out_of(&self, tx: &mut Tx, tenant: &str, events: &[EventRow]) -> Result<(), DbError> {
        let Ok(id) = tenant.parse::<TenantId>() else { return Ok(()) };
        let listening: Vec<(String, Json<Filters>, i64)> = tx.all(sql::LISTENING, args![&id, MAX_ENDPOINTS]).await?;
        for event in events.iter().filter(|event| event.tenant_id == tenant) {
            for (endpoint, filters, since_seq) in &listening {
                if *since_seq < event.seq && filters.0.pass(&event.kind) {
                    let new = (endpoint.as_str(), event.id.as_str(), event.kind.as_str(), event.subject.as_str());
                    self.insert(tx, &id, new, Some(event.seq)).await?;
                }
            }
        }
        Ok(())
    }

    async fn insert(
        &self,
        tx: &mut Tx,
        tenant: &TenantId,
        (endpoint, event, kind, subject): (&str, &str, &str, &str),
        seq: Option<i64>,
    ) -> Result<String, DbError> {
        let (id, none) = (delivery_id(event, endpoint), serde_json::json!([]));
        let args = args![tenant, &id, endpoint, event, seq, kind, subject, self.now_ms(), none];
        tx.execute(sql::INSERT_DELIVERY, args).await?;
        Ok(id)
    }

    /// An event that only this endpoint gets, whatever its filters.
    pub(crate) async fn test(&self, tenant: &TenantId, of: &EndpointRow) -> Result<DeliveryRow, WebhookError> {
        let event = format!("evt_test_{}", Uuid::now_v7().simple());
        let mut tx = self.db.begin().await?;
        let id = self.insert(&mut tx, tenant, (&of.id, &event, payload::TEST_KIND, &of.id), None).await?;
        tx.wake();
        tx.commit().await?;
        self.delivery(tenant, &of.id, &id).await?.ok_or(WebhookError::NotFound)
    }

    pub(crate) async fn delivery(
        &self,
        tenant: &TenantId,
        endpoint: &str,
        id: &str,
    ) -> Result<Option<DeliveryRow>, DbError> {
        self.db.optional(sql::DELIVERY, args![tenant, endpoint, id]).await
    }

    /// Newest first, in one state or in all.
    pub(crate) async fn deliveries(
        &self,
        tenant: &TenantId,
        (endpoint, state): (&str, Option<&str>),
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, WebhookError> {
        let (time_ms, id) = Cursor::below(after);
        let mut args = args![tenant, endpoint, time_ms, id, i64::from(limit)];
        let statement = match state {
            None => sql::LIST_DELIVERIES,
            Some(state) => {
                args.push(state.into());
                sql::LIST_DELIVERIES_IN_STATE
            }
        };
        Ok(self.db.all(statement, args).await?)
    }

    /// Makes a delivery again from now on, whatever became of it. `None` when it is not there, or just being made.
    pub(crate) async fn replay(
        &self,
        tenant: &TenantId,
        endpoint: &str,
        id: &str,
    ) -> Result<Option<DeliveryRow>, WebhookError> {
        let mut tx = self.db.begin().await?;
        let row = tx.optional(sql::REPLAY, args![tenant, endpoint, id, self.now_ms()]).await?;
        tx.wake();
        tx.commit().await?;
        Ok(row)
    }

    /// Makes those deliveries again that have failed of what happened since then, the oldest [`MAX_REPLAYED`]; how many.
    pub(crate) async fn replay_failed(
        &self,
        tenant: &TenantId,
        endpoint: &str,
        since_ms: i64,
    ) -> Result<u64, WebhookError> {
        let mut tx = self.db.begin().await?;
        let args = args![tenant, endpoint, since_ms, self.now_ms(), MAX_REPLAYED];
        let count = tx.execute(sql::REPLAY_FAILED, args).await?;
        tx.wake();
        tx.commit().await?;
        Ok(count)
    }

    /// Every endpoint that something may be sent to now, and whether it has failed lately.
    pub(crate) async fn due(&self) -> Result<Vec<(Place, bool)>, DbError> {
        let (mut after, mut due) = ((String::new(), String::new()), Vec::new());
        loop {
            let args = args![after.0, after.1, self.now_ms(), schedule::HOLDING_TRIES, PAGE];
            let page: Vec<(String, String, i64)> = self.db.all(sql::DUE, args).await?;
            let Some((tenant, endpoint, _)) = page.last() else { return Ok(due) };
            after = (tenant.clone(), endpoint.clone());
            due.extend(page.into_iter().map(|(tenant, endpoint, fails)| (Place { tenant, endpoint }, fails != 0)));
        }
    }

    /// Claims up to so many deliveries of an endpoint.
    pub(crate) async fn claim(&self, of: &Place, limit: usize) -> Result<Vec<DeliveryRow>, DbError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut tx = self.db.begin().await?;
        let args = args![&of.tenant, &of.endpoint, self.now_ms(), schedule::HOLDING_TRIES, limit];
        let rows = tx.all(sql::CLAIM, args).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Records what came of a claimed delivery, if the claim still holds, and what follows for its endpoint.
    pub(crate) async fn finish(
        &self,
        of: &DeliveryRow,
        attempt: Attempt,
        verdict: Verdict,
        random: u32,
    ) -> Result<(), DbError> {
        let now_ms = self.now_ms();
        let pause_ms = match verdict {
            Verdict::Failed { asked_ms } => schedule::pause_ms(of.tries, asked_ms, random),
            _ => None,
        };
        let state = match (verdict, pause_ms) {
            (Verdict::Delivered, _) => "delivered",
            (_, Some(_)) => "pending",
            (_, None) => "failed",
        };
        let next_ms = now_ms.saturating_add(pause_ms.unwrap_or(0));
        let mut tx = self.db.begin().await?;
        // What was answered before may have been erased since the claim.
        let held: Option<(Json<Vec<Attempt>>,)> =
            tx.optional(sql::HELD, args![&of.tenant_id, &of.id, of.attempt]).await?;
        let Some((Json(attempts),)) = held else { return Ok(()) };
        let args = args![&of.tenant_id, &of.id, of.attempt, state, next_ms, with_attempt(attempts, attempt), now_ms];
        tx.execute(sql::FINISH, args).await?;
        match verdict {
            Verdict::Delivered => {
                tx.execute(sql::HEALTHY, args![&of.tenant_id, &of.endpoint_id]).await?;
            }
            Verdict::Gone => self.disable(&mut tx, of, Reason::Gone).await?,
            Verdict::Failed { .. } => {
                let args = args![&of.tenant_id, &of.endpoint_id, now_ms];
                let failing: Option<(i64, i64)> = tx.optional(sql::FAILING, args).await?;
                match failing {
                    Some((since, failures)) if schedule::is_hopeless(since, failures, now_ms) => {
                        self.disable(&mut tx, of, Reason::Failing).await?;
                    }
                    Some(_) => {}
                    // It was disabled while this was under way.
                    None => {
                        tx.execute(sql::GIVE_UP_PENDING, args![&of.tenant_id, &of.endpoint_id, now_ms]).await?;
                    }
                }
            }
        }
        tx.commit().await
    }

    async fn disable(&self, tx: &mut Tx, of: &DeliveryRow, reason: Reason) -> Result<(), DbError> {
        let (tenant, id, now_ms) = (&of.tenant_id, &of.endpoint_id, self.now_ms());
        let found: Option<(String,)> = tx.optional(sql::DISABLE, args![tenant, id, reason.as_str(), now_ms]).await?;
        let Some((url,)) = found else { return Ok(()) };
        tx.execute(sql::GIVE_UP_PENDING, args![tenant, id, now_ms]).await?;
        tracing::warn!(webhook = %id, reason = reason.as_str(), "a webhook is disabled");
        let Ok(tenant_id) = tenant.parse::<TenantId>() else { return Ok(()) };
        let event = outbox::NewEvent {
            tenant_id: &tenant_id,
            kind: &format!("webhook.{DISABLED}"),
            subject: id,
            data: payload::disabled(id, &url, reason.as_str()),
            time_ms: now_ms,
        };
        outbox::append(tx, &event).await.map(drop)
    }

    /// Every claim that is open, of any process.
    pub(crate) async fn sending(&self, limit: i64) -> Result<Vec<Fence>, DbError> {
        self.db.all(sql::SENDING, args![limit]).await
    }

    /// Ends claims that nobody will finish. What they were for is done again, unless it was tried too often.
    pub(crate) async fn give_back(&self, fences: &[Fence]) -> Result<(), DbError> {
        if fences.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        for (tenant, id, attempt) in fences {
            let args = args![tenant, id, *attempt, self.now_ms(), schedule::MAX_TRIES];
            tx.execute(sql::GIVE_BACK, args).await?;
        }
        tx.commit().await
    }

    /// Removes deliveries that have long been over, some at a time, and secrets that sign no longer.
    pub(crate) async fn prune(&self) -> Result<u64, DbError> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        tx.execute(sql::FORGET_PREVIOUS, args![now_ms]).await?;
        let pruned = tx.execute(sql::PRUNE, args![now_ms - KEPT_MS, PRUNED]).await?;
        tx.commit().await?;
        Ok(pruned)
    }
}
