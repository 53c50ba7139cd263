//! What playlists and manifests say about keys, as data: the packager writes the text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pssh::{Pssh, SystemId, playready};
use crate::secret::ContentKey;
use crate::types::{Iv, KeyId, ProtectionScheme, TrackProtection};

/// `xmlns:cenc`.
pub const CENC_NAMESPACE: &str = "urn:mpeg:cenc:2013";
/// `xmlns:mspr`.
pub const MSPR_NAMESPACE: &str = "urn:microsoft:playready";
/// `xmlns:dashif` of `dashif:Laurl` (DASH-IF IOP part 6 §7.3.6).
pub const DASHIF_NAMESPACE: &str = "https://dashif.org/CPS";
/// `xmlns:clearkey` of `clearkey:Laurl`, which older players read.
pub const CLEARKEY_NAMESPACE: &str = "http://dashif.org/guidelines/clearKey";

/// A licence system that a track is signalled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// The W3C common system: key ids alone.
    Common,
    /// Microsoft PlayReady.
    PlayReady,
    /// Google Widevine.
    Widevine,
    /// Apple FairPlay Streaming.
    FairPlay,
    /// ClearKey of Encrypted Media Extensions.
    ClearKey,
}

impl System {
    /// All systems, in the order in which they are written.
    pub const ALL: [System; 5] = [Self::Common, Self::PlayReady, Self::Widevine, Self::FairPlay, Self::ClearKey];

    /// Its `SystemID`.
    pub const fn id(self) -> SystemId {
        match self {
            Self::Common => SystemId::COMMON,
            Self::PlayReady => SystemId::PLAYREADY,
            Self::Widevine => SystemId::WIDEVINE,
            Self::FairPlay => SystemId::FAIRPLAY,
            Self::ClearKey => SystemId::CLEARKEY,
        }
    }

    /// The system of a name, whatever its case: `common`, `playready`, `widevine`, `fairplay`, `clearkey`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|system| system.as_str().eq_ignore_ascii_case(name))
    }

    /// Its name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Common => "common",
            Self::PlayReady => "playready",
            Self::Widevine => "widevine",
            Self::FairPlay => "fairplay",
            Self::ClearKey => "clearkey",
        }
    }

    /// Whether its clients decrypt a scheme at all: FairPlay knows `cbcs` alone, Widevine, PlayReady and browsers' ClearKey
    /// also `cenc`; `cens` and `cbc1` are for the common system.
    pub const fn plays(self, scheme: ProtectionScheme) -> bool {
        match self {
            Self::Common => true,
            Self::FairPlay => matches!(scheme, ProtectionScheme::Cbcs),
            Self::Widevine | Self::PlayReady | Self::ClearKey => {
                matches!(scheme, ProtectionScheme::Cbcs | ProtectionScheme::Cenc)
            }
        }
    }
}

/// A key of a presentation and where its licences come from.
#[derive(Clone, Copy)]
pub struct Licensed<'a> {
    /// How the track is encrypted.
    pub protection: &'a TrackProtection,
    /// The key itself: PlayReady's checksum is made with it.
    pub key: &'a ContentKey,
    /// The names of all keys of the presentation, which one Widevine licence covers; may be empty, for the track's alone.
    pub key_ids: &'a [KeyId],
    /// Where licences are asked for, if manifests are to say so: PlayReady and ClearKey.
    pub licence_url: Option<&'a str>,
    /// FairPlay's `skd://` address; `None` for one made of the key's name.
    pub skd_uri: Option<&'a str>,
}

