//! What an encode shows and sounds like, measured in what FFmpeg decodes of it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::judge;

/// Level of the scene's grey ground in red, green and blue.
pub const GROUND: f64 = 64.0;

/// Red, green and blue of a corner.
pub fn colour(name: &str) -> [f64; 3] {
    match name {
        "red" => [192.0, 0.0, 0.0],
        "green" => [0.0, 192.0, 0.0],
        "blue" => [0.0, 0.0, 192.0],
        "yellow" => [192.0, 192.0, 0.0],
        "black" => [0.0, 0.0, 0.0],
        hex => hex_colour(hex).unwrap_or_else(|| panic!("{hex} is not a colour of the scene")),
    }
}

/// A colour as `#rrggbb`.
fn hex_colour(text: &str) -> Option<[f64; 3]> {
    let digits = text.strip_prefix('#')?;
    let value = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok().map(f64::from);
    Some([value(0)?, value(2)?, value(4)?])
}

fn decode(playlist: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(judge::ffmpeg_9());
    command.args(["-nostdin", "-v", "error", "-sws_flags", "accurate_rnd+full_chroma_int", "-i"]).arg(playlist);
    judge::run(command.args(arguments).arg("-")).stdout
}

fn stream(playlist: &Path) -> Value {
    let mut shown = judge::ffprobe(&["-show_streams"], playlist.to_str().unwrap());
    shown["streams"][0].take()
}

/// Of the only rendition.
fn frame_rate(playlist: &Path) -> String {
    let mpd = std::fs::read_to_string(playlist.ancestors().nth(2).unwrap().join("manifest.mpd")).unwrap();
    let (_, stated) = mpd.split_once(" frameRate=\"").unwrap();
    let (rate, _) = stated.split_once('"').unwrap();
    if rate.contains('/') { rate.to_owned() } else { format!("{rate}/1") }
}

fn number(text: &Value) -> f64 {
    text.as_str().unwrap().parse().unwrap()
}

/// The pictures of one rendition, in RGB, as its own description says they are to be read.
pub struct Pictures {
    /// What ffprobe says of the stream.
    pub stated: Value,
    /// Pictures per second as the MPD says them, such as `25/1`.
    pub frame_rate: String,
    /// The same as a number.
    pub rate: f64,
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

impl Pictures {
    pub fn decode(playlist: &Path) -> Self {
        let stated = stream(playlist);
        let side = |name: &str| usize::try_from(stated[name].as_u64().unwrap()).unwrap();
        let frame_rate = frame_rate(playlist);
        let (num, den) = frame_rate.split_once('/').unwrap();
        let rate = num.parse::<f64>().unwrap() / den.parse::<f64>().unwrap();
        // A picture that is held is one of each frame that it is shown for.
        let on_grid = ["-fps_mode", "cfr", "-r", &frame_rate];
        let raw = [&["-map", "0:v:0"][..], &on_grid, &["-pix_fmt", "rgb24", "-f", "rawvideo"]].concat();
        let bytes = decode(playlist, &raw);
        Self { width: side("width"), height: side("height"), frame_rate, rate, bytes, stated }
    }

    pub fn count(&self) -> usize {
        self.bytes.len() / (self.width * self.height * 3)
    }

    fn at(&self, frame: usize, x: usize, y: usize) -> [u8; 3] {
        let place = ((frame * self.height + y) * self.width + x) * 3;
        self.bytes[place..place + 3].try_into().unwrap()
    }

    /// A picture before the flash.
    fn quiet(&self) -> usize {
        (self.rate * 0.4) as usize
    }

    /// The middle of a corner's box: 0 and 1 above, 2 and 3 below.
    pub fn corner(&self, index: usize) -> [u8; 3] {
        let (left, top) = (self.width / 8, self.height / 8);
        let x = if index.is_multiple_of(2) { left } else { self.width - 1 - left };
        let y = if index < 2 { top } else { self.height - 1 - top };
        self.at(self.quiet(), x, y)
    }

    /// A point between the upper corners and the flash.
    pub fn ground(&self) -> [u8; 3] {
        self.at(self.quiet(), self.width / 2, self.height * 5 / 16)
    }

