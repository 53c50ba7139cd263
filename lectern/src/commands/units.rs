//! `lectern units`.

use kernel::manifest::MANIFEST;
use serde_json::json;

use crate::exit::Failure;
use crate::out;
use crate::units::{UNITS, is_ready};

pub(crate) fn run(json: bool) -> Result<(), Failure> {
    if !json {
        let (slug, port, module, state, name) = ("SLUG", "PORT", "MODULE", "STATE", "NAME");
        out::line(format_args!("{slug:<16} {port:>4}  {module:<10}  {state:<7}  {name}"))?;
    }
    for entry in MANIFEST {
        let state = if is_ready(entry) { "ready" } else { "planned" };
        let (slug, port, module, name) = (entry.slug, entry.port, entry.module, entry.name);
        if json {
            let unit = UNITS.iter().find(|unit| unit.slug == slug);
            let permissions: Vec<String> =
                unit.into_iter().flat_map(|unit| unit.permissions).map(ToString::to_string).collect();
            out::line(json!({
                "slug": slug, "port": port, "module": module, "state": state, "name": name, "within": entry.within,
                "permissions": permissions,
            }))?;
        } else {
            let within = entry.within.map_or_else(String::new, |unit| format!(" (within {unit})"));
            out::line(format_args!("{slug:<16} {port:>4}  {module:<10}  {state:<7}  {name}{within}"))?;
        }
    }
    Ok(())
}
