//! Lists of people with a name, and with so many seats: teams, and licences.
//!
//! A team has managers, who see to who belongs to it; a licence is what so many people may have. Neither gives permissions. Both are
//! kept alike, and counted alike: nobody is put on a list that is full, and no list is made shorter than it is.
//!
//! - `teams`, `licences`: the routes. `views`: their JSON.

pub(super) mod licences;
pub(super) mod teams;
pub(super) mod views;

use axum::http::StatusCode;
use database::{DbError, Tx, args};
use kernel::conditional::stale;
use kernel::{Code, Cursor, Problem, Stored, text};
use media_types::TenantId;
use serde_json::json;
use uuid::Uuid;

use self::views::{OrgRollView, OwnRollView};
use super::store::Tenants;
use super::{codes, tell};

/// The most teams of a tenant, and the most licences. Two that are made at the same moment may be one more.
const MAX_ROLLS: i64 = 1000;
/// The most seats of one.
const MAX_SEATS: i64 = 1_000_000;
const MAX_NAME: usize = 200;
/// The most lists that a person is shown to be on.
const MAX_OWN: i64 = 200;

macro_rules! roll_columns {
    () => {
        "r.id AS id, r.name AS name, r.seats AS seats, r.version AS version, r.created_ms AS created_ms,
            r.updated_ms AS updated_ms, (SELECT COUNT(*) FROM org_roll_member m
            WHERE m.tenant_id = r.tenant_id AND m.roll_id = r.id) AS taken"
    };
}

const COUNT: &str = "SELECT COUNT(*) FROM org_roll WHERE tenant_id = $1 AND kind = $2";
const INSERT: &str = "INSERT INTO org_roll (tenant_id, id, kind, name, seats, version, created_ms, updated_ms)
    VALUES ($1, $2, $3, $4, $5, 1, $6, $6)";
const ONE: &str =
    concat!("SELECT ", roll_columns!(), " FROM org_roll r WHERE r.tenant_id = $1 AND r.kind = $2 AND r.id = $3");
const LIST: &str = concat!(
    "SELECT ",
    roll_columns!(),
    " FROM org_roll r WHERE r.tenant_id = $1 AND r.kind = $2 AND (r.created_ms, r.id) < ($3, $4)
        ORDER BY r.created_ms DESC, r.id DESC LIMIT $5"
);
/// An update that changes nothing locks the row on both engines.
const STAYS: &str = "UPDATE org_roll SET version = version WHERE tenant_id = $1 AND kind = $2 AND id = $3";
const UPDATE: &str = "UPDATE org_roll SET name = $5, seats = $6, version = version + 1, updated_ms = $7
    WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND version = $4";
const DELETE: &str = "DELETE FROM org_roll WHERE tenant_id = $1 AND kind = $2 AND id = $3 AND version = $4";
const MEMBERS: &str = "SELECT user_id, is_manager, added_by, created_ms FROM org_roll_member
    WHERE tenant_id = $1 AND roll_id = $2 AND user_id > $3 ORDER BY user_id LIMIT $4";
/// Of the tenant's own people alone.
const PUT: &str = "INSERT INTO org_roll_member (tenant_id, roll_id, user_id, is_manager, added_by, created_ms)
    SELECT u.tenant_id, CAST($2 AS TEXT), u.id, CAST($4 AS BOOLEAN), CAST($5 AS TEXT), CAST($6 AS BIGINT)
    FROM user_account u WHERE u.tenant_id = $1 AND u.id = $3
    ON CONFLICT (tenant_id, roll_id, user_id) DO UPDATE SET is_manager = excluded.is_manager";
const TAKE: &str = "DELETE FROM org_roll_member WHERE tenant_id = $1 AND roll_id = $2 AND user_id = $3";
const STANDS: &str = "SELECT is_manager FROM org_roll_member WHERE tenant_id = $1 AND roll_id = $2 AND user_id = $3";
const OWN: &str = "SELECT r.kind, r.id, r.name, m.is_manager FROM org_roll_member m
    JOIN org_roll r ON r.tenant_id = m.tenant_id AND r.id = m.roll_id
    WHERE m.tenant_id = $1 AND m.user_id = $2 ORDER BY r.id LIMIT $3";