    fn level(&self, frame: usize, x: usize, y: usize) -> f64 {
        self.at(frame, x, y).iter().map(|&level| f64::from(level)).sum::<f64>() / 3.0
    }

    /// The pictures from which on the centre is white.
    pub fn flashes(&self) -> Vec<usize> {
        let white = |frame: usize| self.level(frame, self.width / 2, self.height / 2) > 150.0;
        (0..self.count()).filter(|&frame| white(frame) && (frame == 0 || !white(frame - 1))).collect()
    }

    /// How far the pictures are from the fine pattern at their sides on average, in levels of grey.
    pub fn fine_error(&self) -> f64 {
        let (w, h) = (self.width, self.height);
        let sides = (h / 4..h * 3 / 4).flat_map(|y| (0..w / 4).chain(w * 3 / 4..w).map(move |x| (x, y)));
        let drawn = |x: usize, y: usize| {
            let (u, v) = (x / 2, y / 2);
            if (u * u * 3 + v * v * 5 + u * v * 7) % 11 > 5 { 208.0 } else { 32.0 }
        };
        let places: Vec<(usize, usize, f64)> = sides.map(|(x, y)| (x, y, drawn(x, y))).collect();
        let of_picture =
            |frame| places.iter().map(|&(x, y, level)| (self.level(frame, x, y) - level).abs()).sum::<f64>();
        (0..self.count()).map(of_picture).sum::<f64>() / (self.count() * places.len()) as f64
    }

    /// How far the moving bar's odd lines lie beside its even ones at most, in pixels.
    pub fn combing(&self) -> f64 {
        let top = self.height * 7 / 8;
        // Weight of a line at each place: what is brighter than the ground.
        let centre = |frame: usize, parity: usize| {
            let lines = (top + 1..top + 7).filter(|line| line % 2 == parity);
            let places = lines.flat_map(|y| (self.width / 4 + 8..self.width * 3 / 4 - 8).map(move |x| (x, y)));
            let weighed = places.map(|(x, y)| ((self.level(frame, x, y) - GROUND - 16.0).max(0.0), x as f64));
            let (sum, moment) = weighed.fold((0.0, 0.0), |(sum, moment), (w, x)| (sum + w, moment + w * x));
            (sum > 200.0).then(|| moment / sum)
        };
        let apart = |frame| Some((centre(frame, 0)? - centre(frame, 1)?).abs());
        let seen: Vec<f64> = (0..self.count()).filter_map(apart).collect();
        assert!(seen.len() * 2 > self.count(), "the bar is seen in {} pictures only", seen.len());
        seen.into_iter().fold(0.0, f64::max)
    }
}

/// The sound of one track, all channels in one.
pub struct Sound {
    /// Samples per second.
    pub rate: u32,
    pub channels: u32,
    samples: Vec<f32>,
}

impl Sound {
    pub fn decode(playlist: &Path) -> Self {
        let stated = stream(playlist);
        let bytes = decode(playlist, &["-map", "0:a:0", "-ac", "1", "-f", "f32le"]);
        let samples = bytes.as_chunks::<4>().0.iter().map(|sample| f32::from_le_bytes(*sample)).collect();
        let channels = u32::try_from(stated["channels"].as_u64().unwrap()).unwrap();
        Self { rate: number(&stated["sample_rate"]) as u32, channels, samples }
    }

    fn ms(&self, samples: usize) -> f64 {
        samples as f64 * 1000.0 / f64::from(self.rate)
    }

    pub fn length_ms(&self) -> f64 {
        self.ms(self.samples.len())
    }

    /// When beeps begin: what is loud after half a second without.
    pub fn beeps_ms(&self) -> Vec<f64> {
        let loud = self.samples.iter().enumerate().filter(|(_, sample)| sample.abs() > 0.1).map(|(place, _)| place);
        let (mut found, mut last) = (Vec::new(), None);
        for place in loud {
            if last.is_none_or(|last| place - last > self.rate as usize / 2) {
                found.push(self.ms(place));
            }
            last = Some(place);
        }
        found
    }
}
