//! What a process is told by its environment: the one list of variables, which those who read them, `lectern config explain` and
//! the table in docs/operations.md share. A variable that says the same as an argument is declared in `cli`, where clap reads it.
//!
//! - `table`: the other variables, and names from elsewhere that stand for them.
//! - `listed`: every setting, of both kinds, with what is said of it.
//! - `explained`: what each of them is in one environment, and where that comes from.

mod explained;
mod listed;
mod table;

pub(crate) use explained::{Explained, Source, explain};
pub(crate) use table::*;

use crate::exit::Failure;

/// What a variable holds, where it is set to anything.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// That of this process.
pub(crate) fn environment(name: &str) -> Option<String> {
    // Text of another encoding is taken for what it can be read as, and refused by whoever expects something.
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()).filter(|value| !value.is_empty())
}

/// What was found, and under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// What `variable` holds, or one of its other names.
///
/// # Errors
/// Two of those disagree, and it says nothing itself.
pub(crate) fn said(variable: Variable, env: Environment<'_>) -> Result<Option<Said>, Failure> {
    match env(variable.name) {
        Some(text) => Ok(Some(Said { name: variable.name, text })),
        None => said_instead(variable.name, env),
    }
}

/// What the other names of a variable hold.
///
/// # Errors
/// Two of them disagree.
fn said_instead(variable: &str, env: Environment<'_>) -> Result<Option<Said>, Failure> {
    let names = ALIASES.iter().filter(|alias| alias.of == variable).map(|alias| alias.name);
    let mut all = names.filter_map(|name| Some(Said { name, text: env(name)? }));
    let Some(first) = all.next() else { return Ok(None) };
    match all.find(|other| other.text != first.text) {
        None => Ok(Some(first)),
        Some(other) => {
            let detail = format!("{} and {} disagree, and {variable} is not set", first.name, other.name);
            Err(Failure::config("setting.disagrees", detail, &format!("set {variable}, or unset one of the two")))
        }
    }
}

/// The port that other names of `LECTERN_LISTEN` ask for.
///
/// # Errors
/// Two of them disagree, or what they hold is no port.
pub(crate) fn port(env: Environment<'_>) -> Result<Option<u16>, Failure> {
    let Some(Said { name, text }) = said_instead(LISTEN, env)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let hint = format!("write a number up to 65535, or say what is meant with --listen or {LISTEN}");
        Failure::config("setting.port", format!("{name} is {text:?}, which is no port"), &hint)
    })
}

/// Other names that say something else than the variable itself, which is set and wins: a sentence for each.
pub(crate) fn overruled(command: &str, env: Environment<'_>) -> Vec<String> {
    let known = ALIASES.iter().filter(|alias| alias.only.is_none_or(|only| only == command));
    let told = known.filter_map(|Alias { name, of, .. }| {
        let (own, other) = (env(of)?, env(name)?);
        (!agree(of, &own, &other))
            .then(|| format!("{name} is not used, since {of} says otherwise: unset one of the two"))
    });
    told.collect()
}

/// Whether a variable and another name of it say the same.
fn agree(variable: &str, own: &str, other: &str) -> bool {
    match variable {
        LISTEN => own.rsplit_once(':').is_some_and(|(_, port)| port == other),
        _ => own == other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// An environment of these variables.
    pub(super) fn of(set: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let set: std::collections::BTreeMap<String, String> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        move |name| set.get(name).cloned()
    }

    #[test]
    fn a_variable_wins_over_its_other_names_and_of_those_the_first_is_taken() {
        let found = |set: &[(&str, &str)]| said(DATABASE, &of(set)).unwrap().map(|said| (said.name, said.text));
        let (own, url, uri) = (("LECTERN_DATABASE", "a"), ("DATABASE_URL", "b"), ("DATABASE_URI", "b"));
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[uri]), Some(("DATABASE_URI", "b".to_owned())));
        assert_eq!(found(&[uri, url]), Some(("DATABASE_URL", "b".to_owned())));
        assert_eq!(found(&[uri, url, own]), Some(("LECTERN_DATABASE", "a".to_owned())));
        assert_eq!(
            overruled("worker", &of(&[uri, own])),
            ["DATABASE_URI is not used, since LECTERN_DATABASE says otherwise: unset one of the two"]
        );
        assert_eq!(overruled("worker", &of(&[own, ("DATABASE_URI", "a")])), [""; 0]);
    }

    #[test]
    fn other_names_that_disagree_are_refused_unless_the_variable_decides() {
        let both = [("DATABASE_URL", "postgres://u:secret@h/a"), ("DATABASE_URI", "b")];
        let refused = said(DATABASE, &of(&both)).unwrap_err().to_string();
        assert_eq!(refused, "DATABASE_URL and DATABASE_URI disagree, and LECTERN_DATABASE is not set");
        let decided = said(DATABASE, &of(&[both[0], both[1], ("LECTERN_DATABASE", "c")])).unwrap();
        assert_eq!(decided.unwrap().text, "c");
    }

    #[test]
    fn a_port_of_another_name_is_a_number_and_is_compared_with_that_of_the_address() {
        assert_eq!(port(&of(&[])).unwrap(), None);
        assert_eq!(port(&of(&[("SERVER_PORT", "8080"), ("PORT", "8080")])).unwrap(), Some(8080));
        for wrong in ["tcp://10.0.0.1:80", "65536", "-1", "80 "] {
            let refused = port(&of(&[("PORT", wrong)])).unwrap_err().to_string();
            assert_eq!(refused, format!("PORT is {wrong:?}, which is no port"));
        }
        let at = |address: &str| overruled("serve", &of(&[(LISTEN, address), ("PORT", "80")])).len();
        assert_eq!((at("0.0.0.0:80"), at("[::1]:80"), at("0.0.0.0:8080")), (0, 0, 1));
        assert_eq!(overruled("origin", &of(&[(LISTEN, "0.0.0.0:1"), ("PORT", "80")])), [""; 0], "it knows neither");
    }
}
