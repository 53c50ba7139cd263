//! Who has which role, in its table.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Json, Tx, args, outbox};
use kernel::conditional::stale;
use kernel::{Cursor, Grants, Principal, Problem, Stored, rfc3339};
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::codes;
use super::model::{Held, Role, Subject};
use super::store::{self, Roles};
use super::views::BindingView;
use crate::giving;
use crate::user::model::ACTIVE;

/// The most roles of a person.
const MAX_HELD: i64 = 32;
/// The most people, and roles of theirs, that are looked at together.
const MAX_PEOPLE: i64 = 20_000;
const MAX_HOLDINGS: i64 = 100_000;

macro_rules! binding_columns {
    () => {
        "id, user_id, role_id, granted_by, expires_ms, created_ms"
    };
}

/// What people have by where they belong.
macro_rules! held_by_place {
    () => {
        "SELECT m.user_id, n.id, n.role_id, CAST(NULL AS BIGINT) FROM org_member m
            JOIN org_closure c ON c.tenant_id = m.tenant_id AND c.descendant_id = m.node_id
            JOIN org_node_role n ON n.tenant_id = c.tenant_id AND n.node_id = c.ancestor_id"
    };
}

/// Who has the role `$2`, by whatever.
macro_rules! holders {
    () => {
        "SELECT h.user_id FROM rbac_binding h WHERE h.tenant_id = $1 AND h.role_id = $2
            UNION SELECT hm.user_id FROM org_node_role hn
            JOIN org_closure hc ON hc.tenant_id = hn.tenant_id AND hc.ancestor_id = hn.node_id
            JOIN org_member hm ON hm.tenant_id = hc.tenant_id AND hm.node_id = hc.descendant_id
            WHERE hn.tenant_id = $1 AND hn.role_id = $2"
    };
}

/// An update that changes nothing locks the row on both engines.
const PERSON_STAYS: &str = "UPDATE user_account SET state = state WHERE tenant_id = $1 AND id = $2";
const PURGE: &str = "DELETE FROM rbac_binding WHERE tenant_id = $1 AND user_id = $2 AND expires_ms <= $3";
const COUNT: &str = "SELECT COUNT(*) FROM rbac_binding WHERE tenant_id = $1 AND user_id = $2";
const INSERT: &str = concat!(
    "INSERT INTO rbac_binding (tenant_id, id, user_id, role_id, granted_by, expires_ms, created_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ",
    binding_columns!()
);
const ONE: &str = concat!("SELECT ", binding_columns!(), " FROM rbac_binding WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    binding_columns!(),
    " FROM rbac_binding WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3)
        AND (CAST($4 AS TEXT) IS NULL OR user_id = $4) AND (CAST($5 AS TEXT) IS NULL OR role_id = $5)
        ORDER BY created_ms DESC, id DESC LIMIT $6"
);
const DELETE: &str = "DELETE FROM rbac_binding WHERE tenant_id = $1 AND id = $2";
/// No person has so many. What somebody has by where he belongs is for good, as long as he belongs there.
const HELD: &str = "SELECT b.id AS id, b.role_id AS role_id, r.name AS name, r.permissions AS permissions,
        b.expires_ms AS expires_ms FROM rbac_binding b
    JOIN rbac_role r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
    WHERE b.tenant_id = $1 AND b.user_id = $2
    UNION ALL SELECT n.id, n.role_id, r.name, r.permissions, CAST(NULL AS BIGINT) FROM org_member m
    JOIN org_closure c ON c.tenant_id = m.tenant_id AND c.descendant_id = m.node_id
    JOIN org_node_role n ON n.tenant_id = c.tenant_id AND n.node_id = c.ancestor_id
    JOIN rbac_role r ON r.tenant_id = n.tenant_id AND r.id = n.role_id
    WHERE m.tenant_id = $1 AND m.user_id = $2 ORDER BY 1 LIMIT 100";
const PERSON: &str = "SELECT id, state, permissions FROM user_account WHERE tenant_id = $1 AND id = $2";
const PEOPLE: &str = "SELECT id, state, permissions FROM user_account WHERE tenant_id = $1 ORDER BY id LIMIT $2";
const PEOPLE_HOLD: &str = concat!(
    "SELECT o.user_id, o.id, o.role_id, o.expires_ms FROM rbac_binding o WHERE o.tenant_id = $1
        UNION ALL ",
    held_by_place!(),
    " WHERE m.tenant_id = $1 ORDER BY 1, 2 LIMIT $2"
);
const HOLDERS: &str = concat!(
    "SELECT u.id, u.state, u.permissions FROM user_account u WHERE u.tenant_id = $1 AND u.id IN (",
    holders!(),
    ") ORDER BY u.id LIMIT $3"
);
const HOLDERS_HOLD: &str = concat!(
    "SELECT o.user_id, o.id, o.role_id, o.expires_ms FROM rbac_binding o WHERE o.tenant_id = $1 AND o.user_id IN (",
    holders!(),
    ") UNION ALL ",
    held_by_place!(),
    " WHERE m.tenant_id = $1 AND m.user_id IN (",
    holders!(),
    ") ORDER BY 1, 2 LIMIT $3"
);

