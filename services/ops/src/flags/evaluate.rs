//! Unleash's own evaluation engine behind three types. The only file that names it.
//!
//! Everything comes in as an argument, time included; only a rollout that nobody's identity decides draws lots inside.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use serde_json::Value;
use unleash_yggdrasil::{EngineState, UpdateMessage};

/// Who asks: what strategies and constraints are held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The environment; [`DEFAULT_ENVIRONMENT`](super::DEFAULT_ENVIRONMENT) where it is `None`.
    pub environment: Option<String>,
    /// The user.
    pub user_id: Option<String>,
    /// The session.
    pub session_id: Option<String>,
    /// The application.
    pub app_name: Option<String>,
    /// An IP address.
    pub remote_address: Option<String>,
    /// The time, RFC 3339.
    pub current_time: Option<String>,
    /// Everything else.
    pub properties: BTreeMap<String, String>,
}

/// What a flag is for one context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it is on.
    pub is_on: bool,
    /// The variant, if it has any.
    pub variant: Option<Chosen>,
}

/// A variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its name.
    pub name: String,
    /// The type of its payload and the payload itself, as Unleash writes them.
    pub payload: Option<(String, String)>,
}

/// A document that is not what Unleash's clients read.
#[derive(Debug, thiserror::Error)]
#[error("the document is not one of Unleash's clients")]
pub struct Unreadable(#[source] serde_json::Error);

/// Flags, compiled. Evaluation neither reads nor writes anything outside.
pub struct Evaluator {
    engine: EngineState,
    faults: Vec<String>,
}

impl Evaluator {
    /// Compiles what a server of Unleash answers to `GET /api/client/features`, or a list of its delta events. On the machine
    /// of the name `machine` the strategy `applicationHostname` matches where it lists that name.
    ///
    /// # Errors
    /// The document has another shape. A flag that cannot be compiled is none: see [`Evaluator::faults`].
    pub fn new(mut document: Value, machine: Option<&str>) -> Result<Self, Unreadable> {
        if let Some(features) = document.get_mut("features").and_then(Value::as_array_mut) {
            features.iter_mut().for_each(|feature| settle_machine(feature, machine));
        }
        let message: UpdateMessage = serde_json::from_value(document).map_err(Unreadable)?;
        let mut engine = EngineState::initial_state(DateTime::UNIX_EPOCH);
        let warnings = engine.take_state(message).unwrap_or_default();
        let faults = warnings.into_iter().map(|warning| format!("{}: {}", warning.toggle_name, warning.message));
        Ok(Self { engine, faults: faults.collect() })
    }

    /// Flags that cannot be compiled, with the reason; they are always off.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// What a flag is for `context`; `None` when there is no such flag.
    pub fn evaluate(&self, key: &str, context: &Context) -> Option<Outcome> {
        let context = unleash_yggdrasil::Context {
            user_id: context.user_id.clone(),
            session_id: context.session_id.clone(),
            environment: context.environment.clone(),
            app_name: context.app_name.clone(),
            current_time: context.current_time.clone(),
            remote_address: context.remote_address.clone(),
            properties: Some(context.properties.clone().into_iter().collect::<HashMap<_, _>>()),
        };
        // In one pass: where lots are drawn, a second one could say something else.
        let found = self.engine.resolve(key, &context, &None)?.variant;
        let payload = found.payload.map(|payload| (payload.payload_type, payload.value));
        let variant = found.enabled.then_some(Chosen { name: found.name, payload });
        Some(Outcome { is_on: found.feature_enabled, variant })
    }
}

/// Has `applicationHostname` say already whether it matches: the engine would ask the operating system.
fn settle_machine(feature: &mut Value, machine: Option<&str>) {
    let Some(strategies) = feature.get_mut("strategies").and_then(Value::as_array_mut) else { return };
    for strategy in strategies.iter_mut().filter(|strategy| strategy["name"] == "applicationHostname") {
        let listed = strategy["parameters"]["hostNames"].as_str().unwrap_or_default();
        let is_here = |name: &str| machine.is_some_and(|machine| machine.eq_ignore_ascii_case(name.trim()));
        let matches = listed.split(',').any(is_here);
        // Users that are on no list are nobody.
        strategy["name"] = Value::from(if matches { "default" } else { "userWithId" });
        strategy["parameters"] = Value::Object(serde_json::Map::new());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_host_name_matches_on_the_machine_that_evaluates() {
        let strategy =
            json!({ "name": "applicationHostname", "parameters": { "hostNames": "edge-1, Edge-2" }, "variants": [] });
        let document = json!({ "version": 2, "query": null, "features": [
            { "name": "a", "enabled": true, "strategies": [strategy] },
        ] });
        for (machine, is_on) in [(Some("edge-2"), true), (Some("edge-3"), false), (Some(""), false), (None, false)] {
            let evaluator = Evaluator::new(document.clone(), machine).unwrap();
            assert!(evaluator.faults().is_empty());
            assert_eq!(evaluator.evaluate("a", &Context::default()).unwrap().is_on, is_on, "{machine:?}");
        }
    }
}
