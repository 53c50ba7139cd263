//! Where a bridge goes and what it takes there: one address, whose query says the rest. Pure.

use std::fmt;

use kernel::Filters;
use url::Url;

/// The most characters of a bridge's name.
const MAX_NAME: usize = 32;
/// The most of a prefix, an exchange or a topic.
const MAX_TARGET: usize = 200;
/// What subjects of NATS begin with, and the exchange of AMQP, unless another is named.
const TARGET: &str = "lectern";

/// What can be listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JetStream.
    Nats,
    /// AMQP 0-9-1.
    Amqp,
    /// Kafka.
    Kafka,
}

/// How an event is put into a message (CloudEvents 1.0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All of it in the body.
    Structured,
    /// Its data in the body, all else in headers.
    Binary,
}

/// The address of a broker, which may hold a password, and what is published there.
#[derive(Clone)]
#[cfg_attr(not(feature = "bridges"), allow(dead_code))]
pub struct Address {
    pub(crate) url: Url,
    pub(crate) protocol: Protocol,
    /// A prefix of subjects, an exchange, or a topic.
    pub(crate) target: String,
    pub(crate) name: String,
    pub(crate) kinds: Filters,
    pub(crate) mode: Mode,
    pub(crate) from_start: bool,
}

/// What is no address of a bridge. None of these shows the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not one at all, or without a host.
    #[error("a bridge is nats://HOST, tls://HOST, amqp://HOST or kafka://HOST/TOPIC")]
    Address,
    /// Of a protocol that no broker here speaks.
    #[error("there is no bridge for {0}://; there are nats, tls, amqp and kafka")]
    Scheme(String),
    /// Something behind `?` that a bridge does not know.
    #[error("a bridge has no {0:?}; it has name, kinds, mode and from, and on AMQP exchange")]
    Unknown(String),
    /// The same twice.
    #[error("{0} is said twice")]
    Twice(String),
    /// What a word behind `?` says is not one of those that it can.
    #[error("{0}")]
    Value(&'static str),
    /// Filters of events.
    #[error("kinds: {0}")]
    Kinds(kernel::filter::FilterError),
}

impl fmt::Debug for Address {
    /// Without what it may hold of secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("name", &self.name).field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Address {
    /// Reads one.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_| AddressError::Address)?;
        if url.host_str().is_none_or(str::is_empty) || url.fragment().is_some() {
            return Err(AddressError::Address);
        }
        let protocol = match url.scheme() {
            "nats" | "tls" => Protocol::Nats,
            "amqp" => Protocol::Amqp,
            "kafka" => Protocol::Kafka,
            other => return Err(AddressError::Scheme(other.to_owned())),
        };
        let said = Said::read(&url, protocol)?;
        let path = url.path().trim_start_matches('/');
        let target = match protocol {
            // What stands there is the virtual host.
            Protocol::Amqp => said.exchange.as_deref().unwrap_or(TARGET),
            Protocol::Nats if path.is_empty() => TARGET,
            Protocol::Nats | Protocol::Kafka => path,
        };
        if !is_target(target) {
            return Err(AddressError::Value(
                "a prefix, an exchange or a topic is 1 to 200 of letters, digits, `-`, `_` and, but at its ends, `.`",
            ));
        }
        if protocol == Protocol::Kafka && (!url.username().is_empty() || url.password().is_some()) {
            return Err(AddressError::Value("nobody can sign in to Kafka by this: leave the user out"));
        }
        let name = said.name.unwrap_or_else(|| url.scheme().to_owned());
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=MAX_NAME).contains(&name.len()) || !name.bytes().all(is_plain) {
            return Err(AddressError::Value("name: 1 to 32 of a to z, 0 to 9 and `-`"));
        }
        let target = target.to_owned();
        Ok(Self { protocol, target, name, kinds: said.kinds, mode: said.mode, from_start: said.from_start, url })
    }

    /// What it is known by among all bridges.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it holds a password or a token.
    pub fn has_secret(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// Its user and its password, or its token and nothing, as they are meant.
    #[cfg(feature = "bridges")]
    pub(crate) fn credentials(&self) -> Option<(String, Option<String>)> {
        let user = Some(self.url.username()).filter(|user| !user.is_empty())?;
        Some((decoded(user), self.url.password().map(decoded)))
    }

    /// Its host and its port.
    #[cfg(feature = "bridges")]
    pub(crate) fn host(&self, usual_port: u16) -> String {
        format!("{}:{}", self.url.host_str().unwrap_or_default(), self.url.port().unwrap_or(usual_port))
    }
}

/// What stands behind `?`.
struct Said {
    name: Option<String>,
    exchange: Option<String>,
    kinds: Filters,
    mode: Mode,
    from_start: bool,
}

