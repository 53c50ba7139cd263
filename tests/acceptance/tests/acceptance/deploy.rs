//! What lies in `deploy/` names options and variables that there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::judge;

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn help(command: &str) -> String {
    let output = Command::new(judge::lectern()).args([command, "--help"]).output().unwrap();
    assert!(output.status.success(), "lectern {command}");
    String::from_utf8(output.stdout).unwrap()
}

/// The words of the lines that start a `lectern`, from the command on: `ExecStart=`, `command:` and `args:`.
fn started(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        let starts = ["ExecStart=/usr/local/bin/lectern", "command: [", "args: ["];
        starts.iter().find_map(|start| line.strip_prefix(start))
    });
    let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '-');
    lines.map(|line| line.split(word).filter(|word| !word.is_empty()).map(str::to_owned).collect()).collect()
}

#[test]
fn units_containers_and_charts_start_commands_that_there_are_with_options_that_these_take() {
    let mut files = Vec::new();
    files_below(&judge::root().join("deploy"), &mut files);
    let manual = std::fs::read_to_string(judge::root().join("docs/operations.md")).unwrap();
    let (mut commands, mut variables) = (BTreeSet::new(), BTreeSet::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for words in started(&text) {
            let Some(command) =
                words.first().filter(|word| ["serve", "worker", "origin", "migrate"].contains(&word.as_str()))
            else {
                continue;
            };
            let help = help(command);
            for option in words.iter().filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{}: lectern {command} has no {option}", file.display());
            }
            commands.insert(command.clone());
        }
        let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
        let named = text.split(word).filter(|word| word.starts_with("LECTERN_") || word.starts_with("OTEL_"));
        variables.extend(named.map(str::to_owned));
    }
    assert_eq!(commands.len(), 4, "{commands:?}");
    assert!(variables.len() > 8, "{variables:?}");
    // Of the Compose file alone, which says what they are.
    for of_compose in ["LECTERN_PORT", "LECTERN_VERSION"] {
        assert!(variables.remove(of_compose), "{of_compose}");
    }
    for variable in variables {
        assert!(manual.contains(&variable), "docs/operations.md does not tell of {variable}");
    }
}
