//! What holds of every plan, whatever the record says and ECS shows.

use std::collections::{BTreeMap, BTreeSet};

use funade::decisions::observation::{Observation, WayBack};
use funade::decisions::plan::{NewRevision, Plan, Step, plan};
use funade::decisions::variables::{fingerprint, variables};
use funade::facts::cause::{Cause, Diagnosis, Trigger};
use funade::facts::configuration::Configuration;
use funade::facts::deploy::{Deploy, DeployId, Ending, GoingBack, Good, Phase, Progress, UndoneBy};
use funade::facts::ecs::{
    AlarmState, Controller, Deployment, DeploymentStatus, EcsService, RolloutState,
    ServiceDeployment, ServiceDeploymentStatus,
};
use funade::facts::names::{DeploymentId, RevisionArn, ServiceDeploymentArn};
use funade::facts::parameter::{Change, Parameter, ParameterName, ParameterValue, Stores};
use funade::facts::record::{TargetRecord, ToldOfStanding, Turn, TurnsForTarget};
use funade::facts::release::{AssignedBy, Assignment, Release};
use funade::facts::task_definition::{Document, Revision};
use funade_tests::{digest, example_config, properties, tag};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::json;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn revision(number: u8) -> RevisionArn {
    let arn = format!("arn:aws:ecs:ap-northeast-1:222222222222:task-definition/order-api:{number}");
    RevisionArn::parse(arn).expect("well-formed")
}

fn deployment_id(number: u8) -> DeploymentId {
    DeploymentId::parse(format!("ecs-svc/{number}")).expect("well-formed")
}

fn assignment(number: u64, by_person: bool) -> Assignment {
    let by = if by_person {
        AssignedBy::Request { id: "request".to_owned(), by: "dana".to_owned() }
    } else {
        AssignedBy::Selection
    };
    let (pushed_at, noted_at) = (NOW, NOW);
    let cause = "a test".to_owned();
    let release = Release { tag: tag("1.4.2"), digest: digest(2), pushed_at, noted_at, cause };
    Assignment { number, release, by, at: NOW }
}

fn rollouts() -> impl Strategy<Value = RolloutState> {
    prop::sample::select(vec![
        RolloutState::InProgress,
        RolloutState::Completed,
        RolloutState::Failed,
    ])
}

/// A PRIMARY and up to two older deployments, of revisions 1 to 4.
fn deployments() -> impl Strategy<Value = Vec<Deployment>> {
    prop::collection::vec((1..5_u8, rollouts()), 0..4).prop_map(|shown| {
        let numbered = shown.into_iter().zip(1..);
        numbered
            .map(|((number, rollout), id)| Deployment {
                id: deployment_id(id),
                status: if id == 1 { DeploymentStatus::Primary } else { DeploymentStatus::Active },
                revision: revision(number),
                rollout,
                reason: None,
                updated_at: None,
            })
            .collect()
    })
}

fn services() -> impl Strategy<Value = Option<EcsService>> {
    let statuses = prop::sample::select(vec!["ACTIVE", "ACTIVE", "ACTIVE", "DRAINING", "INACTIVE"]);
    let controllers = prop::sample::select(vec![
        Controller::Ecs,
        Controller::Ecs,
        Controller::Other("EXTERNAL".to_owned()),
    ]);
    prop::option::weighted(
        0.95,
        (statuses, controllers, deployments()).prop_map(|(status, controller, deployments)| {
            let (strategy_waits, messages) = (SignedDuration::ZERO, Vec::new());
            let status = status.to_owned();
            EcsService {
                status,
                controller,
                deployments,
                strategy_waits,
                messages,
                desired_count: 2,
                running_count: 2,
                has_brake: true,
            }
        }),
    )
}

fn cause() -> Cause {
    Cause {
        trigger: Trigger::GivenUp,
        diagnosis: Diagnosis::Unknown,
        what: "x".to_owned(),
        tasks: Vec::new(),
        messages: Vec::new(),
    }
}

/// ECS's history: some revisions, the newest first.
fn histories() -> impl Strategy<Value = Vec<ServiceDeployment>> {
    let statuses = prop::sample::select(vec![
        ServiceDeploymentStatus::InProgress,
        ServiceDeploymentStatus::Successful,
        ServiceDeploymentStatus::Stopped,
        ServiceDeploymentStatus::RollingBack,
        ServiceDeploymentStatus::RolledBack,
        ServiceDeploymentStatus::RollbackFailed,
    ]);
    prop::collection::vec((1..5_u8, statuses), 0..3).prop_map(|entries| {
        let numbered = entries.into_iter().zip(1..);
        let entry = |((number, status), id): ((u8, _), i32)| {
            let arn = format!("arn:aws:ecs:x:222222222222:service-deployment/acme/web/{id}");
            ServiceDeployment {
                arn: ServiceDeploymentArn::parse(arn).expect("well-formed"),
                revision: revision(number),
                status,
                reason: None,
                began_at: NOW,
                alarms: Vec::new(),
            }
        };
        numbered.map(entry).collect()
    })
}

