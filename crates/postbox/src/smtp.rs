//! Letters by SMTP (RFC 5321), to a server that sees to them from then on.

use std::time::{Duration, UNIX_EPOCH};

use futures::future::BoxFuture;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use url::{Host, Url};

use crate::postbox::{Carrier, NotCarried};
use crate::written::Written;

/// What one command of the conversation has.
const PATIENCE: Duration = Duration::from_secs(15);
/// Of an address of ours that is lettre's with another scheme.
const STARTTLS: &str = "smtp+starttls://";
/// Asks for another proof of who sends, or none is good (RFC 4954 §6): the setting is at fault and not the letter.
const CREDENTIALS: [u16; 4] = [530, 534, 535, 538];

/// What cannot be a server of letters, or a sender.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSmtp {
    /// The address of the server.
    #[error(
        "the address of the SMTP server is smtps://USER:PASSWORD@HOST, smtp+starttls://USER:PASSWORD@HOST, or smtp://HOST, perhaps with a \
         port and nothing behind it"
    )]
    Url,
    /// A password that everybody on the way could read.
    #[error("smtp:// takes no password to another machine, where others read along")]
    Exposed,
    /// Who letters are from.
    #[error("letters are from an address, such as no-reply@lectern.example or Lectern <no-reply@lectern.example>")]
    From,
    /// What TLS is made with.
    #[error("TLS to the SMTP server cannot be set up")]
    Tls(#[source] Error),
}

/// A server that takes letters from us, each in a conversation of its own.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// From what an operator has written: the address of the server, and who letters are from. Beside the usual certificate authorities
    /// those of a file in PEM are believed.
    ///
    /// # Errors
    /// See [`InvalidSmtp`]; none says what was written, which may hold a password.
    pub fn new(url: &str, from: &str, authorities: Option<&[u8]>) -> Result<Self, InvalidSmtp> {
        let from = sender(from).ok_or(InvalidSmtp::From)?;
        let address = checked(url)?;
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&address).map_err(InvalidSmtp::Tls)?;
        if let Some(pem) = authorities
            && let Some(tls) = tls(&address, pem)?
        {
            transport = transport.tls(tls);
        }
        Ok(Self { transport: transport.timeout(Some(PATIENCE)).build(), from })
    }

    /// Whether the server is there and knows who we are.
    ///
    /// # Errors
    /// Why not, in a few words.
    pub async fn check(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the SMTP server does not answer as one".to_owned()),
            Err(error) => Err(told(&error)),
        }
    }

    /// A letter as it goes over the wire.
    fn message(&self, letter: &Written) -> Result<Message, NotCarried> {
        let unfit = |error: &dyn std::fmt::Display| NotCarried { why: error.to_string(), is_for_good: true };
        let to = letter.recipient.parse::<Address>().map_err(|error| unfit(&error))?;
        let header =
            |name: &'static str, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let written_at = UNIX_EPOCH + Duration::from_millis(letter.created_ms.unsigned_abs());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(written_at)
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .subject(letter.subject.clone())
            // RFC 3834: nobody's absence is told to a program.
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", letter.language))
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
            .map_err(|error| unfit(&error))
    }
}

impl Carrier for Smtp {
    fn carry<'a>(&'a self, letter: &'a Written) -> BoxFuture<'a, Result<(), NotCarried>> {
        Box::pin(async move {
            let message = self.message(letter)?;
            match self.transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) => {
                    let code = error.status().map(u16::from);
                    let is_ours = code.is_some_and(|code| CREDENTIALS.contains(&code));
                    Err(NotCarried { why: told(&error), is_for_good: error.is_permanent() && !is_ours })
                }
            }
        })
    }
}

/// An address, or a name and an address between angle brackets; lettre would overlook what stands behind that.
fn sender(text: &str) -> Option<Mailbox> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let (name, address) = match text.trim().split_once('<') {
        None => ("", text.trim()),
        Some((name, rest)) => (name.trim().trim_matches('"'), rest.strip_suffix('>')?),
    };
    Some(Mailbox::new((!name.is_empty()).then(|| name.to_owned()), address.parse::<Address>().ok()?))
}

/// The address in lettre's words.
fn checked(text: &str) -> Result<String, InvalidSmtp> {
    let (address, is_plain) = match text.strip_prefix(STARTTLS) {
        Some(rest) => (format!("smtp://{rest}"), false),
        None => (text.to_owned(), text.starts_with("smtp://")),
    };
    let url = Url::parse(&address).map_err(|_| InvalidSmtp::Url)?;
    let is_known = ["smtp", "smtps"].contains(&url.scheme());
    let is_bare = ["", "/"].contains(&url.path()) && url.query().is_none() && url.fragment().is_none();
    let is_own = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || is_loopback(name),
        None => return Err(InvalidSmtp::Url),
    };
    if !is_known || !is_bare || url.host_str().is_none_or(str::is_empty) {
        return Err(InvalidSmtp::Url);
    }
    if is_plain && !is_own && url.password().is_some() {
        return Err(InvalidSmtp::Exposed);
    }
    // Without TLS where the server has none would be what somebody in between asks for.
    let required = if text.starts_with(STARTTLS) { "?tls=required" } else { "" };
    Ok(format!("{}{required}", address.trim_end_matches('/')))
}

