//! Languages as containers state them, in the form playlists need.

/// ISO 639-2 codes, both kinds, and the two-letter code that BCP 47 wants in their place (RFC 5646 §2.2.1).
const SHORT: [(&str, &str); 76] = [
    ("afr", "af"),
    ("alb", "sq"),
    ("amh", "am"),
    ("ara", "ar"),
    ("arm", "hy"),
    ("aze", "az"),
    ("baq", "eu"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bos", "bs"),
    ("bul", "bg"),
    ("bur", "my"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("chi", "zh"),
    ("cym", "cy"),
    ("cze", "cs"),
    ("dan", "da"),
    ("deu", "de"),
    ("dut", "nl"),
    ("ell", "el"),
    ("eng", "en"),
    ("est", "et"),
    ("eus", "eu"),
    ("fas", "fa"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("geo", "ka"),
    ("ger", "de"),
    ("gle", "ga"),
    ("glg", "gl"),
    ("gre", "el"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("ice", "is"),
    ("ind", "id"),
    ("isl", "is"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kat", "ka"),
    ("kaz", "kk"),
    ("kor", "ko"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mac", "mk"),
    ("may", "ms"),
    ("msa", "ms"),
    ("nld", "nl"),
    ("nob", "nb"),
    ("nor", "no"),
    ("per", "fa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("slk", "sk"),
    ("slo", "sk"),
    ("slv", "sl"),
    ("spa", "es"),
    ("sqi", "sq"),
    ("srp", "sr"),
    ("swa", "sw"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tha", "th"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("vie", "vi"),
    ("zho", "zh"),
];

/// A BCP 47 tag, `und` when there is none to be had.
pub(crate) fn tag(stated: Option<&str>) -> String {
    const UNKNOWN: &str = "und";
    let Some(stated) = stated.filter(|text| (2..=35).contains(&text.len())) else { return UNKNOWN.to_owned() };
    let stated = stated.replace('_', "-");
    let mut parts = stated.split('-');
    let primary = parts.next().unwrap_or_default().to_ascii_lowercase();
    let wrong = |part: &str| !(1..=8).contains(&part.len()) || !part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(2..=3).contains(&primary.len()) || !primary.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return UNKNOWN.to_owned();
    }
    let rest: Vec<&str> = parts.collect();
    if rest.iter().any(|part| wrong(part)) || ["und", "unk", "mul", "zxx", "mis"].contains(&primary.as_str()) {
        return UNKNOWN.to_owned();
    }
    let short = SHORT.iter().find(|(long, _)| *long == primary).map_or(primary.as_str(), |(_, short)| short);
    std::iter::once(short).chain(rest).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stated_languages_become_tags() {
        for (stated, expected) in [
            (None, "und"),
            (Some("eng"), "en"),
            (Some("GER"), "de"),
            (Some("deu"), "de"),
            (Some("pt_BR"), "pt-BR"),
            (Some("gsw"), "gsw"),
            (Some("und"), "und"),
            (Some(""), "und"),
            (Some("e\"\n"), "und"),
            (Some("English"), "und"),
            (Some("en-\""), "und"),
            (Some("en-"), "und"),
        ] {
            assert_eq!(tag(stated), expected, "{stated:?}");
        }
        assert!(SHORT.is_sorted());
    }
}
