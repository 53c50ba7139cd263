//! What the unit itself has of a person, handed out and erased.

use database::{Database, DbError, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Subject};
use kernel::{Personal, Problem, rfc3339};
use media_types::TenantId;
use serde::Serialize;
use serde_json::json;

use super::consents::{ALL as CONSENTS, ConsentRow};
use super::fields::values;
use super::guardians::{GUARDIANS, GuardianRow, WARDS};
use super::store::{ONE, UserRow};

const ADDRESSES: &str =
    "SELECT address FROM user_address WHERE tenant_id = $1 AND user_id = $2 ORDER BY address LIMIT 200";
const GROUPS: &str = "SELECT g.id, g.display_name FROM user_group_member m
    JOIN user_group g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
    WHERE m.tenant_id = $1 AND m.user_id = $2 ORDER BY g.id LIMIT 10000";
/// What hangs on the account goes with it.
const ERASE: &str = "DELETE FROM user_account WHERE tenant_id = $1 AND id = $2";
/// Who is erased leaves them, which changes them.
const LEAVE_GROUPS: &str = "UPDATE user_group SET version = version + 1, updated_ms = $3 WHERE tenant_id = $1
    AND id IN (SELECT group_id FROM user_group_member WHERE tenant_id = $1 AND user_id = $2)";

pub(super) const STATEMENTS: &[&str] = &[ADDRESSES, GROUPS, ERASE, LEAVE_GROUPS];

/// What the unit does with data of people.
pub(super) static HOOKS: Hooks = Hooks;

pub(super) struct Hooks;

database::row! {
    #[derive(Serialize)]
    struct GroupExport {
        id: String,
        display_name: String,
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
            let args = || args![&of.tenant, &of.id];
            let Some(row) = db.optional::<UserRow>(ONE, args()).await? else { return Ok(()) };
            let directory = json!({
                "user_name": row.user_name,
                "external_id": row.external_id,
                "said": row.scim.as_ref().map(|said| &said.0),
            });
            let profile = json!({
                "id": row.id,
                "email": row.email,
                "name": row.name,
                "locale": row.locale,
                "time_zone": row.time_zone,
                "state": row.state,
                "permissions": row.permissions.0.as_slice(),
                "preferences": row.preferences.0,
                "directory": directory,
                "created_at": rfc3339(row.created_ms),
                "updated_at": rfc3339(row.updated_ms),
            });
            into.document("profile", &profile)?;
            let values = values::all(db, &of.tenant, &of.id).await?;
            into.document("fields", &values)?;
            let groups: Vec<GroupExport> = db.all(GROUPS, args()).await?;
            groups.iter().try_for_each(|group| into.row("groups", group))?;
            let consents: Vec<ConsentRow> = db.all(CONSENTS, args()).await?;
            consents.iter().try_for_each(|consent| into.row("consents", consent))?;
            let guardians: Vec<GuardianRow> = db.all(GUARDIANS, args()).await?;
            guardians.iter().try_for_each(|guardian| into.row("guardians", guardian))?;
            let wards: Vec<GuardianRow> = db.all(WARDS, args()).await?;
            wards.iter().try_for_each(|ward| into.row("wards", ward))
        })
    }

    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            tx.execute(ERASE, args![&of.tenant, &of.id]).await?;
            Ok(())
        })
    }
}

/// Every e-mail address that a directory says of a person.
pub(super) async fn addresses(db: &Database, tenant: &TenantId, id: &str) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = db.all(ADDRESSES, args![tenant, id]).await?;
    Ok(rows.into_iter().map(|(address,)| address).collect())
}

/// Notes of the groups of somebody who goes that they have changed.
pub(super) async fn leave_groups(tx: &mut Tx, of: &Subject, now_ms: i64) -> Result<(), DbError> {
    tx.execute(LEAVE_GROUPS, args![&of.tenant, &of.id, now_ms]).await.map(drop)
}
