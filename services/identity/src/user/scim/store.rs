//! People in their tables, as a directory looks for them.

use database::{DbError, args};
use kernel::{Cursor, Problem};
use media_types::TenantId;

use super::found::Window;
use super::narrow::Narrow;
use crate::user::store::{NewUser, UserRow, Users, insert, user_columns};

const COUNT: &str = "SELECT COUNT(*) FROM user_account WHERE tenant_id = $1";
const PAGE: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 ORDER BY created_ms DESC, id DESC LIMIT $2 OFFSET $3"
);
const ALL: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const BY_ID: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) AND id = $5 LIMIT $4"
);
/// Of one that no directory has named, the address is the name.
const BY_USER_NAME: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) AND COALESCE(user_name, email) = $5 LIMIT $4"
);
const BY_EXTERNAL_ID: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) AND external_id = $5
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const BY_ADDRESS: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) AND (email = $5
        OR id IN (SELECT user_id FROM user_address WHERE tenant_id = $1 AND address = $5))
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);
const BY_ADDRESS_BEGINNING: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND (created_ms, id) < ($2, $3) AND (email LIKE $5 ESCAPE '!'
        OR id IN (SELECT user_id FROM user_address WHERE tenant_id = $1 AND address LIKE $5 ESCAPE '!'))
        ORDER BY created_ms DESC, id DESC LIMIT $4"
);

/// Every statement of this module, for the test that prepares each on both engines.
pub(crate) const STATEMENTS: &[&str] =
    &[COUNT, PAGE, ALL, BY_ID, BY_USER_NAME, BY_EXTERNAL_ID, BY_ADDRESS, BY_ADDRESS_BEGINNING];

impl Users {
    /// How many people a tenant has.
    pub(super) async fn count(&self, tenant: &TenantId) -> Result<usize, DbError> {
        let (count,): (i64,) = self.db.optional(COUNT, args![tenant]).await?.ok_or(DbError::NoRow)?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Those within the window, newest first.
    pub(super) async fn page(&self, tenant: &TenantId, window: Window) -> Result<Vec<UserRow>, DbError> {
        let (limit, offset) = window.limit_and_offset();
        self.db.all(PAGE, args![tenant, limit, offset]).await
    }

    /// Some of those among whom all are that are looked for, newest first.
    pub(super) async fn among(
        &self,
        tenant: &TenantId,
        narrow: &Narrow,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Vec<UserRow>, DbError> {
        let (time_ms, id) = Cursor::below(after);
        let mut args = args![tenant, time_ms, id, i64::from(limit)];
        let (sql, by) = match narrow {
            Narrow::All => return self.db.all(ALL, args).await,
            Narrow::Id(id) => (BY_ID, id.clone()),
            Narrow::ExternalId(id) => (BY_EXTERNAL_ID, id.clone()),
            Narrow::UserName(name) => (BY_USER_NAME, name.clone()),
            Narrow::Address(address) => (BY_ADDRESS, address.clone()),
            Narrow::AddressBeginning(beginning) => (BY_ADDRESS_BEGINNING, beginning_with(beginning)),
        };
        args.extend(args![by]);
        self.db.all(sql, args).await
    }

    /// Makes a person.
    pub(super) async fn make(&self, new: NewUser) -> Result<UserRow, Problem> {
        let mut tx = self.db.begin().await?;
        let row = insert(&mut tx, new).await?;
        tx.commit().await?;
        Ok(row)
    }
}

/// The pattern of what begins so, for `LIKE` with the escape `!`.
fn beginning_with(text: &str) -> String {
    let is_special = |letter: char| matches!(letter, '%' | '_' | '!');
    let escaped = text.chars().flat_map(|letter| is_special(letter).then_some('!').into_iter().chain([letter]));
    escaped.chain(['%']).collect()
}
