//! Units are generated into a copy of what they touch.
#![allow(clippy::unwrap_used)]

use super::*;

const STAMP: &str = "29991231235959";
/// What is read, and what may get lines, beside the crates of services.
const TOUCHED: [&str; 13] = [
    "ARCHITECTURE.md",
    "Cargo.toml",
    "control-api/Cargo.toml",
    "control-api/tests/http/crossing.rs",
    "control-api/tests/http/server.rs",
    "control-api/tests/http/units.rs",
    "crates/database/src/migrations.rs",
    "docs/operations.md",
    "lectern/Cargo.toml",
    "lectern/src/commands/serve.rs",
    "rustfmt.toml",
    "tests/acceptance/tests/acceptance/topology.rs",
    "xtask/src/layers.rs",
];

fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let services = std::fs::read_dir(root.join("services")).unwrap().map(|service| service.unwrap().file_name());
    let of_services = services.flat_map(|service| {
        let folder = Path::new("services").join(service);
        [folder.join("Cargo.toml"), folder.join("src/lib.rs")]
    });
    let touched = TOUCHED.iter().chain(&[names::MANIFEST, names::UNITS]).map(PathBuf::from).chain(of_services);
    let text = |path: PathBuf| {
        let text = std::fs::read_to_string(root.join(&path)).unwrap();
        (path, text)
    };
    write(folder.path(), &touched.map(text).collect()).unwrap();
    folder
}

/// What the command does, without the root that is its own.
fn generate(root: &Path, line: &str) -> Result<BTreeMap<PathBuf, String>, String> {
    let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let names = Names::of(root, &wish(&arguments)?, STAMP)?;
    let files = plan(root, &names)?;
    write(root, &files)?;
    Ok(files)
}

/// The lines of the block that begins and ends so.
fn block<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| !line.starts_with(begin)).skip(1);
    lines.take_while(|line| !line.trim_start().starts_with(end)).collect()
}

fn is_formatted(root: &Path, path: &Path) -> bool {
    let mut rustfmt = Command::new("rustfmt");
    rustfmt.args(["--check", "--edition", "2024", "--config-path"]).arg(root.join("rustfmt.toml"));
    // By standard input: a file leads to its modules, which are not all there.
    rustfmt.stdin(std::fs::File::open(root.join(path)).unwrap()).stdout(Stdio::null());
    rustfmt.status().unwrap().success()
}

/// The command lines of units that nobody has built: one of a module that has a crate, and two of one that has none.
fn planned(root: &Path) -> [String; 3] {
    let manifest = std::fs::read_to_string(root.join(names::MANIFEST)).unwrap();
    let all = names::entries(&manifest).map(|(port, slug, module, _)| (port, slug.to_owned(), module.to_owned()));
    let is_planned = |(port, slug, module): &(u16, String, String)| {
        let resource = Some("specimen".to_owned());
        Names::of(root, &Wish { slug: slug.clone(), port: *port, module: module.clone(), resource }, STAMP).is_ok()
    };
    let all: Vec<_> = all.filter(is_planned).collect();
    let has_crate = |module: &str| root.join("services").join(module).exists();
    let old = all.iter().find(|(.., module)| has_crate(module)).unwrap();
    let is_pair =
        |(one, other): &(&(u16, String, String), &(u16, String, String))| one.2 == other.2 && one.1 != other.1;
    let pairs = all.iter().flat_map(|one| all.iter().map(move |other| (one, other)));
    let (first, second) = pairs.filter(is_pair).find(|(one, _)| !has_crate(&one.2)).unwrap();
    let line = |(port, slug, module): &(u16, String, String), resource: &str| {
        format!("{slug} --port {port} --module {module} --resource {resource}")
    };
    [line(old, "specimen"), line(first, "sample"), line(second, "example_entry")]
}

fn has_placeholder(text: &str) -> bool {
    text.match_indices("__").any(|(at, _)| {
        let rest = &text[at + 2..];
        rest.find("__").is_some_and(|end| end > 0 && rest[..end].bytes().all(|byte| byte.is_ascii_alphabetic()))
    })
}

