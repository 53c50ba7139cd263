//! Arguments.

mod audit;
mod backup;
mod config;
mod events;
mod jobs;
mod limits;
mod serve;
mod takes;
mod watch;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use database::Address;
use drm::signal::System;
use drm::{HlsMethod, ProtectionScheme, TrackClass};
use media_types::FrameRate;
use packager::DashText;

pub(crate) use audit::AuditCommand;
pub(crate) use backup::BackupCommand;
pub(crate) use config::ConfigCommand;
pub(crate) use events::{EventsCommand, ReplayedOnes};
pub(crate) use jobs::{Drained, JobsCommand};
pub(crate) use limits::{LimitedOnes, LimitsCommand};
pub(crate) use serve::{DemandAt, Role, Serve};
pub(crate) use takes::Takes;
pub(crate) use watch::Watch;

/// The video engine of a learning platform: upload a recording, watch it adapt.
#[derive(Parser)]
#[command(name = "lectern", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    /// Print results and progress as JSON lines on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: API, page, origin and workers; or some of them, with --roles, --only and --unit
    Serve(Box<Serve>),
    /// Run only workers, on the database and the store of a running `serve`
    Worker(Worker),
    /// Run only the origin, on a store
    Origin(Origin),
    /// List the units of the platform: the port of each, and whether this build has it
    Units,
    /// Upload the files that are put into a folder
    Watch(Watch),
    /// Encode a file into a folder that any HLS or DASH player can play; no server, no database
    Encode(Encode),
    /// Package media files for HLS and DASH, without encoding them again
    Package(Box<Package>),
    /// Check a presentation, anyone's, against the rules of HLS, DASH, CMAF and CENC
    Lint(Lint),
    /// Print what a file contains
    Probe(Probe),
    /// Check, explain and plot ladders
    #[command(subcommand)]
    Ladder(LadderCommand),
    /// See and steer the jobs of a data folder or a database
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Show and set how much tenants may upload and have made
    #[command(subcommand)]
    Limits(LimitsCommand),
    /// See who reads events, and have them taken anew
    #[command(subcommand)]
    Events(EventsCommand),
    /// Make, check and restore backups; also the way from one database to another
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Check that nobody has changed the audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Say what is configured, and by what
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Apply migrations to the database
    Migrate(Data),
    /// Wrap all content keys and other secrets of a database under the current key-encryption key; media stay as they are
    Rewrap(Data),
    /// Check that this machine has what Lectern needs
    Doctor(Doctor),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a folder
    Man {
        /// The folder; made if it is not there
        #[arg(long, default_value = "man")]
        out: PathBuf,
    },
}

#[derive(clap::Args)]
pub(crate) struct Data {
    /// Folder for database, uploads and published media, as far as they lie nowhere else; made if it is needed
    #[arg(long, env = "LECTERN_DATA", default_value = "lectern-data")]
    pub(crate) data: PathBuf,
    /// The database, in place of lectern.db in the data folder: a file, or postgres://USER@HOST/NAME. LECTERN_DATABASE says the
    /// same, and is the place for an address with a password
    // No `env` here: the help would print what the variable holds.
    #[arg(long, value_name = "FILE|postgres://...", value_parser = address)]
    pub(crate) database: Option<Address>,
    /// The store, in place of the folder media in the data folder: a folder, or s3://BUCKET/PREFIX
    #[arg(long, env = "LECTERN_STORE", value_name = "DIR|s3://...")]
    pub(crate) store: Option<String>,
}

/// What makes ranges of video.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Makes {
    /// Devices that decode, scale and encode video beside the processor: all that pass a trial, those but their encoders, or
    /// none. Where several workers share a data folder and their devices differ, `decode` or `none` is for all of them
    #[arg(long, env = "LECTERN_DEVICES", value_enum, default_value_t = Devices::Auto)]
    pub(crate) devices: Devices,
}

/// Which devices are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Devices {
    /// Whatever passes its trial
    Auto,
    /// The same, but for encoders
    Decode,
    /// None
    None,
}

#[derive(clap::Args)]
pub(crate) struct Worker {
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) takes: Takes,
    #[command(flatten)]
    pub(crate) makes: Makes,
    #[command(flatten)]
    pub(crate) metrics: MetricsAt,
}

/// For those who watch over a process.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct MetricsAt {
    /// Address and port of their own for /metrics, /healthz and /readyz of this process. They need no token: choose an address
    /// that only those reach who may know
    #[arg(long, env = "LECTERN_METRICS_LISTEN", value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,
}

