//! People in their table.

use std::sync::Arc;

use axum::http::StatusCode;
use database::{Database, DbError, Json, Tx, args, outbox};
use kernel::conditional::stale;
use kernel::{Clock, Cursor, Grants, Idempotency, Permission, Problem, Stored, Unit};
use media_types::TenantId;
use postbox::{About, Factor};
use serde_json::{Map, Value, json};

use super::model::{ACTIVE, ERASING, Profile, Provisioned};
use super::scim::person;
use super::views::UserView;
use super::{codes, model, words};
use crate::auth::secret::{LINK, Secret};
use crate::auth::{factors, link, mail, sessions};
use crate::{auth, org, rbac, user};

macro_rules! user_columns {
    () => {
        "id, email, name, locale, time_zone, state, permissions, preferences, user_name, external_id, scim, version, created_ms,
            updated_ms"
    };
}
pub(super) use user_columns;

const INSERT: &str = concat!(
    "INSERT INTO user_account
        (tenant_id, id, email, name, search, locale, time_zone, state, permissions, preferences, user_name, external_id, scim,
            version, created_ms, updated_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14, $14) RETURNING ",
    user_columns!()
);
pub(super) const ONE: &str = concat!("SELECT ", user_columns!(), " FROM user_account WHERE tenant_id = $1 AND id = $2");
const LIST: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
/// Who is found by a word between two.
const SEARCH: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3)
        AND id IN (SELECT user_id FROM user_word WHERE tenant_id = $1 AND word >= $5 AND word < $6)
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const UPDATE: &str = concat!(
    "UPDATE user_account SET email = $4, name = $5, search = $6, locale = $7, time_zone = $8, state = $9, permissions = $10,
        preferences = $11, user_name = $12, external_id = $13, scim = $14, version = version + 1, updated_ms = $15
        WHERE tenant_id = $1 AND id = $2 AND version = $3 RETURNING ",
    user_columns!()
);
const FORGET_ADDRESSES: &str = "DELETE FROM user_address WHERE tenant_id = $1 AND user_id = $2";
const PUT_ADDRESS: &str = "INSERT INTO user_address (tenant_id, user_id, address) VALUES ($1, $2, $3)";

/// Those of this crate, which are in one database wherever any of them is.
static OWN: &[&Unit] = &[&user::UNIT, &auth::UNIT, &rbac::UNIT, &org::UNIT];

/// Every statement of people, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] = &[INSERT, ONE, LIST, SEARCH, UPDATE, FORGET_ADDRESSES, PUT_ADDRESS];

database::row! {
    /// A person.
    #[derive(Clone, Debug)]
    pub(crate) struct UserRow {
        pub(crate) id: String,
        pub(crate) email: String,
        pub(crate) name: String,
        pub(crate) locale: String,
        pub(crate) time_zone: String,
        pub(crate) state: String,
        pub(crate) permissions: Json<Grants>,
        pub(crate) preferences: Json<Map<String, Value>>,
        pub(crate) user_name: Option<String>,
        pub(crate) external_id: Option<String>,
        pub(crate) scim: Option<Json<Map<String, Value>>>,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
    }
}

impl UserRow {
    pub(super) fn profile(&self) -> Profile {
        Profile {
            email: self.email.clone(),
            name: self.name.clone(),
            locale: self.locale.clone(),
            time_zone: self.time_zone.clone(),
            state: self.state.clone(),
            grants: self.permissions.0.clone(),
            preferences: self.preferences.0.clone(),
            provisioned: Provisioned {
                user_name: self.user_name.clone(),
                external_id: self.external_id.clone(),
                document: self.scim.as_ref().map(|said| said.0.clone()),
            },
        }
    }
}

/// A person who is about to be made.
pub(super) struct NewUser {
    pub(super) tenant: TenantId,
    pub(super) id: String,
    pub(super) profile: Profile,
    pub(super) actor: String,
    pub(super) now_ms: i64,
}

/// The people of a database. Cheap to clone.
#[derive(Clone)]
pub struct Users {
    pub(super) db: Database,
    clock: Clock,
    pub(super) idempotency: Idempotency,
    /// All that routes ask for, whichever process serves them.
    pub(super) catalogue: Arc<[Permission]>,
    /// Whose data of a person is handed out and erased.
    pub(super) units: &'static [&'static Unit],
    /// Whether letters go out.
    tells_people: bool,
}

