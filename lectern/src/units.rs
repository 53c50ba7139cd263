//! The units that this build has, and which of them a process serves.

use std::net::{Ipv4Addr, SocketAddr};

use kernel::manifest::{self, Entry};
use kernel::{Permission, Served, Unit};

use crate::cli::{Role, Serve};
use crate::exit::Failure;
use crate::settings::{self, Environment};

/// Every unit that this build has, by port.
pub(crate) static UNITS: [&Unit; 11] = [
    &control_api::GATEWAY,
    &identity::user::UNIT,
    &identity::auth::UNIT,
    &control_api::MEDIA,
    &identity::rbac::UNIT,
    &identity::org::UNIT,
    &control_api::PROCESSING,
    &control_api::STREAMING,
    &webhook::UNIT,
    &ops::audit::UNIT,
    &ops::flags::UNIT,
];
/// What a role does is of use beside this unit alone: origins show what is streamed, workers do what is to be processed.
static BESIDE: [(Role, &str, &Unit); 2] =
    [(Role::Origin, "origin", &control_api::STREAMING), (Role::Worker, "worker", &control_api::PROCESSING)];
/// Where everything is served together: the port of the gateway.
const PORT: u16 = 3000;

/// Whether this build has what the entry names.
pub(crate) fn is_ready(entry: &Entry) -> bool {
    UNITS.iter().any(|unit| unit.slug == entry.slug || unit.parts.contains(&entry.slug))
}

/// What there is to be permitted, whichever process serves it.
pub(crate) fn permissions() -> impl Iterator<Item = Permission> {
    UNITS.iter().flat_map(|unit| unit.permissions).copied()
}

/// The units that a process serves.
#[derive(Debug)]
pub(crate) struct Chosen {
    units: Vec<&'static Unit>,
    is_part: bool,
}

impl Chosen {
    /// As the command line says: all of them unless it names some, and none in a process that is no API.
    ///
    /// # Errors
    /// A unit that is not there, or a role that is of no use beside those that are named.
    pub(crate) fn of(options: &Serve) -> Result<Self, Failure> {
        let named: Vec<&str> = options.only.iter().chain(&options.unit).map(String::as_str).collect();
        let is_api = options.roles.contains(&Role::Api);
        if named.is_empty() {
            let units = if is_api { UNITS.to_vec() } else { Vec::new() };
            return Ok(Self { units, is_part: false });
        }
        named.iter().try_for_each(|slug| exists(slug))?;
        let units: Vec<_> = UNITS.into_iter().filter(|unit| named.contains(&unit.slug)).collect();
        if !is_api {
            let detail = "units are served by the role api, which --roles leaves out";
            return Err(Failure::config("unit.role", detail, "add api to --roles, or name no units"));
        }
        for (role, name, unit) in BESIDE {
            if options.roles.contains(&role) && !units.contains(&unit) {
                let detail = format!("the role {name} is of no use without the unit {}, which is not named", unit.slug);
                let hint = format!("leave {name} out of --roles, or add {} to --only", unit.slug);
                return Err(Failure::config("unit.role", detail, &hint));
            }
        }
        Ok(Self { units, is_part: true })
    }

    /// Whether some units were named, and the others are served elsewhere if at all.
    pub(crate) fn is_part(&self) -> bool {
        self.is_part
    }

    pub(crate) fn has(&self, unit: &Unit) -> bool {
        self.units.contains(&unit)
    }

    /// Whether one of them is about recordings.
    pub(crate) fn has_engine(&self) -> bool {
        [&control_api::MEDIA, &control_api::PROCESSING, &control_api::STREAMING].iter().any(|unit| self.has(unit))
    }

    /// What this process serves.
    pub(crate) fn here(&self) -> &[&'static Unit] {
        &self.units
    }

    /// What this build has and this process does not serve.
    pub(crate) fn elsewhere(&self) -> impl Iterator<Item = &'static Unit> {
        UNITS.into_iter().filter(|unit| !self.has(unit))
    }

    /// Of `served` what was chosen.
    pub(crate) fn among(&self, served: impl IntoIterator<Item = Served>) -> Vec<Served> {
        served.into_iter().filter(|served| self.has(served.unit())).collect()
    }

    /// The folders of `migrations/` whose tables they use, and those of the keys and people that open them.
    pub(crate) fn tables(&self) -> Vec<&'static str> {
        let own: Vec<_> = self.units.iter().flat_map(|unit| unit.tables).copied().collect();
        let keys = (!own.is_empty()).then_some(identity::TABLES);
        own.into_iter().chain(keys).collect()
    }
}

