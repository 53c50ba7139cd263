//! What every setting of a command is, and where that comes from.

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::listed::{Listed, listed};
use super::{Environment, Said, said_instead};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The command line.
    Flag,
    /// This variable.
    Variable(String),
    /// This other name of the variable.
    Alias(&'static str),
    /// Nobody said anything.
    Default,
}

/// A setting in one environment.
#[derive(Clone, Debug)]
pub(crate) struct Explained {
    pub(crate) listed: Listed,
    /// What was said, or what an argument is unless it is given; `set` of what nobody is shown.
    pub(crate) value: Option<String>,
    pub(crate) source: Source,
    /// Names that are set too, to something else, and change nothing.
    pub(crate) overruled: Vec<String>,
    /// Why the command would refuse it.
    pub(crate) fault: Option<String>,
}

/// Every setting of a command whose arguments were parsed as `matches`.
pub(crate) fn explain(command: &str, matches: &ArgMatches, env: Environment<'_>) -> Vec<Explained> {
    let own = listed().into_iter().filter(|listed| listed.of.contains(&command));
    own.map(|listed| one(listed, matches, env)).collect()
}

fn one(listed: Listed, matches: &ArgMatches, env: Environment<'_>) -> Explained {
    let (value, source, fault) = found(&listed, matches, env);
    let overruled = overruled(&listed, value.as_deref(), &source, env);
    let value = value.filter(|value| !value.is_empty()).map(|value| shown(&listed, &source, value));
    Explained { listed, value, source, overruled, fault }
}

fn found(listed: &Listed, matches: &ArgMatches, env: Environment<'_>) -> (Option<String>, Source, Option<String>) {
    let variable = listed.variable.as_deref();
    let parsed = listed.flag.as_ref().and_then(|(id, _)| {
        let values: Vec<_> = matches.get_raw(id)?.map(|value| value.to_string_lossy()).collect();
        Some((matches.value_source(id)?, values.join(",")))
    });
    let usual = match (parsed, variable) {
        (Some((ValueSource::CommandLine, text)), _) => return (Some(text), Source::Flag, None),
        (Some((ValueSource::EnvVariable, text)), Some(name)) => {
            return (Some(text), Source::Variable(name.to_owned()), None);
        }
        (Some((_, text)), _) => text,
        (None, _) => String::new(),
    };
    if let Some((name, text)) = variable.and_then(|name| Some((name, env(name)?))) {
        return (Some(text), Source::Variable(name.to_owned()), None);
    }
    match variable.map(|name| said_instead(name, env)).filter(|_| !listed.aliases.is_empty()) {
        Some(Ok(Some(Said { name, text }))) => (Some(text), Source::Alias(name), None),
        Some(Err(failure)) => (None, Source::Default, Some(failure.to_string())),
        _ => (Some(usual), Source::Default, None),
    }
}

/// The names that would have said something else.
fn overruled(listed: &Listed, value: Option<&str>, source: &Source, env: Environment<'_>) -> Vec<String> {
    let Some(value) = value.filter(|_| *source != Source::Default) else { return Vec::new() };
    let names = listed.variable.iter().map(String::as_str).chain(listed.aliases.iter().copied());
    let variable = listed.variable.as_deref().unwrap_or_default();
    let differs = |name: &&str| env(name).is_some_and(|other| value != other && !super::agree(variable, value, &other));
    names.filter(differs).map(str::to_owned).collect()
}

/// As people may see it.
fn shown(listed: &Listed, source: &Source, value: String) -> String {
    if listed.is_secret && *source != Source::Default {
        return "set".to_owned();
    }
    if database::Address::new(value.as_str()).has_password() {
        return "set, with a password".to_owned();
    }
    without_password(&value)
}

