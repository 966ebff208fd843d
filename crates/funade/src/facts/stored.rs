//! The stored form of the ledger's records: JSON with a version, apart from the types that the
//! decisions use, so that either can change without the other.
//!
//! A function must be able to read what the previous release of Funade wrote: fields are only
//! added, with defaults, or the version grows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::facts::configuration::{
    Configuration, PARAMETERS_LABEL, SECRETS_LABEL, from_labels, to_labels,
};
use crate::facts::hold::{Hold, Lifted};
use crate::facts::names::{
    ContainerName, DeploymentId, Digest, EnvironmentName, Place, RevisionArn, Tag, TargetId,
};
use crate::facts::record::{
    Deploy, DeployId, Ending, Progress, ServiceRecord, Standing, StandingKind, TargetRecord, Turn,
    Turns,
};
use crate::facts::release::{AssignedBy, Assignment, Release, Request};
use crate::facts::subject::{Subject, Wake};

/// A stored record that this version of Funade cannot read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the stored record")]
pub struct Unreadable(#[from] serde_json::Error);

/// A record with a stored form.
pub trait Stored: Sized {
    /// Writes it as JSON.
    fn to_json(&self) -> String;
    /// Reads it from JSON.
    fn from_json(text: &str) -> Result<Self, Unreadable>;
}

macro_rules! stored {
    ($inner:ty, $outer:ident) => {
        impl Stored for $inner {
            fn to_json(&self) -> String {
                serde_json::to_string(&$outer::from(self.clone()))
                    .expect("text, numbers and maps with text keys are always JSON")
            }

            fn from_json(text: &str) -> Result<Self, Unreadable> {
                Ok(Self::from(serde_json::from_str::<$outer>(text)?))
            }
        }
    };
}

stored!(Request, RequestV1);
stored!(ServiceRecord, ServiceV1);
stored!(TargetRecord, TargetV1);
stored!(Wake, WakeV1);
stored!(Hold, HoldV1);

/// The queue's message.
#[derive(Serialize, Deserialize)]
struct WakeV1 {
    subject: Subject,
    cause: String,
    reason: String,
    #[serde(default)]
    failed_before: u32,
}

#[derive(Serialize, Deserialize)]
struct ReleaseV1 {
    tag: Tag,
    digest: Digest,
    pushed_at: Timestamp,
    noted_at: Timestamp,
    cause: String,
}

#[derive(Serialize, Deserialize)]
struct RequestV1 {
    id: String,
    release: ReleaseV1,
    by: String,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct AssignmentV1 {
    number: u64,
    release: ReleaseV1,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<RequesterV1>,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct RequesterV1 {
    id: String,
    by: String,
}

#[derive(Serialize, Deserialize)]
struct ServiceV1 {
    generation: u64,
    assignments: Vec<AssignmentV1>,
    assigned: BTreeMap<EnvironmentName, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_request: Option<String>,
    #[serde(default)]
    turns_begun: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    turns: Vec<TurnsV1>,
}

#[derive(Serialize, Deserialize)]
struct TurnsV1 {
    place: Place,
    number: u64,
    given: BTreeSet<EnvironmentName>,
    failed: BTreeSet<EnvironmentName>,
    had: BTreeSet<EnvironmentName>,
    waves_over: BTreeMap<String, Timestamp>,
    #[serde(default)]
    begun_anew: u32,
}

#[derive(Serialize, Deserialize)]
struct TargetV1 {
    generation: u64,
    deploys_begun: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deploy: Option<DeployV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<StandingV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen: Option<RevisionArn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet_since: Option<Timestamp>,
    #[serde(default)]
    had_turn: u64,
}

#[derive(Serialize, Deserialize)]
struct DeployV1 {
    id: DeployIdV1,
    assignment: AssignmentV1,
    from: RevisionArn,
    #[serde(default)]
    cause: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    configuration: BTreeMap<ContainerName, BTreeMap<String, String>>,
    #[serde(default)]
    fingerprint: String,
    begun_at: Timestamp,
    progress: ProgressV1,
}

#[derive(Serialize, Deserialize)]
struct DeployIdV1 {
    target: TargetId,
    number: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
enum ProgressV1 {
    Begun,
    Registered { revision: RevisionArn },
    Updated { revision: RevisionArn, deployment: DeploymentId, at: Timestamp },
    Succeeded { revision: Option<RevisionArn>, at: Timestamp },
    Failed { revision: Option<RevisionArn>, reason: String, at: Timestamp },
    Superseded { revision: Option<RevisionArn>, at: Timestamp },
}

#[derive(Serialize, Deserialize)]
struct StandingV1 {
    assignment: u64,
    kind: KindV1,
    code: String,
    sentence: String,
    since: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindV1 {
    Settled,
    Waiting,
    Blocked,
}

#[derive(Serialize, Deserialize)]
struct HoldV1 {
    on: Subject,
    reason: String,
    by: String,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifted: Option<LiftedV1>,
}

#[derive(Serialize, Deserialize)]
struct LiftedV1 {
    by: String,
    at: Timestamp,
}

impl From<Hold> for HoldV1 {
    fn from(Hold { on, reason, by, since, until, lifted }: Hold) -> Self {
        let lifted = lifted.map(|Lifted { by, at }| LiftedV1 { by, at });
        Self { on, reason, by, since, until, lifted }
    }
}

impl From<HoldV1> for Hold {
    fn from(HoldV1 { on, reason, by, since, until, lifted }: HoldV1) -> Self {
        let lifted = lifted.map(|LiftedV1 { by, at }| Lifted { by, at });
        Self { on, reason, by, since, until, lifted }
    }
}

impl From<Wake> for WakeV1 {
    fn from(Wake { subject, cause, reason, failed_before }: Wake) -> Self {
        Self { subject, cause, reason, failed_before }
    }
}

impl From<WakeV1> for Wake {
    fn from(WakeV1 { subject, cause, reason, failed_before }: WakeV1) -> Self {
        Self { subject, cause, reason, failed_before }
    }
}

impl From<Release> for ReleaseV1 {
    fn from(Release { tag, digest, pushed_at, noted_at, cause }: Release) -> Self {
        Self { tag, digest, pushed_at, noted_at, cause }
    }
}

impl From<ReleaseV1> for Release {
    fn from(ReleaseV1 { tag, digest, pushed_at, noted_at, cause }: ReleaseV1) -> Self {
        Self { tag, digest, pushed_at, noted_at, cause }
    }
}

impl From<Request> for RequestV1 {
    fn from(Request { id, release, by, at }: Request) -> Self {
        Self { id, release: release.into(), by, at }
    }
}

impl From<RequestV1> for Request {
    fn from(RequestV1 { id, release, by, at }: RequestV1) -> Self {
        Self { id, release: release.into(), by, at }
    }
}

impl From<Assignment> for AssignmentV1 {
    fn from(Assignment { number, release, by, at }: Assignment) -> Self {
        let request = match by {
            AssignedBy::Selection => None,
            AssignedBy::Request { id, by } => Some(RequesterV1 { id, by }),
        };
        Self { number, release: release.into(), request, at }
    }
}

impl From<AssignmentV1> for Assignment {
    fn from(AssignmentV1 { number, release, request, at }: AssignmentV1) -> Self {
        let by = request
            .map_or(AssignedBy::Selection, |RequesterV1 { id, by }| AssignedBy::Request { id, by });
        Self { number, release: release.into(), by, at }
    }
}

impl From<ServiceRecord> for ServiceV1 {
    fn from(record: ServiceRecord) -> Self {
        let ServiceRecord { generation, assignments, assigned, last_request, turns_begun, turns } =
            record;
        let assignments = assignments.into_values().map(AssignmentV1::from).collect();
        let turns = turns.into_iter().map(TurnsV1::from).collect();
        Self { generation, assignments, assigned, last_request, turns_begun, turns }
    }
}

impl From<ServiceV1> for ServiceRecord {
    fn from(stored: ServiceV1) -> Self {
        let ServiceV1 { generation, assignments, assigned, last_request, turns_begun, turns } =
            stored;
        let numbered = |stored: AssignmentV1| (stored.number, Assignment::from(stored));
        let assignments = assignments.into_iter().map(numbered).collect();
        let turns = turns.into_iter().map(TurnsV1::into_turns).collect();
        Self { generation, assignments, assigned, last_request, turns_begun, turns }
    }
}

impl From<(Place, Turns)> for TurnsV1 {
    fn from((place, turns): (Place, Turns)) -> Self {
        let Turns { number, given, had, waves_over, begun_anew } = turns;
        let of = |wanted: Turn| {
            let given = given.iter().filter(|(_, turn)| **turn == wanted);
            given.map(|(environment, _)| environment.clone()).collect()
        };
        let (given, failed) = (of(Turn::Given), of(Turn::Failed));
        Self { place, number, given, failed, had, waves_over, begun_anew }
    }
}

impl TurnsV1 {
    fn into_turns(self) -> (Place, Turns) {
        let Self { place, number, given, failed, had, waves_over, begun_anew } = self;
        let of = |turn| move |environment| (environment, turn);
        let given = given.into_iter().map(of(Turn::Given));
        let given = given.chain(failed.into_iter().map(of(Turn::Failed))).collect();
        (place, Turns { number, given, had, waves_over, begun_anew })
    }
}

impl From<TargetRecord> for TargetV1 {
    fn from(record: TargetRecord) -> Self {
        Self {
            generation: record.generation,
            deploys_begun: record.deploys_begun,
            deploy: record.deploy.map(DeployV1::from),
            standing: record.standing.map(StandingV1::from),
            last_seen: record.last_seen,
            quiet_since: record.quiet_since,
            had_turn: record.had_turn,
        }
    }
}

impl From<TargetV1> for TargetRecord {
    fn from(stored: TargetV1) -> Self {
        Self {
            generation: stored.generation,
            deploys_begun: stored.deploys_begun,
            deploy: stored.deploy.map(Deploy::from),
            standing: stored.standing.map(Standing::from),
            last_seen: stored.last_seen,
            quiet_since: stored.quiet_since,
            had_turn: stored.had_turn,
        }
    }
}

impl From<Deploy> for DeployV1 {
    fn from(deploy: Deploy) -> Self {
        let Deploy { id, assignment, from, cause, fingerprint, begun_at, .. } = deploy;
        let DeployId { target, number } = id;
        Self {
            id: DeployIdV1 { target, number },
            assignment: assignment.into(),
            from,
            cause,
            configuration: labels(&deploy.configuration),
            fingerprint,
            begun_at,
            progress: deploy.progress.into(),
        }
    }
}

impl From<DeployV1> for Deploy {
    fn from(stored: DeployV1) -> Self {
        let DeployV1 { id, assignment, from, cause, fingerprint, begun_at, .. } = stored;
        let DeployIdV1 { target, number } = id;
        Self {
            id: DeployId { target, number },
            assignment: assignment.into(),
            from,
            cause,
            configuration: configuration(&stored.configuration),
            fingerprint,
            begun_at,
            progress: stored.progress.into(),
        }
    }
}

/// The labels that a revision has of them: they leave nothing out, and take little room.
fn labels(configuration: &Configuration) -> BTreeMap<ContainerName, BTreeMap<String, String>> {
    let of_container = |sources| {
        let labels = to_labels(sources).into_iter();
        labels.filter_map(|(name, text)| Some((name.to_owned(), text?))).collect()
    };
    configuration.0.iter().map(|(name, sources)| (name.clone(), of_container(sources))).collect()
}

fn configuration(labels: &BTreeMap<ContainerName, BTreeMap<String, String>>) -> Configuration {
    let of_container = |labels: &BTreeMap<String, String>| {
        let label = |name: &str| labels.get(name).map(String::as_str);
        from_labels(label(PARAMETERS_LABEL), label(SECRETS_LABEL))
    };
    Configuration(
        labels.iter().map(|(name, labels)| (name.clone(), of_container(labels))).collect(),
    )
}

impl From<Progress> for ProgressV1 {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Begun => Self::Begun,
            Progress::Registered { revision } => Self::Registered { revision },
            Progress::Updated { revision, deployment, at } => {
                Self::Updated { revision, deployment, at }
            }
            Progress::Ended { revision, ending, at } => match ending {
                Ending::Succeeded => Self::Succeeded { revision, at },
                Ending::Failed { reason } => Self::Failed { revision, reason, at },
                Ending::Superseded => Self::Superseded { revision, at },
            },
        }
    }
}

impl From<ProgressV1> for Progress {
    fn from(stored: ProgressV1) -> Self {
        let (revision, ending, at) = match stored {
            ProgressV1::Begun => return Self::Begun,
            ProgressV1::Registered { revision } => return Self::Registered { revision },
            ProgressV1::Updated { revision, deployment, at } => {
                return Self::Updated { revision, deployment, at };
            }
            ProgressV1::Succeeded { revision, at } => (revision, Ending::Succeeded, at),
            ProgressV1::Failed { revision, reason, at } => {
                (revision, Ending::Failed { reason }, at)
            }
            ProgressV1::Superseded { revision, at } => (revision, Ending::Superseded, at),
        };
        Self::Ended { revision, ending, at }
    }
}

impl From<Standing> for StandingV1 {
    fn from(Standing { assignment, kind, code, sentence, since }: Standing) -> Self {
        let kind = match kind {
            StandingKind::Settled => KindV1::Settled,
            StandingKind::Waiting => KindV1::Waiting,
            StandingKind::Blocked => KindV1::Blocked,
        };
        Self { assignment, kind, code, sentence, since }
    }
}

impl From<StandingV1> for Standing {
    fn from(StandingV1 { assignment, kind, code, sentence, since }: StandingV1) -> Self {
        let kind = match kind {
            KindV1::Settled => StandingKind::Settled,
            KindV1::Waiting => StandingKind::Waiting,
            KindV1::Blocked => StandingKind::Blocked,
        };
        Self { assignment, kind, code, sentence, since }
    }
}
