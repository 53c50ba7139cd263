//! What the executable says of this machine, in one go.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::{EngineOptions, bare, describe, last_words, spawner};
use crate::EngineHostError;
use crate::child::Arguments;
use crate::error::clean;

/// Trials of everything there is take some seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// Longer than any report.
const MAX_REPORT_BYTES: u64 = 64 << 10;

/// Runs the executable to its end, and answers what it wrote to its standard output.
///
/// # Errors
/// When it does not start, does not end, or breaks.
pub(super) async fn ask(options: &EngineOptions, arguments: Arguments) -> Result<String, EngineHostError> {
    let failed = |source| EngineHostError::Spawn { program: options.program.clone(), source };
    let mut command = bare(options, arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = spawner::spawn(command).await.map_err(failed)?;
    let (mut report, mut said) = (Vec::new(), Vec::new());
    let read = async {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let out = async {
            match stdout {
                Some(stdout) => stdout.take(MAX_REPORT_BYTES).read_to_end(&mut report).await.map(drop),
                None => Ok(()),
            }
        };
        let err = async {
            match stderr {
                Some(stderr) => stderr.take(MAX_REPORT_BYTES).read_to_end(&mut said).await.map(drop),
                None => Ok(()),
            }
        };
        tokio::try_join!(out, err)?;
        child.wait().await
    };
    match timeout(ANSWER_WITHIN, read).await {
        Err(_) => Err(EngineHostError::Stalled { after: ANSWER_WITHIN }),
        Ok(Err(error)) => Err(failed(error)),
        Ok(Ok(status)) if status.success() => Ok(String::from_utf8_lossy(&report).into_owned()),
        Ok(Ok(status)) => {
            let stderr_tail = clean(last_words(&String::from_utf8_lossy(&said)));
            Err(EngineHostError::Died { how: describe(Ok(status)), stderr_tail })
        }
    }
}
