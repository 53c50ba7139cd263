//! The JSON of the audit log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::uri::escaped;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::entry::{AuditChanges, AuditEntry, AuditOrigin};
use super::model::{EntryRow, Pack, Wanted};
use super::note::Verifier;
use super::tree::Hash;

/// What a search asks for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntriesQuery {
    /// Of whom: `admin`, `service`, `anyone`, or the id of a key or a person.
    pub(crate) actor: Option<String>,
    /// What was done: the id of an operation, such as `delete_asset`.
    pub(crate) action: Option<String>,
    /// The address of what it was done to, such as `/api/v1/assets/ast_...`.
    pub(crate) resource: Option<String>,
    /// The id of the request.
    pub(crate) request_id: Option<String>,
    /// The id of the session that it was asked for in.
    pub(crate) session: Option<String>,
    /// The id of the person that it was done to.
    pub(crate) subject: Option<String>,
    /// Those that are looked at together: `access` what changed who may what, `admin` what the holder of the admin token did.
    #[param(inline)]
    pub(crate) pack: Option<Pack>,
    /// Not before this time, in milliseconds since 1970.
    pub(crate) from_ms: Option<i64>,
    /// Before this time, in milliseconds since 1970.
    pub(crate) to_ms: Option<i64>,
    /// 1 to 200; 50 when absent.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
}

impl EntriesQuery {
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            request_id: self.request_id.clone(),
            resource: self.resource.clone(),
            action: self.action.clone(),
            actor: self.actor.clone(),
            session: self.session.clone(),
            subject: self.subject.clone(),
            pack: self.pack,
            from_ms: self.from_ms,
            to_ms: self.to_ms,
        }
    }

    /// The list's address with the filters, ending in `?` or `&`.
    pub(crate) fn address(&self) -> String {
        let texts = [
            ("actor", self.actor.clone()),
            ("action", self.action.clone()),
            ("resource", self.resource.clone()),
            ("request_id", self.request_id.clone()),
            ("session", self.session.clone()),
            ("subject", self.subject.clone()),
            ("pack", self.pack.map(|pack| pack.as_str().to_owned())),
            ("from_ms", self.from_ms.map(|ms| ms.to_string())),
            ("to_ms", self.to_ms.map(|ms| ms.to_string())),
        ];
        let filters = texts.into_iter().filter_map(|(name, text)| Some(format!("{name}={}&", escaped(&text?))));
        format!("/api/v1/audit/entries?{}", filters.collect::<String>())
    }
}

/// Which lines of the log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// The index of the first one; 0 when absent.
    pub(crate) start: Option<u64>,
    /// 1 to 1000; 1000 when absent.
    pub(crate) limit: Option<u32>,
}

/// Which entry, of which state.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InclusionQuery {
    /// The index of the entry.
    pub(crate) index: u64,
    /// How many entries the log had; all that it has when absent.
    pub(crate) size: Option<u64>,
}

/// Which two states.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConsistencyQuery {
    /// How many entries the log had first.
    pub(crate) from: u64,
    /// How many it had later; all that it has when absent.
    pub(crate) to: Option<u64>,
}

/// An entry and its place in the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntryView)]
pub(crate) struct EntryView {
    /// Its place, counted from 0.
    pub(crate) index: i64,
    /// SHA-256 of a zero byte and the entry's canonical JSON (RFC 9162 §2.1.1), in Base64.
    pub(crate) leaf_hash: String,
    /// What it says.
    #[schema(value_type = AuditEntry)]
    pub(crate) entry: Value,
    /// From where it came, of those that say so.
    pub(crate) origin: Option<AuditOrigin>,
    /// What it has changed, and why, of those that say so.
    pub(crate) change: Option<AuditChanges>,
    /// When the request came, for whoever judges; readers find it in the entry.
    #[serde(skip)]
    pub(crate) time_ms: i64,
    /// Whether it said more once, of somebody who was erased since.
    pub(crate) is_erased: bool,
}

impl From<EntryRow> for EntryView {
    fn from(row: EntryRow) -> Self {
        // As it is, even if somebody has changed it: that is for the proof to say.
        let entry = serde_json::from_str(&row.entry).unwrap_or(Value::Null);
        let leaf_hash = STANDARD.encode(row.leaf_hash);
        let (index, time_ms) = (row.seq, row.time_ms);
        Self { index, leaf_hash, entry, origin: None, change: None, time_ms, is_erased: false }
    }
}

/// Whom checkpoints are signed by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditKey)]
pub(crate) struct KeyView {
    /// The name of the key, and the origin of the checkpoints.
    pub(crate) name: String,
    /// The Ed25519 public key (RFC 8032), in Base64.
    pub(crate) public_key: String,
    /// Both, as tools that verify signed notes are told.
    pub(crate) verifier_key: String,
}

impl From<&Verifier> for KeyView {
    fn from(verifier: &Verifier) -> Self {
        let (name, public_key) = (verifier.name().to_owned(), STANDARD.encode(verifier.public_key()));
        Self { name, public_key, verifier_key: verifier.to_string() }
    }
}

/// That an entry is in a state of the log (RFC 9162 §2.1.3).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditInclusion)]
pub(crate) struct InclusionView {
    /// The index of the entry.
    pub(crate) index: u64,
    /// The entries of that state.
    pub(crate) size: u64,
    /// The hash of the entry, in Base64.
    pub(crate) leaf_hash: String,
    /// The hashes beside the way from it to the root, from the lowest, in Base64.
    pub(crate) hashes: Vec<String>,
}

/// That a state of the log begins as an earlier one (RFC 9162 §2.1.4).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditConsistency)]
pub(crate) struct ConsistencyView {
    /// The entries of the earlier state.
    pub(crate) from: u64,
    /// Those of the later one.
    pub(crate) to: u64,
    /// The proof, in Base64.
    pub(crate) hashes: Vec<String>,
}

/// Hashes as they stand in answers.
pub(crate) fn encoded(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}