/// TLS as the address in lettre's words asks for it, by further certificate authorities.
fn tls(address: &str, authorities: &[u8]) -> Result<Option<Tls>, InvalidSmtp> {
    let url = Url::parse(address).map_err(|_| InvalidSmtp::Url)?;
    let certificate = Certificate::from_pem(authorities).map_err(InvalidSmtp::Tls)?;
    let builder = TlsParameters::builder(url.host_str().unwrap_or_default().to_owned());
    let parameters = builder.add_root_certificate(certificate).build().map_err(InvalidSmtp::Tls)?;
    Ok(match (url.scheme(), url.query()) {
        ("smtps", _) => Some(Tls::Wrapper(parameters)),
        (_, Some(_)) => Some(Tls::Required(parameters)),
        (_, None) => None,
    })
}

/// An address as number, which of this scheme `url` reads as a name.
fn is_loopback(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An error with what it is from, and nothing of what was sent.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        let source = source.to_string();
        if !text.contains(&source) {
            text = format!("{text}: {source}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_server_is_reached_by_tls_or_without_a_password_and_nothing_that_is_refused_is_told() {
        for (text, address) in [
            ("smtps://u:p@mail.example", "smtps://u:p@mail.example"),
            ("smtps://mail.example:4650/", "smtps://mail.example:4650"),
            ("smtp+starttls://u:p@mail.example:587", "smtp://u:p@mail.example:587?tls=required"),
            ("smtp://mail.example", "smtp://mail.example"),
            ("smtp://u:p@127.0.0.1:1025", "smtp://u:p@127.0.0.1:1025"),
            ("smtp://u:p@localhost", "smtp://u:p@localhost"),
        ] {
            assert_eq!(checked(text).unwrap(), address);
        }
        assert!(matches!(checked("smtp://u:hush@mail.example"), Err(InvalidSmtp::Exposed)));
        for text in [
            "",
            "mail.example",
            "http://mail.example",
            "smtps://",
            "smtps://mail.example/x",
            "smtp://mail.example?tls=opportunistic",
            "smtps://mail.example#x",
        ] {
            assert!(matches!(checked(text), Err(InvalidSmtp::Url)), "{text}");
        }
        for from in ["", "nobody", "a@b.c\r\nBcc: x@y.z", "Lectern <a@b"] {
            let refused = Smtp::new("smtp://u:hush@127.0.0.1", from, None).err().unwrap();
            assert!(matches!(refused, InvalidSmtp::From) && !refused.to_string().contains("hush"), "{from:?}");
        }
    }

    #[tokio::test]
    async fn a_letter_has_its_id_for_ever_both_forms_and_no_header_that_somebody_put_into_it() {
        let smtp = Smtp::new("smtp://127.0.0.1:1", "Lectern <no-reply@lectern.example>", None).unwrap();
        let letter = Written {
            id: "let_1".to_owned(),
            recipient: "anna@example.com".to_owned(),
            language: "de",
            subject: "Ihr Link f\u{fc}r ein\r\nBcc: eve@example.com".to_owned(),
            text: "Guten Tag".to_owned(),
            html: "<p>Guten Tag</p>".to_owned(),
            created_ms: 784_111_777_000,
        };
        let message = smtp.message(&letter).unwrap();
        assert_eq!(message.envelope().to().len(), 1);
        let text = String::from_utf8(message.formatted()).unwrap();
        let head = text.split("\r\n\r\n").next().unwrap();
        for line in [
            "Message-ID: <let_1@lectern.example>",
            "To: anna@example.com",
            "Auto-Submitted: auto-generated",
            "Content-Language: de",
            "Date: Sun, 06 Nov 1994 08:49:37 +0000",
        ] {
            assert!(head.lines().any(|own| own == line), "{line} in {head}");
        }
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert!(text.contains("text/plain") && text.contains("text/html") && text.contains("multipart/alternative"));
        for recipient in ["anna@example.com\r\nRCPT TO:<eve@example.com>", "anna@example.com, eve@example.com", ""] {
            let hostile = Written { recipient: recipient.to_owned(), ..letter.clone() };
            assert!(smtp.message(&hostile).unwrap_err().is_for_good, "{recipient:?}");
        }
    }
}
