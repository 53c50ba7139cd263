//! A letter as it is read: its subject, and what it says in plain text and as HTML. Pure.

use crate::letter::About;
use crate::words::Words;

/// A letter that is ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The same whenever it is tried, so that who gets it twice can tell.
    pub id: String,
    /// An e-mail address.
    pub recipient: String,
    /// The tag of the language it is in.
    pub language: &'static str,
    /// One line.
    pub subject: String,
    /// In plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// When it was written, in milliseconds since 1970.
    pub created_ms: i64,
}

/// What a letter says; nothing where a language lacks a sentence of it.
pub(crate) fn written(
    (id, recipient): (&str, &str),
    locale: &str,
    about: &About,
    link: Option<&str>,
    created_ms: i64,
) -> Option<Written> {
    let words = Words::of(locale);
    let name = about.template().replace('_', "-");
    let say = |what: &str| words.say(what, about);
    let subject = say(&format!("{name}-subject"))?;
    let end = if link.is_some() { say("ignore")? } else { say("alarm")? };
    let paragraphs = [say("greeting")?, say(&format!("{name}-body"))?];
    let action = match link {
        Some(link) => Some((say(&format!("{name}-action"))?, say("address")?, link)),
        None => None,
    };
    let (automatic, language) = (say("automatic")?, words.tag);

    let mut text = paragraphs.join("\n\n");
    let mut html: String = paragraphs.iter().map(|paragraph| format!("<p>{}</p>\n", escaped(paragraph))).collect();
    if let Some((label, address, link)) = action {
        text.push_str(&format!("\n\n{link}"));
        let link = escaped(link);
        html.push_str(&format!(
            "<p><a href=\"{link}\" style=\"display:inline-block;padding:12px 20px;border-radius:6px;background:#1a4fb4;\
             color:#ffffff;font-weight:bold;text-decoration:none\">{}</a></p>\n<p>{}<br>{link}</p>\n",
            escaped(&label),
            escaped(&address)
        ));
    }
    text.push_str(&format!("\n\n{end}\n\n-- \n{automatic}\n"));
    let title = escaped(&subject);
    let html = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n</head>\n\
         <body style=\"margin:0;padding:24px;font-family:sans-serif;font-size:16px;line-height:1.5;color:#1b1b1b;background:#ffffff\">\n\
         <main style=\"max-width:560px\">\n<h1 style=\"font-size:20px\">{title}</h1>\n{html}<p>{}</p>\n\
         <p style=\"color:#595959\">{}</p>\n</main>\n</body>\n</html>\n",
        escaped(&end),
        escaped(&automatic)
    );
    Some(Written { id: id.to_owned(), recipient: recipient.to_owned(), language, subject, text, html, created_ms })
}

/// Text as HTML, within an element or an attribute in double quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            letter => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::letter::Factor;

    #[test]
    fn every_letter_is_written_in_every_language_with_one_line_of_subject_and_its_link_in_both_forms() {
        let link = "https://lectern.example/a?b=1&c=\"<#lm_0";
        for locale in ["en", "de"] {
            for about in [
                About::SignIn { minutes: 15 },
                About::Password { minutes: 60 },
                About::PasswordChanged,
                About::FactorAdded { factor: Factor::Codes },
                About::Impersonated,
                About::FactorAdded { factor: Factor::Passkey },
                About::FactorAdded { factor: Factor::Provider },
                About::FactorRemoved { factor: Factor::Provider },
                About::FactorRemoved { factor: Factor::Codes },
                About::FactorRemoved { factor: Factor::Passkey },
                About::FactorRemoved { factor: Factor::All },
            ] {
                let has_link = matches!(about, About::SignIn { .. } | About::Password { .. });
                let to = ("let_1", "anna@example.com");
                let letter = written(to, locale, &about, has_link.then_some(link), 7).unwrap();
                assert!(!letter.subject.is_empty() && letter.subject.lines().count() == 1, "{letter:?}");
                assert_eq!(letter.text.contains(link), has_link);
                assert_eq!(letter.html.contains("https://lectern.example/a?b=1&amp;c=&quot;&lt;#lm_0"), has_link);
                assert!(letter.html.contains(&format!("<html lang=\"{locale}\">")) && !letter.html.contains("<#lm_0"));
                assert!(letter.html.contains(&format!("<title>{}</title>", letter.subject)), "{letter:?}");
                assert!(!letter.text.contains('$') && !letter.text.contains('{'), "{}", letter.text);
            }
        }
    }
}