impl Users {
    /// Those of `db`, who may what is in `catalogue`: the permissions of all units.
    pub fn new(db: Database, clock: Clock, catalogue: impl IntoIterator<Item = Permission>) -> Self {
        let idempotency = Idempotency::new(db.clone(), Arc::clone(&clock));
        Self { db, clock, idempotency, catalogue: catalogue.into_iter().collect(), units: OWN, tells_people: false }
    }

    /// The same where there are `units`, all that the build has, which have data of people in the same database.
    #[must_use]
    pub fn asking(self, units: &'static [&'static Unit]) -> Self {
        Self { units, ..self }
    }

    /// The same that write to people about what others do to their accounts.
    #[must_use]
    pub fn telling_people(self) -> Self {
        Self { tells_people: true, ..self }
    }

    pub(super) fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    pub(super) async fn one(&self, tenant: &TenantId, id: &str) -> Result<UserRow, Problem> {
        let missing = || Problem::not_found(codes::USER_NOT_FOUND, "there is no such person");
        self.find(tenant, id).await?.ok_or_else(missing)
    }

    pub(super) async fn find(&self, tenant: &TenantId, id: &str) -> Result<Option<UserRow>, DbError> {
        self.db.optional(ONE, args![tenant, id]).await
    }

    /// Newest first: everybody, or who is found by this.
    pub(super) async fn list(
        &self,
        tenant: &TenantId,
        search: Option<&str>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<UserRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        let Some(search) = search else {
            return self.db.all(LIST, args![tenant, time_ms, id, i64::from(limit)]).await;
        };
        let (first, beyond) = words::between(search);
        self.db.all(SEARCH, args![tenant, time_ms, id, i64::from(limit), first, beyond]).await
    }

    /// All that a person may at the moment, by his own list and his roles.
    pub(super) async fn may(&self, tenant: &TenantId, of: &UserRow) -> Result<Grants, DbError> {
        let roles = rbac::held(&self.db, tenant, &of.id).await?;
        Ok(rbac::model::may(&of.permissions.0, &roles, self.now_ms()))
    }

    /// Makes of a person what `profile` says. Whoever may sign in no longer is signed out everywhere.
    pub(super) async fn change(
        &self,
        tenant: &TenantId,
        of: &UserRow,
        profile: Profile,
        actor: &str,
    ) -> Result<UserRow, Problem> {
        if of.state == ERASING {
            return Err(Problem::conflict(codes::USER_ERASING, "this person is just being erased"));
        }
        let now_ms = self.now_ms();
        let ends = of.state == ACTIVE && profile.state != ACTIVE;
        let said = said(&profile, &of.id);
        let Profile { email, name, locale, time_zone, state, grants, preferences, provisioned } = profile;
        let Provisioned { user_name, external_id, .. } = provisioned;
        let (search, permissions) = (name.to_lowercase(), json!(grants.as_slice()));
        let mut tx = self.db.begin().await?;
        let args = args![
            tenant,
            &of.id,
            of.version,
            &email,
            name,
            search,
            locale,
            time_zone,
            state,
            permissions,
            Value::Object(preferences),
            user_name,
            external_id,
            said.clone().map(Value::Object),
            now_ms
        ];
        let row: UserRow = match tx.optional(UPDATE, args).await {
            Err(error) if error.is_unique_violation() => return Err(taken(&email)),
            changed => changed?.ok_or_else(stale)?,
        };
        put_addresses(&mut tx, tenant, &of.id, said.as_ref()).await?;
        if (&row.email, &row.name) != (&of.email, &of.name) {
            words::put(&mut tx, (tenant.as_str(), &of.id), (&row.email, &row.name)).await?;
        }
        if ends {
            sessions::end_all(&mut tx, tenant, &of.id).await?;
        }
        if ends || row.email != of.email {
            link::forget(&mut tx, (tenant, &of.id)).await?;
        }
        if row.email != of.email {
            postbox::forget(&mut tx, tenant, &of.email).await?;
        }
        tell(&mut tx, tenant, &row, ("user.updated", actor), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Takes from a person all that he proves who he is by but his password.
    pub(super) async fn reset_factors(&self, tenant: &TenantId, of: &UserRow, actor: &str) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        factors::reset(&mut tx, tenant, &of.id).await?;
        // Who is signed in could make it all anew.
        sessions::end_all(&mut tx, tenant, &of.id).await?;
        tell(&mut tx, tenant, of, ("user.factors_reset", actor), self.now_ms()).await?;
        if self.tells_people {
            let about = About::FactorRemoved { factor: Factor::All };
            mail::notice(&mut tx, (tenant, &of.id), &about, self.now_ms()).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Makes the link by which a person sets his password: its secret, and when it ends.
    pub(super) async fn link(&self, tenant: &TenantId, of: &UserRow) -> Result<(String, i64), Problem> {
        let secret = Secret::draw(LINK).map_err(|error| Problem::internal(&error))?;
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        link::put(&mut tx, (tenant, &of.id), &secret, now_ms).await?;
        tx.commit().await?;
        Ok((secret.reveal(), now_ms + link::HOLDS_MS))
    }
}

fn taken(email: &str) -> Problem {
    let detail =
        format!("there is a person with the address {email} already, or whom a directory knows by the same name");
    Problem::conflict(codes::USER_EMAIL_TAKEN, detail)
}

/// What is kept of what a directory says, as far as one has said anything: what was changed here since is in it too.
fn said(profile: &Profile, id: &str) -> Option<Map<String, Value>> {
    profile.provisioned.document.as_ref().map(|_| person::document(profile, id))
}

/// Notes the addresses by which a directory may look for somebody.
async fn put_addresses(
    tx: &mut Tx,
    tenant: &TenantId,
    id: &str,
    said: Option<&Map<String, Value>>,
) -> Result<(), DbError> {
    let Some(said) = said else { return Ok(()) };
    tx.execute(FORGET_ADDRESSES, args![tenant, id]).await?;
    for address in person::addresses(said) {
        tx.execute(PUT_ADDRESS, args![tenant, id, address]).await?;
    }
    Ok(())
}

/// Makes a person, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, new: NewUser) -> Result<Stored, Problem> {
    let row = insert(tx, new).await?;
    let body = serde_json::to_value(UserView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}

/// Makes a person.
pub(super) async fn insert(tx: &mut Tx, new: NewUser) -> Result<UserRow, Problem> {
    let NewUser { tenant, id, profile, actor, now_ms } = new;
    let said = said(&profile, &id);
    let Profile { email, name, locale, time_zone, state, grants, preferences, provisioned } = profile;
    let Provisioned { user_name, external_id, .. } = provisioned;
    let (search, permissions) = (name.to_lowercase(), json!(grants.as_slice()));
    let args = args![
        &tenant,
        &id,
        &email,
        name,
        search,
        locale,
        time_zone,
        state,
        permissions,
        Value::Object(preferences),
        user_name,
        external_id,
        said.clone().map(Value::Object),
        now_ms
    ];
    let row: UserRow = match tx.optional(INSERT, args).await {
        Err(error) if error.is_unique_violation() => return Err(taken(&email)),
        made => made?.ok_or(DbError::NoRow)?,
    };
    put_addresses(tx, &tenant, &id, said.as_ref()).await?;
    words::put(tx, (tenant.as_str(), &id), (&row.email, &row.name)).await?;
    org::join_by_address(tx, &tenant, &id, &email).await?;
    tell(tx, &tenant, &row, ("user.created", &actor), now_ms).await?;
    Ok(row)
}

/// Somebody who has accepted an invitation, or was let in by a provider of others.
pub(crate) struct Arriving {
    /// In its normal form.
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) locale: String,
    pub(crate) time_zone: String,
}

/// Makes the account of somebody who has nothing by himself yet; his id.
pub(crate) async fn arrive(
    tx: &mut Tx,
    tenant: &TenantId,
    Arriving { email, name, locale, time_zone }: Arriving,
    (actor, now_ms): (&str, i64),
) -> Result<String, Problem> {
    let profile = Profile {
        email,
        name,
        locale,
        time_zone,
        state: ACTIVE.to_owned(),
        grants: Grants::default(),
        preferences: Map::new(),
        provisioned: Provisioned::default(),
    };
    let (id, actor) = (model::new_id(), actor.to_owned());
    Ok(insert(tx, NewUser { tenant: tenant.clone(), id, profile, actor, now_ms }).await?.id)
}

/// Without name and address: events are kept, and what is erased must not be in them.
pub(super) async fn tell(
    tx: &mut Tx,
    tenant_id: &TenantId,
    row: &UserRow,
    (kind, actor): (&str, &str),
    time_ms: i64,
) -> Result<(), DbError> {
    let permissions = row.permissions.0.as_slice();
    let data = json!({ "id": row.id, "state": row.state, "permissions": permissions, "actor": actor });
    let event = outbox::NewEvent { tenant_id, kind, subject: &row.id, data, time_ms };
    outbox::append(tx, &event).await.map(drop)
}
