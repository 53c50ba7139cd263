//! What directories send about people.

use scim::patch::{apply, operations};
use scim::{Filter, MAX_FILTER_BYTES, Path, USER, Wanted, accept};
use serde_json::{Map, Value};

/// Longer texts are not written: each of their attributes is asked for one by one.
const MOST_WRITTEN: usize = 1 << 16;

/// A filter, a path, attributes that are wanted, and after the first line break a person or changes of one: what is read is written
/// and read again as the same, and a person that was changed is in its normal form.
pub fn scim(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (line, body) = text.split_once('\n').unwrap_or((text.as_ref(), ""));
    if let Ok(filter) = Filter::parse(line) {
        let written = filter.to_string();
        if written.len() <= MAX_FILTER_BYTES {
            assert_eq!(Filter::parse(&written).as_ref(), Ok(&filter), "what was written is read as the same");
        }
        let _ = filter.check(USER);
        assert!(filter.matches(USER, &person()) || Filter::Not(Box::new(filter)).matches(USER, &person()));
    }
    if let Ok(path) = Path::parse(line) {
        let written = path.to_string();
        if written.len() <= MAX_FILTER_BYTES {
            assert_eq!(Path::parse(&written), Ok(path), "what was written is read as the same");
        }
    }
    if let Ok(wanted) = Wanted::new(Some(line.split(',')), None::<[&str; 0]>) {
        assert!(wanted.of(USER, person()).len() <= person().len());
    }
    let Ok(Value::Object(body)) = serde_json::from_str(body) else { return };
    if let Ok(accepted) = accept(USER, &body) {
        in_normal_form(&accepted);
    }
    let mut changed = person();
    if operations(&body).is_ok_and(|all| apply(USER, &mut changed, &all).is_ok()) {
        in_normal_form(&changed);
    }
}

fn person() -> Map<String, Value> {
    let text = r#"{ "userName": "anna", "name": { "givenName": "Anna" }, "active": true,
        "emails": [{ "value": "a@b.c", "type": "work", "primary": true }, { "value": "d@e.f", "type": "home" }] }"#;
    serde_json::from_str(text).expect("it is an object")
}

fn in_normal_form(resource: &Map<String, Value>) {
    let mut body = resource.clone();
    body.insert("schemas".to_owned(), USER.schemas(resource));
    assert_eq!(accept(USER, &body).as_ref(), Ok(resource), "its own normal form");
    if Value::from(body.clone()).to_string().len() <= MOST_WRITTEN {
        for name in body.keys() {
            let wanted = Wanted::new(Some([name.as_str()]), None::<[&str; 0]>).expect("it is a name");
            assert!(wanted.of(USER, body.clone()).contains_key(name), "what is wanted is there");
        }
    }
}
