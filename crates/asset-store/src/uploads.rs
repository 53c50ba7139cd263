//! From the announcement of an upload to its source.

use asset_flow::{AssetState, FlowEvent, FlowFailure, Phase};
use database::{Tx, args};
use media_types::{AssetId, PlaybackId, TenantId, UploadId};
use uuid::Uuid;

use crate::apply::{UPLOAD_EXPIRED, announce, lock, object};
use crate::rows::{MOST_PARTS, Metadata, RawAsset, RawUpload};
use crate::{AssetRow, AssetStore, MAX_PAGE, NewUpload, StoreError, UploadRow, UploadState, sql};

/// The most characters of a file name.
const MAX_FILENAME_CHARS: usize = 255;
/// The most bytes of a ladder's name or a hash.
const MAX_WORD_BYTES: usize = 128;

impl AssetStore {
    /// Announces an upload and makes the asset it will fill, as a part of the caller's transaction, which is to be dropped when this
    /// fails.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the size is unknown or zero, or a text cannot be stored. [`StoreError::OverLimit`] when there
    /// is no room for it.
    pub async fn create_upload(
        &self,
        tx: &mut Tx,
        new: &NewUpload,
        now_ms: i64,
    ) -> Result<(UploadRow, AssetRow), StoreError> {
        let size = check(new)?;
        let asset_id = AssetId::from_unique(Uuid::now_v7().simple());
        // Version 4: 122 random bits and no time, since whoever knows it may play.
        let playback_id = PlaybackId::from_unique(Uuid::new_v4().simple());
        let state = AssetState::default();
        self.admit(tx, &new.tenant_id, new.size_bytes.unwrap_or(0), now_ms).await?;
        let asset_args = args![
            &new.tenant_id,
            &asset_id,
            &playback_id,
            &new.filename,
            state.phase.as_str(),
            object(&state, "asset")?,
            &new.ladder,
            new.protection.map(|scheme| scheme.as_str()),
            now_ms,
        ];
        let asset: Option<RawAsset> = tx.optional(sql::INSERT_ASSET, asset_args).await?;
        let asset: AssetRow = asset.ok_or(StoreError::Corrupt("asset"))?.try_into()?;
        let metadata = object(&Metadata { parts: new.parts.clone() }, "upload")?;
        let upload_id = UploadId::from_unique(Uuid::now_v7().simple());
        let upload_args = args![&new.tenant_id, &upload_id, &asset_id, size, &new.filename, metadata, now_ms];
        let upload: Option<RawUpload> = tx.optional(sql::INSERT_UPLOAD, upload_args).await?;
        let upload: UploadRow = upload.ok_or(StoreError::Corrupt("upload"))?.try_into()?;
        announce(tx, "asset.created", &asset, now_ms).await?;
        Ok((upload, asset))
    }

