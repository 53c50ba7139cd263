//! Keys of pages and apps, as far as this process has seen them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use media_types::TenantId;
use tokio::time::{Duration, Instant};

/// How long a key counts without another look.
const FRESH: Duration = Duration::from_secs(5);
/// Keys that are remembered; of more, all are looked up anew.
const MOST: usize = 4096;

/// What a key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Front {
    pub(crate) tenant: TenantId,
    pub(crate) environment: String,
}

/// Those that were looked up.
#[derive(Default)]
pub(crate) struct Fronts(Mutex<HashMap<String, (Front, Instant)>>);

impl Fronts {
    /// What a key opens, and whether that is still to be relied on; what is older is for when nobody can be asked.
    pub(crate) fn find(&self, key: &str) -> Option<(Front, bool)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).map(|(front, seen)| (front.clone(), seen.elapsed() < FRESH))
    }

    /// Remembers what was looked up at `asked`: that there is such a key, or none.
    pub(crate) fn keep(&self, key: &str, front: Option<&Front>, asked: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match front {
            Some(front) => {
                if known.len() >= MOST {
                    known.clear();
                }
                known.insert(key.to_owned(), (front.clone(), asked));
            }
            None => drop(known.remove(key)),
        }
    }
}
