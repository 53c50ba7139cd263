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
    USER_ERASING = "user.erasing",
        "The person is just being erased, and changes no more.",
        "leave him out; he is gone within a minute";
    USER_FIELD_INVALID = "user.field_invalid",
        "A field has a key of 1 to 40 small letters, digits and `_`, a label of 1 to 100 characters and, if it is a choice, 1 to 100 choices.",
        "correct the part that pointer names";
    USER_FIELD_INVALID_VALUE = "user.field_invalid_value",
        "A value is not of the kind of its field.",
        "use what the field takes; GET /api/v1/users/fields has the kinds and the choices";
    USER_FIELD_NOT_FOUND = "user.field_not_found",
        "There is no field with this key.",
        "check the key; GET /api/v1/users/fields lists the fields there are";
    USER_FIELD_NOT_YOURS = "user.field_not_yours",
        "There is no such field, or it is for others to write.",
        "leave the field out; what is for staff people do not write themselves, and what is for oneself nobody else does";
    USER_FIELD_TAKEN = "user.field_taken",
        "There is a field with this key already.",
        "use another key, or the field that there is";
    USER_FIELD_TOO_MANY = "user.field_too_many",
        "A tenant has at most 50 fields.",
        "remove fields that nobody needs";
    USER_IMPERSONATED = "user.impersonated",
        "Whoever acts as another person changes nobody's password or second factors, and says and takes nothing in that person's name that binds him.",
        "do it in a session of your own";
    USER_INVALID_CONSENT = "user.invalid_consent",
        "What somebody agrees to, and the text of it, are words of 1 to 64 small letters, digits, `.`, `-` and `_`.",
        "use words such as analytics and 2026-11";
    USER_INVALID_CSV = "user.invalid_csv",
        "A table of people is CSV in UTF-8 with a line of names and at most 2000 lines behind it; one that is handed out has at most 50,000.",
        "use the columns email, name, locale, time_zone, external_id and state, and several tables for more people";
    USER_INVALID_EMAIL = "user.invalid_email",
        "An e-mail address has at most 254 characters of ASCII, as HTML has them.",
        "use an address such as anna@example.com; a domain with other letters is written in its xn-- form";
    USER_INVALID_GRACE = "user.invalid_grace",
        "Whoever is to be erased is so after 1 to 365 days, and by himself after 7 at least.",
        "use a number of days within these bounds, or leave grace_days out";
    USER_INVALID_GUARDIAN = "user.invalid_guardian",
        "A guardian is another person, and who he is to his ward has 1 to 60 characters.",
        "name another person of the tenant, and a relation such as mother";
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
        "Preferences are an object of at most 16 KiB, without NUL, in which words that the platform knows have values of their kind.",
        "keep less in them, or correct the part that pointer names";
    USER_INVALID_SEARCH = "user.invalid_search",
        "A search has 1 to 100 characters, none of them NUL.",
        "search for the beginning of a name or an address, or leave q out";
    USER_INVALID_TIME_ZONE = "user.invalid_time_zone",
        "A time zone has the form of the IANA database's names.",
        "use a time zone such as UTC or Europe/Zurich";
    USER_IS_MINOR = "user.is_minor",
        "Whoever has a guardian agrees to nothing by himself.",
        "let a guardian agree, at /api/v1/users/me/wards/{id}/consents";
    USER_NO_ERASURE = "user.no_erasure",
        "Nobody has asked that the person be erased.",
        "nothing has to be taken back";
    USER_NO_GUARDIAN = "user.no_guardian",
        "The one is no guardian of the other.",
        "check both ids; GET /api/v1/users/{id}/guardians lists the guardians there are";
    USER_NOT_ASKED_BY_SELF = "user.not_asked_by_self",
        "Somebody else has asked that the person be erased.",
        "ask whoever sees to the people of the tenant to take it back";
    USER_NOT_CSV = "user.not_csv",
        "The Content-Type is not `text/csv`.",
        "send the header 'Content-Type: text/csv'";
    USER_NOT_FOUND = "user.not_found",
        "There is no person with this id.",
        "check the id; GET /api/v1/users lists the people there are";
    USER_SAME = "user.same",
        "Two accounts are to be one, and they are one already.",
        "name the account that goes in from, and the one that stays in the address";
    USER_TOO_MANY_CONSENTS = "user.too_many_consents",
        "Of one person at most 1000 entries of what he agrees to are kept.",
        "write down only what has changed";
    USER_TOO_MANY_GUARDIANS = "user.too_many_guardians",
        "A person has at most 10 guardians.",
        "remove one that does not see to him any more";
    USER_TOO_MANY_ROLES = "user.too_many_roles",
        "A person has at most 32 roles.",
        "revoke some of the roles of either account first";
    USER_UNCLEAR_ROW = "user.unclear_row",
        "A line of a table is about a person whom another line, or another person's address or external_id, is about too.",
        "let one line be about each person, with the address and the external_id that are his";
    USER_UNITS_ELSEWHERE = "user.units_elsewhere",
        "Units of the platform have their tables in another database, where this process can neither read nor erase.",
        "ask a process that has all of them in its database, or apply the migrations with 'lectern migrate'";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
