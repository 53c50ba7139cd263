//! What a player has to know of colours before it chooses (ISO/IEC 23001-8; DASH-IF Interoperability Points 4.3 §10).

use dash_mpd_core::EssentialProperty;
use media_types::TrackRecord;

use crate::codec::{VideoRange, colour};

const PRIMARIES: &str = "urn:mpeg:mpegB:cicp:ColourPrimaries";
const TRANSFER: &str = "urn:mpeg:mpegB:cicp:TransferCharacteristics";
const MATRIX: &str = "urn:mpeg:mpegB:cicp:MatrixCoefficients";

/// The code points of a track of high dynamic range. Essential, so that a player that does not know them passes over the set;
/// sets of standard dynamic range say nothing, so that every player takes them.
pub(super) fn essential(track: &TrackRecord) -> Vec<EssentialProperty> {
    let high = colour(&track.config).filter(|_| VideoRange::of(&track.config) != VideoRange::Sdr);
    let points = high.map(|high| [(PRIMARIES, high.primaries), (TRANSFER, high.transfer), (MATRIX, high.matrix)]);
    let property = |(scheme, value): (&str, u8)| EssentialProperty {
        schemeIdUri: scheme.to_owned(),
        value: Some(value.to_string()),
        ..EssentialProperty::default()
    };
    points.into_iter().flatten().map(property).collect()
}
