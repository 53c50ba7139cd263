//! Where a person belongs in his organization, and what he was invited to, handed out and erased.

use database::{Database, Tx, args};
use kernel::rights::{BoxFuture, Dossier, Retention, Subject};
use kernel::{Personal, Problem};
use serde::Serialize;

const PLACE: &str = "SELECT m.node_id, n.name FROM org_member m
    LEFT JOIN org_node n ON n.tenant_id = m.tenant_id AND n.id = m.node_id WHERE m.tenant_id = $1 AND m.user_id = $2";
/// Nobody is in so many.
const ROLLS: &str = "SELECT r.kind, r.id, r.name, m.added_by, m.created_ms FROM org_roll_member m
    JOIN org_roll r ON r.tenant_id = m.tenant_id AND r.id = m.roll_id
    WHERE m.tenant_id = $1 AND m.user_id = $2 ORDER BY m.created_ms, r.id LIMIT 1000";
const INVITATION: &str = "SELECT id, email, name, invited_by, expires_ms, created_ms FROM org_invitation WHERE tenant_id = $1 AND email = $2";

const LEAVE_PLACE: &str = "DELETE FROM org_member WHERE tenant_id = $1 AND user_id = $2";
const LEAVE_ROLLS: &str = "DELETE FROM org_roll_member WHERE tenant_id = $1 AND user_id = $2";
const UNINVITE: &str = "DELETE FROM org_invitation WHERE tenant_id = $1 AND email = $2";
const REMOVE: &str = "DELETE FROM org_invitation WHERE (tenant_id, id) IN
    (SELECT tenant_id, id FROM org_invitation WHERE expires_ms < $1 ORDER BY expires_ms LIMIT $2)";

pub(super) const STATEMENTS: &[&str] = &[PLACE, ROLLS, INVITATION, LEAVE_PLACE, LEAVE_ROLLS, UNINVITE, REMOVE];

/// What the unit removes by itself.
pub(super) const RETENTION: &[Retention] =
    &[Retention { what: "invitations that nobody has accepted", kept_ms: 30 * 24 * 3_600_000, remove: REMOVE }];

/// What it does with data of people.
pub(super) static HOOKS: Hooks = Hooks;

pub(super) struct Hooks;

database::row! {
    #[derive(Serialize)]
    struct PlaceExport {
        node_id: String,
        name: Option<String>,
    }
}

database::row! {
    #[derive(Serialize)]
    struct RollExport {
        kind: String,
        id: String,
        name: String,
        added_by: String,
        created_ms: i64,
    }
}

database::row! {
    #[derive(Serialize)]
    struct InvitationExport {
        id: String,
        email: String,
        name: Option<String>,
        invited_by: String,
        expires_ms: i64,
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
            let place: Option<PlaceExport> = db.optional(PLACE, args![&of.tenant, &of.id]).await?;
            if let Some(place) = place {
                into.document("place", &place)?;
            }
            let rolls: Vec<RollExport> = db.all(ROLLS, args![&of.tenant, &of.id]).await?;
            rolls.iter().try_for_each(|roll| into.row("rolls", roll))?;
            for address in &of.addresses {
                let found: Option<InvitationExport> = db.optional(INVITATION, args![&of.tenant, address]).await?;
                if let Some(invitation) = found {
                    into.row("invitations", &invitation)?;
                }
            }
            Ok(())
        })
    }

    fn erase<'a>(&'a self, tx: &'a mut Tx, of: &'a Subject) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async move {
            for statement in [LEAVE_PLACE, LEAVE_ROLLS] {
                tx.execute(statement, args![&of.tenant, &of.id]).await?;
            }
            for address in &of.addresses {
                tx.execute(UNINVITE, args![&of.tenant, address]).await?;
            }
            Ok(())
        })
    }
}