    /// The tenant's upload of this id.
    pub async fn upload(&self, tenant: &TenantId, upload: &UploadId) -> Result<Option<UploadRow>, StoreError> {
        let row: Option<RawUpload> = self.db().optional(sql::GET_UPLOAD, args![tenant, upload]).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Records that the first `received_bytes` bytes are stored. A smaller number than before, or one for an upload that
    /// is attached already, changes nothing.
    ///
    /// # Errors
    /// [`StoreError::UploadClosed`] when the upload was stopped; [`StoreError::Invalid`] for more bytes than announced.
    pub async fn record_received(
        &self,
        tenant: &TenantId,
        upload: &UploadId,
        received_bytes: u64,
        now_ms: i64,
    ) -> Result<UploadRow, StoreError> {
        let (mut tx, asset, upload) = self.lock_upload(tenant, upload).await?;
        if received_bytes > upload.size_bytes {
            return Err(StoreError::Invalid { field: "received_bytes", reason: "is more than was announced" });
        }
        if upload.state == UploadState::Attached {
            return Ok(upload);
        }
        if !upload.state.is_open() {
            return Err(StoreError::UploadClosed(upload.state));
        }
        if received_bytes <= upload.received_bytes {
            return Ok(upload);
        }
        let whole = received_bytes == upload.size_bytes;
        let state = if whole { UploadState::Received } else { UploadState::Receiving };
        let upload = save(&mut tx, UploadRow { received_bytes, state, ..upload }, now_ms).await?;
        if asset.state == Phase::AwaitingUpload {
            self.step(&mut tx, asset, &FlowEvent::UploadStarted, now_ms).await?;
        }
        tx.commit().await?;
        Ok(upload)
    }

    /// Has work begin with what is recorded as received, since its index and all that is needed of its first half minute are
    /// among it. Changes nothing when work has begun already, or may not: the upload has ended, or its source is to be
    /// sealed first.
    pub async fn take_head_start(
        &self,
        tenant: &TenantId,
        upload: &UploadId,
        now_ms: i64,
    ) -> Result<AssetRow, StoreError> {
        let (mut tx, asset, upload) = self.lock_upload(tenant, upload).await?;
        if !upload.state.is_open() || asset.protection.is_some() {
            return Ok(asset);
        }
        let asset = self.step(&mut tx, asset, &FlowEvent::BeginningReceived, now_ms).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// Before the bytes of an upload are thrown away, or others take their place: none counts as received, nor does what was
    /// made of them.
    ///
    /// # Errors
    /// [`StoreError::UploadClosed`] when the upload has ended.
    pub async fn restart_upload(
        &self,
        tenant: &TenantId,
        upload: &UploadId,
        now_ms: i64,
    ) -> Result<AssetRow, StoreError> {
        let (mut tx, asset, upload) = self.lock_upload(tenant, upload).await?;
        if !upload.state.is_open() {
            return Err(StoreError::UploadClosed(upload.state));
        }
        if upload.received_bytes > 0 {
            let emptied = UploadRow { received_bytes: 0, state: UploadState::Receiving, ..upload };
            save(&mut tx, emptied, now_ms).await?;
        }
        let asset = self.step(&mut tx, asset, &FlowEvent::UploadRestarted, now_ms).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// The upload that fills the asset.
    pub async fn upload_of(&self, asset: &AssetRow) -> Result<Option<UploadRow>, StoreError> {
        let row: Option<RawUpload> =
            self.db().optional(sql::UPLOAD_OF_ASSET, args![&asset.tenant_id, &asset.id]).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Makes the stored bytes of an upload the source of its asset, which starts its processing. May be repeated with
    /// the same bytes.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when `size` is not the announced size; [`StoreError::OtherSource`] when the upload was
    /// attached with other bytes; [`StoreError::UploadClosed`] when it was stopped.
    pub async fn attach_source(
        &self,
        tenant: &TenantId,
        upload: &UploadId,
        size: u64,
        sha256: &str,
        now_ms: i64,
    ) -> Result<AssetRow, StoreError> {
        check_word("sha256", sha256)?;
        let (mut tx, mut asset, upload) = self.lock_upload(tenant, upload).await?;
        if upload.state == UploadState::Attached {
            let same = asset.source_size == Some(size) && asset.source_sha256.as_deref() == Some(sha256);
            return if same { Ok(asset) } else { Err(StoreError::OtherSource) };
        }
        if !upload.state.is_open() {
            return Err(StoreError::UploadClosed(upload.state));
        }
        if size != upload.size_bytes {
            return Err(StoreError::Invalid { field: "size", reason: "is not what was announced" });
        }
        let attached = UploadRow { received_bytes: size, state: UploadState::Attached, ..upload };
        save(&mut tx, attached, now_ms).await?;
        asset.source_size = Some(size);
        asset.source_sha256 = Some(sha256.to_owned());
        let asset = self.step(&mut tx, asset, &FlowEvent::SourceReceived, now_ms).await?;
        tx.commit().await?;
        Ok(asset)
    }

    /// Stops an upload, and its asset with it. One that has stopped already stays as it is.
    ///
    /// # Errors
    /// [`StoreError::UploadClosed`] when its bytes are the asset's source: then it is the asset that can be cancelled.
    pub async fn cancel_upload(
        &self,
        tenant: &TenantId,
        upload: &UploadId,
        now_ms: i64,
    ) -> Result<UploadRow, StoreError> {
        let (tx, asset, upload) = self.lock_upload(tenant, upload).await?;
        match upload.state {
            UploadState::Attached => Err(StoreError::UploadClosed(upload.state)),
            state if state.is_open() => self.stop(tx, asset, &upload, &FlowEvent::Cancelled, now_ms).await,
            _ => Ok(upload),
        }
    }

    /// Ends the uploads, of all tenants, that last changed before `idle_since_ms`, oldest first, at most `limit`
    /// (capped at [`MAX_PAGE`]); returns those it ended, whose staged bytes may go.
    pub async fn expire_uploads(
        &self,
        idle_since_ms: i64,
        limit: i64,
        now_ms: i64,
    ) -> Result<Vec<UploadRow>, StoreError> {
        let args = args![idle_since_ms, limit.clamp(0, MAX_PAGE)];
        let idle: Vec<RawUpload> = self.db().all(sql::IDLE_UPLOADS, args).await?;
        let failure = FlowFailure {
            stage: "upload".to_owned(),
            code: UPLOAD_EXPIRED.to_owned(),
            detail: "the upload stopped and was not resumed in time".to_owned(),
            hint: Some("upload the file again".to_owned()),
        };
        let event = FlowEvent::Failed { failure };
        let mut expired = Vec::new();
        for raw in idle {
            let seen: UploadRow = raw.try_into()?;
            let (tx, asset, upload) = match self.lock_upload(&seen.tenant_id, &seen.id).await {
                // Its asset was deleted a moment ago.
                Err(StoreError::NotFound(_)) => continue,
                locked => locked?,
            };
            if upload.state.is_open() && upload.updated_ms < idle_since_ms {
                expired.push(self.stop(tx, asset, &upload, &event, now_ms).await?);
            }
        }
        Ok(expired)
    }

    /// Ends an open upload by an event that ends its asset.
    async fn stop(
        &self,
        mut tx: Tx,
        asset: AssetRow,
        upload: &UploadRow,
        event: &FlowEvent,
        now_ms: i64,
    ) -> Result<UploadRow, StoreError> {
        self.step(&mut tx, asset, event, now_ms).await?;
        let upload = read(&mut tx, &upload.tenant_id, &upload.id).await?;
        tx.commit().await?;
        Ok(upload)
    }

    /// Begins a transaction that holds the lock of the upload's asset, which guards the upload too.
    async fn lock_upload(&self, tenant: &TenantId, upload: &UploadId) -> Result<(Tx, AssetRow, UploadRow), StoreError> {
        let known = self.upload(tenant, upload).await?.ok_or(StoreError::NotFound("upload"))?;
        let mut tx = self.db().begin().await?;
        let asset = lock(&mut tx, tenant, &known.asset_id).await?;
        let upload = read(&mut tx, tenant, upload).await?;
        Ok((tx, asset, upload))
    }
}

async fn read(tx: &mut Tx, tenant: &TenantId, upload: &UploadId) -> Result<UploadRow, StoreError> {
    let row: Option<RawUpload> = tx.optional(sql::GET_UPLOAD, args![tenant, upload]).await?;
    row.ok_or(StoreError::NotFound("upload"))?.try_into()
}

async fn save(tx: &mut Tx, upload: UploadRow, now_ms: i64) -> Result<UploadRow, StoreError> {
    let received = i64::try_from(upload.received_bytes).map_err(|_| StoreError::Corrupt("upload"))?;
    let args = args![&upload.tenant_id, &upload.id, received, upload.state.as_str(), now_ms];
    let row: Option<RawUpload> = tx.optional(sql::SAVE_UPLOAD, args).await?;
    row.ok_or(StoreError::NotFound("upload"))?.try_into()
}

/// The size, when the announcement is fine.
fn check(new: &NewUpload) -> Result<i64, StoreError> {
    let invalid = |field, reason| Err(StoreError::Invalid { field, reason });
    for filename in new.parts.iter().map(|part| &part.filename).chain([&new.filename]) {
        if filename.chars().count() > MAX_FILENAME_CHARS {
            return invalid("filename", "has more than 255 characters");
        }
        if filename.contains('\0') {
            return invalid("filename", "holds a NUL character");
        }
    }
    if !new.parts.is_empty() {
        let total = new.parts.iter().try_fold(0u64, |sum, part| sum.checked_add(part.size_bytes));
        let each = new.parts.iter().all(|part| part.size_bytes > 0);
        if !(2..=MOST_PARTS).contains(&new.parts.len()) || !each || total != new.size_bytes {
            return invalid("parts", "must be 2 to 32 files that add up to the size");
        }
    }
    check_word("ladder", &new.ladder)?;
    match new.size_bytes.map(i64::try_from) {
        None => invalid("size_bytes", "must be known when an upload is announced"),
        Some(Ok(size)) if size > 0 => Ok(size),
        Some(_) => invalid("size_bytes", "must be at least 1 and fit 63 bits"),
    }
}

fn check_word(field: &'static str, word: &str) -> Result<(), StoreError> {
    let fine = (1..=MAX_WORD_BYTES).contains(&word.len()) && !word.contains('\0');
    if fine { Ok(()) } else { Err(StoreError::Invalid { field, reason: "must be 1 to 128 bytes without NUL" }) }
}
