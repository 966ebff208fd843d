//! A made-up fleet, through the core's public types: the example and the tests share it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use funade::config::{Config, SourceFile, Sources, check};
use funade::facts::cause::{Cause, Diagnosis, Trigger};
use funade::facts::configuration::Configuration;
use funade::facts::deploy::{Deploy, DeployId, Ending, Phase, Progress, UndoneBy};
use funade::facts::finding::{About, Finding, FindingKind};
use funade::facts::names::{Digest, RevisionArn, Tag, TargetId};
use funade::facts::record::{Standing, StandingKind, TargetRecord};
use funade::facts::release::{AssignedBy, Assignment, Release};
use funade::shell::{ServiceStatus, TargetState};
use funade_report::{Fleet, State};
use jiff::{SignedDuration, Timestamp};

/// What ends every text that a person or AWS has written here: it must stay text.
pub(crate) const HOSTILE: &str = "</script><img src=x onerror=alert(1)> & \"'\u{2028}";

/// How many environments there are for each service, about: fleets are long rather than wide.
const ENVIRONMENTS_PER_SERVICE: usize = 5;

const NAMES: [&str; 10] = [
    "order-api",
    "storefront",
    "billing",
    "catalog",
    "search",
    "nightly-report",
    "identity",
    "notifications",
    "payments-gateway",
    "stock",
];

/// The states of a large fleet, most of which is well.
const TROUBLE: [State; 7] = [
    State::Deploying,
    State::Finding,
    State::Waiting,
    State::Blocked,
    State::RolledBack,
    State::Failed,
    State::Unknown,
];

/// A fleet that is all made up.
pub(crate) struct Sample {
    config: Config,
    services: Vec<ServiceStatus>,
    findings: Vec<Finding>,
    history: BTreeMap<TargetId, Vec<Deploy>>,
}

/// A moment, in seconds after a Monday morning.
fn at(seconds: i64) -> Timestamp {
    let begin: Timestamp = "2026-11-23T01:30:00Z".parse().expect("a moment");
    begin + SignedDuration::from_secs(seconds)
}

impl Sample {
    /// A fleet of so many targets, with so many deploys of each that has any.
    pub(crate) fn new(targets: usize, deploys: u64) -> Self {
        let config = config(targets);
        let mut sample =
            Self { config, services: Vec::new(), findings: Vec::new(), history: BTreeMap::new() };
        let mut index = 0;
        for service in sample.config.services.values() {
            let mut status = ServiceStatus { service: service.name.clone(), targets: Vec::new() };
            for target in service.targets.values() {
                let made = Made { id: target.id.clone(), state: nth(index, targets), index };
                sample.findings.extend(made.finding());
                let history = made.history(deploys);
                status.targets.push(made.target(history.first()));
                sample.history.insert(target.id.clone(), history);
                index += 1;
            }
            sample.services.push(status);
        }
        sample.findings.extend(about_many(&sample.config, targets));
        sample
    }

    /// As it is shown.
    pub(crate) fn fleet(&self) -> Fleet<'_> {
        Fleet {
            generated_at: at(0),
            config_version: 12,
            config: &self.config,
            services: &self.services,
            findings: &self.findings,
            history: &self.history,
        }
    }
}

fn nth(index: usize, targets: usize) -> State {
    let trouble = |index: usize| TROUBLE[index % TROUBLE.len()];
    // Few targets show much; many are mostly well, with what is not spread over them.
    if targets <= 100 {
        return if index.is_multiple_of(2) { State::Ok } else { trouble(index / 2) };
    }
    if index % 23 == 7 { trouble(index / 23) } else { State::Ok }
}

fn config(targets: usize) -> Config {
    let mut services = 1;
    while services * services * ENVIRONMENTS_PER_SERVICE < targets {
        services += 1;
    }
    let environments = targets.div_ceil(services);
    let mut fleet =
        "registry: {account: \"999999999999\", region: ap-northeast-1}\nenvironments:\n".to_owned();
    for number in 1..=environments {
        let stage = if number == 1 { "canary" } else { "prod" };
        let region = if number % 4 == 0 { "us-east-1" } else { "ap-northeast-1" };
        writeln!(
            fleet,
            "  tenant-{number:03}: {{account: \"{number:012}\", region: {region}, cluster: main, \
             labels: {{stage: {stage}}}}}"
        )
        .expect("a text takes all");
    }
    fleet.push_str("waves:\n  - {name: canary, select: {stage: canary}, bake: 30m}\n");
    if environments > 1 {
        fleet.push_str("  - {name: rest, select: all}\n");
    }
    let mut files = vec![SourceFile { path: "fleet.yaml".to_owned(), text: fleet }];
    for number in 0..services {
        // The last service has what is left, so that the matrix has holes.
        let left = targets - number * environments;
        let chosen: Vec<String> =
            (1..=left.min(environments)).map(|number| format!("tenant-{number:03}")).collect();
        let name = match number / NAMES.len() {
            0 => NAMES[number].to_owned(),
            round => format!("{}-{}", NAMES[number % NAMES.len()], round + 1),
        };
        let text = format!(
            "service: {name}\nimage: {{repository: shop/{name}, container: app, select: {{semver: \
             \">=1\"}}}}\nenvironments: [{}]\n",
            chosen.join(", ")
        );
        files.push(SourceFile { path: format!("services/{name}.yaml"), text });
    }
    let checked = check(&Sources::new(files));
    checked.config.unwrap_or_else(|| panic!("the sample's files are right: {:?}", checked.problems))
}

