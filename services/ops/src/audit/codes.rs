//! The codes of what the audit log refuses.

kernel::problem_codes! {
    /// Every code of the audit log.
    pub ALL:
    AUDIT_EXPIRED = "audit.expired",
        "The time of this entry was over: of what it said there is the hash, with which it is proven as before.",
        "say with /api/v1/audit/retention how long entries are kept, and with /api/v1/audit/holds which of them for longer";
    AUDIT_HOLD_NOT_FOUND = "audit.hold_not_found",
        "The log has no hold of this id.",
        "check the id; GET /api/v1/audit/holds lists the holds there are";
    AUDIT_INVALID_HOLD = "audit.invalid_hold",
        "A hold has a reason, and names what it holds by texts of 1 to 512 characters and by times of which the first is the earlier one.",
        "correct what pointer names";
    AUDIT_INVALID_RANGE = "audit.invalid_range",
        "A proof is about a state that the log has had, and about an entry of it, or an earlier state with an entry at least.",
        "ask for sizes up to that of /api/v1/audit/checkpoint, and for an index below the size";
    AUDIT_INVALID_RETENTION = "audit.invalid_retention",
        "Entries are kept for 90 to 36500 days, or for good.",
        "ask for so many days, or leave days out";
    AUDIT_INVALID_STREAM = "audit.invalid_stream",
        "A log is sent to https://, or to tcp://HOST:PORT for syslog, at a public address, from an index that could be.",
        "correct what pointer names; whoever runs the server can allow networks beside the public ones, as for webhooks";
    AUDIT_NOT_FOUND = "audit.not_found",
        "The log has no entry of this index.",
        "ask for an index below the size in /api/v1/audit/checkpoint";
    AUDIT_STREAM_NOT_FOUND = "audit.stream_not_found",
        "The log has no stream of this id.",
        "check the id; GET /api/v1/audit/streams lists the streams there are";
    AUDIT_TOO_MANY = "audit.too_many",
        "A tenant may have 200 holds, and 5 streams.",
        "end what is not needed any more";
}
