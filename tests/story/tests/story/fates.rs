//! How large a story is, and what its dice throw.

use asset_flow::Stage;

use crate::told::{Attempt, Outcome};
use crate::world::INSTANT_MS;

/// How large the world is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    pub(crate) assets: usize,
    pub(crate) tenants: usize,
    pub(crate) arrivals_ms: i64,
}

/// What a process meets while a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Killed,
    /// Shut down as it should be.
    Stopped,
    /// Stands still, as a machine that is suspended, and goes on later as if nothing had been.
    HeldUp,
    /// Never reaches the database again, and knows it.
    CutOff,
}

/// A number that follows from these alone.
pub(crate) fn dice(seed: u64, of: &[u64]) -> u64 {
    let mix = |state: u64, value: u64| {
        let mixed = (state ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (mixed >> 31)
    };
    of.iter().fold(mix(seed, 1), |state, value| mix(state, *value))
}

/// The first instant after `ms`.
pub(crate) fn instant(ms: i64) -> i64 {
    ms.max(1).div_euclid(INSTANT_MS) * INSTANT_MS + INSTANT_MS
}

impl Size {
    /// Three tenths of all belong to one tenant.
    pub(crate) fn tenant(&self, asset: usize) -> usize {
        if asset * 10 < self.assets * 3 { 0 } else { 1 + asset % (self.tenants - 1) }
    }

    pub(crate) fn arrival_ms(&self, asset: usize) -> i64 {
        match self.tenant(asset) {
            0 => INSTANT_MS,
            _ => instant((dice(self.seed, &[1, asset as u64]) % self.arrivals_ms as u64) as i64),
        }
    }

    /// A recording that kills whatever encodes it.
    pub(crate) fn is_poison(&self, asset: usize) -> bool {
        dice(self.seed, &[2, asset as u64]).is_multiple_of(60)
    }

    fn throw(&self, what: u64, attempt: &Attempt) -> u64 {
        let stage = format!("{:?}", attempt.stage);
        let of = [what, attempt.asset as u64, attempt.number as u64].into_iter().chain(stage.bytes().map(u64::from));
        let of: Vec<u64> = of.collect();
        dice(self.seed, &of)
    }

    /// How long an attempt takes that nothing befalls.
    pub(crate) fn takes_ms(&self, attempt: &Attempt) -> i64 {
        let usual = match attempt.stage {
            Stage::EncodeRange { .. } => 4_000,
            Stage::EncodeAudio { .. } | Stage::EncodeAhead { .. } | Stage::Analyse => 1_500,
            _ => 500,
        };
        instant(usual / 2 + (self.throw(3, attempt) % 1_000) as i64 * usual / 1_000)
    }

    /// What becomes of an attempt: how it ends, or what its process meets, or that nothing of it moves.
    pub(crate) fn fate(&self, attempt: &Attempt) -> Result<Outcome, Option<Fault>> {
        let encodes = matches!(attempt.stage, Stage::EncodeRange { .. } | Stage::EncodeAudio { .. });
        match self.throw(4, attempt) % 1_000 {
            _ if encodes && self.is_poison(attempt.asset) => Err(Some(Fault::Killed)),
            0..15 => Err(Some(Fault::Killed)),
            15..30 => Err(Some(Fault::Stopped)),
            30..45 => Err(Some(Fault::HeldUp)),
            45..55 => Err(Some(Fault::CutOff)),
            // Nothing moves: the lease is given up.
            55..65 => Err(None),
            65..100 => Ok(Outcome::Fails),
            100..108 => Ok(Outcome::GivesUp),
            108..120 => Ok(Outcome::Panics),
            120..130 => Ok(Outcome::DiesBefore),
            130..140 => Ok(Outcome::DiesAfter),
            _ => Ok(Outcome::Commits),
        }
    }
}
