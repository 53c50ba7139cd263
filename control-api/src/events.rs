//! Server-sent events: the outbox, and progress while somebody listens.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use asset_flow::{Phase, RenewalPhase};
use asset_store::AssetRow;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use database::outbox::EventRow;
use futures::{Stream, StreamExt};
use kernel::problem::{ProblemBody, chain};
use kernel::{ApiQuery, EventData, Problem, Still};
use media_types::{AssetId, TenantId};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use utoipa::{IntoParams, ToSchema};

use crate::state::Api;
use crate::views::{ProgressView, RenditionView, progress};
use crate::{assets, codes, error, views};

/// Between two looks at the progress: at most two events a second and asset.
const BEAT: Duration = Duration::from_millis(500);
/// Assets whose progress is followed without being asked for by name.
const FOLLOWED: i64 = 32;
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The query of the stream.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Only events about this asset.
    asset_id: Option<String>,
    /// Events after this number; the header `Last-Event-ID` goes first.
    after: Option<i64>,
}

/// The data of an `asset.progress` event, which has no number: only the newest counts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct ProgressData {
    /// The asset.
    asset_id: String,
    /// Its state.
    state: &'static str,
    /// How far it is.
    progress: ProgressView,
    /// How far its renditions are.
    renditions: Vec<RenditionView>,
    /// How far its renewal is, while that is processed.
    #[serde(skip_serializing_if = "Option::is_none")]
    renewal: Option<ProgressView>,
}

/// The progress of what is being worked on, computed once for all of a tenant who listen.
#[derive(Default)]
pub(crate) struct Pulse(Mutex<HashMap<TenantId, Weak<Shared>>>);

/// What listeners of one tenant share.
#[derive(Default)]
struct Shared(tokio::sync::Mutex<Option<Reading>>);

struct Reading {
    taken: Instant,
    /// The database's count of changes before the reading: another one means that states may differ.
    changes: u64,
    all: Arc<Vec<ProgressData>>,
}

impl Pulse {
    /// What the listeners of this tenant share, as long as there is one.
    fn of(&self, tenant: &TenantId) -> Arc<Shared> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = all.get(tenant).and_then(Weak::upgrade) {
            return shared;
        }
        all.retain(|_, shared| shared.strong_count() > 0);
        let shared = Arc::<Shared>::default();
        all.insert(tenant.clone(), Arc::downgrade(&shared));
        shared
    }
}

impl Shared {
    async fn read(&self, api: &Api) -> Result<Arc<Vec<ProgressData>>, Problem> {
        let mut last = self.0.lock().await;
        let changes = *api.queue().database().changed().borrow();
        let fresh = |reading: &&Reading| reading.taken.elapsed() < BEAT * 9 / 10 && reading.changes == changes;
        if let Some(reading) = last.as_ref().filter(fresh) {
            return Ok(Arc::clone(&reading.all));
        }
        let mut all = Vec::new();
        for phase in [Phase::Processing, Phase::Ingesting] {
            let rows = api.store.assets(&api.tenant, Some(phase), None, FOLLOWED).await.map_err(error::store)?;
            for row in rows {
                all.push(progress_of(api, &row).await?);
            }
        }
        for row in api.store.renewing().await.map_err(error::store)?.iter().filter(|row| row.tenant_id == api.tenant) {
            all.push(progress_of(api, row).await?);
        }
        let all = Arc::new(all);
        *last = Some(Reading { taken: Instant::now(), changes, all: Arc::clone(&all) });
        Ok(all)
    }
}

async fn progress_of(api: &Api, row: &AssetRow) -> Result<ProgressData, Problem> {
    let how_far = api.store.progress_at(&api.tenant, &row.id, api.now_ms()).await.map_err(error::store)?;
    let renewal = api.store.renewal_progress_at(row, api.now_ms()).await.map_err(error::store)?;
    let (progress, renditions) = progress(how_far);
    let renewal = renewal.map(|how_far| views::progress(how_far).0);
    Ok(ProgressData { asset_id: row.id.to_string(), state: row.state.as_str(), progress, renditions, renewal })
}

