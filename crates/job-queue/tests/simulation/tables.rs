//! The production queue on an engine, with a clock that the world sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use database::Database;
use job_queue::{Capabilities, Fence, JobQueue, NewJob, QueueError, Reaped, Reaper, Reason};
use media_types::{AssetId, JobId};
use serde_json::json;

use crate::model::tenant_id;
use crate::world::{Claim, Order, Queue};

const STAGES: [&str; 4] = ["probe", "encode_range", "encode_ahead", "publish_complete"];

pub(crate) struct Tables {
    queue: JobQueue,
    time: Arc<AtomicI64>,
    /// Of each job, in the order of enqueuing.
    orders: Vec<Order>,
}

fn job_id(number: usize) -> JobId {
    JobId::from_unique(format!("{number:08}"))
}

fn asset_id(asset: usize) -> AssetId {
    AssetId::from_unique(asset)
}

impl Tables {
    pub(crate) fn new(db: Database) -> Self {
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let queue = JobQueue::on_clock(db, Arc::new(move || clock.load(Ordering::SeqCst)));
        Self { queue, time, orders: Vec::new() }
    }

    fn fence(&self, claim: &Claim) -> Fence {
        let tenant_id = tenant_id(self.orders[claim.job].tenant);
        Fence { tenant_id, job_id: job_id(claim.job), attempt: claim.attempt }
    }
}

impl Queue for Tables {
    async fn enqueue(&mut self, now_ms: i64, orders: &[Order]) {
        let first = self.orders.len();
        let new_job = |(at, order): (usize, &Order)| NewJob {
            id: job_id(first + at),
            tenant_id: tenant_id(order.tenant),
            asset_id: asset_id(order.asset),
            stage: order.stage.to_owned(),
            payload: json!({}),
            making: 0,
            priority: order.priority,
            weight: order.weight,
            max_attempts: order.max_attempts,
            delay_ms: 0,
            needs: Capabilities::default(),
            waits_on: order.waits_on.iter().map(|on| job_id(first + on)).collect(),
            dedupe_key: None,
        };
        let jobs: Vec<NewJob> = orders.iter().enumerate().map(new_job).collect();
        let mut tx = self.queue.database().begin().await.unwrap();
        self.queue.enqueue(&mut tx, now_ms, &jobs).await.unwrap();
        tx.commit().await.unwrap();
        self.orders.extend_from_slice(orders);
    }

    async fn claim(&mut self, now_ms: i64) -> Option<Claim> {
        self.time.store(now_ms, Ordering::SeqCst);
        let claimed = self.queue.claim(&STAGES, i64::MIN, "w").await.unwrap()?;
        let job = claimed.fence.job_id.as_str().trim_start_matches("job_").parse().unwrap();
        Some(Claim { job, attempt: claimed.fence.attempt })
    }

    async fn finish(&mut self, now_ms: i64, claim: &Claim) -> bool {
        let mut tx = self.queue.database().begin().await.unwrap();
        match self.queue.finish(&mut tx, &self.fence(claim), now_ms, json!({})).await {
            Ok(()) => tx.commit().await.map(|()| true).unwrap(),
            // What it held must not stand in the way of the next claim.
            Err(QueueError::LeaseLost) => tx.give_up().await.map(|()| false).unwrap(),
            Err(error) => panic!("{error}"),
        }
    }

    async fn take_over(&mut self, now_ms: i64, claim: &Claim) -> Option<bool> {
        let fence = self.fence(claim);
        let running = Reaper::new(self.queue.clone(), Duration::ZERO).silent(Instant::now()).await.unwrap();
        let silent = running.into_iter().find(|job| job.fence == fence)?;
        let mut tx = self.queue.database().begin().await.unwrap();
        let reaped = self.queue.take_over(&mut tx, &silent, now_ms).await.unwrap();
        tx.commit().await.unwrap();
        reaped.map(|reaped| matches!(reaped, Reaped::Parked(..)))
    }

    async fn cancel(&mut self, now_ms: i64, asset: usize) {
        let tenant = self.orders.iter().find(|order| order.asset == asset).map(|order| tenant_id(order.tenant));
        let mut tx = self.queue.database().begin().await.unwrap();
        let why = Reason { code: "simulation.cancelled", detail: "the simulation wants it so" };
        self.queue.cancel_asset(&mut tx, &tenant.unwrap(), &asset_id(asset), why, now_ms).await.unwrap();
        tx.commit().await.unwrap();
    }
}
