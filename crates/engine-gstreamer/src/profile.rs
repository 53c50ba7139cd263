//! Which elements passed their trial on this machine.

use std::fmt;
use std::str::FromStr;

use pipeline::SourceCodec;
use thiserror::Error;

use crate::elements::{Does, Family, Known, by_name, candidates};

/// Longest name of a device.
const MAX_DEVICE_CHARS: usize = 80;

/// What ranges are made with. Written as one word, `nvh264dec+cudaconvertscale+x264enc@NVIDIA-H200`, which is how a worker
/// hands it to its engines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceProfile {
    /// One decoder per codec, all of one family.
    pub(crate) decoders: Vec<&'static Known>,
    /// Scales in the device's memory; without one the processor does.
    pub(crate) scaler: Option<&'static Known>,
    /// The encoder: the device's, or else the processor's.
    pub(crate) encoder: &'static Known,
    /// What the device is called, in one word.
    pub(crate) device: String,
}

/// The text is none that [`DeviceProfile`] writes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` names no known set of elements")]
pub struct ProfileError(String);

impl DeviceProfile {
    /// The same graphs with the processor's elements, for tests and trials.
    pub fn software() -> Self {
        let decoders = crate::elements::KNOWN
            .iter()
            .filter(|known| known.family == Family::Software && matches!(known.does, Does::Decode(_)));
        Self { decoders: decoders.collect(), scaler: None, encoder: software_encoder(), device: "processor".to_owned() }
    }

    /// The decoder of a codec, if one passed.
    pub(crate) fn decoder(&self, codec: SourceCodec) -> Option<&'static Known> {
        self.decoders.iter().copied().find(|known| known.does == Does::Decode(codec))
    }

    /// Whether there is no device in it.
    pub fn is_software(&self) -> bool {
        self.family() == Family::Software
    }

    /// Whether a device encodes, and not the processor.
    pub(crate) fn encodes(&self) -> bool {
        self.encoder.family != Family::Software
    }

    pub(crate) fn family(&self) -> Family {
        self.elements().map(|known| known.family).min().unwrap_or(Family::Software)
    }

    pub(crate) fn elements(&self) -> impl Iterator<Item = &'static Known> {
        self.decoders.iter().copied().chain(self.scaler).chain([self.encoder])
    }

    /// Whether the elements can work together: one device, at most one decoder per codec.
    fn is_sound(&self) -> bool {
        let family = self.family();
        let device = |known: &Known| known.family == family;
        let unlike = |at: usize, known: &Known| self.decoders.iter().skip(at + 1).all(|other| other.does != known.does);
        !self.decoders.is_empty()
            && self.decoders.iter().all(|known| device(known))
            && self.decoders.iter().enumerate().all(|(at, known)| unlike(at, known))
            && self.scaler.is_none_or(|known| device(known) && family != Family::Software)
            && (device(self.encoder) || self.encoder.family == Family::Software)
            && is_word(&self.device)
    }
}

/// The encoder for what no device encodes.
pub(crate) fn software_encoder() -> &'static Known {
    candidates(Family::Software, Does::Encode).next().unwrap_or(&crate::elements::KNOWN[0])
}

/// What a device may be called.
pub(crate) fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    !text.is_empty() && text.len() <= MAX_DEVICE_CHARS && text.chars().all(plain)
}

impl fmt::Display for DeviceProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, known) in self.elements().enumerate() {
            f.write_str(if at == 0 { "" } else { "+" })?;
            f.write_str(known.name)?;
        }
        write!(f, "@{}", self.device)
    }
}

impl FromStr for DeviceProfile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let wrong = || ProfileError(text.chars().take(200).collect());
        let (names, device) = text.split_once('@').ok_or_else(wrong)?;
        let (mut decoders, mut scaler, mut encoder) = (Vec::new(), None, None);
        for name in names.split('+') {
            let known = by_name(name).ok_or_else(wrong)?;
            let first = match known.does {
                Does::Decode(_) => {
                    decoders.push(known);
                    true
                }
                Does::Scale => scaler.replace(known).is_none(),
                Does::Encode => encoder.replace(known).is_none(),
            };
            if !first {
                return Err(wrong());
            }
        }
        let profile = Self { decoders, scaler, encoder: encoder.ok_or_else(wrong)?, device: device.to_owned() };
        if profile.is_sound() { Ok(profile) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_profile_is_read_as_it_is_written() {
        for text in [
            "nvh264dec+x264enc@NVIDIA-H200",
            "nvh264dec+nvh265dec+nvav1dec+cudaconvertscale+nvcudah264enc@NVIDIA-A10/570.12",
            "vah264dec+vapostproc+vah264enc@8086-9a49",
        ] {
            let profile: DeviceProfile = text.parse().unwrap();
            assert_eq!(profile.to_string(), text);
            assert!(!profile.is_software());
        }
        let software = DeviceProfile::software();
        assert_eq!(software.to_string().parse(), Ok(software.clone()));
        assert!(software.is_software());
    }

    #[test]
    fn what_names_no_set_that_can_work_together_is_refused() {
        for text in [
            "",
            "x264enc@a",
            "nvh264dec@a",
            "nvh264dec+x264enc",
            "nvh264dec+x264enc@",
            "nvh264dec+x264enc@a b",
            "nvh264dec+filesink@a",
            "nvh264dec+vah265dec+x264enc@a",
            "nvh264dec+nvh264dec+x264enc@a",
            "nvh264dec+vapostproc+x264enc@a",
            "nvh264dec+vah264enc@a",
            "nvh264dec+x264enc+nvh264enc@a",
            "avdec_h264+videoconvertscale+x264enc@a",
        ] {
            assert!(text.parse::<DeviceProfile>().is_err(), "{text}");
        }
    }
}