fn progresses() -> impl Strategy<Value = Progress> {
    let endings = prop::sample::select(vec![
        Ending::Succeeded,
        Ending::Superseded,
        Ending::Failed { cause: cause(), stays: "x".to_owned() },
        Ending::RolledBack { cause: cause(), by: UndoneBy::Ecs, to: revision(1) },
        Ending::Replaced { by: revision(2) },
    ]);
    let going =
        (1..5_u8, prop::option::of(1..5_u8), any::<bool>()).prop_map(|(leaves, to, asked)| {
            let to = to.map(|to| Good { revision: revision(to), deploy: None, release: None });
            let by = if to.is_some() { UndoneBy::Funade } else { UndoneBy::Ecs };
            let (leaves, asked_at) = (revision(leaves), asked.then_some(NOW));
            GoingBack { cause: cause(), by, leaves, to, since: NOW, asked_at }
        });
    let known = (1..5_u8, 1..5_u8).prop_map(|(r, d)| (revision(r), deployment_id(d)));
    prop_oneof![
        Just(Progress::Begun),
        known.clone().prop_map(|(revision, _)| Progress::Registered {
            revision,
            at: NOW - SignedDuration::from_mins(5)
        }),
        known.clone().prop_map(|(revision, deployment)| Progress::Updated {
            revision,
            deployment: Some(deployment),
            at: NOW
        }),
        known.prop_map(|(revision, deployment)| Progress::Completed {
            revision,
            deployment: Some(deployment),
            at: NOW
        }),
        going.prop_map(|going| {
            let revision = Some(going.leaves.clone());
            Progress::GoingBack { revision, deployment: Some(deployment_id(1)), going }
        }),
        (endings, prop::option::of((1..5_u8).prop_map(revision)))
            .prop_map(|(ending, revision)| Progress::Ended { revision, ending, at: NOW }),
    ]
}

prop_compose! {
    fn records()(
        deploy in prop::option::of((progresses(), 1..3_u64, 1..5_u8)),
        begun in 1..9_u64,
        good in prop::option::of(1..5_u8),
    ) -> TargetRecord {
        let target = example_target();
        TargetRecord {
            generation: 3,
            deploys_begun: begun,
            deploy: deploy.map(|(progress, number, from)| Deploy {
                id: DeployId { target: target.id, number: begun },
                assignment: assignment(number, false),
                from: revision(from),
                cause: "a test".to_owned(),
                configuration: Configuration::default(),
                fingerprint: String::new(),
                disregards: BTreeSet::new(),
                attempt: 1,
                again: false,
                begun_at: NOW,
                progress,
                phases: vec![(Phase::Starting, NOW)],
            }),
            undone: Vec::new(),
            standing: None,
            last_seen: None,
            quiet_since: None,
            had_turn: 0,
            good: good.map(|good| Good { revision: revision(good), deploy: None, release: None }),
            last_rollback: None,
            due: None,
            told: ToldOfStanding::default(),
        }
    }
}

prop_compose! {
    fn observations()(
        service in services(),
        image in prop::sample::select(vec![":1.4.0", ":1.9.0", "@wanted", ":latest"]),
        image_present in any::<bool>(),
        registered in prop::option::of((1..5_u8).prop_map(revision)),
        deployments in histories(),
        alarm in prop::option::weighted(0.9, prop::sample::select(vec![
            AlarmState::Quiet, AlarmState::Quiet, AlarmState::Raised,
        ])),
        way in any::<(bool, bool)>(),
        ours in stores(),
        there in stores(),
        changed_ago in prop::option::of(0..120_i64),
        turns in prop::option::of(turns()),
    ) -> Observation {
        let primary = service.as_ref().and_then(EcsService::primary);
        let running = primary.map(|primary| running(&primary.revision, image, &ours));
        let changed = changed_ago.map(|seconds| Change {
            at: NOW - SignedDuration::from_secs(seconds),
            cause: "a test".to_owned(),
        });
        let stores = Some(there);
        let alarms = example_target().verify.alarms;
        let alarms = alarm.map(|alarm| (alarms[0].clone(), alarm)).into_iter().collect();
        Observation {
            running,
            service,
            image_present,
            registered,
            deployments: Some(deployments),
            alarms: Some(alarms),
            stopped: Some(Vec::new()),
            stopped_unread: None,
            way_back: Some(WayBack { active: way.0, image_present: way.1 }),
            stores,
            changed,
            hold: None,
            let_again: None,
            lifted_at: None,
            turns,
            rollback: None,
        }
    }
}

