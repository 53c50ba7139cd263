//! The lines of a new unit in the lists that name all units.

use super::names::{self, Names};

type Edit = fn(&str, &Names) -> Result<String, String>;

/// What its skeleton is built with, beside the crates of lower layers.
const DEPENDENCIES: [&str; 6] = ["axum", "serde", "serde_json", "utoipa", "utoipa-axum", "uuid"];
const FOR_TESTS: [&str; 4] = ["futures", "http-body-util", "tokio", "tower"];

/// The files that get lines, and how.
pub(super) fn all(names: &Names) -> Vec<(String, Edit)> {
    let always: [(&str, Edit); 10] = [
        ("services/__module__/Cargo.toml", manifest_of_crate),
        ("services/__module__/src/lib.rs", library),
        ("crates/database/src/migrations.rs", migrations),
        (names::UNITS, units),
        ("lectern/src/commands/serve.rs", serve),
        ("control-api/tests/http/server.rs", server),
        (names::WORDS, words),
        ("control-api/tests/http/crossing.rs", crossing),
        ("tests/acceptance/tests/acceptance/topology.rs", topology),
        ("docs/operations.md", operations),
    ];
    let mut all: Vec<(String, Edit)> = always.map(|(path, edit)| (names.fill(path), edit)).into();
    if names.is_new_crate {
        let of_crate: [(&str, Edit); 5] = [
            ("Cargo.toml", workspace),
            ("lectern/Cargo.toml", depends),
            ("control-api/Cargo.toml", depends),
            ("xtask/src/layers.rs", layers),
            ("ARCHITECTURE.md", architecture),
        ];
        all.extend(of_crate.map(|(path, edit)| (path.to_owned(), edit)));
    }
    all
}

/// Inserts a line into the block that begins with the line `begin` and ends before the next line `end`: in front of the first
/// line of the block that is to stand behind it, or at the block's end.
fn insert(
    text: &str,
    (begin, end): (&str, &str),
    line: &str,
    is_behind: impl Fn(&str) -> bool,
) -> Result<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let lacks = |what: &str| format!("there is no line {what:?} any more, by which it was known");
    let start = lines.iter().position(|line| line.starts_with(begin)).ok_or_else(|| lacks(begin))? + 1;
    let length = lines[start..].iter().position(|line| line.trim_start().starts_with(end)).ok_or_else(|| lacks(end))?;
    let block = &lines[start..start + length];
    let at = start + block.iter().position(|line| is_behind(line)).unwrap_or(length);
    let all = lines[..at].iter().copied().chain([line]).chain(lines[at..].iter().copied());
    Ok(all.flat_map(|line| [line, "\n"]).collect())
}

/// Replaces what is there once.
fn replace(text: &str, from: &str, to: &str) -> Result<String, String> {
    match text.matches(from).count() {
        1 => Ok(text.replace(from, to)),
        found => Err(format!("{from:?} is there {found} times, and not once")),
    }
}

/// Raises the length of the array that the line which begins so declares.
fn raise(text: &str, begin: &str) -> Result<String, String> {
    let line =
        text.lines().find(|line| line.starts_with(begin)).ok_or_else(|| format!("there is no line {begin:?}"))?;
    let (before, rest) = line.split_once("; ").ok_or_else(|| format!("{line:?} is no array"))?;
    let (length, behind) = rest.split_once(']').ok_or_else(|| format!("{line:?} is no array"))?;
    let length: usize = length.parse().map_err(|_| format!("{length:?} is no length"))?;
    replace(text, line, &format!("{before}; {}]{behind}", length + 1))
}

fn never(_: &str) -> bool {
    false
}

