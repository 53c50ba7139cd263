//! The codes of what people's accounts refuse.

kernel::problem_codes! {
    /// Every code of people, beside the kernel's.
    pub(crate) ALL:
    USER_BEYOND_OWN = "user.beyond_own",
        "Nobody gives permissions that he lacks, nor sees to a person who has such.",
        "ask for permissions that you have yourself, or ask somebody who has more";
    USER_EMAIL_TAKEN = "user.email_taken",
        "There is a person with this e-mail address already.",
        "use another address, or the account that there is; GET /api/v1/users?q= finds it";
    USER_INVALID_EMAIL = "user.invalid_email",
        "An e-mail address has at most 254 characters of ASCII, as HTML has them.",
        "use an address such as anna@example.com; a domain with other letters is written in its xn-- form";
    USER_INVALID_LOCALE = "user.invalid_locale",
        "A locale has 2 to 35 letters, digits and `-`, as BCP 47 has them.",
        "use a locale such as en, de-CH or zh-Hant";
    USER_INVALID_NAME = "user.invalid_name",
        "A name has 1 to 200 characters, none of them NUL.",
        "use a name that people know the person by";
    USER_INVALID_PERMISSIONS = "user.invalid_permissions",
        "`permissions` is a list of up to 64 permissions.",
        "use permissions such as asset.read, asset.* for all of a kind, or * for everything; GET /api/v1/permissions lists them";
    USER_INVALID_PREFERENCES = "user.invalid_preferences",
        "Preferences are an object of at most 16 KiB, without NUL.",
        "keep less in them";
    USER_INVALID_SEARCH = "user.invalid_search",
        "A search has 1 to 100 characters, none of them NUL.",
        "search for the beginning of a name or an address, or leave q out";
    USER_INVALID_TIME_ZONE = "user.invalid_time_zone",
        "A time zone has the form of the IANA database's names.",
        "use a time zone such as UTC or Europe/Zurich";
    USER_NOT_FOUND = "user.not_found",
        "There is no person with this id.",
        "check the id; GET /api/v1/users lists the people there are";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
