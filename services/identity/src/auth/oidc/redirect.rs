//! Addresses of clients that a browser is sent back to: which may be registered, and which of them is meant. Pure.

use kernel::uri::escaped;
use url::{Host, Url};

/// The most characters of one.
const MAX: usize = 1024;
/// Where a program on the person's own machine listens (RFC 8252 §7.3).
const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

/// Whether this can be registered: https, or http to the machine itself by its number; without a fragment (RFC 6749 §3.1.2), a
/// name and a password.
pub(super) fn is_fit(text: &str) -> bool {
    // Whatever a URL is made of, and so nothing that would end a header, an attribute or a directive.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&()*+,;=%".contains(&byte);
    if text.len() > MAX || !text.bytes().all(plain) {
        return false;
    }
    let Ok(url) = Url::parse(text) else { return false };
    let is_own = || matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_))) && without_port(text).is_some();
    // Of more slashes readers make different hosts.
    let is_there = text.strip_prefix("https://").is_some_and(|rest| !rest.starts_with('/'));
    (is_there || is_own()) && url.username().is_empty() && url.password().is_none()
}

/// Whether `asked` is this registered one: in every character, but for the port of one on the person's machine, which the system
/// chooses (RFC 8252 §7.3).
pub(super) fn is_meant(asked: &str, registered: &str) -> bool {
    let same_but_for_port =
        || is_fit(asked) && without_port(asked).is_some_and(|own| Some(own) == without_port(registered));
    asked == registered || same_but_for_port()
}

/// Of an address of the machine itself, which of its numbers it has and what stands behind the port.
fn without_port(text: &str) -> Option<(&'static str, &str)> {
    LOOPBACK.into_iter().find_map(|host| {
        let rest = text.strip_prefix(host)?;
        let rest = match rest.strip_prefix(':') {
            Some(rest) => rest.trim_start_matches(|digit: char| digit.is_ascii_digit()),
            None => rest,
        };
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
    })
}

/// The address with what the client is told.
pub(super) fn with(address: &str, told: &[(&str, &str)]) -> String {
    told.iter().fold(address.to_owned(), |address, (name, value)| {
        let mark = if address.contains('?') { '&' } else { '?' };
        format!("{address}{mark}{name}={}", escaped(value))
    })
}

/// What a content security policy calls the place (CSP §2.3.1), which has no word for a number in brackets.
pub(super) fn source(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) if !matches!(url.host(), Some(Host::Ipv6(_))) => url.origin().ascii_serialization(),
        Ok(url) => format!("{}:", url.scheme()),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_the_persons_own_machine_can_be_registered() {
        for (text, fit) in [
            ("https://app.example/callback", true),
            ("https://app.example:8443/cb?tenant=a&x=%20", true),
            ("https://app.example", true),
            ("http://127.0.0.1/cb", true),
            ("http://127.0.0.1:9000/cb", true),
            ("http://[::1]:9000/cb", true),
            ("http://127.0.0.1", true),
            ("http://localhost/cb", false),
            ("http://app.example/cb", false),
            ("http://127.0.0.1.example/cb", false),
            ("http://127.0.0.1@app.example/cb", false),
            ("http://127.0.0.1:1@app.example/cb", false),
            ("http://127.0.0.2/cb", false),
            ("https://app.example/cb#here", false),
            ("https://anna@app.example/cb", false),
            ("https://:secret@app.example/cb", false),
            ("https:app.example", false),
            ("https:///cb", false),
            ("HTTPS://app.example/cb", false),
            ("javascript:alert(1)", false),
            ("data:text/html,a", false),
            ("com.example.app:/cb", false),
            ("//app.example/cb", false),
            ("/cb", false),
            ("", false),
            ("https://app.example/a b", false),
            ("https://app.example/\r\nlocation:", false),
            ("https://app.example/\u{e4}", false),
            ("https://app.example/'", false),
            ("https://app.example/\\x", false),
            ("https://app.example:99999/", false),
        ] {
            assert_eq!(is_fit(text), fit, "{text:?}");
        }
        assert!(!is_fit(&format!("https://app.example/{}", "a".repeat(MAX))));
    }

    #[test]
    fn an_address_is_the_registered_one_in_every_character_but_for_a_port_of_the_persons_own_machine() {
        for (asked, registered, meant) in [
            ("https://app.example/cb", "https://app.example/cb", true),
            ("https://app.example/cb/", "https://app.example/cb", false),
            ("https://app.example/cb?x=1", "https://app.example/cb", false),
            ("https://app.example:444/cb", "https://app.example/cb", false),
            ("https://app.example:444/cb", "https://app.example:443/cb", false),
            ("https://APP.example/cb", "https://app.example/cb", false),
            ("https://app.example.evil/cb", "https://app.example/cb", false),
            ("http://127.0.0.1:50001/cb", "http://127.0.0.1/cb", true),
            ("http://127.0.0.1:50001/cb", "http://127.0.0.1:8080/cb", true),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", true),
            ("http://[::1]:50001/cb", "http://[::1]/cb", true),
            ("http://[::1]:50001/cb", "http://127.0.0.1/cb", false),
            ("http://127.0.0.1:50001/other", "http://127.0.0.1/cb", false),
            ("http://127.0.0.1:50001@evil.example/cb", "http://127.0.0.1/cb", false),
            ("http://127.0.0.1:50001.evil.example/cb", "http://127.0.0.1/cb", false),
            ("http://127.0.0.1:99999/cb", "http://127.0.0.1/cb", false),
            ("http://127.0.0.1:1/cb\n", "http://127.0.0.1/cb", false),
            ("https://127.0.0.1:50001/cb", "http://127.0.0.1/cb", false),
        ] {
            assert_eq!(is_meant(asked, registered), meant, "{asked:?} of {registered:?}");
        }
    }

    #[test]
    fn what_a_client_is_told_stands_behind_what_its_address_has_and_changes_nothing_of_that() {
        let told = [("code", "a&b"), ("state", "\u{e4} #")];
        assert_eq!(with("https://a.example/cb", &told), "https://a.example/cb?code=a%26b&state=%C3%A4%20%23");
        assert_eq!(with("https://a.example/cb?x=1", &told[..1]), "https://a.example/cb?x=1&code=a%26b");
        assert_eq!(source("https://a.example:444/cb?x"), "https://a.example:444");
        assert_eq!(source("http://127.0.0.1:5/cb"), "http://127.0.0.1:5");
        assert_eq!(source("http://[::1]:5/cb"), "http:");
    }
}
