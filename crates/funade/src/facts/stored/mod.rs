//! The stored form of the ledger's records: JSON with a version, apart from the types that the
//! decisions use, so that either can change without the other.
//!
//! A function must be able to read what the previous release of Funade wrote: fields are only
//! added, with defaults, or the version grows.

mod deploy;

mod notice;

mod message;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::deploy::{DeployV1, GoodV1};
use self::message::MessageV1;
use self::notice::NoticeV1;
use crate::facts::deploy::{Deploy, Good};
use crate::facts::finding::{About, Finding, FindingKind};
use crate::facts::hold::{Hold, Lifted};
use crate::facts::message::Message;
use crate::facts::names::{Digest, EnvironmentName, Place, RevisionArn, Tag};
use crate::facts::notice::Notice;
use crate::facts::record::{
    ServiceRecord, Standing, StandingKind, TargetRecord, ToldOfStanding, Turn, Turns,
};
use crate::facts::release::{AssignedBy, Assignment, Release, Request, RollbackRequest};
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
stored!(Deploy, DeployV1);
stored!(RollbackRequest, RollbackRequestV1);
stored!(Finding, FindingV1);
stored!(Notice, NoticeV1);
stored!(Message, MessageV1);

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
struct RollbackRequestV1 {
    id: String,
    to: GoodV1,
    by: String,
    reason: String,
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
    ended: Option<u64>,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    undone: Vec<DeployV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    standing: Option<StandingV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen: Option<RevisionArn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quiet_since: Option<Timestamp>,
    #[serde(default)]
    had_turn: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    good: Option<GoodV1>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_rollback: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    told: Option<ToldOfStandingV1>,
}

#[derive(Serialize, Deserialize)]
struct ToldOfStandingV1 {
    assignment: u64,
    codes: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct StandingV1 {
    assignment: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<Tag>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<Tag>,
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

#[derive(Serialize, Deserialize)]
struct FindingV1 {
    about: About,
    kind: FindingKind,
    sentence: String,
    next: String,
    since: Timestamp,
    is_open: bool,
}

impl From<Finding> for FindingV1 {
    fn from(Finding { about, kind, sentence, next, since, is_open }: Finding) -> Self {
        Self { about, kind, sentence, next, since, is_open }
    }
}

impl From<FindingV1> for Finding {
    fn from(FindingV1 { about, kind, sentence, next, since, is_open }: FindingV1) -> Self {
        Self { about, kind, sentence, next, since, is_open }
    }
}

impl From<Hold> for HoldV1 {
    fn from(Hold { on, release, reason, by, since, until, lifted }: Hold) -> Self {
        let lifted = lifted.map(|Lifted { by, at }| LiftedV1 { by, at });
        Self { on, release, reason, by, since, until, lifted }
    }
}

impl From<HoldV1> for Hold {
    fn from(HoldV1 { on, release, reason, by, since, until, lifted }: HoldV1) -> Self {
        let lifted = lifted.map(|LiftedV1 { by, at }| Lifted { by, at });
        Self { on, release, reason, by, since, until, lifted }
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

impl From<RollbackRequest> for RollbackRequestV1 {
    fn from(RollbackRequest { id, to, by, reason, at }: RollbackRequest) -> Self {
        Self { id, to: to.into(), by, reason, at }
    }
}

impl From<RollbackRequestV1> for RollbackRequest {
    fn from(RollbackRequestV1 { id, to, by, reason, at }: RollbackRequestV1) -> Self {
        Self { id, to: to.into(), by, reason, at }
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
        let ServiceRecord {
            generation,
            assignments,
            assigned,
            last_request,
            ended,
            turns_begun,
            turns,
        } = record;
        let assignments = assignments.into_values().map(AssignmentV1::from).collect();
        let turns = turns.into_iter().map(TurnsV1::from).collect();
        let ended = Some(ended);
        Self { generation, assignments, assigned, last_request, ended, turns_begun, turns }
    }
}

impl From<ServiceV1> for ServiceRecord {
    fn from(stored: ServiceV1) -> Self {
        let ServiceV1 {
            generation,
            assignments,
            assigned,
            last_request,
            ended,
            turns_begun,
            turns,
        } = stored;
        // Who kept no account of it told nothing; and an upgrade tells of nothing that is over.
        let newest = assignments.last().map_or(0, |newest| newest.number);
        let ended = ended.unwrap_or(newest);
        let numbered = |stored: AssignmentV1| (stored.number, Assignment::from(stored));
        let assignments = assignments.into_iter().map(numbered).collect();
        let turns = turns.into_iter().map(TurnsV1::into_turns).collect();
        Self { generation, assignments, assigned, last_request, ended, turns_begun, turns }
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
            undone: record.undone.into_iter().map(DeployV1::from).collect(),
            standing: record.standing.map(StandingV1::from),
            last_seen: record.last_seen,
            quiet_since: record.quiet_since,
            had_turn: record.had_turn,
            good: record.good.map(GoodV1::from),
            last_rollback: record.last_rollback,
            due: record.due,
            told: (!record.told.codes.is_empty()).then_some(ToldOfStandingV1 {
                assignment: record.told.assignment,
                codes: record.told.codes,
            }),
        }
    }
}

impl From<TargetV1> for TargetRecord {
    fn from(stored: TargetV1) -> Self {
        Self {
            generation: stored.generation,
            deploys_begun: stored.deploys_begun,
            deploy: stored.deploy.map(Deploy::from),
            undone: stored.undone.into_iter().map(Deploy::from).collect(),
            standing: stored.standing.map(Standing::from),
            last_seen: stored.last_seen,
            quiet_since: stored.quiet_since,
            had_turn: stored.had_turn,
            good: stored.good.map(Good::from),
            last_rollback: stored.last_rollback,
            due: stored.due,
            told: stored.told.map_or_else(ToldOfStanding::default, |told| {
                let ToldOfStandingV1 { assignment, codes } = told;
                ToldOfStanding { assignment, codes }
            }),
        }
    }
}

impl From<Standing> for StandingV1 {
    fn from(Standing { assignment, release, kind, code, sentence, since }: Standing) -> Self {
        let kind = match kind {
            StandingKind::Settled => KindV1::Settled,
            StandingKind::Waiting => KindV1::Waiting,
            StandingKind::Blocked => KindV1::Blocked,
        };
        Self { assignment, release, kind, code, sentence, since }
    }
}

impl From<StandingV1> for Standing {
    fn from(StandingV1 { assignment, release, kind, code, sentence, since }: StandingV1) -> Self {
        let kind = match kind {
            KindV1::Settled => StandingKind::Settled,
            KindV1::Waiting => StandingKind::Waiting,
            KindV1::Blocked => StandingKind::Blocked,
        };
        Self { assignment, release, kind, code, sentence, since }
    }
}
