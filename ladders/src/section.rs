//! One table of a ladder file, read value by value; what is wrong goes to a list, never to the caller.

use std::ops::RangeInclusive;

use toml_edit::{Item, Table, TableLike};

use crate::file::{MAX_DESCRIPTION, MAX_NAME};
use crate::report::{Mistakes, Span, did_you_mean};

pub(crate) struct Section<'d> {
    table: &'d dyn TableLike,
    span: Span,
    path: String,
}

impl<'d> Section<'d> {
    pub(crate) fn root(table: &'d Table) -> Self {
        Self { table, span: None, path: String::new() }
    }

    pub(crate) fn new(table: &'d dyn TableLike, span: Span, path: String) -> Self {
        Self { table, span, path }
    }

    /// Where this table stands, such as `rung[2]`; empty for the file itself.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The place of a key's value, or of the table when it is absent.
    pub(crate) fn span_of(&self, key: &str) -> Span {
        let found = self.table.get_key_value(key).and_then(|(key, item)| item.span().or_else(|| key.span()));
        found.or_else(|| self.span.clone())
    }

    /// Whether the key is there and holds text.
    pub(crate) fn holds_text(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(Item::is_str)
    }

    /// Whether the key is there and holds one of these words.
    pub(crate) fn holds_one_of(&self, key: &str, words: &[&str]) -> bool {
        self.table.get(key).and_then(Item::as_str).is_some_and(|text| words.contains(&text.to_lowercase().as_str()))
    }

    /// Whether the key is there and holds text that is no number in quotes.
    pub(crate) fn holds_word(&self, key: &str) -> bool {
        self.table.get(key).and_then(Item::as_str).is_some_and(|text| text.trim().parse::<f64>().is_err())
    }