/// Addresses without the passwords that they may hold.
fn without_password(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("://") {
        let end = behind.find(['/', '?', '#', ',']).unwrap_or(behind.len());
        let host = behind[..end].rfind('@').map_or(0, |at| at + 1);
        shown.push_str(before);
        shown.push_str(if host == 0 { "://" } else { "://***@" });
        rest = &behind[host..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Arguments;
    use crate::settings::tests::of;

    /// What is told of one setting of `serve`, started so.
    fn told(name: &str, line: &[&str], set: &[(&str, &str)]) -> Explained {
        let line = ["lectern", "serve"].iter().chain(line);
        let matches = Arguments::command().try_get_matches_from(line).unwrap();
        let all = explain("serve", matches.subcommand_matches("serve").unwrap(), &of(set));
        all.into_iter().find(|one| one.listed.name() == name).unwrap_or_else(|| panic!("{name} is no setting"))
    }

    fn value(of: &Explained) -> (Option<&str>, Source) {
        (of.value.as_deref(), of.source.clone())
    }

    #[test]
    fn an_argument_wins_over_a_variable_and_that_over_its_other_names_and_those_over_what_is_usual() {
        let set = [("LECTERN_DATABASE", "a.db"), ("DATABASE_URL", "b.db")];
        let named = told("--database", &["--database", "c.db"], &set);
        assert_eq!(value(&named), (Some("c.db"), Source::Flag));
        assert_eq!(named.overruled, ["LECTERN_DATABASE", "DATABASE_URL"]);
        let set_here = told("--database", &[], &set);
        assert_eq!(value(&set_here), (Some("a.db"), Source::Variable("LECTERN_DATABASE".to_owned())));
        assert_eq!(set_here.overruled, ["DATABASE_URL"]);
        let elsewhere = told("--database", &[], &set[1..]);
        assert_eq!((value(&elsewhere), elsewhere.overruled.len()), ((Some("b.db"), Source::Alias("DATABASE_URL")), 0));
        assert_eq!(value(&told("--database", &[], &[])), (None, Source::Default));
        assert_eq!(value(&told("--devices", &[], &[])), (Some("auto"), Source::Default));
        assert_eq!(value(&told("--roles", &["--unit", "webhook"], &[])), (Some("api"), Source::Default));
        assert_eq!(value(&told("--only", &["--only", "media,flags"], &[])), (Some("media,flags"), Source::Flag));
    }

    #[test]
    fn names_that_disagree_are_told_without_what_they_hold() {
        let set = [("DATABASE_URL", "postgres://u:hush@h/d"), ("DATABASE_URI", "x")];
        let both = told("--database", &[], &set);
        assert_eq!(value(&both), (None, Source::Default));
        assert_eq!(
            both.fault.as_deref(),
            Some("DATABASE_URL and DATABASE_URI disagree, and LECTERN_DATABASE is not set")
        );
        let port = told("--listen", &["--listen", "127.0.0.1:80"], &[("PORT", "80"), ("SERVER_PORT", "81")]);
        assert_eq!(
            (value(&port), &port.overruled[..]),
            ((Some("127.0.0.1:80"), Source::Flag), &["SERVER_PORT".to_owned()][..])
        );
    }

    #[test]
    fn no_secret_is_shown() {
        let secret = "hush0123456789abcdef";
        let address = format!("postgres://u:{secret}@h/d");
        for row in listed().iter().filter(|row| row.of.contains(&"serve")) {
            let Some(variable) = row.variable.as_deref().filter(|_| row.is_secret) else { continue };
            let one = told(&row.name(), &[], &[(variable, secret)]);
            assert_eq!(value(&one), (Some("set"), Source::Variable(variable.to_owned())));
        }
        let secrets = ["LECTERN_ADMIN_TOKEN", "LECTERN_KEK", "AWS_SECRET_ACCESS_KEY", "JWT_SECRET_KEY", "REDIS_URL"];
        let known = listed();
        assert!(secrets.iter().all(|name| known.iter().any(|row| row.is_secret && row.name() == *name)));
        for name in ["LECTERN_DATABASE", "DATABASE_URL", "LECTERN_LICENCE_WIDEVINE_URL"] {
            let row = if name.contains("LICENCE") { name } else { "--database" };
            let one = told(row, &[], &[(name, &address)]);
            assert!(!format!("{one:?}").contains("hush"), "{one:?}");
        }
        assert_eq!(
            without_password("media=http://u:hush@10.0.0.2:80/a@b,flags=https://f"),
            "media=http://***@10.0.0.2:80/a@b,flags=https://f"
        );
    }

    #[test]
    fn what_is_of_no_use_here_says_so() {
        let unused = told("REDIS_URL", &[], &[("REDIS_URL", "redis://h")]);
        assert!(unused.listed.is_unused && unused.listed.what.starts_with("Not used: "));
        assert_eq!(value(&unused).0, Some("set"));
        assert_eq!(value(&told("JWT_SECRET_KEY", &[], &[])).0, None);
    }
}