/// What is found about a service and a place; a small fleet has none of it.
fn about_many(config: &Config, targets: usize) -> Vec<Finding> {
    let service = config.services.keys().next().expect("there is a service").clone();
    let place = config.environments.values().next_back().expect("there is one").place.clone();
    let found = [
        (
            About::Service(service),
            FindingKind::MissedImage,
            "the registry has had 1.5.0 for 3h, and no event told of it",
            "see that the rule for pushes is there and enabled",
        ),
        (
            About::Place(place),
            FindingKind::Unreachable,
            "the role funade-member cannot be assumed: AccessDenied",
            "see that member.yaml is deployed in that account",
        ),
    ];
    let found = found.into_iter().map(|(about, kind, sentence, next)| Finding {
        about,
        kind,
        sentence: format!("{sentence} {HOSTILE}"),
        next: next.to_owned(),
        since: at(-10_800),
        is_open: true,
    });
    found.filter(|_| targets > 10).collect()
}

/// A target in the making.
struct Made {
    id: TargetId,
    state: State,
    index: usize,
}

impl Made {
    fn revision(&self, number: u64) -> RevisionArn {
        let TargetId { environment, service } = &self.id;
        let family = "arn:aws:ecs:ap-northeast-1:222222222222:task-definition";
        RevisionArn::parse(format!("{family}/{environment}-{service}:{number}")).expect("an ARN")
    }

    fn assignment(&self, number: u64) -> Assignment {
        let index = self.index as u64;
        let by = match index % 3 {
            0 => AssignedBy::Request { id: format!("request-{number}"), by: "dana".to_owned() },
            _ => AssignedBy::Selection,
        };
        let release = Release {
            tag: Tag::parse(format!("1.{}.{number}", 4 + index % 4)).expect("a tag"),
            digest: Digest::parse(format!("sha256:{number:064x}")).expect("64 digits"),
            pushed_at: at(-7_200),
            noted_at: at(-7_199),
            cause: format!("push-{number}"),
        };
        Assignment { number, release, by, at: at(-7_100) }
    }

    /// The deploys from the `number`th down, the newest as the state wants it.
    fn history(&self, deploys: u64) -> Vec<Deploy> {
        if self.state == State::Unknown {
            return Vec::new();
        }
        let newest = if self.state == State::Ok && deploys > 0 { deploys } else { deploys.max(1) };
        (1..=newest).rev().map(|number| self.deploy(number, number == newest)).collect()
    }

    fn deploy(&self, number: u64, newest: bool) -> Deploy {
        let assignment = self.assignment(number);
        let cause = match &assignment.by {
            AssignedBy::Request { id, .. } => id.clone(),
            AssignedBy::Selection => assignment.release.cause.clone(),
        };
        let ago = if newest { 100 } else { 86_400 * (40 - number.cast_signed()) };
        let (progress, last) =
            if newest { self.newest(number) } else { self.ended(number, Ending::Succeeded) };
        let mut phases = vec![(Phase::Starting, at(-ago)), (Phase::Deploying, at(3 - ago))];
        if last != Phase::Deploying {
            phases.push((last, at(93 - ago)));
        }
        Deploy {
            id: DeployId { target: self.id.clone(), number },
            assignment,
            from: self.revision(number - 1),
            cause,
            configuration: Configuration::default(),
            fingerprint: String::new(),
            disregards: BTreeSet::new(),
            attempt: 1,
            again: false,
            begun_at: at(-ago),
            progress,
            phases,
        }
    }

    fn ended(&self, number: u64, ending: Ending) -> (Progress, Phase) {
        let phase = match &ending {
            Ending::Succeeded => Phase::Succeeded,
            Ending::Failed { .. } => Phase::TimedOut,
            Ending::RolledBack { .. } => Phase::RolledBack,
            Ending::Superseded | Ending::Replaced { .. } => Phase::Superseded,
        };
        let revision = Some(self.revision(number));
        (Progress::Ended { revision, ending, at: at(-7) }, phase)
    }

