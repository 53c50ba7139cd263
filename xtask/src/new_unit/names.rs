//! What a new unit is called.

use std::path::Path;

use super::Wish;
use super::edits::slug_of;

/// The manifest, by which it is known already.
pub(super) const MANIFEST: &str = "services/kernel/src/manifest.rs";
/// The units that the build has.
pub(super) const UNITS: &str = "lectern/src/units.rs";
/// The words that addresses begin with.
pub(super) const WORDS: &str = "control-api/tests/http/units.rs";

/// Words of SQL and of Rust, and of what templates call their own.
const TAKEN: [&str; 21] = [
    "arg", "check", "code", "column", "default", "grant", "group", "header", "limit", "match", "mod", "move", "offset",
    "order", "ref", "route", "table", "type", "use", "user", "view",
];

/// A unit, and the one resource that it begins with, in every form that a template needs.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) slug: String,
    pub(super) port: u16,
    pub(super) module: String,
    /// What people call it.
    pub(super) title: String,
    /// Its resource, one and many.
    pub(super) noun: String,
    pub(super) nouns: String,
    pub(super) table: String,
    /// The name of its migration, without `.sql`.
    pub(super) migration: String,
    /// Whether its module has no crate yet.
    pub(super) is_new_crate: bool,
}

impl Names {
    /// Of the unit that is wished for, if the manifest has it and the build does not.
    pub(super) fn of(root: &Path, wish: &Wish, stamp: &str) -> Result<Self, String> {
        let read = |path: &str| std::fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"));
        let Wish { slug, port, module, resource } = wish;
        let title = planned(&read(MANIFEST)?, &read(UNITS)?, wish)?;
        let noun = resource.clone().unwrap_or_else(|| slug.clone());
        check_noun(&noun)?;
        let nouns = plural(&noun);
        let table = if noun.starts_with(slug.as_str()) { noun.clone() } else { format!("{slug}_{noun}") };
        let names = Self {
            slug: slug.clone(),
            port: *port,
            module: module.clone(),
            title,
            migration: format!("{stamp}_{slug}_create"),
            is_new_crate: !root.join("services").join(module).exists(),
            noun,
            nouns,
            table,
        };
        if read(WORDS)?.contains(&format!("(\"{}\", ", names.path())) {
            let word = names.path();
            return Err(format!("/api/v1/{word} belongs to another unit: name the resource otherwise with --resource"));
        }
        Ok(names)
    }

    /// Where it is behind `/api/v1/`.
    pub(super) fn path(&self) -> String {
        self.nouns.replace('_', "-")
    }

    /// A template with these names in it.
    pub(super) fn fill(&self, template: &str) -> String {
        let (port, prefix) = (self.port.to_string(), self.noun.replace('_', "").chars().take(3).collect::<String>());
        let forms = [
            ("__slug__", self.slug.clone()),
            ("__module__", self.module.clone()),
            ("__Title__", self.title.clone()),
            ("__port__", port),
            ("__nouns__", self.nouns.clone()),
            ("__noun__", self.noun.clone()),
            ("__Nouns__", camel(&self.nouns)),
            ("__Noun__", camel(&self.noun)),
            ("__NOUN__", self.noun.to_uppercase()),
            ("__path__", self.path()),
            ("__table__", self.table.clone()),
            ("__prefix__", prefix),
            ("__migration__", self.migration.clone()),
        ];
        forms.iter().fold(template.to_owned(), |text, (word, name)| text.replace(word, name))
    }
}

/// A line of the manifest: port, slug, module and name.
pub(super) fn entries(manifest: &str) -> impl Iterator<Item = (u16, &str, &str, &str)> {
    manifest.lines().filter_map(|line| {
        let pieces: Vec<&str> = line.trim().strip_prefix("unit(")?.split('"').collect();
        let [port, slug, _, module, _, title, _] = pieces[..] else { return None };
        Some((port.trim_end_matches(", ").parse().ok()?, slug, module, title))
    })
}

/// The name of a unit that is planned.
fn planned(manifest: &str, built: &str, wish: &Wish) -> Result<String, String> {
    let Wish { slug, port, module, .. } = wish;
    let Some((known_port, _, known_module, title)) = entries(manifest).find(|(_, known, ..)| known == slug) else {
        return Err(format!("the manifest has no unit {slug}: `lectern units` lists all that are planned"));
    };
    if (known_port, known_module) != (*port, module.as_str()) {
        return Err(format!("by the manifest {slug} has port {known_port} and belongs to the module {known_module}"));
    }
    if built.lines().filter(|line| line.trim().starts_with('&')).any(|line| slug_of(line) == *slug) {
        return Err(format!("the unit {slug} is built already"));
    }
    if ["edge", "media"].contains(&known_module) || slug == "live" {
        return Err(format!("{slug} is one of the engine's own units, which are made by hand in control-api"));
    }
    Ok(title.to_owned())
}

fn check_noun(noun: &str) -> Result<(), String> {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    if !noun.bytes().all(fine) || noun.len() < 3 || noun.starts_with('_') || noun.ends_with('_') {
        return Err(format!("{noun:?} can be no resource: name one in lower case, such as --resource thread"));
    }
    if TAKEN.contains(&noun) {
        return Err(format!(
            "{noun} is a word of SQL, of Rust or of the templates: name the resource otherwise with --resource"
        ));
    }
    Ok(())
}

fn plural(noun: &str) -> String {
    let vowel_before_y = ["ay", "ey", "oy", "uy"].iter().any(|end| noun.ends_with(end));
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before_y => format!("{stem}ies"),
        _ if ["s", "x", "z", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

fn camel(snake: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    };
    snake.split('_').map(capital).collect()
}