#[derive(clap::Args)]
pub(crate) struct Origin {
    /// The store: the folder `media` inside a data folder, another folder, or s3://BUCKET/PREFIX
    #[arg(long, env = "LECTERN_STORE", value_name = "DIR|s3://...")]
    pub(crate) store: String,
    #[command(flatten)]
    pub(crate) demand: DemandAt,
    /// Address and port; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:3050")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) metrics: MetricsAt,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Encode {
    /// The recording; or the files that a camera cut it into, from the first to the last
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// Folder for the result; must be empty or absent
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// A shipped ladder's name, or a ladder file
    #[arg(long, default_value = ladders::DEFAULT_LADDER)]
    pub(crate) ladder: String,
    /// Parts of the recording encoded at once, each with encoders of its own; one for every two processors unless told
    /// otherwise. More of them use more memory, and a few bytes more
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) parallel: Option<u32>,
    #[command(flatten)]
    pub(crate) makes: Makes,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("protection").multiple(true))]
pub(crate) struct Package {
    /// A media file (MP4, CMAF, MPEG-TS, Matroska or WebM) or subtitles (WebVTT, SubRip, TTML, IMSC: `talk.en.sdh.vtt`); once
    /// for each rendition or language
    #[arg(long = "input", short, required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// Decrypt encrypted MP4 inputs first: file of their content keys, lines KID:KEY in hexadecimal as in a key file
    #[arg(help_heading = "Keys", long, value_name = "FILE")]
    pub(crate) input_keys: Option<PathBuf>,
    /// Folder for the result; must be empty or absent
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Length of segments in seconds; they end at the keyframe nearest to it
    #[arg(long, default_value = "4", value_parser = segment_duration)]
    pub(crate) segment_duration: u32,
    /// One file per track with an index, instead of one per segment
    #[arg(long)]
    pub(crate) single_file: bool,
    /// What the MPD names subtitles as: `cmaf` tracks in segments, or one WebVTT file each (`webvtt`), for players that show no
    /// others
    #[arg(long, value_name = "FORM", default_value = "cmaf", value_parser = dash_text)]
    pub(crate) dash_subtitles: DashText,
    /// Also write download.mp4: the largest video and the first sound in one file with its index in front
    #[arg(long, conflicts_with = "key_source")]
    pub(crate) progressive: bool,
    /// File of cues that playlists and manifest tell and segments are cut at: lines START [DURATION] [ID], in seconds or
    /// hh:mm:ss.mmm, and options such as asset=ADDRESS of what HLS players show there. SCTE 35 messages of MPEG-TS inputs are
    /// told without it
    #[arg(help_heading = "Markers and chapters", long, value_name = "FILE")]
    pub(crate) cue_file: Option<PathBuf>,
    /// WebVTT file of chapters, a cue each, in place of those of the inputs; a language in its name is that of the titles:
    /// `talk.en.vtt`
    #[arg(help_heading = "Markers and chapters", long, value_name = "FILE")]
    pub(crate) chapters: Option<PathBuf>,
    /// Write SCTE 35 messages into the segments as well, as `emsg` boxes
    #[arg(help_heading = "Markers and chapters", long)]
    pub(crate) emsg: bool,
    /// Begin a period of the MPD wherever a marker cuts the presentation
    #[arg(help_heading = "Markers and chapters", long, conflicts_with = "single_file")]
    pub(crate) periods: bool,
    /// Encrypt: `cbcs` plays on all systems, `cenc` on all but Apple's
    #[arg(help_heading = "Protection", long, requires = "key_source", group = "protection", value_parser = scheme)]
    pub(crate) scheme: Option<ProtectionScheme>,
    /// File of content keys: lines KID:KEY or KID:KEY:CLASS in hexadecimal, CLASS one of audio, sd, hd, uhd; with keys that
    /// change KID:KEY:CLASS:PERIOD or KID:KEY::PERIOD, the first period being 0
    #[arg(help_heading = "Keys", long, requires = "protection", group = "key_source")]
    pub(crate) key_file: Option<PathBuf>,
    /// CPIX document of content keys, with usage rules that say which track gets which; its DRMSystem elements are what
    /// licence systems are told
    #[arg(help_heading = "Keys", long, group = "key_source")]
    pub(crate) cpix: Option<PathBuf>,
    /// PEM file of the private key that the CPIX document's keys are encrypted for
    #[arg(help_heading = "Keys", long, requires = "cpix")]
    pub(crate) cpix_key: Option<PathBuf>,
    /// Take a CPIX document only if all that it says of keys is signed by the owner of this certificate (PEM). Signatures
    /// must hold without it as well
    #[arg(help_heading = "Keys", long, value_name = "CERT", requires = "cpix")]
    pub(crate) cpix_trust: Option<PathBuf>,
    /// Write the keys that are used as a CPIX document, for who hands out licences; they are encrypted for --cpix-recipient
    #[arg(help_heading = "Keys", long, value_name = "FILE", requires_all = ["key_source", "cpix_recipient"])]
    pub(crate) write_cpix: Option<PathBuf>,
    /// Certificate (PEM) of who can read the document of --write-cpix; once for each
    #[arg(help_heading = "Keys", long, value_name = "CERT", requires = "write_cpix")]
    pub(crate) cpix_recipient: Vec<PathBuf>,
    /// Address of a key service that is asked for keys with SPEKE v2. LECTERN_SPEKE_AUTHORIZATION holds what it wants for
    /// Authorization, or another header with its name: `X-Api-Key: KEY`
    #[arg(
        help_heading = "Keys",
        long, value_name = "URL", group = "key_source", requires_all = ["scheme", "content_id"],
        conflicts_with_all = ["crypto_period", "hls_ts_encryption"]
    )]
    pub(crate) speke: Option<String>,
    /// What the key service knows the recording by
    #[arg(help_heading = "Keys", long, value_name = "ID", requires = "speke")]
    pub(crate) content_id: Option<String>,
    /// Classes of tracks that get a key of their own from the key service, of audio, sd, hd, uhd; all others share one. `all`
    /// alone is one key for everything
    #[arg(help_heading = "Keys", long, value_name = "CLASSES", value_delimiter = ',', default_value = "audio", value_parser = speke_class)]
    pub(crate) speke_classes: Vec<Option<TrackClass>>,
    /// Let the key service send keys in clear, protected by TLS alone, instead of encrypted for this one request
    #[arg(help_heading = "Keys", long, requires = "speke")]
    pub(crate) speke_clear_keys: bool,
    /// Change keys: seconds after which the next one is used, from the first segment that starts then or later
    #[arg(help_heading = "Protection", long, requires = "key_source", value_parser = crypto_period)]
    pub(crate) crypto_period: Option<u32>,
    /// Licence systems to name in playlists and manifest
    #[arg(help_heading = "Protection", long, value_delimiter = ',', default_value = "widevine,playready,fairplay,clearkey", value_parser = system)]
    pub(crate) systems: Vec<System>,
    /// Where players ask for ClearKey and PlayReady licences
    #[arg(help_heading = "Protection", long, requires = "key_source")]
    pub(crate) licence_url: Option<String>,
    /// Also write ts/: HLS as MPEG-TS for players that know no fMP4, of the tracks in H.264, AAC, AC-3 and E-AC-3
    #[arg(help_heading = "Old players", long)]
    pub(crate) hls_ts: bool,
    /// Encrypt ts/: `aes-128` whole segments, `sample-aes` the samples in them
    #[arg(
        help_heading = "Old players",
        long,
        requires_all = ["hls_ts", "hls_ts_key_uri", "key_source"],
        conflicts_with = "crypto_period",
        group = "protection",
        value_parser = hls_method
    )]
    pub(crate) hls_ts_encryption: Option<HlsMethod>,
    /// Where players get the 16 bytes of a key of ts/, as an address from its media playlists; {kid} stands for the key id
    #[arg(help_heading = "Old players", long, value_name = "URI", requires = "hls_ts_encryption", value_parser = key_uri)]
    pub(crate) hls_ts_key_uri: Option<String>,
    /// Seconds at the start that stay clear, so that playback starts before the licence is there
    #[arg(help_heading = "Protection", long, requires = "key_source", default_value = "0", value_parser = seconds)]
    pub(crate) clear_lead: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Lint {
    /// A playlist, an MPD or a CMAF file, as a path or an HTTP address; or a folder that holds playlists or MPDs
    #[arg(required_unless_present = "rules")]
    pub(crate) targets: Vec<String>,
    /// Read so many segments of each track only
    #[arg(long)]
    pub(crate) segments: Option<usize>,
    /// File of content keys, KID:KEY in hexadecimal: protected samples are decrypted and looked into
    #[arg(long)]
    pub(crate) key_file: Option<PathBuf>,
    /// Compare with the same presentation in clear: every track must hold the samples of one of its tracks
    #[arg(long, value_name = "TARGET", requires = "key_file", conflicts_with = "segments")]
    pub(crate) clear: Option<String>,
    /// Take warnings for errors
    #[arg(long)]
    pub(crate) strict: bool,
    /// List all rules instead, with the clause each comes from
    #[arg(long)]
    pub(crate) rules: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Probe {
    /// The recording; or the files that a camera cut it into, from the first to the last
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum LadderCommand {
    /// Check ladder files, or the shipped ladders when none is named
    Check {
        /// Ladder files
        files: Vec<PathBuf>,
    },
    /// Say which rungs a source of this shape gets, and why not the others
    Explain {
        /// A shipped ladder's name, or a ladder file
        ladder: String,
        /// Size of the source, such as 1920x1080
        #[arg(long, default_value = "1920x1080", value_parser = size)]
        size: (u32, u32),
        /// Frame rate of the source, such as 25 or 30000/1001
        #[arg(long, default_value = "25", value_parser = rate)]
        rate: FrameRate,
        /// Bitrate of the source's video in kbit/s
        #[arg(long)]
        bitrate_kbps: Option<u64>,
        /// The source is of high dynamic range
        #[arg(long)]
        hdr: bool,
        /// Take size, rate, bitrate and dynamic range from this recording instead
        #[arg(long)]
        source: Option<PathBuf>,
    },
    /// Plot bitrate against height, or what was decided for a recording, on the terminal or as an SVG file
    Plot {
        /// A shipped ladder's name, or a ladder file
        ladder: String,
        /// Decide the rungs of this recording, and plot quality over rate with what was chosen
        #[arg(long)]
        source: Option<PathBuf>,
        /// Write an SVG picture here instead
        #[arg(long)]
        svg: Option<PathBuf>,
    },
    /// Encode recordings again that were made with an earlier state of a ladder, behind all other work; until then they are
    /// played as they are. A server or a worker on the data folder does it
    Renew {
        /// The ladder's name
        ladder: String,
        /// Only this recording, by the id of its asset, whichever ladder it was made with
        #[arg(long, value_name = "ID")]
        asset: Option<String>,
        #[command(flatten)]
        data: Data,
    },
    /// Print the JSON Schema of ladder files
    Schema,
}

#[derive(clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) data: Data,
    #[command(flatten)]
    pub(crate) makes: Makes,
}

/// Whatever it is: a mistake in it is told without showing it.
fn address(text: &str) -> Result<Address, Infallible> {
    Ok(Address::new(text))
}

fn scheme(text: &str) -> Result<ProtectionScheme, &'static str> {
    ProtectionScheme::from_code(text.as_bytes()).ok_or("write cenc, cens, cbc1 or cbcs")
}

