//! Encrypt what a generation refers to: the last step before it is published.

use std::collections::BTreeMap;
use std::io;

use asset_store::AssetRow;
use drm::signal::{Licensed, System};
use drm::{DataKey, KeyEntry, KeyId, ProtectionScheme, SegmentEncryptor, TrackClass};
use job_queue::Lease;
use key_vault::{KeyOwner, KeyVault};
use media_types::{CodecConfig, TrackKind, TrackRecord, publication};
use packager::{
    FinishedTrick, Protection, TrackSignal, TrickFile, TrickTrack, playlist_path, protected_segment, segment_path,
    segment_samples,
};

use super::Workshop;
use super::publish::{Files, published, read_segment};
use crate::error::WorkError;
use crate::sealed::AssetMedia;

/// What protected recordings need.
#[derive(Clone, Default)]
pub struct Protecting {
    /// Content keys; without it no recording can be protected.
    pub vault: Option<KeyVault>,
    /// The licence systems that players are told of.
    pub systems: Vec<System>,
}

impl Protecting {
    fn vault(&self) -> Result<&KeyVault, WorkError> {
        self.vault.as_ref().ok_or_else(|| {
            WorkError::Keys("this worker has no key-encryption key, and the recording is to be protected".to_owned())
        })
    }

    /// What the asset's source and fragments are sealed under.
    pub(super) async fn data_key(&self, asset: &AssetRow, now_ms: i64) -> Result<DataKey, WorkError> {
        Ok(self.vault()?.data_key_or_new(&asset.tenant_id, &asset.id, &mut random, now_ms).await?)
    }
}

fn random(out: &mut [u8]) -> io::Result<()> {
    getrandom::fill(out).map_err(io::Error::other)
}

/// What encrypting a generation comes to.
#[derive(Default)]
pub(super) struct Protected {
    /// What players are told of the keys.
    pub(super) signals: Protection,
    /// BLAKE3 of the samples in clear that a playlist or a file of keyframes, named by its path, leads to: what decrypting
    /// must give again.
    pub(super) samples: BTreeMap<String, String>,
    /// Keyframes for fast playback.
    pub(super) keyframes: Vec<FinishedTrick>,
}

impl Workshop {
    /// The keys of a recording for all tracks of its plan, new ones where there are none yet.
    pub(super) async fn track_keys(&self, asset: &AssetRow, scheme: ProtectionScheme) -> Result<TrackKeys, WorkError> {
        let (vault, plan) = (self.protecting.vault()?, self.stored_plan(asset).await?);
        let renditions = plan.video.iter().flat_map(|video| &video.renditions);
        let mut classes: Vec<_> = renditions.map(|one| TrackClass::of_video(one.width, one.height)).collect();
        classes.extend(plan.audio.first().map(|_| TrackClass::Audio));
        classes.sort_unstable();
        classes.dedup();
        let (tenant, playback) = (asset.tenant_id.clone(), asset.playback_id.clone());
        let owner = KeyOwner { tenant, playback, scheme, period: 0 };
        let entries = vault.keys_or_new(&owner, &classes, &mut random, self.store.now_ms()).await?;
        Ok(TrackKeys { scheme, entries, systems: self.protecting.systems.clone() })
    }

