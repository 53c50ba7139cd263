//! The codes of what __nouns__ refuse.

kernel::problem_codes! {
    /// Every code of __nouns__, beside the kernel's.
    pub(crate) ALL:
    __NOUN___INVALID_NAME = "__noun__.invalid_name",
        "A name has 1 to 100 characters, none of them NUL.",
        "use a name that people know it by";
    __NOUN___NOT_FOUND = "__noun__.not_found",
        "There is nothing of this id, or it was removed.",
        "check the id; GET /api/v1/__path__ lists what there is";
    __NOUN___TOO_MANY = "__noun__.too_many",
        "A tenant has at most 10000 of these.",
        "remove those that are not needed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