#[test]
fn a_unit_of_a_module_that_has_a_crate_and_two_of_one_that_has_none_are_whole() {
    let folder = copy();
    let root = folder.path();
    let lines = planned(root);
    let before = units_of(root).len();
    for line in &lines {
        let files = generate(root, line).unwrap();
        assert!(files.len() >= FILES.len() + 8, "{line}: {:?}", files.keys());
        for (path, text) in &files {
            assert!(!has_placeholder(text), "{line}: {} has a placeholder", path.display());
            let is_code = path.extension().is_some_and(|kind| kind == "rs");
            assert!(!is_code || is_formatted(root, path), "{line}: {} is not formatted", path.display());
        }
    }
    let slugs = lines.each_ref().map(|line| line.split(' ').next().unwrap());
    orders_hold(root, before, slugs);
    let module = lines[1].split(' ').nth(4).unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let manifest = read(&format!("services/{module}/Cargo.toml"));
    assert_eq!(manifest.matches("axum.workspace = true\n").count(), 2, "its own, and that of utoipa-axum: {manifest}");
    assert!(manifest.contains("\n\n[dev-dependencies]\ndatabase = {"), "{manifest}");
    assert_eq!(read("Cargo.toml").matches(&format!("\"services/{module}\"")).count(), 3);
    assert_eq!(read("xtask/src/layers.rs").matches(&format!("(\"{module}\", &[")).count(), 1);
    assert_eq!(read("ARCHITECTURE.md").matches(&format!("`services/{module}`")).count(), 1);
    let own = format!("services/{module}/src/{}", slugs[2]);
    assert!(read(&format!("{own}/store.rs")).contains(&format!("FROM {}_example_entry WHERE", slugs[2])));
    assert!(read(&format!("{own}/routes.rs")).contains("\"/api/v1/example-entries/{id}\""));
    assert!(read(&format!("{own}/views.rs")).contains("struct ExampleEntryView"));
}

fn units_of(root: &Path) -> Vec<String> {
    let units = std::fs::read_to_string(root.join(names::UNITS)).unwrap();
    block(&units, "pub(crate) static UNITS:", "];").into_iter().map(edits::slug_of).collect()
}

/// Of every list that is in some order, once `slugs` came behind `before` others.
fn orders_hold(root: &Path, before: usize, slugs: [&str; 3]) {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let manifest = read(names::MANIFEST);
    let port = |slug: &str| names::entries(&manifest).find(|(_, known, ..)| *known == slug).unwrap().0;
    let ports: Vec<u16> = units_of(root).iter().map(|slug| port(slug)).collect();
    assert!(ports.len() == before + 3 && ports.is_sorted(), "{ports:?}");
    assert!(read(names::UNITS).contains(&format!("static UNITS: [&Unit; {}]", before + 3)));
    let words = read(names::WORDS);
    let words = block(&words, "    let expected = BTreeMap::from([", "]);");
    let own = format!("        (\"samples\", \"{}\"),", slugs[1]);
    assert!(words.is_sorted() && words.contains(&own.as_str()), "{words:?}");
    let migrations = read("crates/database/src/migrations.rs");
    let last = *block(&migrations, "pub const MIGRATIONS", "];").last().unwrap();
    assert!(last.ends_with(&format!("{STAMP}_{}_create\"),", slugs[2])), "{last}");
    let server = read("control-api/tests/http/server.rs");
    let all = block(&server, "pub(crate) static ALL:", "];");
    assert!(all[before..].iter().map(|line| edits::slug_of(line)).eq(slugs), "{all:?}");
    let named = slugs.map(|slug| format!("\"{slug}\"")).join(", ");
    let flat = server.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(&named), "they are named in the order in which they are served");
    let shown = read("docs/operations.md");
    let shown = block(&shown, "SLUG ", "```");
    assert!(shown.is_sorted_by_key(|line| line.split_whitespace().nth(1).unwrap()), "{shown:?}");
}

#[test]
fn what_is_not_planned_so_or_is_there_already_is_refused_and_nothing_is_written() {
    let folder = copy();
    let root = folder.path();
    let [_, new, _] = planned(root);
    let others = ["code", "i18n", "job"].map(|noun| (noun, new.replace("sample", noun)));
    let of = |noun: &str| others.iter().find(|(known, _)| *known == noun).unwrap().1.as_str();
    for (line, words) in [
        ("nothing --port 3000 --module ops", "the manifest has no unit nothing"),
        ("flags --port 3035 --module ops", "by the manifest flags has port 3036"),
        ("flags --port 3036 --module media", "belongs to the module ops"),
        ("flags --port 3036 --module ops", "the unit flags is built already"),
        ("media --port 3006 --module media", "the unit media is built already"),
        ("cdn --port 3050 --module media", "made by hand in control-api"),
        (of("code"), "code is a word of SQL"),
        (of("i18n"), "can be no resource"),
        (of("job"), "/api/v1/jobs belongs to another unit"),
        ("flags --port many --module ops", "\"many\" is no port"),
        ("flags --port 3036", "usage: cargo xtask new-unit"),
    ] {
        let refused = generate(root, line).unwrap_err();
        assert!(refused.contains(words), "{line}: {refused}");
    }
    let in_the_way = root.join("docs/samples.md");
    write(root, &BTreeMap::from([(PathBuf::from("docs/samples.md"), "mine".to_owned())])).unwrap();
    let refused = generate(root, &new).unwrap_err();
    assert_eq!(refused, "docs/samples.md is there already, and nothing is written over it");
    assert_eq!(std::fs::read_to_string(in_the_way).unwrap(), "mine");
    assert!(!root.join("services").join(new.split(' ').nth(4).unwrap()).exists());
}
