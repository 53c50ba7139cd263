//! The codes of what keys refuse.

kernel::problem_codes! {
    /// Every code of keys, beside the kernel's.
    pub(crate) ALL:
    API_KEY_BEYOND_OWN = "api_key.beyond_own",
        "A key gives no permission that it lacks, and makes none that outlives it.",
        "ask for what the key has that you use, or use one that has more";
    API_KEY_INVALID_EXPIRY = "api_key.invalid_expiry",
        "A key holds for 1 second to 10 years, or until it is revoked.",
        "ask for 1 to 315360000 seconds, or leave expires_in_s out";
    API_KEY_INVALID_NAME = "api_key.invalid_name",
        "A name has 1 to 100 characters, none of them NUL.",
        "use a name that says who holds the key";
    API_KEY_INVALID_PERMISSIONS = "api_key.invalid_permissions",
        "`permissions` is a list of 1 to 64 permissions.",
        "use permissions such as asset.read, asset.* for all of a kind, or * for everything; GET /api/v1/permissions lists them";
    API_KEY_NOT_FOUND = "api_key.not_found",
        "There is no key with this id, or it was revoked.",
        "check the id; GET /api/v1/api-keys lists the keys there are";
    API_KEY_TOO_MANY = "api_key.too_many",
        "A tenant has at most 200 keys, expired ones included.",
        "revoke keys that are not needed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