const MOVE: &str = "UPDATE org_roll_member SET user_id = $3 WHERE tenant_id = $1 AND user_id = $2
    AND roll_id NOT IN (SELECT roll_id FROM org_roll_member WHERE tenant_id = $1 AND user_id = $3)";

/// Every statement of these lists, for the test that prepares each on both engines.
pub(super) const STATEMENTS: &[&str] =
    &[COUNT, INSERT, ONE, LIST, STAYS, UPDATE, DELETE, MEMBERS, PUT, TAKE, STANDS, OWN, MOVE];

database::row! {
    /// A team or a licence.
    #[derive(Clone, Debug)]
    pub(crate) struct RollRow {
        pub(crate) id: String,
        pub(crate) name: String,
        pub(crate) seats: Option<i64>,
        pub(crate) version: i64,
        pub(crate) created_ms: i64,
        pub(crate) updated_ms: i64,
        pub(crate) taken: i64,
    }
}

database::row! {
    /// Somebody who is on one.
    #[derive(Clone, Debug)]
    pub(crate) struct SeatRow {
        pub(crate) user_id: String,
        pub(crate) is_manager: bool,
        pub(crate) added_by: String,
        pub(crate) created_ms: i64,
    }
}

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roll {
    Team,
    Licence,
}

impl Roll {
    fn word(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::Licence => "licence",
        }
    }

    fn id_prefix(self) -> &'static str {
        match self {
            Self::Team => "tem_",
            Self::Licence => "lic_",
        }
    }

    fn not_found(self) -> Code {
        match self {
            Self::Team => codes::ORG_TEAM_NOT_FOUND,
            Self::Licence => codes::ORG_LICENCE_NOT_FOUND,
        }
    }

    pub(super) fn missing(self) -> Problem {
        Problem::not_found(self.not_found(), format!("there is no such {}", self.word()))
    }

    fn taken(self, name: &str) -> Problem {
        Problem::conflict(codes::ORG_ROLL_NAME_TAKEN, format!("there is a {} named {name:?} already", self.word()))
    }
}

/// What a list is called, and how many may be on it.
#[derive(Clone, Debug)]
pub(super) struct Content {
    pub(super) name: String,
    pub(super) seats: Option<i64>,
}

impl Content {
    /// That it can be so.
    pub(super) fn check(&self) -> Result<(), Problem> {
        text::check(&self.name, 1..=MAX_NAME)
            .map_err(|detail| Problem::invalid("/name", codes::ORG_INVALID_NAME, detail))?;
        if self.seats.is_some_and(|seats| !(0..=MAX_SEATS).contains(&seats)) {
            let detail = format!("there are 0 to {MAX_SEATS} seats");
            return Err(Problem::invalid("/seats", codes::ORG_ROLL_INVALID_SEATS, detail));
        }
        Ok(())
    }
}

/// A list that is about to be made.
pub(super) struct NewRoll {
    pub(super) tenant: TenantId,
    pub(super) kind: Roll,
    pub(super) content: Content,
    pub(super) actor: String,
    pub(super) now_ms: i64,
}

impl Tenants {
    pub(super) async fn roll(&self, tenant: &TenantId, kind: Roll, id: &str) -> Result<RollRow, Problem> {
        self.db.optional(ONE, args![tenant, kind.word(), id]).await?.ok_or_else(|| kind.missing())
    }

    /// Newest first.
    pub(super) async fn rolls(
        &self,
        tenant: &TenantId,
        kind: Roll,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<RollRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        self.db.all(LIST, args![tenant, kind.word(), time_ms, id, i64::from(limit)]).await
    }

