//! `ContentProtection` elements (ISO/IEC 23009-1 §5.8.4.1, ISO/IEC 23001-7 §11).

use dash_mpd_core::{CencPssh, ContentProtection, Laurl, MsprPro};
use drm::signal::{CENC_NAMESPACE, DASHIF_NAMESPACE, MSPR_NAMESPACE};
use media_types::TrackRecord;

use crate::Presentation;

/// What the track's set says: scheme and key first, then one element for every licence system.
pub(super) fn elements(presentation: &Presentation<'_>, track: &TrackRecord) -> Vec<ContentProtection> {
    presentation.signal_of(track).map_or_else(Vec::new, |signal| signal.dash.iter().map(element).collect())
}

fn element(said: &drm::signal::ContentProtection) -> ContentProtection {
    let base = ContentProtection {
        schemeIdUri: said.scheme_id_uri.clone(),
        value: said.value.map(str::to_owned),
        default_KID: said.default_kid.clone(),
        robustness: said.robustness.clone(),
        ..ContentProtection::default()
    };
    if let Some(content) = &said.content {
        let marked = CencPssh { content: Some(format!("{FOREIGN}{content}")) };
        return ContentProtection { cenc_pssh: vec![marked], ..base };
    }
    let laurl = |lic_type: Option<&str>| {
        said.licence_url.clone().map(|url| Laurl { lic_type: lic_type.map(str::to_owned), content: Some(url) })
    };
    ContentProtection {
        cenc_pssh: said.pssh.iter().map(|pssh| CencPssh { content: Some(pssh.clone()) }).collect(),
        msprpro: said.playready_object.clone().map(|pro| MsprPro { content: Some(pro), ..MsprPro::default() }),
        laurl: laurl(None),
        clearkey_laurl: laurl(Some("EME-1.0")),
        ..base
    }
}

/// What elements of others are marked with on their way through the library that serialises: it knows no other content,
/// and no `pssh` in base64 begins so.
const FOREIGN: char = '\u{e000}';

/// Elements of others as they were, which the library has escaped as text, without declarations that the MPD itself has.
fn with_foreign_elements(body: &str) -> String {
    let (open, close) = (format!("<cenc:pssh>{FOREIGN}"), "</cenc:pssh>");
    let declared = [("cenc", CENC_NAMESPACE), ("mspr", MSPR_NAMESPACE), ("dashif", DASHIF_NAMESPACE)];
    let declared = declared.map(|(prefix, name)| format!(" xmlns:{prefix}=\"{name}\""));
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, behind)) = rest.split_once(&open) {
        let Some((content, tail)) = behind.split_once(close) else { break };
        out.push_str(before);
        let plain = content.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
        out.push_str(&declared.iter().fold(plain.replace("&amp;", "&"), |plain, known| plain.replace(known, "")));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// What the library that serialises does not know: the namespaces of licence addresses, and that DASH-IF spells its element
/// with a capital. Text cannot be mistaken for tags, since its brackets are escaped.
pub(super) fn with_namespaces(body: &str) -> String {
    let declared =
        format!("<MPD xmlns:dashif=\"{}\" xmlns:clearkey=\"{}\" ", DASHIF_NAMESPACE, drm::signal::CLEARKEY_NAMESPACE);
    let body = body.replacen("<MPD ", &declared, 1);
    let body = body.replace("<dashif:laurl>", "<dashif:Laurl>").replace("</dashif:laurl>", "</dashif:Laurl>");
    with_foreign_elements(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_others_come_out_as_they_were() {
        let content = "<cenc:pssh>AAAA</cenc:pssh><a b=\"&lt;'&amp;\">1 &gt; 0 &amp;lt;</a>";
        let declaring = content.replacen("pssh", "pssh xmlns:cenc=\"urn:mpeg:cenc:2013\"", 1);
        let said = |content: Option<&str>| drm::signal::ContentProtection {
            scheme_id_uri: "urn:uuid:x".to_owned(),
            pssh: Some("QUJD".to_owned()),
            robustness: Some("HW_SECURE_ALL".to_owned()),
            content: content.map(str::to_owned),
            ..drm::signal::ContentProtection::default()
        };
        let adaptation = dash_mpd_core::AdaptationSet {
            ContentProtection: vec![element(&said(Some(&declaring))), element(&said(None))],
            ..dash_mpd_core::AdaptationSet::default()
        };
        let period = dash_mpd_core::Period { adaptations: vec![adaptation], ..dash_mpd_core::Period::default() };
        let mpd = dash_mpd_core::MPD { periods: vec![period], ..dash_mpd_core::MPD::default() };
        let text = with_namespaces(&mpd.to_string());
        assert!(text.contains(&format!(">{content}</ContentProtection>")), "{text}");
        assert!(text.contains("<cenc:pssh>QUJD</cenc:pssh></ContentProtection>"), "{text}");
        assert_eq!(text.matches("robustness=\"HW_SECURE_ALL\"").count(), 2, "{text}");
    }
}
