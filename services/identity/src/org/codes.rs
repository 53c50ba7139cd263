//! The codes of what tenants refuse.

kernel::problem_codes! {
    /// Every code of tenants, beside the kernel's.
    pub(crate) ALL:
    ORG_BEYOND_OWN = "org.beyond_own",
        "Nobody gives or takes, by a place in the organization either, what he lacks or has for a while only.",
        "ask for what you have for good yourself, or ask somebody who has more";
    ORG_INVALID_NAME = "org.invalid_name",
        "A name has 1 to 200 characters, none of them NUL.",
        "use a name that people know it by";
    ORG_LICENCE_NOT_FOUND = "org.licence_not_found",
        "There is no licence with this id.",
        "check the id; GET /api/v1/org/licences lists those there are";
    ORG_NODE_BELOW_ITSELF = "org.node_below_itself",
        "A sub-organization is not moved to a place below itself.",
        "move what is below it first";
    ORG_NODE_IN_USE = "org.node_in_use",
        "Somebody belongs to the sub-organization, or something is below it.",
        "move these first; GET /api/v1/org/nodes/{id}/people and GET /api/v1/org/nodes?parent_id= list them";
    ORG_NODE_NAME_TAKEN = "org.node_name_taken",
        "There is a sub-organization with this name at the same place.",
        "use another name, or the one that there is";
    ORG_NODE_NOT_FOUND = "org.node_not_found",
        "There is no sub-organization with this id.",
        "check the id; GET /api/v1/org/nodes lists those there are";
    ORG_NODE_TOO_DEEP = "org.node_too_deep",
        "There are at most 8 levels of sub-organizations.",
        "choose a place further up";
    ORG_NODE_TOO_MANY = "org.node_too_many",
        "A tenant has at most 1000 sub-organizations.",
        "remove those that nobody needs";
    ORG_NODE_TOO_MANY_ROLES = "org.node_too_many_roles",
        "A sub-organization gives at most 8 roles by itself.",
        "make one role of several";
    ORG_NODE_UNKNOWN = "org.node_unknown",
        "What the request names is neither a sub-organization nor `root`.",
        "use the id of one, or root for the tenant itself; GET /api/v1/org/nodes lists those there are";
    ORG_PERSON_NOT_FOUND = "org.person_not_found",
        "There is no person with this id.",
        "check the id; GET /api/v1/users lists the people there are";
    ORG_ROLE_NOT_FOUND = "org.role_not_found",
        "There is no such role, or it is not given there.",
        "check the id; GET /api/v1/roles lists the roles there are";
    ORG_ROLL_FULL = "org.roll_full",
        "All seats of the team or the licence are taken.",
        "take somebody out who needs it no longer, or have it given more seats";
    ORG_ROLL_INVALID_SEATS = "org.roll_invalid_seats",
        "A team or a licence has 0 to 1000000 seats.",
        "use such a number; a team is made without seats, if it shall have no bound";
    ORG_ROLL_NAME_TAKEN = "org.roll_name_taken",
        "There is a team, or a licence, with this name already.",
        "use another name, or the one that there is";
    ORG_ROLL_SEATS_TAKEN = "org.roll_seats_taken",
        "More seats are taken than there would be.",
        "take people out first";
    ORG_ROLL_TOO_MANY = "org.roll_too_many",
        "A tenant has at most 1000 teams, and 1000 licences.",
        "remove those that nobody needs";
    ORG_SETTING_INVALID = "org.setting_invalid",
        "The setting does not take such a value.",
        "use a value as detail has it";
    ORG_SETTING_LOCKED = "org.setting_locked",
        "A place above has locked the setting.",
        "leave it out, or have it unlocked where it is locked; effective of GET /api/v1/org/nodes/{id}/settings says where";
    ORG_SETTING_UNKNOWN = "org.setting_unknown",
        "There is no setting with this name.",
        "use one of those that effective of GET /api/v1/org/nodes/{id}/settings lists";
    ORG_TEAM_MANAGER = "org.team_manager",
        "Who sees to a team takes nobody out of it who sees to it too.",
        "ask somebody who may org_team.place";
    ORG_TEAM_NOT_FOUND = "org.team_not_found",
        "There is no team with this id, or none that the person who asks sees to.",
        "check the id; GET /api/v1/org/teams lists those there are, GET /api/v1/org/me one's own";
    TENANT_CHANGED = "tenant.changed",
        "Somebody else has just changed the tenant.",
        "read the tenant again and repeat the change";
    TENANT_INVALID_NAME = "tenant.invalid_name",
        "A name has 1 to 200 characters, none of them NUL.",
        "use a name that people know the tenant by";
    TENANT_INVALID_SLUG = "tenant.invalid_slug",
        "A slug has 1 to 63 of a to z, 0 to 9 and `-`, and neither begins nor ends with `-`.",
        "use a slug such as north-school";
    TENANT_SLUG_TAKEN = "tenant.slug_taken",
        "There is a tenant with this slug already.",
        "use another slug, or the tenant that there is";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
