//! What stands behind a cue's id: `KEY=VALUE`, each once.

use std::collections::BTreeMap;

use media_types::MediaTime;

use super::{CueProblem, Fault, Word, time};
use crate::markers::{Asset, CUES, Interstitial, RESTRICTIONS, SNAPS};

/// What there is, in the order in which a missing asset is complained of.
pub(super) const KEYS: [&str; 8] = ["asset", "assets", "resume", "limit", "snap", "restrict", "cue", "cut"];

/// The options of one line: the column of each value, and the value.
pub(super) struct Options<'a>(BTreeMap<&'static str, Word<'a>>);

impl<'a> Options<'a> {
    pub(super) fn read(words: &[Word<'a>]) -> Result<Self, Fault> {
        let mut found = BTreeMap::new();
        for &(column, word) in words {
            let Some((name, value)) = word.split_once('=') else {
                return Err((column, CueProblem::Surplus(word.to_owned())));
            };
            let known = KEYS.into_iter().find(|key| key.eq_ignore_ascii_case(name));
            let key = known.ok_or_else(|| (column, CueProblem::Option(name.to_owned())))?;
            let value = (column + name.chars().count() + 1, value);
            if found.insert(key, value).is_some() {
                return Err((column, CueProblem::Repeated(key)));
            }
        }
        match found.get("cut") {
            Some((column, value)) if !["yes", "no"].iter().any(|word| word.eq_ignore_ascii_case(value)) => {
                let value = (*value).to_owned();
                Err((*column, CueProblem::Value { key: "cut", value, allowed: "yes or no" }))
            }
            _ => Ok(Self(found)),
        }
    }

    /// Whether segments are cut at the cue.
    pub(super) fn cuts(&self) -> bool {
        self.0.get("cut").is_none_or(|(_, value)| !value.eq_ignore_ascii_case("no"))
    }

    /// What is shown at a cue of this length.
    pub(super) fn interstitial(&self, length: MediaTime) -> Result<Option<Interstitial>, Fault> {
        let Some(asset) = self.asset()? else {
            let lost = KEYS.into_iter().filter(|key| *key != "cut").find_map(|key| Some((key, self.0.get(key)?)));
            return lost.map_or(Ok(None), |(key, (column, _))| Err((*column, CueProblem::NoAsset(key))));
        };
        Ok(Some(Interstitial {
            asset,
            resume: self.time("resume")?.unwrap_or(length),
            limit: self.time("limit")?,
            snap: self.words("snap", SNAPS, "out, in, or both with a comma between")?,
            restrict: self.words("restrict", RESTRICTIONS, "skip, jump, or both with a comma between")?,
            cue: self.cue()?,
        }))
    }

    fn asset(&self) -> Result<Option<Asset>, Fault> {
        let asset = match (self.0.get("asset"), self.0.get("assets")) {
            (Some((first, _)), Some((second, _))) => return Err(((*first).max(*second), CueProblem::TwoAssets)),
            (Some((column, uri)), None) => (*column, Asset::Uri((*uri).to_owned())),
            (None, Some((column, uri))) => (*column, Asset::List((*uri).to_owned())),
            (None, None) => return Ok(None),
        };
        match asset {
            (_, asset) if asset.is_fit() => Ok(Some(asset)),
            (column, Asset::Uri(uri) | Asset::List(uri)) => Err((column, CueProblem::Address(uri))),
        }
    }

    fn time(&self, key: &str) -> Result<Option<MediaTime>, Fault> {
        let found = self.0.get(key).map(|&(column, value)| time(value).map_err(|problem| (column, problem)));
        found.transpose()
    }

    fn cue(&self) -> Result<Vec<&'static str>, Fault> {
        let allowed = "pre or post, once, or both with a comma between";
        let words = self.words("cue", CUES, allowed)?;
        match self.0.get("cue") {
            Some(&(column, value)) if words.contains(&"PRE") && words.contains(&"POST") => {
                Err((column, CueProblem::Value { key: "cue", value: value.to_owned(), allowed }))
            }
            _ => Ok(words),
        }
    }

    /// Some of the words in `all`, each once, in any case.
    fn words(
        &self,
        key: &'static str,
        all: &[&'static str],
        allowed: &'static str,
    ) -> Result<Vec<&'static str>, Fault> {
        let Some(&(column, value)) = self.0.get(key) else { return Ok(Vec::new()) };
        let mut words = Vec::new();
        for word in value.split(',') {
            match all.iter().find(|known| known.eq_ignore_ascii_case(word)) {
                Some(known) if !words.contains(known) => words.push(*known),
                _ => return Err((column, CueProblem::Value { key, value: value.to_owned(), allowed })),
            }
        }
        Ok(words)
    }
}