fn dash_text(text: &str) -> Result<DashText, &'static str> {
    match text {
        "cmaf" => Ok(DashText::Cmaf),
        "webvtt" => Ok(DashText::WebVtt),
        _ => Err("write cmaf or webvtt"),
    }
}

fn hls_method(text: &str) -> Result<HlsMethod, &'static str> {
    HlsMethod::from_name(text).ok_or("write aes-128 or sample-aes")
}

/// What a quoted attribute of a playlist can hold.
fn key_uri(text: &str) -> Result<String, &'static str> {
    let fine = !text.is_empty() && !text.contains(|letter: char| letter == '"' || letter.is_control());
    if fine { Ok(text.to_owned()) } else { Err("write an address without quotes and line ends") }
}

fn speke_class(text: &str) -> Result<Option<TrackClass>, &'static str> {
    match TrackClass::from_name(text) {
        None if !text.eq_ignore_ascii_case("all") => Err("write audio, sd, hd, uhd or all"),
        class => Ok(class),
    }
}

fn system(text: &str) -> Result<System, &'static str> {
    System::from_name(text).ok_or("write widevine, playready, fairplay, clearkey or common")
}

/// Seconds with up to three decimals, in milliseconds.
fn seconds(text: &str) -> Result<u32, &'static str> {
    let value: f64 = text.parse().map_err(|_| "write seconds, like 4 or 2.5")?;
    if (0.0..=86_400.0).contains(&value) { Ok((value * 1000.0).round() as u32) } else { Err("write at most 86400") }
}

fn crypto_period(text: &str) -> Result<u32, &'static str> {
    let ms = seconds(text)?;
    if ms >= 1000 { Ok(ms) } else { Err("write 1 to 86400 seconds") }
}

fn segment_duration(text: &str) -> Result<u32, &'static str> {
    let ms = seconds(text)?;
    if (100..=60_000).contains(&ms) { Ok(ms) } else { Err("write 0.1 to 60 seconds") }
}

fn size(text: &str) -> Result<(u32, u32), &'static str> {
    text.split_once(['x', 'X'])
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)))
        .filter(|&(width, height)| width > 0 && height > 0)
        .ok_or("write it like 1920x1080")
}

fn rate(text: &str) -> Result<FrameRate, &'static str> {
    let (num, den) = text.split_once('/').unwrap_or((text, "1"));
    let parsed = num.parse().ok().zip(den.parse().ok());
    parsed.and_then(|(num, den)| FrameRate::new(num, den)).ok_or("write it like 25 or 30000/1001")
}
