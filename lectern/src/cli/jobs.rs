//! Arguments of `lectern jobs`.

use clap::Subcommand;

use super::Data;

#[derive(Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, newest first
    List {
        #[command(flatten)]
        data: Data,
        /// Only in this state: waiting, ready, running, done, parked or cancelled
        #[arg(long)]
        state: Option<String>,
        /// Only of this stage, such as `encode_range`
        #[arg(long, value_parser = stage)]
        stage: Option<String>,
        /// Only of this asset
        #[arg(long, value_name = "ID")]
        asset: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Show one job
    Show {
        /// Its id
        job: String,
        #[command(flatten)]
        data: Data,
    },
    /// Have a parked job go on, and the asset that failed with it; what is done stays done
    Retry {
        /// Its id, or that of an asset
        id: String,
        /// Encode this rendition of an asset that is ready once more, such as `720p`, because what was made of it is damaged
        #[arg(long, value_name = "NAME")]
        rendition: Option<String>,
        #[command(flatten)]
        data: Data,
    },
    /// Cancel what a job is part of: the processing of its asset, or its renewal
    Cancel {
        /// Its id, or that of an asset
        id: String,
        #[command(flatten)]
        data: Data,
    },
    /// List the processes that work on the queue
    Workers(Data),
    /// Have nothing more claimed, and wait until what runs has ended. It holds over restarts, until `resume`
    Drain {
        #[command(flatten)]
        what: Drained,
        /// Why, for others to read
        #[arg(long)]
        reason: Option<String>,
        /// Do not wait
        #[arg(long)]
        no_wait: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Have jobs claimed again
    Resume {
        #[command(flatten)]
        what: Drained,
        #[command(flatten)]
        data: Data,
    },
}

/// The whole queue, unless told otherwise.
#[derive(clap::Args)]
#[group(multiple = false)]
pub(crate) struct Drained {
    /// Only the jobs of this stage, such as `encode_range`
    #[arg(long, value_parser = stage)]
    pub(crate) stage: Option<String>,
    /// Only what this worker claims, by its name as `lectern jobs workers` lists it
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: Option<String>,
}

fn stage(text: &str) -> Result<String, String> {
    match asset_flow::ALL_STAGES.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(format!("write one of {}", asset_flow::ALL_STAGES.join(", "))),
    }
}