    fn newest(&self, number: u64) -> (Progress, Phase) {
        let cause = |trigger, diagnosis| Cause {
            trigger,
            diagnosis,
            what: format!("ECS gave up: tasks failed to start {HOSTILE}"),
            tasks: Vec::new(),
            messages: Vec::new(),
        };
        match self.state {
            State::Deploying => {
                let (revision, at) = (self.revision(number), at(-97));
                (Progress::Updated { revision, deployment: None, at }, Phase::Deploying)
            }
            State::RolledBack => {
                let cause = cause(Trigger::GivenUp, Diagnosis::ContainerExits);
                let (by, to) = (UndoneBy::Ecs, self.revision(number - 1));
                self.ended(number, Ending::RolledBack { cause, by, to })
            }
            State::Failed => {
                let cause = cause(Trigger::Deadline, Diagnosis::Deadline);
                let stays = "`rollback` says manual".to_owned();
                self.ended(number, Ending::Failed { cause, stays })
            }
            State::Ok | State::Finding | State::Waiting | State::Blocked | State::Unknown => {
                self.ended(number, Ending::Succeeded)
            }
        }
    }

    fn target(&self, newest: Option<&Deploy>) -> TargetState {
        let newest_number = newest.map_or(1, |deploy| deploy.id.number);
        // What was rolled back runs its elder again, as what is being replaced still does.
        let runs = match self.state {
            State::RolledBack | State::Deploying => newest_number.saturating_sub(1),
            State::Ok
            | State::Finding
            | State::Waiting
            | State::Blocked
            | State::Failed
            | State::Unknown => newest_number,
        };
        let looked_at = self.state != State::Unknown;
        let record = TargetRecord {
            generation: 7,
            deploys_begun: newest_number,
            deploy: newest.cloned(),
            standing: self.standing(newest_number),
            last_seen: looked_at.then(|| self.revision(runs)),
            ..TargetRecord::default()
        };
        TargetState { id: self.id.clone(), assigned: Some(self.assignment(newest_number)), record }
    }

    fn standing(&self, number: u64) -> Option<Standing> {
        let Assignment { release: Release { tag, .. }, .. } = self.assignment(number);
        let Self { id, .. } = self;
        let (kind, code, sentence) = match self.state {
            State::Unknown => return None,
            State::Ok | State::Finding => {
                let sentence = format!("it runs {tag} as {}", self.revision(number).short());
                (StandingKind::Settled, "already-runs", sentence)
            }
            State::Deploying => {
                let sentence = format!("deploy {id}/{number} of {tag} is under way");
                (StandingKind::Waiting, "in-progress", sentence)
            }
            State::Waiting => {
                let sentence = "something that it reads was changed; it is deployed once there \
                                has been no further change for 1m";
                (StandingKind::Waiting, "quiet-period", sentence.to_owned())
            }
            State::Blocked => {
                let sentence = format!("dana holds it: a migration runs {HOSTILE}");
                (StandingKind::Blocked, "held", sentence)
            }
            State::RolledBack => {
                let sentence = format!(
                    "ECS rolled back deploy {id}/{number} of {tag}: a container exits; push a \
                     newer release"
                );
                (StandingKind::Blocked, "rolled-back", sentence)
            }
            State::Failed => {
                let sentence = format!("deploy {id}/{number} of {tag} failed: it took too long");
                (StandingKind::Blocked, "deploy-failed", sentence)
            }
        };
        let (code, since) = (code.to_owned(), at(-7_500));
        let (assignment, release) = (number, Some(tag));
        Some(Standing { assignment, release, kind, code, sentence, since })
    }

    fn finding(&self) -> Option<Finding> {
        let Self { id: TargetId { environment, service }, state, index } = self;
        let runs = self.revision(20);
        let (kind, sentence, next) = match state {
            State::Finding if index.is_multiple_of(2) => (
                FindingKind::NoBrake,
                format!("nothing stops a bad deployment of {service} in {environment}"),
                "turn on the circuit breaker, or name alarms under `verify`",
            ),
            State::Finding => (
                FindingKind::ChangedByHand,
                format!("{} runs, which Funade has not brought {HOSTILE}", runs.short()),
                "deploy a newer release, or take the change over into the task definition",
            ),
            State::Blocked => (
                FindingKind::Blocked,
                format!("{service} in {environment} has needed a person for 2h 5m"),
                "lift the hold, or say until when it stands",
            ),
            State::Ok if index.is_multiple_of(40) => (
                FindingKind::MutableTag,
                "its container `envoy` is named by the tag `latest`, which may be moved".to_owned(),
                "name it by its digest",
            ),
            State::Ok
            | State::Deploying
            | State::Waiting
            | State::RolledBack
            | State::Failed
            | State::Unknown => return None,
        };
        let (about, next) = (About::Target(self.id.clone()), next.to_owned());
        Some(Finding { about, kind, sentence, next, since: at(-7_500), is_open: true })
    }
}
