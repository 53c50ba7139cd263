//! A stored segment of ours, read back.

use std::ops::Range;

use mp4_atom::{Atom, Decode, Header, Mdat, Moof, Styp};

use super::SampleMeta;
use crate::PackageError;

/// `sample_is_non_sync_sample` (ISO/IEC 14496-12 §8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// What a clear segment's boxes say, and where its samples lie.
pub(crate) struct ReadBack {
    pub(crate) samples: Vec<SampleMeta>,
    pub(crate) payload: Range<usize>,
}

/// Reads `styp`, one `moof` of one run, and `mdat` to the end, as [`segment_header`](super::segment_header) writes them.
pub(crate) fn read_back(index: u32, bytes: &[u8], hidden_ticks: u32) -> Result<ReadBack, PackageError> {
    let broken = |what| PackageError::Unreadable { index, what };
    let mut rest = bytes;
    Styp::decode(&mut rest).map_err(|_| broken("it does not begin with styp"))?;
    let moof = Moof::decode(&mut rest).map_err(|_| broken("its moof cannot be read"))?;
    let mdat = Header::decode(&mut rest).map_err(|_| broken("its mdat cannot be read"))?;
    if mdat.kind != Mdat::KIND || mdat.size != Some(rest.len()) {
        return Err(broken("its moof is not followed by one mdat to the end"));
    }
    let [traf] = moof.traf.as_slice() else { return Err(broken("it has not one track fragment")) };
    let ([run], Some(tfdt)) = (traf.trun.as_slice(), &traf.tfdt) else {
        return Err(broken("it has not one run with a decode time"));
    };
    if run.samples.len() > bytes.len() {
        return Err(broken("it claims more samples than it has bytes"));
    }
    let mut dts = i64::try_from(tfdt.base_media_decode_time).map_err(|_| broken("it has no decode time"))?;
    let (mut samples, mut left) = (Vec::new(), rest.len());
    for entry in &run.samples {
        let duration = entry.duration.or(traf.tfhd.default_sample_duration);
        let size = entry.size.or(traf.tfhd.default_sample_size);
        let flags = entry.flags.or(traf.tfhd.default_sample_flags);
        let (Some(duration), Some(size), Some(flags)) = (duration, size, flags) else {
            return Err(broken("a sample has no duration, size or flags"));
        };
        left = left.checked_sub(size as usize).ok_or(broken("its samples run past its end"))?;
        let pts = dts.saturating_add(entry.cts.unwrap_or(0)).saturating_sub(hidden_ticks.into());
        samples.push(SampleMeta { dts, pts, duration, size, keyframe: flags & NON_SYNC == 0 });
        dts = dts.saturating_add(duration.into());
    }
    if left > 0 {
        return Err(broken("it holds bytes that belong to no sample"));
    }
    Ok(ReadBack { samples, payload: bytes.len() - rest.len()..bytes.len() })
}
