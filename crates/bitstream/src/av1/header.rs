//! The uncompressed header of a frame (AV1 specification §5.9), exact to its last bit, since tiles begin after it.
//!
//! What only decoding needs is read and dropped.

mod filters;
mod grain;
mod motion;
mod quantizer;
mod references;
mod size;
mod tiles;

pub(super) use tiles::Tiles;

use super::sequence::{SequenceHeader, Tool};
use crate::bits::Bits;
use motion::Motion;
use quantizer::{Quantizer, Segmentation};
use size::FrameSize;

/// `NUM_REF_FRAMES`.
const SLOTS: usize = 8;
/// `REFS_PER_FRAME`.
const REFERENCES: usize = 7;

/// `frame_type` (§6.8.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum FrameType {
    #[default]
    Key,
    Inter,
    IntraOnly,
    Switch,
}

/// What later frames may read of a decoded frame (§7.20).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    valid: bool,
    frame_type: FrameType,
    size: FrameSize,
    order_hint: u32,
    motion: Motion,
    segmentation: Segmentation,
}

/// A frame's header as far as anything outside it depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHeader {
    /// `frame_to_show_map_idx` of a header that only shows a frame.
    pub(super) show_existing: Option<u8>,
    pub(super) tiles: Tiles,
    /// Bits of the header.
    pub(super) bits: usize,
    refresh: u8,
    saved: Slot,
}

/// The eight reference slots.
#[derive(Clone, Debug, Default)]
pub(super) struct References {
    slots: [Slot; SLOTS],
}

impl References {
    /// The reference frame update process (§7.20), and the loading process (§7.21) for a key frame shown again.
    pub(super) fn update(&mut self, header: &FrameHeader) {
        for (at, slot) in self.slots.iter_mut().enumerate() {
            if header.refresh >> at & 1 == 1 {
                *slot = header.saved;
            }
        }
    }
}

/// What is being put together while a header is read.
struct Reader<'a, 's> {
    bits: Bits<'a>,
    sequence: &'s SequenceHeader,
    slots: &'s mut [Slot; SLOTS],
    frame_type: FrameType,
    error_resilient: bool,
    shown: bool,
    showable: bool,
    size_override: bool,
    order_hint: u32,
    /// `ref_frame_idx[primary_ref_frame]`; `None` for `PRIMARY_REF_NONE`.
    primary: Option<usize>,
    /// `ref_frame_idx`.
    chosen: [usize; REFERENCES],
    allow_intrabc: bool,
    integer_mv: bool,
    high_precision_mv: bool,
    size: FrameSize,
}

/// Reads the header at the start of `payload`; `temporal_id` and `spatial_id` are of its OBU. `None` when it does not
/// conform, or refers to a frame that was never seen.
pub(super) fn parse(
    payload: &[u8],
    sequence: &SequenceHeader,
    references: &mut References,
    temporal_id: u8,
    spatial_id: u8,
) -> Option<FrameHeader> {
    let mut bits = Bits::new(payload);
    if !sequence.reduced && bits.flag()? {
        return show_existing(&mut bits, sequence, references);
    }
    let mut reader = Reader {
        bits,
        sequence,
        slots: &mut references.slots,
        frame_type: FrameType::Key,
        error_resilient: true,
        shown: true,
        showable: false,
        size_override: false,
        order_hint: 0,
        primary: None,
        chosen: [0; REFERENCES],
        allow_intrabc: false,
        integer_mv: false,
        high_precision_mv: false,
        size: FrameSize::default(),
    };
    reader.kind()?;
    reader.frame(temporal_id, spatial_id)
}

fn show_existing(bits: &mut Bits<'_>, sequence: &SequenceHeader, references: &References) -> Option<FrameHeader> {
    let index = bits.take(3)?;
    if let Some(model) = sequence.decoder_model.filter(|_| !sequence.equal_picture_interval) {
        bits.take(model.presentation_bits)?;
    }
    if let Some((_, length)) = sequence.frame_ids {
        bits.take(length)?;
    }
    let saved = references.slots[index as usize];
    if !saved.valid {
        return None;
    }
    // A key frame shown again takes all slots.
    let refresh = if saved.frame_type == FrameType::Key { 0xff } else { 0 };
    Some(FrameHeader {
        show_existing: Some(index as u8),
        tiles: Tiles::default(),
        bits: bits.position(),
        refresh,
        saved,
    })
}

impl Reader<'_, '_> {
    fn is_intra(&self) -> bool {
        matches!(self.frame_type, FrameType::Key | FrameType::IntraOnly)
    }

