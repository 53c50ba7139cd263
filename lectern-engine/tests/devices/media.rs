//! Sources, their plans, and what decoders make of what was encoded.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engine_libav::LibavEngine;
use media_types::{CodecConfig, Rendition, Sample, VideoPlan};
use pipeline::{Engine, RangeOrder, SourceRead};

/// Cells of the strip that says a picture's number: white, black, then ten bits.
const CELLS: usize = 12;
const WIDTH: usize = 480;
const HEIGHT: usize = 272;

struct Bytes(File, u64);

impl Bytes {
    fn open(path: &Path) -> Box<Self> {
        let file = File::open(path).unwrap();
        let size = file.metadata().unwrap().len();
        Box::new(Self(file, size))
    }
}

impl SourceRead for Bytes {
    fn size(&self) -> u64 {
        self.1
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }
}

pub(crate) fn libav(path: &Path) -> LibavEngine {
    LibavEngine::open(Bytes::open(path)).unwrap()
}

/// Moving, numbered pictures of so many seconds at 25 a second; `filters` come after the numbering.
pub(crate) fn numbered(folder: &Path, seconds: u32, filters: &str, output: &str) -> PathBuf {
    let cell = WIDTH / CELLS;
    let strip = |x: usize| format!("drawbox=x={}:y=0:w={cell}:h=64:color=white:t=fill", x * cell);
    let mut all = vec![format!("drawbox=x=0:y=0:w={WIDTH}:h=64:color=black:t=fill"), strip(0)];
    all.extend((0..CELLS - 2).map(|bit| format!("{}:enable=mod(floor(n/{})\\,2)", strip(bit + 2), 1 << bit)));
    all.extend((!filters.is_empty()).then(|| filters.to_owned()));
    let source = format!("testsrc2=s={WIDTH}x{HEIGHT}:r=25:d={seconds}");
    let words: Vec<&str> = output.split_whitespace().collect();
    let (name, words) = words.split_last().unwrap();
    let out = folder.join(name);
    let fixed = ["-f", "lavfi", "-i", &source, "-vf", &all.join(","), "-pix_fmt", "yuv420p"];
    ffmpeg(fixed.into_iter().chain(words.iter().copied()).chain([out.to_str().unwrap()]), &[]);
    out
}

/// Runs `ffmpeg`, gives it `input`, and answers what it writes.
pub(crate) fn ffmpeg<'a>(arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("ffmpeg is installed");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let fed = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    fed.join().unwrap();
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

/// The video's plan, with two renditions of its shape.
pub(crate) fn planned(path: &Path) -> VideoPlan {
    let report = libav(path).probe().unwrap();
    let mut video = pipeline::plan(&report, &ladders::builtin("film").unwrap()).unwrap().video.unwrap();
    let Rendition { width, height, .. } = video.renditions[0];
    let smaller = |of: u32| Rendition {
        name: format!("{}p", height / of),
        width: width / of / 2 * 2,
        height: height / of / 2 * 2,
        ..video.renditions[0].clone()
    };
    video.renditions = vec![smaller(1), smaller(2)];
    video
}

/// The order for one range of a plan.
pub(crate) fn order(video: &VideoPlan, range: usize) -> RangeOrder {
    let all: Vec<usize> = (0..video.renditions.len()).collect();
    RangeOrder::new(video, &video.ranges[range], &all)
}

/// What every frame of a range shows, in greys of 96 by 54.
pub(crate) fn shown(order: &RangeOrder, config: &CodecConfig, samples: &[Sample]) -> Vec<Vec<u8>> {
    let (ticks, first) = (u64::from(order.video.frame_ticks), order.first_frame);
    let frame = |sample: &Sample| sample.pts as u64 / ticks - first;
    let mut frames: Vec<u64> = samples.iter().map(frame).collect();
    frames.sort_unstable();
    frames.push(order.frame_count());
    let pictures = decoded(config, samples);
    assert_eq!(pictures.len(), samples.len());
    let lengths = frames.windows(2).map(|pair| (pair[1] - pair[0]) as usize);
    pictures.into_iter().zip(lengths).flat_map(|(picture, length)| std::iter::repeat_n(picture, length)).collect()
}

/// The pictures of a track in the order in which they are shown.
fn decoded(config: &CodecConfig, samples: &[Sample]) -> Vec<Vec<u8>> {
    let CodecConfig::Avc(record) = config else { panic!("{config:?}") };
    let sets = bitstream_sets(record);
    let mut stream = Vec::new();
    for sample in samples {
        if sample.keyframe {
            sets.iter().for_each(|set| unit(&mut stream, set));
        }
        let mut rest = &sample.data[..];
        while let Some((length, tail)) = rest.split_first_chunk::<4>() {
            let (nal, tail) = tail.split_at(u32::from_be_bytes(*length) as usize);
            unit(&mut stream, nal);
            rest = tail;
        }
    }
    let raw = "-f h264 -i - -vsync passthrough -vf scale=96:54:flags=area -pix_fmt gray -f rawvideo -";
    ffmpeg(raw.split_whitespace(), &stream).chunks(96 * 54).map(<[u8]>::to_vec).collect()
}

fn unit(stream: &mut Vec<u8>, nal: &[u8]) {
    stream.extend([0, 0, 0, 1]);
    stream.extend(nal);
}

/// The parameter sets of a configuration record.
fn bitstream_sets(record: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &record[5..];
    let mut sets = Vec::new();
    for mask in [0x1f, 0xff] {
        let count = rest[0] & mask;
        rest = &rest[1..];
        for _ in 0..count {
            let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
            sets.push(rest[2..2 + length].to_vec());
            rest = &rest[2 + length..];
        }
    }
    sets
}

/// The number that an upright picture says.
pub(crate) fn number(picture: &[u8]) -> u32 {
    let level = |cell: usize| picture[5 * 96 + (2 * cell + 1) * 96 / (2 * CELLS)];
    assert!(level(0) > 124 && level(1) < 124, "no number");
    (2..CELLS).fold(0, |number, cell| number | u32::from(level(cell) > 124) << (cell - 2))
}

/// How far two pictures are apart, in greys.
pub(crate) fn apart(left: &[u8], right: &[u8]) -> f64 {
    let sum: u64 = left.iter().zip(right).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / left.len() as f64
}
