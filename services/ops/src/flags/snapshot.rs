//! All flags of a tenant at one moment, compiled for each environment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use kernel::Etag;
use serde_json::Value;

use super::evaluate::{Chosen, Context, Evaluator, Outcome, Unreadable};
use super::model::{Content, FlagSegment, Settings, Strategy, ValueType};
use super::wire;

/// The environment of whoever names none.
pub const DEFAULT_ENVIRONMENT: &str = "production";

/// Why a flag has its value, by OpenFeature's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the same for everybody.
    Static,
    /// Rules about the context decided.
    TargetingMatch,
    /// A share of a rollout or of variants decided.
    Split,
    /// It is off for everybody.
    Disabled,
}

impl Reason {
    /// As OpenFeature and OFREP write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Split => "SPLIT",
            Self::Disabled => "DISABLED",
        }
    }
}

/// What a flag is for one context.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Whether it is on.
    pub is_on: bool,
    /// Its value; `None` leaves it to the default of who asks.
    pub value: Option<Value>,
    /// The variant, where it has variants.
    pub variant: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// Why a flag has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such flag.
    Unknown,
    /// A share decides, and nobody said whose.
    NobodyNamed,
}

/// A flag in one environment.
struct Compiled {
    value_type: ValueType,
    settings: Settings,
    is_public: bool,
    uses: Arc<Uses>,
}

/// How often a flag was found on and off here since that was last written down.
#[derive(Default)]
struct Uses {
    yes: AtomicI64,
    no: AtomicI64,
}

/// Flags of one environment.
pub(crate) struct Environment {
    evaluator: Evaluator,
    flags: BTreeMap<String, Compiled>,
    /// What Unleash's clients read.
    pub(crate) document: Bytes,
    /// Its tag.
    pub(crate) etag: Etag,
}

/// All of a tenant's flags as they were when its change had this number.
pub(crate) struct Snapshot {
    pub(crate) seq: i64,
    environments: BTreeMap<String, Environment>,
    /// Any that no flag knows: all of them are off there.
    elsewhere: Environment,
}

impl Snapshot {
    /// Compiles flags, without those that are archived. What was counted of them since `before` goes on.
    ///
    /// # Errors
    /// None that a stored flag could bring about.
    pub(crate) fn new(
        seq: i64,
        mut flags: BTreeMap<String, Content>,
        segments: &BTreeMap<String, FlagSegment>,
        machine: Option<&str>,
        before: Option<&Self>,
    ) -> Result<Self, Unreadable> {
        flags.retain(|_, content| !content.archived);
        let names: BTreeSet<String> = flags.values().flat_map(|content| content.environments.keys().cloned()).collect();
        let compile = |name: &str| {
            let before = before.and_then(|before| before.environments.get(name));
            Environment::new(name, &flags, segments, machine, before)
        };
        let environments =
            names.into_iter().map(|name| Ok((name.clone(), compile(&name)?))).collect::<Result<_, Unreadable>>()?;
        let elsewhere = compile("")?;
        Ok(Self { seq, environments, elsewhere })
    }

    /// The flags of an environment, whether or not any flag names it.
    pub(crate) fn environment(&self, name: Option<&str>) -> &Environment {
        self.environments.get(name.unwrap_or(DEFAULT_ENVIRONMENT)).unwrap_or(&self.elsewhere)
    }

    /// All environments that any flag names, with their names.
    pub(crate) fn environments(&self) -> impl Iterator<Item = (&str, &Environment)> {
        self.environments.iter().map(|(name, environment)| (name.as_str(), environment))
    }

    /// Whether any flag names this environment, and there is a flag of this key.
    pub(crate) fn knows(&self, environment: &str, key: &str) -> bool {
        self.environments.get(environment).is_some_and(|environment| environment.flags.contains_key(key))
    }
}

impl Environment {
    fn new(
        name: &str,
        flags: &BTreeMap<String, Content>,
        segments: &BTreeMap<String, FlagSegment>,
        machine: Option<&str>,
        before: Option<&Self>,
    ) -> Result<Self, Unreadable> {
        let document = wire::document(name, flags, segments);
        let bytes = Bytes::from(document.to_string());
        let evaluator = Evaluator::new(document, machine)?;
        let settings = |content: &Content| content.environments.get(name).cloned().unwrap_or_default();
        let uses = |key: &str| before.and_then(|before| before.flags.get(key)).map(|flag| Arc::clone(&flag.uses));
        let compiled = |key: &str, content: &Content| Compiled {
            value_type: content.value_type,
            settings: settings(content),
            is_public: content.public,
            uses: uses(key).unwrap_or_default(),
        };
        let flags = flags.iter().map(|(key, content)| (key.clone(), compiled(key, content))).collect();
        Ok(Self { evaluator, flags, etag: Etag::of(&bytes), document: bytes })
    }

    /// Flags that cannot be compiled, and why.
    pub(crate) fn faults(&self) -> &[String] {
        self.evaluator.faults()
    }

