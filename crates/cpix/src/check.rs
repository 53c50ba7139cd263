//! What the schema cannot say of a document (DASH-IF CPIX 2.4, "Hierarchical Data Model").

use std::collections::HashSet;

use drm::KeyId;

use crate::model::{Document, Scheme};
use crate::period::PeriodTimeError;

/// Something in a document contradicts the guidelines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentProblem {
    /// Two keys of one id.
    #[error("content key {0} occurs more than once")]
    DuplicateKey(KeyId),
    /// Something speaks of a key that the document does not have.
    #[error("{what} names content key {kid}, which the document does not have")]
    UnknownKey {
        /// What names it.
        what: &'static str,
        /// The key that is missing.
        kid: KeyId,
    },
    /// A leaf of a key hierarchy is the root of another key, or of itself.
    #[error("content key {0} depends on a key that depends on another")]
    DeepHierarchy(KeyId),
    /// A leaf key states what its root states.
    #[error("content key {0} depends on another and still states an asset, a scheme or HDCP data")]
    LeafAttributes(KeyId),
    /// Both the document and a key name the asset.
    #[error("the document and content key {0} both name the asset")]
    TwoContentIds(KeyId),
    /// A rule is for a root key, which encrypts nothing.
    #[error("a usage rule names {0}, the root of a key hierarchy")]
    RuleForRoot(KeyId),
    /// A rule names a period that the document does not have.
    #[error("a usage rule for content key {0} names a key period that the document does not have")]
    UnknownPeriod(KeyId),
    /// Two periods of one id.
    #[error("key period {0} has the id of another")]
    DuplicatePeriod(usize),
    /// The times of a period.
    #[error("key period {index}: {problem}")]
    Period {
        /// 0-based place in the list.
        index: usize,
        /// What is wrong.
        problem: PeriodTimeError,
    },
    /// A bit rate filter without any bound.
    #[error("a usage rule for content key {0} has a bit rate filter without bounds")]
    EmptyBitrate(KeyId),
    /// A rule has filters of an unknown kind, so that no rule may be applied.
    #[error("a usage rule for content key {0} has filters that are not known")]
    UnknownFilter(KeyId),
    /// One system is described twice for one key.
    #[error("a licence system is described more than once for content key {0}")]
    DuplicateSystem(KeyId),
    /// Keys of several schemes: the tracks of one presentation could not share it.
    #[error("content key {0} has another scheme than the first key")]
    MixedSchemes(KeyId),
}

impl Document {
    /// All that contradicts the guidelines, in the order of the document. Empty when nothing does.
    pub fn problems(&self) -> Vec<DocumentProblem> {
        let mut problems = Vec::new();
        let mut known = HashSet::new();
        for key in &self.keys {
            if !known.insert(key.kid) {
                problems.push(DocumentProblem::DuplicateKey(key.kid));
            }
        }
        let leaves: HashSet<KeyId> = self.keys.iter().filter(|k| k.depends_on.is_some()).map(|k| k.kid).collect();
        self.check_keys(&leaves, &mut problems);
        let mut systems = HashSet::new();
        for system in &self.drm_systems {
            if !known.contains(&system.kid) {
                problems.push(DocumentProblem::UnknownKey { what: "a licence system", kid: system.kid });
            }
            if !systems.insert((system.kid, system.system_id)) {
                problems.push(DocumentProblem::DuplicateSystem(system.kid));
            }
        }
        let mut periods = HashSet::new();
        for (index, period) in self.periods.iter().enumerate() {
            if period.id.as_ref().is_some_and(|id| !periods.insert(id.as_str())) {
                problems.push(DocumentProblem::DuplicatePeriod(index));
            }
            if let Err(problem) = period.check() {
                problems.push(DocumentProblem::Period { index, problem });
            }
        }
        self.check_rules(&known, &periods, &mut problems);
        problems
    }

    fn check_keys(&self, leaves: &HashSet<KeyId>, problems: &mut Vec<DocumentProblem>) {
        let mut first: Option<&Scheme> = None;
        for key in &self.keys {
            if self.content_id.is_some() && key.content_id.is_some() {
                problems.push(DocumentProblem::TwoContentIds(key.kid));
            }
            if let Some(root) = key.depends_on {
                if leaves.contains(&root) {
                    problems.push(DocumentProblem::DeepHierarchy(key.kid));
                }
                if key.content_id.is_some() || key.scheme.is_some() || key.hdcp.is_some() {
                    problems.push(DocumentProblem::LeafAttributes(key.kid));
                }
            }
            if let Some(scheme) = &key.scheme
                && *first.get_or_insert(scheme) != scheme
            {
                problems.push(DocumentProblem::MixedSchemes(key.kid));
            }
        }
    }

    fn check_rules(&self, known: &HashSet<KeyId>, periods: &HashSet<&str>, problems: &mut Vec<DocumentProblem>) {
        let roots: HashSet<KeyId> = self.keys.iter().filter_map(|key| key.depends_on).collect();
        for rule in &self.usage_rules {
            let kid = rule.kid;
            if !known.contains(&kid) {
                problems.push(DocumentProblem::UnknownKey { what: "a usage rule", kid });
            }
            if roots.contains(&kid) {
                problems.push(DocumentProblem::RuleForRoot(kid));
            }
            if rule.periods.iter().any(|id| !periods.contains(id.as_str())) {
                problems.push(DocumentProblem::UnknownPeriod(kid));
            }
            if rule.bitrate.iter().any(|filter| filter.min_bps.is_none() && filter.max_bps.is_none()) {
                problems.push(DocumentProblem::EmptyBitrate(kid));
            }
            if rule.unknown_filters {
                problems.push(DocumentProblem::UnknownFilter(kid));
            }
        }
    }
}
