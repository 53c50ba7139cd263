//! What a confined engine cannot do: each attempt is made by a process of its own, which confines itself as the engine
//! does and then tries. The same attempt is made without walls too, so that a test which could not fail is noticed.
//!
//! A harness of its own, because what confines itself has but one thread: `escapes [FILTER]` runs the tests,
//! `escapes try ATTEMPT WALLS ROOM` is one attempt, and under another name the program is an engine that betrays its parent.

#![allow(clippy::unwrap_used)]

use std::env;
use std::path::Path;
use std::process::ExitCode;

mod attempts;
mod sessions;
mod trial;

use attempts::ATTEMPTS;
use trial::{End, Walls, run};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().collect();
    let name = Path::new(&words[0]).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(attempt) = name.strip_prefix(sessions::TRAITOR) {
        return sessions::betray(attempt);
    }
    if words.get(1).is_some_and(|word| word == "try") {
        return trial::try_it(&words[2], &words[3], Path::new(&words[4]));
    }
    let filter = words[1..].iter().find(|word| !word.starts_with('-'));
    let only_list = words.iter().any(|word| word == "--list");
    let mut failed = 0;
    for (name, test) in TESTS.iter().filter(|(name, _)| filter.is_none_or(|filter| name.contains(filter.as_str()))) {
        if only_list {
            println!("{name}: test");
            continue;
        }
        let passed = std::panic::catch_unwind(test).is_ok();
        failed += u32::from(!passed);
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

const TESTS: &[(&str, fn())] = &[
    ("without_walls_every_attempt_works", without_walls_every_attempt_works),
    ("no_attempt_works_behind_all_walls", no_attempt_works_behind_all_walls),
    ("without_landlock_nothing_more_works_and_the_engine_says_so", without_landlock_nothing_more_works),
    ("a_thread_that_was_there_before_can_do_no_more", a_thread_that_was_there_before_can_do_no_more),
    ("with_a_device_nothing_works_but_what_its_driver_needs", with_a_device_nothing_works_but_what_its_driver_needs),
    ("landlock_alone_keeps_all_files_shut", landlock_alone_keeps_all_files_shut),
    ("what_an_engine_does_still_works", what_an_engine_does_still_works),
    ("a_panic_is_still_heard_and_an_abort_is_one", a_panic_is_still_heard_and_an_abort_is_one),
    ("an_engine_that_tries_something_fails_its_session_by_name", sessions::a_wall_fails_the_session_by_name),
    ("an_engine_that_spins_for_ever_is_ended", sessions::spinning_is_ended),
];

fn without_walls_every_attempt_works() {
    for attempt in ATTEMPTS {
        let trial = run(attempt.name, Walls::None);
        let fine = trial.end == End::Escaped || attempt.depends && matches!(trial.end, End::Refused(_));
        assert!(fine, "{}: {trial:?}", attempt.name);
    }
}

fn no_attempt_works_behind_all_walls() {
    let has_landlock = run("talks", Walls::Landlock).said.contains("behind Landlock");
    let behind = if has_landlock { "behind Full" } else { "behind SystemCalls" };
    for attempt in ATTEMPTS {
        let trial = run(attempt.name, Walls::All);
        assert!(trial.said.contains(behind), "{}: {trial:?}", attempt.name);
        assert_eq!(trial.end, attempt.end, "{}: {trial:?}", attempt.name);
    }
}

fn without_landlock_nothing_more_works() {
    for attempt in ATTEMPTS {
        let trial = run(attempt.name, Walls::WithoutLandlock);
        assert_eq!(trial.end, attempt.end, "{}: {trial:?}", attempt.name);
        assert!(trial.said.contains("behind SystemCalls"), "{}: {trial:?}", attempt.name);
    }
}

fn a_thread_that_was_there_before_can_do_no_more() {
    for attempt in ATTEMPTS {
        let trial = run(attempt.name, Walls::AllButOlder);
        assert_eq!(trial.end, attempt.end, "{}: {trial:?}", attempt.name);
    }
}

/// Whether a file is there can be asked, and addresses can be had; nothing comes of either.
fn with_a_device_nothing_works_but_what_its_driver_needs() {
    const NEEDED: [&str; 2] = ["looks_whether_a_file_is_there", "takes_100_gigabytes"];
    for attempt in ATTEMPTS {
        let trial = run(attempt.name, Walls::Device);
        // Where the kernel has no Landlock no engine uses a device.
        if trial.said.contains("behind nothing") {
            continue;
        }
        let escaped = trial.end == End::Escaped;
        assert_eq!(escaped, NEEDED.contains(&attempt.name), "{}: {trial:?}", attempt.name);
    }
    for name in ["starts_threads", "waits", "makes_room", "talks"] {
        let trial = run(name, Walls::Device);
        assert!(trial.end == End::Escaped || trial.said.contains("behind nothing"), "{name}: {trial:?}");
    }
}

fn landlock_alone_keeps_all_files_shut() {
    for attempt in ATTEMPTS.iter().filter(|attempt| attempt.opens) {
        let trial = run(attempt.name, Walls::Landlock);
        // On a kernel without it there is nothing to see, and the engine says so.
        if !trial.said.contains("behind nothing") {
            assert_eq!(trial.end, End::Refused(libc::EACCES), "{}: {trial:?}", attempt.name);
        }
    }
}

fn what_an_engine_does_still_works() {
    for name in ["starts_threads", "waits", "makes_room", "talks"] {
        let trial = run(name, Walls::All);
        assert_eq!(trial.end, End::Escaped, "{name}: {trial:?}");
    }
}

fn a_panic_is_still_heard_and_an_abort_is_one() {
    let trial = run("panics", Walls::All);
    assert!(trial.said.contains("panicked at") && trial.said.contains("out of luck"), "{trial:?}");
    assert_eq!(trial.end, End::Refused(libc::EINTR), "the other threads go on: {trial:?}");
    assert_eq!(run("aborts", Walls::All).end, End::Killed(libc::SIGABRT));
}
