//! URI references, resolved by RFC 3986 §5.2; plain file paths work as well.

use crate::base64;

/// The parts of a reference (RFC 3986 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

fn split(reference: &str) -> Parts<'_> {
    let without_fragment = reference.split_once('#').map_or(reference, |(before, _)| before);
    let (rest, query) = match without_fragment.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (without_fragment, None),
    };
    let (scheme, rest) = match rest.split_once(':') {
        // One letter is a drive of a Windows path.
        Some((scheme, after)) if scheme.len() > 1 && is_scheme(scheme) => (Some(scheme), after),
        _ => (None, rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            (Some(&after[..end]), &after[end..])
        }
        None => (None, rest),
    };
    Parts { scheme, authority, path, query }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The target of `reference` as it stands in the object at `base` (RFC 3986 §5.2.2).
pub(crate) fn resolve(base: &str, reference: &str) -> String {
    if reference.starts_with("data:") {
        return reference.to_owned();
    }
    let (from, to) = (split(base), split(reference));
    let target = if to.scheme.is_some() {
        (to.scheme, to.authority, remove_dots(to.path), to.query)
    } else if to.authority.is_some() {
        (from.scheme, to.authority, remove_dots(to.path), to.query)
    } else if to.path.is_empty() {
        (from.scheme, from.authority, from.path.to_owned(), to.query.or(from.query))
    } else if to.path.starts_with('/') {
        (from.scheme, from.authority, remove_dots(to.path), to.query)
    } else {
        let folder = match from.path.rfind('/') {
            Some(at) => &from.path[..=at],
            None if from.authority.is_some() => "/",
            None => "",
        };
        (from.scheme, from.authority, remove_dots(&format!("{folder}{}", to.path)), to.query)
    };
    let mut out = String::new();
    if let Some(scheme) = target.0 {
        out.push_str(scheme);
        out.push(':');
    }
    if let Some(authority) = target.1 {
        out.push_str("//");
        out.push_str(authority);
    }
    out.push_str(&target.2);
    if let Some(query) = target.3 {
        out.push('?');
        out.push_str(query);
    }
    out
}

/// RFC 3986 §5.2.4; leading `..` of a relative file path stay, since nothing is known above it.
fn remove_dots(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut out: Vec<&str> = Vec::new();
    let mut folder = false;
    for part in path.split('/').skip(usize::from(absolute)) {
        folder = matches!(part, "." | "..");
        match part {
            "." => {}
            ".." if out.last().is_some_and(|last| *last != "..") => {
                out.pop();
            }
            ".." if absolute => {}
            _ => out.push(part),
        }
    }
    let mut text = out.join("/");
    if folder && !text.is_empty() && !text.ends_with("..") {
        text.push('/');
    }
    if absolute { format!("/{text}") } else { text }
}

/// The bytes of a `data:` URI (RFC 2397); `None` for other URIs and broken ones.
pub(crate) fn data(uri: &str) -> Option<Vec<u8>> {
    let (kind, payload) = uri.strip_prefix("data:")?.split_once(',')?;
    if kind.ends_with(";base64") { base64::decode(&percent_decoded(payload)?) } else { percent_bytes(payload) }
}

fn percent_decoded(text: &str) -> Option<String> {
    String::from_utf8(percent_bytes(text)?).ok()
}

fn percent_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    Some(out)
}

/// The first character that a URI reference cannot hold (RFC 3986 §2). Letters beyond ASCII pass: IRIs are common and
/// clients encode them.
pub(crate) fn bad_character(reference: &str) -> Option<char> {
    reference.chars().find(|c| c.is_ascii_control() || matches!(c, ' ' | '"' | '<' | '>' | '\\' | '^' | '`'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_in_the_examples_of_the_rfc() {
        let base = "http://a/b/c/d;p?q";
        for (reference, target) in [
            ("gg:h", "gg:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("g#s", "http://a/b/c/g"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("../..", "http://a/"),
        ] {
            assert_eq!(resolve(base, reference), target, "{reference}");
        }
    }

    #[test]
    fn files_resolve_beside_one_another() {
        for (base, reference, target) in [
            ("master.m3u8", "v/a.m3u8", "v/a.m3u8"),
            ("out/master.m3u8", "v/a.m3u8", "out/v/a.m3u8"),
            ("/x/out/v/a.m3u8", "../b.mp4", "/x/out/b.mp4"),
            ("../out/a.m3u8", "../b.mp4", "../b.mp4"),
            ("https://host", "a.mp4", "https://host/a.mp4"),
        ] {
            assert_eq!(resolve(base, reference), target);
        }
    }

    #[test]
    fn data_uris_are_read() {
        assert_eq!(data("data:text/plain;base64,Zm9v"), Some(b"foo".to_vec()));
        assert_eq!(data("data:,a%20b"), Some(b"a b".to_vec()));
        assert_eq!(data("data:;base64,@"), None);
        assert_eq!(data("http://a"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_reference_panics(base in "\\PC{0,30}", reference in "[a-z./:?#%]{0,30}") {
            resolve(&base, &reference);
            data(&reference);
            bad_character(&base);
        }
    }
}
