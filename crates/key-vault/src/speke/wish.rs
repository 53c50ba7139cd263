//! What is asked for.

use cpix::speke::{Ask, KeyAsk, SystemAsk, Tracks, Version};
use drm::signal::System;
use drm::{Iv, KeyId, ProtectionScheme, TrackClass};
use sha2::{Digest, Sha256};

/// How we name ourselves.
const USER_AGENT: &str = concat!("lectern/", env!("CARGO_PKG_VERSION"));

/// Keys for one asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpekeWish {
    /// The asset, as the key service knows it.
    pub content_id: String,
    /// What the keys will be used with.
    pub scheme: ProtectionScheme,
    /// Classes of tracks that have a key of their own. All other tracks share one; with no class named there is one key
    /// for everything.
    pub classes: Vec<TrackClass>,
    /// Systems that shall have licences. Those that do not play the scheme, and those that ask no key service for
    /// anything (Clear Key and the common system), are left out.
    pub systems: Vec<System>,
}

impl SpekeWish {
    /// What the service is asked: SPEKE 2.0, one key period, keys in clear.
    ///
    /// Key ids follow from asset, scheme and tracks, so that the same wish gets the same keys again from a service that
    /// derives or remembers them; initialisation vectors follow from key ids.
    pub(super) fn ask(&self) -> Ask {
        let keys = self.keys().into_iter().map(|(_, tracks)| {
            let kid = self.key_id(&tracks);
            let explicit_iv = (self.scheme == ProtectionScheme::Cbcs).then(|| constant_iv(kid));
            KeyAsk { kid, scheme: self.scheme.into(), explicit_iv, tracks, period: None }
        });
        Ask {
            version: Version::V2_0,
            content_id: self.content_id.clone(),
            user_agent: Some(USER_AGENT.to_owned()),
            keys: keys.collect(),
            systems: self.system_asks(),
            periods: Vec::new(),
            recipient: None,
        }
    }

    /// The keys in the order in which they are asked for, with the tracks each is for.
    pub(super) fn keys(&self) -> Vec<(Option<TrackClass>, Tracks)> {
        let (own, others): (Vec<_>, Vec<_>) =
            TrackClass::ALL.into_iter().partition(|class| self.classes.contains(class));
        let mut keys: Vec<_> = own.iter().map(|&class| (Some(class), tracks_of(class))).collect();
        let shared = match others[..] {
            _ if own.is_empty() => Some(Tracks::all()),
            [TrackClass::Sd, TrackClass::Hd, TrackClass::Uhd] => Some(Tracks::video()),
            _ => others.into_iter().map(tracks_of).reduce(Tracks::and),
        };
        keys.extend(shared.map(|tracks| (None, tracks)));
        keys
    }

    fn system_asks(&self) -> Vec<SystemAsk> {
        let asks = System::ALL.into_iter().filter(|system| self.systems.contains(system) && system.plays(self.scheme));
        asks.filter_map(|system| match system {
            System::Widevine | System::PlayReady => Some(SystemAsk::hls_and_dash(system.id())),
            // It has neither boxes nor a place in an MPD.
            System::FairPlay => {
                Some(SystemAsk { pssh: false, content_protection_data: false, ..SystemAsk::hls_and_dash(system.id()) })
            }
            System::Common | System::ClearKey => None,
        })
        .collect()
    }

    /// A UUID of version 8 (RFC 9562 §5.8).
    fn key_id(&self, tracks: &Tracks) -> KeyId {
        let length = (self.content_id.len() as u64).to_be_bytes();
        let parts: [&[u8]; 4] =
            [&length, self.content_id.as_bytes(), self.scheme.as_str().as_bytes(), tracks.name.as_bytes()];
        let mut id = hash(b"lectern speke key id v1", &parts);
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        KeyId(id)
    }
}

/// FairPlay's licences hold the vector, so the service has to know it.
fn constant_iv(kid: KeyId) -> Iv {
    Iv::new(&hash(b"lectern speke constant iv v1", &[&kid.0])).expect("16 bytes are an initialisation vector")
}

fn hash(purpose: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(purpose);
    parts.iter().for_each(|part| hash.update(part));
    let digest: [u8; 32] = hash.finalize().into();
    *digest.first_chunk().expect("a digest has 32 bytes")
}

