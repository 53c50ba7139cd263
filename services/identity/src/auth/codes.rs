//! The codes of what keys and sessions refuse.

kernel::problem_codes! {
    /// Every code of keys and sessions, beside the kernel's.
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
    FACTOR_INVALID_CODE = "factor.invalid_code",
        "A code of an authenticator holds for half a minute, a little longer where clocks differ, and once; so does a recovery code, until others are made.",
        "wait for the next code, see to the clock of the authenticator, or use a recovery code that is left";
    PASSKEY_INVALID_NAME = "passkey.invalid_name",
        "A name has 1 to 100 characters, none of them NUL.",
        "use a name that says where the passkey is";
    PASSKEY_KNOWN = "passkey.known",
        "The passkey is known here already.",
        "sign in by it, or make another one";
    PASSKEY_NOT_FOUND = "passkey.not_found",
        "The person who asks has no such passkey.",
        "check the id; GET /api/v1/auth/passkeys lists the passkeys there are";
    PASSKEY_REFUSED = "passkey.refused",
        "What a browser has answered does not hold against what Web Authentication asks for; the detail says where.",
        "ask for another challenge and try again, from a page of the address that the passkey is for, or sign in another way";
    PASSKEY_TOO_MANY = "passkey.too_many",
        "A person has at most 20 passkeys.",
        "remove those that are not used any more";
    PASSWORD_BUSY = "password.busy",
        "More people sign in at the same time than passwords can be looked at.",
        "try again after the seconds in Retry-After";
    PASSWORD_INVALID_LINK = "password.invalid_link",
        "The token is of no link by which a password can be set: each works once, for an hour, until another one is made.",
        "ask whoever gave you the link for another one";
    PASSWORD_WEAK = "password.weak",
        "A password has 8 to 128 characters of any kind, and is not the e-mail address.",
        "use several words, or what a password manager makes";
    SESSION_INVALID_CODE_TOKEN = "session.invalid_code_token",
        "No sign-in waits for a code with this token: each waits for five minutes, until it is finished, and of one person five at once.",
        "sign in with the password again";
    SESSION_INVALID_CREDENTIALS = "session.invalid_credentials",
        "Nobody of this tenant signs in by this e-mail address with this password.",
        "check tenant, address and password, or ask for a link to set a new password";
    SESSION_INVALID_TOKEN = "session.invalid_token",
        "The refresh token was used before, or its session has ended.",
        "sign in again";
    SESSION_NOT_FOUND = "session.not_found",
        "The person who asks has no such session.",
        "check the id; GET /api/v1/auth/sessions lists the sessions there are";
    SESSION_STEP_UP_REQUIRED = "session.step_up_required",
        "What changes how a person proves who he is needs a proof of the last ten minutes.",
        "POST the password, a code or a passkey to /api/v1/auth/sessions/current/step-up, and ask again with the token that it answers";
    SESSION_STEP_UP_TOO_WEAK = "session.step_up_too_weak",
        "A password alone does not let in whoever is asked for codes, and proves nothing more within a session.",
        "show a code, a recovery code or a passkey";
    SESSION_TOO_MANY_TRIES = "session.too_many_tries",
        "An e-mail address may be tried ten times in 15 minutes, whether there is such a person or not; so may codes of one person.",
        "try again after the seconds in Retry-After";
    SIGNING_KEY_ROTATED = "signing_key.rotated",
        "Somebody else has just rotated the signing keys.",
        "look at the keys that there are before you rotate them once more";
    TOTP_ENROLLED = "totp.enrolled",
        "Codes of an authenticator are asked for already.",
        "remove it before you add another one: DELETE /api/v1/auth/totp";
    TOTP_NOT_BEGUN = "totp.not_begun",
        "No new secret waits for its first code; each does for ten minutes.",
        "POST /api/v1/auth/totp makes one";
    TOTP_NOT_FOUND = "totp.not_found",
        "No codes of an authenticator are asked for.",
        "POST /api/v1/auth/totp begins to add one";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
