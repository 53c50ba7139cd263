//! The keys that were used, as a CPIX document for those who hand out licences.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use cpix::{
    Certificate, ContentKeyElement, ContentKeyPeriod, Document, DrmSystem, HlsSignaling, KeyData, UsageRule, Xml,
};
use drm::signal::{CENC_NAMESPACE, ContentProtection, HlsKey, MSPR_NAMESPACE, System};
use drm::{ContentKey, Iv, KeyId, ProtectionScheme, Pssh, TrackClass};
use packager::SystemSignal;

use super::{Span, fault, random, read_certificate};
use crate::exit::Failure;

/// A key of one track, in one crypto period if keys change.
pub(in crate::package) struct Used {
    pub(in crate::package) track: String,
    pub(in crate::package) class: TrackClass,
    pub(in crate::package) id: KeyId,
    pub(in crate::package) key: ContentKey,
    /// The constant initialisation vector of its samples.
    pub(in crate::package) iv: Option<Iv>,
    /// Which crypto period, and when it is.
    pub(in crate::package) period: Option<(u32, Span)>,
    /// What licence systems are told.
    pub(in crate::package) told: Vec<(System, SystemSignal)>,
}

/// Where the keys that were used go, and who can read them.
#[derive(Debug)]
pub(crate) struct Handover {
    path: PathBuf,
    recipients: Vec<Certificate>,
}

impl Handover {
    /// Into a file that is not there yet, for the owners of these certificates alone.
    pub(crate) fn new(path: &Path, recipients: &[PathBuf]) -> Result<Self, Failure> {
        if path.exists() {
            return Err(fault(path, "it is there already", "nothing is overwritten; name another file"));
        }
        let recipients = recipients.iter().map(|path| read_certificate(path)).collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_owned(), recipients })
    }

    /// Writes the document. It holds no key in clear.
    pub(in crate::package) fn write(&self, scheme: ProtectionScheme, used: &[Used]) -> Result<Written<'_>, Failure> {
        let text = self.sealed(scheme, used)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path);
        let written = file.and_then(|mut file| {
            let written = Written { path: Some(&self.path) };
            file.write_all(text.as_bytes())?;
            file.sync_all().map(|()| written)
        });
        written.map_err(|error| {
            Failure::failed("output.failed", format!("{}: {error}", self.path.display()), "check the folder")
        })
    }

    fn sealed(&self, scheme: ProtectionScheme, used: &[Used]) -> Result<Xml, Failure> {
        let mut document = document(scheme, used);
        let sealed = document.seal(&self.recipients, &mut random(&self.path)?);
        sealed.map_err(|error| fault(&self.path, error, "name the certificate of who is to read the keys"))?;
        Ok(document.to_xml())
    }
}

/// A document that was written; it goes again unless what it is for is [kept](Self::keep).
pub(in crate::package) struct Written<'a> {
    path: Option<&'a Path>,
}

impl Written<'_> {
    pub(in crate::package) fn keep(mut self) {
        self.path = None;
    }
}

