//! The codes of what people's accounts refuse.

kernel::problem_codes! {
    /// Every code of people, beside the kernel's.
    pub(crate) ALL:
    GROUP_NOT_FOUND = "group.not_found",
        "There is no group with this id.",
        "check the id; GET /scim/v2/Groups lists the groups there are";
    SCIM_INVALID_FILTER = "scim.invalid_filter",
        "The filter cannot be read, or asks for what no resource has.",
        "use a filter such as userName eq \"anna\", of at most 4096 bytes; GET /scim/v2/Schemas has the attributes";
    SCIM_INVALID_PATH = "scim.invalid_path",
        "A path cannot be read, or leads to no attribute.",
        "use a path such as emails[type eq \"work\"].value; GET /scim/v2/Schemas has the attributes";
    SCIM_INVALID_SYNTAX = "scim.invalid_syntax",
        "The request has another shape than RFC 7644 has for it, or an attribute that no schema has.",
        "leave out or correct what detail names; GET /scim/v2/Schemas has the attributes";
    SCIM_INVALID_VALUE = "scim.invalid_value",
        "An attribute has a value that it cannot have, or none and needs one.",
        "correct the value that detail names; GET /scim/v2/Schemas has what each attribute takes";
    SCIM_MUTABILITY = "scim.mutability",
        "The attribute is not for clients to change, or not to be without a value.",
        "leave the change out";
    SCIM_NO_TARGET = "scim.no_target",
        "The path of the change leads to nothing that is there.",
        "read the resource, and name what is there, or add it";
    SCIM_TOO_MANY = "scim.too_many",
        "The filter means, or would have to be tried on, more resources than one request is answered with.",
        "ask by id, externalId, userName or emails.value, which are found at once, joined with and";
    USER_BEYOND_OWN = "user.beyond_own",
        "Nobody gives permissions that he lacks, nor sees to a person who has such.",
        "ask for permissions that you have yourself, or ask somebody who has more";
    USER_EMAIL_TAKEN = "user.email_taken",
        "There is a person with this e-mail address already.",
        "use another address, or the account that there is; GET /api/v1/users?q= finds it";
    USER_IMPERSONATED = "user.impersonated",
        "Whoever acts as another person changes nobody's password or second factors.",
        "do it in a session of your own";
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
        "`permissions` is a list of up to 256 permissions.",
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
