//! `cargo xtask new-unit`: the skeleton of a unit of the manifest, as docs/adding-a-unit.md describes it, and its line in every
//! list that names all units.
//!
//! - `names`: what it is called, in all the forms that a template needs.
//! - `edits`: its lines in files that are there.
//!
//! The templates are the files in `xtask/templates`: words between double underscores stand for names.

mod edits;
mod names;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use names::Names;

pub(crate) const USAGE: &str = "cargo xtask new-unit NAME --port N --module M [--resource NOUN]";

/// The files of a unit: where it is, and its template.
const FILES: [(&str, &str); 8] = [
    ("services/__module__/src/__slug__.rs", include_str!("../templates/unit/unit.rs")),
    ("services/__module__/src/__slug__/codes.rs", include_str!("../templates/unit/codes.rs")),
    ("services/__module__/src/__slug__/routes.rs", include_str!("../templates/unit/routes.rs")),
    ("services/__module__/src/__slug__/store.rs", include_str!("../templates/unit/store.rs")),
    ("services/__module__/src/__slug__/tests.rs", include_str!("../templates/unit/tests.rs")),
    ("services/__module__/src/__slug__/views.rs", include_str!("../templates/unit/views.rs")),
    ("migrations/__module__/__migration__.sql", include_str!("../templates/unit/create.sql")),
    ("docs/__path__.md", include_str!("../templates/unit/page.md")),
];
/// Those of a crate that the module has none of yet.
const CRATE: [(&str, &str); 2] = [
    ("services/__module__/Cargo.toml", include_str!("../templates/crate/Cargo.toml")),
    ("services/__module__/src/lib.rs", include_str!("../templates/crate/lib.rs")),
];

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    slug: String,
    port: u16,
    module: String,
    resource: Option<String>,
}

/// Writes everything, or nothing where something is in the way. What is left to be done by hand.
pub(crate) fn run(arguments: &[String]) -> Result<String, String> {
    let wish = wish(arguments)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let names = Names::of(&root, &wish, &now()?)?;
    let files = plan(&root, &names)?;
    write(&root, &files)?;
    let written: String = files.keys().map(|path| format!("  {}\n", path.display())).collect();
    Ok(names.fill(&format!("{written}{LEFT}")))
}

const LEFT: &str = "\nwrote the unit __slug__, which keeps __nouns__ at /api/v1/__path__. Now:
  cargo test -p __module__ __slug__                   its own tests, on both engines (and Cargo.lock is brought up to date)
  UPDATE_GOLDEN=1 cargo test -p control-api --test http contract    its operations, in docs/openapi.json
  cargo test -p control-api --test http            the sweeps over every operation
  what it is about: fields, routes and rules in place of a name; its page, its line in docs/GLOSSARY.md and CHANGELOG.md";

fn wish(arguments: &[String]) -> Result<Wish, String> {
    let usage = || format!("usage: {USAGE}");
    let (slug, mut rest) = arguments.split_first().ok_or_else(usage)?;
    let (mut port, mut module, mut resource) = (None, None, None);
    while let [flag, value, behind @ ..] = rest {
        match flag.as_str() {
            "--port" => port = Some(value.parse::<u16>().map_err(|_| format!("{value:?} is no port"))?),
            "--module" => module = Some(value.clone()),
            "--resource" => resource = Some(value.clone()),
            _ => return Err(usage()),
        }
        rest = behind;
    }
    match (port, module, rest) {
        (Some(port), Some(module), []) => Ok(Wish { slug: slug.clone(), port, module, resource }),
        _ => Err(usage()),
    }
}

/// The moment, as names of migrations have it.
fn now() -> Result<String, String> {
    let output =
        Command::new("date").args(["-u", "+%Y%m%d%H%M%S"]).output().map_err(|error| format!("date: {error}"))?;
    String::from_utf8(output.stdout).map(|stamp| stamp.trim().to_owned()).map_err(|error| error.to_string())
}

/// Every file as it is to be, by its path from the root: new ones, and those that get a line.
fn plan(root: &Path, names: &Names) -> Result<BTreeMap<PathBuf, String>, String> {
    let mut files = BTreeMap::new();
    let own = if names.is_new_crate { &CRATE[..] } else { &[] };
    for (path, template) in FILES.iter().chain(own) {
        let path = PathBuf::from(names.fill(path));
        if root.join(&path).exists() {
            return Err(format!("{} is there already, and nothing is written over it", path.display()));
        }
        files.insert(path, names.fill(template));
    }
    for (path, edit) in edits::all(names) {
        let path = PathBuf::from(path);
        let text = match files.remove(&path) {
            Some(new) => new,
            None => {
                std::fs::read_to_string(root.join(&path)).map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        let edited = edit(&text, names).map_err(|error| format!("{}: {error}", path.display()))?;
        files.insert(path, edited);
    }
    for (path, text) in &mut files {
        if path.extension().is_some_and(|kind| kind == "rs") {
            *text = formatted(root, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(files)
}

/// Names are long and short, and lines break by their length.
fn formatted(root: &Path, text: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("rustfmt: {error}");
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--edition", "2024", "--config-path"]).arg(root.join("rustfmt.toml"));
    let mut child = rustfmt.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    // It reads everything before it writes anything.
    child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes())).map_err(failed)?;
    let output = child.wait_with_output().map_err(failed)?;
    match output.status.success() {
        true => String::from_utf8(output.stdout).map_err(|error| error.to_string()),
        false => Err("rustfmt does not take it".to_owned()),
    }
}

fn write(root: &Path, files: &BTreeMap<PathBuf, String>) -> Result<(), String> {
    for (path, text) in files {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let path = root.join(path);
        path.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(failed)?;
        std::fs::write(path, text).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
