//! How the errors of what lies below look to a client.

use asset_store::{NoRetry, OverLimit};
use axum::http::{HeaderValue, StatusCode};
use kernel::Problem;

use crate::{codes, tus};

/// A failure of the media store.
pub(crate) fn media(error: media_store::StoreError) -> Problem {
    use media_store::StoreError as E;
    match error {
        E::NoSpace => Problem::full("the media store has no space left"),
        E::OffsetMismatch { actual } => offset_mismatch(actual),
        E::Conflict { .. } => crate::transfer::locked(),
        E::Unreachable { .. } | E::Denied { .. } | E::NoCredentials { .. } | E::NoBucket { .. } => {
            Problem::unavailable(codes::STORAGE_UNAVAILABLE, error.to_string(), 10)
        }
        other => Problem::internal(&other),
    }
}

/// 409 with where the upload really stands.
pub(crate) fn offset_mismatch(actual: u64) -> Problem {
    Problem::conflict(codes::UPLOAD_OFFSET_MISMATCH, format!("the upload stands at byte {actual}"))
        .header(tus::UPLOAD_OFFSET, HeaderValue::from(actual))
}

/// A failure of the asset store.
pub(crate) fn store(error: asset_store::StoreError) -> Problem {
    use asset_store::StoreError as E;
    match error {
        E::NotFound("upload") => Problem::not_found(codes::UPLOAD_NOT_FOUND, "there is no such upload"),
        E::NotFound("job") => Problem::not_found(codes::JOB_NOT_FOUND, "there is no such job"),
        E::NotFound(_) => Problem::not_found(codes::ASSET_NOT_FOUND, "there is no such asset"),
        E::UploadClosed(asset_store::UploadState::Attached) | E::OtherSource => already_received(),
        E::NotReady(phase) => Problem::conflict(
            codes::ASSET_NOT_READY,
            format!("the asset is {phase}, so that there is nothing to renew"),
        ),
        E::OverLimit(limit) => over(limit),
        E::NoRetry(why @ (NoRetry::NotParked | NoRetry::OfRenewal)) => {
            Problem::conflict(codes::JOB_NOT_RETRYABLE, why.to_string())
        }
        E::NoRetry(why) => Problem::conflict(codes::ASSET_NOT_RETRYABLE, why.to_string()),
        E::JobEnded(_) => Problem::conflict(codes::JOB_ENDED, error.to_string()),
        E::UploadClosed(state) => upload_closed(state.as_str()),
        E::Database(error) => error.into(),
        E::Invalid { field, reason } => {
            Problem::invalid(format!("/{field}"), kernel::codes::FIELD_INVALID, format!("{field} {reason}"))
        }
        E::Queue(error) => queue(error),
        other => Problem::internal(&other),
    }
}

/// Between two tries of who meets a full house.
const TRY_AGAIN_S: u32 = 30;

fn over(limit: OverLimit) -> Problem {
    let too_many = |code, detail| Problem::new(StatusCode::TOO_MANY_REQUESTS, code, detail);
    match limit {
        OverLimit::OpenAssets(most) => {
            let detail = format!("{most} recordings are not ready yet, which is the most");
            too_many(codes::QUOTA_OPEN_ASSETS, detail).retry_after(TRY_AGAIN_S)
        }
        OverLimit::Processing(most) => {
            let detail = format!("{most} recordings are being processed here, which is the most");
            too_many(codes::QUOTA_OPEN_ASSETS, detail).retry_after(TRY_AGAIN_S)
        }
        OverLimit::CpuSeconds { a_day, again_in_s } => {
            let detail = format!("work took the {a_day} s that it may take in a day");
            too_many(codes::QUOTA_CPU, detail).retry_after(again_in_s)
        }
        OverLimit::StoredBytes(most) => {
            let detail = format!("sources may take {most} bytes, and this one would take more");
            Problem::new(StatusCode::FORBIDDEN, codes::QUOTA_STORED_BYTES, detail)
        }
    }
}

/// A failure of the queue.
pub(crate) fn queue(error: job_queue::QueueError) -> Problem {
    match error {
        job_queue::QueueError::Database(error) => error.into(),
        job_queue::QueueError::Invalid(detail) => Problem::invalid("", kernel::codes::FIELD_INVALID, detail),
        other => Problem::internal(&other),
    }
}

/// 409 for bytes that come after the last.
pub(crate) fn already_received() -> Problem {
    Problem::conflict(codes::UPLOAD_ALREADY_RECEIVED, "this upload is complete and belongs to its asset")
}

/// 410 for an upload that was given up.
pub(crate) fn upload_closed(state: &str) -> Problem {
    Problem::new(StatusCode::GONE, codes::UPLOAD_CLOSED, format!("this upload is {state}"))
}
