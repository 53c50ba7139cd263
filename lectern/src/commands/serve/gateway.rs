//! The gateway of a process, and where it finds the units of others.

use std::collections::BTreeMap;

use control_api::{Bounds, GATEWAY, Gateway, GatewayOptions};
use http_client::Base;
use kernel::{Unit, manifest};

use crate::exit::Failure;
use crate::http;
use crate::units::{self, Chosen};

/// The gateway before all units that the process does not serve, if it serves that.
pub(super) fn configured(chosen: &Chosen, upstreams: &[String]) -> Result<Option<Gateway>, Failure> {
    let elsewhere = elsewhere(chosen, upstreams)?;
    if !chosen.has(&GATEWAY) {
        return Ok(None);
    }
    let authorities = http::authorities().map_err(http::unfit)?;
    let options = GatewayOptions { here: chosen.here().to_vec(), elsewhere, authorities, bounds: Bounds::default() };
    let fault = |error| http::unfit(format!("the certificate authorities: {error}"));
    Gateway::new(options).map(Some).map_err(fault)
}

/// Each unit of other processes, and where that is, as often as there are processes of it: as `upstreams` say, or at its own port of
/// this machine.
fn elsewhere(chosen: &Chosen, upstreams: &[String]) -> Result<Vec<(&'static Unit, Base)>, Failure> {
    let fault = |detail: String| {
        let hint =
            "write --upstream SLUG=URL, such as media=http://127.0.0.1:3006, once for each process of a unit elsewhere";
        Failure::config("upstream.unfit", detail, hint)
    };
    let mut named: BTreeMap<&str, Vec<Base>> = BTreeMap::new();
    // A variable that is set to nothing names nothing.
    for text in upstreams.iter().filter(|text| !text.is_empty()) {
        let (slug, url) = text.split_once('=').ok_or_else(|| fault(format!("{text:?} is not SLUG=URL")))?;
        units::exists(slug)?;
        let base = Base::new(url).map_err(|error| fault(format!("the upstream of {slug}: {error}")))?;
        let known = named.entry(slug).or_default();
        if known.contains(&base) {
            return Err(fault(format!("{slug} has the upstream {base} twice")));
        }
        known.push(base);
    }
    if !named.is_empty() && !chosen.has(&GATEWAY) {
        return Err(fault("only the unit gateway has upstreams, and this process does not serve it".to_owned()));
    }
    if let Some(slug) = chosen.here().iter().map(|unit| unit.slug).find(|slug| named.contains_key(slug)) {
        return Err(fault(format!("{slug} has an upstream, and this process serves it itself")));
    }
    let mut bases = |unit: &Unit| {
        let port = manifest::find(unit.slug).map_or(0, |entry| entry.port);
        let own = || Base::new(&format!("http://127.0.0.1:{port}")).map(|base| vec![base]);
        named.remove(unit.slug).map_or_else(own, Ok).map_err(|error| fault(error.to_string()))
    };
    let mut elsewhere = Vec::new();
    for unit in chosen.elsewhere() {
        elsewhere.extend(bases(unit)?.into_iter().map(|base| (unit, base)));
    }
    Ok(elsewhere)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Command};

    fn found(arguments: &[&str]) -> Result<BTreeMap<&'static str, String>, String> {
        let line = ["lectern", "serve"].iter().chain(arguments);
        let Command::Serve(options) = Arguments::try_parse_from(line).unwrap().command else { panic!("it is serve") };
        let found = elsewhere(&Chosen::of(&options).unwrap(), &options.upstreams).map_err(|error| error.to_string())?;
        Ok(found.into_iter().map(|(unit, base)| (unit.slug, base.to_string())).collect())
    }

    #[test]
    fn a_unit_elsewhere_is_at_its_own_port_of_this_machine_unless_it_is_said_to_be_in_another_place() {
        let at = found(&["--unit", "gateway", "--upstream", "media=http://10.0.0.2:80,flags=https://flags.internal"])
            .unwrap();
        let others = || units::UNITS.iter().map(|unit| unit.slug).filter(|slug| *slug != "gateway");
        let expected = others().map(|slug| match slug {
            "media" => (slug, "http://10.0.0.2".to_owned()),
            "flags" => (slug, "https://flags.internal".to_owned()),
            _ => (slug, format!("http://127.0.0.1:{}", manifest::find(slug).unwrap().port)),
        });
        assert_eq!(at, expected.collect());
        assert_eq!(at["webhook"], "http://127.0.0.1:3027");
        let some = found(&["--only", "gateway,media,flags", "--upstream", "webhook=http://[::1]:1"]).unwrap();
        let left: std::collections::BTreeSet<_> = others().filter(|slug| !["media", "flags"].contains(slug)).collect();
        assert!(some.keys().copied().eq(left));
        let line =
            ["lectern", "serve", "--unit", "gateway", "--upstream", "media=http://a,flags=http://b,media=http://c"];
        let Command::Serve(options) = Arguments::try_parse_from(line).unwrap().command else { panic!("it is serve") };
        let all = elsewhere(&Chosen::of(&options).unwrap(), &options.upstreams).unwrap();
        let of_media = all.iter().filter(|(unit, _)| unit.slug == "media").map(|(_, base)| base.to_string());
        assert_eq!(of_media.collect::<Vec<_>>(), ["http://a", "http://c"], "each of its processes");
        assert!(found(&[]).unwrap().is_empty(), "one process that serves everything has nothing elsewhere");
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence() {
        let cases: [(&[&str], &str); 7] = [
            (&["--unit", "gateway", "--upstream", "media"], "is not SLUG=URL"),
            (&["--unit", "gateway", "--upstream", "media=10.0.0.2:3006"], "no absolute URL"),
            (&["--unit", "gateway", "--upstream", "media=http://10.0.0.2/api"], "nothing belongs behind host and port"),
            (&["--unit", "gateway", "--upstream", "chat=http://10.0.0.2"], "chat is planned"),
            (&["--unit", "gateway", "--upstream", "media=http://a,media=http://a"], "the upstream http://a twice"),
            (&["--unit", "media", "--upstream", "flags=http://a"], "only the unit gateway"),
            (&["--only", "gateway,media", "--upstream", "media=http://a"], "serves it itself"),
        ];
        for (arguments, words) in cases {
            let refused = found(arguments).unwrap_err();
            assert!(refused.contains(words), "{arguments:?}: {refused}");
        }
    }
}
