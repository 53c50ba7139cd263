//! TLS towards clients, as the command line has it.

use std::time::Duration;

use origin_server::Tls;
use tokio::sync::watch;

use crate::cli::Serve;
use crate::exit::Failure;

/// Between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// By the two files that are named; nothing where none is.
pub(super) fn configured(options: &Serve) -> Result<Option<Tls>, Failure> {
    let fault = |detail: String| {
        let hint = "name the certificate with --tls-certificate and its key with --tls-key, both in PEM, or neither";
        Failure::config("tls.unfit", detail, hint)
    };
    match (&options.tls_certificate, &options.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Tls::open(certificate, key).map(Some).map_err(|error| fault(format!("TLS: {error}")))
        }
        (Some(_), None) => Err(fault("there is a certificate and no key".to_owned())),
        (None, Some(_)) => Err(fault("there is a key and no certificate".to_owned())),
    }
}

/// Has new files shown to clients until `stopped` turns true.
pub(crate) async fn follow(tls: Tls, mut stopped: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let reading = tls.clone();
        match tokio::task::spawn_blocking(move || reading.renew()).await {
            Ok(Ok(true)) => tracing::info!("clients are shown a new certificate"),
            Ok(Err(error)) => tracing::warn!(%error, "the certificate is shown that was read before"),
            Ok(Ok(false)) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Command};

    #[test]
    fn a_certificate_without_its_key_is_refused_in_a_sentence() {
        for (arguments, words) in [
            (&["--tls-certificate", "/nowhere/cert"][..], "no key"),
            (&["--tls-key", "/nowhere/key"], "no certificate"),
            (&["--tls-certificate", "/nowhere/cert", "--tls-key", "/nowhere/key"], "/nowhere/cert: "),
        ] {
            let line = ["lectern", "serve"].iter().chain(arguments);
            let Command::Serve(options) = Arguments::try_parse_from(line).unwrap().command else {
                panic!("it is serve")
            };
            let refused = configured(&options).err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(refused.contains(words), "{arguments:?}: {refused}");
        }
    }
}
