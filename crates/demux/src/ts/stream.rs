//! One PID of the program: packets in, units out.

use media_types::{CodecConfig, Timescale};

use super::audio::Audio;
use super::nal;
use super::packet::Packet;
use super::pes::{Part, Pes};
use super::psi::{Kind, Listed};
use super::shared::Shared;
use super::video::Video;
use super::{continuity::Continuity, frame};
use crate::{DemuxError, MediaKind, Track};

/// Scrambled packets in a row that are no damage.
const SCRAMBLED: u32 = 16;

/// An elementary stream that becomes a track.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) listed: Listed,
    pub(super) name: String,
    /// Whether it brought anything at all.
    pub(super) is_alive: bool,
    continuity: Continuity,
    scrambled: u32,
    pes: Pes,
    coded: Coded,
}

#[derive(Debug)]
enum Coded {
    Video(Box<Video>),
    Audio(Box<Audio>),
}

impl Stream {
    /// The `index`-th stream of the program; `None` when its kind does not become a track.
    pub(super) fn new(listed: Listed, index: usize) -> Option<Self> {
        let name = format!("PID {}", listed.pid);
        let video = |codec| Coded::Video(Box::new(Video::new(codec, index, name.clone())));
        let audio = |codec| Coded::Audio(Box::new(Audio::new(codec, index, name.clone())));
        let coded = match listed.kind {
            Kind::Avc => video(nal::Codec::Avc),
            Kind::Hevc => video(nal::Codec::Hevc),
            Kind::Aac => audio(frame::Codec::Aac),
            Kind::Ac3 | Kind::Eac3 => audio(frame::Codec::Dolby),
            Kind::Markers | Kind::Other(_) => return None,
        };
        Some(Self {
            listed,
            name,
            is_alive: false,
            continuity: Continuity::default(),
            scrambled: 0,
            pes: Pes::default(),
            coded,
        })
    }

    /// Takes the next packet of its PID.
    pub(super) fn feed(&mut self, packet: &Packet<'_>, shared: &mut Shared) -> Result<(), DemuxError> {
        if packet.discontinuity {
            self.announce();
        }
        let Some(payload) = packet.payload else { return Ok(()) };
        let step = self.continuity.step(packet);
        if step.is_repeated {
            return Ok(());
        }
        if step.lost > 0 {
            shared.warn(|| {
                format!("packets of {} are missing: its continuity counter jumps by {}", self.name, step.lost)
            });
            self.lose(shared);
        }
        if packet.scrambled {
            return self.scramble(shared);
        }
        self.is_alive = true;
        match self.pes.feed(payload, packet.unit_start) {
            Part::Nothing => Ok(()),
            Part::Scrambled => self.scramble(shared),
            Part::Damaged => {
                shared.warn(|| format!("a PES packet of {} is passed over: its header is damaged", self.name));
                self.lose(shared);
                Ok(())
            }
            Part::First { stamp, data } => {
                self.scrambled = 0;
                match &mut self.coded {
                    Coded::Video(video) => video.start(stamp),
                    Coded::Audio(audio) => audio.start(stamp),
                }
                self.data(data, shared)
            }
            Part::Data(data) => self.data(data, shared),
        }
    }

    fn data(&mut self, bytes: &[u8], shared: &mut Shared) -> Result<(), DemuxError> {
        match &mut self.coded {
            Coded::Video(video) => video.feed(bytes, shared),
            Coded::Audio(audio) => audio.feed(bytes, shared),
        }
    }

    fn lose(&mut self, shared: &mut Shared) {
        self.pes.lost();
        match &mut self.coded {
            Coded::Video(video) => video.lost(shared),
            Coded::Audio(audio) => audio.lost(shared),
        }
    }

    /// One scrambled packet may be damage; a row of them is not.
    fn scramble(&mut self, shared: &mut Shared) -> Result<(), DemuxError> {
        self.scrambled += 1;
        if self.scrambled == 1 {
            self.lose(shared);
        }
        if self.scrambled < SCRAMBLED {
            return Ok(());
        }
        Err(shared.refuse(format!("{} is scrambled: descramble the file first", self.name)))
    }

    /// The time base may change.
    pub(super) fn announce(&mut self) {
        match &mut self.coded {
            Coded::Video(video) => video.clock.announce(),
            Coded::Audio(audio) => audio.clock.announce(),
        }
    }

    /// The file ends: gives what is whole.
    pub(super) fn finish(&mut self, shared: &mut Shared) -> Result<(), DemuxError> {
        if self.scrambled > 0 && !self.is_configured() {
            return Err(shared.refuse(format!("{} is scrambled: descramble the file first", self.name)));
        }
        match &mut self.coded {
            Coded::Video(video) if self.pes.is_unfinished() => {
                video.lost(shared);
                video.finish(shared)
            }
            Coded::Video(video) => video.finish(shared),
            Coded::Audio(audio) => audio.finish(shared),
        }
    }

    /// Whether what a decoder needs is known.
    pub(super) fn is_configured(&self) -> bool {
        self.described().is_some()
    }

    fn described(&self) -> Option<(MediaKind, CodecConfig, Timescale)> {
        match &self.coded {
            Coded::Video(video) => video.config().map(|(kind, config)| (*kind, config.clone(), Timescale::NINETY_KHZ)),
            Coded::Audio(audio) => {
                let (kind, config) = audio.config()?;
                Some((*kind, config.clone(), Timescale::new(audio.rate())?))
            }
        }
    }

    /// As it is offered, once configured.
    pub(super) fn track(&self) -> Option<Track> {
        let (kind, config, timescale) = self.described()?;
        Some(Track {
            id: self.listed.pid.into(),
            kind,
            config,
            timescale,
            end: None,
            language: self.listed.language.clone(),
            label: None,
            roles: self.listed.roles,
            protection: None,
        })
    }
}
