//! Languages of tracks (RFC 9559 §12, RFC 5646 §2.2.1).

use super::entry::Entry;

/// ISO 639-2 codes, bibliographic ones included, that have a two-letter code, which BCP 47 wants instead.
const SHORTER: &str = "aar:aa abk:ab afr:af aka:ak alb:sq amh:am ara:ar arg:an arm:hy asm:as ava:av ave:ae aym:ay aze:az \
    bak:ba bam:bm baq:eu bel:be ben:bn bis:bi bod:bo bos:bs bre:br bul:bg bur:my cat:ca ces:cs cha:ch che:ce chi:zh chu:cu \
    chv:cv cor:kw cos:co cre:cr cym:cy cze:cs dan:da deu:de div:dv dut:nl dzo:dz ell:el eng:en epo:eo est:et eus:eu ewe:ee \
    fao:fo fas:fa fij:fj fin:fi fra:fr fre:fr fry:fy ful:ff geo:ka ger:de gla:gd gle:ga glg:gl glv:gv gre:el grn:gn guj:gu \
    hat:ht hau:ha heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy ibo:ig ice:is ido:io iii:ii iku:iu ile:ie ina:ia ind:id \
    ipk:ik isl:is ita:it jav:jv jpn:ja kal:kl kan:kn kas:ks kat:ka kau:kr kaz:kk khm:km kik:ki kin:rw kir:ky kom:kv kon:kg \
    kor:ko kua:kj kur:ku lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mac:mk mah:mh mal:ml mao:mi mar:mr \
    may:ms mkd:mk mlg:mg mlt:mt mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl nno:nn nob:nb \
    nor:no nya:ny oci:oc oji:oj ori:or orm:om oss:os pan:pa per:fa pli:pi pol:pl por:pt pus:ps que:qu roh:rm ron:ro rum:ro \
    run:rn rus:ru sag:sg san:sa sin:si slk:sk slo:sk slv:sl sme:se smo:sm sna:sn snd:sd som:so sot:st spa:es sqi:sq srd:sc \
    srp:sr ssw:ss sun:su swa:sw swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th tib:bo tir:ti ton:to tsn:tn tso:ts \
    tuk:tk tur:tr twi:tw uig:ug ukr:uk urd:ur uzb:uz ven:ve vie:vi vol:vo wel:cy wln:wa wol:wo xho:xh yid:yi yor:yo zha:za \
    zho:zh zul:zu";

/// The BCP 47 language of a track: `LanguageBCP47`, else `Language`, which is English when absent (§5.1.4.1.19).
pub(super) fn of(entry: &Entry) -> String {
    if let Some(tag) = &entry.language_bcp47 {
        return valid(tag).unwrap_or_else(|| "und".into());
    }
    valid(entry.language.as_deref().unwrap_or("eng")).unwrap_or_else(|| "und".into())
}

/// `tag` with its first part as short as it can be; `None` when it is no language tag.
fn valid(tag: &str) -> Option<String> {
    let well_formed =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (first, rest) = tag.split_once('-').map_or((tag, None), |(first, rest)| (first, Some(rest)));
    let first = first.to_ascii_lowercase();
    if tag.len() > 64 || !tag.split('-').all(well_formed) || !(2..=8).contains(&first.len()) {
        return None;
    }
    let shorter = SHORTER.split_ascii_whitespace().filter_map(|pair| pair.split_once(':'));
    let first = shorter.clone().find(|(long, _)| *long == first).map_or(first.as_str(), |(_, short)| short);
    Some(match rest {
        Some(rest) => format!("{first}-{rest}"),
        None => first.to_owned(),
    })
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
