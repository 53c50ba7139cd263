//! Model to document, in the order of the schema (DASH-IF CPIX 2.4, "XSD Schema Definition").

use drm::KeyId;

use crate::model::{
    ContentKeyElement, ContentKeyPeriod, DeliveryData, Document, DrmSystem, EncryptedValue, KeyData, ListHead,
    UsageRule,
};
use crate::text::{to_base64, to_uuid};
use crate::xml::{CPIX, DS, ENC, Out, PSKC, Xml};

impl Document {
    /// Writes the document: the same bytes for the same document.
    pub fn to_xml(&self) -> Xml {
        let mut out = Out::new(self.size());
        let encrypted = !self.delivery.is_empty() || self.keys.iter().any(|k| matches!(k.data, KeyData::Encrypted(_)));
        out.open(
            "cpix:CPIX",
            &[
                ("xmlns:cpix", Some(CPIX)),
                ("xmlns:pskc", Some(PSKC)),
                ("xmlns:enc", encrypted.then_some(ENC)),
                ("xmlns:ds", encrypted.then_some(DS)),
                ("id", self.id.as_deref()),
                ("contentId", self.content_id.as_deref()),
                ("name", self.name.as_deref()),
                ("version", self.version.as_deref()),
            ],
        );
        list(&mut out, "cpix:DeliveryDataList", &self.delivery_head, &self.delivery, delivery_data);
        list(&mut out, "cpix:ContentKeyList", &self.keys_head, &self.keys, content_key);
        let playlist = if self.before_2_4() { "master" } else { "multiVariant" };
        list(&mut out, "cpix:DRMSystemList", &self.drm_systems_head, &self.drm_systems, |out, system| {
            drm_system(out, system, playlist);
        });
        list(&mut out, "cpix:ContentKeyPeriodList", &self.periods_head, &self.periods, period);
        list(&mut out, "cpix:ContentKeyUsageRuleList", &self.usage_rules_head, &self.usage_rules, usage_rule);
        let head = ListHead { id: self.history_id.clone(), update_version: None };
        list(&mut out, "cpix:UpdateHistoryItemList", &head, &self.history, |out, item| {
            let attributes = [
                ("id", item.id.as_deref()),
                ("updateVersion", Some(&*item.update_version.to_string())),
                ("index", Some(&*item.index)),
                ("source", Some(&*item.source)),
                ("date", Some(&*item.date)),
            ];
            out.empty("cpix:UpdateHistoryItem", &attributes);
        });
        out.close();
        out.finish()
    }

    /// Whether it states an older version than 2.4, where the multivariant playlist was called otherwise.
    fn before_2_4(&self) -> bool {
        let Some(version) = &self.version else { return false };
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < (2, 4)
    }

    /// More bytes than its text will need, unless its names are full of what must be escaped.
    fn size(&self) -> usize {
        let encoded = |text: &Option<String>| text.as_ref().map_or(0, |text| text.len() * 2);
        let systems = self.drm_systems.iter().map(|system| {
            1000 + system.pssh.as_ref().map_or(0, |pssh| pssh.len() * 2)
                + encoded(&system.content_protection_data)
                + encoded(&system.hls_signaling.media)
                + encoded(&system.hls_signaling.multivariant)
                + encoded(&system.smooth_streaming_protection_header_data)
        });
        let delivery = self.delivery.iter().map(|data| {
            let keys = data.document_keys.iter().map(|key| 3000 + key.encrypts.len() * 40);
            4000 + data.certificates.iter().map(|c| c.len() * 2).sum::<usize>() + keys.sum::<usize>()
        });
        let rules = self.usage_rules.iter().map(|rule| {
            500 + 200
                * (rule.periods.len() + rule.labels.len() + rule.video.len() + rule.audio.len() + rule.bitrate.len())
        });
        let hdcp = self.keys.iter().filter_map(|key| key.hdcp.as_ref());
        2000 + systems.sum::<usize>()
            + delivery.sum::<usize>()
            + rules.sum::<usize>()
            + hdcp.map(|hdcp| encoded(&hdcp.output_protection)).sum::<usize>()
            + self.keys.len() * 1500
            + (self.periods.len() + self.history.len()) * 500
    }
}

fn list<T>(out: &mut Out, name: &'static str, head: &ListHead, members: &[T], write: impl Fn(&mut Out, &T)) {
    if members.is_empty() {
        return;
    }
    let version = head.update_version.map(|version| version.to_string());
    out.open(name, &[("id", head.id.as_deref()), ("updateVersion", version.as_deref())]);
    members.iter().for_each(|member| write(out, member));
    out.close();
}

