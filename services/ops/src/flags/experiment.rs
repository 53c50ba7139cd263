//! Variants of a flag that are compared: what was decided when it began, and what has come of it.

pub(crate) mod stats;

use std::collections::{BTreeMap, BTreeSet};

use database::Json;
use kernel::{rfc3339, text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::stats::{Arm, Difference};
use super::model::Settings;
use super::rules;

/// Experiments of one tenant, running or not.
pub(crate) const MAX_EXPERIMENTS: i64 = 100;
/// Units that an experiment counts.
pub(crate) const MAX_UNITS: i64 = 100_000;
/// Events of a request.
pub(crate) const MAX_EVENTS: usize = 500;
const MAX_GUARDRAILS: usize = 8;
/// How improbable it has to be before anything is said to be more than chance.
const ALPHA: f64 = 0.05;
/// The same of arms that are not as wide as they should be.
const ALPHA_OF_SPLIT: f64 = 0.01;
/// The event of whoever sees a variant.
pub(crate) const EXPOSED: &str = "exposed";

/// What was decided when it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlagExperimentDesign)]
pub(crate) struct Design {
    /// The variant that the others are held against.
    pub(crate) control: String,
    /// The weights of all variants, by their names.
    pub(crate) variants: BTreeMap<String, u32>,
    /// The event that is to be more frequent.
    pub(crate) goal: String,
    /// Events that must not be more frequent.
    pub(crate) guardrails: Vec<String>,
}

impl Design {
    /// Of what somebody asks for, and the flag's settings; or what is wrong, with its place.
    pub(crate) fn new(
        settings: &Settings,
        (control, goal, guardrails): (Option<String>, String, Vec<String>),
    ) -> Result<Self, (String, String)> {
        let live = settings.variants.iter().filter(|variant| variant.weight > 0);
        let variants: BTreeMap<String, u32> = live.map(|variant| (variant.name.clone(), variant.weight)).collect();
        if variants.len() < 2 {
            let detail = "an experiment compares a flag's variants, of which there are at least two with a weight";
            return Err(("/flag_key".to_owned(), detail.to_owned()));
        }
        let first = settings.variants.iter().find(|variant| variant.weight > 0).map(|variant| variant.name.clone());
        let control = control.or(first).unwrap_or_default();
        if !variants.contains_key(&control) {
            return Err(("/control".to_owned(), "this is none of the flag's variants with a weight".to_owned()));
        }
        let is_event = |name: &str| rules::is_key(name) && name != EXPOSED;
        if !is_event(&goal) {
            return Err(("/goal".to_owned(), "this is no name of an event".to_owned()));
        }
        let distinct: BTreeSet<&String> = guardrails.iter().chain([&goal]).collect();
        let fits = guardrails.len() <= MAX_GUARDRAILS && distinct.len() == guardrails.len() + 1;
        if !fits || !guardrails.iter().all(|name| is_event(name)) {
            return Err(("/guardrails".to_owned(), "these are no names of at most eight further events".to_owned()));
        }
        Ok(Self { control, variants, goal, guardrails })
    }

    /// Whether it counts this event.
    pub(crate) fn counts(&self, event: &str) -> bool {
        self.goal == event || self.guardrails.iter().any(|name| name == event)
    }
}

database::row! {
    /// An experiment.
    #[derive(Clone, Debug)]
    pub(crate) struct ExperimentRow {
        pub(crate) id: String,
        pub(crate) flag_key: String,
        pub(crate) environment: String,
        pub(crate) design: Json<Design>,
        pub(crate) created_ms: i64,
        pub(crate) stopped_ms: Option<i64>,
    }
}

database::row! {
    /// How often something has happened in an arm.
    #[derive(Clone, Debug)]
    pub(crate) struct TallyRow {
        pub(crate) variant: String,
        pub(crate) event: String,
        pub(crate) count: i64,
    }
}

/// Something that somebody has seen or done.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FlagEvent)]
#[serde(deny_unknown_fields)]
pub(crate) struct Event {
    /// The flag.
    pub(crate) flag_key: String,
    /// Where; `production` when absent.
    #[serde(default)]
    pub(crate) environment: Option<String>,
    /// Who: what the choice of the variant is kept by, 1 to 500 characters. Only a hash of it is stored.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) unit: String,
    /// What: `exposed`, or one of the events that the experiment counts.
    pub(crate) event: String,
    /// The variant that was seen; only with `exposed`.
    #[serde(default)]
    pub(crate) variant: Option<String>,
}

impl Event {
    /// Whether its texts can be those of one.
    pub(crate) fn check(&self) -> Result<(), String> {
        text::check(&self.unit, 1..=500)?;
        let has_variant = self.variant.is_some() == (self.event == EXPOSED);
        if has_variant { Ok(()) } else { Err("an exposure names its variant, and nothing else does".to_owned()) }
    }
}

/// An experiment and what has come of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagExperimentView)]
pub(crate) struct ExperimentView {
    id: String,
    flag_key: String,
    environment: String,
    /// Whether it still counts.
    running: bool,
    #[serde(flatten)]
    design: Design,
    /// In the order of their names.
    arms: Vec<ArmView>,
    /// How probable it would be to ever see arms of these sizes if units fell into them by their weights. Below 0.01 units are lost or
    /// counted twice somewhere, and nothing else that stands here is to be trusted.
    split_p_value: f64,
    /// Whether the sizes of the arms are as they should be.
    split_ok: bool,
    /// Each other variant against the control, event by event.
    comparisons: Vec<ComparisonView>,
    /// The variant with the largest effect among those that are better than the control and harm no guardrail; null as long as there is none.
    winner: Option<String>,
    /// RFC 3339.
    created_at: String,
    /// RFC 3339.
    stopped_at: Option<String>,
}

/// A variant, and what was counted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagExperimentArm)]
pub(crate) struct ArmView {
    variant: String,
    /// Units that saw it.
    exposed: i64,
    /// How many of them did what, by event.
    events: BTreeMap<String, i64>,
}

/// A variant against the control.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FlagExperimentComparison)]
pub(crate) struct ComparisonView {
    variant: String,
    event: String,
    /// Whether it must not be more frequent.
    guardrail: bool,
    /// How much more frequent it is, as a difference of shares; null while there is too little to say.
    effect: Option<f64>,
    /// Where that lies, whenever one looks, with an error of 0.05 for all variants together.
    low: Option<f64>,
    high: Option<f64>,
    /// How probable it would be to see so much at any time if there were no difference.
    p_value: Option<f64>,
    /// `better`, `worse`, or `undecided`.
    verdict: &'static str,
}

impl ExperimentView {
    /// Judges what was counted.
    pub(crate) fn new(row: ExperimentRow, tallies: &[TallyRow]) -> Self {
        let design = row.design.0;
        let count = |variant: &str, event: &str| {
            tallies.iter().find(|tally| tally.variant == variant && tally.event == event).map_or(0, |tally| tally.count)
        };
        let events: Vec<&str> = std::iter::once(&design.goal).chain(&design.guardrails).map(String::as_str).collect();
        let arm_of = |variant: &String| ArmView {
            variant: variant.clone(),
            exposed: count(variant, EXPOSED),
            events: events.iter().map(|event| ((*event).to_owned(), count(variant, event))).collect(),
        };
        let sizes: Vec<(i64, f64)> =
            design.variants.iter().map(|(name, weight)| (count(name, EXPOSED), f64::from(*weight))).collect();
        let split_p_value = stats::mismatch(&sizes);
        let arm =
            |variant: &str, event: &str| Arm { exposed: count(variant, EXPOSED), converted: count(variant, event) };
        let others: Vec<&String> = design.variants.keys().filter(|name| **name != design.control).collect();
        // What is asked of several is more often chance with one of them.
        let alpha = ALPHA / others.iter().map(|_| 1.0).sum::<f64>();
        let mut comparisons = Vec::new();
        for variant in &others {
            for event in &events {
                let found = stats::difference(arm(&design.control, event), arm(variant, event), alpha);
                comparisons.push(compared((variant.as_str(), *event), *event != design.goal, found, alpha));
            }
        }
        let split_ok = split_p_value >= ALPHA_OF_SPLIT;
        let winner = if split_ok { winner(&comparisons) } else { None };
        let arms = design.variants.keys().map(arm_of).collect();
        let running = row.stopped_ms.is_none();
        let (created_at, stopped_at) = (rfc3339(row.created_ms), row.stopped_ms.map(rfc3339));
        let (id, flag_key, environment) = (row.id, row.flag_key, row.environment);
        Self {
            id,
            flag_key,
            environment,
            running,
            design: design.clone(),
            arms,
            split_p_value,
            split_ok,
            comparisons,
            winner,
            created_at,
            stopped_at,
        }
    }
}

fn compared((variant, event): (&str, &str), guardrail: bool, found: Option<Difference>, alpha: f64) -> ComparisonView {
    let verdict = match found {
        Some(found) if found.p_value < alpha && (found.effect > 0.0) != guardrail => "better",
        Some(found) if found.p_value < alpha => "worse",
        _ => "undecided",
    };
    ComparisonView {
        variant: variant.to_owned(),
        event: event.to_owned(),
        guardrail,
        effect: found.map(|found| found.effect),
        low: found.map(|found| found.low),
        high: found.map(|found| found.high),
        p_value: found.map(|found| found.p_value),
        verdict,
    }
}

fn winner(comparisons: &[ComparisonView]) -> Option<String> {
    let is_harmed =
        |variant: &str| comparisons.iter().any(|one| one.guardrail && one.variant == variant && one.verdict == "worse");
    let better = comparisons.iter().filter(|one| !one.guardrail && one.verdict == "better");
    let best = better.filter(|one| !is_harmed(&one.variant)).max_by(|one, other| {
        let effect = |one: &ComparisonView| one.effect.unwrap_or_default();
        effect(one).total_cmp(&effect(other))
    });
    best.map(|one| one.variant.clone())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn row(variants: &[(&str, u32)]) -> ExperimentRow {
        let variants = variants.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        let (control, goal, guardrails) = ("a".to_owned(), "bought".to_owned(), vec!["failed".to_owned()]);
        ExperimentRow {
            id: "fex_1".to_owned(),
            flag_key: "a".to_owned(),
            environment: "production".to_owned(),
            design: Json(Design { control, variants, goal, guardrails }),
            created_ms: 0,
            stopped_ms: None,
        }
    }

    fn judged(arms: &[(&str, i64, i64, i64)]) -> Value {
        let tally = |variant: &str, event: &str, count| TallyRow {
            variant: variant.to_owned(),
            event: event.to_owned(),
            count,
        };
        let tallies: Vec<TallyRow> = arms
            .iter()
            .flat_map(|&(name, exposed, bought, failed)| {
                [tally(name, EXPOSED, exposed), tally(name, "bought", bought), tally(name, "failed", failed)]
            })
            .collect();
        let weights: Vec<(&str, u32)> = arms.iter().map(|(name, ..)| (*name, 1)).collect();
        serde_json::to_value(ExperimentView::new(row(&weights), &tallies)).unwrap()
    }

    #[test]
    fn a_winner_is_better_harms_nothing_and_its_arms_are_as_wide_as_they_should_be() {
        for (arms, winner, split_ok) in [
            (vec![("a", 5000, 1000, 100), ("b", 5000, 1300, 100)], json!("b"), true),
            (vec![("a", 5000, 1000, 100), ("b", 5000, 1010, 100)], json!(null), true),
            (vec![("a", 5000, 1300, 100), ("b", 5000, 1000, 100)], json!(null), true),
            (vec![("a", 5000, 1000, 100), ("b", 5000, 1300, 400)], json!(null), true),
            (vec![("a", 5000, 1000, 100), ("b", 4000, 1300, 100)], json!(null), false),
            (vec![("a", 5000, 1000, 100), ("b", 5000, 1300, 100), ("c", 5000, 1500, 100)], json!("c"), true),
            (vec![("a", 5000, 1000, 100), ("b", 5000, 1300, 100), ("c", 5000, 1500, 500)], json!("b"), true),
            (vec![("a", 0, 0, 0), ("b", 0, 0, 0)], json!(null), true),
        ] {
            let view = judged(&arms);
            assert_eq!((&view["winner"], &view["split_ok"]), (&winner, &json!(split_ok)), "{view}");
        }
        let view = judged(&[("a", 5000, 1000, 100), ("b", 5000, 1300, 400)]);
        let verdicts: Vec<_> =
            view["comparisons"].as_array().unwrap().iter().map(|one| one["verdict"].clone()).collect();
        assert_eq!(verdicts, ["better", "worse"]);
        assert!((view["comparisons"][0]["effect"].as_f64().unwrap() - 0.06).abs() < 1e-9);
    }

    #[test]
    fn a_design_is_of_the_flags_variants_and_events_of_different_names() {
        let settings: Settings = serde_json::from_value(json!({ "enabled": true, "variants": [
            { "name": "z", "weight": 500, "value": true }, { "name": "b", "weight": 500, "value": false }, { "name": "c", "weight": 0, "value": false },
        ] }))
        .unwrap();
        let design = |control: Option<&str>, goal: &str, guardrails: &[&str]| {
            let guardrails = guardrails.iter().map(|&name| name.to_owned()).collect();
            Design::new(&settings, (control.map(str::to_owned), goal.to_owned(), guardrails))
        };
        assert_eq!(design(None, "bought", &["failed"]).unwrap().control, "z", "the first of the flag's");
        for (design, pointer) in [
            (design(Some("c"), "bought", &[]), "/control"),
            (design(None, "exposed", &[]), "/goal"),
            (design(None, "", &[]), "/goal"),
            (design(None, "bought", &["bought"]), "/guardrails"),
            (design(None, "bought", &["a b"]), "/guardrails"),
        ] {
            assert_eq!(design.unwrap_err().0, pointer);
        }
        let none = Design::new(&Settings::default(), (None, "bought".to_owned(), Vec::new()));
        assert_eq!(none.unwrap_err().0, "/flag_key");
    }
}