fn turns() -> impl Strategy<Value = TurnsForTarget> {
    let turn = prop::option::of(prop::sample::select(vec![Turn::Given, Turn::Failed]));
    (1..3_u64, turn, any::<bool>()).prop_map(|(number, turn, had)| {
        let had = had && turn.is_none();
        TurnsForTarget { number, turn, had, failed: Vec::new() }
    })
}

/// What the target's path may hold: nothing, texts, secrets, names that are no variable's.
fn stores() -> impl Strategy<Value = Stores> {
    let name = prop::sample::select(vec!["LOG_LEVEL", "DB_PASSWORD", "log-level"]);
    let value = prop::sample::select(vec![
        ParameterValue::Plain("info".to_owned()),
        ParameterValue::Plain("debug".to_owned()),
        ParameterValue::Secure,
    ]);
    prop::collection::vec((name, value, 1..4_u64), 0..4).prop_map(|found| {
        let target = example_target();
        let path = target.parameters[0].path.clone();
        let parameter = |(name, value, version): (&str, ParameterValue, u64)| {
            let name = ParameterName::parse(format!("{path}{name}")).expect("well-formed");
            let arn = format!("arn:aws:ssm:ap-northeast-1:222222222222:parameter{name}");
            (name.clone(), Parameter { name, arn, version, written_at: NOW, value })
        };
        let parameters = found.into_iter().map(parameter).collect();
        Stores { paths: BTreeMap::from([(path.clone(), parameters)]), secrets: BTreeMap::new() }
    })
}

fn example_target() -> funade::config::Target {
    let id = "acme/order-api".parse().expect("well-formed");
    thread_local! {
        static CONFIG: funade::config::Config = example_config();
    }
    CONFIG.with(|config| config.target(&id).expect("it is in the example").clone())
}

/// A revision with this image and with variables of ours, if the names allow that.
fn running(arn: &RevisionArn, image: &str, ours: &Stores) -> Revision {
    let repository = "999999999999.dkr.ecr.ap-northeast-1.amazonaws.com/shop/order-api";
    let image = image.replace("@wanted", &format!("@{}", digest(2)));
    let document = json!({
        "family": "order-api",
        "executionRoleArn": "arn:aws:iam::222222222222:role/execution",
        "containerDefinitions": [{"name": "app", "image": format!("{repository}{image}")}],
    });
    let document = Document::parse(document).expect("a task definition");
    let document = document.with_variables(&variables(&example_target(), ours).variables);
    Revision {
        arn: arn.clone(),
        document,
        tags: BTreeMap::new(),
        active: true,
        registered_by: None,
    }
}

fn planned(record: &TargetRecord, observed: &Observation, by_person: bool) -> Plan {
    let planned = plan(&example_target(), Some(&assignment(2, by_person)), record, observed, NOW);
    planned.expect("it lacks nothing")
}

