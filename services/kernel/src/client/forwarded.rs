//! The header `Forwarded` (RFC 7239), as far as it says for whom somebody asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, header};

/// Those that were asked for, one for each machine on the way and the nearest one last; `None` of one that is hidden. Nothing where a
/// part of the header has another form.
pub(super) fn nodes(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let mut nodes = Vec::new();
    for line in headers.get_all(header::FORWARDED) {
        let mut rest = line.to_str().ok()?;
        loop {
            let (node, behind) = element(rest)?;
            nodes.push(node);
            let Some(next) = behind.strip_prefix(',') else { break };
            rest = next;
        }
    }
    Some(nodes)
}

/// One machine's word, and what stands behind it: the end, or a comma.
fn element(text: &str) -> Option<(Option<IpAddr>, &str)> {
    let (mut rest, mut asked_for) = (text, None);
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let (name, behind) = rest.split_once('=')?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let (value, behind) = value(behind)?;
        if name.eq_ignore_ascii_case("for") && asked_for.replace(node(&value)).is_some() {
            return None;
        }
        rest = behind.trim_start_matches([' ', '\t']);
        match rest.strip_prefix(';') {
            Some(next) => rest = next,
            None if rest.is_empty() || rest.starts_with(',') => return Some((asked_for.flatten(), rest)),
            None => return None,
        }
    }
}

/// A word, or what stands between quotes (RFC 9110 §5.6.4), and what stands behind it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', ' ', '\t']).unwrap_or(text.len());
        let word = &text[..end];
        return (!word.is_empty() && !word.contains('"')).then(|| (word.to_owned(), &text[end..]));
    };
    let (mut value, mut characters) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

/// An address with or without a port; `None` of a word in its place (§6). The brackets of IPv6 may be missing, as they are in what
/// proxies have for variables.
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let port = |rest: &str| rest.is_empty() || rest.starts_with(':');
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let address: Ipv6Addr = address.parse().ok()?;
        return port(rest).then(|| IpAddr::V6(address).to_canonical());
    }
    let (address, _port) = text.split_once(':')?;
    address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> Option<Vec<String>> {
        let headers = HeaderMap::from_iter([(header::FORWARDED, HeaderValue::from_str(line).unwrap())]);
        let shown = |node: Option<IpAddr>| node.map_or("?".to_owned(), |address| address.to_string());
        nodes(&headers).map(|nodes| nodes.into_iter().map(shown).collect())
    }

    #[test]
    fn each_machine_on_the_way_says_for_whom_it_asks() {
        for (line, expected) in [
            ("for=192.0.2.43", &["192.0.2.43"][..]),
            ("For=\"[2001:db8:cafe::17]:4711\"", &["2001:db8:cafe::17"]),
            ("for=\"[::ffff:192.0.2.1]\"", &["192.0.2.1"]),
            ("for=\"2001:db8:cafe::17\"", &["2001:db8:cafe::17"]),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", &["192.0.2.60"]),
            ("for=192.0.2.43,  for=198.51.100.17 ;host=a", &["192.0.2.43", "198.51.100.17"]),
            ("for=\"192.0.2.43:80\", for=_gazonk, for=unknown, proto=http", &["192.0.2.43", "?", "?", "?"]),
            ("host=\"a, for=10.0.0.1\";for=192.0.2.1", &["192.0.2.1"]),
            ("for=\"1\\92.0.2.1\"", &["192.0.2.1"]),
        ] {
            assert_eq!(read(line), Some(expected.iter().map(|node| (*node).to_owned()).collect()), "{line}");
        }
    }

    #[test]
    fn what_has_another_form_is_not_read_at_all() {
        for line in [
            "",
            ",",
            "for",
            "for=",
            "=192.0.2.1",
            "for=\"192.0.2.1",
            "for=192.0.2.1;",
            "for=192.0.2.1,",
            "for=192.0.2.1 for=192.0.2.2",
            "for=192.0.2.1;for=192.0.2.2",
            "for=19\"2.0.2.1",
            "fo r=192.0.2.1",
            "192.0.2.1",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        assert_eq!(nodes(&HeaderMap::new()), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not_and_what_stands_behind_it_is_found(text in "[ -~]{0,80}", address: [u8; 4]) {
            let address = Ipv4Addr::from(address).to_string();
            if let Some(nodes) = read(&format!("{text}, for={address}")) {
                prop_assert_eq!(nodes.last(), Some(&address), "{}", text);
            }
        }
    }
}
