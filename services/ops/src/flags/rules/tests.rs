#![allow(clippy::unwrap_used)]
use super::*;
use crate::flags::Context;
use proptest::prelude::*;
use serde_json::json;

/// What is wrong with a flag that has these settings in production.
fn judged(value_type: ValueType, settings: &Value) -> Option<(String, &'static str)> {
    let settings = serde_json::from_value(settings.clone()).unwrap();
    let content = Content {
        value_type,
        environments: BTreeMap::from([("production".to_owned(), settings)]),
        ..Content::default()
    };
    let fault = check("a", &content, &BTreeMap::from([("known".to_owned(), FlagSegment::default())])).err()?;
    Some((
        fault.pointer.strip_prefix("/environments/production").unwrap_or(&fault.pointer).to_owned(),
        fault.code.name(),
    ))
}

fn constrained(constraint: Value) -> Value {
    json!({ "enabled": true, "strategies": [{ "name": "default", "constraints": [constraint] }] })
}

#[test]
fn what_every_operator_takes_is_taken_and_nothing_else() {
    for (operator, fine, unfit) in [
        ("NUM_EQ", "-1.5e3", "1 or true"),
        ("NUM_GT", "7", "inf"),
        ("NUM_GTE", "0", ""),
        ("NUM_LT", "1.", "one"),
        ("NUM_LTE", "+2", "((((1"),
        ("DATE_AFTER", "2026-11-23T06:20:00.000Z", "2026-11-23"),
        ("DATE_BEFORE", "2026-11-23T06:20:00+02:00", "now"),
        ("SEMVER_EQ", "1.2.3-rc.1+5", "1.2"),
        ("SEMVER_GT", "1.2.3", "v1.2.3"),
        ("SEMVER_GTE", "1.2.3", "1.2.3 or true"),
        ("SEMVER_LT", "1.2.3", "1.2.3ortrue"),
        ("SEMVER_LTE", "1.2.3", ""),
        ("REGEX", "^a\\d+\"$", "(a"),
        ("REGEX", "x", "x\\"),
        ("REGEX", "x{3}", "(\\w{1000}){1000}"),
    ] {
        let with = |value: &str| constrained(json!({ "context_name": "p", "operator": operator, "value": value }));
        assert_eq!(judged(ValueType::Boolean, &with(fine)), None, "{operator} {fine}");
        let expected = Some(("/strategies/0/constraints/0/value".to_owned(), "flag.invalid_constraint"));
        assert_eq!(judged(ValueType::Boolean, &with(unfit)), expected, "{operator} {unfit}");
    }
    for (operator, fine, unfit) in [
        ("IN", json!(["a\"b", ""]), json!(["a\\"])),
        ("NOT_IN", json!([]), json!(["a\nb"])),
        ("STR_STARTS_WITH", json!(["\\a"]), json!([])),
        ("STR_ENDS_WITH", json!(["] or true"]), json!(["x", "y\\"])),
        ("STR_CONTAINS", json!(["\u{1f600}"]), json!([])),
        ("IN_CIDR", json!(["10.0.0.0/8", "::1", "fd00::/8"]), json!(["10.0.0.0/33"])),
    ] {
        let with = |values: &Value| constrained(json!({ "context_name": "p", "operator": operator, "values": values }));
        assert_eq!(judged(ValueType::Boolean, &with(&fine)), None, "{operator} {fine}");
        let expected = Some(("/strategies/0/constraints/0/values".to_owned(), "flag.invalid_constraint"));
        assert_eq!(judged(ValueType::Boolean, &with(&unfit)), expected, "{operator} {unfit}");
    }
}

