//! Messages for machines: JSON of a versioned schema, `docs/schema/notice.schema.json`.
//!
//! Keys may be added to a version, and none changes or goes. Its texts are those of the notice as they
//! are: who shows them must clean them, and `text` is what people get, in plain words.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::clean::cut;
use super::text::{self, Words};
use super::{BODY_BYTES_MAX, environment_name, service_name, thread_of};
use crate::config::Environment;
use crate::facts::cause::Cause;
use crate::facts::deploy::Phase;
use crate::facts::finding::{About, Finding};
use crate::facts::hold::Hold;
use crate::facts::names::{EnvironmentName, RevisionArn, ServiceName, Tag};
use crate::facts::notice::{DeployTold, Notice, Told};
use crate::facts::record::Standing;
use crate::facts::release::{AssignedBy, Assignment};

/// The version of the schema.
pub const SCHEMA: u32 = 1;

/// How much of a notice is told.
#[derive(Clone, Copy)]
struct Limits {
    /// The most items of a list.
    items: usize,
    /// The most characters of a text.
    letters: usize,
}

/// From all that ever happens to what certainly fits into a message: the first that does is taken.
const LIMITS: [Limits; 3] = [
    Limits { items: 1_000, letters: 8_000 },
    Limits { items: 200, letters: 500 },
    Limits { items: 20, letters: 100 },
];

/// The JSON, cut until it fits.
pub(super) fn body(notice: &Notice, environment: Option<&Environment>, words: &Words) -> String {
    let mut fitting = String::new();
    for limits in LIMITS {
        fitting = whole(notice, environment, words, limits).to_string();
        if fitting.len() <= BODY_BYTES_MAX {
            break;
        }
    }
    fitting
}

fn whole(
    notice: &Notice,
    environment: Option<&Environment>,
    words: &Words,
    limits: Limits,
) -> Value {
    let place = match &notice.about {
        About::Place(place) => Some(place),
        About::Target(_) | About::Service(_) => environment.map(|there| &there.place),
    };
    let what = match &notice.about {
        About::Target(_) => "target",
        About::Service(_) => "service",
        About::Place(_) => "place",
    };
    let mut object = Map::new();
    let head = [
        ("schema", json!(SCHEMA)),
        ("id", json!(notice.id)),
        ("at", json!(notice.at.to_string())),
        ("kind", json!(notice.kind().as_str())),
        ("severity", json!(notice.severity().to_string())),
        (what, json!(notice.about.to_string())),
        ("thread", json!(thread_of(notice))),
    ];
    object.extend(head.map(|(key, value)| (key.to_owned(), value)));
    let names = [
        ("environment", environment_name(notice).map(EnvironmentName::as_str)),
        ("service", service_name(notice).map(ServiceName::as_str)),
        ("account", place.map(|place| place.account.as_str())),
        ("region", place.map(|place| place.region.as_str())),
        ("cluster", environment.map(|there| there.cluster.as_str())),
        ("release", notice.release().map(Tag::as_str)),
    ];
    for (key, value) in names {
        if let Some(value) = value {
            object.insert(key.to_owned(), value.into());
        }
    }
    object.extend(told(&notice.told, limits));
    object.insert("text".to_owned(), limits.text(&text::body(words)));
    Value::Object(object)
}

