//! Assets and uploads.

use std::fmt;
use std::str::FromStr;

use asset_flow::{AssetState, Phase};
use database::Json;
use drm::ProtectionScheme;
use media_types::{AssetId, PlaybackId, TenantId, UploadId};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The most files that one source is made of.
pub const MOST_PARTS: usize = 32;

/// One of several files that are a source together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePart {
    /// What it is called where it comes from: data, never a path.
    pub filename: String,
    /// Its size in bytes, at least 1.
    pub size_bytes: u64,
}

/// What is kept of an announcement beside columns of its own.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Metadata {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<SourcePart>,
}

/// What an upload is announced with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUpload {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What the file is called where it comes from: data, never a path. At most 255 characters, none of them NUL.
    pub filename: String,
    /// Size in bytes, at least 1. `None` (not known yet) is refused.
    pub size_bytes: Option<u64>,
    /// The files that it is made of, one behind the other: none for a single one, else 2 to [`MOST_PARTS`] which add up.
    pub parts: Vec<SourcePart>,
    /// The name of the ladder it will be encoded with.
    pub ladder: String,
    /// How it is encrypted before it is published; `None` for clear.
    pub protection: Option<ProtectionScheme>,
}

/// Where a transfer of bytes stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Announced.
    Waiting,
    /// Some bytes arrived.
    Receiving,
    /// All bytes arrived and are not yet the asset's source.
    Received,
    /// The bytes are the asset's source.
    Attached,
    /// A person stopped it.
    Canceled,
    /// It failed.
    Errored,
    /// No byte arrived for too long.
    Expired,
}

impl UploadState {
    const ALL: [UploadState; 7] = [
        UploadState::Waiting,
        UploadState::Receiving,
        UploadState::Received,
        UploadState::Attached,
        UploadState::Canceled,
        UploadState::Errored,
        UploadState::Expired,
    ];

    /// Its name, as in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            UploadState::Waiting => "waiting",
            UploadState::Receiving => "receiving",
            UploadState::Received => "received",
            UploadState::Attached => "attached",
            UploadState::Canceled => "canceled",
            UploadState::Errored => "errored",
            UploadState::Expired => "expired",
        }
    }

    /// Whether it still takes bytes.
    pub fn is_open(self) -> bool {
        matches!(self, UploadState::Waiting | UploadState::Receiving | UploadState::Received)
    }
}

impl fmt::Display for UploadState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for UploadState {
    type Err = StoreError;
    fn from_str(text: &str) -> Result<Self, StoreError> {
        UploadState::ALL.into_iter().find(|state| state.as_str() == text).ok_or(StoreError::Corrupt("upload"))
    }
}

/// One transfer of bytes into an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: UploadId,
    /// The asset it fills.
    pub asset_id: AssetId,
    /// Announced size in bytes.
    pub size_bytes: u64,
    /// Bytes that are stored; falls only when the upload is begun anew.
    pub received_bytes: u64,
    /// Where it stands.
    pub state: UploadState,
    /// What the file is called where it comes from.
    pub filename: String,
    /// The files that it is made of, one behind the other; none for a single one.
    pub parts: Vec<SourcePart>,
    /// When it was announced, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it last changed, in milliseconds since 1970.
    pub updated_ms: i64,
}

