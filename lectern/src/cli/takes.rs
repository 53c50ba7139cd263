//! What a worker takes on.

/// What a worker takes on.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Takes {
    /// Processors that jobs may use at once, such as 2 or 0.5; all there are if not given. What one uses is measured; one always
    /// runs, and what somebody waits for finds room beside
    #[arg(long, value_name = "NUMBER", value_parser = thousandths)]
    pub(crate) processors: Option<i64>,
    /// Memory that jobs may use at once, in MiB; three quarters of the machine's if not given
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) memory_mib: Option<u32>,
    /// Of what this machine can do only this; all that passed its trial if not given
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    pub(crate) offer: Vec<Capability>,
}

/// What a job may need of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Capability {
    /// Whatever encodes no pictures: probing, planning, sound, text, publishing
    Cpu,
    /// A device
    Gpu,
    /// Pictures in H.264
    H264,
    /// Pictures in HEVC
    Hevc,
    /// Pictures in AV1
    Av1,
    /// Pictures in VP9
    Vp9,
}

impl Capability {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => asset_flow::CPU,
            Self::Gpu => asset_flow::GPU,
            Self::H264 => "h264",
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
            Self::Vp9 => "vp9",
        }
    }
}

/// The most processors that anybody has.
const MAX_PROCESSORS: f64 = 4096.0;

fn thousandths(text: &str) -> Result<i64, String> {
    let number: f64 = text.parse().map_err(|_| "write a number, such as 2 or 0.5".to_owned())?;
    match number {
        0.001..=MAX_PROCESSORS => Ok((number * 1_000.0).round() as i64),
        _ => Err("write a number above 0, and at most 4096".to_owned()),
    }
}