#[test]
fn what_is_no_flag_is_refused_with_its_place() {
    let one = |strategy: Value| json!({ "enabled": true, "strategies": [strategy] });
    let split = |variants: Value| json!({ "enabled": true, "variants": variants });
    for (value_type, settings, pointer, code) in [
        (ValueType::Boolean, json!({ "enabled": true, "on_value": "yes" }), "/on_value", "flag.invalid_value"),
        (ValueType::Integer, json!({ "enabled": true, "off_value": 1.5 }), "/off_value", "flag.invalid_value"),
        (ValueType::Object, json!({ "enabled": true, "on_value": [1] }), "/on_value", "flag.invalid_value"),
        (ValueType::String, json!({ "enabled": true, "on_value": "a\u{0}" }), "", "flag.invalid_value"),
        (ValueType::String, json!({ "enabled": true, "on_value": "a".repeat(70_000) }), "", "flag.too_large"),
        (ValueType::Boolean, one(json!({ "name": "mine" })), "/strategies/0/name", "flag.invalid_strategy"),
        (
            ValueType::Boolean,
            one(json!({ "name": "flexibleRollout" })),
            "/strategies/0/parameters",
            "flag.invalid_strategy",
        ),
        (
            ValueType::Boolean,
            one(json!({ "name": "flexibleRollout", "parameters": { "rollout": "101" } })),
            "/strategies/0/parameters/rollout",
            "flag.invalid_strategy",
        ),
        (
            ValueType::Boolean,
            one(json!({ "name": "flexibleRollout", "parameters": { "rollout": "5", "groupId": "a\" or true" } })),
            "/strategies/0/parameters/groupId",
            "flag.invalid_strategy",
        ),
        (
            ValueType::Boolean,
            one(json!({ "name": "userWithId", "parameters": { "userIds": "a\\,] or true or user_id in [" } })),
            "/strategies/0/parameters/userIds",
            "flag.invalid_strategy",
        ),
        (
            ValueType::Boolean,
            one(json!({ "name": "remoteAddress", "parameters": { "IPs": "10.0.0.1, here" } })),
            "/strategies/0/parameters/IPs",
            "flag.invalid_strategy",
        ),
        (
            ValueType::Boolean,
            one(json!({ "name": "default", "parameters": { "x": "1" } })),
            "/strategies/0/parameters",
            "flag.invalid_strategy",
        ),
        (
            ValueType::Boolean,
            one(json!({ "name": "default", "segments": ["known", "no"] })),
            "/strategies/0/segments/1",
            "flag.invalid_strategy",
        ),
        (
            ValueType::Boolean,
            constrained(json!({ "context_name": "a\"] == 1 or true", "operator": "IN", "values": ["a"] })),
            "/strategies/0/constraints/0/context_name",
            "flag.invalid_constraint",
        ),
        (
            ValueType::Boolean,
            split(json!([{ "name": "a", "weight": 0, "value": true }])),
            "/variants",
            "flag.invalid_variants",
        ),
        (
            ValueType::Boolean,
            split(json!([{ "name": "a", "weight": 1001, "value": true }])),
            "/variants/0/weight",
            "flag.invalid_variants",
        ),
        (
            ValueType::Boolean,
            split(json!([{ "name": "a", "weight": 1, "value": 1 }])),
            "/variants/0/value",
            "flag.invalid_value",
        ),
        (
            ValueType::Boolean,
            split(json!([{ "name": "a", "weight": 1, "value": true }, { "name": "a", "weight": 1, "value": false }])),
            "/variants/1/name",
            "flag.invalid_variants",
        ),
        (
            ValueType::Boolean,
            json!({ "enabled": true, "parents": [{ "key": "a" }] }),
            "/parents",
            "flag.invalid_parents",
        ),
    ] {
        assert_eq!(judged(value_type, &settings), Some((pointer.to_owned(), code)), "{settings}");
    }
    let named =
        Content { environments: BTreeMap::from([("No".to_owned(), Settings::default())]), ..Content::default() };
    assert_eq!(check("a", &named, &BTreeMap::new()).unwrap_err().code, codes::FLAG_INVALID_ENVIRONMENT);
}

#[test]
fn all_that_unleash_knows_is_taken() {
    for (name, parameters) in [
        ("default", json!({})),
        ("flexibleRollout", json!({ "rollout": "0", "stickiness": "random", "groupId": "x" })),
        ("flexibleRollout", json!({ "rollout": "100" })),
        ("userWithId", json!({ "userIds": "ann, bob" })),
        ("remoteAddress", json!({ "IPs": "10.0.0.0/8, ::1" })),
        ("applicationHostname", json!({ "hostNames": "edge-1,edge-2" })),
        ("gradualRolloutUserId", json!({ "percentage": "50", "groupId": "x" })),
        ("gradualRolloutSessionId", json!({ "percentage": "7" })),
        ("gradualRolloutRandom", json!({ "percentage": "99" })),
    ] {
        let settings = json!({
            "enabled": true,
            "strategies": [{ "name": name, "parameters": parameters, "segments": ["known"],
                "variants": [{ "name": "a", "weight": 1, "value": 1 }] }],
            "variants": [{ "name": "b", "weight": 1, "value": 2, "stickiness": "random",
                "overrides": [{ "context_name": "userId", "values": ["ann"] }] }],
            "parents": [{ "key": "other", "enabled": false, "variants": ["x"] }],
        });
        assert_eq!(judged(ValueType::Float, &settings), None, "{name} {parameters}");
    }
}

proptest! {
    /// Whatever a constraint holds: it is refused, or it is on for nobody but who has just that value.
    #[test]
    fn no_text_reads_as_another_rule(value in "[ -~]{0,24}", name in "[ -~]{1,12}") {
        for operator in ["IN", "NUM_EQ", "SEMVER_EQ", "REGEX", "STR_STARTS_WITH"] {
            let of_list = ["IN", "STR_STARTS_WITH"].contains(&operator);
            let mut constraint = json!({ "context_name": name, "operator": operator });
            if of_list { constraint["values"] = json!([value]) } else { constraint["value"] = json!(value) }
            let settings: Settings = serde_json::from_value(constrained(constraint)).unwrap();
            let environments = BTreeMap::from([("production".to_owned(), settings)]);
            let content = Content { environments, ..Content::default() };
            if check("a", &content, &BTreeMap::new()).is_err() {
                continue;
            }
            let flags = BTreeMap::from([("a".to_owned(), content)]);
            let evaluator = Evaluator::new(wire::document("production", &flags, &BTreeMap::new()), None).unwrap();
            prop_assert_eq!(evaluator.faults(), &[] as &[String]);
            let nobody = evaluator.evaluate("a", &Context::default()).unwrap();
            prop_assert!(!nobody.is_on, "{} {:?}", operator, value);
            if operator == "IN" {
                let mut context = Context::default();
                match name.as_str() {
                    "userId" | "sessionId" | "environment" | "appName" | "remoteAddress" | "currentTime" => continue,
                    _ => context.properties.insert(name.clone(), value.clone()),
                };
                prop_assert!(evaluator.evaluate("a", &context).unwrap().is_on, "{} {:?}", name, value);
            }
        }
    }
}
