//! What is found, within bounds: of more resources than are looked at for one request a filter has to name something that the database
//! can find by itself.

use axum::response::Response;
use kernel::{Cursor, Problem};
use media_types::TenantId;
use scim::{GROUP, USER, Wanted};
use serde_json::Value;

use super::super::store::Users;
use super::answer::{Resource, listed};
use super::group::GroupRow;
use super::narrow::{Narrow, asks_for};
use super::query::Question;
use super::refusal::{refused, too_many};
use super::{group, person};

/// The most resources that are looked at for one request.
const MAX_SEEN: usize = 10_000;
/// The most members that the groups of one answer have.
const MAX_MEMBERS_SHOWN: usize = 20_000;
/// Resources that are read at once.
const AT_ONCE: u32 = 200;

/// Which of those that are found are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) skip: usize,
    pub(super) take: usize,
}

impl Window {
    pub(super) fn limit_and_offset(self) -> (i64, i64) {
        (i64::try_from(self.take).unwrap_or(i64::MAX), i64::try_from(self.skip).unwrap_or(i64::MAX))
    }
}

/// What is found: how many in all, and those within the window.
#[derive(Default)]
pub(super) struct Found {
    pub(super) total: usize,
    pub(super) items: Vec<Resource>,
}

impl Found {
    fn is_shown(&self, window: Window) -> bool {
        self.total >= window.skip && self.items.len() < window.take
    }

    /// The answer.
    pub(super) fn respond(self, window: Window, wanted: &Wanted) -> Response {
        let shown = |item: Resource| Value::Object(wanted.of(item.kind, item.json));
        listed(self.total, window.skip + 1, self.items.into_iter().map(shown).collect())
    }
}

/// People, newest first.
pub(super) async fn people(users: &Users, tenant: &TenantId, question: &Question) -> Result<Found, Problem> {
    let window = question.window;
    let Some(filter) = &question.filter else {
        let total = users.count(tenant).await?;
        let rows = users.page(tenant, window).await?;
        return Ok(Found { total, items: rows.iter().map(person::resource).collect() });
    };
    let narrow = Narrow::of(USER, filter);
    let (mut found, mut seen, mut after) = (Found::default(), 0, None);
    loop {
        let rows = users.among(tenant, &narrow, after, AT_ONCE).await?;
        for row in &rows {
            let resource = person::resource(row);
            if filter.matches(USER, &resource.json) {
                if found.is_shown(window) {
                    found.items.push(resource);
                }
                found.total += 1;
            }
        }
        seen += rows.len();
        let Some(last) = rows.last().filter(|_| rows.len() == AT_ONCE as usize) else { return Ok(found) };
        check_seen(seen, "people")?;
        after = Some(Cursor { time_ms: last.created_ms, id: last.id.clone() });
    }
}

/// Groups, newest first. Members are read where somebody asks for them.
pub(super) async fn groups(users: &Users, tenant: &TenantId, question: &Question) -> Result<Found, Problem> {
    let window = question.window;
    let mut roster = Roster { users, tenant, is_wanted: question.wanted.has(GROUP, "members"), shown: 0 };
    let Some(filter) = &question.filter else {
        let (total, mut items) = (users.count_groups(tenant).await?, Vec::new());
        for row in users.page_of_groups(tenant, window).await? {
            items.push(roster.shown(&row, None).await?);
        }
        return Ok(Found { total, items });
    };
    let (narrow, is_asked) = (Narrow::of(GROUP, filter), asks_for(filter, "members"));
    let (mut found, mut seen, mut after) = (Found::default(), 0, None);
    loop {
        let rows = users.groups_among(tenant, &narrow, after, AT_ONCE).await?;
        for row in &rows {
            let members = if is_asked { Some(users.members(tenant, &row.id).await?) } else { None };
            if !filter.matches(GROUP, &group::resource(row, members.as_deref().unwrap_or_default()).json) {
                continue;
            }
            if found.is_shown(window) {
                found.items.push(roster.shown(row, members).await?);
            }
            found.total += 1;
        }
        seen += rows.len();
        let Some(last) = rows.last().filter(|_| rows.len() == AT_ONCE as usize) else { return Ok(found) };
        check_seen(seen, "groups")?;
        after = Some(Cursor { time_ms: last.created_ms, id: last.id.clone() });
    }
}

/// The members of the groups of one answer.
struct Roster<'a> {
    users: &'a Users,
    tenant: &'a TenantId,
    is_wanted: bool,
    shown: usize,
}

impl Roster<'_> {
    /// A group as it is answered, with its members if they are wanted, which may have been read.
    async fn shown(&mut self, row: &GroupRow, members: Option<Vec<String>>) -> Result<Resource, Problem> {
        let members = match members {
            Some(members) => members,
            None if self.is_wanted => self.users.members(self.tenant, &row.id).await?,
            None => Vec::new(),
        };
        self.shown += members.len();
        if self.shown > MAX_MEMBERS_SHOWN {
            let detail = format!("these groups have more than {MAX_MEMBERS_SHOWN} members together");
            return Err(too_many(detail).hint("ask for fewer groups, or with excludedAttributes=members"));
        }
        Ok(group::resource(row, &members))
    }
}

fn check_seen(seen: usize, what: &str) -> Result<(), Problem> {
    if seen < MAX_SEEN {
        return Ok(());
    }
    Err(too_many(format!("at most {MAX_SEEN} {what} are looked at for one request, and there are more")))
}

/// That what a filter asks for can be said of one of these at least.
pub(super) fn check(question: &Question, kinds: &[&'static scim::schema::ResourceType]) -> Result<(), Problem> {
    let Some(filter) = &question.filter else { return Ok(()) };
    let mut checked = kinds.iter().map(|kind| filter.check(kind));
    let first = checked.next().unwrap_or(Ok(()));
    if first.is_ok() || checked.any(|other| other.is_ok()) { Ok(()) } else { first.map_err(refused) }
}
