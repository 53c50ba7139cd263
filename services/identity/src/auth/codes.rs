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
        "`permissions` is a list of 1 to 256 permissions.",
        "use permissions such as asset.read, asset.* for all of a kind, or * for everything; GET /api/v1/permissions lists them";
    API_KEY_NOT_FOUND = "api_key.not_found",
        "There is no key with this id, or it was revoked.",
        "check the id; GET /api/v1/api-keys lists the keys there are";
    API_KEY_TOO_MANY = "api_key.too_many",
        "A tenant has at most 200 keys, expired ones included.",
        "revoke keys that are not needed";
    AUTH_POLICY_INVALID_DOMAINS = "auth_policy.invalid_domains",
        "E-mail addresses of at most 50 domains let in; of all, where none is named.",
        "name domains such as school.example; one with other letters is written in its xn-- form";
    AUTH_POLICY_INVALID_PASSWORD_LENGTH = "auth_policy.invalid_password_length",
        "A tenant asks for passwords of 8 characters at least, or of up to 64.",
        "ask for 8 to 64 characters";
    AUTH_POLICY_INVALID_SESSION = "auth_policy.invalid_session",
        "A session lasts 5 minutes to 30 days.",
        "ask for 300 to 2592000 seconds";
    FACTOR_INVALID_CODE = "factor.invalid_code",
        "A code of an authenticator holds for half a minute, a little longer where clocks differ, and once; so does a recovery code, until others are made.",
        "wait for the next code, see to the clock of the authenticator, or use a recovery code that is left";
    IDENTITY_NOT_FOUND = "identity.not_found",
        "The person who asks is nobody at a provider by this id.",
        "check the id; GET /api/v1/auth/identities lists the identities there are";
    IDENTITY_TAKEN = "identity.taken",
        "Whoever has signed in at the provider is a person's identity already: this one's, or another one's.",
        "sign in by the provider, or remove the identity where it is";
    IDENTITY_TOO_MANY = "identity.too_many",
        "A person has at most 20 identities.",
        "remove those that are not used any more";
    IDENTITY_PROVIDER_BEYOND_OWN = "identity_provider.beyond_own",
        "Whoever sees to a provider could become everybody who signs in by it.",
        "ask somebody who may everything";
    IDENTITY_PROVIDER_INVALID_CLIENT = "identity_provider.invalid_client",
        "What the provider knows the tenant by has 1 to 512 characters of printable ASCII, and so has the secret for it.",
        "copy both from where the provider shows them";
    IDENTITY_PROVIDER_INVALID_DOMAINS = "identity_provider.invalid_domains",
        "A provider is believed about at most 20 domains of e-mail addresses.",
        "name domains such as school.example; one with other letters is written in its xn-- form";
    IDENTITY_PROVIDER_INVALID_ISSUER = "identity_provider.invalid_issuer",
        "A provider is at an https address that this server may reach, without ? and #.",
        "use the issuer of its /.well-known/openid-configuration; LECTERN_AUTH_ALLOW lets an operator allow private networks";
    IDENTITY_PROVIDER_INVALID_NAME = "identity_provider.invalid_name",
        "A name has 1 to 100 characters, none of them NUL.",
        "use a name by which people know what they sign in by";
    IDENTITY_PROVIDER_INVALID_SCOPES = "identity_provider.invalid_scopes",
        "Scopes are 1 to 16 words of RFC 6749, of which one is openid.",
        "name openid, email and profile, and whatever else the provider has";
    IDENTITY_PROVIDER_NOT_FOUND = "identity_provider.not_found",
        "There is no provider with this id, it was removed, or people cannot sign in by it at the moment.",
        "check the id; GET /api/v1/auth/providers lists the providers there are";
    IDENTITY_PROVIDER_TOO_MANY = "identity_provider.too_many",
        "A tenant has at most 20 providers.",
        "remove providers that are not needed";
    IDENTITY_PROVIDER_UNREACHABLE = "identity_provider.unreachable",
        "The provider does not answer, or not as OpenID Connect Discovery has it.",
        "try again later, or sign in another way; whoever sees to the provider checks its issuer";
    IMPERSONATION_BEYOND_OWN = "impersonation.beyond_own",
        "Nobody acts as a person who may what he himself lacks, or has for a while only.",
        "ask somebody who may as much as that person";
    IMPERSONATION_INVALID_REASON = "impersonation.invalid_reason",
        "A reason has 1 to 500 characters, none of them NUL.",
        "say why, for the person to read";
    IMPERSONATION_NOT_ALLOWED = "impersonation.not_allowed",
        "A tenant allows people to act as others, or does not, which is usual.",
        "set allows_impersonation with PUT /api/v1/auth/policy, if that is wanted";
    IMPERSONATION_NOT_IN_PERSON = "impersonation.not_in_person",
        "Only a person acts as another one: of a key and of the admin token nobody knows who holds them.",
        "sign in, and ask with the access token";
    IMPERSONATION_UNKNOWN_PERSON = "impersonation.unknown_person",
        "There is no person with this id, or he is suspended.",
        "check the id; GET /api/v1/users lists the people there are";
    MAIL_BUSY = "mail.busy",
        "More people ask for letters at the same time than can be written.",
        "ask again after the seconds in Retry-After";
    MAIL_NOT_CONFIGURED = "mail.not_configured",
        "This installation sends no letters, so that nothing is offered that needs one.",
        "start the server with --mail-from, --public-url, and --smtp-url or LECTERN_SMTP_URL; until then an administrator makes links for passwords";
    OAUTH_ACCESS_DENIED = "oauth.access_denied",
        "Somebody has refused, or what he has signed in with has just ended.",
        "ask again, if he wants it";
    OAUTH_AUTHORIZATION_PENDING = "oauth.authorization_pending",
        "Nobody has entered the code of the device yet.",
        "ask again after the seconds in interval";
    OAUTH_EXPIRED_TOKEN = "oauth.expired_token",
        "A device waits for ten minutes, for its own client, and gets tokens once.",
        "have the device begin anew";
    OAUTH_INSUFFICIENT_SCOPE = "oauth.insufficient_scope",
        "User info is for clients that were given the scope `openid`.",
        "ask for the scope openid when somebody signs in";
    OAUTH_INVALID_CLIENT = "oauth.invalid_client",
        "A client says its id, and its secret if it has one.",
        "send both as 'Authorization: Basic', or as client_id and client_secret; GET /api/v1/oauth-clients lists the clients there are";
    OAUTH_INVALID_GRANT = "oauth.invalid_grant",
        "A code holds for a minute and a refresh token until it was used, each once and for one client, with the verifier and the address that it was asked for by.",
        "have the person sign in again";
    OAUTH_INVALID_REDIRECT = "oauth.invalid_redirect",
        "Browsers are sent to addresses alone that the client has registered, in every character; only the port of http://127.0.0.1 and http://[::1] may be another one.",
        "send an address that the client has, or register the one that you send; GET /api/v1/oauth-clients lists them";
    OAUTH_INVALID_REQUEST = "oauth.invalid_request",
        "The request is none that OAuth has for this address.",
        "correct what detail says; /api/docs has what the address takes";
    OAUTH_INVALID_SCOPE = "oauth.invalid_scope",
        "A client is given scopes that it has, and a session goes on with those that it was given.",
        "ask for openid, profile, email or api, whichever the client has";
    OAUTH_INVALID_TOKEN = "oauth.invalid_token",
        "The access token is of no session that goes on.",
        "refresh it, or have the person sign in again";
    OAUTH_LOGIN_REQUIRED = "oauth.login_required",
        "Nobody has signed in in the browser who would do, and the client wants nothing to be shown.",
        "send the browser again without prompt=none";
    OAUTH_NOT_FORM = "oauth.not_form",
        "OAuth sends forms.",
        "send the header 'Content-Type: application/x-www-form-urlencoded', and names with values";
    OAUTH_REQUEST_NOT_SUPPORTED = "oauth.request_not_supported",
        "What is asked for stands in the address, and in no `request` of its own.",
        "write each part of it into the address";
    OAUTH_REQUEST_URI_NOT_SUPPORTED = "oauth.request_uri_not_supported",
        "What is asked for stands in the address, and behind no `request_uri`.",
        "write each part of it into the address";
    OAUTH_SLOW_DOWN = "oauth.slow_down",
        "The device asks more often than it was told to.",
        "wait five seconds more from now on";
    OAUTH_TOO_MANY_DEVICES = "oauth.too_many_devices",
        "A tenant has at most 1000 devices that wait to be let in, and from one address ten wrong codes may be tried in 15 minutes.",
        "try again after the seconds in Retry-After";
    OAUTH_UNAUTHORIZED_CLIENT = "oauth.unauthorized_client",
        "A client comes to tokens in the ways that it was made for.",
        "use one of the client's grants, or change them; GET /api/v1/oauth-clients lists them";
    OAUTH_UNKNOWN_CLIENT = "oauth.unknown_client",
        "There is no client of this `client_id`.",
        "send the id of a client; GET /api/v1/oauth-clients lists them";
    OAUTH_UNSUPPORTED_GRANT_TYPE = "oauth.unsupported_grant_type",
        "There are `authorization_code`, `client_credentials`, `refresh_token` and the grant of devices.",
        "send one of those that /.well-known/openid-configuration lists";
    OAUTH_UNSUPPORTED_RESPONSE_TYPE = "oauth.unsupported_response_type",
        "A browser brings a client a code, and nothing else.",
        "send response_type=code";
    OAUTH_CLIENT_BEYOND_OWN = "oauth_client.beyond_own",
        "Whoever sees to a client with the scope `api` could do whatever those may who sign in to it, and with permissions of its own whatever it may itself.",
        "leave the scope api out, and permissions that you lack, or ask somebody who may everything";
    OAUTH_CLIENT_INVALID_GRANTS = "oauth_client.invalid_grants",
        "A client comes to its first tokens by authorization_code, by device_code, or in its own name by client_credentials, which needs a secret.",
        "name one of the three, and refresh_token beside it if the client is to go on";
    OAUTH_CLIENT_INVALID_NAME = "oauth_client.invalid_name",
        "A name has 1 to 100 characters, none of them NUL.",
        "use a name by which people know what they sign in to";
    OAUTH_CLIENT_INVALID_PERMISSIONS = "oauth_client.invalid_permissions",
        "A client with client_credentials has 1 to 64 permissions of its own, and no other one has any.",
        "use permissions such as asset.read, asset.* for all of a kind, or * for everything; GET /api/v1/permissions lists them";
    OAUTH_CLIENT_INVALID_SCOPES = "oauth_client.invalid_scopes",
        "A client has at least one scope.",
        "name openid, profile, email or api";
    OAUTH_CLIENT_INVALID_URI = "oauth_client.invalid_uri",
        "Browsers are sent to https addresses, and to http://127.0.0.1 and http://[::1], without a fragment; a client has at most 20.",
        "use an https address, or http://127.0.0.1 for a program on a person's own machine";
    OAUTH_CLIENT_NOT_FOUND = "oauth_client.not_found",
        "There is no client with this id, or it was removed.",
        "check the id; GET /api/v1/oauth-clients lists the clients there are";
    OAUTH_CLIENT_TOO_MANY = "oauth_client.too_many",
        "A tenant has at most 100 clients.",
        "remove clients that are not needed";
    OIDC_NOT_CONFIGURED = "oidc.not_configured",
        "The installation is reached from other machines, and nobody has said at which address.",
        "start the server with --public-url https://HOST, by which browsers and clients reach it";
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
        "A password has 8 to 128 characters of any kind, or as many more at least as its tenant asks for, and is not the e-mail address.",
        "use several words, or what a password manager makes";
    PROVIDER_SIGN_IN_INVALID = "provider_sign_in.invalid",
        "Nobody who was sent to a provider from this browser or by this page is to come back with this: each holds for ten minutes, once.",
        "begin the sign-in anew";
    PROVIDER_SIGN_IN_NOBODY = "provider_sign_in.nobody",
        "The provider has let somebody in who has no account here: none with that identity, nor with an address that the provider is believed about.",
        "ask for an account, or sign in another way and add the identity yourself";
    PROVIDER_SIGN_IN_REFUSED = "provider_sign_in.refused",
        "The provider has let nobody in, or what it says of him does not hold against what OpenID Connect asks for; the detail says where.",
        "begin the sign-in anew; where it fails again whoever sees to the provider checks its settings";
    SESSION_IMPERSONATED = "session.impersonated",
        "What proves who somebody is is his own business, and not of whoever acts as him, who acts as nobody else either.",
        "do it in a session of your own";
    SESSION_INVALID_CODE_TOKEN = "session.invalid_code_token",
        "No sign-in waits for a code with this token: each waits for five minutes, until it is finished, and of one person five at once.",
        "sign in with the password again";
    SESSION_INVALID_CREDENTIALS = "session.invalid_credentials",
        "Nobody of this tenant signs in by this e-mail address with this password.",
        "check tenant, address and password, or ask for a link to set a new password";
    SESSION_INVALID_LINK = "session.invalid_link",
        "A link signs in once, for 15 minutes, and only in the browser in which it was asked for.",
        "open the newest link in the browser in which you asked for it, or ask for another one there";
    SESSION_INVALID_TOKEN = "session.invalid_token",
        "The refresh token was used before, or its session has ended.",
        "sign in again";
    SESSION_NOT_FOUND = "session.not_found",
        "The person who asks has no such session.",
        "check the id; GET /api/v1/auth/sessions lists the sessions there are";
    SESSION_OF_CLIENT = "session.of_client",
        "What proves who somebody is is no business of programs that he has signed in to, whatever they may.",
        "let the person sign in here himself, and do it in that session";
    SESSION_STEP_UP_REQUIRED = "session.step_up_required",
        "What changes how a person proves who he is needs a proof of the last ten minutes.",
        "send the password, a code or a passkey to /api/v1/auth/sessions/current/step-up, and ask again with the token that it answers";
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
        "make one with POST /api/v1/auth/totp";
    TOTP_NOT_FOUND = "totp.not_found",
        "No codes of an authenticator are asked for.",
        "begin to add one with POST /api/v1/auth/totp";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_none_repeats() {
        assert!(ALL.is_sorted_by(|one, next| one.name() < next.name()));
    }
}