/// One asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetRow {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Its id.
    pub id: AssetId,
    /// The public name it is played under.
    pub playback_id: PlaybackId,
    /// What the file is called where it comes from.
    pub filename: String,
    /// The phase of `flow`.
    pub state: Phase,
    /// All that the flow remembers: plan, published generations, failure.
    pub flow: AssetState,
    /// The last generation number handed out; 0 for none.
    pub generation: u64,
    /// Size of the source in bytes, once it is there.
    pub source_size: Option<u64>,
    /// Hash of the source, once it is there.
    pub source_sha256: Option<String>,
    /// Name of the ladder.
    pub ladder: String,
    /// Hash of the ladder file that the plan was made with, once there is a plan.
    pub ladder_sha256: Option<String>,
    /// How it is encrypted before it is published; `None` for clear.
    pub protection: Option<ProtectionScheme>,
    /// Length of the presentation in milliseconds, once there is a plan.
    pub duration_ms: Option<i64>,
    /// When it was announced, in milliseconds since 1970, like all times here.
    pub created_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
    /// When its source was complete.
    pub uploaded_ms: Option<i64>,
    /// When it could first be played.
    pub playable_ms: Option<i64>,
    /// When everything was published.
    pub complete_ms: Option<i64>,
    /// When its renewal was asked for, if there is one.
    pub renewal_ms: Option<i64>,
    /// Since when what a renewal made is served; `None` while it is what was made first.
    pub renewed_ms: Option<i64>,
    /// Grows with every change of its state, from 1.
    pub version: i64,
}

database::row! {
    pub(crate) struct RawUpload {
        tenant_id: String,
        id: String,
        asset_id: String,
        size_bytes: i64,
        received_bytes: i64,
        state: String,
        filename: String,
        metadata: Json<Metadata>,
        created_ms: i64,
        updated_ms: i64,
    }
}

impl TryFrom<RawUpload> for UploadRow {
    type Error = StoreError;
    fn try_from(raw: RawUpload) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt("upload");
        Ok(Self {
            tenant_id: raw.tenant_id.parse().map_err(|_| corrupt())?,
            id: raw.id.parse().map_err(|_| corrupt())?,
            asset_id: raw.asset_id.parse().map_err(|_| corrupt())?,
            size_bytes: u64::try_from(raw.size_bytes).map_err(|_| corrupt())?,
            received_bytes: u64::try_from(raw.received_bytes).map_err(|_| corrupt())?,
            state: raw.state.parse()?,
            filename: raw.filename,
            parts: raw.metadata.0.parts,
            created_ms: raw.created_ms,
            updated_ms: raw.updated_ms,
        })
    }
}

database::row! {
    pub(crate) struct RawAsset {
        tenant_id: String,
        id: String,
        playback_id: String,
        filename: String,
        flow: Json<AssetState>,
        generation: i64,
        source_size: Option<i64>,
        source_sha256: Option<String>,
        ladder: String,
        ladder_sha256: Option<String>,
        protection: Option<String>,
        duration_ms: Option<i64>,
        created_ms: i64,
        updated_ms: i64,
        uploaded_ms: Option<i64>,
        playable_ms: Option<i64>,
        complete_ms: Option<i64>,
        version: i64,
        renewal_ms: Option<i64>,
        renewed_ms: Option<i64>,
    }
}

impl TryFrom<RawAsset> for AssetRow {
    type Error = StoreError;
    fn try_from(raw: RawAsset) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt("asset");
        Ok(Self {
            tenant_id: raw.tenant_id.parse().map_err(|_| corrupt())?,
            id: raw.id.parse().map_err(|_| corrupt())?,
            playback_id: raw.playback_id.parse().map_err(|_| corrupt())?,
            filename: raw.filename,
            state: raw.flow.0.phase,
            flow: raw.flow.0,
            generation: u64::try_from(raw.generation).map_err(|_| corrupt())?,
            source_size: raw.source_size.map(u64::try_from).transpose().map_err(|_| corrupt())?,
            source_sha256: raw.source_sha256,
            ladder: raw.ladder,
            ladder_sha256: raw.ladder_sha256,
            protection: raw.protection.map(|code| scheme(&code).ok_or_else(corrupt)).transpose()?,
            duration_ms: raw.duration_ms,
            created_ms: raw.created_ms,
            updated_ms: raw.updated_ms,
            uploaded_ms: raw.uploaded_ms,
            playable_ms: raw.playable_ms,
            complete_ms: raw.complete_ms,
            renewal_ms: raw.renewal_ms,
            renewed_ms: raw.renewed_ms,
            version: raw.version,
        })
    }
}

fn scheme(code: &str) -> Option<ProtectionScheme> {
    ProtectionScheme::from_code(code.as_bytes())
}
