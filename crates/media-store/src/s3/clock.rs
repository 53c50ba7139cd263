//! The server's clock, as its answers show it.
//!
//! A server refuses what was signed for another time than its own. The SDK learns the time from every answer, signs by it, and
//! makes again what was refused; but it signs addresses for others by this machine's clock.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

/// What the last answer's date was, and when it came. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerClock(Arc<Mutex<Option<(SystemTime, Instant)>>>);

impl ServerClock {
    /// The server's time, to the second; this machine's until there was an answer. Whoever sets that clock later changes nothing.
    pub(super) fn now(&self) -> SystemTime {
        let told = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.and_then(|(time, at)| time.checked_add(at.elapsed())).unwrap_or_else(SystemTime::now)
    }
}

impl Intercept for ServerClock {
    fn name(&self) -> &'static str {
        "ServerClock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let headers = context.response().headers();
        // One that was kept on the way is as old as it says (RFC 9111 §5.1).
        let date = headers.get("date").filter(|_| headers.get("age").is_none());
        let told = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        if let Some(time) = told.and_then(|time| SystemTime::try_from(time).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((time, Instant::now()));
        }
        Ok(())
    }
}
