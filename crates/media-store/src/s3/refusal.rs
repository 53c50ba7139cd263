//! What a server's answers mean for us.

use std::error::Error;
use std::io;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use crate::StoreError;

/// Why a request was not carried out.
pub(super) enum Refusal {
    /// There is no such object or multipart upload.
    Missing,
    /// The request's condition does not hold.
    Condition,
    /// Somebody else is changing the same object right now; nothing was done.
    Busy,
    /// The range begins behind the end.
    Range,
    /// All else.
    Failed(StoreError),
}

impl Refusal {
    /// For requests to which only failures are refusals.
    pub(super) fn failed(self, doing: &'static str) -> StoreError {
        match self {
            Self::Failed(error) => error,
            Self::Missing => other(doing, "there is no such thing"),
            Self::Condition => other(doing, "a condition does not hold that was not set"),
            Self::Busy => other(doing, "somebody else is changing it"),
            Self::Range => other(doing, "there is no such range"),
        }
    }
}

pub(super) fn other(doing: &'static str, why: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Io { doing, source: io::Error::other(why) }
}

/// Sorts a failed request. The SDK has made it again as often as it may.
pub(super) fn sort<E>(doing: &'static str, bucket: &str, error: SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let no_bucket = || Refusal::Failed(StoreError::NoBucket { bucket: bucket.to_owned() });
    match (status, code) {
        (_, "NoSuchBucket" | "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed") => no_bucket(),
        (Some(301 | 307), _) => no_bucket(),
        (Some(404), _) => Refusal::Missing,
        (Some(412), _) => Refusal::Condition,
        (Some(409), _) => Refusal::Busy,
        (Some(416), _) => Refusal::Range,
        (Some(507), _) | (_, "QuotaExceeded" | "XMinioStorageFull") => Refusal::Failed(StoreError::NoSpace),
        (Some(401 | 403), _) | (_, "ExpiredToken" | "InvalidToken") => Refusal::Failed(StoreError::Denied { doing }),
        (None, _) if is_on_the_way(&error) => Refusal::Failed(StoreError::Unreachable {
            doing,
            source: io::Error::other(DisplayErrorContext(&error).to_string()),
        }),
        _ => Refusal::Failed(other(doing, DisplayErrorContext(&error).to_string())),
    }
}

fn is_on_the_way<E>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(error, SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) | SdkError::ResponseError(_))
}
