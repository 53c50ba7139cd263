//! What a change does to a flag, as far as it matters to whether it may be made.

use std::collections::BTreeSet;

use super::model::{Content, Settings};

/// The environments in which a flag may be evaluated otherwise after a change. Where all that it does is to turn the flag off is none of
/// them, nor is one where the flag was off and is without settings now.
pub(crate) fn touched<'a>(was: Option<&'a Content>, became: Option<&'a Content>) -> BTreeSet<&'a str> {
    let names = [was, became].into_iter().flatten().flat_map(|content| content.environments.keys());
    names.map(String::as_str).filter(|name| differs(live(was, name), live(became, name))).collect()
}

/// Whether all that a change does is to turn a flag off somewhere.
pub(crate) fn is_kill(was: &Content, became: &Content) -> bool {
    let mut off = was.clone();
    for (name, settings) in &mut off.environments {
        settings.enabled &= became.environments.get(name).is_some_and(|settings| settings.enabled);
    }
    off == *became && off != *was
}

/// What a flag is evaluated by.
fn live<'a>(content: Option<&'a Content>, name: &str) -> Option<&'a Settings> {
    content.filter(|content| !content.archived)?.environments.get(name)
}

fn differs(was: Option<&Settings>, became: Option<&Settings>) -> bool {
    match (was, became) {
        (None, None) => false,
        (None, Some(_)) => true,
        (Some(was), None) => was.enabled,
        (Some(was), Some(became)) => was != became && !is_turned_off(was, became),
    }
}

fn is_turned_off(was: &Settings, became: &Settings) -> bool {
    was.enabled && !became.enabled && Settings { enabled: true, ..became.clone() } == *was
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn content(environments: Value, archived: bool) -> Content {
        let environments = serde_json::from_value(environments).unwrap();
        Content { archived, environments, ..Content::default() }
    }

    #[test]
    fn only_turning_off_touches_nothing() {
        let on = || content(json!({ "a": { "enabled": true, "on_value": true }, "b": { "enabled": true } }), false);
        let killed = content(json!({ "a": { "enabled": false, "on_value": true }, "b": { "enabled": true } }), false);
        let other = content(json!({ "a": { "enabled": false, "on_value": false }, "b": { "enabled": true } }), false);
        let less = content(json!({ "a": { "enabled": true, "on_value": true } }), false);
        let archived = Content { archived: true, ..on() };
        let described = Content { description: "new".to_owned(), ..on() };
        for (was, became, environments, kills) in [
            (on(), on(), "", false),
            (on(), killed.clone(), "", true),
            (killed.clone(), on(), "a", false),
            (on(), other, "a", false),
            (on(), less.clone(), "b", false),
            (less, on(), "b", false),
            (on(), archived.clone(), "ab", false),
            (archived, on(), "ab", false),
            (killed.clone(), Content { archived: true, ..killed }, "b", false),
            (on(), described, "", false),
        ] {
            let touched: String = touched(Some(&was), Some(&became)).into_iter().collect();
            assert_eq!((touched.as_str(), is_kill(&was, &became)), (environments, kills), "{was:?} {became:?}");
        }
        assert_eq!(touched(None, Some(&on())), BTreeSet::from(["a", "b"]), "it was not there");
    }
}
