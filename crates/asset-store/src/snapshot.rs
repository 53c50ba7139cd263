//! What the outbox says about an asset.

use asset_flow::{AssetState, Phase, RenewalPhase};
use serde_json::{Value, json};

use crate::AssetRow;

/// The kinds of the events that a change from `before` to `after` is, oldest first.
pub(crate) fn kinds(before: &AssetState, after: &AssetState) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    if before.playable_generation.is_none() && after.playable_generation.is_some() {
        kinds.push("asset.playable");
    }
    if let Some(kind) = renewal_kind(before, after) {
        kinds.push(kind);
    }
    if before.phase != after.phase {
        match after.phase {
            Phase::Ingesting => kinds.push("asset.ingesting"),
            Phase::Processing => kinds.push("asset.processing"),
            Phase::Ready => kinds.push("asset.ready"),
            Phase::Errored => kinds.push("asset.errored"),
            Phase::Deleted => kinds.push("asset.deleted"),
            Phase::AwaitingUpload | Phase::Deleting => {}
        }
    }
    kinds
}

/// The kind of what happened to the renewal of an asset that is ready, and stays so.
fn renewal_kind(before: &AssetState, after: &AssetState) -> Option<&'static str> {
    let phase = |state: &AssetState| state.renewal.as_ref().map(|renewal| renewal.phase);
    match (phase(before), phase(after)) {
        _ if after.phase != Phase::Ready => None,
        (Some(_), None) => Some("asset.renewed"),
        (before, Some(RenewalPhase::Processing)) if before != Some(RenewalPhase::Processing) => Some("asset.renewing"),
        (before, Some(RenewalPhase::Errored)) if before != Some(RenewalPhase::Errored) => Some("asset.renewal_errored"),
        _ => None,
    }
}

/// The data of an event: the asset as it is after the change.
pub(crate) fn of(asset: &AssetRow) -> Value {
    json!({
        "id": asset.id,
        "state": asset.state,
        "filename": asset.filename,
        "playback_id": asset.playback_id,
        "playable_generation": asset.flow.playable_generation,
        "complete_generation": asset.flow.complete_generation,
        "duration_ms": asset.duration_ms,
        "error": asset.flow.failure,
        "renewal": asset.flow.renewal.as_ref().map(|renewal| json!({
            "state": renewal.phase, "ladder": renewal.ladder.name, "error": renewal.failure,
        })),
        "version": asset.version,
    })
}

/// The same JSON with U+FFFD for NUL, which PostgreSQL cannot store: texts from a source may hold one.
pub(crate) fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text_without_nul(text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (text_without_nul(key), without_nul(value))).collect())
        }
        other => other,
    }
}

pub(crate) fn text_without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_replaced_wherever_it_hides() {
        let value = json!({ "a\0": ["b\0", { "c": "\0" }], "n": 1 });
        let clean = json!({ "a\u{fffd}": ["b\u{fffd}", { "c": "\u{fffd}" }], "n": 1 });
        assert_eq!(without_nul(value), clean);
    }

    #[test]
    fn an_asset_that_is_complete_at_once_is_playable_first() {
        let before = AssetState { phase: Phase::Processing, ..AssetState::default() };
        let after = AssetState { phase: Phase::Ready, playable_generation: Some(1), ..before.clone() };
        assert_eq!(kinds(&before, &after), ["asset.playable", "asset.ready"]);
        assert!(kinds(&after, &after).is_empty());
    }
}
