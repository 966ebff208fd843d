//! Facts that the tests of what is shown share: one target's deploys, as the ledger has them.

use std::collections::{BTreeMap, BTreeSet};

use funade::facts::cause::{Cause, Diagnosis, Trigger};
use funade::facts::configuration::{Configuration, Source};
use funade::facts::deploy::{Deploy, DeployId, Ending, GoingBack, Good, Phase, Progress, UndoneBy};
use funade::facts::names::{ContainerName, DeploymentId, Digest, RevisionArn, Tag, TargetId};
use funade::facts::parameter::{ParameterName, VariableName};
use funade::facts::release::{AssignedBy, Assignment, Release};
use jiff::{SignedDuration, Timestamp};

/// A moment, in seconds after a Monday morning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-23T01:30:00Z".parse().expect("a moment");
    begin + SignedDuration::from_secs(seconds)
}

pub(crate) fn target() -> TargetId {
    "acme/order-api".parse().expect("a target")
}

pub(crate) fn revision(number: u64) -> RevisionArn {
    let family = "arn:aws:ecs:ap-northeast-1:222222222222:task-definition/acme-order-api";
    RevisionArn::parse(format!("{family}:{number}")).expect("an ARN")
}

pub(crate) fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a tag")
}

pub(crate) fn release(text: &str) -> Release {
    let sum: u64 = text.bytes().fold(0, |sum, byte| sum * 31 + u64::from(byte));
    let digest = format!("sha256:{sum:0<64x}");
    Release {
        tag: tag(text),
        digest: Digest::parse(digest).expect("64 digits"),
        pushed_at: at(0),
        noted_at: at(1),
        cause: format!("push-of-{text}"),
    }
}

pub(crate) fn assignment(number: u64, text: &str) -> Assignment {
    let (release, by) = (release(text), AssignedBy::Selection);
    Assignment { number, release, by, at: at(2) }
}

pub(crate) fn good() -> Good {
    Good { revision: revision(12), deploy: Some(6), release: Some(tag("1.4.2")) }
}

/// Why the bad image failed.
pub(crate) fn cause() -> Cause {
    Cause {
        trigger: Trigger::GivenUp,
        diagnosis: Diagnosis::ContainerExits,
        what: "ECS gave up: tasks failed to start.".to_owned(),
        tasks: vec!["app exited with code 78 (3 tasks)".to_owned()],
        messages: vec!["(service order-api) is unable to start tasks.".to_owned()],
    }
}

/// What a person wants, as a cause.
pub(crate) fn unwanted() -> Cause {
    Cause {
        trigger: Trigger::Person,
        diagnosis: Diagnosis::Unwanted,
        what: "dana rolled it back: orders are lost".to_owned(),
        tasks: Vec::new(),
        messages: Vec::new(),
    }
}

/// The seventh deploy, of 1.4.3, with the phases that it has gone through, in seconds.
pub(crate) fn deploy(progress: Progress, phases: &[(Phase, i64)]) -> Deploy {
    let source = Source::Parameter {
        name: ParameterName::parse("/acme/order-api/LOG_LEVEL").expect("a name"),
        version: 3,
        written_at: None,
    };
    let variable = VariableName::parse("LOG_LEVEL").expect("a name");
    let container = ContainerName::parse("app").expect("a name");
    let sources = BTreeMap::from([(variable, source)]);
    Deploy {
        id: DeployId { target: target(), number: 7 },
        assignment: assignment(3, "1.4.3"),
        attempt: 1,
        again: false,
        from: revision(12),
        cause: "push-of-1.4.3".to_owned(),
        configuration: Configuration(BTreeMap::from([(container, sources)])),
        fingerprint: "f".to_owned(),
        disregards: BTreeSet::new(),
        begun_at: at(10),
        progress,
        phases: phases.iter().map(|(phase, seconds)| (*phase, at(*seconds))).collect(),
    }
}

pub(crate) fn deploying() -> Deploy {
    let deployment = DeploymentId::parse("ecs-svc/1").expect("an id");
    let progress =
        Progress::Updated { revision: revision(13), deployment: Some(deployment), at: at(13) };
    deploy(progress, &[(Phase::Starting, 10), (Phase::Deploying, 13)])
}

pub(crate) fn going_back() -> Deploy {
    let going = GoingBack {
        cause: unwanted(),
        by: UndoneBy::Person("dana".to_owned()),
        leaves: revision(13),
        to: Some(good()),
        since: at(100),
        asked_at: None,
    };
    let (revision, deployment) = (Some(revision(13)), None);
    deploy(
        Progress::GoingBack { revision, deployment, going },
        &[(Phase::Starting, 10), (Phase::Deploying, 13), (Phase::RollingBack, 100)],
    )
}

pub(crate) fn ended(ending: Ending, last: Phase) -> Deploy {
    let progress = Progress::Ended { revision: Some(revision(13)), ending, at: at(200) };
    deploy(progress, &[(Phase::Starting, 10), (Phase::Deploying, 13), (last, 200)])
}

pub(crate) fn rolled_back() -> Deploy {
    let ending = Ending::RolledBack { cause: cause(), by: UndoneBy::Ecs, to: revision(12) };
    ended(ending, Phase::RolledBack)
}
