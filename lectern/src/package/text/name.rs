//! What the name of a subtitle file says: `talk.de.vtt`, `talk.en.sdh.srt`, `talk.pt-BR.forced.ttml`.

use std::path::Path;

use media_types::language;
use media_types::segment::Roles;

/// Codes of three letters that are common in file names. Others could as well be words of a title.
const THREE_LETTERS: &str = "ara ces chi cmn cze dan deu dut ell eng fas fin fra fre ger gre heb hin hun ind ita jpn kor \
                             may msa nld nor per pol por ron rum rus slk slo spa swe tha tur ukr vie yue zho";

/// Language and roles that the parts before the extension name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) language: Option<String>,
    pub(super) roles: Roles,
}

/// Reads the parts of a file name from its end, as far as they are known.
pub(super) fn read(path: &Path) -> Named {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut parts: Vec<&str> = name.split('.').collect();
    parts.pop();
    let mut named = Named::default();
    while let Some(part) = parts.pop() {
        if !marker(part, &mut named.roles) {
            named.language = tag(part);
            break;
        }
    }
    named
}

fn marker(part: &str, roles: &mut Roles) -> bool {
    match part.to_ascii_lowercase().as_str() {
        "forced" => roles.forced = true,
        "sdh" | "cc" => roles.hearing_impaired = true,
        "default" => roles.default = true,
        "commentary" => roles.commentary = true,
        _ => return false,
    }
    true
}

fn tag(part: &str) -> Option<String> {
    let primary = part.split(['-', '_']).next()?.to_ascii_lowercase();
    let known = match primary.len() {
        2 => language::iso639(&primary) != *b"und",
        3 => THREE_LETTERS.split(' ').any(|code| code == primary),
        _ => false,
    };
    if known { language::canonical(part) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_language_and_roles() {
        let plain = Roles::default();
        let forced = Roles { forced: true, ..plain };
        let sdh = Roles { hearing_impaired: true, ..plain };
        for (name, language, roles) in [
            ("talk.de.vtt", Some("de"), plain),
            ("a/talk.de.forced.vtt", Some("de"), forced),
            ("talk.en.SDH.srt", Some("en"), sdh),
            ("talk.en.forced.cc.srt", Some("en"), Roles { forced: true, hearing_impaired: true, ..plain }),
            ("talk.pt_BR.ttml", Some("pt-BR"), plain),
            ("talk.zh-Hant.vtt", Some("zh-Hant"), plain),
            ("talk.ger.srt", Some("de"), plain),
            ("en.vtt", Some("en"), plain),
            ("the.end.vtt", None, plain),
            ("lecture.1.vtt", None, plain),
            ("my.talk.vtt", None, plain),
            ("vtt", None, plain),
            ("talk.xx.vtt", None, plain),
            ("talk.forced", None, plain),
        ] {
            let named = read(Path::new(name));
            assert_eq!((named.language.as_deref(), named.roles), (language, roles), "{name}");
        }
    }
}
