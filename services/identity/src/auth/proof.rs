//! How somebody has proved who he is, and when: `amr`, `acr` and `auth_time` of his tokens (OpenID Connect Core §2). Pure.

/// A password, in the words of RFC 8176 §2.
pub(super) const PASSWORD: &[&str] = &["pwd"];
/// A provider of somebody else's, which RFC 8176 has no word for.
pub(super) const FEDERATED: &[&str] = &["fed"];
/// A link that was sent to the person, who has opened it where he had asked for it; RFC 8176 has no word for that.
pub(super) const LINK: &[&str] = &["mail"];
/// A code of an authenticator's, or one that stands in for it.
pub(super) const CODE: &[&str] = &["otp"];
/// A passkey that cannot leave its device, by somebody whom that has verified.
pub(super) const BOUND_PASSKEY: &[&str] = &["hwk", "user", "mfa"];
/// One that can be on several.
pub(super) const SYNCED_PASSKEY: &[&str] = &["swk", "user", "mfa"];

/// How many factors have proved it, as the levels of NIST SP 800-63B count them: one, and two.
pub(super) const LEVELS: [&str; 2] = ["aal1", "aal2"];

const SEVERAL: &str = "mfa";

/// What has proved it, and when the last of that was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    methods: Vec<String>,
    pub(super) at_ms: i64,
}

impl Proof {
    pub(super) fn new(methods: &[&str], at_ms: i64) -> Self {
        Self { methods: Vec::new(), at_ms }.and(methods, at_ms)
    }

    /// As [`text`](Self::text) has it.
    pub(super) fn stored(text: &str, at_ms: i64) -> Self {
        Self { methods: text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(), at_ms }
    }

    /// What is stored of the methods.
    pub(super) fn text(&self) -> String {
        self.methods.join(" ")
    }

    /// With what was shown besides. A password and a code are two factors, and so are a code and a link, or what a provider says.
    #[must_use]
    pub(super) fn and(mut self, methods: &[&str], at_ms: i64) -> Self {
        for method in methods {
            self.add(method);
        }
        if [PASSWORD, FEDERATED, LINK].iter().any(|first| self.has(first[0])) && self.has(CODE[0]) {
            self.add(SEVERAL);
        }
        Self { at_ms, ..self }
    }

    fn add(&mut self, method: &str) {
        if !self.has(method) {
            self.methods.push(method.to_owned());
        }
    }

    fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known == method)
    }

    /// All of them, those that were shown first first.
    pub(super) fn amr(&self) -> &[String] {
        &self.methods
    }

    /// Whether these are two factors.
    pub(super) fn are_several(&self) -> bool {
        self.has(SEVERAL)
    }

    /// Which of the levels these are.
    pub(super) fn acr(&self) -> &'static str {
        LEVELS[usize::from(self.are_several())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_adds_up_to_one_factor_or_two() {
        let of = |all: &[&[&str]]| {
            let proof = all.iter().fold(Proof::new(&[], 0), |proof, methods| proof.and(methods, 7));
            assert_eq!(Proof::stored(&proof.text(), 7), proof);
            (proof.text(), proof.acr())
        };
        for (all, amr, acr) in [
            (&[PASSWORD][..], "pwd", "aal1"),
            (&[PASSWORD, PASSWORD], "pwd", "aal1"),
            (&[CODE], "otp", "aal1"),
            (&[LINK], "mail", "aal1"),
            (&[LINK, PASSWORD], "mail pwd", "aal1"),
            (&[LINK, CODE], "mail otp mfa", "aal2"),
            (&[PASSWORD, CODE], "pwd otp mfa", "aal2"),
            (&[FEDERATED], "fed", "aal1"),
            (&[FEDERATED, PASSWORD], "fed pwd", "aal1"),
            (&[FEDERATED, CODE], "fed otp mfa", "aal2"),
            (&[BOUND_PASSKEY], "hwk user mfa", "aal2"),
            (&[SYNCED_PASSKEY], "swk user mfa", "aal2"),
            (&[PASSWORD, BOUND_PASSKEY, CODE], "pwd hwk user mfa otp", "aal2"),
        ] {
            assert_eq!(of(all), (amr.to_owned(), acr));
        }
    }
}