impl Drop for Written<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.path {
            // The failure that is told is the one before.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Keys in the order of their first use. Rules name tracks, so that the document gives each its key again.
fn document(scheme: ProtectionScheme, used: &[Used]) -> Document {
    let mut document = Document { version: Some(Document::VERSION.to_owned()), ..Document::default() };
    for one in used {
        if let Some((index, span)) = one.period {
            period(&mut document, index, span);
        }
        rule(&mut document, one);
        match document.keys.iter_mut().find(|key| key.kid == one.id) {
            // A key of several tracks has a vector for each.
            Some(known) if known.explicit_iv != one.iv => known.explicit_iv = None,
            Some(_) => {}
            None => {
                let mut key = ContentKeyElement::new(one.id);
                key.scheme = Some(scheme.into());
                key.explicit_iv = one.iv;
                key.data = KeyData::Plain(one.key.clone());
                document.keys.push(key);
                document.drm_systems.extend(one.told.iter().filter_map(|(of, told)| system(one.id, *of, told)));
            }
        }
    }
    document
}

fn period_id(index: u32) -> String {
    format!("period-{index}")
}

fn period(document: &mut Document, index: u32, span: Span) {
    let id = Some(period_id(index));
    if document.periods.iter().any(|known| known.id == id) {
        return;
    }
    let duration = |us: u64| match us % 1_000_000 {
        0 => format!("PT{}S", us / 1_000_000),
        part => format!("PT{}.{part:06}S", us / 1_000_000),
    };
    let (start_offset, end_offset) = (Some(duration(span.start_us)), Some(duration(span.end_us)));
    document.periods.push(ContentKeyPeriod {
        id,
        index: Some(index),
        start_offset,
        end_offset,
        ..ContentKeyPeriod::default()
    });
}

/// One rule for each key and period, which names the tracks.
fn rule(document: &mut Document, used: &Used) {
    let periods: Vec<String> = used.period.iter().map(|(index, _)| period_id(*index)).collect();
    let class = used.class.as_str().to_ascii_uppercase();
    let known = document.usage_rules.iter_mut().find(|rule| rule.kid == used.id && rule.periods == periods);
    let rule = match known {
        Some(rule) => {
            if rule.intended_track_type.as_ref() != Some(&class) {
                rule.intended_track_type = Some("ALL".to_owned());
            }
            rule
        }
        None => {
            let mut rule = UsageRule::new(used.id);
            rule.intended_track_type = Some(class);
            rule.periods = periods;
            document.usage_rules.push(rule);
            let last = document.usage_rules.len() - 1;
            &mut document.usage_rules[last]
        }
    };
    rule.labels.push(used.track.clone());
}

/// What a system is told; `None` when that is nothing. ClearKey has no box of its own.
fn system(id: KeyId, system: System, told: &SystemSignal) -> Option<DrmSystem> {
    let own = |whole: &&Vec<u8>| Pssh::parse(whole).is_ok_and(|pssh| pssh.system_id == system.id());
    let pssh = told.pssh.as_ref().filter(own).cloned();
    let content_protection_data = told.dash.as_ref().and_then(elements);
    let media = told.hls.as_ref().map(|key| tag("#EXT-X-KEY", key, &key.uri));
    let multivariant = |key: &HlsKey| Some(tag("#EXT-X-SESSION-KEY", key, key.session_uri.as_ref()?));
    let multivariant = told.hls.as_ref().and_then(multivariant);
    if pssh.is_none() && content_protection_data.is_none() && media.is_none() {
        return None;
    }
    let robustness = told.dash.as_ref().and_then(|dash| dash.robustness.clone());
    let hls_signaling = HlsSignaling { media, multivariant };
    Some(DrmSystem { pssh, content_protection_data, robustness, hls_signaling, ..DrmSystem::new(id, system.id()) })
}

/// What stands inside of `ContentProtection`; `None` when that is nothing.
fn elements(dash: &ContentProtection) -> Option<String> {
    if dash.content.is_some() {
        return dash.content.clone();
    }
    let pssh = dash.pssh.iter().map(|pssh| format!("<cenc:pssh xmlns:cenc=\"{CENC_NAMESPACE}\">{pssh}</cenc:pssh>"));
    let object = dash.playready_object.iter();
    let object = object.map(|object| format!("<mspr:pro xmlns:mspr=\"{MSPR_NAMESPACE}\">{object}</mspr:pro>"));
    Some(pssh.chain(object).collect::<String>()).filter(|elements| !elements.is_empty())
}

/// A tag without its initialisation vector, which is each track's own.
fn tag(name: &str, key: &HlsKey, uri: &str) -> String {
    let HlsKey { method, key_format, key_format_versions, .. } = key;
    format!(
        "{name}:METHOD={method},URI=\"{uri}\",KEYFORMAT=\"{key_format}\",KEYFORMATVERSIONS=\"{key_format_versions}\""
    )
}
