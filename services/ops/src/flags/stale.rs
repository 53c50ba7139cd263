//! Flags that nobody needs any more, as far as that can be seen.

use std::collections::BTreeMap;

use super::model::{FlagRow, Purpose, Settings, Strategy};

/// What a flag has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stale {
    /// Nobody has asked for it for so long.
    pub(crate) is_unused: bool,
    /// It is the same for everybody in each environment, and was not changed for so long.
    pub(crate) is_settled: bool,
}

/// Judges a flag that was asked for last at `used_ms`, if ever, by what has happened since `since_ms`; `None` of one that is in use, is
/// younger, or is archived. What is there to stay, such as a kill switch, is not stale because it is the same for everybody.
pub(crate) fn judge(row: &FlagRow, used_ms: Option<i64>, since_ms: i64) -> Option<Stale> {
    let content = &row.content.0;
    if content.archived || row.created_ms >= since_ms {
        return None;
    }
    let is_unused = used_ms.is_none_or(|used_ms| used_ms < since_ms);
    let passes = matches!(content.purpose, Purpose::Release | Purpose::Experiment);
    let is_same = content.environments.values().all(|settings| always(settings).is_some());
    let is_settled = passes && is_same && row.updated_ms < since_ms;
    (is_unused || is_settled).then_some(Stale { is_unused, is_settled })
}

/// What a flag is in each environment: on or off for everybody, or `None` where rules decide.
pub(crate) fn states(row: &FlagRow) -> BTreeMap<String, Option<bool>> {
    row.content.0.environments.iter().map(|(name, settings)| (name.clone(), always(settings))).collect()
}

/// Whether it is on for everybody, or off for everybody.
fn always(settings: &Settings) -> Option<bool> {
    if !settings.enabled || (!settings.strategies.is_empty() && settings.strategies.iter().all(lets_nobody)) {
        return Some(false);
    }
    let varies = settings.variants.len() > 1 || settings.strategies.iter().any(|one| one.variants.len() > 1);
    let is_open = settings.strategies.is_empty() || settings.strategies.iter().any(lets_everybody);
    (settings.parents.is_empty() && !varies && is_open).then_some(true)
}

fn share(strategy: &Strategy) -> Option<&str> {
    ["rollout", "percentage"].iter().find_map(|name| strategy.parameters.get(*name)).map(String::as_str)
}

fn lets_nobody(strategy: &Strategy) -> bool {
    share(strategy) == Some("0")
}

fn lets_everybody(strategy: &Strategy) -> bool {
    let takes_all = strategy.name == "default" || share(strategy) == Some("100");
    takes_all && strategy.constraints.is_empty() && strategy.segments.is_empty()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::flags::model::Content;
    use database::Json;
    use serde_json::{Value, json};

    const SINCE_MS: i64 = 1000;

    fn flag(purpose: Purpose, production: Value, (created_ms, updated_ms): (i64, i64)) -> FlagRow {
        let environments = BTreeMap::from([("production".to_owned(), serde_json::from_value(production).unwrap())]);
        let content = Json(Content { purpose, environments, ..Content::default() });
        FlagRow { key: "a".to_owned(), version: 1, content, created_ms, updated_ms }
    }

    #[test]
    fn a_flag_is_the_same_for_everybody_or_it_depends() {
        let rollout = |share: &str| json!({ "name": "flexibleRollout", "parameters": { "rollout": share } });
        let plan = json!([{ "context_name": "plan", "operator": "IN", "values": ["paid"] }]);
        let split = json!([{ "name": "a", "weight": 1, "value": true }, { "name": "b", "weight": 1, "value": false }]);
        for (settings, expected) in [
            (json!({ "enabled": false, "strategies": [rollout("50")] }), Some(false)),
            (json!({ "enabled": true }), Some(true)),
            (json!({ "enabled": true, "strategies": [rollout("100")] }), Some(true)),
            (json!({ "enabled": true, "strategies": [rollout("0")] }), Some(false)),
            (json!({ "enabled": true, "strategies": [rollout("99")] }), None),
            (json!({ "enabled": true, "strategies": [rollout("5"), { "name": "default" }] }), Some(true)),
            (json!({ "enabled": true, "strategies": [{ "name": "default", "constraints": plan }] }), None),
            (
                json!({ "enabled": true, "strategies": [{ "name": "userWithId", "parameters": { "userIds": "a" } }] }),
                None,
            ),
            (json!({ "enabled": true, "variants": split }), None),
            (json!({ "enabled": true, "parents": [{ "key": "b" }] }), None),
        ] {
            let row = flag(Purpose::Release, settings, (0, 0));
            assert_eq!(states(&row)["production"], expected, "{row:?}");
        }
    }

    #[test]
    fn what_is_young_in_use_or_there_to_stay_is_not_stale() {
        let on = || json!({ "enabled": true });
        let part =
            || json!({ "enabled": true, "strategies": [{ "name": "userWithId", "parameters": { "userIds": "a" } }] });
        let (unused, settled) =
            (Stale { is_unused: true, is_settled: false }, Stale { is_unused: false, is_settled: true });
        for (row, used_ms, expected) in [
            (flag(Purpose::Release, part(), (0, 0)), None, Some(unused)),
            (flag(Purpose::Release, part(), (0, 0)), Some(1000), None),
            (flag(Purpose::Release, on(), (0, 999)), Some(1000), Some(settled)),
            (flag(Purpose::Release, on(), (0, 1000)), Some(1000), None),
            (flag(Purpose::KillSwitch, on(), (0, 0)), Some(1000), None),
            (flag(Purpose::Release, on(), (1000, 1000)), None, None),
        ] {
            assert_eq!(judge(&row, used_ms, SINCE_MS), expected, "{row:?}");
        }
        let mut archived = flag(Purpose::Release, on(), (0, 0));
        archived.content.0.archived = true;
        assert_eq!(judge(&archived, None, SINCE_MS), None);
    }
}
