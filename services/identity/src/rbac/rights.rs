//! The roles of a person, handed out and erased.

use database::{Database, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Retention, Subject};
use kernel::{Personal, Problem};
use serde::Serialize;

/// No person has so many.
const EXPORT: &str =
    "SELECT b.id, b.role_id, r.name AS role_name, b.granted_by, b.expires_ms, b.created_ms FROM rbac_binding b
    JOIN rbac_role r ON r.tenant_id = b.tenant_id AND r.id = b.role_id
    WHERE b.tenant_id = $1 AND b.user_id = $2 ORDER BY b.id LIMIT 1000";
const ERASE: &str = "DELETE FROM rbac_binding WHERE tenant_id = $1 AND user_id = $2";
const REMOVE: &str = "DELETE FROM rbac_binding WHERE (tenant_id, id) IN
    (SELECT tenant_id, id FROM rbac_binding WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)";

pub(super) const STATEMENTS: &[&str] = &[EXPORT, ERASE, REMOVE];

/// What the unit removes by itself.
pub(super) const RETENTION: &[Retention] =
    &[Retention { what: "roles that people had for a while", kept_ms: 30 * 24 * 3_600_000, remove: REMOVE }];

/// What it does with data of people.
pub(super) static HOOKS: Hooks = Hooks;

pub(super) struct Hooks;

database::row! {
    #[derive(Serialize)]
    struct BindingExport {
        id: String,
        role_id: String,
        role_name: String,
        granted_by: String,
        expires_ms: Option<i64>,
        created_ms: i64,
    }
}

impl Personal for Hooks {
    fn export<'a>(
        &'a self,
        db: &'a Database,
        of: &'a Subject,
        into: &'a mut Dossier,
    ) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            let bindings: Vec<BindingExport> = db.all(EXPORT, args![&of.tenant, &of.id]).await?;
            bindings.iter().try_for_each(|binding| into.row("roles", binding))
        })
    }

    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            tx.execute(ERASE, args![&of.tenant, &of.id]).await?;
            Ok(())
        })
    }
}
