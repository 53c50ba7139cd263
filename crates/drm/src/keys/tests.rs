#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const A: &str = "00112233-4455-6677-8899-aabbccddeeff";
const B: &str = "ffeeddccbbaa99887766554433221100";
const K: &str = "0123456789ABCDEFfedcba9876543210";

#[test]
fn each_class_gets_its_own_key_and_the_rest_the_common_one() {
    let text = format!("# keys of the lecture\n\n {A} : {K}:HD # main\n{B}:{}\n", "11".repeat(16));
    let keys = KeySet::parse(&text).unwrap();
    let hd = keys.key_for(TrackClass::Hd).unwrap();
    assert_eq!((hd.id.to_string(), hd.class), ("00112233445566778899aabbccddeeff".into(), Some(TrackClass::Hd)));
    assert!(hd.key == ContentKey::from_hex(K).ok().unwrap());
    assert_eq!(keys.key_for(TrackClass::Audio).unwrap().id.to_string(), B);
    assert_eq!(keys.key_ids().len(), 2);
    let only_hd = KeySet::parse(&format!("{A}:{K}:hd")).unwrap();
    let error = only_hd.key_for(TrackClass::Audio).unwrap_err().to_string();
    assert!(error.contains("KID:KEY:audio"), "{error}");
}

#[test]
fn mistakes_are_found_where_they_are_and_keys_are_not_repeated() {
    let many = "\n".repeat(1000) + "x";
    for (text, place, part) in [
        (A.to_string(), (1, 37), "KID:KEY"),
        (format!("\n{A}:{K}:4k"), (2, 71), "write audio, sd, hd or uhd"),
        (format!("{A}:{K}:hd:more"), (1, 74), "KID:KEY"),
        (format!("{A}:{}", &K[1..]), (1, 38), "found 31 characters"),
        (format!("{A}:{}g", &K[1..]), (1, 69), "character 32"),
        (format!("0g{A}:{K}"), (1, 2), "the KID"),
        (format!("{A}:{K}\n{B}:{K}:sd\n  {}:{K}:hd", A.replace('-', "")), (3, 3), "already given in line 1"),
        (format!("{A}:{K}:sd\n{B}:{K}:sd"), (2, 1), "line 1 already has a key of this class"),
        (format!("{A}:{K}\n{B}:{K}"), (2, 1), "give each of them a class"),
        ("# nothing\n".into(), (1, 1), "no key"),
        (many, (1001, 1), "at most 1000 lines"),
    ] {
        let error = KeySet::parse(&text).unwrap_err();
        assert_eq!((error.line, error.column), place, "{text}: {error}");
        let message = error.to_string();
        assert!(message.contains(part), "{message}");
        assert!(!message.to_lowercase().contains("456789"), "{message}");
    }
    assert!(!format!("{:?}", KeySet::parse(&format!("{A}:{K}")).unwrap()).to_lowercase().contains("456789"));
}

#[test]
fn the_short_side_makes_the_class() {
    for (size, class) in [
        ((720, 576), TrackClass::Sd),
        ((1024, 576), TrackClass::Sd),
        ((1280, 720), TrackClass::Hd),
        ((1080, 1920), TrackClass::Hd),
        ((2560, 1440), TrackClass::Uhd),
    ] {
        assert_eq!(TrackClass::of_video(size.0, size.1), class, "{size:?}");
    }
}

#[test]
fn a_key_of_the_class_comes_before_one_of_the_period_and_both_before_one_for_all() {
    let line = |number: u8, rest: &str| format!("{}:{K}{rest}\n", format!("{number:02x}").repeat(16));
    let text = line(0, "::0") + &line(1, "::1") + &line(2, ":sd:1") + &line(3, ":audio");
    let keys = KeySet::parse(&text).unwrap();
    let of = |class, period| keys.key_in(class, period).map(|entry| entry.id.0[0]);
    assert!(keys.has_periods() && !KeySet::parse(&line(3, ":audio")).unwrap().has_periods());
    assert_eq!([of(TrackClass::Sd, 0), of(TrackClass::Sd, 1), of(TrackClass::Hd, 1)], [Ok(0), Ok(2), Ok(1)]);
    assert_eq!([of(TrackClass::Audio, 0), of(TrackClass::Audio, 7)], [Ok(3), Ok(3)], "one key for all periods");
    let missing = of(TrackClass::Sd, 2).unwrap_err();
    assert_eq!(missing, MissingPeriodKey { class: TrackClass::Sd, period: 2 });
    assert!(missing.to_string().contains("KID:KEY:sd:2"), "{missing}");
    for (text, problem) in [
        (line(0, "::0") + &line(1, "::0"), KeyFileProblem::SamePeriod { first: 1 }),
        (line(0, "::first"), KeyFileProblem::Period),
        (line(0, "::+1"), KeyFileProblem::Period),
        (line(0, "::"), KeyFileProblem::Period),
        (line(0, ":"), KeyFileProblem::Class),
        (line(0, "::1:2"), KeyFileProblem::Form),
    ] {
        assert_eq!(KeySet::parse(&text).unwrap_err().problem, problem, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[0-9a-f:# \n\u{e9}-]{0,200}|.*") {
        let _ = KeySet::parse(&text);
    }

    #[test]
    fn changed_files_do_not_make_the_parser_panic(at in 0usize..70, to in any::<char>()) {
        let text: String = format!("{A}:{K}").chars().enumerate().map(|(i, c)| if i == at { to } else { c }).collect();
        let _ = KeySet::parse(&text);
    }
}