/// Where a process listens: as it is told, or on loopback at the port that is usual for what it serves.
///
/// # Errors
/// The environment names no port, or two.
pub(crate) fn listen(options: &Serve, env: Environment<'_>) -> Result<SocketAddr, Failure> {
    if let Some(address) = options.listen {
        return Ok(address);
    }
    let usual = || options.unit.as_deref().and_then(manifest::find).map_or(PORT, |entry| entry.port);
    let port = settings::port(env)?.unwrap_or_else(usual);
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// That this build has a unit of this slug.
pub(crate) fn exists(slug: &str) -> Result<(), Failure> {
    if UNITS.iter().any(|unit| unit.slug == slug) {
        return Ok(());
    }
    let ready = UNITS.map(|unit| unit.slug).join(", ");
    let detail = match manifest::find(slug) {
        Some(Entry { within: Some(unit), .. }) => {
            format!("{slug} is a part of the unit {unit}; this build serves {ready}")
        }
        Some(_) => format!("the unit {slug} is planned and not built yet; this build serves {ready}"),
        None => format!("there is no unit {slug:?}; this build serves {ready}"),
    };
    Err(Failure::config("unit.not_served", detail, "name one of those; `lectern units` lists all that are planned"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use clap::Parser;

    use super::*;
    use crate::cli::{Arguments, Command};

    fn serve(arguments: &[&str]) -> Serve {
        let line = ["lectern", "serve"].iter().chain(arguments);
        let Command::Serve(options) = Arguments::try_parse_from(line).unwrap().command else { panic!("it is serve") };
        *options
    }

    fn chosen(arguments: &[&str]) -> Vec<&'static str> {
        Chosen::of(&serve(arguments)).unwrap().units.iter().map(|unit| unit.slug).collect()
    }

    #[test]
    fn what_this_build_has_is_in_the_manifest_and_no_part_is_claimed_twice() {
        let mut claimed = BTreeSet::new();
        for unit in UNITS {
            let entry = manifest::find(unit.slug).unwrap();
            assert_eq!(entry.within, None, "{}", unit.slug);
            assert!(claimed.insert(unit.slug) && is_ready(entry));
            for part in unit.parts {
                let entry = manifest::find(part).unwrap();
                assert_eq!(entry.within, Some(unit.slug), "{part}");
                assert!(claimed.insert(part) && is_ready(entry), "{part}");
            }
        }
        let ready: BTreeSet<_> =
            manifest::MANIFEST.iter().filter(|entry| is_ready(entry)).map(|entry| entry.slug).collect();
        assert_eq!(ready, claimed);
    }

    #[test]
    fn every_unit_says_what_it_has_of_people() {
        for unit in UNITS {
            assert_ne!(unit.rights.hooks().is_some(), unit.rights.why_nothing().is_some(), "{}", unit.slug);
        }
    }

    #[test]
    fn every_table_is_some_units() {
        let known: BTreeSet<_> = database::migrations::MIGRATIONS.iter().map(|migration| migration.module).collect();
        let used: BTreeSet<_> = UNITS.iter().flat_map(|unit| unit.tables).copied().collect();
        assert_eq!(used, known);
    }

    #[test]
    fn a_process_serves_all_units_or_those_that_are_named() {
        assert_eq!(chosen(&[]), UNITS.map(|unit| unit.slug));
        assert_eq!(chosen(&["--roles", "api"]), UNITS.map(|unit| unit.slug));
        assert_eq!(chosen(&["--roles", "origin,worker"]), [""; 0]);
        assert_eq!(chosen(&["--only", "webhook,media,webhook"]), ["media", "webhook"]);
        assert_eq!(chosen(&["--unit", "processing", "--roles", "api,worker"]), ["processing"]);
        assert!(Arguments::try_parse_from(["lectern", "serve", "--unit", "media", "--only", "webhook"]).is_err());
    }

    #[test]
    fn whoever_names_units_gets_the_api_alone_unless_he_says_otherwise() {
        assert_eq!(serve(&[]).roles, [Role::Api, Role::Origin, Role::Worker]);
        for arguments in [&["--unit", "webhook"][..], &["--only", "media,webhook"]] {
            assert_eq!(serve(arguments).roles, [Role::Api], "{arguments:?}");
        }
        assert_eq!(serve(&["--unit", "streaming", "--roles", "origin,api"]).roles, [Role::Origin, Role::Api]);
    }

    #[test]
    fn a_unit_alone_listens_at_its_own_port() {
        let at = |arguments: &[&str]| listen(&serve(arguments), &|_| None).unwrap().to_string();
        assert_eq!(at(&[]), "127.0.0.1:3000");
        assert_eq!(at(&["--only", "webhook"]), "127.0.0.1:3000");
        assert_eq!(at(&["--unit", "webhook"]), "127.0.0.1:3027");
        assert_eq!(at(&["--unit", "gateway"]), "127.0.0.1:3000");
        assert_eq!(at(&["--unit", "webhook", "--listen", "127.0.0.1:0"]), "127.0.0.1:0");
        let port = |name: &str| (name == "PORT").then(|| "8080".to_owned());
        assert_eq!(listen(&serve(&["--unit", "webhook"]), &port).unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(listen(&serve(&["--listen", "[::1]:1"]), &port).unwrap().to_string(), "[::1]:1");
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence_that_names_what_would() {
        let served = format!("this build serves {}", UNITS.map(|unit| unit.slug).join(", "));
        let is_planned = |entry: &&Entry| entry.within.is_none() && !is_ready(entry);
        let planned = manifest::MANIFEST.iter().find(is_planned).unwrap().slug;
        let unbuilt = format!("the unit {planned} is planned and not built yet");
        let cases: [(&[&str], &str); 8] = [
            (&["--unit", planned], &unbuilt),
            (&["--unit", "nothing"], "there is no unit \"nothing\""),
            (&["--only", "media,"], "there is no unit \"\""),
            (&["--unit", "ott-transcoding"], "ott-transcoding is a part of the unit processing"),
            (&["--unit", "webhook", "--roles", "worker"], "the role api"),
            (&["--only", "media,webhook", "--roles", "api,worker"], "without the unit processing"),
            (&["--unit", "webhook", "--roles", "api,origin"], "without the unit streaming"),
            (&["--unit", planned, "--roles", "worker"], &unbuilt),
        ];
        for (arguments, words) in cases {
            let refused = Chosen::of(&serve(arguments)).unwrap_err().to_string();
            assert!(refused.contains(words), "{arguments:?}: {refused}");
            assert!(refused.contains(&served) || refused.contains("role"), "{arguments:?}: {refused}");
        }
    }
}
