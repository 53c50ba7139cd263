//! Languages and names of tracks: BCP 47 in manifests, ISO 639-2 in containers.

/// ISO 639-1 codes, each followed by its ISO 639-2/T code.
const TWO_TO_THREE: &str = "\
aaaar ababk aeave afafr akaka amamh anarg arara asasm avava ayaym azaze babak bebel bgbul bhbih bibis bmbam bnben \
bobod brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell \
eneng eoepo esspa etest eueus fafas ffful fifin fjfij fofao frfra fyfry gagle gdgla glglg gngrn guguj gvglv hahau \
heheb hihin hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl itita iuiku jajpn \
jvjav kakat kgkon kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukur kvkom kwcor kykir lalat lbltz lglug \
lilim lnlin lolao ltlit lulub lvlav mgmlg mhmah mimri mkmkd mlmal mnmon mrmar msmsa mtmlt mymya nanau nbnob ndnde \
nenep ngndo nlnld nnnno nonor nrnbl nvnav nynya ococi ojoji omorm orori ososs papan pipli plpol pspus ptpor quque \
rmroh rnrun roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk slslv smsmo snsna sosom sqsqi srsrp ssssw \
stsot susun svswe swswa tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig \
ukukr ururd uzuzb veven vivie vovol wawln wowol xhxho yiyid yoyor zazha zhzho zuzul";

/// ISO 639-2/B codes, each followed by its ISO 639-2/T code.
const BIBLIOGRAPHIC: &str = "\
albsqi armhye baqeus burmya chizho czeces dutnld frefra geokat gerdeu greell iceisl macmkd maomri maymsa perfas rumron \
sloslk tibbod welcym";

/// No language is known, in BCP 47 as in ISO 639-2.
pub const UNKNOWN: &str = "und";

/// A tag from what a file states: its language in the shortest form there is (RFC 5646 §2.2.1), its further parts as they
/// are, underscores taken for hyphens. `None` for what is no tag, and for codes that name no one language (`mul`, `zxx`).
pub fn canonical(stated: &str) -> Option<String> {
    let tag = stated.replace('_', "-");
    let primary = tag.split('-').next()?.to_ascii_lowercase();
    let letters = (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_lowercase());
    if !letters || !is_plain(&tag) || ["und", "unk", "mul", "zxx", "mis"].contains(&primary.as_str()) {
        return None;
    }
    let three = Some(primary.as_str()).filter(|primary| primary.len() == 3);
    let terminological = three.and_then(|long| BIBLIOGRAPHIC.split(' ').find_map(|pair| pair.strip_prefix(long)));
    let rest = &tag[primary.len()..];
    Some(shortest(&format!("{}{rest}", terminological.unwrap_or(&primary))))
}

/// What a file calls a track, for people, of at most 200 bytes; `None` for the names that programs give every track.
pub fn label(stated: &str) -> Option<String> {
    let (text, lower) = (stated.trim(), stated.to_ascii_lowercase());
    let machine = ["handle", "core media", "gpac", "iso media", "mainconcept", "bento4", "l-smash", "gopro"];
    let plain = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
    (plain && !machine.iter().any(|word| lower.contains(word))).then(|| text.to_owned())
}

/// The language of a packed code (ISO/IEC 14496-12 §8.4.2.3) in its shortest form; `None` when it is none.
pub fn unpacked(packed: u16) -> Option<String> {
    let letters = [packed >> 10 & 31, packed >> 5 & 31, packed & 31];
    if letters.iter().any(|letter| !(1..=26).contains(letter)) {
        return None;
    }
    canonical(&letters.iter().map(|&letter| char::from(letter as u8 + 0x60)).collect::<String>())
}

/// Whether a tag is safe to write: letters, digits and hyphens, as BCP 47 has it.
pub fn is_plain(tag: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.len() <= 35 && tag.split('-').all(part)
}

/// The three letters that `mdhd` can carry; `und` when there are none.
pub fn iso639(tag: &str) -> [u8; 3] {
    let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let known = |code: &[u8]| <[u8; 3]>::try_from(code).ok().filter(|code| code.iter().all(u8::is_ascii_lowercase));
    let found = match primary.len() {
        2 => TWO_TO_THREE.split(' ').find_map(|pair| pair.strip_prefix(primary.as_str())),
        3 => Some(primary.as_str()),
        _ => None,
    };
    found.and_then(|code| known(code.as_bytes())).unwrap_or(*b"und")
}

/// The tag with its language in the shortest form there is, as BCP 47 wants it in manifests: `en` for `eng`.
pub fn shortest(tag: &str) -> String {
    let (primary, rest) = tag.split_at(tag.find('-').unwrap_or(tag.len()));
    let long = primary.to_ascii_lowercase();
    let short = TWO_TO_THREE.split(' ').find_map(|pair| pair.strip_suffix(long.as_str()).filter(|two| two.len() == 2));
    format!("{}{rest}", short.unwrap_or(primary))
}

/// The packed form (ISO/IEC 14496-12 §8.4.2.3): five bits a letter.
pub fn packed(tag: &str) -> u16 {
    iso639(tag).iter().fold(0, |packed, letter| packed << 5 | u16::from(letter - 0x60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_three_letters() {
        for (tag, code) in
            [("en", b"eng"), ("de-CH", b"deu"), ("heb", b"heb"), ("he", b"heb"), ("und", b"und"), ("x-klingon", b"und")]
        {
            assert_eq!(&iso639(tag), code, "{tag}");
        }
        assert_eq!(packed("und"), 0x55c4);
    }

    #[test]
    fn stated_languages_become_tags() {
        for (stated, expected) in [
            ("eng", Some("en")),
            ("GER", Some("de")),
            ("deu", Some("de")),
            ("fr", Some("fr")),
            ("pt_BR", Some("pt-BR")),
            ("zh-Hant-TW", Some("zh-Hant-TW")),
            ("fre-ca", Some("fr-ca")),
            ("gsw", Some("gsw")),
            ("und", None),
            ("", None),
            ("e\"\n", None),
            ("English", None),
            ("en-\"", None),
            ("en-", None),
        ] {
            assert_eq!(canonical(stated).as_deref(), expected, "{stated:?}");
        }
        assert_eq!(unpacked(packed("de")).as_deref(), Some("de"));
        assert_eq!((unpacked(0), unpacked(0x7fff), unpacked(packed("und"))), (None, None, None));
    }

    #[test]
    fn manifests_get_the_shortest_form() {
        for (tag, short) in
            [("eng", "en"), ("deu-CH", "de-CH"), ("en-GB", "en-GB"), ("und", "und"), ("tlh", "tlh"), ("ng", "ng")]
        {
            assert_eq!(shortest(tag), short, "{tag}");
        }
    }

    #[test]
    fn every_two_letter_code_is_listed_once_with_three_letters() {
        let pairs: Vec<_> = TWO_TO_THREE.split(' ').collect();
        let codes: std::collections::BTreeSet<_> = pairs.iter().map(|pair| &pair[..2]).collect();
        assert_eq!(codes.len(), pairs.len());
        assert!(pairs.iter().all(|pair| pair.len() == 5 && pair.bytes().all(|byte| byte.is_ascii_lowercase())));
    }

    #[test]
    fn tags_that_could_end_an_attribute_are_not_plain() {
        for bad in ["", "en\"", "en US", "en--US", "e\n"] {
            assert!(!is_plain(bad), "{bad:?}");
        }
        assert!(is_plain("zh-Hant-TW"));
    }
}
