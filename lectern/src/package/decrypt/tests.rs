#![allow(clippy::unwrap_used)]

use super::*;

const ID: &str = "00112233445566778899aabbccddeeff";
const OTHER: &str = "10112233445566778899aabbccddeeff";
const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER_KEY: &str = "1123456789abcdef0123456789abcdef";

fn ids(text: &str) -> Result<Vec<String>, String> {
    parse(text).map(|keys| keys.keys().map(KeyId::to_string).collect()).map_err(|error| error.to_string())
}

#[test]
fn keys_are_found_by_name_whatever_else_their_lines_say() {
    let both = vec![ID.to_owned(), OTHER.to_owned()];
    for text in [
        format!("{ID}:{KEY}\n{OTHER}:{OTHER_KEY}\n"),
        format!("# of the film\n{OTHER}:{OTHER_KEY}:audio\n\n{ID}:{KEY}:audio # again\n"),
        format!("{ID}:{KEY}::0\n{OTHER}:{OTHER_KEY}::1\n{ID}:{KEY}::2"),
    ] {
        assert_eq!(ids(&text), Ok(both.clone()), "{text}");
    }
}

#[test]
fn mistakes_are_told_by_line_and_never_by_key() {
    for (text, says) in [
        (String::new(), "line 1, column 1: the file holds no key"),
        (format!("{ID}:{KEY}\n\n{OTHER}:{}\n", &KEY[1..]), "line 3, column 34: a key of 32 hexadecimal digits"),
        (format!("{ID}:{KEY}\n{ID}:{OTHER_KEY}\n"), "line 2, column 1: this KID is already given in line 1"),
    ] {
        let error = ids(&text).unwrap_err();
        assert!(error.starts_with(says) && !error.contains(&KEY[2..9]), "{error}");
    }
}

#[test]
fn keys_are_not_shown() {
    let keys = InputKeys(Arc::new(Ring { path: None, keys: parse(&format!("{ID}:{KEY}")).unwrap() }));
    assert_eq!(format!("{keys:?}"), format!("{{{ID}}}"));
}