fn tracks_of(class: TrackClass) -> Tracks {
    match class {
        TrackClass::Audio => Tracks::audio(),
        TrackClass::Sd => Tracks::sd(),
        TrackClass::Hd => Tracks::hd(),
        TrackClass::Uhd => Tracks::uhd(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn wish(classes: &[TrackClass]) -> SpekeWish {
        SpekeWish {
            content_id: "lecture-7".to_owned(),
            scheme: ProtectionScheme::Cbcs,
            classes: classes.to_vec(),
            systems: System::ALL.to_vec(),
        }
    }

    #[test]
    fn every_track_has_one_key_whatever_classes_have_their_own() {
        use TrackClass::{Audio, Hd, Sd, Uhd};
        for (classes, expected) in [
            (&[][..], vec![(None, "ALL")]),
            (&[Audio], vec![(Some(Audio), "AUDIO"), (None, "VIDEO")]),
            (&[Uhd, Audio, Uhd], vec![(Some(Audio), "AUDIO"), (Some(Uhd), "UHD"), (None, "SD+HD")]),
            (&[Hd], vec![(Some(Hd), "HD"), (None, "AUDIO+SD+UHD")]),
            (&[Sd, Hd, Uhd], vec![(Some(Sd), "SD"), (Some(Hd), "HD"), (Some(Uhd), "UHD"), (None, "AUDIO")]),
            (
                &[Audio, Sd, Hd, Uhd],
                vec![(Some(Audio), "AUDIO"), (Some(Sd), "SD"), (Some(Hd), "HD"), (Some(Uhd), "UHD")],
            ),
        ] {
            let keys = wish(classes).keys();
            let names: Vec<_> = keys.iter().map(|(class, tracks)| (*class, tracks.name.as_str())).collect();
            assert_eq!(names, expected);
            assert!(wish(classes).ask().request().is_ok(), "{expected:?}");
        }
    }

    #[test]
    fn key_ids_follow_from_what_is_asked_and_from_nothing_else() {
        let ids = |wish: &SpekeWish| wish.ask().keys.iter().map(|key| key.kid).collect::<Vec<_>>();
        let one = ids(&wish(&[TrackClass::Audio]));
        assert_eq!(one, ids(&wish(&[TrackClass::Audio])));
        assert_eq!(
            one[0].dashed(),
            "100e5f4f-130f-882b-bb31-7bae0cdecd0e",
            "an asset that is packaged again gets the keys it had"
        );
        let mut all = one.clone();
        all.extend(ids(&wish(&[])));
        all.extend(ids(&SpekeWish { content_id: "lecture-8".to_owned(), ..wish(&[TrackClass::Audio]) }));
        all.extend(ids(&SpekeWish { scheme: ProtectionScheme::Cenc, ..wish(&[TrackClass::Audio]) }));
        let count = all.len();
        assert!(all.iter().all(|id| id.0[6] >> 4 == 8 && id.0[8] >> 6 == 2), "UUIDs of version 8");
        all.sort_unstable();
        all.dedup();
        assert_eq!((count, all.len()), (7, 7));
    }

    #[test]
    fn systems_are_asked_for_where_they_play_the_scheme_and_need_a_licence_server() {
        let systems = |scheme| {
            let asks = SpekeWish { scheme, ..wish(&[]) }.ask().systems;
            asks.iter()
                .map(|ask| (System::ALL.into_iter().find(|s| s.id() == ask.system_id).unwrap(), ask.pssh))
                .collect()
        };
        let cbcs: Vec<_> = systems(ProtectionScheme::Cbcs);
        assert_eq!(cbcs, [(System::PlayReady, true), (System::Widevine, true), (System::FairPlay, false)]);
        let cenc: Vec<_> = systems(ProtectionScheme::Cenc);
        assert_eq!(cenc, [(System::PlayReady, true), (System::Widevine, true)]);
        assert_eq!(systems(ProtectionScheme::Cens), []);
        let iv = |scheme| SpekeWish { scheme, ..wish(&[]) }.ask().keys[0].explicit_iv;
        assert!(iv(ProtectionScheme::Cbcs).is_some() && iv(ProtectionScheme::Cenc).is_none());
    }
}
