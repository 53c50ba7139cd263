//! Sub-organizations of a tenant, and which of them a person belongs to.
//!
//! The tenant itself is above all, is called `root` and has no row. Whoever changes the tree of a tenant, who belongs where in it or which
//! roles it gives does so after the others: what he may give is judged by what is true until he is done.
//!
//! - `roles`: the roles that a sub-organization gives. `routes`: `/api/v1/org/nodes` and `/api/v1/org/people`. `views`: their JSON.

pub(super) mod roles;
pub(super) mod routes;
mod views;

use axum::http::StatusCode;
use database::{DbError, Tx, args};
use kernel::conditional::stale;
use kernel::{Cursor, Principal, Problem, Stored};
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::store::Tenants;
use super::{codes, tell};

pub(super) use views::{OrgNodeView, OrgPageQuery};

/// What stands for the tenant itself.
pub(super) const ROOT: &str = "root";
/// The most sub-organizations of a tenant.
const MAX_NODES: i64 = 1000;
/// The most levels of them. Times the most roles of one, it is less than the most holdings of a person that are read.
const MAX_LEVELS: i64 = 8;

macro_rules! node_columns {
    () => {
        "id, parent_id, name, version, created_ms, updated_ms"
    };
}

/// An update that changes nothing locks the row on both engines.
const ONE_BY_ONE: &str = "UPDATE tenant SET version = version WHERE tenant_id = $1";
const COUNT: &str = "SELECT COUNT(*) FROM org_node WHERE tenant_id = $1";
const INSERT: &str = concat!(
    "INSERT INTO org_node (tenant_id, id, parent_id, name, version, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, 1, $5, $5) RETURNING ",
    node_columns!()
);
const INSERT_SELF: &str =
    "INSERT INTO org_closure (tenant_id, ancestor_id, descendant_id, depth) VALUES ($1, $2, $2, 0)";
/// Has all that lies above `$3`, and itself, lie above `$2` and what is below that.
const ATTACH: &str = "INSERT INTO org_closure (tenant_id, ancestor_id, descendant_id, depth)
    SELECT p.tenant_id, p.ancestor_id, c.descendant_id, p.depth + c.depth + 1 FROM org_closure p
    JOIN org_closure c ON c.tenant_id = p.tenant_id
    WHERE p.tenant_id = $1 AND c.ancestor_id = $2 AND p.descendant_id = $3";
/// Has nothing lie above `$2` and what is below that, but what is below it too.
const DETACH: &str = "DELETE FROM org_closure WHERE tenant_id = $1
    AND descendant_id IN (SELECT descendant_id FROM org_closure WHERE tenant_id = $1 AND ancestor_id = $2)
    AND ancestor_id NOT IN (SELECT descendant_id FROM org_closure WHERE tenant_id = $1 AND ancestor_id = $2)";
const ONE: &str = concat!("SELECT ", node_columns!(), " FROM org_node WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    node_columns!(),
    " FROM org_node WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3)
        AND (CAST($4 AS TEXT) IS NULL OR parent_id = $4) ORDER BY created_ms DESC, id DESC LIMIT $5"
);
const ALL: &str = concat!("SELECT ", node_columns!(), " FROM org_node WHERE tenant_id = $1 ORDER BY id LIMIT $2");
/// How many levels lie between it and the tenant itself.
const ABOVE: &str = "SELECT MAX(depth) FROM org_closure WHERE tenant_id = $1 AND descendant_id = $2";
const BELOW: &str = "SELECT MAX(depth) FROM org_closure WHERE tenant_id = $1 AND ancestor_id = $2";
const IS_BELOW: &str = "SELECT depth FROM org_closure WHERE tenant_id = $1 AND ancestor_id = $2 AND descendant_id = $3";
const UPDATE: &str = concat!(
    "UPDATE org_node SET parent_id = $4, name = $5, version = version + 1, updated_ms = $6
        WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    node_columns!()
);
const CHILDREN: &str = "SELECT COUNT(*) FROM org_node WHERE tenant_id = $1 AND parent_id = $2";
/// How many people belong to it or below.
const PEOPLE: &str = "SELECT COUNT(*) FROM org_closure c
    JOIN org_member m ON m.tenant_id = c.tenant_id AND m.node_id = c.descendant_id
    WHERE c.tenant_id = $1 AND c.ancestor_id = $2";