    /// Keys of all flags, in their order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.flags.keys().map(String::as_str)
    }

    /// Keys of flags that pages and apps may know, in their order.
    pub(crate) fn public_keys(&self) -> impl Iterator<Item = &str> {
        self.flags.iter().filter(|(_, flag)| flag.is_public).map(|(key, _)| key.as_str())
    }

    /// What a flag comes to, as Unleash has it.
    pub(crate) fn outcome(&self, key: &str, context: &Context) -> Option<Outcome> {
        self.evaluator.evaluate(key, context)
    }

    /// Counts that somebody has asked for a flag.
    pub(crate) fn count(&self, key: &str, is_on: bool) {
        self.count_all(&[(key, i64::from(is_on), i64::from(!is_on))]);
    }

    /// What was counted since this was called last: how often each flag was on, and off.
    pub(crate) fn take_counts(&self) -> Vec<(&str, i64, i64)> {
        let taken =
            |flag: &Compiled| (flag.uses.yes.swap(0, Ordering::Relaxed), flag.uses.no.swap(0, Ordering::Relaxed));
        let counts = self.flags.iter().map(|(key, flag)| (key.as_str(), taken(flag)));
        counts.filter(|(_, (yes, no))| yes + no > 0).map(|(key, (yes, no))| (key, yes, no)).collect()
    }

    /// Counts what others have counted, or what could not be written down.
    pub(crate) fn count_all(&self, counts: &[(&str, i64, i64)]) {
        for (key, yes, no) in counts {
            if let Some(flag) = self.flags.get(*key) {
                flag.uses.yes.fetch_add(*yes, Ordering::Relaxed);
                flag.uses.no.fetch_add(*no, Ordering::Relaxed);
            }
        }
    }

    /// What a flag is for `context`.
    ///
    /// # Errors
    /// There is no such flag.
    pub(crate) fn evaluate(&self, key: &str, context: &Context) -> Result<Evaluation, Refusal> {
        let Compiled { value_type, settings, .. } = self.flags.get(key).ok_or(Refusal::Unknown)?;
        let outcome = self.evaluator.evaluate(key, context).ok_or(Refusal::Unknown)?;
        let chosen = outcome.variant.filter(|_| outcome.is_on);
        let on = || chosen.as_ref().and_then(|chosen| value_of(*value_type, chosen));
        let (value, fallback) = match outcome.is_on {
            true => (on(), true),
            false => (settings.off_value.clone(), false),
        };
        let boolean = (*value_type == ValueType::Boolean).then_some(Value::Bool(fallback));
        let has_variants = chosen.is_some() && has_variants(settings);
        Ok(Evaluation {
            is_on: outcome.is_on,
            value: value.or(boolean),
            variant: chosen.filter(|_| has_variants).map(|chosen| chosen.name),
            reason: reason(settings),
        })
    }

    /// As [`Environment::evaluate`], for somebody who ought to have an identity where a share is kept by it.
    ///
    /// # Errors
    /// There is no such flag, or a share decides and the context names neither user nor session.
    pub(crate) fn evaluate_named(&self, key: &str, context: &Context) -> Result<Evaluation, Refusal> {
        let settings = &self.flags.get(key).ok_or(Refusal::Unknown)?.settings;
        if settings.enabled && needs_name(settings, context) {
            return Err(Refusal::NobodyNamed);
        }
        self.evaluate(key, context)
    }
}

fn value_of(value_type: ValueType, chosen: &Chosen) -> Option<Value> {
    let (_, text) = chosen.payload.as_ref()?;
    wire::value_of(value_type, text)
}

fn has_variants(settings: &Settings) -> bool {
    !settings.variants.is_empty() || settings.strategies.iter().any(|strategy| !strategy.variants.is_empty())
}

fn reason(settings: &Settings) -> Reason {
    let targets = |strategy: &Strategy| {
        let named = ["userWithId", "remoteAddress", "applicationHostname"].contains(&strategy.name.as_str());
        named || !strategy.constraints.is_empty() || !strategy.segments.is_empty()
    };
    if !settings.enabled {
        Reason::Disabled
    } else if !settings.parents.is_empty() || settings.strategies.iter().any(targets) {
        Reason::TargetingMatch
    } else if splits(settings).next().is_some() {
        Reason::Split
    } else {
        Reason::Static
    }
}

/// By which property of the context each share of these settings is kept.
fn splits(settings: &Settings) -> impl Iterator<Item = &str> {
    let shares = |weights: &mut dyn Iterator<Item = u32>| weights.filter(|weight| *weight > 0).count() > 1;
    let own = shares(&mut settings.variants.iter().map(|variant| variant.weight));
    let own = settings.variants.first().filter(|_| own).map(|first| first.stickiness.as_deref().unwrap_or("default"));
    let strategies = settings.strategies.iter().filter_map(move |strategy| {
        let parameter = |name: &str| strategy.parameters.get(name).map(String::as_str);
        let is_part = |share: Option<&str>| share.is_some_and(|share| share != "0" && share != "100");
        let varied = shares(&mut strategy.variants.iter().map(|variant| variant.weight));
        let stickiness = parameter("stickiness").unwrap_or("default");
        match strategy.name.as_str() {
            "flexibleRollout" => (varied || is_part(parameter("rollout"))).then_some(stickiness),
            "gradualRolloutUserId" => is_part(parameter("percentage")).then_some("userId"),
            "gradualRolloutSessionId" => is_part(parameter("percentage")).then_some("sessionId"),
            "gradualRolloutRandom" => is_part(parameter("percentage")).then_some("random"),
            _ => varied.then_some(stickiness),
        }
    });
    own.into_iter().chain(strategies)
}

fn needs_name(settings: &Settings, context: &Context) -> bool {
    splits(settings).any(|stickiness| match stickiness {
        "default" => context.user_id.is_none() && context.session_id.is_none(),
        "userId" => context.user_id.is_none(),
        _ => false,
    })
}
