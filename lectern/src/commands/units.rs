//! `lectern units`.

use kernel::manifest::MANIFEST;
use serde_json::json;

use crate::exit::Failure;
use crate::out;
use crate::units::is_ready;

pub(crate) fn run(json: bool) -> Result<(), Failure> {
    if !json {
        let (slug, port, module, state, name) = ("SLUG", "PORT", "MODULE", "STATE", "NAME");
        out::line(format_args!("{slug:<16} {port:>4}  {module:<10}  {state:<7}  {name}"))?;
    }
    for entry in MANIFEST {
        let state = if is_ready(entry) { "ready" } else { "planned" };
        let (slug, port, module, name) = (entry.slug, entry.port, entry.module, entry.name);
        if json {
            out::line(json!({
                "slug": slug, "port": port, "module": module, "state": state, "name": name, "within": entry.within,
            }))?;
        } else {
            let within = entry.within.map_or_else(String::new, |unit| format!(" (within {unit})"));
            out::line(format_args!("{slug:<16} {port:>4}  {module:<10}  {state:<7}  {name}{within}"))?;
        }
    }
    Ok(())
}
