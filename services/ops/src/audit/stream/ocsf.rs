//! An entry as OCSF has it: an event of the class API Activity (6003) of version 1.1.0, in JSON. Pure.

use serde_json::{Value, json};

use crate::audit::entry::AuditEntry;
use crate::audit::model::EntryRow;
use crate::audit::views::EntryView;

const CLASS: i64 = 6003;

/// The event of an entry; with what is personal in it where there is a view.
pub(super) fn event(row: &EntryRow, entry: &AuditEntry, view: Option<&EntryView>) -> Value {
    let activity = activity(&entry.action);
    let origin = view.and_then(|view| view.origin.as_ref());
    let address = origin.and_then(|origin| origin.address.as_deref());
    // The class wants one thing at least that is known of where it came from.
    let source = address.map_or_else(|| json!({ "name": "unknown" }), |address| json!({ "ip": address }));
    let mut event = json!({
        "activity_id": activity,
        "category_uid": 6,
        "class_uid": CLASS,
        "type_uid": CLASS * 100 + activity,
        "severity_id": 1,
        "status_id": i64::from(entry.outcome == "done"),
        "time": row.time_ms,
        "metadata": {
            "version": "1.1.0",
            "uid": entry.id,
            "sequence": row.seq,
            "tenant_uid": entry.tenant_id,
            "product": { "name": "Lectern", "vendor_name": "Lectern" },
        },
        "actor": { "user": { "uid": entry.actor } },
        "api": { "operation": entry.action },
        "resources": [{ "name": entry.resource }],
        "src_endpoint": source,
        "unmapped": { "client": entry.client, "on_behalf_of": entry.on_behalf_of, "subject": entry.subject },
    });
    if let Some(session) = &entry.session {
        event["actor"]["session"] = json!({ "uid": session });
    }
    if let Some(id) = &entry.request_id {
        event["api"]["request"] = json!({ "uid": id });
    }
    if let Some(status) = entry.status {
        event["api"]["response"] = json!({ "code": status });
    }
    if let Some(agent) = origin.and_then(|origin| origin.user_agent.as_deref()) {
        event["http_request"] = json!({ "user_agent": agent });
    }
    if let Some(change) = view.and_then(|view| view.change.as_ref()) {
        event["unmapped"]["change"] = json!(change);
    }
    event
}

/// What kind of doing an operation is: 1 making, 3 changing, 4 removing, 99 something else.
fn activity(action: &str) -> i64 {
    let verb = action.trim_start_matches("scim_").split('_').next().unwrap_or_default();
    match verb {
        "create" | "begin" | "add" => 1,
        "update" | "put" | "patch" | "set" | "replace" | "rotate" => 3,
        "delete" | "revoke" | "remove" | "erase" | "end" | "release" => 4,
        _ => 99,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_of_the_kind_that_its_name_begins_with() {
        for (action, expected) in [
            ("create_user", 1),
            ("scim_create_user", 1),
            ("scim_patch_user", 3),
            ("put_flag_environment", 3),
            ("revoke_api_key", 4),
            ("scim_erase_user", 4),
            ("sign_in", 99),
            ("", 99),
        ] {
            assert_eq!(activity(action), expected, "{action}");
        }
    }
}
