//! All that is kept of a person, in one file for him (Regulation (EU) 2016/679, articles 15 and 20): a zip archive with a folder for each
//! unit that has something of him.

use std::io::{Cursor, Write};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::problem::ProblemBody;
use kernel::rights::{Dossier, Subject};
use kernel::{ApiPath, Myself, Problem, Tenant, rfc3339};
use media_types::TenantId;
use serde_json::json;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::routes::check_in_person;
use super::store::Users;

impl Users {
    async fn archive(&self, tenant: &TenantId, id: &str) -> Result<Vec<u8>, Problem> {
        let row = self.one(tenant, id).await?;
        self.check_units().await?;
        let subject = self.subject(tenant, &row).await?;
        let files = self.dossier(&subject).await?.into_files();
        zipped(&files).map_err(|error| Problem::internal(&error))
    }

    async fn dossier(&self, of: &Subject) -> Result<Dossier, Problem> {
        let mut dossier = Dossier::default();
        dossier.of("about");
        let nothing: Vec<_> = self
            .units
            .iter()
            .filter_map(|unit| Some(json!({ "unit": unit.slug, "why": unit.rights.why_nothing()? })))
            .collect();
        let about = json!({
            "id": of.id,
            "tenant_id": of.tenant.as_str(),
            "made_at": rfc3339(self.now_ms()),
            "units": self.units.iter().map(|unit| unit.slug).collect::<Vec<_>>(),
            "nothing_in": nothing,
        });
        dossier.document("archive", &about)?;
        for unit in self.units {
            let Some(hooks) = unit.rights.hooks() else { continue };
            dossier.of(unit.slug);
            hooks.export(&self.db, of, &mut dossier).await?;
        }
        Ok(dossier)
    }
}

/// The files as a zip archive (APPNOTE.TXT 6.3), without compression and without times, so that the same rows are the same bytes.
fn zipped(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>, ZipError> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (path, bytes) in files {
        archive.start_file(path.as_str(), options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}

fn answer(id: &str, archive: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.zip\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, archive).into_response()
}

/// All that is kept of a person, in all units: a zip archive with a folder for each, of JSON and of lines of JSON. Secrets are not in it.
#[utoipa::path(
    get, path = "/api/v1/users/{id}/export", operation_id = "export_user", tag = "users",
    params(("id" = String, Path, description = "the person")),
    responses(
        (status = 200, description = "the archive", body = Vec<u8>, content_type = "application/zip"),
        (status = 404, description = "no such person", body = ProblemBody),
        (status = 422, description = "more than 64 MiB are kept of him", body = ProblemBody),
        (status = 503, description = "a unit has its tables elsewhere", body = ProblemBody),
    )
)]
pub(crate) async fn export(
    State(users): State<Users>,
    Tenant(tenant): Tenant,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, Problem> {
    let archive = users.archive(&tenant, &id).await?;
    Ok(answer(&id, archive))
}

/// All that is kept of the person who asks, in all units, as of others.
#[utoipa::path(
    get, path = "/api/v1/users/me/export", operation_id = "export_me", tag = "users",
    responses(
        (status = 200, description = "the archive", body = Vec<u8>, content_type = "application/zip"),
        (status = 403, description = "somebody acts as him", body = ProblemBody),
        (status = 422, description = "more than 64 MiB are kept of him", body = ProblemBody),
        (status = 503, description = "a unit has its tables elsewhere", body = ProblemBody),
    )
)]
pub(crate) async fn export_me(State(users): State<Users>, Myself(me): Myself) -> Result<Response, Problem> {
    check_in_person(&me)?;
    let archive = users.archive(&me.tenant, &me.id).await?;
    Ok(answer(&me.id, archive))
}
