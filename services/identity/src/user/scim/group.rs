//! Teams of people, and their tables. They give no permissions.

use std::collections::BTreeSet;

use database::{DbError, Tx, args, outbox};
use kernel::conditional::stale;
use kernel::{Cursor, Etag, Problem};
use media_types::TenantId;
use scim::{GROUP, USER};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::codes;
use super::super::model::MAX_NAME;
use super::super::store::Users;
use super::answer::{Resource, etag, location, meta};
use super::found::Window;
use super::narrow::Narrow;
use super::person::MAX_KEY;
use super::refusal::invalid;

/// The most members of a group.
const MAX_MEMBERS: usize = 10_000;

macro_rules! group_columns {
    () => {
        "id, display_name, external_id, version, created_ms, updated_ms"
    };
}

const INSERT: &str = concat!(
    "INSERT INTO user_group (tenant_id, id, display_name, external_id, version, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, 1, $5, $5) RETURNING ",
    group_columns!()
);
const ONE: &str = concat!("SELECT ", group_columns!(), " FROM user_group WHERE tenant_id = $1 AND id = $2");
const COUNT: &str = "SELECT COUNT(*) FROM user_group WHERE tenant_id = $1";
const PAGE: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM user_group WHERE tenant_id = $1 ORDER BY created_ms DESC, id DESC LIMIT $2 OFFSET $3"
);
const ALL: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM user_group WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const BY_EXTERNAL_ID: &str = concat!(
    "SELECT ",
    group_columns!(),
    " FROM user_group WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) AND external_id = $5
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const UPDATE: &str = concat!(
    "UPDATE user_group SET display_name = $4, external_id = $5, version = version + 1, updated_ms = $6
        WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    group_columns!()
);
const DELETE: &str = "DELETE FROM user_group WHERE tenant_id = $1 AND id = $2 AND version = $3";
const MEMBERS: &str =
    "SELECT user_id FROM user_group_member WHERE tenant_id = $1 AND group_id = $2 ORDER BY user_id LIMIT $3";
/// Of the tenant's own people alone.
const JOIN: &str = "INSERT INTO user_group_member (tenant_id, group_id, user_id)
    SELECT tenant_id, CAST($2 AS TEXT), id FROM user_account WHERE tenant_id = $1 AND id = $3";
const LEAVE: &str = "DELETE FROM user_group_member WHERE tenant_id = $1 AND group_id = $2 AND user_id = $3";

/// Every statement of this module, for the test that prepares each on both engines.
pub(crate) const STATEMENTS: &[&str] =
    &[INSERT, ONE, COUNT, PAGE, ALL, BY_EXTERNAL_ID, UPDATE, DELETE, MEMBERS, JOIN, LEAVE];

database::row! {
    /// A group, without those who belong to it.
    #[derive(Clone, Debug)]
    pub(crate) struct GroupRow {
        pub(crate) id: String,
        pub(crate) display_name: String,
        pub(crate) external_id: Option<String>,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

/// What may be said of a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Team {
    display_name: String,
    external_id: Option<String>,
    /// Ids of people.
    members: BTreeSet<String>,
}

impl Team {
    /// What a directory says of one, once it was accepted.
    pub(super) fn of(said: &Map<String, Value>) -> Result<Self, Problem> {
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
        let (display_name, external_id) = (text("displayName").unwrap_or_default(), text("externalId"));
        if display_name.chars().count() > MAX_NAME {
            return Err(invalid(format!("displayName has at most {MAX_NAME} characters")));
        }
        if external_id.as_ref().is_some_and(|id| id.chars().count() > MAX_KEY) {
            return Err(invalid(format!("externalId has at most {MAX_KEY} characters")));
        }
        let id = |member: &Value| member.get("value").and_then(Value::as_str).map(str::to_owned);
        let members = said.get("members").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let members: Option<BTreeSet<String>> = members.iter().map(id).collect();
        let members = members.ok_or_else(|| invalid("a member has the id of a person as value"))?;
        if members.len() > MAX_MEMBERS {
            return Err(invalid(format!("a group has at most {MAX_MEMBERS} members")));
        }
        Ok(Self { display_name, external_id, members })
    }
}

/// What is said of a group.
pub(super) fn document(row: &GroupRow, members: &[String]) -> Map<String, Value> {
    let mut said = Map::from_iter([("displayName".to_owned(), row.display_name.as_str().into())]);
    said.extend(row.external_id.as_ref().map(|id| ("externalId".to_owned(), id.as_str().into())));
    if !members.is_empty() {
        let member = |id: &String| json!({ "value": id, "$ref": location(USER, id), "type": USER.name });
        said.insert("members".to_owned(), members.iter().map(member).collect());
    }
    said
}

/// A group as the protocol has it.
pub(super) fn resource(row: &GroupRow, members: &[String]) -> Resource {
    let (mut json, etag) = (document(row, members), tag(row));
    json.insert("schemas".to_owned(), GROUP.schemas(&json));
    json.insert("id".to_owned(), row.id.as_str().into());
    json.insert("meta".to_owned(), meta(GROUP, &row.id, (row.created_ms, row.updated_ms), &etag));
    Resource { kind: GROUP, etag, json }
}

/// The tag of what is known of a group: who is erased leaves it, which is a change of it too.
pub(super) fn tag(row: &GroupRow) -> Etag {
    etag(&row.id, row.version)
}

impl Users {
    pub(super) async fn group(&self, tenant: &TenantId, id: &str) -> Result<GroupRow, Problem> {
        let missing = || Problem::not_found(codes::GROUP_NOT_FOUND, "there is no such group");
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// How many groups a tenant has.
    pub(super) async fn count_groups(&self, tenant: &TenantId) -> Result<usize, DbError> {
        let (count,): (i64,) = self.db.optional(COUNT, args![tenant]).await?.ok_or(DbError::NoRow)?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Those groups within the window, newest first.
    pub(super) async fn page_of_groups(&self, tenant: &TenantId, window: Window) -> Result<Vec<GroupRow>, DbError> {
        let (limit, offset) = window.limit_and_offset();
        self.db.all(PAGE, args![tenant, limit, offset]).await
    }

    /// The ids of those who belong to a group.
    pub(super) async fn members(&self, tenant: &TenantId, group: &str) -> Result<Vec<String>, DbError> {
        let limit = i64::try_from(MAX_MEMBERS).unwrap_or(i64::MAX);
        let rows: Vec<(String,)> = self.db.all(MEMBERS, args![tenant, group, limit]).await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Some of those groups among which all are that are looked for, newest first.
    pub(super) async fn groups_among(
        &self,
        tenant: &TenantId,
        narrow: &Narrow,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<GroupRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        match narrow {
            Narrow::Id(id) => self.db.all(ONE, args![tenant, id]).await,
            Narrow::ExternalId(name) => {
                self.db.all(BY_EXTERNAL_ID, args![tenant, time_ms, id, i64::from(limit), name]).await
            }
            _ => self.db.all(ALL, args![tenant, time_ms, id, i64::from(limit)]).await,
        }
    }

    /// Makes a group.
    pub(super) async fn make_group(&self, tenant: &TenantId, team: Team, actor: &str) -> Result<GroupRow, Problem> {
        let (id, now_ms) = (format!("grp_{}", Uuid::now_v7().simple()), self.now_ms());
        let mut tx = self.db.begin().await?;
        let args = args![tenant, &id, team.display_name, team.external_id, now_ms];
        let row: GroupRow = tx.optional(INSERT, args).await?.ok_or(DbError::NoRow)?;
        for member in &team.members {
            join(&mut tx, tenant, &id, member).await?;
        }
        tell(&mut tx, tenant, &row, ("group.created", actor), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Makes of a group, to which `members` belonged, what `team` says.
    pub(super) async fn change_group(
        &self,
        tenant: &TenantId,
        (of, members): (&GroupRow, &[String]),
        team: Team,
        actor: &str,
    ) -> Result<GroupRow, Problem> {
        let now_ms = self.now_ms();
        let were: BTreeSet<&String> = members.iter().collect();
        let mut tx = self.db.begin().await?;
        // First of all: whoever else changes the group waits here, and finds it changed.
        let args = args![tenant, &of.id, of.version, team.display_name, team.external_id, now_ms];
        let row: GroupRow = tx.optional(UPDATE, args).await?.ok_or_else(stale)?;
        for gone in were.iter().filter(|member| !team.members.contains(**member)) {
            tx.execute(LEAVE, args![tenant, &of.id, *gone]).await?;
        }
        for new in team.members.iter().filter(|member| !were.contains(*member)) {
            join(&mut tx, tenant, &of.id, new).await?;
        }
        tell(&mut tx, tenant, &row, ("group.updated", actor), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a group. Who belonged to it stays.
    pub(super) async fn end_group(&self, tenant: &TenantId, of: &GroupRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.id, of.version]).await? == 0 {
            return Err(stale());
        }
        tell(&mut tx, tenant, of, ("group.deleted", actor), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

async fn join(tx: &mut Tx, tenant: &TenantId, group: &str, member: &str) -> Result<(), Problem> {
    if !member.contains('\0') && tx.execute(JOIN, args![tenant, group, member]).await? == 1 {
        return Ok(());
    }
    Err(invalid(format!("there is no person {}", member.chars().take(MAX_KEY).collect::<String>())))
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &GroupRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let data = json!({ "id": row.id, "actor": actor });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