fn manifest_of_crate(text: &str, _: &Names) -> Result<String, String> {
    let (before, behind) = text.split_once("[dev-dependencies]\n").ok_or("it has no [dev-dependencies]")?;
    let name = |line: &str| line.split(['.', ' ']).next().unwrap_or_default().to_owned();
    let has = |part: &str, wanted: &str| part.lines().any(|line| name(line) == wanted);
    let mut text = text.to_owned();
    for wanted in DEPENDENCIES.into_iter().filter(|wanted| !has(before, wanted)) {
        // Foreign crates stand behind ours, of which axum is the first.
        let is_foreign = |line: &str| name(line).as_str() > wanted && !is_ours(&name(line));
        text = insert(&text, ("[dependencies]", "["), &format!("{wanted}.workspace = true"), |line| {
            line.is_empty() || is_foreign(line)
        })?;
    }
    if !has(behind, "database") {
        let line = "database = { workspace = true, features = [\"testing\"] }";
        text = insert(&text, ("[dev-dependencies]", "["), line, |_| true)?;
    }
    for wanted in FOR_TESTS.into_iter().filter(|wanted| !has(before, wanted) && !has(behind, wanted)) {
        text = insert(&text, ("[dev-dependencies]", "["), &format!("{wanted}.workspace = true"), |line| {
            line.is_empty() || (name(line).as_str() > wanted && !is_ours(&name(line)))
        })?;
    }
    Ok(text)
}

/// The crates of lower layers that a service may name.
fn is_ours(name: &str) -> bool {
    ["media-types", "drm", "database", "media-store", "http-client", "telemetry", "job-queue", "asset-store", "kernel"]
        .contains(&name)
}

fn library(text: &str, names: &Names) -> Result<String, String> {
    let list = names.fill("//! - [`__slug__`]: __Title__.\n");
    let text = if text.contains("//! - ") {
        replace(text, "//!\n//! Layer 6.\n", &format!("{list}//!\n//! Layer 6.\n"))?
    } else {
        replace(text, "//! Layer 6.\n", &format!("{list}//!\n//! Layer 6.\n"))?
    };
    let module = names.fill("pub mod __slug__;\n");
    Ok(match text.find("\npub mod ") {
        // rustfmt puts modules that stand together in order.
        Some(at) => format!("{}{module}{}", &text[..=at], &text[at + 1..]),
        None => format!("{text}\n{module}"),
    })
}

fn migrations(text: &str, names: &Names) -> Result<String, String> {
    let line = names.fill("    migration!(\"__module__\", \"__migration__\"),");
    insert(text, ("pub const MIGRATIONS", "];"), &line, never)
}

/// By port.
fn units(text: &str, names: &Names) -> Result<String, String> {
    let manifest = include_str!("../../../services/kernel/src/manifest.rs");
    let is_behind =
        |line: &str| names::entries(manifest).any(|(port, slug, ..)| port > names.port && slug == slug_of(line));
    let line = names.fill("    &__module__::__slug__::UNIT,");
    insert(&raise(text, "pub(crate) static UNITS:")?, ("pub(crate) static UNITS:", "];"), &line, is_behind)
}

/// The unit of a line such as `&ops::flags::UNIT,` or `&control_api::MEDIA,`.
pub(super) fn slug_of(line: &str) -> String {
    let words: Vec<&str> = line.trim().trim_matches(['&', ',']).split("::").collect();
    match words[..] {
        [.., slug, "UNIT"] => slug.to_owned(),
        [.., constant] => constant.to_lowercase(),
        [] => String::new(),
    }
}

fn serve(text: &str, names: &Names) -> Result<String, String> {
    let made = names.fill(
        "    if chosen.has(&__module__::__slug__::UNIT) {
        let __nouns__ = __module__::__slug__::__Nouns__::new(database.clone(), database.clock());
        units.push(__module__::__slug__::serve(__nouns__));
    }
",
    );
    replace(text, "    Ok(chosen.among(units))\n", &format!("{made}    Ok(chosen.among(units))\n"))
}

