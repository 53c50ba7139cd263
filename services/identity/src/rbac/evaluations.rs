//! JSON of decisions, in the shape of the AuthZEN Authorization API 1.0, whose receivers ignore what they do not know (§10.1).

use kernel::{Permission, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::codes;
use super::model::{self, GRANTED, Ground, Subject};

/// The most evaluations of one request.
const MAX_EVALUATIONS: usize = 100;
/// The only kind of subject that is known.
const USER: &str = "user";

/// Who.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct AccessSubject {
    /// `user`; whatever is of another kind may nothing.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    kind: String,
    /// The id of a person.
    #[schema(example = "usr_0199...")]
    id: String,
}

impl AccessSubject {
    /// The id, if it can be one of a person.
    pub(super) fn user_id(&self) -> Option<&str> {
        Some(self.id.as_str()).filter(|id| self.kind == USER && model::is_id(id))
    }
}

/// Does what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct AccessAction {
    /// The second word of a permission.
    #[schema(example = "read")]
    name: String,
}

/// To what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct AccessResource {
    /// The first word of a permission.
    #[serde(rename = "type")]
    #[schema(example = "asset")]
    kind: String,
    /// Which one. Permissions are on kinds of resources, so it changes nothing.
    #[schema(example = "ast_0199...")]
    #[expect(dead_code, reason = "the protocol asks for it, and a request without it is none")]
    id: String,
}

/// A question. `properties` and `context` may be there and change nothing.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EvaluationRequest {
    subject: AccessSubject,
    action: AccessAction,
    resource: AccessResource,
}

/// A question among several: what it leaves out is that of the whole request.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct EvaluationPart {
    subject: Option<AccessSubject>,
    action: Option<AccessAction>,
    resource: Option<AccessResource>,
}

/// Which questions are answered.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EvaluationsSemantic {
    /// All of them.
    #[default]
    ExecuteAll,
    /// Those up to the first that is answered no.
    DenyOnFirstDeny,
    /// Those up to the first that is answered yes.
    PermitOnFirstPermit,
}

impl EvaluationsSemantic {
    /// Whether an answer is the last one.
    fn ends_with(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}

/// How several questions are answered.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct EvaluationsOptions {
    /// `execute_all` when absent.
    #[serde(default)]
    evaluations_semantic: EvaluationsSemantic,
}

/// Several questions; without `evaluations` one.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EvaluationsRequest {
    subject: Option<AccessSubject>,
    action: Option<AccessAction>,
    resource: Option<AccessResource>,
    /// 1 to 100 questions.
    #[schema(max_items = 100)]
    evaluations: Option<Vec<EvaluationPart>>,
    options: Option<EvaluationsOptions>,
}

/// Questions that are whole.
pub(super) struct Questions {
    pub(super) all: Vec<EvaluationRequest>,
    semantic: EvaluationsSemantic,
    /// Whether it is one that is to be answered by itself.
    is_single: bool,
}

impl EvaluationsRequest {
    /// The questions, each with what the request says of all.
    ///
    /// # Errors
    /// 422 when they are too many, or one is not whole.
    pub(super) fn questions(self) -> Result<Questions, Problem> {
        let Self { subject, action, resource, evaluations, options } = self;
        let parts = evaluations.unwrap_or_default();
        let is_single = parts.is_empty();
        if parts.len() > MAX_EVALUATIONS {
            let detail = format!("there are {} evaluations, and at most {MAX_EVALUATIONS} are answered", parts.len());
            return Err(Problem::invalid("/evaluations", codes::ACCESS_TOO_MANY, detail));
        }
        let parts = if is_single { vec![EvaluationPart::default()] } else { parts };
        let whole = |(at, part): (usize, EvaluationPart)| -> Result<EvaluationRequest, Problem> {
            let lacking = |name: &str| {
                let pointer = if is_single { format!("/{name}") } else { format!("/evaluations/{at}/{name}") };
                Problem::invalid(pointer, codes::ACCESS_INCOMPLETE, format!("it has no {name}"))
            };
            Ok(EvaluationRequest {
                subject: part.subject.or_else(|| subject.clone()).ok_or_else(|| lacking("subject"))?,
                action: part.action.or_else(|| action.clone()).ok_or_else(|| lacking("action"))?,
                resource: part.resource.or_else(|| resource.clone()).ok_or_else(|| lacking("resource"))?,
            })
        };
        let all = parts.into_iter().enumerate().map(whole).collect::<Result<_, Problem>>()?;
        Ok(Questions { all, semantic: options.unwrap_or_default().evaluations_semantic, is_single })
    }
}

impl Questions {
    /// What is answered to them.
    pub(super) fn answered(self, answer: impl Fn(&EvaluationRequest) -> EvaluationView) -> EvaluationsAnswer {
        let mut evaluations = Vec::with_capacity(self.all.len());
        for question in &self.all {
            let answer = answer(question);
            let is_last = self.semantic.ends_with(answer.decision);
            evaluations.push(answer);
            if is_last {
                break;
            }
        }
        match evaluations.pop() {
            Some(only) if self.is_single => EvaluationsAnswer::One(only),
            last => EvaluationsAnswer::Several(EvaluationsView {
                evaluations: evaluations.into_iter().chain(last).collect(),
            }),
        }
    }
}

impl EvaluationRequest {
    pub(super) fn user_id(&self) -> Option<&str> {
        self.subject.user_id()
    }

    /// The answer, of what is known of the subject.
    pub(super) fn answer(&self, catalogue: &[Permission], subject: Option<&Subject>, now_ms: i64) -> EvaluationView {
        let permission = model::find(catalogue, &self.resource.kind, &self.action.name);
        let (reason, by) = match model::decide(subject, permission, now_ms) {
            Ok(grounds) => (GRANTED, grounds.iter().map(by).collect()),
            Err(refusal) => (refusal.as_str(), Vec::new()),
        };
        EvaluationView { decision: reason == GRANTED, context: EvaluationContext { reason, by } }
    }
}

fn by(ground: &Ground<'_>) -> String {
    ground.held.map_or_else(|| "own".to_owned(), |held| held.role.id.clone())
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluationView {
    /// Whether the subject may.
    decision: bool,
    context: EvaluationContext,
}

/// Why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluationContext {
    /// `granted`; or `unknown_subject`, `suspended`, `unknown_permission`, `not_granted`.
    reason: &'static str,
    /// The ids of the roles that give it, `own` for the person's own list.
    by: Vec<String>,
}

/// Several answers, in the order of the questions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EvaluationsView {
    evaluations: Vec<EvaluationView>,
}

/// What several questions are answered, or the one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum EvaluationsAnswer {
    /// To `evaluations`.
    Several(EvaluationsView),
    /// To a request without.
    One(EvaluationView),
}
