//! The command as people type it: exit codes, sentences, JSON.

use std::process::{Command, Output};

use crate::judge;

fn lectern(arguments: &[&str]) -> Output {
    Command::new(judge::lectern()).args(arguments).output().unwrap()
}

#[test]
fn failures_have_a_sentence_a_cure_and_the_documented_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let ladder = folder.path().join("bad.toml");
    std::fs::write(&ladder, "name = \"bad\"\ncolour = 3\n").unwrap();
    let out = folder.path().join("out");
    let out = out.to_str().unwrap();
    let text = judge::media("bad/text.mp4");
    let cases: [(&[&str], i32); 5] = [
        (&["encode", "/no/such/file.mp4", "--out", out], 65),
        (&["encode", text.to_str().unwrap(), "--out", out], 65),
        (&["encode", text.to_str().unwrap(), "--out", out, "--ladder", "no-such-ladder"], 78),
        (&["ladder", "check", ladder.to_str().unwrap()], 78),
        (&["no-such-command"], 2),
    ];
    for (arguments, code) in cases {
        let output = lectern(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains("help"), "{arguments:?} has no cure: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    assert!(!std::path::Path::new(out).exists(), "a failed encode leaves nothing");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "not even a temporary folder");
}

#[test]
fn a_bad_ladder_is_refused_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let ladder = folder.path().join("bad.toml");
    std::fs::write(&ladder, "name = \"bad\"\n[[rung]]\nheigth = 720\n").unwrap();
    let said = String::from_utf8_lossy(&lectern(&["ladder", "check", ladder.to_str().unwrap()]).stderr).into_owned();
    assert!(said.contains("bad.toml:3:1"), "{said}");
    assert!(said.contains("height"), "did you mean: {said}");
}

#[test]
fn shipped_ladders_check_explain_and_plot() {
    for arguments in [
        &["ladder", "check"][..],
        &["ladder", "explain", "film"],
        &["ladder", "plot", "lecture"],
        &["ladder", "schema"],
    ] {
        let output = lectern(arguments);
        assert!(
            output.status.success() && !output.stdout.is_empty(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[test]
fn doctor_finds_a_working_installation() {
    let folder = tempfile::tempdir().unwrap();
    let output = lectern(&["--json", "doctor", "--data", folder.path().to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn completions_and_manual_pages_are_written() {
    let folder = tempfile::tempdir().unwrap();
    assert!(lectern(&["man", "--out", folder.path().to_str().unwrap()]).status.success());
    assert!(folder.path().join("lectern-encode.1").exists());
    assert!(String::from_utf8_lossy(&lectern(&["completions", "bash"]).stdout).contains("lectern"));
}

#[test]
fn without_a_token_only_loopback_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let output = lectern(&["serve", "--listen", "0.0.0.0:0", "--data", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&output.stderr).contains("LECTERN_ADMIN_TOKEN"));
}