fn server(text: &str, names: &Names) -> Result<String, String> {
    let text = raise(&raise(text, "pub(crate) const UNITS:")?, "pub(crate) static ALL:")?;
    let at = text.find("pub(crate) const UNITS:").ok_or("it has no UNITS")?;
    let end = text[at..].find("];").ok_or("UNITS has no end")? + at;
    let (before, behind) = (text[..end].trim_end().trim_end_matches(','), &text[end..]);
    let text = names.fill(&format!("{before}, \"__slug__\"{behind}"));
    let text = insert(&text, ("pub(crate) static ALL:", "];"), &names.fill("    &__module__::__slug__::UNIT,"), never)?;
    let made = names
        .fill("        __module__::__slug__::serve(__module__::__slug__::__Nouns__::new(db.clone(), db.clock())),");
    insert(&text, ("    let others = [", "];"), &made, never)
}

/// By word.
fn words(text: &str, names: &Names) -> Result<String, String> {
    let line = names.fill("        (\"__path__\", \"__slug__\"),");
    insert(text, ("    let expected = BTreeMap::from([", "]);"), &line, |other| other > line.as_str())
}

fn crossing(text: &str, names: &Names) -> Result<String, String> {
    let line = names.fill(
        "            (\"/api/v1/__path__/{id}\", id(&made(\"/api/v1/__path__\", json!({ \"name\": slug })).await, \"id\")),",
    );
    insert(text, ("        let ids = BTreeMap::from([", "]);"), &line, |other| other > line.as_str())
}

fn topology(text: &str, names: &Names) -> Result<String, String> {
    let line = names.fill("    (\"__slug__\", \"api\"),");
    insert(&raise(text, "const UNITS:")?, ("const UNITS:", "];"), &line, never)
}

fn operations(text: &str, names: &Names) -> Result<String, String> {
    let Names { slug, port, module, title, .. } = names;
    let listed = format!("{slug:<16} {port:>4}  {module:<10}  ready    {title}");
    let is_behind = |line: &str| {
        line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).is_some_and(|of: u16| of > *port)
    };
    let text = insert(text, ("SLUG ", "```"), &listed, is_behind)?;
    let row = names.fill("| `__slug__` | `__path__` | [its page](__path__.md) |");
    insert(&text, ("| unit | addresses", "| `gateway`"), &row, never)
}

fn workspace(text: &str, names: &Names) -> Result<String, String> {
    let member = names.fill("\"services/__module__\", ");
    // Once in the members and once in those that are built by default, each of which have all services in one line.
    let lines = text.lines().map(|line| match line.find("\"services/") {
        Some(first) if !line.contains('=') => {
            let behind = line[first..].match_indices('"').step_by(2).map(|(at, _)| first + at);
            let at = behind.into_iter().find(|at| line[*at..] > member[..]).unwrap_or(line.len());
            format!("{}{member}{}\n", &line[..at], &line[at..])
        }
        _ => format!("{line}\n"),
    });
    let text: String = lines.collect();
    let line = names.fill("__module__ = { path = \"services/__module__\" }");
    insert(&text, ("kernel = { path", "workers = { path"), &line, |other| other > line.as_str())
}

fn depends(text: &str, names: &Names) -> Result<String, String> {
    let known = "\nidentity.workspace = true\n";
    replace(text, known, &format!("{known}{}", names.fill("__module__.workspace = true\n")))
}

fn layers(text: &str, names: &Names) -> Result<String, String> {
    let known =
        text.lines().find(|line| line.starts_with("    (\"identity\", &[")).ok_or("identity sees everything")?;
    let line = known.replacen("identity", &names.module, 1);
    insert(text, ("const NEVER:", "];"), &line, |other| other.starts_with("    (\"lectern\","))
}

fn architecture(text: &str, names: &Names) -> Result<String, String> {
    let line = names.fill("| 6 | `services/__module__` | services of the module `__module__` |");
    insert(text, ("| 5 | `services/kernel`", "| 7 |"), &line, |other| other > line.as_str())
}
