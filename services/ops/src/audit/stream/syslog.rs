//! Entries as messages of syslog (RFC 5424) over TCP, each behind its length (RFC 6587 §3.4.1). Pure.

use crate::audit::entry::AuditEntry;

/// What addresses of syslog begin with.
pub(super) const SCHEME: &str = "tcp://";
/// Facility 13, which is that of audits, and severity 6, informational (RFC 5424 §6.2.1).
const PRIORITY: u8 = 13 * 8 + 6;
/// The most characters of a MSGID (§6).
const MAX_MSGID: usize = 32;

/// Host and port of an address; `None` of what is none.
pub(super) fn target(url: &str) -> Option<(&str, u16)> {
    let (host, port) = url.strip_prefix(SCHEME)?.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':' | '_');
    let is_fine = (1..=255).contains(&bare.len()) && bare.chars().all(is_name) && (bare == host) != bare.contains(':');
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    is_fine.then_some((bare, port))
}

/// The message of an entry, whose text is `event`, behind its length.
pub(super) fn framed(entry: &AuditEntry, event: &str) -> String {
    let id: String = entry.action.chars().filter(char::is_ascii_graphic).take(MAX_MSGID).collect();
    let id = if id.is_empty() { "-" } else { id.as_str() };
    let message = format!("<{PRIORITY}>1 {} - lectern - {id} - {event}", entry.time);
    format!("{} {message}", message.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (url, expected) in [
            ("tcp://siem.example:514", Some(("siem.example", 514))),
            ("tcp://192.0.2.7:601", Some(("192.0.2.7", 601))),
            ("tcp://[2001:db8::1]:601", Some(("2001:db8::1", 601))),
            ("tcp://2001:db8::1:601", None),
            ("tcp://siem.example", None),
            ("tcp://:514", None),
            ("tcp://siem.example:0", None),
            ("tcp://siem.example:99999", None),
            ("tcp://user@siem.example:514", None),
            ("tcp://siem.example/path:514", None),
            ("udp://siem.example:514", None),
        ] {
            assert_eq!(target(url), expected, "{url}");
        }
    }
}
