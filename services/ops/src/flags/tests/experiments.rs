//! What experiments count.

use super::*;

const EXPERIMENTS: &str = "/api/v1/flag-experiments";

fn events(all: &[(&str, &str, Option<&str>)]) -> Value {
    let event = |(unit, event, variant): &(&str, &str, Option<&str>)| json!({ "flag_key": "colour", "unit": unit, "event": event, "variant": variant });
    json!({ "events": all.iter().map(event).collect::<Vec<_>>() })
}

#[tokio::test]
async fn an_experiment_counts_each_unit_once_by_the_first_variant_that_it_saw() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        let variants = json!([{ "name": "red", "weight": 500, "value": "#f00" }, { "name": "blue", "weight": 500, "value": "#00f" }]);
        api.make("colour", "string", json!({ "enabled": true, "variants": variants })).await;
        let design = json!({ "flag_key": "colour", "environment": "production", "goal": "bought", "guardrails": ["failed"] });
        let begun = api.ask(201, "POST", EXPERIMENTS, Some(design.clone())).await;
        assert_eq!((&begun["control"], &begun["running"], &begun["winner"]), (&json!("red"), &json!(true), &json!(null)));
        assert_eq!(api.ask(409, "POST", EXPERIMENTS, Some(design.clone())).await["code"], "flag.experiment_running");
        let at = format!("{EXPERIMENTS}/{}", begun["id"].as_str().unwrap());
        assert_eq!(api.ask(409, "DELETE", &at, None).await["code"], "flag.experiment_running");

        let report = async |all: &[(&str, &str, Option<&str>)]| {
            api.ask(202, "POST", "/api/v1/flag-events", Some(events(all))).await["counted"].clone()
        };
        let first = [
            ("bob", "bought", None),
            ("bob", "exposed", Some("blue")),
            ("ann", "exposed", Some("red")),
            ("ann", "exposed", Some("blue")),
            ("eve", "bought", None),
            ("eve", "exposed", Some("green")),
            ("ann", "looked", None),
        ];
        assert_eq!(report(&first).await, 3, "of two units, and what one of them did");
        assert_eq!(report(&first).await, 0, "each once");
        assert_eq!(report(&[("ann", "failed", None), ("ann", "failed", None)]).await, 1);
        let shown = api.ask(200, "GET", &at, None).await;
        let arm = |name: &str, bought: i64, failed: i64| {
            json!({ "variant": name, "exposed": 1, "events": { "bought": bought, "failed": failed } })
        };
        let (blue, red) = (&shown["arms"][0], &shown["arms"][1]);
        assert_eq!((blue, red), (&arm("blue", 1, 0), &arm("red", 0, 1)));
        assert_eq!((&shown["comparisons"][0]["verdict"], &shown["split_ok"]), (&json!("undecided"), &json!(true)));

        let stopped = api.ask(200, "POST", &format!("{at}/stop"), None).await;
        assert_eq!(stopped["running"], false);
        assert_eq!(report(&[("kim", "exposed", Some("red"))]).await, 0, "it counts no more");
        let listed = api.ask(200, "GET", EXPERIMENTS, None).await;
        assert_eq!(listed["items"][0]["running"], false);
        api.ask(204, "DELETE", &at, None).await;
        assert_eq!(api.ask(404, "GET", &at, None).await["code"], "flag.experiment_not_found");
        api.ask(201, "POST", EXPERIMENTS, Some(design)).await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_compared_or_counted_is_refused_with_its_place() {
    for_each_engine(|db| async move {
        let api = Api::new(&flags(&db));
        api.make("plain", "boolean", json!({ "enabled": true })).await;
        let design = json!({ "flag_key": "plain", "environment": "production", "goal": "bought" });
        let refused = api.ask(422, "POST", EXPERIMENTS, Some(design)).await;
        assert_eq!(
            (&refused["code"], &refused["errors"][0]["pointer"]),
            (&json!("flag.invalid_experiment"), &json!("/flag_key"))
        );
        let elsewhere = json!({ "flag_key": "plain", "environment": "staging", "goal": "bought" });
        api.ask(404, "POST", EXPERIMENTS, Some(elsewhere)).await;
        for (unit, event, variant) in
            [("", "exposed", Some("a")), ("ann", "exposed", None), ("ann", "bought", Some("a")), ("ann", "a b", None)]
        {
            let refused = api
                .ask(
                    422,
                    "POST",
                    "/api/v1/flag-events",
                    Some(events(&[("eve", "bought", None), (unit, event, variant)])),
                )
                .await;
            assert_eq!(
                (&refused["code"], &refused["errors"][0]["pointer"]),
                (&json!("flag.invalid_events"), &json!("/events/1"))
            );
        }
        let many = vec![("ann", "bought", None); 501];
        assert_eq!(
            api.ask(422, "POST", "/api/v1/flag-events", Some(events(&many))).await["code"],
            "flag.invalid_events"
        );
        assert_eq!(api.ask(202, "POST", "/api/v1/flag-events", Some(events(&[]))).await["counted"], 0);
    })
    .await;
}