const MOVE: &str = "UPDATE rbac_binding SET user_id = $3 WHERE tenant_id = $1 AND user_id = $2
    AND role_id NOT IN (SELECT role_id FROM rbac_binding WHERE tenant_id = $1 AND user_id = $3)";

/// Every statement of bindings, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[
    PERSON_STAYS,
    PURGE,
    COUNT,
    INSERT,
    ONE,
    LIST,
    DELETE,
    HELD,
    PERSON,
    PEOPLE,
    PEOPLE_HOLD,
    HOLDERS,
    HOLDERS_HOLD,
    MOVE,
];

database::row! {
    /// That a person has a role.
    #[derive(Clone, Debug)]
    pub(crate) struct BindingRow {
        pub(crate) id: String,
        pub(crate) user_id: String,
        pub(crate) role_id: String,
        pub(crate) granted_by: String,
        pub(crate) expires_ms: Option<i64>,
        pub(crate) created_ms: i64,
    }
}

database::row! {
    struct HeldRow {
        id: String,
        role_id: String,
        name: String,
        permissions: Json<Grants>,
        expires_ms: Option<i64>,
    }
}

database::row! {
    struct PersonRow {
        id: String,
        state: String,
        permissions: Json<Grants>,
    }
}

impl PersonRow {
    fn having(self, roles: Vec<Held>) -> Subject {
        Subject { id: self.id, is_active: self.state == ACTIVE, own: self.permissions.0, roles }
    }
}

/// Person, binding, role and end.
type Holding = (String, String, String, Option<i64>);

/// The roles of a person, also those that have ended.
pub(crate) async fn held(db: &Database, tenant: &TenantId, user: &str) -> Result<Vec<Held>, DbError> {
    let rows: Vec<HeldRow> = db.all(HELD, args![tenant, user]).await?;
    let held = |row: HeldRow| {
        let role = Arc::new(Role { id: row.role_id, name: row.name, grants: row.permissions.0 });
        Held { binding: row.id, role, expires_ms: row.expires_ms }
    };
    Ok(rows.into_iter().map(held).collect())
}

/// Gives the roles of one person to another one, who keeps those that he has as he has them. Whether they are no more than he may have.
pub(crate) async fn move_roles(
    tx: &mut Tx,
    tenant: &TenantId,
    (from, to): (&str, &str),
    now_ms: i64,
) -> Result<bool, DbError> {
    // What has ended is no role that he has.
    tx.execute(PURGE, args![tenant, to, now_ms]).await?;
    tx.execute(MOVE, args![tenant, from, to]).await?;
    let (count,): (i64,) = tx.optional(COUNT, args![tenant, to]).await?.ok_or(DbError::NoRow)?;
    Ok(count <= MAX_HELD)
}

/// A binding that is about to be made.
pub(super) struct NewBinding {
    pub(super) tenant: TenantId,
    pub(super) user: String,
    pub(super) role: String,
    pub(super) expires_ms: Option<i64>,
    pub(super) giver: Principal,
    pub(super) now_ms: i64,
}

impl Roles {
    pub(super) async fn binding(&self, tenant: &TenantId, id: &str) -> Result<BindingRow, Problem> {
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first, of one person and of one role where they are named.
    pub(super) async fn bindings(
        &self,
        tenant: &TenantId,
        (user, role): (Option<&str>, Option<&str>),
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<BindingRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, id, user, role, i64::from(limit)]).await
    }

    /// Takes a role from a person.
    pub(super) async fn revoke(&self, tenant: &TenantId, of: &BindingRow, taker: &Principal) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        let role = store::stays(&mut tx, tenant, &of.role_id).await?.ok_or_else(missing)?;
        store::check_beyond(taker, &role.permissions.0)?;
        if tx.execute(DELETE, args![tenant, &of.id]).await? == 0 {
            return Err(stale());
        }
        tell(&mut tx, tenant, of, ("role.revoked", taker.actor()), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// What is known of a person of this id.
    pub(super) async fn subject(&self, tenant: &TenantId, id: &str) -> Result<Option<Subject>, DbError> {
        let Some(person) = self.db.optional::<PersonRow>(PERSON, args![tenant, id]).await? else { return Ok(None) };
        Ok(Some(person.having(held(&self.db, tenant, id).await?)))
    }

    /// Everybody who has a role, or has had it until lately.
    pub(super) async fn holders(&self, tenant: &TenantId, role: &str) -> Result<Vec<Subject>, Problem> {
        let holdings: Vec<Holding> = self.db.all(HOLDERS_HOLD, args![tenant, role, MAX_HOLDINGS + 1]).await?;
        let people: Vec<PersonRow> = self.db.all(HOLDERS, args![tenant, role, MAX_PEOPLE + 1]).await?;
        having(people, holdings, &self.all(tenant).await?)
    }

    /// All roles of a tenant, and all its people.
    pub(super) async fn everybody(&self, tenant: &TenantId) -> Result<(Vec<Arc<Role>>, Vec<Subject>), Problem> {
        let holdings: Vec<Holding> = self.db.all(PEOPLE_HOLD, args![tenant, MAX_HOLDINGS + 1]).await?;
        let people: Vec<PersonRow> = self.db.all(PEOPLE, args![tenant, MAX_PEOPLE + 1]).await?;
        let roles = self.all(tenant).await?;
        let people = having(people, holdings, &roles)?;
        Ok((roles, people))
    }
}

