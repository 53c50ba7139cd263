//! `lectern config explain`.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use serde_json::json;

use crate::cli::{Arguments, ConfigCommand, Data, Serve};
use crate::exit::Failure;
use crate::settings::{self, COMMANDS, Explained, Source};
use crate::{data, out, units};

pub(crate) fn run(command: ConfigCommand, json: bool) -> Result<(), Failure> {
    let ConfigCommand::Explain { line } = command;
    let (name, matches) = parsed(line);
    let mut all = settings::explain(name, &matches, &settings::environment);
    for one in &mut all {
        if matches!(one.source, Source::Alias(_) | Source::Default) && one.fault.is_none() {
            one.value = in_effect(name, &one.listed.name(), &matches).or(one.value.take());
        }
    }
    // One of each invocation: `--json` may stand on either side of the word.
    let json = json || matches.get_flag("json");
    all.iter().try_for_each(|one| if json { tell_program(one) } else { tell(one) })
}

/// The command that is meant, and its arguments as clap reads them. A line that it would not take ends the process, as it would
/// there.
fn parsed(line: Vec<OsString>) -> (&'static str, ArgMatches) {
    // What it cannot do without is told like everything else.
    let lenient = |whole: clap::Command, name| {
        whole.mut_subcommand(name, |command: clap::Command| command.mut_args(|argument| argument.required(false)))
    };
    let whole = COMMANDS.into_iter().fold(Arguments::command(), lenient);
    let named = line.first().and_then(|word| word.to_str()).is_some_and(|word| !word.starts_with('-'));
    let usual = (!named).then(|| OsString::from(COMMANDS[0]));
    let words = std::iter::once(OsString::from("lectern")).chain(usual).chain(line);
    let mut matches = whole.get_matches_from(words);
    let found = matches.remove_subcommand().and_then(|(word, of)| {
        let name = COMMANDS.into_iter().find(|name| *name == word)?;
        Some((name, of))
    });
    found.unwrap_or_else(|| {
        let detail = format!("settings are explained of {}", COMMANDS.join(", "));
        Arguments::command().error(clap::error::ErrorKind::InvalidSubcommand, detail).exit()
    })
}

/// What a setting comes to that depends on others.
fn in_effect(command: &str, setting: &str, matches: &ArgMatches) -> Option<String> {
    // An origin has no data folder, and asking for what a command has not is a mistake.
    let places = || (command != "origin").then(|| Data::from_arg_matches(matches).ok()).flatten();
    match setting {
        "--listen" if command == "serve" => {
            let options = Serve::from_arg_matches(matches).ok()?;
            units::listen(&options, &settings::environment).ok().map(|address| address.to_string())
        }
        "--database" => {
            let address = data::database(&places()?).ok()?;
            address.file().map(str::to_owned)
        }
        "--store" => data::store(&places()?).ok(),
        _ => None,
    }
}

fn tell(one: &Explained) -> Result<(), Failure> {
    let listed = &one.listed;
    let usual = if listed.default.is_empty() { "not set" } else { &listed.default };
    let value = one.value.as_deref().unwrap_or(usual);
    let variable = listed.variable.as_deref().unwrap_or_default();
    let from = match &one.source {
        _ if listed.is_unused => "not used".to_owned(),
        Source::Flag => "from the command line".to_owned(),
        Source::Variable(name) => format!("from {name}"),
        Source::Alias(name) => format!("from {name}, another name of {variable}"),
        Source::Default => "default".to_owned(),
    };
    out::line(format_args!("{} = {value}  ({from})", listed.name()))?;
    out::line(format_args!("    {}", listed.what))?;
    if let Some(fault) = &one.fault {
        out::line(format_args!("    REFUSED: {fault}"))?;
    }
    if !one.overruled.is_empty() {
        out::line(format_args!("    set besides, to something else, and not used: {}", one.overruled.join(", ")))?;
    }
    let names: Vec<&str> = listed.variable.as_deref().into_iter().chain(listed.aliases.iter().copied()).collect();
    if listed.flag.is_some() && !names.is_empty() {
        out::line(format_args!("    variables: {}", names.join(", ")))?;
    }
    Ok(())
}

fn tell_program(one: &Explained) -> Result<(), Failure> {
    let listed = &one.listed;
    let (source, name) = match &one.source {
        _ if listed.is_unused => ("unused", None),
        Source::Flag => ("flag", None),
        Source::Variable(name) => ("variable", Some(name.as_str())),
        Source::Alias(name) => ("alias", Some(*name)),
        Source::Default => ("default", None),
    };
    out::line(json!({
        "setting": listed.name(), "value": one.value, "source": source, "name": name, "variable": listed.variable,
        "aliases": listed.aliases, "default": listed.default, "overruled": one.overruled, "fault": one.fault, "what": listed.what,
    }))
}
