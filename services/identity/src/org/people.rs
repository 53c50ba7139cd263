//! How many people each tenant has: counted from the events of their accounts, whose own table is the unit `user`'s.

use database::outbox::EventRow;
use database::{DbError, Tx, args};
use futures::future::BoxFuture;
use kernel::Handler;
use kernel::inbox::Failed;
use serde::Serialize;
use utoipa::ToSchema;

use super::store::{ACTIVE, SUSPENDED, Tenants};

const PUT: &str = "INSERT INTO org_person (tenant_id, user_id, state) VALUES ($1, $2, $3)
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET state = excluded.state";
const DELETE: &str = "DELETE FROM org_person WHERE tenant_id = $1 AND user_id = $2";
const FORGET: &str = "DELETE FROM org_person";
const COUNT: &str =
    "SELECT state, COUNT(*) FROM org_person WHERE tenant_id = $1 GROUP BY state ORDER BY state LIMIT 10";

pub(super) const STATEMENTS: &[&str] = &[PUT, DELETE, FORGET, COUNT];

const ERASED: &str = "user.erased";

/// The people of a tenant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeopleView {
    /// Those who can sign in.
    active: i64,
    /// Those who cannot for the time being.
    suspended: i64,
}

impl Tenants {
    /// How many people a tenant has, as far as events have told.
    pub(super) async fn people(&self, tenant: &str) -> Result<PeopleView, DbError> {
        let counts: Vec<(String, i64)> = self.db.all(COUNT, args![tenant]).await?;
        let of = |state: &str| counts.iter().find(|(known, _)| known == state).map_or(0, |(_, count)| *count);
        Ok(PeopleView { active: of(ACTIVE), suspended: of(SUSPENDED) })
    }
}

/// Keeps the state of everybody who has an account.
pub(crate) struct People;

impl Handler for People {
    fn name(&self) -> &'static str {
        "org.people"
    }

    fn kinds(&self) -> &'static [&'static str] {
        &["user.created", "user.updated", ERASED]
    }

    fn handle<'a>(&'a self, tx: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), Failed>> {
        Box::pin(async move {
            let (tenant, person) = (&event.tenant_id, &event.subject);
            if event.kind == ERASED {
                tx.execute(DELETE, args![tenant, person]).await?;
                return Ok(());
            }
            let state = event.data.0["state"].as_str();
            let state = state.ok_or_else(|| Failed::Unfit("it says no state of the account".to_owned()))?;
            if [ACTIVE, SUSPENDED].contains(&state) {
                tx.execute(PUT, args![tenant, person, state]).await?;
            } else {
                // Who has gone is not counted, and may come back.
                tx.execute(DELETE, args![tenant, person]).await?;
            }
            Ok(())
        })
    }

    fn reset<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move { tx.execute(FORGET, args![]).await.map(drop) })
    }
}
