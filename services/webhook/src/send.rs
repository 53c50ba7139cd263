//! One attempt.

use std::time::Instant;

use http_client::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http_client::{HeaderMap, HttpError, Method, Request, Response};
use kernel::problem::chain;
use media_types::TenantId;

use crate::deliveries::Verdict;
use crate::model::{Attempt, DeliveryRow};
use crate::signature::{SigningSecret, signatures};
use crate::{Webhooks, payload, schedule};

/// Characters of an answer that are kept.
const SHOWN: usize = 512;
/// How often the outcome is written while the database is busy; then it is made again, as after a death.
const RECORD_TRIES: u32 = 5;

/// What there is to send.
struct Message {
    url: String,
    body: Vec<u8>,
    secrets: Vec<SigningSecret>,
}

/// Makes one attempt at a claimed delivery and records what came of it.
pub(crate) async fn attempt(hooks: &Webhooks, of: &DeliveryRow) {
    let started_ms = hooks.now_ms();
    let begun = Instant::now();
    let outcome = match prepare(hooks, of).await {
        Ok(Some(Ok(message))) => send(hooks, of, message).await.map_err(|error| error.to_string()),
        Ok(Some(Err(fault))) => Err(fault),
        // Its endpoint was deleted, and it with that.
        Ok(None) => return,
        Err(error) => return tracing::warn!(error = %chain(&error), "a webhook could not be read"),
    };
    let latency_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let verdict = judge(outcome.as_ref(), hooks.now_ms());
    let attempt = Attempt {
        number: of.attempt,
        started_ms,
        latency_ms,
        status: outcome.as_ref().ok().map(|answer| answer.status.as_u16()),
        response: outcome.as_ref().ok().map(|answer| shown(&answer.body)),
        error: outcome.err(),
    };
    record(hooks, of, attempt, verdict).await;
}

/// Reads what is to be sent; `Err` inside says why it cannot be.
async fn prepare(hooks: &Webhooks, of: &DeliveryRow) -> Result<Option<Result<Message, String>>, database::DbError> {
    let Some((url, secrets)) = hooks.signing(&of.tenant_id, &of.endpoint_id).await? else { return Ok(None) };
    let secrets = match secrets {
        Ok(secrets) => secrets,
        Err(unopened) => return Ok(Some(Err(unopened.to_string()))),
    };
    let body = match (of.seq, of.tenant_id.parse::<TenantId>()) {
        (None, _) => payload::test_body(of),
        (Some(seq), Ok(tenant)) => match database::outbox::one(&hooks.db, &tenant, seq).await? {
            Some(event) => payload::body(event),
            None => return Ok(Some(Err("the event is no longer there".to_owned()))),
        },
        (Some(_), Err(_)) => return Ok(None),
    };
    Ok(Some(Ok(Message { url, body, secrets })))
}

async fn send(hooks: &Webhooks, of: &DeliveryRow, message: Message) -> Result<Response, HttpError> {
    let Message { url, body, secrets } = message;
    let timestamp_s = hooks.now_ms() / 1000;
    let signature = signatures(&secrets, &of.id, timestamp_s, &body);
    let text = |value: &str| HeaderValue::from_str(value).expect("ids and signatures are plain");
    let headers = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("webhook-id"), text(&of.id)),
        (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(timestamp_s)),
        (HeaderName::from_static("webhook-signature"), text(&signature)),
    ]);
    hooks.client.send_for_status(Request { method: Method::POST, url, headers, body: body.into() }).await
}

/// Any status of 200 to 299 has taken it; a redirect has not, as it is not followed.
fn judge(outcome: Result<&Response, &String>, now_ms: i64) -> Verdict {
    let Ok(answer) = outcome else { return Verdict::Failed { asked_ms: None } };
    match answer.status.as_u16() {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Gone,
        _ => {
            let asked = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            Verdict::Failed { asked_ms: asked.and_then(|value| schedule::asked_ms(value, now_ms)) }
        }
    }
}

/// The beginning of a body as text; PostgreSQL stores no NUL.
fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .take(SHOWN)
        .map(|letter| if letter == '\0' { '\u{fffd}' } else { letter })
        .collect()
}

async fn record(hooks: &Webhooks, of: &DeliveryRow, attempt: Attempt, verdict: Verdict) {
    let mut random = [0; 4];
    // Without randomness all wait alike, which is no reason to forget what was done.
    let _ = getrandom::fill(&mut random);
    let random = u32::from_ne_bytes(random);
    for pause_s in 1..=RECORD_TRIES {
        let Err(error) = hooks.finish(of, attempt.clone(), verdict, random).await else { return };
        tracing::warn!(delivery = %of.id, error = %chain(&error), "the outcome of a delivery was not stored");
        if !error.is_transient() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_secs(pause_s.into())).await;
    }
}

#[cfg(test)]
mod tests {
    use http_client::StatusCode;

    use super::*;

    #[test]
    fn two_hundred_has_arrived_and_nothing_else() {
        let failed = |asked_ms| Verdict::Failed { asked_ms };
        for (status, header, verdict) in [
            (200, None, Verdict::Delivered),
            (204, Some("9"), Verdict::Delivered),
            (301, None, failed(None)),
            (304, None, failed(None)),
            (400, None, failed(None)),
            (410, Some("9"), Verdict::Gone),
            (429, Some("9"), failed(Some(9000))),
            (503, Some("soon"), failed(None)),
        ] {
            let retry_after = header.map(|value| (RETRY_AFTER, HeaderValue::from_static(value)));
            let answer = Response {
                status: StatusCode::from_u16(status).unwrap_or_default(),
                headers: retry_after.into_iter().collect(),
                body: Vec::new(),
                url: String::new(),
            };
            assert_eq!(judge(Ok(&answer), 0), verdict, "{status}");
        }
        assert_eq!(judge(Err(&String::new()), 0), failed(None));
    }

    #[test]
    fn an_answer_is_shown_as_text_and_not_in_full() {
        assert_eq!(shown(b"a\0\xffb"), "a\u{fffd}\u{fffd}b");
        assert_eq!(shown(&[b'x'; 2000]).len(), SHOWN);
    }
}
