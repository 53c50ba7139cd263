//! `/api/v1/users/csv`: people as a table (RFC 4180), taken in and handed out.
//!
//! - `rows`: what a table says, line by line. Here: what becomes of that, and the routes.

mod rows;

use std::collections::HashSet;

use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use database::args;
use kernel::audit::Unrecorded;
use kernel::problem::ProblemBody;
use kernel::{ApiQuery, Cursor, Principal, Problem, Tenant, json};
use media_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::rows::{Refused, Row};
use super::codes;
use super::model::{self, ACTIVE, Profile, Provisioned};
use super::routes::check_beyond;
use super::store::{NewUser, UserRow, Users, insert, user_columns};

/// The most people that are handed out at once.
const MAX_OUT: usize = 50_000;
const PAGE: u32 = 500;

const BY_EMAIL: &str =
    concat!("SELECT ", user_columns!(), " FROM user_account WHERE tenant_id = $1 AND email = $2 LIMIT 1");
const BY_EXTERNAL_ID: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM user_account WHERE tenant_id = $1 AND external_id = $2 ORDER BY created_ms, id LIMIT 2"
);

pub(super) const STATEMENTS: &[&str] = &[BY_EMAIL, BY_EXTERNAL_ID];

/// A body of `text/csv` in UTF-8.
pub(crate) struct Csv(String);

impl<S: Send + Sync> FromRequest<S> for Csv {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if !kind.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("text/csv") {
            let detail = "the body's Content-Type is not text/csv";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, codes::USER_NOT_CSV, detail));
        }
        let bytes = json::whole(request, state).await?;
        let text = String::from_utf8(bytes.to_vec());
        text.map(Self).map_err(|_foreign| Problem::bad_request(codes::USER_INVALID_CSV, "the table is not in UTF-8"))
    }
}

/// The query of a table that is taken in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// `true`: says what would become of the table, and changes nothing.
    dry_run: Option<bool>,
}

/// Why a line was left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineView {
    /// The line, as a spreadsheet counts them: the first one has the names of the columns.
    line: u64,
    /// A code, as of problems.
    code: String,
    /// One sentence.
    detail: String,
}

/// What became of a table.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ImportView {
    /// Whether nothing was changed.
    is_dry_run: bool,
    /// Lines behind the names of the columns.
    rows: u64,
    /// People who were made.
    created: u64,
    /// People who are not as they were.
    updated: u64,
    /// People who are as the table has them.
    unchanged: u64,
    /// Lines that were left out; all others were taken.
    errors: Vec<LineView>,
}

enum Done {
    Created,
    Updated,
    Unchanged,
}

/// Whose table it is, and what it may do.
struct Import<'a> {
    users: &'a Users,
    tenant: &'a TenantId,
    principal: &'a Principal,
    is_dry_run: bool,
}

impl Import<'_> {
    /// Takes a line, in a transaction of its own.
    async fn take(&self, row: &Row) -> Result<Done, Problem> {
        match self.found(row).await? {
            Some(of) => self.change(row, &of).await,
            None => self.create(row).await,
        }
    }

    /// The person whom a line means: by the name that others have for him, or by his address.
    async fn found(&self, row: &Row) -> Result<Option<UserRow>, Problem> {
        let db = &self.users.db;
        let by_email: Option<UserRow> = db.optional(BY_EMAIL, args![self.tenant, &row.email]).await?;
        let Some(external_id) = &row.external_id else { return Ok(by_email) };
        let mut named: Vec<UserRow> = db.all(BY_EXTERNAL_ID, args![self.tenant, external_id]).await?;
        let refused = |detail: &str| Err(Problem::conflict(codes::USER_UNCLEAR_ROW, detail));
        match (named.pop(), by_email) {
            (Some(_), _) if !named.is_empty() => refused("two people have this external_id"),
            (Some(one), Some(other)) if one.id != other.id => {
                refused("the external_id is one person's and the address is another one's")
            }
            (Some(one), _) => Ok(Some(one)),
            (None, Some(other)) if other.external_id.is_some() => refused("the person has another external_id already"),
            (None, by_email) => Ok(by_email),
        }
    }

    async fn change(&self, row: &Row, of: &UserRow) -> Result<Done, Problem> {
        check_beyond(self.principal, &self.users.may(self.tenant, of).await?)?;
        let was = of.profile();
        let mut profile = was.clone();
        profile.email.clone_from(&row.email);
        for (field, value) in [
            (&mut profile.name, &row.name),
            (&mut profile.locale, &row.locale),
            (&mut profile.time_zone, &row.time_zone),
            (&mut profile.state, &row.state),
        ] {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        if row.external_id.is_some() {
            profile.provisioned.external_id.clone_from(&row.external_id);
        }
        if profile == was {
            return Ok(Done::Unchanged);
        }
        if !self.is_dry_run {
            self.users.change(self.tenant, of, profile, self.principal.actor()).await?;
        }
        Ok(Done::Updated)
    }

    /// Whom nobody has given anything yet may nothing.
    async fn create(&self, row: &Row) -> Result<Done, Problem> {
        let Some(name) = row.name.clone() else {
            return Err(Problem::invalid("/name", codes::USER_INVALID_NAME, "a new person needs a name"));
        };
        let profile = Profile {
            email: row.email.clone(),
            name,
            locale: row.locale.clone().unwrap_or_else(|| "en".to_owned()),
            time_zone: row.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()),
            state: row.state.clone().unwrap_or_else(|| ACTIVE.to_owned()),
            grants: kernel::Grants::default(),
            preferences: serde_json::Map::new(),
            provisioned: Provisioned { external_id: row.external_id.clone(), ..Provisioned::default() },
        };
        if !self.is_dry_run {
            let (tenant, actor) = (self.tenant.clone(), self.principal.actor().to_owned());
            let new = NewUser { tenant, id: model::new_id(), profile, actor, now_ms: self.users.now_ms() };
            let mut tx = self.users.db.begin().await?;
            insert(&mut tx, new).await?;
            tx.commit().await?;
        }
        Ok(Done::Created)
    }
}

