//! Changes of a resource (RFC 7644 §3.5.2).

mod change;

use serde_json::{Map, Value};

use crate::resource::{complete, within};
use crate::schema::{Mutability, ResourceType};
use crate::{AttributePath, Fault, Path, Refusal, shown};

/// The schema of a request.
pub const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The most operations of a request.
pub const MAX_OPERATIONS: usize = 500;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A value is added, or set where there can be one.
    Add,
    /// A value is taken away.
    Remove,
    /// A value takes the place of another one.
    Replace,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What is done.
    pub action: Action,
    /// To what; to the resource itself, without one.
    pub path: Option<Path>,
    /// With what.
    pub value: Option<Value>,
}

/// The changes of a request, in their order.
///
/// # Errors
/// [`InvalidSyntax`](Fault::InvalidSyntax), [`InvalidPath`](Fault::InvalidPath), and [`NoTarget`](Fault::NoTarget) of one that removes
/// nothing in particular.
pub fn operations(body: &Map<String, Value>) -> Result<Vec<Operation>, Refusal> {
    let field = |wanted: &str| body.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let is_urn = |one: &Value| one.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP));
    if !field("schemas").and_then(Value::as_array).is_some_and(|all| all.iter().any(is_urn)) {
        return Err(Refusal::syntax(format!("schemas does not have {PATCH_OP}")));
    }
    let listed = field("Operations").and_then(Value::as_array);
    let listed = listed.filter(|all| (1..=MAX_OPERATIONS).contains(&all.len()));
    let detail = || Refusal::syntax(format!("Operations is a list of 1 to {MAX_OPERATIONS} operations"));
    listed.ok_or_else(detail)?.iter().map(operation).collect()
}

fn operation(of: &Value) -> Result<Operation, Refusal> {
    let object = of.as_object().ok_or_else(|| Refusal::syntax("an operation is an object"))?;
    let field =
        |wanted: &str| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
    let word = field("op").and_then(Value::as_str).unwrap_or_default();
    let action = match word.to_ascii_lowercase().as_str() {
        "add" => Action::Add,
        "remove" => Action::Remove,
        "replace" => Action::Replace,
        _ => return Err(Refusal::syntax(format!("op is add, remove or replace, not {}", shown(word)))),
    };
    let path = match field("path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) => Some(Path::parse(path)?),
        Some(_) => return Err(Refusal::path("path is text")),
    };
    let value = field("value").cloned();
    match (action, &path, &value) {
        (Action::Remove, None, _) => Err(Refusal::new(Fault::NoTarget, "without path there is nothing to remove")),
        (Action::Add | Action::Replace, _, None) => Err(Refusal::syntax("there is no value")),
        _ => Ok(Operation { action, path, value }),
    }
}

/// Does all of them to a resource that was [accepted](crate::accept), or none: what is left is in its normal form.
///
/// # Errors
/// Those of RFC 7644 §3.5.2; the resource is as it was then.
pub fn apply(of: &ResourceType, resource: &mut Map<String, Value>, operations: &[Operation]) -> Result<(), Refusal> {
    let mut changed = resource.clone();
    for operation in operations {
        match &operation.path {
            Some(path) => at(of, &mut changed, operation.action, path, operation.value.as_ref())?,
            None => whole(of, &mut changed, operation.action, operation.value.as_ref())?,
        }
    }
    complete(of, &changed).map_err(|refusal| Refusal::new(Fault::Mutability, refusal.detail))?;
    *resource = changed;
    Ok(())
}

/// To the resource itself: to each attribute that the value has. Some clients name them by whole paths there.
fn whole(
    of: &ResourceType,
    resource: &mut Map<String, Value>,
    action: Action,
    value: Option<&Value>,
) -> Result<(), Refusal> {
    let object = value.and_then(Value::as_object);
    for (name, value) in object.ok_or_else(|| Refusal::value("without path the value is an object"))? {
        let path = Path::parse(name)?;
        let is_plain = path.filter.is_none() && path.attribute.part.is_none() && path.attribute.urn.is_none();
        if is_plain && of.settable(name)?.is_none() {
            continue;
        }
        at(of, resource, action, &path, Some(value))?;
    }
    Ok(())
}

/// To what a path leads to.
fn at(
    of: &ResourceType,
    resource: &mut Map<String, Value>,
    action: Action,
    path: &Path,
    value: Option<&Value>,
) -> Result<(), Refusal> {
    if let Some(extension) = of.whole_extension(&path.attribute).filter(|_| path.filter.is_none()) {
        if action == Action::Remove {
            resource.remove(extension.id);
            return Ok(());
        }
        let Some(Value::Object(parts)) = within(extension, value.unwrap_or(&Value::Null))? else { return Ok(()) };
        for (name, value) in &parts {
            let attribute = AttributePath { urn: Some(extension.id.to_owned()), ..AttributePath::of(name) };
            at(of, resource, action, &Path { attribute, filter: None, part: None }, Some(value))?;
        }
        return Ok(());
    }
    let unknown = || Refusal::path(format!("there is no attribute {}", path.attribute));
    let target = of.resolve(&path.attribute).ok_or_else(unknown)?;
    let attribute = target.attribute;
    if attribute.mutability == Mutability::ReadOnly || attribute.name == "schemas" {
        return Err(Refusal::new(Fault::Mutability, format!("nobody changes {}", attribute.name)));
    }
    let part = match &path.part {
        Some(name) => Some(attribute.part(name).ok_or_else(unknown)?),
        None => target.part,
    };
    if let Some(filter) = &path.filter {
        if !attribute.is_multiple {
            return Err(Refusal::path(format!("{} has one value, and none to choose from", attribute.name)));
        }
        filter.check_values(attribute)?;
    }
    let aim = change::Aim { attribute, filter: path.filter.as_ref(), part };
    let Some(extension) = target.extension else { return aim.change(resource, action, value) };
    let mut held = match resource.remove(extension.id) {
        Some(Value::Object(held)) => held,
        _ => Map::new(),
    };
    aim.change(&mut held, action, value)?;
    if !held.is_empty() {
        resource.insert(extension.id.to_owned(), held.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
