//! The codes of what the audit log refuses.

kernel::problem_codes! {
    /// Every code of the audit log.
    pub ALL:
    AUDIT_INVALID_RANGE = "audit.invalid_range",
        "A proof is about a state that the log has had, and about an entry of it, or an earlier state with an entry at least.",
        "ask for sizes up to that of /api/v1/audit/checkpoint, and for an index below the size";
    AUDIT_NOT_FOUND = "audit.not_found",
        "The log has no entry of this index.",
        "ask for an index below the size in /api/v1/audit/checkpoint";
}
