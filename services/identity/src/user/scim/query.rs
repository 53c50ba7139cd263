//! What a request wants to be answered with.

use kernel::Problem;
use scim::{Filter, Wanted};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::found::Window;
use super::refusal::{invalid, refused};

/// The most resources of an answer.
pub(super) const MAX_RESULTS: usize = 200;
/// Resources of an answer when the request says nothing.
const DEFAULT_COUNT: usize = 100;

/// The query of a list. What else is in it counts for nothing: some clients have words of their own there.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListQuery {
    /// Which resources are meant (RFC 7644 §3.4.2.2), at most 4096 bytes.
    filter: Option<String>,
    /// The number of the first one, from 1.
    start_index: Option<i64>,
    /// The most that the answer has, 200 at most; 100 when absent.
    count: Option<i64>,
    /// The attributes that the answer has, with commas between them.
    attributes: Option<String>,
    /// The attributes that the answer has not, with commas between them.
    excluded_attributes: Option<String>,
}

/// The query of whatever is answered with one resource.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OneQuery {
    /// The attributes that the answer has, with commas between them.
    attributes: Option<String>,
    /// The attributes that the answer has not, with commas between them.
    excluded_attributes: Option<String>,
}

impl OneQuery {
    pub(super) fn wanted(&self) -> Result<Wanted, Problem> {
        wanted(self.attributes.as_deref(), self.excluded_attributes.as_deref())
    }
}

fn wanted(attributes: Option<&str>, excluded: Option<&str>) -> Result<Wanted, Problem> {
    Wanted::new(attributes.map(|all| all.split(',')), excluded.map(|all| all.split(','))).map_err(refused)
}

/// Which resources are asked for, and what of them.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) filter: Option<Filter>,
    pub(super) window: Window,
    pub(super) wanted: Wanted,
}

impl TryFrom<ListQuery> for Question {
    type Error = Problem;

    fn try_from(query: ListQuery) -> Result<Self, Problem> {
        Ok(Self {
            filter: query.filter.as_deref().map(Filter::parse).transpose().map_err(refused)?,
            window: window(query.start_index, query.count),
            wanted: wanted(query.attributes.as_deref(), query.excluded_attributes.as_deref())?,
        })
    }
}

impl TryFrom<Map<String, Value>> for Question {
    type Error = Problem;

    /// Of a search request (RFC 7644 §3.4.3).
    fn try_from(body: Map<String, Value>) -> Result<Self, Problem> {
        let field =
            |wanted: &str| body.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value);
        let is_urn = |one: &Value| one.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_REQUEST));
        if !field("schemas").and_then(Value::as_array).is_some_and(|all| all.iter().any(is_urn)) {
            return Err(invalid(format!("schemas does not have {SEARCH_REQUEST}")));
        }
        let filter = match field("filter") {
            None | Some(Value::Null) => None,
            Some(Value::String(filter)) => Some(Filter::parse(filter).map_err(refused)?),
            Some(_) => return Err(invalid("filter is text")),
        };
        let number = |name: &str| match field(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| invalid(format!("{name} is a whole number"))),
        };
        let (only, without) = (names(field("attributes"))?, names(field("excludedAttributes"))?);
        let wanted = Wanted::new(only, without).map_err(refused)?;
        Ok(Self { filter, window: window(number("startIndex")?, number("count")?), wanted })
    }
}

/// The schema of search requests.
const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

fn names(value: Option<&Value>) -> Result<Option<Vec<&str>>, Problem> {
    let refused = || invalid("attributes and excludedAttributes are lists of names");
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(all)) => {
            let names = all.iter().map(|name| name.as_str().ok_or_else(refused));
            names.collect::<Result<Vec<_>, _>>().map(Some)
        }
        Some(_) => Err(refused()),
    }
}

/// What is below 1 is 1, and what is below 0 is 0 (RFC 7644 §3.4.2.4).
fn window(start: Option<i64>, count: Option<i64>) -> Window {
    let start = usize::try_from(start.unwrap_or(1)).unwrap_or(1).max(1);
    let count = count.map_or(DEFAULT_COUNT, |count| usize::try_from(count.max(0)).unwrap_or(MAX_RESULTS));
    Window { skip: start - 1, take: count.min(MAX_RESULTS) }
}
