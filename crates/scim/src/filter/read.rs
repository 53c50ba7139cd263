//! Filters as they are written.

use serde_json::Number;

use super::{Filter, Literal, MAX_DEPTH, Operator};
use crate::{AttributePath, Refusal, shown};

/// Reads a text from its beginning on.
pub(crate) struct Reader<'a> {
    rest: &'a str,
    depth: usize,
    /// Where one value is spoken of, which has none of its own to choose from.
    is_bracketed: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: text, depth: 0, is_bracketed: false }
    }

    /// What is left, without spaces in front.
    pub(super) fn rest(&mut self) -> &'a str {
        self.rest = self.rest.trim_start_matches(' ');
        self.rest
    }

    /// A filter whose bracket has been opened, and what follows the closing one.
    pub(crate) fn bracketed(mut self) -> Result<(Filter, &'a str), Refusal> {
        let filter = self.within_brackets()?;
        Ok((filter, self.rest))
    }

    fn within_brackets(&mut self) -> Result<Filter, Refusal> {
        if self.is_bracketed {
            return Err(Refusal::filter("brackets do not stand in brackets"));
        }
        self.is_bracketed = true;
        let filter = self.deeper()?;
        self.is_bracketed = false;
        self.close(']')?;
        Ok(filter)
    }

    fn deeper(&mut self) -> Result<Filter, Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let filter = self.either()?;
        self.depth -= 1;
        Ok(filter)
    }

    fn close(&mut self, closing: char) -> Result<(), Refusal> {
        let rest = self.rest();
        self.rest =
            rest.strip_prefix(closing).ok_or_else(|| Refusal::filter(format!("there is no closing {closing}")))?;
        Ok(())
    }

    pub(super) fn either(&mut self) -> Result<Filter, Refusal> {
        let mut all = vec![self.both()?];
        while self.keyword("or") {
            all.push(self.both()?);
        }
        Ok(one_or(all, Filter::Or))
    }

    fn both(&mut self) -> Result<Filter, Refusal> {
        let mut all = vec![self.single()?];
        while self.keyword("and") {
            all.push(self.single()?);
        }
        Ok(one_or(all, Filter::And))
    }

    fn single(&mut self) -> Result<Filter, Refusal> {
        let rest = self.rest();
        if let Some(within) = rest.strip_prefix('(') {
            self.rest = within;
            let filter = self.deeper()?;
            self.close(')')?;
            return Ok(filter);
        }
        if self.keyword("not") {
            let rest = self.rest();
            self.rest = rest.strip_prefix('(').ok_or_else(|| Refusal::filter("not is followed by a parenthesis"))?;
            let filter = self.deeper()?;
            self.close(')')?;
            return Ok(Filter::Not(Box::new(filter)));
        }
        self.attribute()
    }

    fn attribute(&mut self) -> Result<Filter, Refusal> {
        let word = self.word();
        let path = AttributePath::parse(word).map_err(|refusal| Refusal::filter(refusal.detail))?;
        let Some(within) = self.rest.strip_prefix('[') else { return self.comparison(path) };
        if path.part.is_some() {
            return Err(Refusal::filter("only an attribute itself has values to choose from"));
        }
        self.rest = within;
        let filter = self.within_brackets()?;
        let filter = match self.rest.strip_prefix('.') {
            None => filter,
            // Not of the RFC, and said by many: of the values that are meant, one whose part compares so.
            Some(rest) => {
                if self.depth + 2 > MAX_DEPTH {
                    return Err(too_deep());
                }
                self.rest = rest;
                let part = AttributePath::parse(self.word()).map_err(|refusal| Refusal::filter(refusal.detail))?;
                let compared = self.comparison(part)?;
                match filter {
                    Filter::And(mut all) => {
                        all.push(compared);
                        Filter::And(all)
                    }
                    filter => Filter::And(vec![filter, compared]),
                }
            }
        };
        Ok(Filter::Values(path, Box::new(filter)))
    }

    fn comparison(&mut self, path: AttributePath) -> Result<Filter, Refusal> {
        self.rest();
        let word = self.word();
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(path));
        }
        let operator =
            Operator::named(word).ok_or_else(|| Refusal::filter(format!("{} is no operator", shown(word))))?;
        Ok(Filter::Compare(path, operator, self.literal()?))
    }

    /// Letters, digits and what else is in names; perhaps nothing.
    fn word(&mut self) -> &'a str {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.:$".contains(letter);
        let end = self.rest.find(|letter: char| !plain(letter)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Passes over a word, if it is next.
    fn keyword(&mut self, wanted: &str) -> bool {
        let before = self.rest();
        let is_next = self.word().eq_ignore_ascii_case(wanted) && self.rest.starts_with([' ', '(']);
        if !is_next {
            self.rest = before;
        }
        is_next
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        let rest = self.rest();
        if rest.starts_with('"') {
            return self.text();
        }
        let is_end = |letter: char| [' ', ')', ']'].contains(&letter);
        let (word, after) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
        self.rest = after;
        match word.to_ascii_lowercase().as_str() {
            "true" => return Ok(Literal::Boolean(true)),
            "false" => return Ok(Literal::Boolean(false)),
            "null" => return Ok(Literal::Null),
            _ => {}
        }
        let number = serde_json::from_str::<Number>(word);
        number.map(Literal::Number).map_err(|_| Refusal::filter(format!("{} is no value", shown(word))))
    }

    fn text(&mut self) -> Result<Literal, Refusal> {
        let mut is_escaped = false;
        let closes = |(at, letter): (usize, char)| {
            let closes = letter == '"' && !is_escaped && at > 0;
            is_escaped = letter == '\\' && !is_escaped;
            closes.then_some(at + 1)
        };
        let end = self.rest.char_indices().find_map(closes);
        let end = end.ok_or_else(|| Refusal::filter("a text in the filter has no end"))?;
        let (quoted, rest) = self.rest.split_at(end);
        self.rest = rest;
        let text = serde_json::from_str(quoted);
        text.map(Literal::Text).map_err(|_| Refusal::filter(format!("{} is no text of JSON", shown(quoted))))
    }
}

fn too_deep() -> Refusal {
    Refusal::filter(format!("a filter is at most {MAX_DEPTH} deep"))
}

fn one_or(mut all: Vec<Filter>, several: fn(Vec<Filter>) -> Filter) -> Filter {
    if all.len() == 1 { all.remove(0) } else { several(all) }
}
