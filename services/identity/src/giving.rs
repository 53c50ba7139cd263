//! What is common to whatever permissions are given by: what a list of them means, and for how long it is given.

use kernel::permission::InvalidGrants;
use kernel::{Code, Grants, Permission, Principal, Problem};

const MAX_EXPIRY_S: i64 = 10 * 365 * 24 * 3600;

/// What `permissions` of a request means, if there are such; refusals have this code.
pub(crate) fn grants(list: &[String], catalogue: &[Permission], code: Code) -> Result<Grants, Problem> {
    let invalid = |pointer: String, detail: String| Problem::invalid(pointer, code, detail);
    let grants = Grants::new(list.to_vec()).map_err(|error| match error {
        InvalidGrants::Count => invalid("/permissions".to_owned(), error.to_string()),
        InvalidGrants::Entry(at) => invalid(format!("/permissions/{at}"), error.to_string()),
    })?;
    if let Some(unknown) = grants.unknown(catalogue) {
        let at = list.iter().position(|entry| entry == unknown).unwrap_or_default();
        return Err(invalid(format!("/permissions/{at}"), format!("there is no permission {unknown}")));
    }
    Ok(grants)
}

/// When something ends that `expires_in_s` of a request is said of; refusals have this code.
pub(crate) fn expires_ms(in_s: Option<i64>, now_ms: i64, code: Code) -> Result<Option<i64>, Problem> {
    let Some(seconds) = in_s else { return Ok(None) };
    if !(1..=MAX_EXPIRY_S).contains(&seconds) {
        let detail = format!("expires_in_s is 1 to {MAX_EXPIRY_S} seconds");
        return Err(Problem::invalid("/expires_in_s", code, detail));
    }
    Ok(Some(now_ms.saturating_add(seconds * 1000)))
}

/// Whether what ends then would outlive the key that gives it.
pub(crate) fn outlives(giver: &Principal, expires_ms: Option<i64>) -> bool {
    let Principal::Key(key) = giver else { return false };
    key.expires_ms.is_some_and(|end| expires_ms.is_none_or(|asked| asked > end))
}
