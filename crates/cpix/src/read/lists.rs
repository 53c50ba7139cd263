//! Keys, licence systems, periods and rules.

use drm::{ContentKey, Iv, KeyId, SystemId};
use zeroize::Zeroize;

use super::{Read, base64, base64_text, boolean, delivery, integer, kid, only, owned, required, uuid, value};
use crate::error::Problem;
use crate::model::{
    AudioFilter, BitrateFilter, ContentKeyElement, ContentKeyPeriod, DrmSystem, Hdcp, HlsSignaling, KeyData,
    UpdateHistoryItem, UsageRule, VideoFilter,
};
use crate::text;
use crate::xml::{CPIX, Element, PSKC};

/// The most filters of one rule.
const MAX_FILTERS: usize = 1000;

pub(super) fn content_key(element: &Element) -> Read<ContentKeyElement> {
    let explicit_iv = match element.attribute("explicitIV") {
        // A key service is asked to fill it in by some packagers.
        None | Some("") => None,
        Some(found) => {
            let iv = text::from_base64(found).filter(|bytes| bytes.len() == 16).and_then(|bytes| Iv::new(&bytes));
            Some(iv.ok_or_else(|| value(element, "explicitIV", "16 bytes in base64"))?)
        }
    };
    let depends_on = match element.attribute("dependsOnKey") {
        Some(found) => Some(KeyId(uuid(element, "dependsOnKey", found)?)),
        None => None,
    };
    let hdcp = match only(element, "ContentKey", CPIX, "HDCPData")? {
        Some(found) => Some(hdcp(found)?),
        None => None,
    };
    let data = match only(element, "ContentKey", CPIX, "Data")? {
        Some(found) => key_data(found)?,
        None => KeyData::None,
    };
    Ok(ContentKeyElement {
        id: owned(element, "id"),
        content_id: owned(element, "contentId"),
        kid: kid(element, "ContentKey")?,
        explicit_iv,
        depends_on,
        scheme: element.attribute("commonEncryptionScheme").map(Into::into),
        hdcp,
        data,
    })
}

fn hdcp(element: &Element) -> Read<Hdcp> {
    let output = only(element, "HDCPData", CPIX, "HDCPOutputProtectionData")?;
    Ok(Hdcp {
        hls_level: owned(element, "HLSHDCPLevel"),
        output_protection: output.map(|found| base64_text(found, "HDCPOutputProtectionData")).transpose()?,
    })
}

/// `KeyDataType` of RFC 6030 around a content key.
fn key_data(data: &Element) -> Read<KeyData> {
    let Some(secret) = only(data, "Data", PSKC, "Secret")? else { return Ok(KeyData::None) };
    let plain = only(secret, "Secret", PSKC, "PlainValue")?;
    let encrypted = delivery::secret(secret)?;
    match (plain, encrypted) {
        (Some(_), Some(_)) => Err((secret.at, Problem::Repeated { element: "Secret", name: "value" })),
        (None, None) => Ok(KeyData::None),
        (None, Some(encrypted)) => Ok(KeyData::Encrypted(encrypted)),
        (Some(plain), None) => {
            let bytes = base64(plain, "PlainValue")?;
            if bytes.is_empty() {
                return Ok(KeyData::None);
            }
            let mut key: [u8; 16] = bytes[..].try_into().map_err(|_| (plain.at, Problem::KeyLength(bytes.len())))?;
            let content_key = ContentKey::new(key);
            key.zeroize();
            Ok(KeyData::Plain(content_key))
        }
    }
}

