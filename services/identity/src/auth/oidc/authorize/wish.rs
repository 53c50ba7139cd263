//! What a client asks for with a browser that it sends. Pure.

use crate::auth::codes;
use crate::auth::oidc::clients::Known;
use crate::auth::oidc::clients::views::Grant;
use crate::auth::oidc::code::is_challenge;
use crate::auth::oidc::params::Params;
use crate::auth::oidc::refusal::{Error, error, invalid_request};
use crate::auth::oidc::scope;

/// The most characters of a nonce, which stands in every ID token.
const MAX_NONCE: usize = 255;

/// What a client asks for, and may.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// What it is given.
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    /// The S256 of a verifier.
    pub(super) challenge: String,
    /// Nobody is to be shown anything.
    pub(super) is_silent: bool,
    /// Whoever it is, he is to sign in once more.
    pub(super) asks_again: bool,
    /// How long ago, in seconds, he may have signed in.
    pub(super) max_age_s: Option<i64>,
    /// Who it has to be, by an ID token.
    pub(super) id_token_hint: Option<String>,
}

impl Wish {
    /// Reads a request.
    ///
    /// # Errors
    /// What the client is told.
    pub(super) fn read(client: &Known, params: &Params) -> Result<Self, Error> {
        check_kind(client, params)?;
        let challenge = params.get("code_challenge").filter(|text| is_challenge(text));
        let challenge = challenge.ok_or(invalid_request("a code_challenge of RFC 7636 is always needed"))?;
        if params.get("code_challenge_method") != Some("S256") {
            return Err(invalid_request("the code_challenge_method is S256"));
        }
        let granted = scope::granted(params.get("scope").unwrap_or_default(), &client.scopes.0);
        let nonce = params.get("nonce");
        if nonce.is_some_and(|nonce| nonce.chars().count() > MAX_NONCE) {
            return Err(invalid_request("a nonce has at most 255 characters"));
        }
        let max_age = params.get("max_age").map(|text| text.parse::<u32>().map(i64::from)).transpose();
        let prompts: Vec<&str> =
            params.get("prompt").unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect();
        if prompts.len() > 1 && prompts.contains(&"none") {
            return Err(invalid_request("the prompt none stands alone"));
        }
        if prompts.iter().any(|prompt| !["none", "login", "consent", "select_account"].contains(prompt)) {
            return Err(invalid_request("there is no such prompt"));
        }
        Ok(Self {
            scope: granted
                .ok_or(error(codes::OAUTH_INVALID_SCOPE, "the client may have none of the scopes that it asks for"))?,
            nonce: nonce.map(str::to_owned),
            challenge: challenge.to_owned(),
            is_silent: prompts == ["none"],
            asks_again: prompts.contains(&"login") || prompts.contains(&"select_account"),
            max_age_s: max_age.map_err(|_| invalid_request("max_age is a number of seconds"))?,
            id_token_hint: params.get("id_token_hint").map(str::to_owned),
        })
    }
}

/// That it asks for a code, in the address, and in no other way.
fn check_kind(client: &Known, params: &Params) -> Result<(), Error> {
    if params.get("request").is_some() {
        return Err(error(codes::OAUTH_REQUEST_NOT_SUPPORTED, "what is asked for stands in the address"));
    }
    if params.get("request_uri").is_some() {
        return Err(error(codes::OAUTH_REQUEST_URI_NOT_SUPPORTED, "what is asked for stands in the address"));
    }
    if params.get("response_type") != Some("code") {
        return Err(error(codes::OAUTH_UNSUPPORTED_RESPONSE_TYPE, "the response_type is code"));
    }
    if params.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err(invalid_request("the response_mode is query"));
    }
    if !client.may(Grant::AuthorizationCode) {
        return Err(error(codes::OAUTH_UNAUTHORIZED_CLIENT, "this client comes to tokens in another way"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use database::Json;

    use super::*;
    use crate::auth::oidc::scope::Scope;

    const FINE: &str = "client_id=cli_1&response_type=code&code_challenge_method=S256\
                        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&scope=openid+email+api";

    fn read(grants: &[Grant], more: &str) -> Result<Wish, &'static str> {
        let client = Known {
            tenant_id: "ten_1".to_owned(),
            id: "cli_1".to_owned(),
            name: "Library".to_owned(),
            secret_sha256: None,
            redirect_uris: Json(Vec::new()),
            logout_uris: Json(Vec::new()),
            grants: Json(grants.to_vec()),
            scopes: Json(vec![Scope::Openid, Scope::Email]),
            slug: "one".to_owned(),
            tenant_state: "active".to_owned(),
        };
        // What comes later takes the place of what comes first.
        let names: Vec<&str> = more.split('&').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        let kept = Params::parse(FINE.as_bytes()).unwrap().without(&names);
        let params = Params::parse(format!("{kept}&{more}").as_bytes()).unwrap();
        Wish::read(&client, &params).map_err(Error::word)
    }

    #[test]
    fn a_client_is_given_what_it_asks_for_in_the_one_way_there_is() {
        let by_code = [Grant::AuthorizationCode];
        let plain = read(&by_code, "").unwrap();
        assert_eq!((plain.scope.as_str(), plain.is_silent, plain.asks_again), ("openid email", false, false));
        let silent = read(&by_code, "prompt=none&max_age=60&nonce=n").unwrap();
        assert_eq!((silent.is_silent, silent.max_age_s, silent.nonce.as_deref()), (true, Some(60), Some("n")));
        for prompt in ["login", "login+consent", "select_account"] {
            assert!(read(&by_code, &format!("prompt={prompt}")).unwrap().asks_again, "{prompt}");
        }
        for (more, code) in [
            ("response_type=token", "unsupported_response_type"),
            ("response_type=", "unsupported_response_type"),
            ("response_type=code+id_token", "unsupported_response_type"),
            ("response_mode=fragment", "invalid_request"),
            ("request=e30", "request_not_supported"),
            ("request_uri=https://a.example", "request_uri_not_supported"),
            ("code_challenge=", "invalid_request"),
            ("code_challenge=short", "invalid_request"),
            ("code_challenge_method=plain", "invalid_request"),
            ("code_challenge_method=", "invalid_request"),
            ("scope=", "invalid_scope"),
            ("scope=api", "invalid_scope"),
            ("prompt=none+login", "invalid_request"),
            ("prompt=create", "invalid_request"),
            ("max_age=-1", "invalid_request"),
            ("max_age=soon", "invalid_request"),
            (&format!("nonce={}", "n".repeat(256)), "invalid_request"),
        ] {
            assert_eq!(read(&by_code, more).map(drop), Err(code), "{more}");
        }
        assert_eq!(read(&[Grant::DeviceCode], "").map(drop), Err("unauthorized_client"));
    }
}
