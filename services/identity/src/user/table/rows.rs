//! What a table says of people, line by line, and how people are written as one.

use std::collections::HashSet;
use std::io;

use csv::{ReaderBuilder, StringRecord, Trim, Writer};
use kernel::{Problem, text};

use super::super::codes;
use super::super::model::{self, ACTIVE, DEACTIVATED, SUSPENDED};
use super::super::store::UserRow;

/// The most lines of a table that is taken in.
const MAX_ROWS: usize = 2000;
/// The most characters of the name that others have for somebody.
const MAX_EXTERNAL_ID: usize = 255;
const COLUMNS: [&str; 6] = ["email", "name", "locale", "time_zone", "external_id", "state"];

/// Why a line cannot be taken.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Problem);

/// A line. What it leaves empty it says nothing of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    /// In its normal form.
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) time_zone: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) state: Option<String>,
}

impl Row {
    /// Whether no line before was about the same address, or the same name that others have for somebody.
    pub(super) fn is_first(&self, seen: &mut HashSet<String>) -> bool {
        let by_name = self.external_id.as_ref().map(|name| format!("external_id {name}"));
        let is_new = !seen.contains(&self.email) && by_name.as_ref().is_none_or(|name| !seen.contains(name));
        seen.insert(self.email.clone());
        seen.extend(by_name);
        is_new
    }
}

/// A line by its number, and what it says or why it says nothing.
pub(super) type Numbered = (u64, Result<Row, Refused>);

/// The lines of a table behind the first one, which names the columns, and their numbers, as a spreadsheet has them: from 2.
///
/// # Errors
/// 422 when it is no table, has columns that there are none, or is too long.
pub(super) fn read(table: &str) -> Result<Vec<Numbered>, Problem> {
    let table = table.strip_prefix('\u{feff}').unwrap_or(table);
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(table.as_bytes());
    let refused =
        |detail: String| Problem::new(axum::http::StatusCode::UNPROCESSABLE_ENTITY, codes::USER_INVALID_CSV, detail);
    let names = reader.headers().map_err(|_not_csv| refused("the table has no line of names".to_owned()))?.clone();
    let mut places = [None; COLUMNS.len()];
    for (at, name) in names.iter().enumerate() {
        let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
            return Err(refused(format!("the columns are {}, and none else", COLUMNS.join(", "))));
        };
        if places[column].replace(at).is_some() {
            return Err(refused(format!("the column {name} is there twice")));
        }
    }
    if places[0].is_none() {
        return Err(refused("the table has no column email".to_owned()));
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        if lines.len() == MAX_ROWS {
            return Err(refused(format!("a table has at most {MAX_ROWS} lines")));
        }
        let line = lines.len() as u64 + 2;
        let unequal = || {
            let detail = "the line has not as many values as there are columns";
            Refused(Problem::invalid("", codes::USER_INVALID_CSV, detail))
        };
        lines.push((
            line,
            record.map_err(|_unequal| unequal()).and_then(|record| row(&record, &places).map_err(Refused)),
        ));
    }
    Ok(lines)
}

fn row(record: &StringRecord, places: &[Option<usize>; COLUMNS.len()]) -> Result<Row, Problem> {
    let value = |column: usize| places[column].and_then(|at| record.get(at)).filter(|text| !text.is_empty());
    let plain = |column: usize| value(column).map(|text| unguarded(text).to_owned());
    let external_id = plain(4);
    if let Some(name) = &external_id {
        let check = text::check(name, 1..=MAX_EXTERNAL_ID);
        check.map_err(|detail| Problem::invalid("/external_id", codes::USER_INVALID_CSV, detail))?;
    }
    let state = match value(5) {
        None => None,
        Some(state) if [ACTIVE, SUSPENDED, DEACTIVATED].contains(&state) => Some(state.to_owned()),
        Some(_) => {
            let detail = "a state is active, suspended or deactivated";
            return Err(Problem::invalid("/state", codes::USER_INVALID_CSV, detail));
        }
    };
    Ok(Row {
        email: model::email(unguarded(value(0).unwrap_or_default()))?,
        name: plain(1).map(model::name).transpose()?,
        locale: value(2).map(|text| model::locale(text.to_owned())).transpose()?,
        time_zone: value(3).map(|text| model::time_zone(text.to_owned())).transpose()?,
        external_id,
        state,
    })
}

/// Whether a spreadsheet takes it for a formula.
fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn guarded(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(text)
}

/// People as a table, of which no more is kept than its text.
pub(super) struct Written(Writer<Vec<u8>>);

impl Written {
    /// With the names of the columns.
    pub(super) fn begin() -> io::Result<Self> {
        let mut writer = Writer::from_writer(Vec::new());
        writer.write_record(COLUMNS)?;
        Ok(Self(writer))
    }

    pub(super) fn row(&mut self, row: &UserRow) -> io::Result<()> {
        let external_id = row.external_id.as_deref().unwrap_or_default();
        let (email, name, external_id) = (guarded(&row.email), guarded(&row.name), guarded(external_id));
        Ok(self.0.write_record([&email, &name, &row.locale, &row.time_zone, &external_id, &row.state])?)
    }

    pub(super) fn end(self) -> io::Result<Vec<u8>> {
        self.0.into_inner().map_err(|error| io::Error::new(error.error().kind(), error.error().to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn codes_of(table: &str) -> Vec<(u64, &'static str)> {
        let lines = read(table).unwrap();
        lines.into_iter().map(|(line, row)| (line, row.map_or_else(|refused| refused.0.code(), |_| ""))).collect()
    }

    #[test]
    fn a_line_that_cannot_be_taken_is_told_of_where_it_stands_and_the_others_are_taken() {
        let table = "\u{feff}email, name,state\r\nAnna@b.c,\"M\u{fc}ller, Anna\",\r\nanna,Anna,active\nb@b.c\nc@b.c,C,gone\nd@b.c,,\n";
        assert_eq!(
            codes_of(table),
            [(2, ""), (3, "user.invalid_email"), (4, "user.invalid_csv"), (5, "user.invalid_csv"), (6, "")]
        );
        let (_, first) = read(table).unwrap().into_iter().next().unwrap();
        let first = first.unwrap();
        assert_eq!((first.email.as_str(), first.name.as_deref()), ("anna@b.c", Some("M\u{fc}ller, Anna")));
        assert_eq!((first.state, first.locale), (None, None));
    }

    #[test]
    fn what_is_no_such_table_is_refused_whole() {
        let long = format!("email\n{}", "a@b.c\n".repeat(MAX_ROWS + 1));
        for table in ["", "name\nAnna\n", "email,password\na@b.c,x\n", "email,email\na@b.c,a@b.c\n", &long] {
            assert_eq!(read(table).unwrap_err().code(), "user.invalid_csv");
        }
        assert_eq!(read("email\n").unwrap().len(), 0);
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text_there_and_itself_here() {
        for (name, cell) in [("=1+1", "'=1+1"), ("Anna", "Anna"), ("'t Hooft", "'t Hooft"), ("@a", "'@a")] {
            assert_eq!(guarded(name), cell);
            assert_eq!(unguarded(cell), name);
        }
    }

    #[test]
    fn a_person_is_in_one_line_only() {
        let mut seen = HashSet::new();
        let lines = read("email,external_id\na@b.c,1\na@b.c,2\nb@b.c,1\nc@b.c,\n").unwrap();
        let first: Vec<bool> = lines.into_iter().map(|(_, row)| row.unwrap().is_first(&mut seen)).collect();
        assert_eq!(first, [true, false, false, true]);
    }
}