struct Listener {
    api: Api,
    still: Still,
    shared: Arc<Shared>,
    asset: Option<AssetId>,
    outbox: Pin<Box<dyn Stream<Item = EventRow> + Send>>,
    beat: Interval,
    seen: HashMap<String, ProgressData>,
    ready: VecDeque<Event>,
}

impl Listener {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                row = self.outbox.next() => return Some(numbered(row?)),
                _ = self.beat.tick() => {
                    if !self.still.holds().await {
                        return None;
                    }
                    // Progress is a courtesy: the stream of events goes on without it.
                    if let Err(problem) = self.look().await {
                        tracing::debug!(code = problem.code(), "progress could not be read");
                    }
                }
            }
        }
    }

    async fn look(&mut self) -> Result<(), Problem> {
        let all = match &self.asset {
            None => self.shared.read(&self.api).await?,
            Some(id) => {
                let row = assets::find(&self.api, id).await?;
                let renewing = row.flow.renewal.as_ref().is_some_and(|of| of.phase == RenewalPhase::Processing);
                let working = matches!(row.state, Phase::Processing | Phase::Ingesting) || renewing;
                Arc::new(if working { vec![progress_of(&self.api, &row).await?] } else { Vec::new() })
            }
        };
        for data in all.iter().filter(|data| self.seen.get(&data.asset_id) != Some(data)) {
            match Event::default().event("asset.progress").json_data(data) {
                Ok(event) => self.ready.push_back(event),
                Err(error) => tracing::error!(error = %error, "progress has no JSON form"),
            }
        }
        self.seen = all.iter().map(|data| (data.asset_id.clone(), data.clone())).collect();
        Ok(())
    }
}

fn numbered(row: EventRow) -> Event {
    let kind = row.kind.clone();
    let data = EventData::from(row);
    let event = Event::default().id(data.seq.to_string()).event(kind);
    event.json_data(&data).unwrap_or_else(|error| {
        tracing::error!(error = %chain(&error), "an event has no JSON form");
        Event::default().comment("an event could not be written")
    })
}

/// What happens to assets, as it happens.
///
/// Plain server-sent events. Those from the outbox carry a number and can be taken up again with `Last-Event-ID`;
/// `asset.progress` comes at most twice a second and asset, and only while somebody listens. A stream ends after 15
/// minutes, or soon after its key was revoked: connect again.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "stream_events", tag = "events",
    params(StreamQuery, ("Last-Event-ID" = Option<i64>, Header, description = "events after this number")),
    responses(
        (status = 200, description = "a stream of EventData and ProgressData", body = EventData,
            content_type = "text/event-stream"),
        (status = 503, description = "too many listeners", body = ProblemBody),
    )
)]
pub(crate) async fn stream(
    api: Api,
    still: Still,
    ApiQuery(query): ApiQuery<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let invalid =
        || Problem::bad_request(codes::EVENTS_INVALID_ID, "the number of an event is a whole number, 0 or more");
    let after = match headers.get("last-event-id") {
        Some(value) => Some(value.to_str().ok().and_then(|text| text.trim().parse().ok()).ok_or_else(invalid)?),
        None => query.after,
    };
    if after.is_some_and(|seq: i64| seq < 0) {
        return Err(invalid());
    }
    let asset = query.asset_id.as_deref().map(assets::parse).transpose()?;
    let outbox = api.feed.listen(&api.tenant, after, asset.as_ref().map(AssetId::to_string)).await?;
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (shared, outbox) = (api.pulse.of(&api.tenant), Box::pin(outbox));
    let listener = Listener { api, still, shared, asset, outbox, beat, seen: HashMap::new(), ready: VecDeque::new() };
    let events = futures::stream::unfold(listener, |mut listener| async move {
        listener.next().await.map(|event| (Ok::<_, Infallible>(event), listener))
    });
    let mut response = Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response();
    // A proxy that gathers the answer would keep every event from its reader.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
