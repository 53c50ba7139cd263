//! Unleash's client specification (`@unleash/client-specification`, Apache-2.0): every case of every file. `make test` fetches
//! it into `tests/flags`; nothing of it is in the repository.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ops::flags::{Context, Evaluator};
use serde_json::{Value, json};

/// What its files held when this was written: a case that is skipped by accident is missed.
const CASES: (usize, usize) = (227, 52);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/flags/node_modules/@unleash/client-specification/specifications")
}

fn read(name: &str) -> Value {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}: run `make test`, which fetches Unleash's client specification", path.display())
    });
    serde_json::from_str(&text).unwrap()
}

fn context(given: &Value) -> Context {
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    let known = ["userId", "sessionId", "environment", "appName", "remoteAddress", "currentTime", "properties"];
    let properties = given["properties"].as_object().into_iter().flatten();
    let others = given.as_object().into_iter().flatten().filter(|(name, _)| !known.contains(&name.as_str()));
    let properties: BTreeMap<String, String> = properties
        .chain(others)
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    Context {
        environment: text("environment"),
        user_id: text("userId"),
        session_id: text("sessionId"),
        app_name: text("appName"),
        remote_address: text("remoteAddress"),
        current_time: text("currentTime").or_else(|| Some("2026-11-23T06:20:00.000Z".to_owned())),
        properties,
    }
}

#[test]
fn every_case_of_the_client_specification_holds() {
    let index = read("index.json");
    let (mut flags, mut variants, mut wrong) = (0, 0, Vec::new());
    for file in index.as_array().unwrap() {
        let file = file.as_str().unwrap();
        let suite = read(file);
        let evaluator = Evaluator::new(suite["state"].clone(), None).unwrap();
        let outcome =
            |case: &Value| evaluator.evaluate(case["toggleName"].as_str().unwrap(), &context(&case["context"]));
        for case in suite["tests"].as_array().into_iter().flatten() {
            flags += 1;
            let is_on = outcome(case).is_some_and(|outcome| outcome.is_on);
            if case["expectedResult"] != is_on {
                wrong.push(format!("{file}: {}: {is_on}", case["description"]));
            }
        }
        for case in suite["variantTests"].as_array().into_iter().flatten() {
            variants += 1;
            let found = outcome(case);
            let is_on = found.as_ref().is_some_and(|outcome| outcome.is_on);
            let variant = found.and_then(|outcome| outcome.variant);
            let mut told = json!({ "name": "disabled", "enabled": variant.is_some(), "feature_enabled": is_on });
            if let Some(variant) = variant {
                told["name"] = json!(variant.name);
                if let Some((kind, value)) = variant.payload {
                    told["payload"] = json!({ "type": kind, "value": value });
                }
            }
            let mut expected = case["expectedResult"].clone();
            // Some files spell it in camelCase besides.
            expected.as_object_mut().unwrap().remove("featureEnabled");
            if told != expected {
                wrong.push(format!("{file}: {}: {told} in place of {expected}", case["description"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), flags + variants, wrong.join("\n"));
    assert_eq!((flags, variants), CASES);
}
