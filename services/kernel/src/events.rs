//! The outbox as a stream that a client can leave and take up again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use database::outbox::{self, EventRow};
use database::{Database, DbError};
use futures::Stream;
use media_types::TenantId;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use crate::problem::chain;
use crate::{Problem, codes, rfc3339};

/// An event from the outbox, as everybody outside sees it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct EventData {
    /// Its number, in the order in which things happened.
    pub seq: i64,
    /// Unique.
    pub id: String,
    /// Such as `asset.ready`.
    pub kind: String,
    /// What it happened to, such as an asset.
    pub subject: String,
    /// RFC 3339.
    pub time: String,
    /// A snapshot of that.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

impl From<EventRow> for EventData {
    fn from(row: EventRow) -> Self {
        let time = rfc3339(row.time_ms);
        Self { seq: row.seq, id: row.id, kind: row.kind, subject: row.subject, time, data: row.data.0 }
    }
}

/// Bounds of a feed.
#[derive(Clone, Copy, Debug)]
pub struct FeedOptions {
    /// Clients that may listen at once.
    pub max_listeners: usize,
    /// How long one stream lasts; a client goes on in a new one from its last event.
    pub max_age: Duration,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self { max_listeners: 256, max_age: Duration::from_secs(900) }
    }
}

/// Hands out streams of a tenant's events.
#[derive(Clone)]
pub struct EventFeed {
    db: Database,
    options: FeedOptions,
    slots: Arc<Semaphore>,
}

struct Reader {
    db: Database,
    tenant: TenantId,
    subject: Option<String>,
    seq: i64,
    buffer: VecDeque<EventRow>,
    changed: watch::Receiver<u64>,
    until: Instant,
    _slot: OwnedSemaphorePermit,
}

impl EventFeed {
    /// A feed over the outbox of `db`.
    pub fn new(db: Database, options: FeedOptions) -> Self {
        Self { db, options, slots: Arc::new(Semaphore::new(options.max_listeners)) }
    }

    /// Events numbered above `after`, or from now on when that is `None`; with `subject`, only those about it. The
    /// stream ends at the age limit or when the database fails: a client then resumes from the last number it has.
    ///
    /// # Errors
    /// 503 when too many clients listen, or the database cannot say where the outbox ends.
    pub async fn listen(
        &self,
        tenant: &TenantId,
        after: Option<i64>,
        subject: Option<String>,
    ) -> Result<impl Stream<Item = EventRow> + Send + use<>, Problem> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().map_err(|_full| {
            Problem::unavailable(codes::EVENTS_TOO_MANY_LISTENERS, "too many clients listen to events", 5)
        })?;
        // Subscribed before the first read, so that nothing written in between is slept through.
        let changed = self.db.changed();
        let seq = match after {
            Some(seq) => seq,
            None => outbox::head(&self.db).await?,
        };
        let reader = Reader {
            db: self.db.clone(),
            tenant: tenant.clone(),
            subject,
            seq,
            buffer: VecDeque::new(),
            changed,
            until: Instant::now() + self.options.max_age,
            _slot: slot,
        };
        Ok(futures::stream::unfold(reader, |mut reader| async move { reader.next().await.map(|row| (row, reader)) }))
    }
}

impl Reader {
    async fn next(&mut self) -> Option<EventRow> {
        loop {
            if let Some(row) = self.buffer.pop_front() {
                return Some(row);
            }
            self.changed.mark_unchanged();
            match self.fill().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "a stream of events ends early");
                    return None;
                }
            }
            // Word of what other processes write does not always come.
            let wake = (Instant::now() + self.db.look_every()).min(self.until);
            // Both ends of the wait mean the same: look again.
            let _ = tokio::time::timeout_at(wake, self.changed.changed()).await;
            if Instant::now() >= self.until {
                return None;
            }
        }
    }

    /// Reads the next page; whether it had any rows.
    async fn fill(&mut self) -> Result<bool, DbError> {
        let rows = outbox::after(&self.db, &self.tenant, self.seq, outbox::MAX_PAGE).await?;
        let Some(last) = rows.last() else { return Ok(false) };
        self.seq = last.seq;
        let wanted = |row: &EventRow| self.subject.as_ref().is_none_or(|subject| *subject == row.subject);
        self.buffer = rows.into_iter().filter(wanted).collect();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use database::EngineKind;
    use database::outbox::NewEvent;
    use database::testing::{Scratch, for_each_engine};
    use futures::StreamExt;
    use serde_json::json;

    async fn write(db: &Database, tenant: &TenantId, id: &str, subject: &str) {
        let mut tx = db.begin().await.unwrap();
        let event = NewEvent { tenant_id: tenant, kind: "asset.ready", subject, data: json!({}), time_ms: 1 };
        let seq = outbox::append(&mut tx, &event).await.unwrap();
        tx.execute("UPDATE outbox SET id = $1 WHERE seq = $2", database::args![id, seq]).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_stream_resumes_filters_and_sees_what_is_written_later() {
        for_each_engine(|db| async move {
            let (mine, other) = (crate::default_tenant(), TenantId::from_unique("other"));
            for (tenant, id, subject) in [(&mine, "1", "a"), (&other, "2", "a"), (&mine, "3", "b"), (&mine, "4", "a")] {
                write(&db, tenant, id, subject).await;
            }
            let feed = EventFeed::new(db.clone(), FeedOptions { max_listeners: 2, ..FeedOptions::default() });
            let mut all = Box::pin(feed.listen(&mine, Some(1), None).await.unwrap());
            let mut about_a = Box::pin(feed.listen(&mine, None, Some("a".to_owned())).await.unwrap());
            assert_eq!(
                feed.listen(&mine, None, None).await.map(|_| ()).unwrap_err().code(),
                "events.too_many_listeners"
            );
            assert_eq!(all.next().await.unwrap().id, "3");
            assert_eq!(all.next().await.unwrap().id, "4");
            let writer = tokio::spawn(async move {
                write(&db, &mine, "5", "b").await;
                write(&db, &mine, "6", "a").await;
            });
            let next = tokio::time::timeout(Duration::from_secs(10), all.next());
            assert_eq!(next.await.unwrap().unwrap().id, "5");
            let next = tokio::time::timeout(Duration::from_secs(10), about_a.next());
            assert_eq!(next.await.unwrap().unwrap().id, "6");
            writer.await.unwrap();
            drop(about_a);
            assert!(feed.listen(&other, None, None).await.is_ok(), "a closed stream frees its place");
        })
        .await;
    }

    #[tokio::test]
    async fn what_another_process_writes_comes_at_once() {
        let scratch = Scratch::migrated(EngineKind::Postgres).await;
        let (mine, other) = (crate::default_tenant(), scratch.another().await);
        let mut heard = scratch.db.changed();
        tokio::time::timeout(Duration::from_secs(10), heard.changed()).await.unwrap().unwrap();
        let feed = EventFeed::new(scratch.db.clone(), FeedOptions::default());
        let mut stream = Box::pin(feed.listen(&mine, None, None).await.unwrap());
        for id in ["1", "2", "3"] {
            let (next, ()) = tokio::join!(
                tokio::time::timeout(Duration::from_millis(500), stream.next()),
                write(&other, &mine, id, "a")
            );
            assert_eq!(next.expect("word of it came, no look").unwrap().id, id);
        }
    }
}
