//! Languages of tracks (RFC 9559 §12, RFC 5646 §2.2.1).

use media_types::language;

use super::entry::Entry;

/// The BCP 47 language of a track: `LanguageBCP47`, else `Language`, which is English when absent (§5.1.4.1.19).
pub(super) fn of(entry: &Entry) -> String {
    stated(entry.language_bcp47.as_deref(), entry.language.as_deref())
}

/// The same of a pair of elements, whichever of them is there.
pub(super) fn stated(bcp47: Option<&str>, iso639: Option<&str>) -> String {
    let stated = bcp47.or(iso639).unwrap_or("eng");
    language::canonical(stated).unwrap_or_else(|| language::UNKNOWN.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_become_bcp_47() {
        for (bcp47, language, want) in [
            (None, None, "en"),
            (None, Some("ger"), "de"),
            (None, Some("deu"), "de"),
            (None, Some("und"), "und"),
            (None, Some("haw"), "haw"),
            (None, Some("fre-ca"), "fr-ca"),
            (Some("pt-BR"), Some("por"), "pt-BR"),
            (Some("zh-Hant-TW"), None, "zh-Hant-TW"),
            (Some("not a language"), Some("eng"), "und"),
            (None, Some("\u{1}\u{2}"), "und"),
        ] {
            let entry = Entry {
                language: language.map(str::to_owned),
                language_bcp47: bcp47.map(str::to_owned),
                ..Entry::default()
            };
            assert_eq!(of(&entry), want, "{bcp47:?} {language:?}");
        }
    }
}
