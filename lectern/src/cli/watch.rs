//! Arguments of `lectern watch`.

use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Watch {
    /// The folder. Files that have not changed for a while are uploaded and put into `.lectern/done` in it, or into
    /// `.lectern/failed` with the reason beside them. Or a bucket, s3://BUCKET/PREFIX: what is put there is uploaded and stays,
    /// and notes in the same places of the bucket say what became of it
    #[arg(value_name = "FOLDER|s3://BUCKET/PREFIX")]
    pub(crate) folder: PathBuf,
    /// Address of the API. LECTERN_ADMIN_TOKEN is what it knows this command by
    #[arg(long, env = "LECTERN_URL", default_value = "http://127.0.0.1:3000")]
    pub(crate) url: String,
    /// The ladder, in place of the API's usual one
    #[arg(long)]
    pub(crate) ladder: Option<String>,
    /// Seconds for which a file has not changed before it is taken; 10 if not given. Not for a bucket, whose objects are whole
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) settle: Option<u64>,
    /// Remove files, or objects of a bucket, that are uploaded instead of keeping them
    #[arg(long)]
    pub(crate) remove: bool,
    /// End once everything that is there is uploaded
    #[arg(long)]
    pub(crate) once: bool,
}
