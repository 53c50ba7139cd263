//! Roles and who has them as policies and entities of Cedar, which decide the same. Pure.
//!
//! A permission is an action, a member of its kind (`asset`), which is a member of all (`*`): names without a dot, so that nobody can
//! ask about them. A person is a member of his roles and, for each entry of his own list, of the `Grant` of that name; a role that he
//! has for a while is a policy of his own, which looks at `context.now_ms`. No text that people have written is in a policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use kernel::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Role, Subject};

/// The name of an entity, as Cedar's JSON has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub(crate) struct CedarUid {
    /// `Action`, `Grant`, `Role` or `User`.
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

fn uid(kind: &'static str, id: impl Into<String>) -> CedarUid {
    CedarUid { kind, id: id.into() }
}

/// An entity, as Cedar's JSON has it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CedarEntity {
    uid: CedarUid,
    /// The `name` of a role.
    #[schema(value_type = Object)]
    attrs: BTreeMap<&'static str, String>,
    /// What it is a member of.
    parents: Vec<CedarUid>,
}

impl CedarEntity {
    fn new(uid: CedarUid, parents: Vec<CedarUid>) -> Self {
        Self { uid, attrs: BTreeMap::new(), parents }
    }
}

/// The roles of a tenant and who has them, in Cedar's terms. A request is of the principal `User::"usr_..."`, the action
/// `Action::"asset.read"`, any resource, and a context with `now_ms`, the time in milliseconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CedarExport {
    /// The text of a policy set.
    pub(crate) policies: String,
    pub(crate) entities: Vec<CedarEntity>,
}

/// What these people may. Those who are suspended, and roles that have ended, are left out.
pub(crate) fn export(catalogue: &[Permission], roles: &[Arc<Role>], people: &[Subject], now_ms: i64) -> CedarExport {
    let mut policies = String::new();
    let mut entities = actions(catalogue);
    for role in roles {
        let id = &role.id;
        permit(&mut policies, id, &format!("principal in Role::\"{id}\""), role.grants.as_slice(), "");
        let attrs = BTreeMap::from([("name", role.name.clone())]);
        entities.push(CedarEntity { attrs, ..CedarEntity::new(uid("Role", id), Vec::new()) });
    }
    let mut granted = BTreeSet::new();
    for person in people.iter().filter(|person| person.is_active) {
        let mut parents = Vec::new();
        for entry in person.own.as_slice() {
            granted.insert(entry.as_str());
            parents.push(uid("Grant", entry));
        }
        for held in person.roles.iter().filter(|held| held.holds(now_ms)) {
            match held.expires_ms {
                None => {
                    let role = uid("Role", &held.role.id);
                    // Somebody may have it by himself and by where he belongs.
                    if !parents.contains(&role) {
                        parents.push(role);
                    }
                }
                Some(end) => {
                    let who = format!("principal == User::\"{}\"", person.id);
                    let until = format!("\nwhen {{ context has now_ms && context.now_ms < {end} }}");
                    permit(&mut policies, &held.binding, &who, held.role.grants.as_slice(), &until);
                }
            }
        }
        if !parents.is_empty() {
            entities.push(CedarEntity::new(uid("User", &person.id), parents));
        }
    }
    for entry in granted {
        let who = format!("principal in Grant::\"{entry}\"");
        permit(&mut policies, &format!("grant:{entry}"), &who, &[entry.to_owned()], "");
    }
    CedarExport { policies, entities }
}

fn actions(catalogue: &[Permission]) -> Vec<CedarEntity> {
    let kinds: BTreeSet<&str> = catalogue.iter().map(|of| of.resource).collect();
    let all = CedarEntity::new(uid("Action", "*"), Vec::new());
    let kinds = kinds.into_iter().map(|kind| CedarEntity::new(uid("Action", kind), vec![uid("Action", "*")]));
    let each =
        catalogue.iter().map(|of| CedarEntity::new(uid("Action", of.to_string()), vec![uid("Action", of.resource)]));
    [all].into_iter().chain(kinds).chain(each).collect()
}

fn permit(text: &mut String, id: &str, who: &str, entries: &[String], condition: &str) {
    let action = |entry: &String| format!("Action::\"{}\"", entry.strip_suffix(".*").unwrap_or(entry));
    let actions: Vec<String> = entries.iter().map(action).collect();
    let actions = actions.join(", ");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "@id(\"{id}\")\npermit ({who}, action in [{actions}], resource){condition};");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use kernel::Grants;
    use serde_json::json;

    use super::*;
    use crate::rbac::model::Held;

    #[test]
    fn people_are_members_of_their_roles_and_what_ends_looks_at_the_time() {
        let grants = |list: &[&str]| Grants::new(list.iter().map(|&entry| entry.to_owned()).collect()).unwrap();
        let role =
            Arc::new(Role { id: "rol_1".to_owned(), name: "\"T\"); permit".to_owned(), grants: grants(&["a.*"]) });
        let held =
            |binding: &str, expires_ms| Held { binding: binding.to_owned(), role: Arc::clone(&role), expires_ms };
        let person =
            |id: &str, is_active, roles| Subject { id: id.to_owned(), is_active, own: grants(&["a.b"]), roles };
        let people = [
            person("usr_1", true, vec![held("bnd_1", None)]),
            person("usr_2", true, vec![held("bnd_2", Some(10)), held("bnd_3", Some(5))]),
            person("usr_3", false, vec![held("bnd_4", None), held("bnd_5", Some(10))]),
        ];
        let told = export(&[Permission::new("a", "b")], &[Arc::clone(&role)], &people, 5);
        assert_eq!(
            told.policies,
            "@id(\"rol_1\")\npermit (principal in Role::\"rol_1\", action in [Action::\"a\"], resource);\n\
             @id(\"bnd_2\")\npermit (principal == User::\"usr_2\", action in [Action::\"a\"], resource)\n\
             when { context has now_ms && context.now_ms < 10 };\n\
             @id(\"grant:a.b\")\npermit (principal in Grant::\"a.b\", action in [Action::\"a.b\"], resource);\n"
        );
        let uid = |kind: &str, id: &str| json!({ "type": kind, "id": id });
        assert_eq!(
            serde_json::to_value(&told.entities).unwrap(),
            json!([
                { "uid": uid("Action", "*"), "attrs": {}, "parents": [] },
                { "uid": uid("Action", "a"), "attrs": {}, "parents": [uid("Action", "*")] },
                { "uid": uid("Action", "a.b"), "attrs": {}, "parents": [uid("Action", "a")] },
                { "uid": uid("Role", "rol_1"), "attrs": { "name": "\"T\"); permit" }, "parents": [] },
                { "uid": uid("User", "usr_1"), "attrs": {}, "parents": [uid("Grant", "a.b"), uid("Role", "rol_1")] },
                { "uid": uid("User", "usr_2"), "attrs": {}, "parents": [uid("Grant", "a.b")] },
            ])
        );
    }
}