fn delivery_data(out: &mut Out, data: &DeliveryData) {
    let version = data.update_version.map(|version| version.to_string());
    out.open(
        "cpix:DeliveryData",
        &[("id", data.id.as_deref()), ("updateVersion", version.as_deref()), ("name", data.name.as_deref())],
    );
    out.open("cpix:DeliveryKey", &[]);
    out.open("ds:X509Data", &[]);
    for certificate in &data.certificates {
        out.leaf("ds:X509Certificate", &[], &to_base64(certificate));
    }
    out.close();
    out.close();
    for key in &data.document_keys {
        let encrypts: Vec<String> = key.encrypts.iter().map(KeyId::dashed).collect();
        let encrypts = Some(encrypts.join(" ")).filter(|list| !list.is_empty());
        out.open("cpix:DocumentKey", &[("id", key.id.as_deref()), ("encryptsKey", encrypts.as_deref())]);
        out.open("cpix:Data", &[]);
        if let Some(value) = &key.value {
            secret(out, value);
        }
        out.close();
        out.close();
    }
    if let Some(mac) = &data.mac {
        out.open("cpix:MACMethod", &[("Algorithm", Some(&mac.algorithm))]);
        if let Some(key) = &mac.key {
            encrypted(out, "pskc:MACKey", key);
        }
        out.close();
    }
    for (name, text) in [
        ("cpix:Description", &data.description),
        ("cpix:SendingEntity", &data.sending_entity),
        ("cpix:SenderPointOfContact", &data.sender_point_of_contact),
        ("cpix:ReceivingEntity", &data.receiving_entity),
    ] {
        if let Some(text) = text {
            out.leaf(name, &[], text);
        }
    }
    out.close();
}

fn secret(out: &mut Out, value: &EncryptedValue) {
    out.open("pskc:Secret", &[]);
    encrypted(out, "pskc:EncryptedValue", value);
    if let Some(mac) = &value.mac {
        out.leaf("pskc:ValueMAC", &[], &to_base64(mac));
    }
    out.close();
}

fn encrypted(out: &mut Out, name: &'static str, value: &EncryptedValue) {
    out.open(name, &[]);
    let algorithm = [("Algorithm", Some(&*value.algorithm))];
    match &value.digest {
        None => out.empty("enc:EncryptionMethod", &algorithm),
        Some(digest) => {
            out.open("enc:EncryptionMethod", &algorithm);
            out.empty("ds:DigestMethod", &[("Algorithm", Some(digest))]);
            out.close();
        }
    }
    out.open("enc:CipherData", &[]);
    out.leaf("enc:CipherValue", &[], &to_base64(&value.cipher));
    out.close();
    out.close();
}

fn content_key(out: &mut Out, key: &ContentKeyElement) {
    let iv = key.explicit_iv.map(|iv| to_base64(iv.as_bytes()).to_string());
    let (kid, root) = (key.kid.dashed(), key.depends_on.map(|root| root.dashed()));
    let attributes = [
        ("id", key.id.as_deref()),
        ("contentId", key.content_id.as_deref()),
        ("kid", Some(&*kid)),
        ("explicitIV", iv.as_deref()),
        ("dependsOnKey", root.as_deref()),
        ("commonEncryptionScheme", key.scheme.as_ref().map(|scheme| scheme.as_str())),
    ];
    if key.hdcp.is_none() && key.data == KeyData::None {
        return out.empty("cpix:ContentKey", &attributes);
    }
    out.open("cpix:ContentKey", &attributes);
    if let Some(hdcp) = &key.hdcp {
        let level = [("HLSHDCPLevel", hdcp.hls_level.as_deref())];
        match &hdcp.output_protection {
            None => out.empty("cpix:HDCPData", &level),
            Some(xml) => {
                out.open("cpix:HDCPData", &level);
                out.leaf("cpix:HDCPOutputProtectionData", &[], &to_base64(xml.as_bytes()));
                out.close();
            }
        }
    }
    match &key.data {
        KeyData::None => {}
        KeyData::Plain(plain) => {
            out.open("cpix:Data", &[]);
            out.open("pskc:Secret", &[]);
            out.leaf("pskc:PlainValue", &[], &to_base64(plain.expose()));
            out.close();
            out.close();
        }
        KeyData::Encrypted(value) => {
            out.open("cpix:Data", &[]);
            secret(out, value);
            out.close();
        }
    }
    out.close();
}

