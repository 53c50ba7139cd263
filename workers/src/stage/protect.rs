//! Encrypt what a generation refers to: the last step before it is published.

use std::collections::BTreeMap;
use std::io;

use asset_store::AssetRow;
use drm::signal::{Licensed, System};
use drm::{KeyEntry, KeyId, ProtectionScheme, SegmentEncryptor, TrackClass};
use job_queue::Lease;
use key_vault::{KeyOwner, KeyVault};
use media_types::{TrackKind, TrackRecord, publication};
use packager::{Protection, TrackSignal, protected_segment, segment_path, segment_samples};

use super::publish::{Files, published};
use super::{Workshop, now_ms};
use crate::error::WorkError;

/// What protected recordings need.
#[derive(Clone, Default)]
pub struct Protecting {
    /// Content keys; without it no recording can be protected.
    pub vault: Option<KeyVault>,
    /// The licence systems that players are told of.
    pub systems: Vec<System>,
}

/// What encrypting a generation comes to.
#[derive(Default)]
pub(super) struct Protected {
    /// What players are told of the keys.
    pub(super) signals: Protection,
    /// BLAKE3 of each track's samples in clear, which is what decrypting must give again.
    pub(super) samples: BTreeMap<String, String>,
}

impl Workshop {
    /// The keys of a recording for all of these tracks, new ones where there are none yet.
    pub(super) async fn keys(
        &self,
        asset: &AssetRow,
        scheme: ProtectionScheme,
        tracks: &[TrackRecord],
    ) -> Result<Vec<KeyEntry>, WorkError> {
        let vault = self.protecting.vault.as_ref().ok_or_else(|| {
            WorkError::Keys("this worker has no key-encryption key, and the recording is to be protected".to_owned())
        })?;
        let (tenant, playback) = (asset.tenant_id.clone(), asset.playback_id.clone());
        let owner = KeyOwner { tenant, playback, scheme, period: 0 };
        let mut classes: Vec<TrackClass> = tracks.iter().filter_map(class_of).collect();
        classes.sort_unstable();
        classes.dedup();
        let mut random = |out: &mut [u8]| getrandom::fill(out).map_err(io::Error::other);
        Ok(vault.keys_or_new(&owner, &classes, &mut random, now_ms()).await?)
    }

    /// Writes encrypted copies of all segments under the generation's own prefix, enters them in `files` and `tracks` in
    /// place of the clear ones.
    pub(super) async fn protect(
        &self,
        asset: &AssetRow,
        (scheme, keys): (ProtectionScheme, &[KeyEntry]),
        generation: u64,
        (tracks, files): (&mut [TrackRecord], &mut Files),
        lease: &Lease,
    ) -> Result<Protected, WorkError> {
        let ids: Vec<KeyId> = keys.iter().map(|entry| entry.id).collect();
        let mut made = Protected::default();
        for track in tracks {
            let Some(class) = class_of(track) else { continue };
            let entry = keys
                .iter()
                .find(|entry| entry.class == Some(class))
                .ok_or_else(|| WorkError::Keys(format!("there is no key for {class} tracks")))?;
            let refused = |error| WorkError::Engine(format!("{} cannot be encrypted: {error}", track.name));
            let mut encryptor =
                SegmentEncryptor::new(scheme, entry.id, &entry.key, &track.name, &track.config).map_err(refused)?;
            let licensed = Licensed {
                protection: encryptor.protection(),
                key: &entry.key,
                key_ids: &ids,
                licence_url: None,
                skd_uri: None,
            };
            made.signals.insert(track.name.clone(), TrackSignal::new(&licensed, &self.protecting.systems));
            let mut samples = blake3::Hasher::new();
            for record in &mut track.segments {
                let path = segment_path(&track.name, record.index);
                let clear = files.get(&path).ok_or_else(|| WorkError::Engine(format!("{path} is not there")))?;
                let clear = self.verified(&path, clear).await?;
                samples.update(&segment_samples(record, &clear)?);
                let sealed = protected_segment(record, track.hidden_ticks, &clear, &mut encryptor)?;
                let key = publication::generation_key(&asset.playback_id, generation, &path);
                let entry = published(key, &sealed.bytes, packager::media_type(&path));
                self.write_own(&entry.key, sealed.bytes).await?;
                files.insert(path, entry);
                *record = sealed.record;
                lease.touch();
            }
            made.samples.insert(track.name.clone(), samples.finalize().to_hex().to_string());
        }
        Ok(made)
    }
}

/// Which key a track gets; text stays clear.
fn class_of(track: &TrackRecord) -> Option<TrackClass> {
    match track.kind {
        TrackKind::Video { width, height, .. } => Some(TrackClass::of_video(width, height)),
        TrackKind::Audio { .. } => Some(TrackClass::Audio),
        TrackKind::Text => None,
    }
}
