//! One notice of each kind, which the snapshots and the documentation share.

use std::collections::{BTreeMap, BTreeSet};

use funade::config::{Config, SourceFile, Sources, check};
use funade::facts::cause::{Cause, Diagnosis, Trigger};
use funade::facts::configuration::Configuration;
use funade::facts::deploy::{Deploy, DeployId, Ending, GoingBack, Good, Phase, Progress, UndoneBy};
use funade::facts::finding::{About, Finding, FindingKind};
use funade::facts::hold::Hold;
use funade::facts::names::{DeploymentId, Digest, EnvironmentName, RevisionArn, Tag, TargetId};
use funade::facts::notice::{DeployTold, Notice, Told};
use funade::facts::record::{Standing, StandingKind};
use funade::facts::release::{AssignedBy, Assignment, Release};
use funade::facts::subject::Subject;
use jiff::{SignedDuration, Timestamp};

/// The environments and services that the examples are about; the routes come after it.
pub(crate) const FLEET: &str = r#"
registry: {account: "999999999999", region: ap-northeast-1}
environments:
  internal: {account: "111111111111", region: ap-northeast-1, cluster: internal, labels: {stage: canary}}
  acme: {account: "222222222222", region: ap-northeast-1, cluster: acme, labels: {stage: prod}}
  globex: {account: "555555555555", region: us-east-1, cluster: globex, labels: {stage: prod}}
"#;

const SERVICES: &str = r#"
service: order-api
image: {repository: shop/order-api, container: app, select: {semver: "^1"}}
environments: all
---
service: nightly-report
image: {repository: shop/nightly-report, container: report, select: {semver: "^1"}}
environments: [internal]
"#;

