//! Parts of addresses.

use std::fmt::Write;

/// Text of any kind as a value within an address, or as RFC 8187 encodes a parameter of a header: all but letters, digits and `-._~`
/// is escaped (RFC 3986 §2.1, §2.3).
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(byte)),
            // Writing to a String cannot fail.
            byte => _ = write!(escaped, "%{byte:02X}"),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_an_address_is_escaped_byte_by_byte() {
        assert_eq!(escaped("Az09-._~"), "Az09-._~");
        assert_eq!(escaped("a b&c=/%\u{fc}"), "a%20b%26c%3D%2F%25%C3%BC");
    }
}
