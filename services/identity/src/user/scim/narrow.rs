//! Where the database looks for what a filter means. What it finds there is looked at by the whole filter.

use scim::schema::ResourceType;
use scim::{AttributePath, Filter, Literal, Operator};

/// A part of all resources in which all are that a filter means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Narrow {
    /// All of them.
    All,
    /// The one with this id.
    Id(String),
    /// Those that the directory has this name for.
    ExternalId(String),
    /// The person that the directory knows by this, in lower case.
    UserName(String),
    /// The people with this e-mail address, in lower case.
    Address(String),
    /// The people with an e-mail address that begins so, in lower case.
    AddressBeginning(String),
}

impl Narrow {
    pub(super) fn of(kind: &ResourceType, filter: &Filter) -> Self {
        match filter {
            Filter::And(all) => {
                all.iter().map(|one| Self::of(kind, one)).find(|found| *found != Self::All).unwrap_or(Self::All)
            }
            Filter::Compare(path, operator, Literal::Text(text)) => Self::by(kind, path, *operator, text),
            Filter::Values(path, filter) if is(kind, path, "emails", None) => Self::within_emails(filter),
            _ => Self::All,
        }
    }

    fn by(kind: &ResourceType, path: &AttributePath, operator: Operator, text: &str) -> Self {
        // Which PostgreSQL takes for no text.
        if text.contains('\0') {
            return Self::All;
        }
        match operator {
            Operator::Eq if is(kind, path, "id", None) => Self::Id(text.to_owned()),
            Operator::Eq if is(kind, path, "externalId", None) => Self::ExternalId(text.to_owned()),
            Operator::Eq if is(kind, path, "userName", None) => Self::UserName(text.to_lowercase()),
            _ if is(kind, path, "emails", None) || is(kind, path, "emails", Some("value")) => {
                Self::by_address(operator, text)
            }
            _ => Self::All,
        }
    }

    fn by_address(operator: Operator, text: &str) -> Self {
        match operator {
            Operator::Eq => Self::Address(text.to_lowercase()),
            Operator::Sw => Self::AddressBeginning(text.to_lowercase()),
            _ => Self::All,
        }
    }

    fn within_emails(filter: &Filter) -> Self {
        match filter {
            Filter::And(all) => {
                all.iter().map(Self::within_emails).find(|found| *found != Self::All).unwrap_or(Self::All)
            }
            Filter::Compare(path, operator, Literal::Text(text))
                if path.name.eq_ignore_ascii_case("value") && !text.contains('\0') =>
            {
                Self::by_address(*operator, text)
            }
            _ => Self::All,
        }
    }
}

fn is(kind: &ResourceType, path: &AttributePath, name: &str, part: Option<&str>) -> bool {
    let same_part = match (&path.part, part) {
        (Some(own), Some(part)) => own.eq_ignore_ascii_case(part),
        (None, None) => true,
        _ => false,
    };
    let same_schema = path.urn.as_ref().is_none_or(|urn| urn.eq_ignore_ascii_case(kind.schema.id));
    same_part && same_schema && path.name.eq_ignore_ascii_case(name)
}

/// Whether a filter asks for this attribute.
pub(super) fn asks_for(filter: &Filter, name: &str) -> bool {
    match filter {
        Filter::And(all) | Filter::Or(all) => all.iter().any(|one| asks_for(one, name)),
        Filter::Not(one) => asks_for(one, name),
        Filter::Present(path) | Filter::Compare(path, _, _) | Filter::Values(path, _) => {
            path.name.eq_ignore_ascii_case(name)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use scim::USER;

    #[test]
    fn what_has_an_index_is_looked_for_there_and_all_else_among_all() {
        for (text, narrow) in [
            ("userName eq \"Anna\"", Narrow::UserName("anna".to_owned())),
            ("USERNAME EQ \"Anna\" and active eq true", Narrow::UserName("anna".to_owned())),
            ("active eq true and id eq \"usr_A\"", Narrow::Id("usr_A".to_owned())),
            ("externalId eq \"A-7\"", Narrow::ExternalId("A-7".to_owned())),
            ("emails eq \"A@b.c\"", Narrow::Address("a@b.c".to_owned())),
            ("emails.value sw \"A@\"", Narrow::AddressBeginning("a@".to_owned())),
            ("emails[type eq \"work\" and value eq \"A@b.c\"]", Narrow::Address("a@b.c".to_owned())),
            ("emails[type eq \"work\"].value eq \"A@b.c\"", Narrow::Address("a@b.c".to_owned())),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"a\"", Narrow::UserName("a".to_owned())),
            ("userName eq \"a\" or userName eq \"b\"", Narrow::All),
            ("not (userName eq \"a\")", Narrow::All),
            ("userName ne \"a\"", Narrow::All),
            ("userName eq \"a\\u0000\"", Narrow::All),
            ("emails.type eq \"work\"", Narrow::All),
            ("emails[type eq \"work\" or value eq \"a\"]", Narrow::All),
        ] {
            assert_eq!(Narrow::of(USER, &Filter::parse(text).unwrap()), narrow, "{text}");
        }
        assert!(asks_for(&Filter::parse("a pr and not (Members[value pr] or b pr)").unwrap(), "members"));
        assert!(!asks_for(&Filter::parse("a pr and b[members pr]").unwrap(), "members"));
    }
}
