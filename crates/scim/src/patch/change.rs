//! One change of one attribute.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Action;
use crate::resource::{MAX_VALUES, is_primary, normal, single};
use crate::schema::{Attribute, Mutability};
use crate::{Fault, Filter, Literal, Operator, Refusal};

/// What is changed.
pub(super) struct Aim<'a> {
    pub(super) attribute: &'static Attribute,
    /// Which of its values; all of them without one.
    pub(super) filter: Option<&'a Filter>,
    /// Which part of these; they themselves without one.
    pub(super) part: Option<&'static Attribute>,
}

impl Aim<'_> {
    /// Does it to the object that holds the attribute. A value that is nothing takes away what there was.
    pub(super) fn change(
        &self,
        holder: &mut Map<String, Value>,
        action: Action,
        value: Option<&Value>,
    ) -> Result<(), Refusal> {
        if self.part.is_some_and(|part| part.mutability == Mutability::ReadOnly) {
            return Err(Refusal::new(Fault::Mutability, format!("nobody changes that of {}", self.attribute.name)));
        }
        let old = holder.remove(self.attribute.name);
        let new = match (self.attribute.is_multiple, self.filter, self.part) {
            (false, _, None) => self.one(old, action, value)?,
            (false, _, Some(part)) => part_of(part, old, action, value)?,
            (true, None, None) => self.all(list(old), action, value)?,
            (true, _, _) => self.some(list(old), action, value)?,
        };
        if let Some(new) = new {
            holder.insert(self.attribute.name.to_owned(), new);
        }
        Ok(())
    }

    /// The one value of an attribute that has no more. Of one with parts those stay that are not said (§3.5.2.3).
    fn one(&self, old: Option<Value>, action: Action, value: Option<&Value>) -> Result<Option<Value>, Refusal> {
        if action == Action::Remove {
            return Ok(None);
        }
        let new = normal(self.attribute, value.unwrap_or(&Value::Null))?;
        Ok(match (old, new) {
            (Some(Value::Object(mut old)), Some(Value::Object(new))) => {
                old.extend(new);
                Some(old.into())
            }
            (_, new) => new,
        })
    }

    /// All values of an attribute that has several.
    fn all(&self, old: Vec<Value>, action: Action, value: Option<&Value>) -> Result<Option<Value>, Refusal> {
        let new = list(normal(self.attribute, value.unwrap_or(&Value::Null))?);
        Ok(match action {
            Action::Replace => some(new),
            Action::Remove if value.is_none_or(Value::is_null) => None,
            // Not of the RFC, and said by some: these of them. To take away all others as well would be worse than to refuse it.
            Action::Remove => {
                let gone: HashSet<String> = new.iter().map(known_by).collect();
                some(old.into_iter().filter(|one| !gone.contains(&known_by(one))).collect())
            }
            Action::Add => {
                let there: HashSet<String> = old.iter().map(ToString::to_string).collect();
                let added: Vec<Value> = new.into_iter().filter(|one| !there.contains(&one.to_string())).collect();
                let from = old.len();
                let mut all = old;
                all.extend(added);
                self.check_count(&all)?;
                prefer(&mut all, |at| at >= from);
                some(all)
            }
        })
    }

    /// Those values that the filter means, or a part of them.
    fn some(&self, old: Vec<Value>, action: Action, value: Option<&Value>) -> Result<Option<Value>, Refusal> {
        let is_meant = |one: &Value| self.filter.is_none_or(|filter| filter.matches_value(self.attribute, one));
        let mut all = old;
        let meant: HashSet<usize> = all.iter().enumerate().filter(|(_, one)| is_meant(one)).map(|(at, _)| at).collect();
        if meant.is_empty() {
            return match action {
                Action::Remove if self.filter.is_none() => Ok(some(all)),
                Action::Add => self.begun(all, value),
                Action::Replace if self.filter.is_none() => self.begun(all, value),
                _ => Err(Refusal::new(Fault::NoTarget, format!("no value of {} is meant", self.attribute.name))),
            };
        }
        if action == Action::Remove && self.part.is_none() {
            let mut at = 0..;
            all.retain(|_| !at.next().is_some_and(|at| meant.contains(&at)));
            return Ok(some(all));
        }
        for at in &meant {
            all[*at] = self.altered(all[*at].take(), action, value)?.unwrap_or_default();
        }
        prefer(&mut all, |at| meant.contains(&at));
        all.retain(|one| !one.is_null());
        Ok(some(all))
    }

    /// One of the values that are meant.
    fn altered(&self, old: Value, action: Action, value: Option<&Value>) -> Result<Option<Value>, Refusal> {
        match (self.part, action) {
            (Some(part), _) => part_of(part, Some(old), action, value),
            (None, Action::Add) => {
                let new = single(self.attribute, value.unwrap_or(&Value::Null))?;
                check_kept(self.attribute, &old, new.as_ref())?;
                Ok(match (old, new) {
                    (Value::Object(mut old), Some(Value::Object(new))) => {
                        old.extend(new);
                        Some(old.into())
                    }
                    (old, None) => Some(old),
                    (_, new) => new,
                })
            }
            (None, _) => single(self.attribute, value.unwrap_or(&Value::Null)),
        }
    }

    /// With one value more, which is what the filter asks for, as far as that can be told.
    fn begun(&self, mut all: Vec<Value>, value: Option<&Value>) -> Result<Option<Value>, Refusal> {
        let asked = self.filter.map_or_else(|| Some(Map::new()), |filter| self.asked(filter));
        let nowhere = || Refusal::new(Fault::NoTarget, format!("no value of {} is meant", self.attribute.name));
        let mut one = asked.ok_or_else(nowhere)?;
        let value = value.unwrap_or(&Value::Null);
        match self.part {
            Some(part) => one.extend(normal(part, value)?.map(|value| (part.name.to_owned(), value))),
            None => {
                if let Some(Value::Object(parts)) = single(self.attribute, value)? {
                    one.extend(parts);
                }
            }
        }
        let from = all.len();
        all.extend(single(self.attribute, &Value::Object(one))?);
        self.check_count(&all)?;
        prefer(&mut all, |at| at >= from);
        Ok(some(all))
    }

    /// The parts that a filter gives values to; `None` of one that is about more than that.
    fn asked(&self, filter: &Filter) -> Option<Map<String, Value>> {
        match filter {
            Filter::Compare(path, Operator::Eq, literal) => {
                let part = self.attribute.part(&path.name)?;
                let value = match literal {
                    Literal::Text(text) => Value::from(text.as_str()),
                    Literal::Boolean(value) => Value::Bool(*value),
                    Literal::Null | Literal::Number(_) => return None,
                };
                Some(Map::from_iter([(part.name.to_owned(), value)]))
            }
            Filter::And(all) => all.iter().map(|one| self.asked(one)).try_fold(Map::new(), |mut sum, parts| {
                sum.extend(parts?);
                Some(sum)
            }),
            _ => None,
        }
    }

    fn check_count(&self, all: &[Value]) -> Result<(), Refusal> {
        if all.len() <= MAX_VALUES {
            return Ok(());
        }
        Err(Refusal::value(format!("{} has at most {MAX_VALUES} values", self.attribute.name)))
    }
}

