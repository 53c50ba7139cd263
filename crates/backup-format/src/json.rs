//! One spelling of a JSON document, in which the two engines' ways to keep one come out the same: SQLite keeps the text as it
//! was written, PostgreSQL sorts members in an order of its own and writes numbers in full.
//!
//! Numbers are never taken for floating point here: what was written comes back to the last digit.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

/// The most digits that a number is written out to.
const MAX_DIGITS: usize = 400;
/// How deep values may lie in one another.
const MAX_DEPTH: usize = 127;

/// `text` as a JSON string.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The document without blanks, members sorted by their names (of two of one name the later one), and numbers written out:
/// `1.50` and `15e-1` are `1.5`. `None` of what is no JSON, or nested deeper than 127 times.
pub fn canonical(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut rest = text.trim_start();
    let document = value(&mut rest, 0)?;
    rest.trim_start().is_empty().then_some(document)
}

/// The texts of an array's elements; `None` of anything else.
pub fn elements(text: &str) -> Option<Vec<&str>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut rest = text.trim_start().strip_prefix('[')?.trim_start();
    let mut found = Vec::new();
    if rest.starts_with(']') {
        return Some(found);
    }
    loop {
        let before = rest;
        skip(&mut rest)?;
        found.push(before[..before.len() - rest.len()].trim_end());
        rest = rest.trim_start();
        match take(&mut rest)? {
            ',' => rest = rest.trim_start(),
            _ => return Some(found),
        }
    }
}

// All below reads what is known to be JSON.

fn take(rest: &mut &str) -> Option<char> {
    let mut letters = rest.chars();
    let first = letters.next()?;
    *rest = letters.as_str();
    Some(first)
}

/// Passes over one value, as [`value`] does.
fn skip(rest: &mut &str) -> Option<()> {
    let mut depth = 0_usize;
    loop {
        *rest = rest.trim_start();
        match rest.chars().next()? {
            '[' | '{' => {
                depth += 1;
                take(rest)?;
            }
            ']' | '}' => {
                depth = depth.checked_sub(1)?;
                take(rest)?;
            }
            ',' | ':' => {
                take(rest)?;
                continue;
            }
            '"' => {
                string(rest)?;
            }
            _ => {
                word(rest);
            }
        }
        if depth == 0 {
            return Some(());
        }
    }
}

fn value(rest: &mut &str, depth: usize) -> Option<String> {
    *rest = rest.trim_start();
    match rest.chars().next()? {
        '{' | '[' if depth == MAX_DEPTH => None,
        '{' => object(rest, depth + 1),
        '[' => array(rest, depth + 1),
        '"' => serde_json::from_str::<String>(string(rest)?).ok().map(|text| quoted(&text)),
        _ => Some(match word(rest) {
            word @ ("true" | "false" | "null") => word.to_owned(),
            digits => number(digits),
        }),
    }
}

fn object(rest: &mut &str, depth: usize) -> Option<String> {
    take(rest)?;
    let mut members = BTreeMap::new();
    loop {
        *rest = rest.trim_start();
        if rest.starts_with('}') {
            take(rest)?;
            break;
        }
        let name = serde_json::from_str::<String>(string(rest)?).ok()?;
        *rest = rest.trim_start().strip_prefix(':')?;
        members.insert(name, value(rest, depth)?);
        *rest = rest.trim_start();
        if rest.starts_with(',') {
            take(rest)?;
        }
    }
    let members: Vec<String> = members.into_iter().map(|(name, value)| format!("{}:{value}", quoted(&name))).collect();
    Some(format!("{{{}}}", members.join(",")))
}

fn array(rest: &mut &str, depth: usize) -> Option<String> {
    take(rest)?;
    let mut elements = Vec::new();
    loop {
        *rest = rest.trim_start();
        if rest.starts_with(']') {
            take(rest)?;
            break;
        }
        elements.push(value(rest, depth)?);
        *rest = rest.trim_start();
        if rest.starts_with(',') {
            take(rest)?;
        }
    }
    Some(format!("[{}]", elements.join(",")))
}

