//! The codes of what webhooks refuse.

kernel::problem_codes! {
    /// Every code of this crate.
    pub(crate) ALL:
    WEBHOOK_CHANGED = "webhook.changed",
        "Somebody else has just changed the webhook.",
        "read the webhook again and repeat the change";
    WEBHOOK_DELIVERY_NOT_FOUND = "webhook.delivery_not_found",
        "The webhook has no delivery with this id; deliveries are kept for 30 days.",
        "check the id; GET /api/v1/webhooks/ID/deliveries lists the deliveries there are";
    WEBHOOK_DISABLED = "webhook.disabled",
        "The webhook is disabled and gets nothing.",
        "enable it with PATCH and {\"enabled\": true}, then ask again";
    WEBHOOK_INVALID_DESCRIPTION = "webhook.invalid_description",
        "A description has at most 200 characters, none of them NUL.",
        "shorten the description";
    WEBHOOK_INVALID_EVENTS = "webhook.invalid_events",
        "`events` is a list of 1 to 32 names of events, or beginnings of names.",
        "use names such as asset.ready, beginnings such as asset.*, or * for everything";
    WEBHOOK_INVALID_OVERLAP = "webhook.invalid_overlap",
        "A former secret signs for at most 7 days.",
        "ask for 0 to 604800 seconds, or leave overlap_s out";
    WEBHOOK_INVALID_SINCE = "webhook.invalid_since",
        "`since_ms` is a time in milliseconds since 1970.",
        "send the time as a whole number of milliseconds, 0 or more";
    WEBHOOK_INVALID_URL = "webhook.invalid_url",
        "Webhooks are sent to an absolute `https` or `http` address of a public machine.",
        "use an address that this server may reach; LECTERN_WEBHOOK_ALLOW lets an operator allow private networks";
    WEBHOOK_NOT_FOUND = "webhook.not_found",
        "There is no webhook with this id.",
        "check the id; GET /api/v1/webhooks lists the webhooks there are";
    WEBHOOK_SENDING = "webhook.sending",
        "The delivery is just being made.",
        "read the delivery in a few seconds";
    WEBHOOK_TOO_MANY = "webhook.too_many",
        "A tenant has at most 64 webhooks.",
        "delete webhooks that are not needed";
    WEBHOOK_UNKNOWN_STATE = "webhook.unknown_state",
        "The filter names a state that deliveries do not have.",
        "use pending, sending, delivered or failed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
