//! Bridges to brokers, as arguments or the environment configure them.

use bridge::{Address, Bridge};
use database::Database;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::Serve;
use crate::exit::Failure;
use crate::settings::{self, Environment};

/// What this process publishes to.
pub(super) struct Bridges {
    addresses: Vec<Address>,
    source: String,
}

/// Those that are configured.
///
/// # Errors
/// What is no address, or one with a password where everybody sees it, or two of the same name.
pub(super) fn configured(options: &Serve, env: Environment<'_>) -> Result<Bridges, Failure> {
    let variable = settings::BRIDGE.name;
    let told: Vec<String> = match options.bridges.as_slice() {
        [] => env(variable).unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
        named => named.to_vec(),
    };
    let mut addresses: Vec<Address> = Vec::with_capacity(told.len());
    for (at, text) in told.iter().enumerate() {
        let which = format!("bridge {}", at + 1);
        let address = Address::parse(text).map_err(|error| {
            let hint = "write such as nats://HOST/PREFIX?kinds=asset.*, once for each bridge";
            Failure::config("bridge.unfit", format!("{which}: {error}"), hint)
        })?;
        if !options.bridges.is_empty() && address.has_secret() {
            let detail = format!("{which}: everyone on this machine can read the password in --bridge");
            return Err(Failure::config("bridge.password_shown", detail, &format!("write it in {variable} instead")));
        }
        if addresses.iter().any(|other| other.name() == address.name()) {
            let detail = format!("{which}: there is one named {} already", address.name());
            return Err(Failure::config("bridge.unfit", detail, "give one of them another name=NAME"));
        }
        addresses.push(address);
    }
    let own = options.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
    Ok(Bridges { addresses, source: format!("{own}/api/v1/events") })
}

impl Bridges {
    /// Begins with all of them, where there is a database that has events.
    pub(super) fn begin(self, database: Option<&Database>, tasks: &mut JoinSet<()>, stopped: &watch::Receiver<bool>) {
        let Some(database) = database else { return };
        for address in self.addresses {
            let bridge = Bridge::new(database.clone(), database.clock(), address, self.source.clone());
            tasks.spawn(bridge.run(stopped.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Command};

    fn found(arguments: &[&str], variable: Option<&str>) -> Result<Vec<String>, String> {
        let line = ["lectern", "serve"].iter().chain(arguments);
        let Command::Serve(options) = Arguments::try_parse_from(line).unwrap().command else { panic!("it is serve") };
        let env = |name: &str| variable.filter(|_| name == "LECTERN_BRIDGE").map(str::to_owned);
        let bridges = configured(&options, &env).map_err(|failure| failure.to_string())?;
        Ok(bridges.addresses.iter().map(|address| address.name().to_owned()).collect())
    }

    #[test]
    fn bridges_are_arguments_or_words_of_the_variable() {
        assert_eq!(found(&[], None), Ok(vec![]));
        let two = "nats://u:hush@h kafka://h/t?name=second&kinds=a.*,b";
        assert_eq!(found(&[], Some(two)), Ok(vec!["nats".to_owned(), "second".to_owned()]));
        let named = found(&["--bridge", "amqp://h/vh"], Some("no address"));
        assert_eq!(named, Ok(vec!["amqp".to_owned()]), "the argument wins");
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence_without_secrets() {
        for (arguments, variable, words) in [
            (&["--bridge", "http://h"][..], None, "bridge 1: there is no bridge for http://"),
            (&["--bridge", "nats://hush@h"], None, "bridge 1: everyone on this machine"),
            (&[], Some("nats://h nats://u:hush@g"), "bridge 2: there is one named nats already"),
            (&[], Some("nats://h redis://u:hush@g"), "bridge 2: there is no bridge for redis://"),
        ] {
            let said = found(arguments, variable).unwrap_err();
            assert!(said.contains(words) && !said.contains("hush"), "{said}");
        }
    }
}
