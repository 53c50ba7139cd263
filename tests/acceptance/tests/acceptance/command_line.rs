//! The command as people type it: exit codes, sentences, JSON.

use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::judge;
use crate::server::{Server, TOKEN, fresh, wait_for};

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
    let cases: [(&[&str], i32); 8] = [
        (&["encode", "/no/such/file.mp4", "--out", out], 65),
        (&["encode", text.to_str().unwrap(), "--out", out], 65),
        (&["encode", text.to_str().unwrap(), "--out", out, "--ladder", "no-such-ladder"], 78),
        (&["ladder", "check", ladder.to_str().unwrap()], 78),
        (&["ladder", "check", "/dev/zero"], 78),
        (&["ladder", "explain", "film", "--size", "wide"], 2),
        (&["ladder", "explain", "film", "--rate", "25/0"], 2),
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
fn whoever_stops_reading_changes_neither_the_work_nor_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let sample = judge::media("video-only.mp4");
    let sample = sample.to_str().unwrap();
    let cases: [(&[&str], i32); 17] = [
        (&["--help"], 0),
        (&["units"], 0),
        (&["--json", "units"], 0),
        (&["config", "explain"], 0),
        (&["config", "explain", "worker", "--json"], 0),
        (&["--json", "doctor", "--data", data], 0),
        (&["doctor", "--data", data], 0),
        (&["migrate", "--data", data], 0),
        (&["ladder", "check"], 0),
        (&["--json", "ladder", "check"], 0),
        (&["ladder", "explain", "film"], 0),
        (&["ladder", "plot", "film"], 0),
        (&["ladder", "schema"], 0),
        (&["completions", "zsh"], 0),
        (&["probe", sample], 0),
        (&["--json", "probe", "/no/such/file.mp4"], 65),
        (&["ladder", "check", "/no/such/file.toml"], 78),
    ];
    for (arguments, code) in cases {
        let closed = || {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            writer
        };
        let output = Command::new(judge::lectern()).args(arguments).stdout(closed()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        let output = Command::new(judge::lectern()).args(arguments).stdout(closed()).stderr(closed()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}, nobody reads standard error either");
    }
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(judge::lectern()).args(["ladder", "schema"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "what could not be written is not lost in silence");
    assert!(String::from_utf8_lossy(&output.stderr).contains("help"));
}

#[test]
fn a_taken_port_leaves_the_data_folder_alone() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let arguments = ["serve", "--listen", listen.as_str(), "--data", folder.path().to_str().unwrap()];
    let output = Command::new(judge::lectern()).args(arguments).env("LECTERN_ADMIN_TOKEN", TOKEN).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert_eq!(folder.path().read_dir().unwrap().count(), 0, "no database was migrated");
}

#[test]
fn a_server_whose_workers_cannot_work_ends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    assert!(lectern(&["migrate", "--data", data]).status.success());
    let drop_jobs = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('DROP TABLE job')";
    judge::run(Command::new("python3").args(["-c", drop_jobs]).arg(folder.path().join("lectern.db")));
    let mut command = Command::new(judge::lectern());
    command.args(["serve", "--listen", "127.0.0.1:0", "--data", data]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = command.env("LECTERN_ADMIN_TOKEN", TOKEN).spawn().unwrap();
    let ended = wait_for("the server to end", 30, || server.try_wait().unwrap());
    assert_eq!(ended.code(), Some(1));
}

#[test]
fn an_origin_makes_no_store_where_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("medai");
    let output = lectern(&["origin", "--listen", "127.0.0.1:0", "--store", store.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(69));
    assert!(!store.exists());
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

/// `lectern` where nothing is configured but this.
fn configured(set: &[(&str, &str)]) -> Command {
    let mut command = Command::new(judge::lectern());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LECTERN_") && name != "LECTERN_BIN") {
        command.env_remove(name);
    }
    command.envs(set.iter().copied());
    command
}

#[test]
fn variables_by_other_names_are_taken_and_what_holds_is_explained_without_secrets() {
    let (_folder, data) = fresh();
    let database = data.with_extension("db");
    let set = [
        ("PORT", "0"),
        ("DATABASE_URL", database.to_str().unwrap()),
        ("JWT_SECRET_KEY", "hush"),
        ("LOG_LEVEL", "warn"),
    ];
    let mut serve = configured(&set);
    serve.args(["serve", "--roles", "api", "--data"]).arg(&data);
    let server = Server::listening(serve, &data);
    assert!(server.base.starts_with("http://127.0.0.1:") && !server.base.ends_with(":3000"), "{}", server.base);
    assert!(database.exists() && !data.join("lectern.db").exists());
    drop(server);

    let set = [set[0], set[1], set[2], set[3], ("LECTERN_LISTEN", "127.0.0.1:81"), ("LECTERN_ADMIN_TOKEN", TOKEN)];
    let explain = |arguments: &[&str]| {
        let output = configured(&set).args(["--json", "config", "explain"]).args(arguments).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !text.contains("hush") && !text.contains(TOKEN), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>()
    };
    let all = explain(&["serve", "--devices", "none"]);
    let of = |name: &str| all.iter().find(|one| one["setting"] == name).unwrap();
    for (name, value, source, by) in [
        ("--listen", json!("127.0.0.1:81"), "variable", json!("LECTERN_LISTEN")),
        ("--database", json!(database), "alias", json!("DATABASE_URL")),
        ("--devices", json!("none"), "flag", json!(null)),
        ("--data", json!("lectern-data"), "default", json!(null)),
        ("LECTERN_ADMIN_TOKEN", json!("set"), "variable", json!("LECTERN_ADMIN_TOKEN")),
        ("LECTERN_LOG", json!("warn"), "alias", json!("LOG_LEVEL")),
        ("JWT_SECRET_KEY", json!("set"), "unused", json!(null)),
        ("REDIS_URL", json!(null), "unused", json!(null)),
    ] {
        let one = of(name);
        assert_eq!((&one["value"], &one["source"], &one["name"]), (&value, &json!(source), &by), "{one}");
    }
    assert_eq!(of("--listen")["overruled"], json!(["PORT"]));
    let origin = explain(&["origin"]);
    assert!(origin.iter().any(|one| one["setting"] == "--store" && one["value"].is_null()), "{origin:?}");

    let two = [("DATABASE_URL", "postgres://u:hush@127.0.0.1:1/a"), ("DATABASE_URI", "b.db")];
    let refused = configured(&two).args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output().unwrap();
    let sentence = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(78), "{sentence}");
    assert!(
        sentence.contains("set LECTERN_DATABASE, or unset one of the two") && !sentence.contains("hush"),
        "{sentence}"
    );
}
