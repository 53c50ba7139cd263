//! Encrypt what a generation refers to: the last step before it is published.

use std::collections::BTreeMap;
use std::io;

use asset_store::AssetRow;
use drm::signal::{Licensed, System};
use drm::{DataKey, KeyEntry, KeyId, ProtectionScheme, SegmentEncryptor, TrackClass};
use job_queue::Lease;
use key_vault::{KeyOwner, KeyVault};
use media_types::{TrackKind, TrackRecord, publication};
use packager::{
    FinishedTrick, Protection, TrackSignal, TrickFile, TrickTrack, playlist_path, protected_segment, segment_path,
    segment_samples,
};

use super::publish::{Files, published, read_segment};
use super::{Workshop, now_ms};
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
    pub(super) async fn data_key(&self, asset: &AssetRow) -> Result<DataKey, WorkError> {
        Ok(self.vault()?.data_key_or_new(&asset.tenant_id, &asset.id, &mut random, now_ms()).await?)
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
    /// The keys of a recording for all of these tracks, new ones where there are none yet.
    pub(super) async fn keys(
        &self,
        asset: &AssetRow,
        scheme: ProtectionScheme,
        tracks: &[TrackRecord],
    ) -> Result<Vec<KeyEntry>, WorkError> {
        let vault = self.protecting.vault()?;
        let (tenant, playback) = (asset.tenant_id.clone(), asset.playback_id.clone());
        let owner = KeyOwner { tenant, playback, scheme, period: 0 };
        let mut classes: Vec<TrackClass> = tracks.iter().filter_map(class_of).collect();
        classes.sort_unstable();
        classes.dedup();
        Ok(vault.keys_or_new(&owner, &classes, &mut random, now_ms()).await?)
    }

    /// Writes encrypted copies of all segments under the generation's own prefix, enters them in `files` and `tracks` in
    /// place of the clear ones; on the way makes files of keyframes, if they are wanted.
    pub(super) async fn protect(
        &self,
        (asset, media): (&AssetRow, &AssetMedia),
        (scheme, keys): (ProtectionScheme, &[KeyEntry]),
        (generation, with_keyframes): (u64, bool),
        (tracks, files): (&mut [TrackRecord], &mut Files),
        lease: &Lease,
    ) -> Result<Protected, WorkError> {
        let mut made = Protected::default();
        let sources = if with_keyframes { packager::trick_sources(&*tracks) } else { Vec::new() };
        for (position, track) in tracks.iter_mut().enumerate() {
            let Some((mut encryptor, signal)) = self.encryptor((scheme, keys), &track.name, track)? else { continue };
            made.signals.insert(track.name.clone(), signal);
            let wanted = sources.contains(&position);
            let mut keyframes = if wanted { self.keyframes((scheme, keys), track, &mut made.signals)? } else { None };
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

    /// What encrypts a track under the name, and what players are told of it; `None` when it stays clear.
    fn encryptor(
        &self,
        (scheme, keys): (ProtectionScheme, &[KeyEntry]),
        name: &str,
        track: &TrackRecord,
    ) -> Result<Option<(SegmentEncryptor, TrackSignal)>, WorkError> {
        let Some(class) = class_of(track) else { return Ok(None) };
        let entry = keys
            .iter()
            .find(|entry| entry.class == Some(class))
            .ok_or_else(|| WorkError::Keys(format!("there is no key for {class} tracks")))?;
        let encryptor = SegmentEncryptor::new(scheme, entry.id, &entry.key, name, &track.config)
            .map_err(|error| WorkError::Engine(format!("{name} cannot be encrypted: {error}")))?;
        let ids: Vec<KeyId> = keys.iter().map(|entry| entry.id).collect();
        let licensed = Licensed {
            protection: encryptor.protection(),
            key: &entry.key,
            key_ids: &ids,
            licence_url: None,
            skd_uri: None,
        };
        let signal = TrackSignal::new(&licensed, &self.protecting.systems);
        Ok(Some((encryptor, signal)))
    }

    /// The file of a track's keyframes to come, with the track's key; its own name makes initialisation vectors of its own.
    fn keyframes(
        &self,
        keys: (ProtectionScheme, &[KeyEntry]),
        track: &TrackRecord,
        signals: &mut Protection,
    ) -> Result<Option<TrickFile>, WorkError> {
        let name = TrickTrack::new(track).record.name;
        let Some((encryptor, signal)) = self.encryptor(keys, &name, track)? else { return Ok(None) };
        let keyframes = TrickFile::new(track, Some((encryptor, &signal)))?;
        if keyframes.is_some() {
            signals.insert(name, signal);
        }
        Ok(keyframes)
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
