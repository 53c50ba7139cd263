//! Posters and sheets of storyboards, from as few decoded pictures as will do.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ff::format::context::Input;
use ff::frame;
use ffmpeg_next as ff;
use media_types::Rotation;
use pipeline::{EngineError, EngineSink, POSTER, PosterOrder, STORYBOARD, SheetOrder, StillsOrder, StillsSummary};

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
    let mut pictures = Pictures::new(source, order.stream_index, &order.clock, 1, Arc::new(AtomicBool::new(false)))?;
    let total = order.pictures();
    if let Some(poster) = &order.poster {
        let picture = poster_picture(&mut pictures, poster)?;
        let mut still = scaled(&picture, (poster.width, poster.height), order.rotation)?;
        sink.image(POSTER, jpeg::encode(&mut still, 3)?)?;
        sink.progress(1, total)?;
    }
    match &order.sheet {
        Some(sheet) => tiles(&mut pictures, sheet, (order.rotation, total), sink),
        None => Ok(StillsSummary::default()),
    }
}

fn poster_picture(pictures: &mut Pictures, order: &PosterOrder) -> Result<frame::Video, EngineError> {
    let mut poster = pictures.seek_before(order.pts)?;
    for _ in 0..POSTER_WALK {
        match &poster {
            Some(picture) if time_of(picture).is_some_and(|time| time < order.pts) => match pictures.next()? {
                Some(next) => poster = Some(next),
                None => break,
            },
            _ => break,
        }
    }
    poster.ok_or_else(undecodable)
}

fn tiles(
    pictures: &mut Pictures,
    order: &SheetOrder,
    (rotation, total): (Rotation, u64),
    sink: &mut dyn EngineSink,
) -> Result<StillsSummary, EngineError> {
    let tiles = order.tile_pts.len() as u32;
    let columns = order.columns.clamp(1, tiles.max(1));
    let rows = tiles.div_ceil(columns);
    let mut sheet = black(columns * order.tile_width, rows.max(1) * order.tile_height);
    let mut last = None;
    let before = total - u64::from(tiles);
    for (index, &pts) in order.tile_pts.iter().enumerate() {
        last = pictures.keyframe_at(pts)?.or(last);
        let picture = last.as_ref().ok_or_else(undecodable)?;
        let tile = scaled(picture, (order.tile_width, order.tile_height), rotation)?;
        let (column, row) = (index as u32 % columns, index as u32 / columns);
        paste(&tile, &mut sheet, column * order.tile_width, row * order.tile_height);
        sink.progress(before + index as u64 + 1, total)?;
    }
    sink.image(STORYBOARD, jpeg::encode(&mut sheet, 5)?)?;
    Ok(StillsSummary { tiles, sheet_columns: columns, sheet_rows: rows })
}

fn undecodable() -> EngineError {
    input("input.undecodable", "no picture of the video can be decoded")
}

fn scaled(
    picture: &frame::Video,
    (width, height): (u32, u32),
    rotation: Rotation,
) -> Result<frame::Video, EngineError> {
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