fn drm_system(out: &mut Out, system: &DrmSystem, multivariant: &str) {
    let (kid, system_id) = (system.kid.dashed(), to_uuid(system.system_id.0));
    let version = system.update_version.map(|version| version.to_string());
    out.open(
        "cpix:DRMSystem",
        &[
            ("id", system.id.as_deref()),
            ("updateVersion", version.as_deref()),
            ("kid", Some(&kid)),
            ("systemId", Some(&system_id)),
            ("name", system.name.as_deref()),
            ("HLSAllowedCPC", system.hls_allowed_cpc.as_deref()),
        ],
    );
    if let Some(pssh) = &system.pssh {
        out.leaf("cpix:PSSH", &[], &to_base64(pssh));
    }
    if system.content_protection_data.is_some() || system.robustness.is_some() {
        let data = system.content_protection_data.as_deref().unwrap_or_default();
        let robustness = [("robustness", system.robustness.as_deref())];
        out.leaf("cpix:ContentProtectionData", &robustness, &to_base64(data.as_bytes()));
    }
    for (playlist, lines) in
        [("media", &system.hls_signaling.media), (multivariant, &system.hls_signaling.multivariant)]
    {
        if let Some(lines) = lines {
            out.leaf("cpix:HLSSignalingData", &[("playlist", Some(playlist))], &to_base64(lines.as_bytes()));
        }
    }
    if let Some(data) = &system.smooth_streaming_protection_header_data {
        out.leaf("cpix:SmoothStreamingProtectionHeaderData", &[], data);
    }
    out.close();
}

fn period(out: &mut Out, period: &ContentKeyPeriod) {
    let index = period.index.map(|index| index.to_string());
    let attributes = [
        ("id", period.id.as_deref()),
        ("index", index.as_deref()),
        ("label", period.label.as_deref()),
        ("start", period.start.as_deref()),
        ("end", period.end.as_deref()),
        ("startOffset", period.start_offset.as_deref()),
        ("endOffset", period.end_offset.as_deref()),
        ("duration", period.duration.as_deref()),
    ];
    out.empty("cpix:ContentKeyPeriod", &attributes);
}

fn usage_rule(out: &mut Out, rule: &UsageRule) {
    let kid = rule.kid.dashed();
    let attributes =
        [("id", rule.id.as_deref()), ("kid", Some(&*kid)), ("intendedTrackType", rule.intended_track_type.as_deref())];
    out.open("cpix:ContentKeyUsageRule", &attributes);
    for id in &rule.periods {
        out.empty("cpix:KeyPeriodFilter", &[("periodId", Some(id))]);
    }
    for label in &rule.labels {
        out.empty("cpix:LabelFilter", &[("label", Some(label))]);
    }
    let number = |value: Option<u64>| value.map(|value| value.to_string());
    let boolean = |value: Option<bool>| value.map(|value| if value { "true" } else { "false" });
    for filter in &rule.video {
        let (min, max) = (number(filter.min_pixels), number(filter.max_pixels));
        let (slowest, fastest) = (number(filter.min_fps), number(filter.max_fps));
        let attributes = [
            ("minPixels", min.as_deref()),
            ("maxPixels", max.as_deref()),
            ("hdr", boolean(filter.hdr)),
            ("wcg", boolean(filter.wcg)),
            ("minFps", slowest.as_deref()),
            ("maxFps", fastest.as_deref()),
        ];
        out.empty("cpix:VideoFilter", &attributes);
    }
    for filter in &rule.audio {
        let (min, max) = (number(filter.min_channels), number(filter.max_channels));
        out.empty("cpix:AudioFilter", &[("minChannels", min.as_deref()), ("maxChannels", max.as_deref())]);
    }
    for filter in &rule.bitrate {
        let (min, max) = (number(filter.min_bps), number(filter.max_bps));
        out.empty("cpix:BitrateFilter", &[("minBitrate", min.as_deref()), ("maxBitrate", max.as_deref())]);
    }
    if rule.unknown_filters {
        // A restriction that is not understood must not be lost: whoever reads this cannot use the rule either.
        out.empty("unknown:Filter", &[("xmlns:unknown", Some("urn:lectern:cpix:unknown-filter"))]);
    }
    out.close();
}
