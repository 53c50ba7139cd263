//! Making sources.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine_libav::LibavEngine;
use media_types::{EncodePlan, ProbeReport};
use pipeline::{Engine, SourceRead};
use tempfile::TempDir;

/// Cells of the strip that says a picture's number: white, black, twelve bits, their parity, white.
pub(crate) const CELLS: usize = 16;
/// Picture size of most sources; a cell is ten pixels wide.
pub(crate) const SIZE: (usize, usize) = (160, 96);
/// x264 options that make decoding out of order worth the name.
pub(crate) const OPEN_GOP: &str = "open-gop=1:keyint=250:min-keyint=250:scenecut=0:bframes=3:b-pyramid=normal";

pub(crate) struct FileSource {
    file: File,
    size: u64,
    /// Bytes read so far.
    pub(crate) read: Arc<AtomicU64>,
}

impl SourceRead for FileSource {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buf, offset)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl FileSource {
    pub(crate) fn new(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let size = file.metadata().unwrap().len();
        Self { file, size, read: Arc::default() }
    }
}

pub(crate) fn open(path: &Path) -> LibavEngine {
    LibavEngine::open(Box::new(FileSource::new(path))).unwrap()
}

/// The engine on a file, with its report and the plan of the film ladder.
pub(crate) fn planned(path: &Path) -> (LibavEngine, ProbeReport, EncodePlan) {
    let mut engine = open(path);
    let report = engine.probe().unwrap();
    let plan = pipeline::plan(&report, &ladders::builtin("film").unwrap()).unwrap();
    (engine, report, plan)
}

/// A folder for one test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `ffmpeg` with the words of `arguments`; the last one is a file of this folder, `@name` an earlier one.
    pub(crate) fn make(&self, arguments: &str) -> PathBuf {
        let mut words: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        for word in &mut words {
            if let Some(name) = word.strip_prefix('@') {
                *word = self.path(name).to_str().unwrap().to_owned();
            }
        }
        let out = self.path(&words.pop().unwrap());
        run(words.iter().map(String::as_str).chain([out.to_str().unwrap()]));
        out
    }

    /// Numbered pictures: `input` is a lavfi source, `filters` come before the numbering, `output` says how to encode.
    pub(crate) fn numbered(&self, input: &str, filters: &str, output: &str) -> PathBuf {
        let numbering = counter(SIZE.0);
        let filters = if filters.is_empty() { numbering } else { format!("{filters},{numbering}") };
        self.make(&format!("-f lavfi -i {input} -vf {filters} {output}"))
    }
}

/// A moving picture of `frames` frames at `rate`.
pub(crate) fn moving(rate: &str, frames: u32) -> String {
    format!("testsrc2=s={}x{}:r={rate},trim=end_frame={frames}", SIZE.0, SIZE.1)
}

fn counter(width: usize) -> String {
    let (cell, height) = (width / CELLS, SIZE.1 / 4);
    let white = |x: usize| format!("drawbox=x={}:y=0:w={cell}:h={height}:color=white:t=fill", x * cell);
    let mut filters = vec![format!("drawbox=x=0:y=0:w={width}:h={height}:color=black:t=fill"), white(0), white(15)];
    let bit = |bit: usize| format!("mod(floor(n/{})\\,2)", 1 << bit);
    filters.extend((0..12).map(|at| format!("{}:enable={}", white(13 - at), bit(at))));
    let ones: Vec<String> = (0..12).map(bit).collect();
    filters.push(format!("{}:enable=mod({}\\,2)", white(14), ones.join("+")));
    filters.join(",")
}

/// Runs `ffmpeg` and answers what it writes to its standard output.
pub(crate) fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-v", "error", "-y"]).args(arguments).stdin(Stdio::null());
    let output = command.output().expect("ffmpeg is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