pub(super) fn drm_system(element: &Element) -> Read<DrmSystem> {
    let of = "DRMSystem";
    let system_id = SystemId(uuid(element, "systemId", required(element, of, "systemId")?)?);
    let protection = only(element, of, CPIX, "ContentProtectionData")?;
    let smooth = only(element, of, CPIX, "SmoothStreamingProtectionHeaderData")?;
    Ok(DrmSystem {
        id: owned(element, "id"),
        update_version: integer(element, "updateVersion")?,
        kid: kid(element, of)?,
        system_id,
        name: owned(element, "name"),
        hls_allowed_cpc: owned(element, "HLSAllowedCPC"),
        pssh: only(element, of, CPIX, "PSSH")?.map(|found| base64(found, "PSSH")).transpose()?.map(|b| b.to_vec()),
        content_protection_data: protection.map(|found| base64_text(found, "ContentProtectionData")).transpose()?,
        robustness: protection.and_then(|found| owned(found, "robustness")),
        hls_signaling: hls_signaling(element)?,
        smooth_streaming_protection_header_data: smooth.map(|found| found.text().trim().to_owned()),
    })
}

fn hls_signaling(system: &Element) -> Read<HlsSignaling> {
    let mut signaling = HlsSignaling::default();
    for element in system.named(CPIX, "HLSSignalingData") {
        let place = match element.attribute("playlist") {
            None | Some("media") => &mut signaling.media,
            // `master` was the name up to CPIX 2.3.
            Some("multiVariant" | "master") => &mut signaling.multivariant,
            Some(_) => return Err(value(element, "playlist", "media, multiVariant or master")),
        };
        let repeated = Problem::Repeated { element: "DRMSystem", name: "HLSSignalingData of one playlist" };
        if place.replace(base64_text(element, "HLSSignalingData")?).is_some() {
            return Err((element.at, repeated));
        }
    }
    Ok(signaling)
}

pub(super) fn period(element: &Element) -> Read<ContentKeyPeriod> {
    Ok(ContentKeyPeriod {
        id: owned(element, "id"),
        index: integer(element, "index")?,
        label: owned(element, "label"),
        start: owned(element, "start"),
        end: owned(element, "end"),
        start_offset: owned(element, "startOffset"),
        end_offset: owned(element, "endOffset"),
        duration: owned(element, "duration"),
    })
}

pub(super) fn usage_rule(element: &Element) -> Read<UsageRule> {
    let mut rule = UsageRule::new(kid(element, "ContentKeyUsageRule")?);
    rule.id = owned(element, "id");
    rule.intended_track_type = owned(element, "intendedTrackType");
    for (index, filter) in element.elements().enumerate() {
        if index == MAX_FILTERS {
            return Err((filter.at, Problem::TooMany { what: "filters in one rule", max: MAX_FILTERS }));
        }
        match filter.local.as_str() {
            _ if *filter.namespace != *CPIX => rule.unknown_filters = true,
            "KeyPeriodFilter" => rule.periods.push(required(filter, "KeyPeriodFilter", "periodId")?.to_owned()),
            "LabelFilter" => rule.labels.push(required(filter, "LabelFilter", "label")?.to_owned()),
            "VideoFilter" => rule.video.push(VideoFilter {
                min_pixels: integer(filter, "minPixels")?,
                max_pixels: integer(filter, "maxPixels")?,
                hdr: boolean(filter, "hdr")?,
                wcg: boolean(filter, "wcg")?,
                min_fps: integer(filter, "minFps")?,
                max_fps: integer(filter, "maxFps")?,
            }),
            "AudioFilter" => rule.audio.push(AudioFilter {
                min_channels: integer(filter, "minChannels")?,
                max_channels: integer(filter, "maxChannels")?,
            }),
            "BitrateFilter" => rule.bitrate.push(BitrateFilter {
                min_bps: integer(filter, "minBitrate")?,
                max_bps: integer(filter, "maxBitrate")?,
            }),
            _ => rule.unknown_filters = true,
        }
    }
    Ok(rule)
}

pub(super) fn history_item(element: &Element) -> Read<UpdateHistoryItem> {
    let of = "UpdateHistoryItem";
    let update_version = integer(element, "updateVersion")?;
    Ok(UpdateHistoryItem {
        id: owned(element, "id"),
        update_version: update_version
            .ok_or((element.at, Problem::MissingAttribute { element: of, name: "updateVersion" }))?,
        index: required(element, of, "index")?.to_owned(),
        source: required(element, of, "source")?.to_owned(),
        date: required(element, of, "date")?.to_owned(),
    })
}
