//! Domains that a tenant says are its own. One is proven while its DNS has the text that the tenant was given for it: then who gets an
//! account with an address of it belongs where the tenant says, and its brand is shown at it.
//!
//! - `routes`: `/api/v1/org/domains`. `views`: their JSON.

pub(super) mod routes;
mod views;

use axum::http::StatusCode;
use database::{DbError, Tx, args};
use kernel::conditional::stale;
use kernel::{Cursor, Principal, Problem, Stored};
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

pub(super) use self::views::OrgDomainView;
use super::store::Tenants;
use super::{codes, tell, tree};

/// The most domains of a tenant.
const MAX_DOMAINS: i64 = 50;
/// RFC 1035 §2.3.4, with room for the label that the text is at.
const MAX_NAME: usize = 240;
/// Where the text is, below the domain.
const LABEL: &str = "_lectern";

macro_rules! domain_columns {
    () => {
        "id, name, token, node_id, proven_ms, version, created_ms, updated_ms"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM org_domain WHERE tenant_id = $1";
const INSERT: &str = concat!(
    "INSERT INTO org_domain (tenant_id, id, name, token, node_id, proven_ms, version, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, $5, NULL, 1, $6, $6) RETURNING ",
    domain_columns!()
);
const ONE: &str = concat!("SELECT ", domain_columns!(), " FROM org_domain WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    domain_columns!(),
    " FROM org_domain WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3)
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const UPDATE: &str = concat!(
    "UPDATE org_domain SET node_id = $4, proven_ms = $5, version = version + 1, updated_ms = $6
        WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    domain_columns!()
);
const DELETE: &str = "DELETE FROM org_domain WHERE tenant_id = $1 AND id = $2 AND version = $3";
/// By somebody else.
const IS_PROVEN: &str =
    "SELECT id FROM org_domain WHERE name = $2 AND proven_ms IS NOT NULL AND tenant_id <> $1 LIMIT 1";
const PLACE_OF: &str = "SELECT d.node_id FROM org_domain d
    JOIN org_node n ON n.tenant_id = d.tenant_id AND n.id = d.node_id
    WHERE d.tenant_id = $1 AND d.name = $2 AND d.proven_ms IS NOT NULL";
const JOIN: &str = "INSERT INTO org_member (tenant_id, user_id, node_id)
    SELECT d.tenant_id, CAST($2 AS TEXT), d.node_id FROM org_domain d
    JOIN org_node n ON n.tenant_id = d.tenant_id AND n.id = d.node_id
    WHERE d.tenant_id = $1 AND d.name = $3 AND d.proven_ms IS NOT NULL
    ON CONFLICT (tenant_id, user_id) DO NOTHING";

/// Every statement of domains, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[COUNT, INSERT, ONE, LIST, UPDATE, DELETE, IS_PROVEN, PLACE_OF, JOIN];

database::row! {
    /// A domain.
    #[derive(Clone, Debug)]
    pub(crate) struct DomainRow {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) token: String,
        pub(crate) node_id: String,
        pub(crate) proven_ms: Option<i64>,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

impl DomainRow {
    /// Where the text is.
    fn record_name(&self) -> String {
        format!("{LABEL}.{}", self.name)
    }

    /// The text.
    fn record_text(&self) -> String {
        format!("lectern-domain={}", self.token)
    }
}

/// A domain that is about to be claimed.
pub(super) struct NewDomain {
    pub(super) tenant: TenantId,
    pub(super) name: String,
    pub(super) node: String,
    pub(super) by: Principal,
    pub(super) now_ms: i64,
}

/// The normal form of a domain: in lower case. `None` of what is none: two labels at least, as hosts have them (RFC 1123 §2.1), and no
/// address.
pub(super) fn normal(text: &str) -> Option<String> {
    let is_label = |label: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_name = last.bytes().any(|byte| byte.is_ascii_alphabetic());
    let fine = text.len() <= MAX_NAME && text.contains('.') && is_name && text.split('.').all(is_label);
    fine.then(|| text.to_ascii_lowercase())
}

impl Tenants {
    pub(super) async fn domain(&self, tenant: &TenantId, id: &str) -> Result<DomainRow, Problem> {
        let missing = || Problem::not_found(codes::DOMAIN_NOT_FOUND, "there is no such domain");
        self.db.optional(ONE, args![tenant, id]).await?.ok_or_else(missing)
    }

    /// Newest first.
    pub(super) async fn domains(
        &self,
        tenant: &TenantId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<DomainRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, time_ms, id, i64::from(limit)]).await
    }

    /// Says anew where people of a domain belong who come from now on.
    pub(super) async fn change_domain(
        &self,
        tenant: &TenantId,
        of: &DomainRow,
        node: &str,
        by: &Principal,
    ) -> Result<DomainRow, Problem> {
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        check_node(&mut tx, tenant, [&of.node_id, node], by).await?;
        let args = args![tenant, &of.id, of.version, node, of.proven_ms, now_ms];
        let row: DomainRow = tx.optional(UPDATE, args).await?.ok_or_else(stale)?;
        let data = json!({ "id": row.id, "node_id": row.node_id, "actor": by.actor() });
        tell(&mut tx, tenant, ("domain.updated", &row.id), data, now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Looks whether the DNS of a domain has its text, and remembers whether it does.
    pub(super) async fn prove(&self, tenant: &TenantId, of: &DomainRow, actor: &str) -> Result<DomainRow, Problem> {
        let unanswered = |detail: &str| Problem::conflict(codes::DOMAIN_UNANSWERED, detail).retry_after(30);
        let dns = self.dns.as_ref().ok_or_else(|| unanswered("this process asks no name server"))?;
        let texts = dns.texts(&of.record_name()).await.map_err(|error| {
            tracing::debug!(%error, "a domain is not looked up");
            unanswered("no name server has answered")
        })?;
        let (now_ms, is_there) = (self.now_ms(), texts.contains(&of.record_text()));
        let mut tx = self.db.begin().await?;
        if is_there {
            let others: Option<(String,)> = tx.optional(IS_PROVEN, args![tenant, &of.name]).await?;
            if others.is_some() {
                let detail = "somebody else has proven that the domain is his";
                return Err(Problem::conflict(codes::DOMAIN_TAKEN, detail));
            }
        }
        let args = args![tenant, &of.id, of.version, &of.node_id, is_there.then_some(now_ms), now_ms];
        let row: DomainRow = tx.optional(UPDATE, args).await?.ok_or_else(stale)?;
        if is_there != of.proven_ms.is_some() {
            let kind = if is_there { "domain.proven" } else { "domain.lost" };
            tell(&mut tx, tenant, (kind, &row.id), json!({ "id": row.id, "actor": actor }), now_ms).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Claims a domain no longer.
    pub(super) async fn remove_domain(&self, tenant: &TenantId, of: &DomainRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, &of.id, of.version]).await? == 0 {
            return Err(stale());
        }
        let data = json!({ "id": of.id, "actor": actor });
        tell(&mut tx, tenant, ("domain.deleted", &of.id), data, self.now_ms()).await?;
        Ok(tx.commit().await?)
    }
}

/// That people may be had belong there by whoever says so: nobody gives by a domain what he lacks.
async fn check_node(tx: &mut Tx, tenant: &TenantId, nodes: [&str; 2], by: &Principal) -> Result<(), Problem> {
    tree::one_by_one(tx, tenant).await?;
    tree::level(tx, tenant, nodes[1], "/node_id").await?;
    tree::check_beyond(tx, tenant, nodes, by).await
}

/// Claims a domain, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, new: NewDomain) -> Result<Stored, Problem> {
    let NewDomain { tenant, name, node, by, now_ms } = new;
    check_node(tx, &tenant, [tree::ROOT, &node], &by).await?;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_DOMAINS {
        let detail = format!("there are {MAX_DOMAINS} domains already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::DOMAIN_TOO_MANY, detail));
    }
    let id = format!("dom_{}", Uuid::now_v7().simple());
    let token = Uuid::new_v4().simple().to_string();
    let row: DomainRow = match tx.optional(INSERT, args![&tenant, &id, &name, token, &node, now_ms]).await {
        Err(error) if error.is_unique_violation() => {
            return Err(Problem::conflict(codes::DOMAIN_EXISTS, format!("{name} is claimed already")));
        }
        made => made?.ok_or(DbError::NoRow)?,
    };
    let data = json!({ "id": id, "name": name, "node_id": node, "actor": by.actor() });
    tell(tx, &tenant, ("domain.created", &id), data, now_ms).await?;
    let body = serde_json::to_value(OrgDomainView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

fn domain_of(email: &str) -> &str {
    email.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Where somebody with this address would belong, if that is below the tenant itself.
pub(super) async fn place_of(tx: &mut Tx, tenant: &TenantId, email: &str) -> Result<Option<String>, DbError> {
    let found: Option<(String,)> = tx.optional(PLACE_OF, args![tenant, domain_of(email)]).await?;
    Ok(found.map(|(node,)| node))
}

/// Has somebody who has just come belong where people of the domain of his address do.
pub(crate) async fn join(tx: &mut Tx, tenant: &TenantId, user: &str, email: &str) -> Result<(), DbError> {
    tx.execute(JOIN, args![tenant, user, domain_of(email)]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_in_lower_case_and_has_two_labels_at_least() {
        for (text, expected) in [
            ("North.Example", Some("north.example")),
            ("a.b.xn--p1ai", Some("a.b.xn--p1ai")),
            ("example", None),
            ("north.example.", None),
            (".example", None),
            ("north..example", None),
            ("-a.example", None),
            ("n\u{f6}rd.example", None),
            ("north example.org", None),
            ("10.0.0.1", None),
            ("a.example\0", None),
            ("", None),
        ] {
            assert_eq!(normal(text).as_deref(), expected, "{text:?}");
        }
        let label = "a".repeat(63);
        assert!(normal(&format!("{label}.{label}.{label}.example")).is_some());
        assert!(normal(&format!("{label}.{label}.{label}.{label}")).is_none());
    }
}