impl Licensed<'_> {
    /// The `pssh` box of a system; FairPlay has none, and ClearKey uses that of the common system.
    pub fn pssh(&self, system: System) -> Option<Pssh> {
        let own = [self.protection.key_id];
        let all = if self.key_ids.is_empty() { &own[..] } else { self.key_ids };
        match system {
            System::Common | System::ClearKey => Some(Pssh::common(all)),
            System::Widevine => Some(Pssh::widevine(all, self.protection.scheme)),
            System::PlayReady => Some(Pssh::playready(self.playready_object())),
            System::FairPlay => None,
        }
    }

    fn playready_object(&self) -> Vec<u8> {
        let TrackProtection { key_id, scheme, .. } = *self.protection;
        playready::object(key_id, self.key, scheme, self.licence_url)
    }

    /// The attributes of `EXT-X-KEY` (and `EXT-X-SESSION-KEY`). `None` where there is no way to say it: HLS knows `cbcs`
    /// (`SAMPLE-AES`) and `cenc` (`SAMPLE-AES-CTR`), and no common system.
    pub fn hls_key(&self, system: System) -> Option<HlsKey> {
        let TrackProtection { key_id, scheme, constant_iv, .. } = *self.protection;
        let method = match scheme {
            ProtectionScheme::Cbcs => "SAMPLE-AES",
            ProtectionScheme::Cenc => "SAMPLE-AES-CTR",
            ProtectionScheme::Cens | ProtectionScheme::Cbc1 => return None,
        };
        if !system.plays(scheme) {
            return None;
        }
        let (uri, key_format) = match system {
            System::Widevine => {
                let pssh = self.pssh(system)?.to_box();
                (data_uri("text/plain", &pssh), "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed")
            }
            System::PlayReady => {
                (data_uri("text/plain;charset=UTF-16", &self.playready_object()), "com.microsoft.playready")
            }
            System::FairPlay => {
                let uri = self.skd_uri.map_or_else(|| format!("skd://{key_id}"), str::to_owned);
                (uri, "com.apple.streamingkeydelivery")
            }
            System::ClearKey => (data_uri("text/plain", &key_id.0), "org.w3.clearkey"),
            System::Common => return None,
        };
        let key_id = (system != System::FairPlay).then_some(key_id);
        Some(HlsKey { method, uri, session_uri: None, key_format, key_format_versions: "1", key_id, iv: constant_iv })
    }

    /// The attributes of `EXT-X-KEY` for a key that is fetched as its 16 bytes from `uri` (RFC 8216bis §4.4.4.4,
    /// `identity`). `None` under the schemes that HLS does not know.
    pub fn hls_identity_key(&self, uri: &str) -> Option<HlsKey> {
        let TrackProtection { key_id, constant_iv, .. } = *self.protection;
        let method = match self.protection.scheme {
            ProtectionScheme::Cbcs => "SAMPLE-AES",
            ProtectionScheme::Cenc => "SAMPLE-AES-CTR",
            ProtectionScheme::Cens | ProtectionScheme::Cbc1 => return None,
        };
        Some(HlsKey {
            method,
            uri: uri.to_owned(),
            session_uri: None,
            key_format: "identity",
            key_format_versions: "1",
            key_id: Some(key_id),
            iv: constant_iv,
        })
    }

    /// The descriptor of the scheme itself, which comes first (ISO/IEC 23009-1 §5.8.5.2).
    pub fn dash_scheme(&self) -> ContentProtection {
        ContentProtection {
            scheme_id_uri: "urn:mpeg:dash:mp4protection:2011".to_owned(),
            value: Some(self.protection.scheme.as_str()),
            default_kid: Some(self.protection.key_id.dashed()),
            ..ContentProtection::default()
        }
    }

    /// The descriptor of a system; `None` for FairPlay, which no DASH player asks for. ClearKey has no `pssh` of its own:
    /// its players make their request from `cenc:default_KID`.
    pub fn dash_system(&self, system: System) -> Option<ContentProtection> {
        let pssh = self.pssh(system).map(|pssh| STANDARD.encode(pssh.to_box()));
        let base = ContentProtection { scheme_id_uri: system.id().urn(), pssh, ..ContentProtection::default() };
        Some(match system {
            System::FairPlay => return None,
            System::Common | System::Widevine => base,
            System::PlayReady => ContentProtection {
                value: Some("MSPR 2.0"),
                playready_object: Some(STANDARD.encode(self.playready_object())),
                ..base
            },
            System::ClearKey => ContentProtection {
                value: Some("ClearKey1.0"),
                licence_url: self.licence_url.map(str::to_owned),
                pssh: None,
                ..base
            },
        })
    }
}

/// Attributes of `EXT-X-KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HlsKey {
    /// `METHOD`.
    pub method: &'static str,
    /// `URI`, without its quotes.
    pub uri: String,
    /// `URI` of `EXT-X-SESSION-KEY` where it is another.
    pub session_uri: Option<String>,
    /// `KEYFORMAT`.
    pub key_format: &'static str,
    /// `KEYFORMATVERSIONS`.
    pub key_format_versions: &'static str,
    /// `KEYID`, written as 0x and hexadecimal digits; not for FairPlay.
    pub key_id: Option<KeyId>,
    /// `IV`: the constant initialisation vector of `cbcs`, written as 0x and hexadecimal digits.
    pub iv: Option<Iv>,
}

/// What a `ContentProtection` element says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentProtection {
    /// `@schemeIdUri`.
    pub scheme_id_uri: String,
    /// `@value`.
    pub value: Option<&'static str>,
    /// `@cenc:default_KID`.
    pub default_kid: Option<String>,
    /// `cenc:pssh`: the whole box in base64.
    pub pssh: Option<String>,
    /// `mspr:pro`: the PlayReady object in base64.
    pub playready_object: Option<String>,
    /// `dashif:Laurl` and, with `Lic_type` `EME-1.0`, `clearkey:Laurl`.
    pub licence_url: Option<String>,
    /// `@robustness`.
    pub robustness: Option<String>,
    /// Elements in place of all these, as somebody else has written them: well-formed, with the namespaces they use.
    pub content: Option<String>,
}

fn data_uri(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}

#[cfg(test)]
#[path = "signal/tests.rs"]
mod tests;
