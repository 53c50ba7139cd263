//! Letters to people, as arguments and the environment configure them.

use std::sync::Arc;

use identity::auth::{Mail, PublicAddress};
use postbox::{InvalidSmtp, Smtp};

use crate::cli::Serve;
use crate::exit::Failure;
use crate::{http, settings};

/// What letters go by, with links that lead to where people reach this installation; `None` where no server is named.
pub(super) fn configured(options: &Serve, address: Option<&PublicAddress>) -> Result<Option<Mail>, Failure> {
    let Some(smtp) = smtp(options.smtp_url.as_deref(), options.mail_from.as_deref())? else { return Ok(None) };
    let address = address.ok_or_else(|| {
        let detail = "letters have links, and nobody has said at which address people reach this installation";
        Failure::config("mail.public_url", detail, "say --public-url https://HOST, or leave --smtp-url out")
    })?;
    Ok(Some(Mail::new(address.clone(), Arc::new(smtp))))
}

/// Whether a server is named.
pub(super) fn is_named(options: &Serve) -> bool {
    url(options.smtp_url.as_deref()).is_some()
}

/// The server that letters go to, as the argument says or the environment, and who they are from.
pub(crate) fn smtp(said: Option<&str>, from: Option<&str>) -> Result<Option<Smtp>, Failure> {
    if said.is_some_and(|said| said.contains('@')) {
        let detail = "the address in --smtp-url names a user, and everyone on this machine can read a command line";
        return Err(Failure::config("mail.password_shown", detail, "write it in LECTERN_SMTP_URL instead"));
    }
    let Some(url) = url(said) else { return Ok(None) };
    let from = from.filter(|from| !from.is_empty()).ok_or_else(|| {
        let detail = "an SMTP server is named, and nobody whom letters are from";
        Failure::config("mail.from", detail, "say --mail-from, such as no-reply@lectern.example, or LECTERN_MAIL_FROM")
    })?;
    let authorities = http::authorities().map_err(http::unfit)?;
    Smtp::new(&url, from, authorities.as_deref()).map(Some).map_err(|error| {
        let hint = match error {
            InvalidSmtp::From => "correct --mail-from or LECTERN_MAIL_FROM",
            _ => "correct --smtp-url or LECTERN_SMTP_URL, or leave it out",
        };
        Failure::config("mail.unfit", error.to_string(), hint)
    })
}

fn url(said: Option<&str>) -> Option<String> {
    let said = said.filter(|said| !said.is_empty()).map(str::to_owned);
    said.or_else(|| settings::environment(settings::SMTP_URL.name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_server_needs_a_sender_and_no_user_is_named_on_a_command_line() {
        let of = |said: Option<&str>, from: Option<&str>| {
            smtp(said, from).map(|smtp| smtp.is_some()).map_err(|failure| failure.to_string())
        };
        assert_eq!(of(Some("smtp://127.0.0.1:25"), Some("no-reply@lectern.example")), Ok(true));
        for (said, from, words) in [
            ("smtp://127.0.0.1:25", None, "nobody whom letters are from"),
            ("smtp://127.0.0.1:25", Some("nobody"), "letters are from an address"),
            ("smtps://u:hush@mail.example", Some("a@b.example"), "can read a command line"),
            ("http://mail.example", Some("a@b.example"), "the address of the SMTP server is"),
        ] {
            let refused = of(Some(said), from).unwrap_err();
            assert!(refused.contains(words) && !refused.contains("hush"), "{refused}");
        }
    }
}
