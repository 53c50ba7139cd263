//! Sends what is due, until it is stopped. Any number of processes may do this at once: a stream is sent by whoever has put off when
//! it is due next.

use database::{DbError, args};
use http_client::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http_client::{Method, Request};
use kernel::problem::chain;
use media_types::TenantId;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{DEADLINE, StreamRow, ocsf, syslog};
use crate::audit::entry::AuditEntry;
use crate::audit::sql;
use crate::audit::store::Audit;
use crate::audit::views::EntryView;

/// Streams that are served at once.
const AT_ONCE: i64 = 16;
/// Entries of one delivery.
const BATCH: i64 = 100;
/// For so long nobody else takes a stream that is being sent: longer than a delivery takes.
const LEASE_MS: i64 = 60_000;
/// Before what has failed is tried again: twice as long each time, up to an hour.
const FIRST_PAUSE_MS: i64 = 5000;
const LONGEST_PAUSE_MS: i64 = 3_600_000;
/// The most characters of what went wrong.
const MAX_ERROR: usize = 300;

/// Sends until `stopped` turns true. What is under way then is sent again by whoever comes next.
pub(crate) async fn run(audit: Audit, mut stopped: watch::Receiver<bool>) {
    let mut changed = audit.db.changed();
    loop {
        changed.mark_unchanged();
        tokio::select! {
            // Whoever could stop it is gone: that is an end too.
            _ = stopped.wait_for(|stop| *stop) => return,
            sent = audit.send_all() => {
                if let Err(error) = sent {
                    tracing::warn!(error = %chain(&error), "streams of audit logs wait for the database");
                }
            }
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            () = audit.db.next_look(&mut changed) => {}
        }
    }
}

/// How long is waited after so many failures in a row.
fn pause_ms(failures: i64) -> i64 {
    let doubled = u32::try_from(failures.saturating_sub(1)).unwrap_or_default().min(20);
    (FIRST_PAUSE_MS << doubled).min(LONGEST_PAUSE_MS)
}

impl Audit {
    /// Sends until nothing is due. What has failed is due later.
    async fn send_all(&self) -> Result<(), DbError> {
        while self.send_due().await? > 0 {}
        Ok(())
    }

    /// Makes one delivery of each stream that is due and has something to send; how many were taken on.
    pub(crate) async fn send_due(&self) -> Result<usize, DbError> {
        let due: Vec<StreamRow> = self.db.all(sql::DUE_STREAMS, args![(self.clock)(), AT_ONCE]).await?;
        let (count, mut sending) = (due.len(), JoinSet::new());
        for row in due {
            let audit = self.clone();
            sending.spawn(async move { audit.send(row).await });
        }
        let mut outcome = Ok(count);
        while let Some(sent) = sending.join_next().await {
            // A panic leaves the stream to whoever finds it due.
            if let Ok(Err(error)) = sent {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Sends the next entries of a stream, if nobody else is at it, and keeps what came of that.
    async fn send(&self, row: StreamRow) -> Result<(), DbError> {
        let lease_ms = (self.clock)() + LEASE_MS;
        let claim = args![&row.tenant_id, &row.id, row.due_ms, lease_ms];
        if !self.change_stream(sql::CLAIM_STREAM, claim).await? {
            return Ok(());
        }
        let outcome = self.deliver(&row).await;
        let now_ms = (self.clock)();
        let (next, due_ms, failures, error) = match outcome {
            Ok(next) => (next, now_ms, 0, None),
            Err(error) => {
                let failures = row.failures + 1;
                // PostgreSQL stores no NUL.
                let error: String = error.chars().filter(|letter| *letter != '\0').take(MAX_ERROR).collect();
                (row.next_seq, now_ms + pause_ms(failures), failures, Some(error))
            }
        };
        let sent_ms = error.is_none().then_some(now_ms);
        let args = args![row.tenant_id, row.id, lease_ms, next, due_ms, failures, error, sent_ms];
        self.change_stream(sql::ADVANCE_STREAM, args).await.map(drop)
    }

    async fn change_stream(&self, sql: &'static str, args: Vec<database::Val>) -> Result<bool, DbError> {
        let mut tx = self.db.begin().await?;
        let changed = tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// Sends; the index of what follows, or why it was not taken.
    async fn deliver(&self, row: &StreamRow) -> Result<i64, String> {
        let tenant: TenantId = row.tenant_id.parse().map_err(|_| "the tenant has no id".to_owned())?;
        let start = u64::try_from(row.next_seq).unwrap_or_default();
        let rows = self.entries(&tenant, start, BATCH).await.map_err(|error| chain(&error))?;
        let last = rows.last().ok_or_else(|| "the log lacks entries that it should have".to_owned())?;
        let next = last.seq + 1;
        let views: Vec<Option<EntryView>> = if row.has_personal {
            let views = self.views(&tenant, rows.clone()).await.map_err(|error| chain(&error))?;
            views.into_iter().map(Some).collect()
        } else {
            rows.iter().map(|_| None).collect()
        };
        let mut events = Vec::with_capacity(rows.len());
        for (entry, view) in rows.iter().zip(&views) {
            // What was emptied meanwhile has nothing to say.
            let Ok(said) = serde_json::from_str::<AuditEntry>(&entry.entry) else { continue };
            let event = ocsf::event(entry, &said, view.as_ref()).to_string();
            events.push((said, event));
        }
        if !events.is_empty() {
            match syslog::target(&row.url) {
                Some(target) => self.send_syslog(target, &events).await?,
                None => self.send_http(row, &events).await?,
            }
        }
        Ok(next)
    }

    /// A line of JSON for each event. Any status of 200 to 299 has taken them.
    async fn send_http(&self, row: &StreamRow, events: &[(AuditEntry, String)]) -> Result<(), String> {
        let body: String = events.iter().flat_map(|(_, event)| [event.as_str(), "\n"]).collect();
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))]);
        if let Some(credential) = self.credential(row).await.map_err(|error| chain(&error))? {
            headers.extend([credential.header()]);
        }
        let request = Request { method: Method::POST, url: row.url.clone(), headers, body: body.into() };
        let answer = self.outlet.client.send_for_status(request).await.map_err(|error| error.to_string())?;
        if answer.status.is_success() { Ok(()) } else { Err(format!("it has answered {}", answer.status)) }
    }

    /// A message for each event. Nobody says that they have arrived: what was given to the connection counts as sent.
    async fn send_syslog(&self, (host, port): (&str, u16), events: &[(AuditEntry, String)]) -> Result<(), String> {
        let text: String = events.iter().map(|(entry, event)| syslog::framed(entry, event)).collect();
        let sending = async {
            let mut found = tokio::net::lookup_host((host, port)).await.map_err(|error| error.to_string())?;
            let permitted = found.find(|address| self.outlet.egress.permits(address.ip()));
            let address = permitted.ok_or_else(|| format!("{host} is no public address"))?;
            let mut stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
            stream.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
            stream.shutdown().await.map_err(|error| error.to_string())
        };
        let late = |_elapsed| format!("it has not taken them within {} s", DEADLINE.as_secs());
        tokio::time::timeout(DEADLINE, sending).await.map_err(late)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let pauses: Vec<i64> = [1, 2, 3, 10, 11, 1000].into_iter().map(pause_ms).collect();
        assert_eq!(pauses, [5000, 10_000, 20_000, 2_560_000, 3_600_000, 3_600_000]);
    }
}