/// People with their roles, if these are not too many. What is gone since the holdings were read is left out.
fn having(people: Vec<PersonRow>, holdings: Vec<Holding>, roles: &[Arc<Role>]) -> Result<Vec<Subject>, Problem> {
    if people.len() as i64 > MAX_PEOPLE || holdings.len() as i64 > MAX_HOLDINGS {
        let detail = format!("they are more than {MAX_PEOPLE} people, or have more than {MAX_HOLDINGS} roles");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::ACCESS_TOO_LARGE, detail));
    }
    let roles: HashMap<&str, &Arc<Role>> = roles.iter().map(|role| (role.id.as_str(), role)).collect();
    let mut held: HashMap<String, Vec<Held>> = HashMap::new();
    for (user, binding, role, expires_ms) in holdings {
        if let Some(role) = roles.get(role.as_str()) {
            held.entry(user).or_default().push(Held { binding, role: Arc::clone(role), expires_ms });
        }
    }
    let with = |person: PersonRow| {
        let roles = held.remove(&person.id).unwrap_or_default();
        person.having(roles)
    };
    Ok(people.into_iter().map(with).collect())
}

fn missing() -> Problem {
    Problem::not_found(codes::ROLE_BINDING_NOT_FOUND, "there is no such binding")
}

/// Gives a role to a person, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, new: NewBinding) -> Result<Stored, Problem> {
    let NewBinding { tenant, user, role, expires_ms, giver, now_ms } = new;
    let unknown = |pointer: &str, detail: &str| Problem::invalid(pointer, codes::ROLE_BINDING_UNKNOWN, detail);
    if tx.execute(PERSON_STAYS, args![&tenant, &user]).await? == 0 {
        return Err(unknown("/user_id", "there is no such person"));
    }
    let of = store::stays(tx, &tenant, &role).await?;
    let of = of.ok_or_else(|| unknown("/role_id", "there is no such role"))?;
    store::check_beyond(&giver, &of.permissions.0)?;
    if giving::outlives(&giver, expires_ms) {
        return Err(store::beyond("this key ends before the role that it shall give"));
    }
    tx.execute(PURGE, args![&tenant, &user, now_ms]).await?;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant, &user]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_HELD {
        let detail = format!("the person has {MAX_HELD} roles already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::ROLE_BINDING_TOO_MANY, detail));
    }
    let id = format!("bnd_{}", Uuid::now_v7().simple());
    let args = args![&tenant, id, &user, &role, giver.actor(), expires_ms, now_ms];
    let row: BindingRow = match tx.optional(INSERT, args).await {
        Err(error) if error.is_unique_violation() => {
            return Err(Problem::conflict(codes::ROLE_BINDING_EXISTS, "the person has this role already"));
        }
        made => made?.ok_or(DbError::NoRow)?,
    };
    tell(tx, &tenant, &row, ("role.granted", giver.actor()), now_ms).await?;
    let body = serde_json::to_value(BindingView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

/// Gives a role to somebody who has just come, by what was said before he came. One that is gone since he does not get.
pub(crate) async fn give(
    tx: &mut Tx,
    tenant: &TenantId,
    (user, role): (&str, &str),
    (giver, now_ms): (&str, i64),
) -> Result<(), Problem> {
    if store::stays(tx, tenant, role).await?.is_none() {
        return Ok(());
    }
    let id = format!("bnd_{}", Uuid::now_v7().simple());
    let args = args![tenant, id, user, role, giver, None::<i64>, now_ms];
    let row: BindingRow = tx.optional(INSERT, args).await?.ok_or(DbError::NoRow)?;
    Ok(tell(tx, tenant, &row, ("role.granted", giver), now_ms).await?)
}

async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &BindingRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let expires_at = row.expires_ms.map(rfc3339);
    let data = json!({
        "id": row.id, "user_id": row.user_id, "role_id": row.role_id, "expires_at": expires_at, "actor": actor
    });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
