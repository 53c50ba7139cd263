//! Plans that were read from the store a moment ago: they never change.

use std::sync::{Arc, Mutex, PoisonError};

use media_store::MediaStore;
use media_types::EncodePlan;
use serde::de::DeserializeOwned;

use crate::error::WorkError;

/// Plans kept in memory, newest last.
const PLANS_KEPT: usize = 16;

pub(super) struct Plans {
    media: Arc<dyn MediaStore>,
    kept: Mutex<Vec<(String, Arc<EncodePlan>)>>,
}

impl Plans {
    pub(super) fn new(media: Arc<dyn MediaStore>) -> Self {
        Self { media, kept: Mutex::new(Vec::new()) }
    }

    /// The plan under this key.
    pub(super) async fn at(&self, key: String) -> Result<Arc<EncodePlan>, WorkError> {
        let kept = |plans: &Vec<(String, Arc<EncodePlan>)>| {
            plans.iter().find(|(known, _)| *known == key).map(|(_, plan)| plan.clone())
        };
        if let Some(plan) = kept(&self.kept.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(plan);
        }
        let plan: Arc<EncodePlan> = Arc::new(read_json(&*self.media, &key).await?);
        let mut plans = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if plans.len() == PLANS_KEPT {
            plans.remove(0);
        }
        plans.push((key, plan.clone()));
        Ok(plan)
    }
}

/// What is stored under a key, as one of our own values.
pub(super) async fn read_json<T: DeserializeOwned>(media: &dyn MediaStore, key: &str) -> Result<T, WorkError> {
    let bytes = media.get(key).await?;
    serde_json::from_slice(&bytes).map_err(|error| WorkError::Storage(format!("{key} is damaged: {error}")))
}
