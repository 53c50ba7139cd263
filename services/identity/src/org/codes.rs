//! The codes of what tenants refuse.

kernel::problem_codes! {
    /// Every code of tenants, beside the kernel's.
    pub(crate) ALL:
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
