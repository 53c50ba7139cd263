//! Samples of a recording's pictures, by which its renditions are decided.

use engine_host::{EngineEvent, EngineSession};
use media_types::{EncodePlan, ProbeReport};
use pipeline::{Analysis, RangeCheck, RangeOrder, RangeSummary};
use tokio::sync::mpsc;

use super::{EVENTS_IN_FLIGHT, OnProgress, fault, first_cause, share};
use crate::error::WorkError;

/// Decides the renditions of a plan that asks for it, and answers the plan that has them; `None` when it is to stay as it is.
///
/// # Errors
/// When the engine fails, or gives other than what was ordered.
pub(crate) async fn decide(
    session: &mut EngineSession,
    (plan, report): (&EncodePlan, &ProbeReport),
    on_progress: OnProgress,
) -> Result<Option<EncodePlan>, WorkError> {
    let Some(mut analysis) = Analysis::new(plan, report) else { return Ok(None) };
    while let Some(order) = analysis.next_order() {
        let told = |part: f64| on_progress(analysis.share(part));
        let (bits, summary) = encode_sample(session, &order, told).await?;
        analysis.add(&order, &bits, &summary);
    }
    Ok(analysis.decide())
}

/// Bits of each rendition, and what the engine says of them.
async fn encode_sample(
    session: &mut EngineSession,
    order: &RangeOrder,
    on_progress: impl Fn(f64),
) -> Result<(Vec<u64>, RangeSummary), WorkError> {
    let (events_in, mut events) = mpsc::channel(EVENTS_IN_FLIGHT);
    let mut bits = vec![0; order.renditions.len()];
    let mut check = RangeCheck::new(order);
    let count = async {
        while let Some(event) = events.recv().await {
            match event {
                EngineEvent::Sample { track, sample } => {
                    check.sample(track, &sample).map_err(fault)?;
                    bits[track as usize] += 8 * sample.data.len() as u64;
                }
                EngineEvent::Progress { done, total } => on_progress(share(done, total)),
                EngineEvent::Config { .. } | EngineEvent::Image { .. } | EngineEvent::Cue { .. } => {}
            }
        }
        Ok(())
    };
    let (summary, counted) = tokio::join!(session.encode_range(order.clone(), events_in), count);
    let summary = first_cause(summary, counted)?;
    pipeline::check_range(order, &summary).and_then(|()| check.finish()).map_err(fault)?;
    Ok((bits, summary))
}