proptest! {
    #![proptest_config(properties(2_000))]

    /// Invariant 1: one `UpdateService` per deploy, and it comes last.
    #[test]
    fn a_plan_updates_at_most_once_and_last(record in records(), observed in observations()) {
        let steps = planned(&record, &observed, false).steps;
        let updates: Vec<usize> = (0..steps.len())
            .filter(|index| {
                matches!(steps[*index], Step::Update(_) | Step::UpdateBack(_) | Step::RollBack(_))
            })
            .collect();
        prop_assert!(updates.is_empty() || updates == vec![steps.len() - 1], "{steps:?}");
    }

    /// Invariant 5: planning again from what the plan wrote gives the same, and a plan without
    /// steps writes nothing the second time.
    #[test]
    fn planning_again_changes_nothing(record in records(), mut observed in observations()) {
        // It is looked for only while the record does not know it.
        let looked_for = record.deploy.as_ref().is_some_and(|d| d.progress == Progress::Begun);
        observed.registered = observed.registered.filter(|_| looked_for);
        let first = planned(&record, &observed, false);
        let id = |record: &TargetRecord| record.deploy.as_ref().map(|deploy| deploy.id.clone());
        let same_deploy = id(&first.record) == id(&record);
        observed.registered = observed.registered.filter(|_| same_deploy);
        let second = planned(&first.record, &observed, false);
        if matches!(first.steps[..], [Step::Update(NewRevision::Known(_))]) {
            // It was asked for a moment ago, so ECS is given time to show it.
            prop_assert_eq!((second.report.code(), second.steps), ("starts", vec![]));
            return Ok(());
        }
        prop_assert_eq!(&first.steps, &second.steps);
        prop_assert_eq!(&first.record, &second.record);
    }

    /// No step without a deploy that is written down, wanted and unfinished.
    #[test]
    fn steps_belong_to_a_deploy_in_the_record(record in records(), observed in observations()) {
        let plan = planned(&record, &observed, true);
        if !plan.steps.is_empty() {
            let deploy = plan.record.deploy.expect("it is written down first");
            if deploy.phase() == Phase::RollingBack {
                let back = matches!(plan.steps[..], [Step::UpdateBack(_) | Step::RollBack(_)]);
                prop_assert!(back, "{:?}", plan.steps);
            } else {
                prop_assert_eq!(deploy.assignment.number, 2);
                prop_assert_eq!(deploy.phase(), Phase::Starting, "{:?}", deploy.progress);
                prop_assert!(observed.image_present);
            }
        }
    }

    /// A revision that ECS shows in a deployment is never handed to `UpdateService` again.
    #[test]
    fn what_ecs_shows_is_not_updated_again(record in records(), observed in observations()) {
        let plan = planned(&record, &observed, true);
        if let Some(Step::Update(NewRevision::Known(revision))) = plan.steps.last() {
            let service = observed.service.as_ref().expect("nothing is planned without it");
            prop_assert!(service.deployments.iter().all(|shown| &shown.revision != revision));
        }
    }

    /// Invariant 5: once what was registered runs, there is nothing left to do.
    #[test]
    fn what_was_registered_is_what_was_wanted(record in records(), observed in observations()) {
        let plan = planned(&record, &observed, true);
        if let Some(Step::Register(registration)) = plan.steps.first() {
            let arn = revision(9);
            let primary = Deployment {
                id: deployment_id(9),
                status: DeploymentStatus::Primary,
                revision: arn.clone(),
                rollout: RolloutState::Completed,
                reason: None,
                updated_at: None,
            };
            let service = observed.service.clone().expect("nothing is planned without it");
            let document = registration.document.clone();
            let after = Observation {
                service: Some(EcsService { deployments: vec![primary], ..service }),
                running: Some(Revision {
                    arn,
                    document,
                    tags: registration.tags.clone(),
                    active: true,
                    registered_by: None,
                }),
                registered: None,
                deployments: Some(Vec::new()),
                ..observed
            };
            let next = planned(&plan.record, &after, true);
            prop_assert_eq!(next.steps, vec![]);
            prop_assert_eq!(next.report.code(), "already-runs");
        }
    }

    /// What `UpdateService` names was made of what is wanted now, not of what was wanted once.
    #[test]
    fn no_abandoned_revision_is_deployed(
        record in records(),
        observed in observations(),
        same in any::<bool>(),
    ) {
        let mut record = record;
        if let (true, Some(deploy)) = (same, &mut record.deploy) {
            let target = example_target();
            let stores = observed.stores.as_ref().expect("they are read");
            deploy.fingerprint = fingerprint(&variables(&target, stores).variables);
        }
        let plan = planned(&record, &observed, true);
        if let Some(Step::Update(NewRevision::Known(_))) = plan.steps.last() {
            let deploy = plan.record.deploy.expect("it is written down first");
            let wanted = plan.wanted.expect("it came to that");
            prop_assert_eq!(deploy.fingerprint, wanted.fingerprint);
        }
    }

    /// Row 32: nothing begins while what it reads is being changed.
    #[test]
    fn nothing_begins_in_a_quiet_period(record in records(), observed in observations()) {
        let recent =
            observed.changed.as_ref().is_some_and(|c| NOW.duration_since(c.at).as_secs() < 60);
        if recent {
            let plan = planned(&record, &observed, false);
            let goes_back = plan.report.code() == "rolls-back";
            prop_assert!(plan.steps.is_empty() || goes_back, "{:?}", plan.steps);
        }
    }

    /// Invariant 2: what runs newer is moved back on a person's word only.
    #[test]
    fn only_a_person_moves_a_target_back(record in records(), observed in observations()) {
        let image = observed.running.as_ref().map(|running| running.document.to_value().to_string());
        if image.is_some_and(|image| image.contains(":1.9.0")) {
            let plan = planned(&record, &observed, false);
            let goes_back = plan.report.code() == "rolls-back";
            prop_assert!(plan.steps.is_empty() || goes_back, "{:?}", plan.steps);
        }
    }
}