/// The text of a string, with its quotes.
fn string<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let whole = *rest;
    let mut is_escaped = false;
    for (at, letter) in whole.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => {
                *rest = &whole[at + 1..];
                return Some(&whole[..=at]);
            }
            _ => {}
        }
    }
    None
}

/// A number, or one of JSON's three words.
fn word<'a>(rest: &mut &'a str) -> &'a str {
    let whole = *rest;
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '-' | '.');
    // At least one letter, so that whoever calls this gets on.
    let end = whole.find(|letter| !is_part(letter)).unwrap_or(whole.len()).max(usize::from(!whole.is_empty()));
    let (word, left) = whole.split_at_checked(end).unwrap_or((whole, ""));
    *rest = left;
    word
}

/// A number written out, as PostgreSQL's `numeric` does it, but without zeros at its end.
fn number(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.trim_start_matches('+').parse::<i64>() else { return text.to_owned() };
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(exponent);
    if exponent.unsigned_abs() > MAX_DIGITS as u64 || mantissa.len() > MAX_DIGITS {
        return text.to_owned();
    }
    let mut all = format!("{whole}{fraction}");
    let places = match usize::try_from(places) {
        Ok(places) => places,
        Err(_) => {
            all.push_str(&"0".repeat(usize::try_from(-places).unwrap_or(0)));
            0
        }
    };
    if all.len() <= places {
        all = format!("{}{all}", "0".repeat(places + 1 - all.len()));
    }
    let (whole, fraction) = all.split_at(all.len() - places);
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = match fraction.trim_end_matches('0') {
        "" if places > 0 => "0",
        fraction => fraction,
    };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if is_zero { "" } else { sign };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn what_the_engines_spell_differently_is_the_same() {
        for (one, other) in [
            ("{\"b\":1,\"aa\":[1.5,null]}", " { \"aa\" : [ 1.50 , null ] , \"b\" : 1 } "),
            ("[1e-7,1e21,1.5e3,15e-1,0.0,-0]", "[0.0000001, 1000000000000000000000, 1500, 1.5, 0.0, 0]"),
            ("{\"a\":1,\"a\":2}", "{\"a\":2}"),
            ("[\"\\u00fc\\/\"]", "[\"ü/\"]"),
        ] {
            assert_eq!(canonical(one).unwrap(), canonical(other).unwrap());
        }
        assert_eq!(canonical("{\"b\":[true, {}],\"a\":[]}").unwrap(), "{\"a\":[],\"b\":[true,{}]}");
        for bad in ["", "{", "[1,]", "01", "{\"a\"}", "[1]]", "nul"] {
            assert_eq!(canonical(bad), None, "{bad}");
        }
        for (depth, is_read) in [(127, true), (128, false), (100_000, false)] {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(canonical(&text).is_some(), is_read, "{depth}");
        }
    }

    #[test]
    fn elements_are_cut_where_they_end() {
        assert_eq!(elements(" [ ] ").unwrap(), [""; 0]);
        assert_eq!(elements("[1, \"a,]\" ,[2,{\"b\":3}],{}]").unwrap(), ["1", "\"a,]\"", "[2,{\"b\":3}]", "{}"]);
        assert_eq!(elements("{}"), None);
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_canonical_form_says_the_same_and_is_its_own(document in documents()) {
            for text in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
                let form = canonical(&text).unwrap();
                prop_assert_eq!(serde_json::from_str::<Value>(&form).unwrap(), document.clone());
                prop_assert_eq!(canonical(&form).unwrap(), form);
            }
        }

        #[test]
        fn numbers_keep_their_value(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
            for text in [format!("{number:?}"), format!("{number:e}")] {
                let form = canonical(&text).unwrap();
                prop_assert_eq!(form.parse::<f64>().unwrap(), number);
                prop_assert_eq!(canonical(&form).unwrap(), form);
            }
        }
    }
}
