//! What a document tells licence systems of its keys (DASH-IF CPIX 2.4, clause "`DRMSystem` Element").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cpix::Document;
use drm::signal::{ContentProtection, System};
use drm::{KeyId, Pssh, SystemId};
use packager::SystemSignal;

/// What a document tells a system of a key.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) id: KeyId,
    /// `None` for one that has no name here.
    pub(super) system: Option<System>,
    system_id: SystemId,
    /// A whole box, and the data in it.
    pssh: Option<(Vec<u8>, Vec<u8>)>,
    /// Elements of `ContentProtection`, and its `@robustness`.
    content: Option<String>,
    robustness: Option<String>,
    /// `URI` of `EXT-X-KEY` and of `EXT-X-SESSION-KEY`.
    hls_uri: Option<String>,
    session_uri: Option<String>,
}

/// What all systems are told.
pub(super) fn all(document: &Document) -> Result<Vec<Told>, String> {
    let mut all = Vec::new();
    for said in &document.drm_systems {
        let of = |what: &str| format!("{what} of {} for content key {}", said.system_id, said.kid);
        let pssh = match said.pssh.as_deref() {
            None | Some([]) => None,
            Some(bytes) => {
                let pssh = Pssh::parse(bytes).map_err(|error| format!("{}: {error}", of("PSSH")))?;
                if pssh.system_id != said.system_id {
                    return Err(format!("{} is a box of {}", of("PSSH"), pssh.system_id));
                }
                Some((bytes.to_vec(), pssh.data))
            }
        };
        let content = said.content_protection_elements();
        let content = content.map_err(|error| format!("{}: {error}", of("ContentProtectionData")))?;
        let uri = |lines: &Option<String>, tag: &str| match lines.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(lines) => match key_uri(lines, tag) {
                Some(uri) => Ok(Some(uri.to_owned())),
                None => Err(format!("{} has no {tag} with a URI", of("HLSSignalingData"))),
            },
        };
        let lines = &said.hls_signaling;
        all.push(Told {
            id: said.kid,
            system: System::ALL.into_iter().find(|system| system.id() == said.system_id),
            system_id: said.system_id,
            pssh,
            content,
            robustness: said.robustness.clone(),
            hls_uri: uri(&lines.media, "EXT-X-KEY")?,
            session_uri: uri(&lines.multivariant, "EXT-X-SESSION-KEY")?,
        });
    }
    Ok(all)
}

impl Told {
    /// Puts it in place of what we would say.
    pub(super) fn adjust(&self, signal: &mut SystemSignal) {
        if let Some((whole, data)) = &self.pssh {
            let is_playready = self.system == Some(System::PlayReady);
            let carried = if is_playready { data } else { whole };
            if let Some(dash) = &mut signal.dash {
                dash.pssh = dash.pssh.take().map(|_| STANDARD.encode(whole));
                dash.playready_object = dash.playready_object.take().map(|_| STANDARD.encode(data));
            }
            if let Some(hls) = &mut signal.hls
                && (is_playready || self.system == Some(System::Widevine))
                && let Some((head, _)) = hls.uri.split_once("base64,")
            {
                hls.uri = format!("{head}base64,{}", STANDARD.encode(carried));
            }
            signal.pssh = Some(whole.clone());
        }
        if let Some(dash) = &mut signal.dash {
            dash.content.clone_from(&self.content);
            dash.robustness.clone_from(&self.robustness);
        }
        if let Some(hls) = &mut signal.hls {
            hls.session_uri.clone_from(&self.session_uri);
            if let Some(uri) = &self.hls_uri {
                hls.uri.clone_from(uri);
            }
        }
    }

    /// It alone, for a system of which nothing else is known.
    pub(super) fn signal(&self) -> SystemSignal {
        let pssh = self.pssh.as_ref().map(|(whole, _)| whole.clone());
        let dash = ContentProtection {
            scheme_id_uri: self.system_id.urn(),
            pssh: pssh.as_ref().map(|whole| STANDARD.encode(whole)),
            robustness: self.robustness.clone(),
            content: self.content.clone(),
            ..ContentProtection::default()
        };
        SystemSignal { pssh, hls: None, dash: Some(dash) }
    }
}

/// The `URI` of the first such tag in lines of a playlist (RFC 8216bis §4.2).
fn key_uri<'a>(lines: &'a str, tag: &str) -> Option<&'a str> {
    let of_tag = |line: &'a str| line.trim().strip_prefix('#')?.strip_prefix(tag)?.strip_prefix(':');
    let mut rest = lines.lines().find_map(of_tag)?;
    loop {
        let (name, value) = rest.split_once('=')?;
        let end = match value.strip_prefix('"') {
            Some(quoted) => quoted.find('"')? + 2,
            None => value.find(',').unwrap_or(value.len()),
        };
        let (value, behind) = value.split_at(end);
        if name.trim() == "URI" {
            return value.strip_prefix('"')?.strip_suffix('"').filter(|uri| !uri.is_empty());
        }
        rest = behind.strip_prefix(',')?;
    }
}

#[cfg(test)]
mod tests {
    use super::key_uri;

    #[test]
    fn an_address_is_found_among_attributes() {
        let line = "#EXTM3U\n #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a,b=c\",IV=0x1\n";
        assert_eq!(key_uri(line, "EXT-X-KEY"), Some("skd://a,b=c"));
        assert_eq!(key_uri(line, "EXT-X-SESSION-KEY"), None);
        for text in [
            "",
            "#EXT-X-KEY:",
            "#EXT-X-KEY:URI=\"",
            "#EXT-X-KEY:URI=\"\"",
            "#EXT-X-KEY:A=1,,URI=\"x\"",
            "#EXT-X-KEY:URI=x",
        ] {
            assert_eq!(key_uri(text, "EXT-X-KEY"), None, "{text}");
        }
    }
}