/// One route to each form.
pub(crate) const ROUTES: &str = r#"notices:
  - {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:mail"}}
  - {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:chat"}, format: amazon-q}
  - {to: {topic: "arn:aws:sns:ap-northeast-1:999999999999:machines"}, format: json}
  - {to: {webhook: "https://hooks.example.com/funade", key: funade/webhook}}
  - {to: {datadog: "https://api.datadoghq.eu/", key: funade/datadog}}
"#;

/// The fleet with some routes.
pub(crate) fn config(routes: &str) -> Config {
    let file = |path: &str, text: String| SourceFile { path: path.to_owned(), text };
    let files = [
        file("fleet.yaml", format!("{FLEET}{routes}")),
        file("services/all.yaml", SERVICES.to_owned()),
    ];
    let checked = check(&Sources::new(files));
    checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

/// A moment, in seconds after a Monday morning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-23T01:30:00Z".parse().expect("a moment");
    begin + SignedDuration::from_secs(seconds)
}

pub(crate) fn environment(text: &str) -> EnvironmentName {
    EnvironmentName::parse(text).expect("a name")
}

pub(crate) fn target(text: &str) -> TargetId {
    text.parse().expect("a target")
}

fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a tag")
}

fn revision(number: u64) -> RevisionArn {
    let family = "arn:aws:ecs:ap-northeast-1:222222222222:task-definition/acme-order-api";
    RevisionArn::parse(format!("{family}:{number}")).expect("an ARN")
}

pub(crate) fn assignment() -> Assignment {
    Assignment {
        number: 3,
        release: Release {
            tag: tag("1.4.3"),
            digest: Digest::parse(format!("sha256:78dde6e5{}", "0".repeat(56))).expect("a digest"),
            pushed_at: at(0),
            noted_at: at(1),
            cause: "13cde686-328b-6117-af20-0e5566167482".to_owned(),
        },
        by: AssignedBy::Selection,
        at: at(2),
    }
}

pub(crate) fn cause() -> Cause {
    Cause {
        trigger: Trigger::GivenUp,
        diagnosis: Diagnosis::ContainerExits,
        what: "ECS gave up: tasks failed to start.".to_owned(),
        tasks: vec!["app exited with code 78 (3 tasks)".to_owned()],
        messages: vec!["(service order-api) is unable to start tasks.".to_owned()],
    }
}

fn deploy(progress: Progress, phases: &[(Phase, i64)]) -> Deploy {
    Deploy {
        id: DeployId { target: target("acme/order-api"), number: 7 },
        assignment: assignment(),
        from: revision(12),
        cause: assignment().release.cause,
        configuration: Configuration(BTreeMap::new()),
        fingerprint: "f".to_owned(),
        disregards: BTreeSet::new(),
        attempt: 1,
        again: false,
        begun_at: at(10),
        progress,
        phases: phases.iter().map(|(phase, seconds)| (*phase, at(*seconds))).collect(),
    }
}

fn told(deploy: Deploy) -> DeployTold {
    let back_to = deploy.progress.undone().1.is_some().then(|| tag("1.4.2"));
    let before = Some(tag("1.4.2"));
    DeployTold { deploy: Box::new(deploy), in_rollout: false, before, back_to }
}

fn ended(ending: Ending, phases: &[(Phase, i64)]) -> DeployTold {
    let progress = Progress::Ended { revision: Some(revision(13)), ending, at: at(190) };
    told(deploy(progress, phases))
}

/// A deploy that has failed, of which this is known, and is being undone.
pub(crate) fn failed(cause: Cause) -> DeployTold {
    let good = Good { revision: revision(12), deploy: Some(6), release: Some(tag("1.4.2")) };
    let going = GoingBack {
        cause,
        by: UndoneBy::Ecs,
        leaves: revision(13),
        to: Some(good),
        since: at(110),
        asked_at: None,
    };
    let deployment = DeploymentId::parse("ecs-svc/2757582648257641111").expect("an id");
    let progress =
        Progress::GoingBack { revision: Some(revision(13)), deployment: Some(deployment), going };
    let phases = [(Phase::Starting, 10), (Phase::Deploying, 12), (Phase::RollingBack, 110)];
    told(deploy(progress, &phases))
}

/// How a target stands that needs a person.
pub(crate) fn standing(code: &str, kind: StandingKind, sentence: &str) -> Standing {
    Standing {
        assignment: 3,
        release: Some(tag("1.4.3")),
        kind,
        code: code.to_owned(),
        sentence: sentence.to_owned(),
        since: at(60),
    }
}

/// A hold of a target.
pub(crate) fn held(reason: &str) -> Told {
    let hold = Hold {
        on: Subject::Target(target("acme/order-api")),
        release: None,
        reason: reason.to_owned(),
        by: "dana".to_owned(),
        since: at(30),
        until: Some(at(30 + 4 * 3_600)),
        lifted: None,
    };
    let sentence = "1.4.3 waits, since dana holds acme/order-api";
    let standing = standing("held", StandingKind::Waiting, sentence);
    Told::Held { hold, standing, in_rollout: false }
}

pub(crate) fn finding(sentence: &str) -> Finding {
    Finding {
        about: About::Target(target("globex/order-api")),
        kind: FindingKind::Unhealthy,
        sentence: sentence.to_owned(),
        next: "give it more memory, or mend the image".to_owned(),
        since: at(600),
        is_open: true,
    }
}

pub(crate) fn notice(id: &str, seconds: i64, about: &str, told: Told) -> Notice {
    let about = about.parse().expect("something");
    Notice { id: id.to_owned(), at: at(seconds), about, told }
}

/// One notice of each kind, in the order of the kinds.
pub(crate) fn all() -> Vec<Notice> {
    let (service, acme, globex) = ("order-api", "acme/order-api", "globex/order-api");
    let started = told(deploy(Progress::Begun, &[(Phase::Starting, 10)]));
    let good = [Phase::Starting, Phase::Deploying, Phase::Verifying, Phase::Succeeded].into_iter();
    let good: Vec<(Phase, i64)> = good.zip([10, 12, 100, 400]).collect();
    let bad = [(Phase::Starting, 10), (Phase::Deploying, 12), (Phase::RollingBack, 110)];
    let back = [&bad[..], &[(Phase::RolledBack, 190)]].concat();
    let rolled_back = Ending::RolledBack { cause: cause(), by: UndoneBy::Ecs, to: revision(12) };
    let over = [(Phase::Starting, 10), (Phase::Deploying, 12), (Phase::Superseded, 90)];
    let assigned =
        Told::ReleaseAssigned { assignment: assignment(), before: Some(tag("1.4.2")), targets: 3 };
    let why = "ECS rolled back deploy acme/order-api/7 of 1.4.3: a container exits".to_owned();
    let rollout = Told::RolloutEnded {
        assignment: assignment(),
        succeeded: vec![environment("internal"), environment("globex")],
        failed: vec![(environment("acme"), why)],
        took: SignedDuration::from_secs(724),
        superseded: None,
    };
    let sentence = "the registry has no image shop/order-api:1.4.3; push it, or deploy another";
    let blocked = standing("image-deleted", StandingKind::Blocked, sentence);
    let unhealthy = || finding("1 of 3 tasks run; the last: app exited with code 137");
    vec![
        notice("service/order-api/9/release-assigned", 2, service, assigned),
        notice("service/order-api/12/rollout-ended", 726, service, rollout),
        notice("target/acme/order-api/20/started", 10, acme, Told::DeployStarted(started)),
        notice(
            "target/acme/order-api/24/deploy",
            400,
            acme,
            Told::DeploySucceeded(ended(Ending::Succeeded, &good)),
        ),
        notice("target/acme/order-api/22/deploy", 110, acme, Told::DeployFailed(failed(cause()))),
        notice(
            "target/acme/order-api/23/deploy",
            190,
            acme,
            Told::RolledBack(ended(rolled_back, &back)),
        ),
        notice(
            "target/acme/order-api/22/closed",
            90,
            acme,
            Told::Superseded(ended(Ending::Superseded, &over)),
        ),
        notice("target/acme/order-api/21/stands", 40, acme, held("the flash sale of tonight")),
        notice("target/acme/order-api/21/stands", 60, acme, Told::Blocked { standing: blocked }),
        notice(
            "finding/globex/order-api/unhealthy/1795398000000/opened",
            900,
            globex,
            Told::FindingOpened(unhealthy()),
        ),
        notice(
            "finding/globex/order-api/unhealthy/1795398000000/closed",
            2_400,
            globex,
            Told::FindingClosed(unhealthy()),
        ),
    ]
}