impl Said {
    fn read(url: &Url, protocol: Protocol) -> Result<Self, AddressError> {
        let (mut name, mut exchange, mut kinds, mut mode, mut from) = (None, None, None, None, None);
        for (key, value) in url.query_pairs() {
            let place = match key.as_ref() {
                "name" => &mut name,
                "kinds" => &mut kinds,
                "mode" => &mut mode,
                "from" => &mut from,
                "exchange" if protocol == Protocol::Amqp => &mut exchange,
                other => return Err(AddressError::Unknown(other.to_owned())),
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(AddressError::Twice(key.into_owned()));
            }
        }
        let kinds = kinds.as_deref().unwrap_or("*").split(',').map(|kind| kind.trim().to_owned()).collect();
        Ok(Self {
            name,
            exchange,
            kinds: Filters::new(kinds).map_err(AddressError::Kinds)?,
            mode: match mode.as_deref() {
                None | Some("structured") => Mode::Structured,
                Some("binary") => Mode::Binary,
                Some(_) => return Err(AddressError::Value("mode: structured or binary")),
            },
            from_start: match from.as_deref() {
                None | Some("now") => false,
                Some("start") => true,
                Some(_) => return Err(AddressError::Value("from: now or start")),
            },
        })
    }
}

fn is_target(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let length = (1..=MAX_TARGET).contains(&text.len());
    length && text.bytes().all(fine) && !text.starts_with('.') && !text.ends_with('.') && !text.contains("..")
}

/// Text without percent-encoding.
#[cfg(feature = "bridges")]
fn decoded(raw: &str) -> String {
    // What means something in a form means itself here.
    let form = format!("v={}", raw.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(form.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Protocol, String, String, Mode, bool) {
        let address = Address::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (address.protocol, address.target, address.name, address.mode, address.from_start)
    }

    #[test]
    fn an_address_says_where_and_what() {
        let (lectern, structured) = ("lectern".to_owned(), Mode::Structured);
        for (text, expected) in [
            ("nats://h:4222", (Protocol::Nats, lectern.clone(), "nats".to_owned(), structured, false)),
            ("tls://h/a.b?mode=binary", (Protocol::Nats, "a.b".to_owned(), "tls".to_owned(), Mode::Binary, false)),
            ("amqp://u:p@h/vh", (Protocol::Amqp, lectern, "amqp".to_owned(), structured, false)),
            ("amqp://h?exchange=e", (Protocol::Amqp, "e".to_owned(), "amqp".to_owned(), structured, false)),
            (
                "kafka://h:1/t?name=k-2&from=start",
                (Protocol::Kafka, "t".to_owned(), "k-2".to_owned(), structured, true),
            ),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let some = Address::parse("nats://h?kinds=asset.*,user.erased").unwrap();
        assert!(some.kinds.pass("asset.ready") && some.kinds.pass("user.erased") && !some.kinds.pass("user.created"));
        assert!(Address::parse("nats://h").unwrap().kinds.pass("user.created"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence_without_secrets() {
        for (text, words) in [
            ("", "a bridge is nats://HOST"),
            ("nats:4222", "a bridge is nats://HOST"),
            ("http://u:hush@h", "there is no bridge for http://"),
            ("amqps://u:hush@h", "there is no bridge for amqps://"),
            ("kafka://u:hush@h", "a prefix, an exchange or a topic"),
            ("kafka://u:hush@h/t", "nobody can sign in to Kafka"),
            ("nats://u:hush@h/a/b", "a prefix, an exchange or a topic"),
            ("nats://u:hush@h/a.>", "a prefix, an exchange or a topic"),
            ("nats://u:hush@h?exchange=a", "a bridge has no \"exchange\""),
            ("nats://u:hush@h?kind=a", "a bridge has no \"kind\""),
            ("nats://u:hush@h?mode=a", "mode: structured or binary"),
            ("nats://u:hush@h?from=7", "from: now or start"),
            ("nats://u:hush@h?name=A", "name: 1 to 32"),
            ("nats://u:hush@h?kinds=a,,b", "kinds: a filter is"),
            ("nats://u:hush@h?mode=binary&mode=binary", "mode is said twice"),
        ] {
            let said = Address::parse(text).err().unwrap_or_else(|| panic!("{text} is taken")).to_string();
            assert!(said.contains(words) && !said.contains("hush"), "{text}: {said}");
        }
    }

    #[test]
    fn no_secret_is_shown() {
        let address = Address::parse("nats://u:hush@h").unwrap();
        assert!(address.has_secret() && !format!("{address:?}").contains("hush"));
        assert!(Address::parse("nats://hush@h").unwrap().has_secret());
        assert!(!Address::parse("kafka://h/t").unwrap().has_secret());
    }

    #[cfg(feature = "bridges")]
    #[test]
    fn credentials_are_what_was_meant() {
        let address = Address::parse("nats://u:a%40b+c%26d@h").unwrap();
        assert_eq!(address.credentials(), Some(("u".to_owned(), Some("a@b+c&d".to_owned()))));
        assert_eq!(address.host(4222), "h:4222");
        assert_eq!(Address::parse("nats://token@h:1").unwrap().credentials(), Some(("token".to_owned(), None)));
        assert_eq!(Address::parse("nats://h").unwrap().credentials(), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fall_over(text in "(nats|amqp|kafka)://.{0,40}|.{0,40}") {
            if let Ok(address) = Address::parse(&text) {
                prop_assert!(is_target(&address.target) && !address.name.is_empty());
            }
        }
    }
}