    /// From `frame_type` to `error_resilient_mode`.
    fn kind(&mut self) -> Option<()> {
        if self.sequence.reduced {
            return Some(());
        }
        self.frame_type = match self.bits.take(2)? {
            0 => FrameType::Key,
            1 => FrameType::Inter,
            2 => FrameType::IntraOnly,
            _ => FrameType::Switch,
        };
        self.shown = self.bits.flag()?;
        if self.shown {
            if let Some(model) = self.sequence.decoder_model.filter(|_| !self.sequence.equal_picture_interval) {
                self.bits.take(model.presentation_bits)?;
            }
            self.showable = self.frame_type != FrameType::Key;
        } else {
            self.showable = self.bits.flag()?;
        }
        self.error_resilient = self.refreshes_all() || self.bits.flag()?;
        Some(())
    }

    /// Switch frames and shown key frames take all slots without saying so.
    fn refreshes_all(&self) -> bool {
        self.frame_type == FrameType::Switch || self.frame_type == FrameType::Key && self.shown
    }

    fn frame(&mut self, temporal_id: u8, spatial_id: u8) -> Option<FrameHeader> {
        if self.frame_type == FrameType::Key && self.shown {
            for slot in self.slots.iter_mut() {
                (slot.valid, slot.order_hint) = (false, 0);
            }
        }
        let disable_cdf_update = self.bits.flag()?;
        let screen_content = self.tool(self.sequence.screen_content)?;
        self.integer_mv = screen_content && self.tool(self.sequence.integer_mv)?;
        if let Some((_, length)) = self.sequence.frame_ids {
            self.bits.take(length)?;
        }
        self.size_override = match self.frame_type {
            FrameType::Switch => true,
            _ => !self.sequence.reduced && self.bits.flag()?,
        };
        self.order_hint = self.bits.take(self.sequence.order_hint_bits)?;
        let primary = match self.is_intra() || self.error_resilient {
            true => 7,
            false => self.bits.take(3)? as usize,
        };
        self.buffer_removal_times(temporal_id, spatial_id)?;
        let refresh = if self.refreshes_all() { 0xff } else { self.bits.take(8)? as u8 };
        self.reference_order_hints(refresh)?;
        match self.is_intra() {
            true => self.intra_size(screen_content)?,
            false => self.inter_references()?,
        }
        self.primary = self.chosen.get(primary).copied();
        if !self.sequence.reduced && !disable_cdf_update {
            // disable_frame_end_update_cdf
            self.bits.skip(1)?;
        }
        self.rest(refresh)
    }

    /// From `tile_info` to the end.
    fn rest(&mut self, refresh: u8) -> Option<FrameHeader> {
        let tiles = tiles::read(&mut self.bits, self.sequence, &self.size)?;
        let quantizer = Quantizer::read(&mut self.bits, self.sequence)?;
        let previous = self.primary.map(|slot| self.slots[slot].segmentation);
        let segmentation = Segmentation::read(&mut self.bits, previous)?;
        self.delta_q_and_lf(&quantizer)?;
        let coded_lossless = quantizer.is_lossless(&segmentation);
        self.loop_filter(coded_lossless)?;
        self.cdef(coded_lossless)?;
        self.loop_restoration(coded_lossless && !self.size.is_scaled())?;
        if !coded_lossless {
            // tx_mode_select
            self.bits.skip(1)?;
        }
        self.reference_and_skip_mode()?;
        if !self.is_intra() && !self.error_resilient && self.sequence.warped_motion {
            // allow_warped_motion
            self.bits.skip(1)?;
        }
        // reduced_tx_set
        self.bits.skip(1)?;
        let motion = self.global_motion()?;
        self.film_grain()?;
        let saved = Slot {
            valid: true,
            frame_type: self.frame_type,
            size: self.size,
            order_hint: self.order_hint,
            motion,
            segmentation,
        };
        Some(FrameHeader { show_existing: None, tiles, bits: self.bits.position(), refresh, saved })
    }

    fn tool(&mut self, tool: Tool) -> Option<bool> {
        match tool {
            Tool::Off => Some(false),
            Tool::On => Some(true),
            Tool::PerFrame => self.bits.flag(),
        }
    }

    fn buffer_removal_times(&mut self, temporal_id: u8, spatial_id: u8) -> Option<()> {
        let Some(model) = self.sequence.decoder_model else { return Some(()) };
        if !self.bits.flag()? {
            return Some(());
        }
        for point in self.sequence.operating_points_list() {
            let inside = point.idc >> temporal_id & 1 == 1 && point.idc >> (spatial_id + 8) & 1 == 1;
            if point.has_decoder_model && (point.idc == 0 || inside) {
                self.bits.take(model.removal_bits)?;
            }
        }
        Some(())
    }
}