    /// Writes encrypted copies of all segments under the generation's own prefix, enters them in `files` and `tracks` in
    /// place of the clear ones; on the way makes files of keyframes.
    pub(super) async fn protect(
        &self,
        (asset, media): (&AssetRow, &AssetMedia),
        keys: &TrackKeys,
        generation: u64,
        (tracks, files): (&mut [TrackRecord], &mut Files),
        lease: &Lease,
    ) -> Result<Protected, WorkError> {
        let mut made = Protected::default();
        let sources = packager::trick_sources(&*tracks);
        for (position, track) in tracks.iter_mut().enumerate() {
            let encryptor = keys.encryptor(&track.name, &track.kind, &track.config)?;
            let Some((mut encryptor, signal)) = encryptor else { continue };
            made.signals.insert(track.name.clone(), signal);
            let wanted = sources.contains(&position);
            let mut keyframes = if wanted { keys.keyframes(track, &mut made.signals)? } else { None };
            let mut samples = blake3::Hasher::new();
            for record in &mut track.segments {
                let path = segment_path(&track.name, record.index);
                let clear = read_segment(media, files, path.clone(), lease).await?;
                samples.update(&segment_samples(record, &clear)?);
                if let Some(keyframes) = &mut keyframes {
                    keyframes.take(record, &clear)?;
                }
                let sealed = protected_segment(record, track.hidden_ticks, &clear, &mut encryptor)?;
                let key = publication::generation_key(&asset.playback_id, generation, &path);
                let entry = published(key, &sealed.bytes, packager::media_type(&path));
                self.write_own(&entry.key, sealed.bytes).await?;
                files.insert(path, entry);
                *record = sealed.record;
            }
            made.samples.insert(playlist_path(&track.name), samples.finalize().to_hex().to_string());
            if let Some(keyframes) = keyframes {
                let keyframes = keyframes.finish()?;
                made.samples.insert(keyframes.file.path.clone(), keyframes.samples_blake3.clone());
                made.keyframes.push(keyframes);
            }
        }
        // Pictures and texts stay clear, and whoever serves them has no key to what is sealed.
        for (path, file) in files.iter_mut().filter(|(_, file)| media.is_sealed(&file.key)) {
            let bytes = media.verified(path, file).await?;
            let key = publication::generation_key(&asset.playback_id, generation, path);
            *file = published(key, &bytes, &file.media_type);
            self.write_own(&file.key, bytes).await?;
            lease.touch();
        }
        Ok(made)
    }
}

/// The keys of a recording, and whose licences open it.
pub(super) struct TrackKeys {
    scheme: ProtectionScheme,
    pub(super) entries: Vec<KeyEntry>,
    systems: Vec<System>,
}

impl TrackKeys {
    /// What encrypts a track under the name, and what players are told of it; `None` when it stays clear.
    pub(super) fn encryptor(
        &self,
        name: &str,
        kind: &TrackKind,
        config: &CodecConfig,
    ) -> Result<Option<(SegmentEncryptor, TrackSignal)>, WorkError> {
        let Some(class) = class_of(kind) else { return Ok(None) };
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.class == Some(class))
            .ok_or_else(|| WorkError::Keys(format!("there is no key for {class} tracks")))?;
        let encryptor = SegmentEncryptor::new(self.scheme, entry.id, &entry.key, name, config)
            .map_err(|error| WorkError::Engine(format!("{name} cannot be encrypted: {error}")))?;
        let ids: Vec<KeyId> = self.entries.iter().map(|entry| entry.id).collect();
        let licensed = Licensed {
            protection: encryptor.protection(),
            key: &entry.key,
            key_ids: &ids,
            licence_url: None,
            skd_uri: None,
        };
        let signal = TrackSignal::new(&licensed, &self.systems);
        Ok(Some((encryptor, signal)))
    }

    /// The file of a track's keyframes to come, with the track's key; its own name makes initialisation vectors of its own.
    fn keyframes(&self, track: &TrackRecord, signals: &mut Protection) -> Result<Option<TrickFile>, WorkError> {
        let name = TrickTrack::new(track).record.name;
        let Some((encryptor, signal)) = self.encryptor(&name, &track.kind, &track.config)? else { return Ok(None) };
        let keyframes = TrickFile::new(track, Some((encryptor, &signal)))?;
        if keyframes.is_some() {
            signals.insert(name, signal);
        }
        Ok(keyframes)
    }
}

/// Which key a track gets; text stays clear.
fn class_of(kind: &TrackKind) -> Option<TrackClass> {
    match *kind {
        TrackKind::Video { width, height, .. } => Some(TrackClass::of_video(width, height)),
        TrackKind::Audio { .. } => Some(TrackClass::Audio),
        TrackKind::Text => None,
    }
}
