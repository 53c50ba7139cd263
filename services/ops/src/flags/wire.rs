//! Flags of one environment as Unleash's clients read them (`GET /api/client/features`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::model::{Constraint, Content, FlagSegment, Purpose, Settings, Strategy, ValueType, Variant};

/// Shares of all variants of a flag in Unleash.
pub(crate) const WHOLE: u32 = 1000;
/// The variant that carries the value of a flag that has no variants.
pub(crate) const ON: &str = "on";

/// The document of `environment`: deterministic, flags in the order of their keys. Segments are numbered in the order of their
/// names.
pub(crate) fn document(
    environment: &str,
    flags: &BTreeMap<String, Content>,
    segments: &BTreeMap<String, FlagSegment>,
) -> Value {
    let numbers: BTreeMap<&str, usize> =
        segments.keys().enumerate().map(|(index, name)| (name.as_str(), index + 1)).collect();
    let features: Vec<Value> = flags
        .iter()
        .map(|(key, content)| feature(key, content, content.environments.get(environment), &numbers))
        .collect();
    let segments: Vec<Value> = segments
        .iter()
        .map(|(name, segment)| json!({ "id": numbers[name.as_str()], "name": name, "constraints": constraints(&segment.constraints) }))
        .collect();
    json!({ "version": 2, "features": features, "segments": segments, "query": { "environment": environment } })
}

fn feature(key: &str, content: &Content, settings: Option<&Settings>, numbers: &BTreeMap<&str, usize>) -> Value {
    let nothing = Settings::default();
    let settings = settings.unwrap_or(&nothing);
    let value_type = content.value_type;
    let strategies: Vec<Value> =
        settings.strategies.iter().map(|one| strategy(key, one, value_type, numbers)).collect();
    let parents: Vec<Value> = settings
        .parents
        .iter()
        .map(|parent| json!({ "feature": parent.key, "enabled": parent.enabled, "variants": parent.variants }))
        .collect();
    json!({
        "name": key,
        "type": purpose(content.purpose),
        "description": content.description,
        "project": "default",
        "enabled": settings.enabled,
        "stale": false,
        "impressionData": false,
        "strategies": strategies,
        "variants": variants(settings, value_type),
        "dependencies": parents,
    })
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Release => "release",
        Purpose::Experiment => "experiment",
        Purpose::Operational => "operational",
        Purpose::KillSwitch => "kill-switch",
        Purpose::Permission => "permission",
    }
}

fn strategy(key: &str, strategy: &Strategy, value_type: ValueType, numbers: &BTreeMap<&str, usize>) -> Value {
    let mut parameters = strategy.parameters.clone();
    if strategy.name == "flexibleRollout" {
        parameters.entry("stickiness".to_owned()).or_insert_with(|| "default".to_owned());
    }
    if strategy.name == "flexibleRollout" || strategy.name.starts_with("gradualRollout") {
        parameters.entry("groupId".to_owned()).or_insert_with(|| key.to_owned());
    }
    let stickiness = parameters.get("stickiness").map_or("default", String::as_str);
    let variants: Vec<Value> = strategy
        .variants
        .iter()
        .map(|variant| {
            let payload = payload(value_type, &variant.value);
            json!({ "name": variant.name, "weight": variant.weight, "stickiness": stickiness, "payload": payload })
        })
        .collect();
    // A segment that is not there has a number that is not there: Unleash's clients take the strategy for one that fails.
    let segments: Vec<usize> =
        strategy.segments.iter().map(|name| numbers.get(name.as_str()).copied().unwrap_or(0)).collect();
    json!({
        "name": strategy.name,
        "parameters": parameters,
        "constraints": constraints(&strategy.constraints),
        "segments": segments,
        "variants": variants,
    })
}

fn constraints(constraints: &[Constraint]) -> Vec<Value> {
    let one = |constraint: &Constraint| {
        let mut one = json!({
            "contextName": constraint.context_name,
            "operator": constraint.operator,
            "values": constraint.values,
            "inverted": constraint.inverted,
            "caseInsensitive": constraint.case_insensitive,
        });
        if let Some(value) = &constraint.value {
            one["value"] = Value::from(value.as_str());
        }
        one
    };
    constraints.iter().map(one).collect()
}

fn variants(settings: &Settings, value_type: ValueType) -> Vec<Value> {
    if let (true, Some(value)) = (settings.variants.is_empty(), &settings.on_value) {
        let variant = Variant {
            name: ON.to_owned(),
            weight: WHOLE,
            value: value.clone(),
            stickiness: None,
            overrides: Vec::new(),
        };
        return vec![variant_of(&variant, value_type)];
    }
    settings.variants.iter().map(|variant| variant_of(variant, value_type)).collect()
}

fn variant_of(variant: &Variant, value_type: ValueType) -> Value {
    let overrides: Vec<Value> =
        variant.overrides.iter().map(|one| json!({ "contextName": one.context_name, "values": one.values })).collect();
    json!({
        "name": variant.name,
        "weight": variant.weight,
        "weightType": "variable",
        "stickiness": variant.stickiness.as_deref().unwrap_or("default"),
        "payload": payload(value_type, &variant.value),
        "overrides": overrides,
    })
}

/// Unleash's payloads are texts with one of four types.
fn payload(value_type: ValueType, value: &Value) -> Value {
    let kind = match value_type {
        ValueType::Boolean | ValueType::String => "string",
        ValueType::Integer | ValueType::Float => "number",
        ValueType::Object => "json",
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    json!({ "type": kind, "value": text })
}

/// The value that [`payload`] has made into this text.
pub(crate) fn value_of(value_type: ValueType, text: &str) -> Option<Value> {
    match value_type {
        ValueType::String => Some(Value::from(text)),
        _ => serde_json::from_str(text).ok().filter(|value| value_type.fits(value)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn round(value_type: ValueType, value: &Value) -> Option<Value> {
        value_of(value_type, payload(value_type, value)["value"].as_str().unwrap())
    }

    proptest! {
        #[test]
        fn a_value_comes_out_of_its_payload_as_it_went_in(text: String, whole: i64, flag: bool) {
            for (value_type, value) in [
                (ValueType::String, json!(text)),
                (ValueType::Integer, json!(whole)),
                (ValueType::Float, json!(whole)),
                (ValueType::Boolean, json!(flag)),
                (ValueType::Object, json!({ &text: [whole, flag, text] })),
            ] {
                prop_assert_eq!(round(value_type, &value), Some(value));
            }
        }
    }
}
