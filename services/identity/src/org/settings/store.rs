//! Settings in their table.

use database::{DbError, Json, Tx, args};
use kernel::conditional::stale;
use kernel::{Principal, Problem};
use media_types::TenantId;
use serde_json::json;

use super::super::store::Tenants;
use super::super::tell;
use super::super::tree::{self, ROOT};
use super::{OrgEffectiveSetting, Own, check_locked, effective};

const ONE: &str = "SELECT own, version FROM org_settings WHERE tenant_id = $1 AND node_id = $2";
/// What is said on the way to a place, the place itself included, from the tenant itself down.
const CHAIN: &str = "SELECT s.node_id, s.own, c.depth FROM org_closure c
    JOIN org_settings s ON s.tenant_id = c.tenant_id AND s.node_id = c.ancestor_id
    WHERE c.tenant_id = $1 AND c.descendant_id = $2
    UNION ALL SELECT r.node_id, r.own, CAST(1000 AS BIGINT) FROM org_settings r
    WHERE r.tenant_id = $1 AND r.node_id = 'root' ORDER BY 3 DESC";
const ALL: &str = "SELECT node_id, own FROM org_settings WHERE tenant_id = $1 ORDER BY node_id LIMIT $2";
const INSERT: &str = "INSERT INTO org_settings (tenant_id, node_id, own, version) VALUES ($1, $2, $3, 1)
    ON CONFLICT (tenant_id, node_id) DO NOTHING";
const UPDATE: &str = "UPDATE org_settings SET own = $4, version = version + 1
    WHERE tenant_id = $1 AND node_id = $2 AND version = $3";

/// Every statement of settings, for the test that prepares each on both engines.
pub(in crate::org) const STATEMENTS: &[&str] = &[ONE, CHAIN, ALL, INSERT, UPDATE];

/// The most places whose settings are read together.
const MAX_PLACES: i64 = 2000;

/// What is said at a place.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) own: Own,
    /// 0 where nothing was said yet.
    pub(super) version: i64,
}

type Place = (String, Json<Own>, i64);

fn places(rows: Vec<Place>) -> Vec<(String, Own)> {
    rows.into_iter().map(|(place, own, _)| (place, own.0)).collect()
}

impl Tenants {
    pub(super) async fn said(&self, tenant: &TenantId, node: &str) -> Result<Said, DbError> {
        let found: Option<(Json<Own>, i64)> = self.db.optional(ONE, args![tenant, node]).await?;
        Ok(found.map_or_else(Said::default, |(own, version)| Said { own: own.0, version }))
    }

    /// What holds at a place.
    pub(in crate::org) async fn holds(
        &self,
        tenant: &TenantId,
        node: &str,
    ) -> Result<Vec<OrgEffectiveSetting>, DbError> {
        Ok(effective(&places(self.db.all(CHAIN, args![tenant, node]).await?)))
    }

    /// What is said anywhere in a tenant, by the places.
    pub(in crate::org) async fn all_settings(&self, tenant: &TenantId) -> Result<Vec<(String, Own)>, DbError> {
        let rows: Vec<(String, Json<Own>)> = self.db.all(ALL, args![tenant, MAX_PLACES]).await?;
        Ok(rows.into_iter().map(|(place, own)| (place, own.0)).collect())
    }

    /// Says at a place, where `was` was said, this and nothing else.
    pub(super) async fn say(
        &self,
        tenant: &TenantId,
        (node, was): (&str, &Said),
        own: &Own,
        by: &Principal,
    ) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        tree::one_by_one(&mut tx, tenant).await?;
        tree::level(&mut tx, tenant, node, "/id").await?;
        let mut above = places(tx.all(CHAIN, args![tenant, node]).await?);
        above.retain(|(place, _)| place != node);
        check_locked(&above, &was.own, own)?;
        let stored = serde_json::to_value(own).map_err(|error| Problem::internal(&error))?;
        let said = if was.version == 0 {
            tx.execute(INSERT, args![tenant, node, stored]).await?
        } else {
            tx.execute(UPDATE, args![tenant, node, was.version, stored]).await?
        };
        if said == 0 {
            return Err(stale());
        }
        let keys: Vec<&String> = own.keys().collect();
        let data = json!({ "node_id": node, "keys": keys, "actor": by.actor() });
        tell(&mut tx, tenant, ("org_settings.updated", node), data, self.now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// That there is such a place.
    pub(super) async fn check_place(&self, tenant: &TenantId, node: &str) -> Result<(), Problem> {
        if node == ROOT {
            return Ok(());
        }
        self.node(tenant, node).await.map(drop)
    }
}

/// What holds at a place, in the transaction of whoever goes by it.
pub(in crate::org) async fn holds_in(
    tx: &mut Tx,
    tenant: &TenantId,
    node: &str,
) -> Result<Vec<OrgEffectiveSetting>, DbError> {
    Ok(effective(&places(tx.all(CHAIN, args![tenant, node]).await?)))
}
