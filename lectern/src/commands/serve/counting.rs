//! How many requests a process answers, and where it takes them to be from.

use http_client::{Networks, NetworksTextError};
use kernel::{Limiter, Proxies, Rates};

use crate::cli::Serve;
use crate::exit::Failure;

/// What counts the requests of this process, and who is believed when he says for whom he asks.
pub(super) fn configured(options: &Serve) -> Result<(Limiter, Proxies), Failure> {
    Ok((limiter(options)?, proxies(options)?))
}

fn limiter(options: &Serve) -> Result<Limiter, Failure> {
    let rates = Rates::with(options.rates.iter().map(String::as_str)).map_err(|error| {
        let hint = "write --rate NAME=REQUESTS/SECONDS, such as caller-read=2000/10, once for each rate";
        Failure::config("rate.unfit", error, hint)
    })?;
    tracing::debug!(%rates, "requests are counted");
    Ok(Limiter::new(rates))
}

fn proxies(options: &Serve) -> Result<Proxies, Failure> {
    let networks: Networks = options.trusted_proxies.parse().map_err(|error: NetworksTextError| {
        let hint = "write networks in CIDR notation, such as 10.0.0.0/8, or an address, behind commas";
        Failure::config("trusted_proxies.unfit", format!("the trusted proxies: {error}"), hint)
    })?;
    Ok(Proxies::trusting(move |address| networks.hold(address)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Command};

    fn refused(arguments: &[&str]) -> Option<String> {
        let line = ["lectern", "serve"].iter().chain(arguments);
        let Command::Serve(options) = Arguments::try_parse_from(line).unwrap().command else { panic!("it is serve") };
        configured(&options).err().map(|failure| failure.to_string())
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence() {
        for fine in [
            &[][..],
            &["--rate", "caller-read=5/1,unknown-token=none", "--rate", "tenant-change=10/60"],
            &["--trusted-proxies", "10.0.0.0/8, 127.0.0.1,fd00::/8"],
        ] {
            assert_eq!(refused(fine), None, "{fine:?}");
        }
        for (arguments, words) in [
            (["--rate", "caller-read"], "is no rate; write NAME=REQUESTS/SECONDS"),
            (["--rate", "key=1/1"], "there is no rate \"key\"; there are caller-read, caller-change, tenant-read"),
            (["--rate", "caller-read=1/1,caller-read=2/1"], "caller-read has two rates"),
            (["--trusted-proxies", "localhost"], "\"localhost\" is no network"),
        ] {
            let said = refused(&arguments).unwrap();
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
    }
}
