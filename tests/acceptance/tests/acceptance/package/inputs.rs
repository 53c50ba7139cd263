//! Small inputs made of counter.mp4, each once for the whole run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::judge;

/// Pictures of both rungs: six groups of 48 at 24000/1001 a second, which is 2.002 s each.
pub const FRAMES: u64 = 288;
pub const GROUP: u64 = 48;

/// A folder for inputs, and what lies in it.
pub struct Inputs {
    folder: tempfile::TempDir,
    /// 320x180 with AAC at 44.1 kHz.
    pub low: PathBuf,
    /// 640x360 without sound.
    pub high: PathBuf,
}

/// Debian's FFmpeg, with a folder to work in.
pub fn ffmpeg(folder: &Path, arguments: &[&str]) {
    judge::run(
        Command::new("ffmpeg").current_dir(folder).args(["-nostdin", "-v", "error", "-y", "-bitexact"]).args(arguments),
    );
}

/// The two rungs that most tests package.
pub fn rungs() -> &'static Inputs {
    static MADE: OnceLock<Inputs> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let counter = judge::media("counter.mp4");
        let split = "[0:v]split[a][b];[a]scale=320:180[low];[b]scale=640:360[high]";
        let video =
            "-c:v libx264 -preset ultrafast -bf 2 -g 48 -keyint_min 48 -sc_threshold 0 -crf 30 -video_track_timescale 24000";
        let mut arguments = vec!["-i", counter.to_str().unwrap(), "-filter_complex", split];
        arguments.extend("-map [low] -map 0:a -t 12.012".split(' ').chain(video.split(' ')));
        arguments.extend("-c:a aac -b:a 64k low.mp4 -map [high] -t 12.012".split(' ').chain(video.split(' ')));
        arguments.push("high.mp4");
        ffmpeg(folder.path(), &arguments);
        Inputs { low: folder.path().join("low.mp4"), high: folder.path().join("high.mp4"), folder }
    })
}

impl Inputs {
    /// The low rung in another container, made by FFmpeg with these arguments.
    pub fn remuxed(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let path = self.folder.path().join(name);
        let mut all = vec!["-i", "low.mp4", "-c", "copy"];
        all.extend(arguments);
        all.push(name);
        ffmpeg(self.folder.path(), &all);
        path
    }
}