const DELETE: &str = "DELETE FROM org_node WHERE tenant_id = $1 AND id = $2 AND version = $3";
const FORGET_SETTINGS: &str = "DELETE FROM org_settings WHERE tenant_id = $1 AND node_id = $2";
const PLACE: &str = "SELECT u.id, m.node_id FROM user_account u
    LEFT JOIN org_member m ON m.tenant_id = u.tenant_id AND m.user_id = u.id WHERE u.tenant_id = $1 AND u.id = $2";
const PUT_PLACE: &str = "INSERT INTO org_member (tenant_id, user_id, node_id) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET node_id = excluded.node_id";
const FORGET_PLACE: &str = "DELETE FROM org_member WHERE tenant_id = $1 AND user_id = $2";
const MEMBERS: &str = "SELECT user_id, node_id FROM org_member WHERE tenant_id = $1 AND node_id = $2 AND user_id > $3
    ORDER BY user_id LIMIT $4";

/// Every statement of the tree, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[
    ONE_BY_ONE,
    COUNT,
    INSERT,
    INSERT_SELF,
    ATTACH,
    DETACH,
    ONE,
    LIST,
    ALL,
    ABOVE,
    BELOW,
    IS_BELOW,
    UPDATE,
    CHILDREN,
    PEOPLE,
    DELETE,
    FORGET_SETTINGS,
    PLACE,
    PUT_PLACE,
    FORGET_PLACE,
    MEMBERS,
];

