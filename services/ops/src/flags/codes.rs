//! The codes of what flags refuse.

kernel::problem_codes! {
    /// Every code of flags.
    pub ALL:
    FLAG_APPROVAL_REQUIRED = "flag.approval_required",
        "In this environment a change takes effect only when somebody else has approved it; flags are turned off without.",
        "ask for the change by POST /api/v1/flag-requests; for other rules of a shared segment make a new segment and ask for its use";
    FLAG_CHANGED = "flag.changed",
        "Somebody else has just changed the flag or the segment.",
        "read it again and repeat the change";
    FLAG_EXISTS = "flag.exists",
        "There is a flag with this key already, perhaps an archived one.",
        "use another key, or change the flag that there is";
    FLAG_EXPERIMENT_NOT_FOUND = "flag.experiment_not_found",
        "There is no experiment with this id.",
        "look through GET /api/v1/flag-experiments";
    FLAG_EXPERIMENT_RUNNING = "flag.experiment_running",
        "The experiment is running, or one with the same flag is in the same environment.",
        "end it by POST /api/v1/flag-experiments/ID/stop first";
    FLAG_INVALID_CONSTRAINT = "flag.invalid_constraint",
        "A constraint compares a property of the context by an operator to `values`, or to one `value` of its kind.",
        "use values with IN, NOT_IN, STR_* and IN_CIDR, and value with the others: a number, RFC 3339, a semantic version, a regular expression";
    FLAG_INVALID_DESCRIPTION = "flag.invalid_description",
        "A description has at most 500 characters, none of them NUL.",
        "shorten the description";
    FLAG_INVALID_ENVIRONMENT = "flag.invalid_environment",
        "An environment is named by 1 to 32 of a to z, 0 to 9 and -, and a flag has at most 8 of them.",
        "use a name such as production or staging, in the header Lectern-Environment too";
    FLAG_INVALID_EVENTS = "flag.invalid_events",
        "A request tells of at most 500 events, each of a unit of 1 to 500 characters; `exposed` names the variant, and nothing else does.",
        "correct the event that errors points at";
    FLAG_INVALID_EXPERIMENT = "flag.invalid_experiment",
        "An experiment compares at least two variants with a weight, by a goal and at most 8 guardrails, which are different events.",
        "give the flag variants in this environment, and name events such as lesson.completed";
    FLAG_INVALID_KEY = "flag.invalid_key",
        "Keys of flags and names of segments have 1 to 100 of A to Z, a to z, 0 to 9, `.`, `_` and `-`, and begin with a letter or a digit.",
        "use a key such as player.low-latency";
    FLAG_INVALID_PARENTS = "flag.invalid_parents",
        "A flag names at most 8 others that it depends on, and not itself.",
        "name each parent once, by its key";
    FLAG_INVALID_REQUEST = "flag.invalid_request",
        "A reason has at most 500 characters, a change takes effect within the next 366 days, and a report is of 1 to 365 days.",
        "correct the part that errors points at; due_at is written as RFC 3339 has it, such as 2026-12-01T08:00:00Z";
    FLAG_INVALID_STRATEGY = "flag.invalid_strategy",
        "A strategy has one of Unleash's names and the parameters that go with it; at most 16 to an environment.",
        "see the strategies in docs/flags.md; rollout and percentage are whole numbers of 0 to 100";
    FLAG_INVALID_VALUE = "flag.invalid_value",
        "A value is of another type than the flag.",
        "send a value of the flag's value_type";
    FLAG_INVALID_VARIANTS = "flag.invalid_variants",
        "Variants have names of their own and weights of 0 to 1000 that are not all 0; at most 32 to a list.",
        "give each variant a name, a weight and a value";
    FLAG_KEY_NOT_FOUND = "flag.key_not_found",
        "There is no key of pages and apps with this id.",
        "look through GET /api/v1/flag-keys";
    FLAG_NO_VERSION = "flag.no_version",
        "The flag never had this version, or it is forgotten: the latest 1000 are kept.",
        "look through GET /api/v1/flags/KEY/history";
    FLAG_NOT_APPROVER = "flag.not_approver",
        "Nobody approves what he has asked for himself, and a key approves nothing.",
        "have another person with the permission flag_approval.give approve it";
    FLAG_NOT_ARCHIVED = "flag.not_archived",
        "Only an archived flag is removed for good.",
        "archive the flag with PATCH and {\"archived\": true}, then delete it";
    FLAG_NOT_FOUND = "flag.not_found",
        "There is no flag with this key, or it has no settings in this environment.",
        "check the key; GET /api/v1/flags lists the flags there are";
    FLAG_READ_ONLY = "flag.read_only",
        "The operator has every change of flags refused for a while, but for turning them off.",
        "turn the flag off if it does harm; otherwise wait until GET /api/v1/flag-freeze says that flags may change";
    FLAG_REQUEST_DECIDED = "flag.request_decided",
        "The request has taken effect, or was approved, declined or given up.",
        "read it again, and ask anew if the change is still needed";
    FLAG_REQUEST_NOT_FOUND = "flag.request_not_found",
        "There is no request with this id; of those that are over the latest 1000 are kept.",
        "look through GET /api/v1/flag-requests";
    FLAG_SEGMENT_IN_USE = "flag.segment_in_use",
        "A flag refers to the segment.",
        "take the segment out of the flag's strategies first";
    FLAG_SEGMENT_NOT_FOUND = "flag.segment_not_found",
        "There is no segment with this name.",
        "check the name; GET /api/v1/flag-segments lists the segments there are";
    FLAG_TOO_LARGE = "flag.too_large",
        "A flag or a segment has at most 64 KiB as JSON.",
        "keep lists in a segment, or large settings behind an address";
    FLAG_TOO_MANY = "flag.too_many",
        "A tenant has at most 1000 flags, archived ones included, 100 segments, 200 requests that wait, 100 keys of pages, 100 experiments and 64 environments with approval.",
        "delete or withdraw what is not needed any more";
    FLAG_UNKNOWN_CLIENT = "flag.unknown_client",
        "Pages and apps ask with a key that was made for them, and this is none or was removed.",
        "make one by POST /api/v1/flag-keys, and send it as the header Authorization";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
