//! The codes of what tenants refuse.

kernel::problem_codes! {
    /// Every code of tenants, beside the kernel's.
    pub(crate) ALL:
    BRAND_INVALID = "brand.invalid",
        "A brand has a logo at an https address, colours such as #00457c, and a sender's name of at most 100 characters.",
        "correct what detail names, or leave it out";
    BRAND_NOT_FOUND = "brand.not_found",
        "Nobody has proven that this domain is his.",
        "claim the domain by POST /api/v1/org/domains, put the TXT record there, and have it proven";
    DOMAIN_EXISTS = "domain.exists",
        "The tenant claims this domain already.",
        "use the one that there is; GET /api/v1/org/domains lists them";
    DOMAIN_INVALID_NAME = "domain.invalid_name",
        "A domain has two labels of ASCII at least, 240 characters at most, and no dot at its end.",
        "use a domain such as north-school.example; one with other letters is written in its xn-- form";
    DOMAIN_NOT_FOUND = "domain.not_found",
        "There is no domain with this id.",
        "check the id; GET /api/v1/org/domains lists those there are";
    DOMAIN_TAKEN = "domain.taken",
        "Another tenant has proven that the domain is its own.",
        "have the other one give it up, or ask whoever sees to the installation";
    DOMAIN_TOO_MANY = "domain.too_many",
        "A tenant has at most 50 domains.",
        "remove those that nobody needs";
    DOMAIN_UNANSWERED = "domain.unanswered",
        "No name server has said whether the text is there.",
        "ask again in a while; whoever sees to the installation looks at the name servers of the machine";
    INVITATION_EXISTS = "invitation.exists",
        "Somebody has invited this address already.",
        "revoke the invitation that there is first; GET /api/v1/org/invitations lists them";
    INVITATION_HAS_ACCOUNT = "invitation.has_account",
        "There is a person with this e-mail address already.",
        "give him roles, teams and a place as he is; GET /api/v1/users?q= finds him";
    INVITATION_INVALID = "invitation.invalid",
        "The invitation was accepted or revoked, or has ended.",
        "ask for another invitation; whoever has accepted one already signs in";
    INVITATION_INVALID_EMAIL = "invitation.invalid_email",
        "An e-mail address has at most 254 characters of ASCII, as HTML has them.",
        "use an address such as bruno@example.com; a domain with other letters is written in its xn-- form";
    INVITATION_INVALID_EXPIRY = "invitation.invalid_expiry",
        "An invitation holds for 1 second to 90 days.",
        "use another expires_in_s, or leave it out";
    INVITATION_NOT_ALLOWED = "invitation.not_allowed",
        "The setting `invitations_allowed` says that nobody is invited to this place.",
        "invite to another place, or have the setting changed";
    INVITATION_NOT_FOUND = "invitation.not_found",
        "There is no invitation with this id, or somebody has accepted it.",
        "check the id; GET /api/v1/org/invitations lists those there are";
    INVITATION_TOO_MANY = "invitation.too_many",
        "A tenant has at most 1000 invitations that nobody has accepted.",
        "revoke those that nobody will accept";
    INVITATION_UNKNOWN = "invitation.unknown",
        "What an invitation gives is up to 8 roles and up to 8 teams that there are.",
        "use ids of those that GET /api/v1/roles and GET /api/v1/org/teams list";
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
    ORG_TOO_LARGE = "org.too_large",
        "More than 100000 places, or seats, would have to be told together.",
        "read them page by page: GET /api/v1/org/nodes/{id}/people, GET /api/v1/org/teams/{id}/people";
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
