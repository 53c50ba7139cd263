//! Every setting of the commands that go on: arguments as `cli` declares them, and the variables beside them.

use clap::{Arg, CommandFactory};

use super::table::{ALIASES, Alias, COMMANDS, NOT_USED, VARIABLES, Variable};
use crate::cli::Arguments;

/// One setting, and what is said of it.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// The argument: its id for clap, and its name without dashes.
    pub(crate) flag: Option<(String, String)>,
    pub(crate) variable: Option<String>,
    pub(crate) aliases: Vec<&'static str>,
    /// The commands that have it.
    pub(crate) of: Vec<&'static str>,
    pub(crate) is_secret: bool,
    /// Whether nothing comes of it.
    pub(crate) is_unused: bool,
    /// What holds unless it is set, in words; empty where nothing does.
    pub(crate) default: String,
    pub(crate) what: String,
}

impl Listed {
    /// What it is called: its argument, or its variable.
    pub(crate) fn name(&self) -> String {
        let flag = self.flag.as_ref().map(|(_, name)| format!("--{name}"));
        flag.or_else(|| self.variable.clone()).unwrap_or_default()
    }

    fn of_argument(arg: &Arg, name: &str, command: &'static str) -> Self {
        let beside = VARIABLES.iter().find(|variable| variable.flag == Some(name) && variable.of.contains(&command));
        let declared = arg.get_env().map(|name| name.to_string_lossy().into_owned());
        let variable = declared.or_else(|| beside.map(|variable| variable.name.to_owned()));
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        Self {
            flag: Some((arg.get_id().to_string(), name.to_owned())),
            aliases: variable.as_deref().map(|variable| aliases(variable, command)).unwrap_or_default(),
            variable,
            of: vec![command],
            is_secret: beside.is_some_and(|variable| variable.is_secret),
            is_unused: false,
            default: defaults.join(","),
            what: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        }
    }

    fn of_variable(variable: &Variable) -> Self {
        Self {
            flag: None,
            variable: Some(variable.name.to_owned()),
            aliases: variable.of.first().map(|command| aliases(variable.name, command)).unwrap_or_default(),
            of: variable.of.to_vec(),
            is_secret: variable.is_secret,
            is_unused: false,
            default: variable.default.to_owned(),
            what: variable.what.to_owned(),
        }
    }

    fn unused((name, why): &(&str, &str)) -> Self {
        Self {
            flag: None,
            variable: Some((*name).to_owned()),
            aliases: Vec::new(),
            of: COMMANDS.to_vec(),
            is_secret: true,
            is_unused: true,
            default: String::new(),
            what: (*why).to_owned(),
        }
    }
}

fn aliases(variable: &str, command: &str) -> Vec<&'static str> {
    let known = |alias: &&Alias| alias.of == variable && alias.only.is_none_or(|only| only == command);
    ALIASES.iter().filter(known).map(|alias| alias.name).collect()
}

/// All of them: arguments first, in the order of the commands' help.
pub(crate) fn listed() -> Vec<Listed> {
    let whole = Arguments::command();
    let mut all: Vec<Listed> = Vec::new();
    for name in COMMANDS {
        let arguments = whole.find_subcommand(name).into_iter().flat_map(|command| command.get_arguments());
        for arg in arguments {
            let Some(long) = arg.get_long() else { continue };
            let row = Listed::of_argument(arg, long, name);
            match all.iter_mut().find(|other| other.flag == row.flag && other.what == row.what) {
                Some(same) => same.of.push(name),
                None => all.push(row),
            }
        }
    }
    all.extend(VARIABLES.iter().filter(|variable| variable.flag.is_none()).map(Listed::of_variable));
    all.extend(NOT_USED.iter().map(Listed::unused));
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    const BEGIN: &str = "<!-- The table is made from the code: UPDATE_GOLDEN=1 cargo test -p lectern settings -->\n";
    const END: &str = "<!-- The end of it -->\n";
    /// Of commands that end, and of a test.
    const OTHERS: [&str; 3] = ["LECTERN_NO_SUCH_VARIABLE", "LECTERN_SPEKE_AUTHORIZATION", "LECTERN_URL"];

    fn code(text: &str) -> String {
        if text.is_empty() { String::new() } else { format!("`{text}`") }
    }

    fn row(listed: &Listed) -> String {
        let flag = listed.flag.as_ref().map(|(_, name)| format!("--{name}")).unwrap_or_default();
        let own = listed.variable.as_deref().unwrap_or_default();
        let names = std::iter::once(own).chain(listed.aliases.iter().copied()).map(code);
        let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
        let of = if listed.of == COMMANDS { "all".to_owned() } else { listed.of.join(", ") };
        let what = listed.what.replace('|', "\\|");
        format!("| {} | {} | {of} | {} | {what} |\n", code(&flag), names.join(", "), listed.default)
    }

    fn table() -> String {
        let head = "\n| argument | variable, and its other names | of | unless set | what |\n| --- | --- | --- | --- | --- |\n";
        head.to_owned() + &listed().iter().map(row).collect::<String>() + "\n"
    }

    #[test]
    fn the_manual_lists_every_setting_as_it_is() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
        let manual = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = manual.split_once(BEGIN).unwrap();
        let (shown, after) = rest.split_once(END).unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", table())).unwrap();
        } else {
            assert!(shown == table(), "docs/operations.md is out of date: run this test with UPDATE_GOLDEN=1");
        }
    }

    #[test]
    fn no_name_stands_for_two_settings_of_a_command() {
        for command in COMMANDS {
            let mut names = BTreeSet::new();
            for row in listed().iter().filter(|row| row.of.contains(&command)) {
                let flag = row.flag.iter().map(|(_, name)| format!("--{name}"));
                let aliases = row.aliases.iter().map(|&name| name.to_owned());
                for name in flag.chain(row.variable.clone()).chain(aliases) {
                    assert!(names.insert(name.clone()), "{command}: {name}");
                }
                assert!(!row.what.is_empty(), "{}", row.name());
            }
            assert!(names.contains("LECTERN_LOG") && names.contains("REDIS_URL"), "{command}: {names:?}");
        }
    }

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                None if path.is_dir() => sources(&path, found),
                Some(kind) if kind == "rs" => found.push(std::fs::read_to_string(path).unwrap()),
                _ => {}
            }
        }
    }

    #[test]
    fn every_variable_that_the_sources_name_is_a_setting() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut texts = Vec::new();
        for group in ["crates", "services"] {
            for member in std::fs::read_dir(root.join(group)).unwrap() {
                sources(&member.unwrap().path().join("src"), &mut texts);
            }
        }
        ["lectern", "control-api", "origin-server", "workers"]
            .iter()
            .for_each(|member| sources(&root.join(member).join("src"), &mut texts));
        let known: BTreeSet<String> = listed().into_iter().filter_map(|row| row.variable).collect();
        let mut named = BTreeSet::new();
        for rest in texts.iter().flat_map(|text| text.split("\"LECTERN_").skip(1)) {
            let word = rest.split('"').next().unwrap();
            let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            if !word.is_empty() && word.bytes().all(is_name) {
                named.insert(format!("LECTERN_{word}"));
            }
        }
        assert!(named.len() > 20, "{named:?}");
        let unknown: Vec<_> = named.iter().filter(|name| !known.contains(*name)).collect();
        assert_eq!(unknown, OTHERS, "say in `settings::table` what it is for");
    }
}