    /// Gives a list another name, or another number of seats, which are as many as are taken at least.
    pub(super) async fn change_roll(
        &self,
        tenant: &TenantId,
        (kind, of): (Roll, &RollRow),
        content: Content,
        actor: &str,
    ) -> Result<RollRow, Problem> {
        let Content { name, seats } = content;
        let now_ms = self.now_ms();
        let mut tx = self.db.begin().await?;
        let args = args![tenant, kind.word(), &of.id, of.version, &name, seats, now_ms];
        match tx.execute(UPDATE, args).await {
            Err(error) if error.is_unique_violation() => return Err(kind.taken(&name)),
            changed => {
                if changed? == 0 {
                    return Err(stale());
                }
            }
        }
        let row: RollRow = tx.optional(ONE, args![tenant, kind.word(), &of.id]).await?.ok_or_else(|| kind.missing())?;
        if row.seats.is_some_and(|seats| seats < row.taken) {
            let detail = format!("{} seats are taken", row.taken);
            return Err(Problem::conflict(codes::ORG_ROLL_SEATS_TAKEN, detail));
        }
        let event = format!("org_{}.updated", kind.word());
        tell(&mut tx, tenant, (&event, &of.id), json!({ "id": of.id, "actor": actor }), now_ms).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// Removes a list. Who was on it stays.
    pub(super) async fn remove_roll(
        &self,
        tenant: &TenantId,
        (kind, of): (Roll, &RollRow),
        actor: &str,
    ) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(DELETE, args![tenant, kind.word(), &of.id, of.version]).await? == 0 {
            return Err(stale());
        }
        let event = format!("org_{}.deleted", kind.word());
        tell(&mut tx, tenant, (&event, &of.id), json!({ "id": of.id, "actor": actor }), self.now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// Who is on it, by their ids.
    pub(super) async fn on_roll(
        &self,
        tenant: &TenantId,
        id: &str,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<SeatRow>, DbError> {
        let after = after.map_or_else(String::new, |place| place.id);
        self.db.all(MEMBERS, args![tenant, id, after, i64::from(limit)]).await
    }

    /// Puts somebody on a list, or says anew whether he sees to it.
    pub(super) async fn put_on(
        &self,
        tenant: &TenantId,
        of: (Roll, &str),
        (user, is_manager): (&str, bool),
        actor: &str,
    ) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        put_on(&mut tx, tenant, of, (user, is_manager), (actor, self.now_ms())).await?;
        Ok(tx.commit().await?)
    }

    /// Takes somebody from a list.
    pub(super) async fn take_from(
        &self,
        tenant: &TenantId,
        (kind, id): (Roll, &str),
        user: &str,
        actor: &str,
    ) -> Result<(), Problem> {
        let mut tx = self.db.begin().await?;
        if tx.execute(TAKE, args![tenant, id, user]).await? == 0 {
            let detail = format!("the person is not on this {}", kind.word());
            return Err(Problem::not_found(codes::ORG_PERSON_NOT_FOUND, detail));
        }
        let event = format!("org_{}.left", kind.word());
        let data = json!({ "id": id, "user_id": user, "actor": actor });
        tell(&mut tx, tenant, (&event, id), data, self.now_ms()).await?;
        Ok(tx.commit().await?)
    }

    /// Whether a person sees to it; `None` of one who is not on it.
    pub(super) async fn stands(&self, tenant: &TenantId, id: &str, user: &str) -> Result<Option<bool>, DbError> {
        let found: Option<(bool,)> = self.db.optional(STANDS, args![tenant, id, user]).await?;
        Ok(found.map(|(is_manager,)| is_manager))
    }

    /// What a person is on: teams, and licences.
    pub(super) async fn own_rolls(
        &self,
        tenant: &TenantId,
        user: &str,
    ) -> Result<(Vec<OwnRollView>, Vec<OwnRollView>), DbError> {
        let rows: Vec<(String, String, String, bool)> = self.db.all(OWN, args![tenant, user, MAX_OWN]).await?;
        let (teams, licences): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(kind, ..)| kind == Roll::Team.word());
        let views = |rows: Vec<(String, String, String, bool)>| {
            rows.into_iter().map(|(_, id, name, is_manager)| OwnRollView { id, name, is_manager }).collect()
        };
        Ok((views(teams), views(licences)))
    }
}

/// That there is such a team.
pub(super) async fn check_team(tx: &mut Tx, tenant: &TenantId, id: &str) -> Result<(), Problem> {
    let found: Option<RollRow> = tx.optional(ONE, args![tenant, Roll::Team.word(), id]).await?;
    found.map(drop).ok_or_else(|| Roll::Team.missing())
}

/// Has somebody belong to a team, in the transaction that says why.
pub(super) async fn join(
    tx: &mut Tx,
    tenant: &TenantId,
    (team, user): (&str, &str),
    by: (&str, i64),
) -> Result<(), Problem> {
    put_on(tx, tenant, (Roll::Team, team), (user, false), by).await
}

/// Puts one person in the place of another one, wherever he is not himself: no more seats are taken.
pub(crate) async fn move_all(tx: &mut Tx, tenant: &TenantId, (from, to): (&str, &str)) -> Result<(), DbError> {
    tx.execute(MOVE, args![tenant, from, to]).await.map(drop)
}

/// Puts somebody on a list, if there is a seat, in the transaction that says why.
async fn put_on(
    tx: &mut Tx,
    tenant: &TenantId,
    (kind, id): (Roll, &str),
    (user, is_manager): (&str, bool),
    (actor, now_ms): (&str, i64),
) -> Result<(), Problem> {
    if tx.execute(STAYS, args![tenant, kind.word(), id]).await? == 0 {
        return Err(kind.missing());
    }
    if tx.execute(PUT, args![tenant, id, user, is_manager, actor, now_ms]).await? == 0 {
        return Err(Problem::not_found(codes::ORG_PERSON_NOT_FOUND, "there is no such person"));
    }
    let row: RollRow = tx.optional(ONE, args![tenant, kind.word(), id]).await?.ok_or_else(|| kind.missing())?;
    if row.seats.is_some_and(|seats| seats < row.taken) {
        let detail = format!("all seats of this {} are taken", kind.word());
        return Err(Problem::conflict(codes::ORG_ROLL_FULL, detail));
    }
    let event = format!("org_{}.joined", kind.word());
    let data = json!({ "id": id, "user_id": user, "is_manager": is_manager, "actor": actor });
    Ok(tell(tx, tenant, (&event, id), data, now_ms).await?)
}

/// Makes a list, in the transaction that stores the answer.
pub(super) async fn create(tx: &mut Tx, new: NewRoll) -> Result<Stored, Problem> {
    let NewRoll { tenant, kind, content: Content { name, seats }, actor, now_ms } = new;
    let (count,): (i64,) = tx.optional(COUNT, args![&tenant, kind.word()]).await?.ok_or(DbError::NoRow)?;
    if count >= MAX_ROLLS {
        let detail = format!("there are {MAX_ROLLS} already");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::ORG_ROLL_TOO_MANY, detail));
    }
    let id = format!("{}{}", kind.id_prefix(), Uuid::now_v7().simple());
    match tx.execute(INSERT, args![&tenant, &id, kind.word(), &name, seats, now_ms]).await {
        Err(error) if error.is_unique_violation() => return Err(kind.taken(&name)),
        made => {
            made?;
        }
    }
    let event = format!("org_{}.created", kind.word());
    tell(tx, &tenant, (&event, &id), json!({ "id": id, "actor": actor }), now_ms).await?;
    let row: RollRow = tx.optional(ONE, args![&tenant, kind.word(), &id]).await?.ok_or(DbError::NoRow)?;
    let body = serde_json::to_value(OrgRollView::from(row)).map_err(|error| Problem::internal(&error))?;
    Ok(Stored { status: StatusCode::CREATED, body })
}
