//! Pages that people see in their browser: plain HTML that needs no script. Pure.

use std::fmt::Write;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::Problem;

use super::params::Params;
use crate::auth::codes;

/// The style of all of them.
pub(super) const STYLE: &str = include_str!("page.css");
/// Where that is.
pub(super) const STYLE_PATH: &str = "/oauth2/page.css";
/// What they are documented as.
pub(super) const MEDIA_TYPE: &str = "text/html; charset=utf-8";

/// Text as HTML, within an element or an attribute in double quotes.
pub(super) fn text(text: &str) -> String {
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

/// A page that is being written.
pub(super) struct Page {
    title: &'static str,
    body: String,
    /// Where its forms may lead besides, as a policy names it.
    leads_to: String,
}

impl Page {
    pub(super) fn new(title: &'static str) -> Self {
        Self { title, body: format!("<h1>{title}</h1>"), leads_to: String::new() }
    }

    /// A sentence, with a name in it where it says `{}`.
    pub(super) fn sentence(self, sentence: &str, name: &str) -> Self {
        let html = text(sentence).replace("{}", &format!("<strong>{}</strong>", text(name)));
        self.html(&format!("<p>{html}</p>"))
    }

    /// What went wrong, if anything did.
    pub(super) fn fault(self, fault: Option<&str>) -> Self {
        match fault {
            Some(fault) => self.html(&format!("<p class=\"fault\" role=\"alert\">{}</p>", text(fault))),
            None => self,
        }
    }

    /// What is HTML already.
    pub(super) fn html(mut self, html: &str) -> Self {
        self.body.push_str(html);
        self
    }

    /// Its forms may lead to this place too, by a redirection.
    pub(super) fn leading_to(self, source: String) -> Self {
        Self { leads_to: source, ..self }
    }

    pub(super) fn respond(self, status: StatusCode) -> Response {
        let Self { title, body, leads_to } = self;
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <link rel=\"stylesheet\" href=\"{STYLE_PATH}\">\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
        );
        let policy = format!(
            "default-src 'none'; style-src 'self'; form-action 'self' {leads_to}; base-uri 'none'; frame-ancestors 'none'"
        );
        let mut response = (status, html).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        let policy = HeaderValue::from_str(&policy).expect("a policy is plain ASCII");
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        response
    }
}

/// What somebody is asked for who has not signed in in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask<'a> {
    /// His address, filled in as far as it is known, and his password.
    Password { email: &'a str },
    /// A code, for what waits for it by this token.
    Code { token: &'a str },
}

impl<'a> Ask<'a> {
    /// What he is asked for once more where what he has filled in was refused so.
    pub(super) fn again(filled: &'a Params, problem: &Problem) -> Self {
        let is_over = [codes::SESSION_INVALID_CODE_TOKEN, codes::SESSION_INVALID_CREDENTIALS]
            .iter()
            .any(|code| code.name() == problem.code());
        match filled.get("code_token").filter(|_| !is_over) {
            Some(token) => Self::Code { token },
            None => Self::Password { email: filled.get("email").unwrap_or_default() },
        }
    }
}

/// A form that is being written.
pub(super) struct Form(String);

impl Form {
    /// That is sent to this address, with the token of this browser's forms.
    pub(super) fn to(address: &str, token: &str) -> Self {
        Self(format!("<form method=\"post\" action=\"{}\">", text(address))).hidden("csrf", token)
    }

    /// That asks for what stands at this address.
    pub(super) fn asking(address: &str) -> Self {
        Self(format!("<form method=\"get\" action=\"{}\">", text(address)))
    }

    pub(super) fn hidden(self, name: &str, value: &str) -> Self {
        self.html(format_args!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", text(value)))
    }

    /// What somebody is asked for.
    pub(super) fn asks(self, ask: Ask<'_>) -> Self {
        match ask {
            Ask::Password { email } => self.credentials(email),
            Ask::Code { token } => self.hidden("code_token", token).code(),
        }
    }

    /// A code of either kind.
    fn code(self) -> Self {
        self.html(format_args!(
            "<label for=\"code\">Code of your authenticator, or a recovery code</label>\
             <input id=\"code\" name=\"code\" autocomplete=\"one-time-code\" autocapitalize=\"none\" spellcheck=\"false\" \
             required autofocus>"
        ))
    }

    /// Somebody's address and password.
    fn credentials(self, email: &str) -> Self {
        let (email, focused) = (text(email), if email.is_empty() { ["autofocus", ""] } else { ["", "autofocus"] });
        self.html(format_args!(
            "<label for=\"email\">E-mail address</label>\
             <input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"username\" value=\"{email}\" required {}>\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required {}>",
            focused[0], focused[1]
        ))
    }

    /// A line of text.
    pub(super) fn line(self, name: &str, label: &str) -> Self {
        self.html(format_args!(
            "<label for=\"{name}\">{label}</label>\
             <input id=\"{name}\" name=\"{name}\" autocomplete=\"off\" autocapitalize=\"characters\" required autofocus>"
        ))
    }

    /// What sends it.
    pub(super) fn button(self, label: &str) -> Self {
        self.html(format_args!("<button class=\"primary\">{label}</button>"))
    }

    /// What sends it with a word of its own, whatever is filled in.
    pub(super) fn other_button(self, (name, value): (&str, &str), label: &str) -> Self {
        self.html(format_args!("<button name=\"{name}\" value=\"{value}\" formnovalidate>{label}</button>"))
    }

    pub(super) fn finish(self) -> String {
        self.0 + "</form>"
    }

    fn html(mut self, html: std::fmt::Arguments<'_>) -> Self {
        // Writing to a String cannot fail.
        let _ = self.0.write_fmt(html);
        self
    }
}

/// A page in the place of a refusal, with what that says to programs.
pub(super) fn in_place_of(problem: Problem, page: impl FnOnce(StatusCode) -> Response) -> Response {
    let refused = problem.into_response();
    let mut response = page(refused.status());
    for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = refused.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// Whether it is for whoever sits before the browser to read.
pub(super) fn is_for_people(problem: &Problem) -> bool {
    problem.status().is_client_error() || problem.status() == StatusCode::SERVICE_UNAVAILABLE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_somebody_is_called_it_is_text() {
        assert_eq!(text("<a href=\"x\">&amp;</a>"), "&lt;a href=&quot;x&quot;&gt;&amp;amp;&lt;/a&gt;");
        let page = Page::new("Sign in").sentence("to go on to {}", "<script>{}</script>").fault(Some("<b>"));
        assert!(page.body.contains("to go on to <strong>&lt;script&gt;"), "{}", page.body);
        assert!(!page.body.contains("<script>") && !page.body.contains("<b>"), "{}", page.body);
        let form = Form::to("/a?b=\"&c", "token").hidden("name", "\"><b>");
        let form = form.asks(Ask::Password { email: "\"<i>" }).asks(Ask::Code { token: "\"<u>" }).finish();
        assert!(!["<b>", "<i>", "<u>"].iter().any(|tag| form.contains(tag)), "{form}");
        assert!(form.starts_with("<form method=\"post\" action=\"/a?b=&quot;&amp;c\">"), "{form}");
    }

    #[test]
    fn a_page_loads_its_style_alone_and_leads_nowhere_but_where_it_says() {
        let response = Page::new("Sign in").leading_to("https://app.example".to_owned()).respond(StatusCode::OK);
        let policy = response.headers()["content-security-policy"].to_str().unwrap_or_default();
        assert!(policy.contains("default-src 'none'; style-src 'self'; form-action 'self' https://app.example;"));
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}