    /// Whether the key is there and holds a number.
    pub(crate) fn holds_number(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|item| item.is_integer() || item.is_float())
    }

    /// Whether the key is there, whatever it holds.
    pub(crate) fn holds(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Notes a mistake at a key's value.
    pub(crate) fn add(&self, key: &str, message: String, cure: &str, mistakes: &mut Mistakes<'_>) {
        mistakes.add(self.span_of(key), &self.path_of(key), message, cure.to_owned());
    }

    /// Notes every key that is not among `known`.
    pub(crate) fn only(&self, known: &[&str], mistakes: &mut Mistakes<'_>) {
        for (key, item) in self.table.iter() {
            if known.contains(&key) {
                continue;
            }
            let place = if self.path.is_empty() { "a ladder file".to_owned() } else { format!("`{}`", self.path) };
            let cure = match did_you_mean(key, known) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("remove it; known here: {}", known.join(", ")),
            };
            let span = self.table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span());
            let shown: String = key.chars().take(64).collect();
            mistakes.add(span, &self.path_of(&shown), format!("`{shown}` is not a key of {place}"), cure);
        }
    }

    /// Notes an absent key; `example` is a line that would add it.
    pub(crate) fn require(&self, key: &str, example: &str, mistakes: &mut Mistakes<'_>) {
        self.require_because(key, "", example, mistakes);
    }

    /// Notes an absent key; `why` follows that it is missing, `example` is a line that would add it.
    pub(crate) fn require_because(&self, key: &str, why: &str, example: &str, mistakes: &mut Mistakes<'_>) {
        if !self.table.contains_key(key) {
            let message = format!("`{}` is missing{why}", self.path_of(key));
            mistakes.add(self.span.clone(), &self.path_of(key), message, format!("add `{example}`"));
        }
    }

    fn wrong_type(&self, key: &str, item: &Item, wanted: &str, mistakes: &mut Mistakes<'_>) {
        let article = if item.type_name().starts_with(['a', 'i']) { "an" } else { "a" };
        let message = format!("`{}` is {article} {}, not {wanted}", self.path_of(key), item.type_name());
        let cure = match (wanted, item.as_str()) {
            ("text", _) => "put the value in double quotes",
            (_, Some(text)) if text.trim().parse::<f64>().is_ok() => "remove the quotes",
            _ => "replace the value",
        };
        self.add(key, message, cure, mistakes);
    }

    /// A required table.
    pub(crate) fn table(&self, key: &str, example: &str, mistakes: &mut Mistakes<'_>) -> Option<Section<'d>> {
        self.require(key, example, mistakes);
        let item = self.table.get(key)?;
        let table = item.as_table_like();
        if table.is_none() {
            self.wrong_type(key, item, "a section", mistakes);
        }
        Some(Section::new(table?, self.span_of(key), self.path_of(key)))
    }

    fn text(&self, key: &str, mistakes: &mut Mistakes<'_>) -> Option<&'d str> {
        let item = self.table.get(key)?;
        let text = item.as_str();
        if text.is_none() {
            self.wrong_type(key, item, "text", mistakes);
        }
        text
    }

    /// A required name: lower-case letters, digits and hyphens.
    pub(crate) fn name(&self, key: &str, mistakes: &mut Mistakes<'_>) -> String {
        self.require(key, if self.path.is_empty() { "name = \"lecture\"" } else { "name = \"720p\"" }, mistakes);
        let Some(text) = self.text(key, mistakes) else { return String::new() };
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(1..=MAX_NAME).contains(&text.len()) || !text.chars().all(plain) || text.starts_with('-') {
            let message = format!("`{}` is not a plain name", self.path_of(key));
            let cure = format!("use 1 to {MAX_NAME} lower-case letters, digits and hyphens, and no hyphen first");
            self.add(key, message, &cure, mistakes);
        }
        text.to_owned()
    }

    /// The required description.
    pub(crate) fn description(&self, mistakes: &mut Mistakes<'_>) -> String {
        let key = "description";
        self.require(key, "description = \"What this ladder is for.\"", mistakes);
        let Some(text) = self.text(key, mistakes) else { return String::new() };
        if text.trim().is_empty() || text.chars().count() > MAX_DESCRIPTION || text.contains(char::is_control) {
            let message = format!("`{key}` is not one sentence");
            let cure = format!("say in one line of at most {MAX_DESCRIPTION} characters what the ladder is for");
            self.add(key, message, &cure, mistakes);
        }
        text.to_owned()
    }

    /// A boolean, if the key is there; `None` also when it is wrong.
    pub(crate) fn flag(&self, key: &str, mistakes: &mut Mistakes<'_>) -> Option<bool> {
        let item = self.table.get(key)?;
        let value = item.as_bool();
        if value.is_none() {
            self.wrong_type(key, item, "true or false", mistakes);
        }
        value
    }

    /// One of the `known` words, if the key is there.
    pub(crate) fn choice(&self, key: &str, known: &[&str], mistakes: &mut Mistakes<'_>) -> Option<String> {
        let text = self.text(key, mistakes)?;
        if !known.contains(&text) {
            let shown: String = text.chars().take(64).collect();
            let message = format!("`{}` is {shown:?}, which is not known", self.path_of(key));
            let cure = match did_you_mean(text, known) {
                Some(word) => format!("did you mean \"{word}\"?"),
                None => format!("choose one of: {}", known.join(", ")),
            };
            self.add(key, message, &cure, mistakes);
        }
        Some(text.to_owned())
    }

    /// A whole number within `bounds`, if the key is there; `None` also when it is wrong.
    pub(crate) fn integer(
        &self,
        key: &str,
        bounds: RangeInclusive<i64>,
        unit: &str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<u32> {
        let item = self.table.get(key)?;
        let Some(value) = item.as_integer() else {
            self.wrong_type(key, item, "a whole number", mistakes);
            return None;
        };
        if !bounds.contains(&value) {
            let (low, high) = (bounds.start(), bounds.end());
            let message = format!("`{}` is {value}, outside {low} to {high} {unit}", self.path_of(key));
            self.add(key, message, &format!("choose a value from {low} to {high}"), mistakes);
            return None;
        }
        u32::try_from(value).ok()
    }

    /// A number within `bounds`, if the key is there; `None` also when it is wrong. `unit` follows the bounds.
    pub(crate) fn number(
        &self,
        key: &str,
        bounds: &RangeInclusive<f64>,
        unit: &str,
        cure: &str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<f64> {
        let item = self.table.get(key)?;
        let Some(value) = item.as_float().or_else(|| item.as_integer().map(|whole| whole as f64)) else {
            self.wrong_type(key, item, "a number", mistakes);
            return None;
        };
        if !bounds.contains(&value) {
            let (low, high) = (bounds.start(), bounds.end());
            let message = format!("`{}` is {value}, outside {low} to {high}{unit}", self.path_of(key));
            self.add(key, message, cure, mistakes);
            return None;
        }
        Some(value)
    }
}
