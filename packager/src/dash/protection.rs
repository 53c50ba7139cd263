//! `ContentProtection` elements (ISO/IEC 23009-1 §5.8.4.1, ISO/IEC 23001-7 §11).

use dash_mpd_core::{CencPssh, ContentProtection, Laurl, MsprPro};
use media_types::TrackRecord;

use crate::Presentation;

/// What the track's set says: scheme and key first, then one element for every licence system.
pub(super) fn elements(presentation: &Presentation<'_>, track: &TrackRecord) -> Vec<ContentProtection> {
    presentation.signal_of(track).map_or_else(Vec::new, |signal| signal.dash.iter().map(element).collect())
}

fn element(said: &drm::signal::ContentProtection) -> ContentProtection {
    let laurl = |lic_type: Option<&str>| {
        said.licence_url.clone().map(|url| Laurl { lic_type: lic_type.map(str::to_owned), content: Some(url) })
    };
    ContentProtection {
        schemeIdUri: said.scheme_id_uri.clone(),
        value: said.value.map(str::to_owned),
        default_KID: said.default_kid.clone(),
        cenc_pssh: said.pssh.iter().map(|pssh| CencPssh { content: Some(pssh.clone()) }).collect(),
        msprpro: said.playready_object.clone().map(|pro| MsprPro { content: Some(pro), ..MsprPro::default() }),
        laurl: laurl(None),
        clearkey_laurl: laurl(Some("EME-1.0")),
        ..ContentProtection::default()
    }
}

/// What the library that serialises does not know: the namespaces of licence addresses, and that DASH-IF spells its element
/// with a capital. Text cannot be mistaken for tags, since its brackets are escaped.
pub(super) fn with_namespaces(body: &str) -> String {
    let declared = format!(
        "<MPD xmlns:dashif=\"{}\" xmlns:clearkey=\"{}\" ",
        drm::signal::DASHIF_NAMESPACE,
        drm::signal::CLEARKEY_NAMESPACE
    );
    let body = body.replacen("<MPD ", &declared, 1);
    body.replace("<dashif:laurl>", "<dashif:Laurl>").replace("</dashif:laurl>", "</dashif:Laurl>")
}