database::row! {
    /// A sub-organization.
    #[derive(Clone, Debug)]
    pub(crate) struct NodeRow {
        pub(crate) id: String,
        pub(crate) parent_id: String,
        pub(crate) name: String,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

database::row! {
    /// Where a person belongs.
    #[derive(Clone, Debug)]
    pub(crate) struct MemberRow {
        pub(crate) user_id: String,
        pub(crate) node_id: String,
    }
}

/// A sub-organization that is about to be made.
pub(super) struct NewNode {
    pub(super) tenant: TenantId,
    pub(super) parent: String,
    pub(super) name: String,
    pub(super) actor: String,
    pub(super) now_ms: i64,
}

/// What a sub-organization is called, and what it is below.
pub(super) struct Standing {
    pub(super) parent: String,
    pub(super) name: String,
}

impl Tenants {
    pub(super) async fn node(&self, tenant: &TenantId, id: &str) -> Result<NodeRow, Problem> {
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first, of those right below one where that is named.
    pub(super) async fn nodes(
        &self,
        tenant: &TenantId,
        parent: Option<&str>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<NodeRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, id, parent, i64::from(limit)]).await
    }

    /// All of a tenant.
    pub(super) async fn all_nodes(&self, tenant: &TenantId) -> Result<Vec<NodeRow>, DbError> {
        self.db.all(ALL, args![tenant, MAX_NODES]).await
    }

    /// Gives a sub-organization another name or another place, with all that is below it.
    pub(super) async fn change_node(
        &self,
        tenant: &TenantId,
        of: &NodeRow,
        to: Standing,
        by: &Principal,
    ) -> Result<NodeRow, Problem> {
        let Standing { parent, name } = to;
        let (now_ms, moves) = (self.now_ms(), parent != of.parent_id);
        let mut tx = self.db.begin().await?;
        one_by_one(&mut tx, tenant).await?;
        if moves {
            move_below(&mut tx, tenant, of, &parent, by).await?;
        }
        let args = args![tenant, &of.id, of.version, &parent, &name, now_ms];
        let row: NodeRow = match tx.optional(UPDATE, args).await {
            Err(error) if error.is_unique_violation() => return Err(taken(&name)),
            changed => changed?.ok_or_else(stale)?,
        };
        let (people,): (i64,) = tx.optional(PEOPLE, args![tenant, &of.id]).await?.ok_or(DbError::NoRow)?;
        let kind = if moves { "org_node.moved" } else { "org_node.updated" };
        let data = json!({ "id": row.id, "parent_id": row.parent_id, "people": people, "actor": by.actor() });
        tell(&mut tx, tenant, (kind, &row.id), data, now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a sub-organization to which nobody belongs, and that nothing is below.
    pub(super) async fn remove_node(&self, tenant: &TenantId, of: &NodeRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        one_by_one(&mut tx, tenant).await?;
        for what in [CHILDREN, PEOPLE] {
            let (count,): (i64,) = tx.optional(what, args![tenant, &of.id]).await?.ok_or(DbError::NoRow)?;
            if count > 0 {
                return Err(Problem::conflict(codes::ORG_NODE_IN_USE, "somebody or something belongs to it"));
            }
        }
        if tx.execute(DELETE, args![tenant, &of.id, of.version]).await? == 0 {
            return Err(stale());
        }
        tx.execute(FORGET_SETTINGS, args![tenant, &of.id]).await?;
        let data = json!({ "id": of.id, "actor": actor });
        tell(&mut tx, tenant, ("org_node.deleted", &of.id), data, self.now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// Where a person belongs.
    pub(super) async fn place(&self, tenant: &TenantId, user: &str) -> Result<String, Problem> {
        let found: Option<(String, Option<String>)> = self.db.optional(PLACE, args![tenant, user]).await?;
        Ok(found.ok_or_else(nobody)?.1.unwrap_or_else(|| ROOT.to_owned()))
    }

    /// Has a person belong somewhere else than `from`.
    pub(super) async fn put_place(
        &self,
        tenant: &TenantId,
        (user, from): (&str, &str),
        to: &str,
        by: &Principal,
    ) -> Result<(), Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        one_by_one(&mut tx, tenant).await?;
        let found: Option<(String, Option<String>)> = tx.optional(PLACE, args![tenant, user]).await?;
        if found.ok_or_else(nobody)?.1.unwrap_or_else(|| ROOT.to_owned()) != from {
            return Err(stale());
        }
        level(&mut tx, tenant, to, "/node_id").await?;
        check_beyond(&mut tx, tenant, [from, to], by).await?;
        put_place(&mut tx, tenant, user, to).await?;
        let data = json!({ "user_id": user, "node_id": to, "actor": by.actor() });
        tell(&mut tx, tenant, ("org_place.changed", user), data, now_ms).await?;
        Ok(tx.commit().await?)
    }

    /// Who belongs to it itself, by their ids.
    pub(super) async fn members(
        &self,
        tenant: &TenantId,
        node: &str,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<MemberRow>, DbError> {
        let after = after.map_or_else(String::new, |place| place.id);
        self.db.all(MEMBERS, args![tenant, node, after, i64::from(limit)]).await
    }
}

/// Waits for whoever changes the tree of the tenant, and has the others wait.
pub(super) async fn one_by_one(tx: &mut Tx, tenant: &TenantId) -> Result<(), DbError> {
    tx.execute(ONE_BY_ONE, args![tenant]).await.map(drop)
}

/// How many levels there are down to this one, itself included, and none down to the tenant itself; `None` of what is not there.
pub(super) async fn depth(tx: &mut Tx, tenant: &TenantId, id: &str) -> Result<Option<i64>, DbError> {
    if id == ROOT {
        return Ok(Some(0));
    }
    let found: Option<(Option<i64>,)> = tx.optional(ABOVE, args![tenant, id]).await?;
    Ok(found.and_then(|(above,)| above).map(|above| above + 1))
}

/// The same of what a request names.
pub(super) async fn level(tx: &mut Tx, tenant: &TenantId, id: &str, pointer: &str) -> Result<i64, Problem> {
    let unknown = || Problem::invalid(pointer, codes::ORG_NODE_UNKNOWN, "there is no such sub-organization");
    depth(tx, tenant, id).await?.ok_or_else(unknown)
}

/// That whoever asks has for good what these give to those who belong there: nobody gives or takes what he lacks.
pub(super) async fn check_beyond(
    tx: &mut Tx,
    tenant: &TenantId,
    nodes: [&str; 2],
    by: &Principal,
) -> Result<(), Problem> {
    for node in nodes {
        for grants in roles::given_at(tx, tenant, node).await? {
            super::check_beyond(by, &grants)?;
        }
    }
    Ok(())
}

/// Has a person belong somewhere, in the transaction that says why.
pub(super) async fn put_place(tx: &mut Tx, tenant: &TenantId, user: &str, to: &str) -> Result<(), DbError> {
    if to == ROOT {
        return tx.execute(FORGET_PLACE, args![tenant, user]).await.map(drop);
    }
    tx.execute(PUT_PLACE, args![tenant, user, to]).await.map(drop)
}

/// Has it, and all below it, lie below another one.
async fn move_below(tx: &mut Tx, tenant: &TenantId, of: &NodeRow, parent: &str, by: &Principal) -> Result<(), Problem> {
    let above = level(tx, tenant, parent, "/parent_id").await?;
    let is_below: Option<(i64,)> = tx.optional(IS_BELOW, args![tenant, &of.id, parent]).await?;
    if is_below.is_some() {
        let detail = "it would be below itself";
        return Err(Problem::invalid("/parent_id", codes::ORG_NODE_BELOW_ITSELF, detail));
    }
    let below: Option<(Option<i64>,)> = tx.optional(BELOW, args![tenant, &of.id]).await?;
    check_level(above + 1 + below.and_then(|(depth,)| depth).unwrap_or_default())?;
    check_beyond(tx, tenant, [&of.parent_id, parent], by).await?;
    tx.execute(DETACH, args![tenant, &of.id]).await?;
    tx.execute(ATTACH, args![tenant, &of.id, parent]).await?;
    Ok(())
}

/// Makes a sub-organization, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, new: NewNode) -> Result<Stored, Problem> {
    let NewNode { tenant, parent, name, actor, now_ms } = new;
    one_by_one(tx, &tenant).await?;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_NODES {
        let detail = format!("there are {MAX_NODES} sub-organizations already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::ORG_NODE_TOO_MANY, detail));
    }
    check_level(level(tx, &tenant, &parent, "/parent_id").await? + 1)?;
    let id = format!("orn_{}", Uuid::now_v7().simple());
    let row: NodeRow = match tx.optional(INSERT, args![&tenant, &id, &parent, &name, now_ms]).await {
        Err(error) if error.is_unique_violation() => return Err(taken(&name)),
        made => made?.ok_or(DbError::NoRow)?,
    };
    tx.execute(INSERT_SELF, args![&tenant, &id]).await?;
    tx.execute(ATTACH, args![&tenant, &id, &parent]).await?;
    let data = json!({ "id": id, "parent_id": parent, "actor": actor });
    tell(tx, &tenant, ("org_node.created", &id), data, now_ms).await?;
    let body = serde_json::to_value(OrgNodeView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

fn check_level(level: i64) -> Result<(), Problem> {
    if level <= MAX_LEVELS {
        return Ok(());
    }
    let detail = format!("there would be {level} levels, and there are at most {MAX_LEVELS}");
    Err(Problem::invalid("/parent_id", codes::ORG_NODE_TOO_DEEP, detail))
}

fn missing() -> Problem {
    Problem::not_found(codes::ORG_NODE_NOT_FOUND, "there is no such sub-organization")
}

fn nobody() -> Problem {
    Problem::not_found(codes::ORG_PERSON_NOT_FOUND, "there is no such person")
}

fn taken(name: &str) -> Problem {
    Problem::conflict(codes::ORG_NODE_NAME_TAKEN, format!("there is one named {name:?} at this place already"))
}
