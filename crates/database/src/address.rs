//! Where a database is.

use crate::{Database, DbError, EngineKind};

/// The address of a database: a file path, `sqlite:PATH` or `postgres://...`.
///
/// It may hold a password, so it has no `Debug`, and what is shown of it is [`Address::shown`] alone.
#[derive(Clone)]
pub struct Address(String);

impl Address {
    /// Takes any text: what is no address is refused by [`Address::open`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Which engine it names.
    pub fn kind(&self) -> EngineKind {
        match authority(&self.0) {
            Some(_) => EngineKind::Postgres,
            None => EngineKind::Sqlite,
        }
    }

    /// The file, of a database that is one.
    pub fn file(&self) -> Option<&str> {
        let path = || self.0.strip_prefix("sqlite://").or_else(|| self.0.strip_prefix("sqlite:")).unwrap_or(&self.0);
        (self.kind() == EngineKind::Sqlite).then(path)
    }

    /// Whether it holds a password, which must not be where others can read it.
    pub fn has_password(&self) -> bool {
        let Some(rest) = authority(&self.0) else { return false };
        let (authority, query) = (rest.split(['/', '?', '#']).next().unwrap_or(rest), rest.split_once('?'));
        let in_authority = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
        in_authority || query.is_some_and(|(_, query)| query.split('&').any(|pair| pair.starts_with("password=")))
    }

    /// For people: the file, or that it is a server's.
    pub fn shown(&self) -> &str {
        self.file().unwrap_or("the PostgreSQL database")
    }

    /// As [`Database::open`].
    pub async fn open(&self) -> Result<Database, DbError> {
        Database::open(&self.0).await
    }
}

/// What follows the scheme of a server's address.
pub(crate) fn authority(text: &str) -> Option<&str> {
    text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_wherever_an_address_may_hold_one_and_never_shown() {
        for (text, secret) in [
            ("postgres://u:secret@h/d", true),
            ("postgresql://u:se@cret@h:5432/d?sslmode=require", true),
            ("postgres:///d?host=h&user=u&password=secret", true),
            ("postgres://u@h:5432/d", false),
            ("postgres://h/d?host=/run/x:y@z", false),
            ("postgres://u@h/d:e@f", false),
            ("/data/u:secret@h", false),
        ] {
            let address = Address::new(text);
            assert_eq!(address.has_password(), secret, "{text}");
            assert!(!secret || !address.shown().contains("secret"), "{text}");
        }
    }

    #[test]
    fn a_file_is_told_from_a_server() {
        for text in ["lectern.db", "sqlite:lectern.db", "sqlite://lectern.db"] {
            assert_eq!(Address::new(text).file(), Some("lectern.db"), "{text}");
        }
        assert_eq!(Address::new("postgres://h/d").file(), None);
    }
}