/// Takes people in as a table: makes those who are not there, and changes those who are, found by `external_id` or by `email`. Columns:
/// `email`, and as far as they are there `name`, `locale`, `time_zone`, `external_id` and `state`; what is empty stays. At most 2000
/// lines. A line that cannot be taken is left out and told of; all others are taken, so the same table may be sent again. Nobody gets a
/// permission or a password by it.
#[utoipa::path(
    post, path = "/api/v1/users/csv", operation_id = "import_users", tag = "users", params(ImportQuery),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, description = "what became of it", body = ImportView),
        (status = 422, description = "not such a table, or too long a one", body = ProblemBody),
    )
)]
pub(crate) async fn import(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    principal: Principal,
    ApiQuery(query): ApiQuery<ImportQuery>,
    Csv(text): Csv,
) -> Result<Response, Problem> {
    let is_dry_run = query.dry_run.unwrap_or_default();
    let lines = rows::read(&text)?;
    let import = Import { users: &users, tenant: &tenant, principal: &principal, is_dry_run };
    let mut view = ImportView { is_dry_run, rows: lines.len() as u64, ..ImportView::default() };
    let mut seen = HashSet::new();
    for (line, row) in lines {
        let taken = match row {
            Ok(row) if !row.is_first(&mut seen) => {
                Err(Problem::conflict(codes::USER_UNCLEAR_ROW, "a line before is about the same person"))
            }
            Ok(row) => import.take(&row).await,
            Err(Refused(problem)) => Err(problem),
        };
        match taken {
            Ok(Done::Created) => view.created += 1,
            Ok(Done::Updated) => view.updated += 1,
            Ok(Done::Unchanged) => view.unchanged += 1,
            // Of the server, and not of the line: what was taken stays, and whoever sends the table again goes on.
            Err(problem) if problem.status().is_server_error() => return Err(problem),
            Err(problem) => {
                let (code, detail) = (problem.code().to_owned(), problem.detail().to_owned());
                view.errors.push(LineView { line, code, detail });
            }
        }
    }
    let mut response = ([(header::CACHE_CONTROL, "no-store")], axum::Json(view)).into_response();
    if is_dry_run {
        response.extensions_mut().insert(Unrecorded);
    }
    Ok(response)
}

/// All people as a table, newest first, with the columns that `import_users` takes. What a spreadsheet would take for a formula has an
/// apostrophe before it, which is left out when the table is taken in again.
#[utoipa::path(
    get, path = "/api/v1/users/csv", operation_id = "export_users", tag = "users",
    responses(
        (status = 200, description = "the table", body = String, content_type = "text/csv"),
        (status = 422, description = "these are more than 50,000", body = ProblemBody),
    )
)]
pub(crate) async fn export(State(users): State<Users>, Tenant(tenant): Tenant) -> Result<Response, Problem> {
    let (mut table, mut after, mut count) =
        (rows::Written::begin().map_err(|error| Problem::internal(&error))?, None, 0);
    loop {
        let page = users.list(&tenant, None, after, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        after = page.last().map(|row| Cursor { time_ms: row.created_ms, id: row.id.clone() });
        count += page.len();
        page.iter().try_for_each(|row| table.row(row)).map_err(|error| Problem::internal(&error))?;
        if count > MAX_OUT {
            let detail = format!("a table has at most {MAX_OUT} people; GET /api/v1/users has all, page by page");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, codes::USER_INVALID_CSV, detail));
        }
        if is_last {
            break;
        }
    }
    let table = table.end().map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"users.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, table).into_response())
}
