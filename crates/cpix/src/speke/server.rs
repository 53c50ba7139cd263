//! The key service's side.

use drm::signal::{HlsKey, Licensed, System};
use drm::{ContentKey, KeyId, TrackProtection};

use super::{Request, Response, Tracks, VERSION_HEADER, Version, header, headers};
use crate::model::{ContentKeyElement, Document, DrmSystem, KeyData, Scheme};
use crate::text::to_base64;
use crate::{Certificate, Random, Xml};

/// Answers a request: fills in the keys that `key_source` knows and what `describe` says of each system, encrypted when
/// the request names recipients. A request that breaks the rules of SPEKE v2, or asks for a key that is not known, gets
/// status 422 and a sentence; no message repeats a key.
///
/// [`describe`](fn@describe) serves for `describe`.
pub fn answer(
    request: &Request,
    user_agent: &str,
    mut key_source: impl FnMut(KeyId) -> Option<ContentKey>,
    mut describe: impl FnMut(&mut DrmSystem, &ContentKeyElement, &ContentKey),
    random: &mut Random<'_>,
) -> Response {
    let stated = header(&request.headers, VERSION_HEADER).and_then(Version::from_speke);
    let version = stated.unwrap_or_default();
    let filled = match stated {
        None => Err("Unsupported SPEKE version".to_owned()),
        Some(version) => fill(request, version, &mut key_source, &mut describe, random),
    };
    let mut headers = headers(version, Some(user_agent));
    match filled {
        Ok(document) => Response { status: 200, headers, body: document.to_xml() },
        Err(message) => {
            headers[0].1 = "text/plain".to_owned();
            Response { status: 422, headers, body: Xml::new(message) }
        }
    }
}

fn fill(
    request: &Request,
    version: Version,
    key_source: &mut dyn FnMut(KeyId) -> Option<ContentKey>,
    describe: &mut dyn FnMut(&mut DrmSystem, &ContentKeyElement, &ContentKey),
    random: &mut Random<'_>,
) -> Result<Document, String> {
    let mut document = Document::parse(request.body.as_bytes()).map_err(|error| error.to_string())?;
    check(&document, version)?;
    let mut keys = Vec::with_capacity(document.keys.len());
    for key in &document.keys {
        keys.push(key_source(key.kid).ok_or_else(|| format!("Unknown KID {}", key.kid.dashed()))?);
    }
    for system in &mut document.drm_systems {
        let of = document.keys.iter().position(|key| key.kid == system.kid);
        let index = of.ok_or_else(|| format!("DRMSystem@kid {} has no ContentKey", system.kid.dashed()))?;
        describe(system, &document.keys[index], &keys[index]);
    }
    for (element, key) in document.keys.iter_mut().zip(keys) {
        element.data = KeyData::Plain(key);
    }
    if !document.delivery.is_empty() {
        let recipients: Result<Vec<Certificate>, _> = document
            .delivery
            .iter()
            .flat_map(|data| &data.certificates)
            .map(|der| Certificate::from_der(der))
            .collect();
        let recipients = recipients.map_err(|error| error.to_string())?;
        let asked = std::mem::take(&mut document.delivery);
        document.seal(&recipients, random).map_err(|error| error.to_string())?;
        let named = asked.into_iter().flat_map(|data| {
            let count = data.certificates.len();
            std::iter::repeat_n((data.id, data.name), count).enumerate()
        });
        for (data, (nth, (id, name))) in document.delivery.iter_mut().zip(named) {
            // An id belongs to one element.
            data.id = id.filter(|_| nth == 0);
            data.name = name;
        }
    }
    Ok(document)
}

/// What a service has to refuse.
fn check(document: &Document, version: Version) -> Result<(), String> {
    if document.content_id.is_none() {
        return Err("Missing CPIX@contentId".to_owned());
    }
    match document.version.as_deref() {
        None => return Err("Missing CPIX@version".to_owned()),
        Some(found) if found != version.cpix() => return Err("Unsupported CPIX@version".to_owned()),
        Some(_) => {}
    }
    if document.keys.is_empty() || document.drm_systems.is_empty() || document.usage_rules.is_empty() {
        return Err("Missing ContentKeyList, DRMSystemList or ContentKeyUsageRuleList".to_owned());
    }
    if let Some(key) = document.keys.iter().find(|key| key.scheme.is_none()) {
        return Err(format!("Missing ContentKey@commonEncryptionScheme for KID {}", key.kid.dashed()));
    }
    if let Some(problem) = document.problems().first() {
        return Err(problem.to_string());
    }
    for key in &document.keys {
        let rule = document.usage_rules.iter().find(|rule| rule.kid == key.kid);
        let rule = rule.ok_or_else(|| format!("Missing ContentKeyUsageRule for KID {}", key.kid.dashed()))?;
        Tracks::of_rule(rule).map_err(|error| format!("KID {}: {error}", key.kid.dashed()))?;
    }
    Ok(())
}

/// Fills in what a request asks for of a system, as far as this crate's siblings know how: `pssh` boxes, MPD elements
/// around them, HLS keys. What cannot be said is taken out.
pub fn describe(system: &mut DrmSystem, element: &ContentKeyElement, key: &ContentKey) {
    let known = System::ALL.into_iter().find(|known| known.id() == system.system_id);
    let (Some(known), Some(Scheme::Cenc(scheme))) = (known, &element.scheme) else {
        *system = DrmSystem {
            id: system.id.take(),
            name: system.name.take(),
            ..DrmSystem::new(system.kid, system.system_id)
        };
        return;
    };
    let constant_iv = element.explicit_iv.filter(|_| *scheme == drm::ProtectionScheme::Cbcs);
    let protection = TrackProtection {
        scheme: *scheme,
        key_id: element.kid,
        iv_size: if constant_iv.is_some() { 0 } else { 8 },
        constant_iv,
        crypt_blocks: if scheme.has_pattern() { 1 } else { 0 },
        skip_blocks: if scheme.has_pattern() { 9 } else { 0 },
    };
    let licensed = Licensed { protection: &protection, key, key_ids: &[], licence_url: None, skd_uri: None };
    let pssh = licensed.pssh(known).map(|pssh| pssh.to_box());
    let hls = licensed.hls_key(known);
    system.content_protection_data =
        system.content_protection_data.as_ref().and(pssh.as_ref()).map(|pssh| {
            format!("<cenc:pssh xmlns:cenc=\"urn:mpeg:cenc:2013\">{}</cenc:pssh>", to_base64(pssh).as_str())
        });
    system.pssh = system.pssh.as_ref().and(pssh);
    let line = |tag: &str| hls.as_ref().map(|hls| hls_line(tag, hls));
    system.hls_signaling.media = system.hls_signaling.media.as_ref().and_then(|_| line("#EXT-X-KEY"));
    system.hls_signaling.multivariant =
        system.hls_signaling.multivariant.as_ref().and_then(|_| line("#EXT-X-SESSION-KEY"));
    system.smooth_streaming_protection_header_data = None;
}

fn hls_line(tag: &str, key: &HlsKey) -> String {
    let mut line = format!(
        "{tag}:METHOD={},URI=\"{}\",KEYFORMAT=\"{}\",KEYFORMATVERSIONS=\"{}\"",
        key.method, key.uri, key.key_format, key.key_format_versions
    );
    if let Some(kid) = key.key_id {
        line.push_str(&format!(",KEYID=0x{kid}"));
    }
    line
}
