//! Poster and storyboard, from as few decoded pictures as will do.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use media_types::Rotation;
use pipeline::{EngineError, EngineSink, POSTER, STORYBOARD, StillsOrder, StillsSummary};

use crate::convert::{Converter, Kind, Target};
use crate::error::input;
use crate::jpeg;
use crate::pictures::{Pictures, time_of};
use crate::unchanged::Changed;

/// Pictures decoded at most to get from a keyframe to the poster's exact time.
const POSTER_WALK: usize = 600;

pub(crate) fn stills(
    source: Input,
    order: &StillsOrder,
    sink: &mut dyn EngineSink,
) -> Result<StillsSummary, EngineError> {
    let plan = &order.plan;
    let mut pictures = Pictures::new(source, order.stream_index, &order.clock, 1, Arc::new(AtomicBool::new(false)))?;
    let tiles = plan.tile_pts.len() as u32;
    let total = u64::from(tiles) + 1;

    let mut poster = pictures.seek_before(plan.poster_pts)?;
    for _ in 0..POSTER_WALK {
        match &poster {
            Some(picture) if time_of(picture).is_some_and(|time| time < plan.poster_pts) => match pictures.next()? {
                Some(next) => poster = Some(next),
                None => break,
            },
            _ => break,
        }
    }
    let poster = poster.ok_or_else(|| input("input.undecodable", "no picture of the video can be decoded"))?;
    let mut still = scaled(&poster, plan.poster_width, plan.poster_height, order.rotation)?;
    sink.image(POSTER, jpeg::encode(&mut still, 3)?)?;
    sink.progress(1, total)?;

    let columns = plan.columns.clamp(1, tiles.max(1));
    let rows = tiles.div_ceil(columns);
    let mut sheet = black(columns * plan.tile_width, rows.max(1) * plan.tile_height);
    let mut last = poster;
    for (index, &pts) in plan.tile_pts.iter().enumerate() {
        if let Some(picture) = pictures.keyframe_at(pts)? {
            last = picture;
        }
        let tile = scaled(&last, plan.tile_width, plan.tile_height, order.rotation)?;
        let (column, row) = (index as u32 % columns, index as u32 / columns);
        paste(&tile, &mut sheet, column * plan.tile_width, row * plan.tile_height);
        sink.progress(index as u64 + 2, total)?;
    }
    sink.image(STORYBOARD, jpeg::encode(&mut sheet, 5)?)?;
    Ok(StillsSummary { tiles, sheet_columns: columns, sheet_rows: rows })
}

fn scaled(picture: &frame::Video, width: u32, height: u32, rotation: Rotation) -> Result<frame::Video, EngineError> {
    let mut converter =
        Converter::new(Target { width, height, rotation, deinterlace: picture.is_interlaced(), kind: Kind::Jpeg });
    converter.push(picture, &Changed::Anywhere, 0)?;
    converter.finish()?;
    converter.pull()?.ok_or_else(|| EngineError::Engine { detail: "scaling gave no picture".to_owned() })
}

fn black(width: u32, height: u32) -> frame::Video {
    let mut sheet = frame::Video::new(ff::format::Pixel::YUVJ420P, width, height);
    for plane in 0..3 {
        sheet.data_mut(plane).fill(if plane == 0 { 0 } else { 128 });
    }
    sheet
}

/// Copies `tile` into `sheet` with its corner at `x, y`; sizes and corners are even.
fn paste(tile: &frame::Video, sheet: &mut frame::Video, x: u32, y: u32) {
    for plane in 0..3 {
        let half = u32::from(plane > 0);
        let (width, height) = ((tile.width() >> half) as usize, (tile.height() >> half) as usize);
        let (from, to) = (tile.stride(plane), sheet.stride(plane));
        let corner = (y >> half) as usize * to + (x >> half) as usize;
        for row in 0..height {
            let line = &tile.data(plane)[row * from..row * from + width];
            sheet.data_mut(plane)[corner + row * to..corner + row * to + width].copy_from_slice(line);
        }
    }
}
