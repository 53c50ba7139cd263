//! The codes of what roles and decisions refuse.

kernel::problem_codes! {
    /// Every code of roles and decisions, beside the kernel's.
    pub(crate) ALL:
    ACCESS_INCOMPLETE = "access.incomplete",
        "An evaluation has a subject, an action and a resource, of its own or those of the whole request.",
        "say who does what to what, beside evaluations or in each of them";
    ACCESS_TOO_LARGE = "access.too_large",
        "More than 20000 people, or 100000 roles that they have, would have to be looked at together.",
        "ask about one person at a time by GET /api/v1/access/explain, or for decisions by POST /api/v1/access/evaluations";
    ACCESS_TOO_MANY = "access.too_many",
        "One request has at most 100 evaluations.",
        "ask in several requests";
    ROLE_BEYOND_OWN = "role.beyond_own",
        "Nobody gives, takes or changes a role with permissions that he lacks or has for a while only, nor for longer than he has them.",
        "use a role that has what you have for good, or ask somebody who has more";
    ROLE_INVALID_DESCRIPTION = "role.invalid_description",
        "A description has at most 1000 characters, none of them NUL.",
        "use a shorter text";
    ROLE_INVALID_NAME = "role.invalid_name",
        "A name has 1 to 100 characters, none of them NUL.",
        "use a name that says what people with the role do";
    ROLE_INVALID_PERMISSIONS = "role.invalid_permissions",
        "`permissions` is a list of 1 to 256 permissions.",
        "use permissions such as asset.read, asset.* for all of a kind, or * for everything; GET /api/v1/permissions lists them";
    ROLE_NAME_TAKEN = "role.name_taken",
        "There is a role with this name already.",
        "use another name, or the role that there is";
    ROLE_NOT_FOUND = "role.not_found",
        "There is no role with this id.",
        "check the id; GET /api/v1/roles lists the roles there are";
    ROLE_TOO_MANY = "role.too_many",
        "A tenant has at most 200 roles.",
        "remove roles that nobody needs";
    ROLE_BINDING_EXISTS = "role_binding.exists",
        "The person has the role already.",
        "remove the binding that there is first, if it is to end at another time; GET /api/v1/role-bindings?user_id= finds it";
    ROLE_BINDING_INVALID_EXPIRY = "role_binding.invalid_expiry",
        "A person has a role for 1 second to 10 years, or until it is revoked.",
        "ask for 1 to 315360000 seconds, or leave expires_in_s out";
    ROLE_BINDING_NOT_FOUND = "role_binding.not_found",
        "There is no such binding, or it was revoked.",
        "check the id; GET /api/v1/role-bindings lists who has which role";
    ROLE_BINDING_TOO_MANY = "role_binding.too_many",
        "A person has at most 32 roles.",
        "remove bindings that are not needed, or put their permissions into one role";
    ROLE_BINDING_UNKNOWN = "role_binding.unknown",
        "There is no such person, or no such role.",
        "check user_id and role_id; both are of the tenant that asks";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