/// An object with one of its parts changed.
fn part_of(
    part: &'static Attribute,
    old: Option<Value>,
    action: Action,
    value: Option<&Value>,
) -> Result<Option<Value>, Refusal> {
    let mut object = match old {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let new = match action {
        Action::Remove => None,
        Action::Add | Action::Replace => normal(part, value.unwrap_or(&Value::Null))?,
    };
    let was = object.remove(part.name);
    if part.mutability == Mutability::Immutable && was.is_some() && was != new {
        return Err(fixed(part));
    }
    object.extend(new.map(|new| (part.name.to_owned(), new)));
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

/// That parts which are set once stay.
fn check_kept(attribute: &Attribute, old: &Value, new: Option<&Value>) -> Result<(), Refusal> {
    let differs = |part: &&Attribute| {
        let (was, is) = (old.get(part.name), new.and_then(|new| new.get(part.name)));
        part.mutability == Mutability::Immutable && was.is_some() && is.is_some() && was != is
    };
    attribute.parts().iter().find(differs).map_or(Ok(()), |part| Err(fixed(part)))
}

fn fixed(part: &Attribute) -> Refusal {
    Refusal::new(Fault::Mutability, format!("{} of a value is set once", part.name))
}

/// What tells a value from others, when these are named to be taken away.
fn known_by(value: &Value) -> String {
    value.get("value").unwrap_or(value).to_string()
}

/// Where one of those is primary that are new, no other one is (RFC 7644 §3.5.2).
fn prefer(all: &mut [Value], is_new: impl Fn(usize) -> bool) {
    let preferred = all.iter().enumerate().rev().find(|(at, one)| is_new(*at) && is_primary(one)).map(|(at, _)| at);
    let Some(preferred) = preferred else { return };
    for (at, one) in all.iter_mut().enumerate() {
        if at != preferred && is_primary(one) {
            one["primary"] = Value::Bool(false);
        }
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(all)) => all,
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn some(all: Vec<Value>) -> Option<Value> {
    (!all.is_empty()).then_some(Value::Array(all))
}