/// What is particular to a kind.
fn told(told: &Told, limits: Limits) -> Map<String, Value> {
    let value = match told {
        Told::ReleaseAssigned { assignment, before, targets } => json!({
            "digest": assignment.release.digest.as_str(),
            "from": before.as_ref().map(Tag::as_str),
            "rollout": rollout(assignment, json!({"targets": targets})),
        }),
        Told::RolloutEnded { assignment, succeeded, failed, took, superseded } => {
            let names: Vec<&str> =
                succeeded.iter().take(limits.items).map(EnvironmentName::as_str).collect();
            let left = superseded.as_ref().map_or(0, |by| by.left);
            let failed_told: Vec<Value> = failed
                .iter()
                .take(limits.items)
                .map(|(name, why)| json!({"environment": name.as_str(), "why": limits.text(why)}))
                .collect();
            json!({
                "digest": assignment.release.digest.as_str(),
                "rollout": rollout(assignment, json!({
                    "targets": succeeded.len() + failed.len() + left,
                    "left": left,
                    "superseded_by": superseded.as_ref().map(|by| by.release.as_str()),
                    "succeeded": names,
                    "failed": failed_told,
                    "took_seconds": took.as_secs(),
                })),
            })
        }
        Told::DeployStarted(told)
        | Told::DeploySucceeded(told)
        | Told::DeployFailed(told)
        | Told::RolledBack(told)
        | Told::Superseded(told) => of_deploy(told, limits),
        Told::Held { hold, standing, in_rollout: _ } => {
            json!({"hold": of_hold(hold, limits), "standing": of_standing(standing, limits)})
        }
        Told::Blocked { standing } => json!({"standing": of_standing(standing, limits)}),
        Told::FindingOpened(finding) | Told::FindingClosed(finding) => {
            json!({"finding": of_finding(finding, limits)})
        }
    };
    match value {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

fn rollout(assignment: &Assignment, rest: Value) -> Value {
    let mut rollout = json!({
        "decision": assignment.number,
        "decided_at": assignment.at.to_string(),
        "requested_by": requested_by(assignment),
        "cause": assignment.release.cause,
    });
    if let (Some(rollout), Value::Object(rest)) = (rollout.as_object_mut(), rest) {
        rollout.extend(rest);
    }
    rollout
}

fn requested_by(assignment: &Assignment) -> Option<&str> {
    match &assignment.by {
        AssignedBy::Selection => None,
        AssignedBy::Request { by, .. } => Some(by),
    }
}

fn of_deploy(told: &DeployTold, limits: Limits) -> Value {
    let DeployTold { deploy, in_rollout, before, back_to: again } = told;
    let phase =
        |(phase, at): &(Phase, Timestamp)| json!({"phase": phase.as_str(), "at": at.to_string()});
    let (undone_by, back_to, stays) = deploy.progress.undone();
    json!({
        "digest": deploy.assignment.release.digest.as_str(),
        "from": before.as_ref().map(Tag::as_str),
        "back_to_release": again.as_ref().map(Tag::as_str),
        "deploy": {
            "id": deploy.id.to_string(),
            "number": deploy.id.number,
            "decision": deploy.assignment.number,
            "attempt": deploy.attempt,
            "in_rollout": in_rollout,
            "requested_by": requested_by(&deploy.assignment),
            "led_by": deploy.cause,
            "phase": deploy.phase().as_str(),
            "phases": deploy.phases.iter().map(phase).collect::<Vec<_>>(),
            "from_revision": deploy.from.as_str(),
            "revision": deploy.progress.revision().map(RevisionArn::as_str),
            "deployment": deploy.progress.deployment().map(ToString::to_string),
            "cause": deploy.progress.cause().map(|cause| of_cause(cause, limits)),
            "undone_by": undone_by.map(|by| limits.text(&by.to_string())),
            "back_to": back_to.map(RevisionArn::as_str),
            "stays": stays.map(|stays| limits.text(stays)),
        },
    })
}

fn of_cause(cause: &Cause, limits: Limits) -> Value {
    json!({
        "trigger": cause.trigger.as_str(),
        "diagnosis": cause.diagnosis.as_str(),
        "remedy": cause.diagnosis.remedy(),
        "what": limits.text(&cause.what),
        "tasks": limits.texts(&cause.tasks),
        "messages": limits.texts(&cause.messages),
    })
}

fn of_hold(hold: &Hold, limits: Limits) -> Value {
    json!({
        "on": hold.on.named(),
        "by": limits.text(&hold.by),
        "reason": limits.text(&hold.reason),
        "release": hold.release.as_ref().map(Tag::as_str),
        "since": hold.since.to_string(),
        "until": hold.until.map(|until| until.to_string()),
    })
}

fn of_standing(standing: &Standing, limits: Limits) -> Value {
    json!({
        "kind": standing.kind.to_string(),
        "code": standing.code,
        "decision": standing.assignment,
        "sentence": limits.text(&standing.sentence),
        "since": standing.since.to_string(),
    })
}

fn of_finding(finding: &Finding, limits: Limits) -> Value {
    json!({
        "kind": finding.kind.as_str(),
        "sentence": limits.text(&finding.sentence),
        "next": limits.text(&finding.next),
        "since": finding.since.to_string(),
    })
}

impl Limits {
    fn text(self, text: &str) -> Value {
        cut(text, self.letters).into()
    }

    fn texts(self, texts: &[String]) -> Value {
        texts.iter().take(self.items).map(|text| self.text(text)).collect()
    }
}
