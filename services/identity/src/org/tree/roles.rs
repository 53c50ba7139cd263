//! Roles that a sub-organization gives: everybody has them who belongs to it or below it, as long as he does.

use axum::http::StatusCode;
use database::{DbError, Json, Tx, args};
use kernel::{Grants, Principal, Problem};
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use super::super::store::Tenants;
use super::super::{codes, tell};
use super::{level, one_by_one};

/// The most roles of one.
const MAX_ROLES: i64 = 8;

const GIVEN_AT: &str = "SELECT r.permissions FROM org_closure c
    JOIN org_node_role n ON n.tenant_id = c.tenant_id AND n.node_id = c.ancestor_id
    JOIN rbac_role r ON r.tenant_id = n.tenant_id AND r.id = n.role_id
    WHERE c.tenant_id = $1 AND c.descendant_id = $2 LIMIT 100";
/// An update that changes nothing locks the row on both engines.
const ROLE_STAYS: &str =
    "UPDATE rbac_role SET version = version WHERE tenant_id = $1 AND id = $2 RETURNING permissions";
const COUNT: &str = "SELECT COUNT(*) FROM org_node_role WHERE tenant_id = $1 AND node_id = $2";
const INSERT: &str = "INSERT INTO org_node_role (tenant_id, id, node_id, role_id, granted_by, created_ms)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, node_id, role_id) DO NOTHING";
const DELETE: &str = "DELETE FROM org_node_role WHERE tenant_id = $1 AND node_id = $2 AND role_id = $3";
const LIST: &str = "SELECT n.role_id, r.name, n.granted_by, n.created_ms FROM org_node_role n
    JOIN rbac_role r ON r.tenant_id = n.tenant_id AND r.id = n.role_id
    WHERE n.tenant_id = $1 AND n.node_id = $2 ORDER BY n.id LIMIT 100";

/// Every statement of these roles, for the test that prepares each on both engines.
pub(in crate::org) const STATEMENTS: &[&str] = &[GIVEN_AT, ROLE_STAYS, COUNT, INSERT, DELETE, LIST];

database::row! {
    /// A role that a sub-organization gives.
    #[derive(Clone, Debug)]
    pub(crate) struct NodeRoleRow {
        pub(crate) role_id: String,
        pub(crate) name: String,
        pub(crate) granted_by: String,
        pub(crate) created_ms: i64,
    }
}

/// What everybody has who belongs to it, by it and by those above it.
pub(in crate::org) async fn given_at(tx: &mut Tx, tenant: &TenantId, node: &str) -> Result<Vec<Grants>, DbError> {
    let rows: Vec<(Json<Grants>,)> = tx.all(GIVEN_AT, args![tenant, node]).await?;
    Ok(rows.into_iter().map(|(grants,)| grants.0).collect())
}

impl Tenants {
    /// What it gives itself.
    pub(super) async fn node_roles(&self, tenant: &TenantId, node: &str) -> Result<Vec<NodeRoleRow>, DbError> {
        self.db.all(LIST, args![tenant, node]).await
    }

    /// Has it give a role; one that it gives already it goes on giving.
    pub(super) async fn give_at(
        &self,
        tenant: &TenantId,
        (node, role): (&str, &str),
        by: &Principal,
    ) -> Result<(), Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        one_by_one(&mut tx, tenant).await?;
        level(&mut tx, tenant, node, "/id").await?;
        check_role(&mut tx, tenant, role, by).await?;
        let id = format!("onr_{}", Uuid::now_v7().simple());
        let made = tx.execute(INSERT, args![tenant, id, node, role, by.actor(), now_ms]).await?;
        let (count,): (i64,) = tx.optional(COUNT, args![tenant, node]).await?.ok_or(DbError::NoRow)?;
        if count > MAX_ROLES {
            let detail = format!("it gives {MAX_ROLES} roles already");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::ORG_NODE_TOO_MANY_ROLES, detail));
        }
        if made > 0 {
            let data = json!({ "id": node, "role_id": role, "actor": by.actor() });
            tell(&mut tx, tenant, ("org_node.role_granted", node), data, now_ms).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Has it give a role no longer.
    pub(super) async fn take_at(
        &self,
        tenant: &TenantId,
        (node, role): (&str, &str),
        by: &Principal,
    ) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        one_by_one(&mut tx, tenant).await?;
        check_role(&mut tx, tenant, role, by).await?;
        if tx.execute(DELETE, args![tenant, node, role]).await? == 0 {
            return Err(no_role());
        }
        let data = json!({ "id": node, "role_id": role, "actor": by.actor() });
        tell(&mut tx, tenant, ("org_node.role_revoked", node), data, self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// That there is such a role, and nothing in it that whoever asks lacks, until the transaction ends.
pub(in crate::org) async fn check_role(
    tx: &mut Tx,
    tenant: &TenantId,
    role: &str,
    by: &Principal,
) -> Result<(), Problem> {
    let found: Option<(Json<Grants>,)> = tx.optional(ROLE_STAYS, args![tenant, role]).await?;
    super::super::check_beyond(by, &found.ok_or_else(no_role)?.0.0)
}

fn no_role() -> Problem {
    Problem::not_found(codes::ORG_ROLE_NOT_FOUND, "there is no such role here")
}
