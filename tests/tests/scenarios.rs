//! Failure modes of other deployers, one test each; the numbers are those of docs/failure-modes.md.

use funade::facts::deploy::{Ending, Progress, UndoneBy};
use funade::facts::ecs::Controller;
use funade::facts::names::TargetId;
use funade::facts::record::StandingKind;
use funade::facts::task_definition::{DEPLOY_TAG, RELEASE_TAG};
use funade_tests::{Stage, digest, tag};
use jiff::SignedDuration;

fn ending(stage: &Stage, environment: &str) -> Option<Ending> {
    let record = stage.sim.target_record(&stage.target(environment).id);
    match record.deploy?.progress {
        Progress::Ended { ending, .. } => Some(ending),
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::GoingBack { .. } => None,
    }
}

fn code(stage: &Stage, id: &TargetId) -> String {
    stage.sim.target_record(id).standing.expect("a pass was made").code
}

/// Row 1: the circuit breaker rolled back, and the tool said success.
#[test]
fn a_circuit_breakers_rollback_is_a_failure() {
    let stage = Stage::new();
    stage.crashes(2, 6);
    stage.push("1.4.2", 2);
    let target = stage.target("acme");
    assert!(!stage.runs(target, &digest(2)), "the simulated ECS has rolled back");
    let Some(Ending::RolledBack { cause, by, .. }) = ending(&stage, "acme") else {
        panic!("it is not called a success")
    };
    assert!(cause.what.contains("circuit breaker"), "{cause:?}");
    assert_eq!(by, UndoneBy::Ecs);
    assert_eq!(code(&stage, &target.id), "rolled-back");
}

/// Row 11, in part: what failed is not tried again by itself, however often its event comes.
#[test]
fn a_failed_release_is_not_deployed_again_by_its_own_event() {
    let stage = Stage::new();
    stage.crashes(2, 6);
    stage.push("1.4.2", 2);
    let changes = stage.changes();
    for _ in 0..3 {
        stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
        stage.rest();
    }
    assert_eq!(stage.changes(), changes);
    stage.push("1.4.3", 3);
    assert!(stage.runs(stage.target("acme"), &digest(3)), "a newer release goes out");
}

/// Success is said when our deployment has completed.
#[test]
fn a_completed_deployment_is_a_success() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    assert_eq!(ending(&stage, "acme"), Some(Ending::Succeeded));
}

/// Rows 2 and 10: not before that, however steady the service looks.
#[test]
fn an_unfinished_deployment_is_no_success() {
    let stage = Stage::new();
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.sim.deliver_all();
    stage.sim.pass_time(SignedDuration::from_secs(60));
    stage.pass(stage.target("acme"));
    assert_eq!(ending(&stage, "acme"), None);
    assert_eq!(code(&stage, &stage.target("acme").id), "in-progress");
}

/// Row 3: the same revision forced again, so that comparing revisions sees nothing. The deploy is
/// known by its deployment: that one was replaced, and its success is never claimed.
#[test]
fn success_is_known_by_the_deployment() {
    let stage = Stage::new();
    let target = stage.target("acme");
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.sim.deliver_all();
    stage.sim.force_new_deployment(&target.place, &target.cluster, &target.ecs_service);
    stage.pass(target);
    assert_eq!(code(&stage, &target.id), "settling", "the forced one may still fail");
    stage.rest();
    let ending = ending(&stage, "acme").expect("it is over");
    assert!(matches!(ending, Ending::Replaced { .. }), "{ending:?}");
    assert_eq!(code(&stage, &target.id), "already-runs", "the release runs all the same");
    assert_eq!(stage.updates(target), 1);
}

/// Row 6, in part: a newer release replaces an unfinished one, which ends superseded.
#[test]
fn a_newer_release_supersedes_an_unfinished_deploy() {
    let stage = Stage::new();
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.sim.deliver_all();
    stage.sim.pass_time(SignedDuration::from_secs(20));
    stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
    stage.rest();
    for target in stage.targets() {
        assert!(stage.runs(target, &digest(3)));
        assert_eq!(stage.updates(target), 2, "one for each deploy");
    }
    assert_eq!(ending(&stage, "acme"), Some(Ending::Succeeded));
}

/// Row 17: fields dropped on re-registration. All but the image is what it was, tags included.
#[test]
fn only_the_image_and_our_tags_change() {
    let stage = Stage::new();
    let target = stage.target("acme");
    let before = stage.running(target);
    stage.push("1.4.2", 2);
    let after = stage.running(target);
    let image = after.document.image(&target.container).expect("the container is there");
    assert_eq!(
        image,
        format!("999999999999.dkr.ecr.ap-northeast-1.amazonaws.com/shop/order-api@{}", digest(2))
    );
    let old_image = before.document.image(&target.container).expect("it was there");
    let text = after.document.to_value().to_string().replace(image, old_image);
    assert_eq!(text, before.document.to_value().to_string());
    let mut tags = before.tags;
    tags.insert(RELEASE_TAG.to_owned(), "1.4.2".to_owned());
    tags.insert(DEPLOY_TAG.to_owned(), "acme/order-api/1".to_owned());
    assert_eq!(after.tags, tags);
}

/// Rows 18 and 29: read-only fields made endless drift; new equals old and loops.
#[test]
fn at_the_fixed_point_a_pass_does_nothing() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    let (changes, generations) = (stage.changes(), stage.sim.generations());
    for _ in 0..3 {
        stage.sim.pass_time(SignedDuration::from_mins(15));
        for target in stage.targets() {
            assert_eq!(stage.pass(target).steps, 0);
        }
    }
    assert_eq!(stage.changes(), changes);
    assert_eq!(stage.sim.generations(), generations, "no record was written");
    assert_eq!(stage.sim.messages_waiting(), 0);
}

/// Row 23: a mutable tag moved. The registry says what a tag is, and a digest is what is deployed.
#[test]
fn a_tag_that_moved_is_deployed_by_the_digest_it_stands_for_now() {
    let stage = Stage::new();
    stage.put_image(&tag("1.4.2"), &digest(2));
    let event = stage.event(&tag("1.4.2"), &digest(2));
    stage.put_image(&tag("1.4.2"), &digest(22));
    stage.send(&event);
    stage.rest();
    for target in stage.targets() {
        assert!(stage.runs(target, &digest(22)), "the event came late; the tag has moved since");
    }
    let changes = stage.changes();
    stage.send(&stage.event(&tag("1.4.2"), &digest(22)));
    stage.rest();
    assert_eq!(stage.changes(), changes, "the second event says nothing new");
}

/// Row 23: a tag pushed again with another image is a new release.
#[test]
fn a_tag_pushed_again_is_deployed_again() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    stage.sim.pass_time(SignedDuration::from_mins(5));
    stage.push("1.4.2", 22);
    for target in stage.targets() {
        assert!(stage.runs(target, &digest(22)));
        assert_eq!(stage.updates(target), 2);
    }
}

/// Row 24: a rebuilt old image looked newest by its build time.
#[test]
fn an_older_release_pushed_later_is_ignored_with_the_reason() {
    let stage = Stage::new();
    stage.push("1.5.0", 5);
    stage.sim.pass_time(SignedDuration::from_mins(5));
    let (changes, now) = (stage.changes(), stage.sim_now());
    stage.push("1.4.9", 49);
    assert_eq!(stage.changes(), changes);
    let said = stage.said_since(now).join("\n");
    assert!(said.contains("1.4.9 is older than 1.5.0"), "{said}");
    assert!(said.contains("funade deploy order-api --tag 1.4.9"), "the remedy is named: {said}");
}

/// Row 26: two tags on one image are two events and one deploy.
#[test]
fn two_tags_on_one_digest_are_one_deploy() {
    let stage = Stage::new();
    for text in ["1.4.2", "v1.4.2", "1.4.3"] {
        stage.push(text, 2);
    }
    for target in stage.targets() {
        assert_eq!(stage.updates(target), 1);
    }
}

/// Row 27: the push was seen before the replica had reached the region.
#[test]
fn a_missing_image_is_waited_for() {
    let stage = Stage::new();
    let target = stage.target("globex");
    let service = &stage.config.services[&target.id.service];
    let (tag, digest) = (tag("1.4.2"), digest(2));
    stage.sim.put_image(&service.registry.place, &service.repository, &tag, &digest);
    stage.send(&stage.event(&tag, &digest));
    stage.sim.deliver_all();
    assert!(stage.runs(stage.target("acme"), &digest), "its own region goes ahead");
    assert_eq!(code(&stage, &target.id), "image-not-there");
    let standing = stage.sim.target_record(&target.id).standing.expect("it stands");
    assert_eq!(standing.kind, StandingKind::Waiting);

    stage.sim.pass_time(SignedDuration::from_secs(40));
    stage.put_image(&tag, &digest);
    // The replication's event is lost: the delayed message looks again all the same.
    stage.rest();
    assert!(stage.runs(target, &digest));
    assert_eq!(stage.updates(target), 1);
}

/// Row 27: the event of the replica wakes those that wait for it, at once.
#[test]
fn the_replicas_event_wakes_who_waits() {
    let stage = Stage::new();
    let target = stage.target("globex");
    let service = &stage.config.services[&target.id.service];
    let (tag, digest) = (tag("1.4.2"), digest(2));
    stage.sim.put_image(&service.registry.place, &service.repository, &tag, &digest);
    stage.send(&stage.event(&tag, &digest));
    stage.sim.deliver_all();
    stage.put_image(&tag, &digest);
    stage.send(&stage.replication(target, &tag, &digest));
    stage.sim.deliver_all();
    assert!(stage.runs(target, &digest), "without any time passing");
}

/// Somebody deployed a newer release by hand: automation does not move it back.
#[test]
fn what_runs_newer_is_left_alone() {
    let stage = Stage::new();
    let target = stage.target("acme");
    let mut by_hand = stage.running(target);
    let image = by_hand.document.image(&target.container).expect("it has one");
    let newer = image.replace("1.4.0", "1.9.0");
    let text = by_hand.document.to_value().to_string().replace(image, &newer);
    by_hand.document = funade::facts::task_definition::Document::parse(
        serde_json::from_str(&text).expect("still JSON"),
    )
    .expect("still a task definition");
    stage.sim.change_by_hand(&target.place, &target.cluster, &target.ecs_service, &by_hand);
    stage.push("1.5.0", 5);
    assert_eq!(stage.updates(target), 0);
    assert_eq!(code(&stage, &target.id), "runs-newer");
    assert!(stage.runs(stage.target("initech"), &digest(5)), "the others move");
}

/// A change by hand after a success is reported, not overwritten.
#[test]
fn what_was_changed_by_hand_afterwards_is_not_overwritten() {
    let stage = Stage::new();
    let target = stage.target("acme");
    let before = stage.running(target);
    stage.push("1.4.2", 2);
    stage.sim.change_by_hand(&target.place, &target.cluster, &target.ecs_service, &before);
    assert_eq!(stage.pass(target).steps, 0);
    assert_eq!(code(&stage, &target.id), "changed-outside");
}

#[test]
fn services_that_cannot_be_deployed_say_what_to_do() {
    let stage = Stage::new();
    let (gone, foreign) = (stage.target("acme"), stage.target("initech"));
    stage.sim.delete_service(&gone.place, &gone.cluster, &gone.ecs_service);
    stage.sim.set_controller(
        &foreign.place,
        &foreign.cluster,
        &foreign.ecs_service,
        Controller::Other("CODE_DEPLOY".to_owned()),
    );
    stage.push("1.4.2", 2);
    for (target, wanted, word) in
        [(gone, "service-missing", "create it"), (foreign, "other-controller", "CODE_DEPLOY")]
    {
        let standing = stage.sim.target_record(&target.id).standing.expect("it stands");
        assert_eq!(standing.kind, StandingKind::Blocked);
        assert_eq!(standing.code, wanted);
        assert!(standing.sentence.contains(word), "{}", standing.sentence);
    }
    assert!(stage.runs(stage.target("umbrella"), &digest(2)), "the others move");
}

#[test]
fn an_image_deleted_since_its_push_is_passed_over() {
    let stage = Stage::new();
    let service = &stage.config.services[&stage.target("acme").id.service];
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
    stage.sim.delete_image(&service.registry.place, &service.repository, &digest(3));
    stage.rest();
    assert!(stage.runs(stage.target("acme"), &digest(2)));
}

/// A settled target is not even looked at when its release's event comes again.
#[test]
fn a_repeated_event_wakes_no_settled_target() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    stage.sim.pass_time(SignedDuration::from_mins(1));
    let now = stage.sim_now();
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.rest();
    let said = stage.said_since(now);
    assert_eq!(said, ["service/order-api: 1.4.2 stays assigned, and every target is done with it"]);
}

/// Rows 1 and 2: a second tag for the image that is being deployed settles nothing. The deployment
/// may still fail, and then nobody says that the release runs.
#[test]
fn a_second_tag_during_the_deployment_does_not_make_it_a_success() {
    let stage = Stage::new();
    stage.crashes(2, 6);
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.put_image(&tag("1.4.3"), &digest(2));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.sim.deliver_all();
    stage.sim.pass_time(SignedDuration::from_secs(20));
    stage.send(&stage.event(&tag("1.4.3"), &digest(2)));
    stage.sim.deliver_all();
    let target = stage.target("acme");
    assert_eq!(code(&stage, &target.id), "in-progress");
    stage.rest();
    assert!(!stage.runs(target, &digest(2)), "the simulated ECS has rolled back");
    assert_eq!(code(&stage, &target.id), "rolled-back");
    assert_eq!(stage.updates(target), 1, "one image, one deploy");
}

/// Row 15: a deploy during the rollback of another stalls the service.
#[test]
fn nothing_is_begun_until_a_rollback_is_over() {
    let stage = Stage::new();
    stage.crashes(2, 6);
    let target = stage.target("acme");
    stage.put_image(&tag("1.4.2"), &digest(2));
    stage.put_image(&tag("1.4.3"), &digest(3));
    stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
    stage.sim.deliver_all();
    stage.sim.pass_time(SignedDuration::from_secs(6 * 60 + 1));
    stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
    stage.sim.deliver_all();
    assert_eq!(code(&stage, &target.id), "rolls-back");
    assert_eq!(stage.updates(target), 1);
    stage.rest();
    assert!(stage.runs(target, &digest(3)), "then the newer release goes out");
    assert_eq!(stage.updates(target), 2);
}

/// A narrower selection is no person's word: what runs is not replaced by something older.
#[test]
fn a_narrowed_selection_moves_nothing_back() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    stage.push("1.9.0", 9);
    let changes = stage.changes();
    stage.apply_with("services/order-api.yaml", ">=1.4, <2", ">=1.4, <1.9");
    assert_eq!(stage.changes(), changes);
    assert!(stage.runs(stage.target("acme"), &digest(9)));
    let target = stage.target("acme");
    assert_eq!(code(&stage, &target.id), "already-runs", "what is assigned stays, too");
}

/// A target whose own configuration changes is deployed anew, and nobody is blamed for it.
#[test]
fn a_changed_registry_is_a_new_deploy() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    let target = stage.target("globex");
    assert_eq!(stage.updates(target), 1);
    stage.apply_with(
        "fleet.yaml",
        "    cluster: globex\n    labels: {stage: prod, size: large}\n    registry: {account: \"999999999999\", region: us-east-1}\n",
        "    cluster: globex\n    labels: {stage: prod, size: large}\n",
    );
    let image = stage.view(target).image.expect("it has one");
    assert!(image.starts_with("999999999999.dkr.ecr.ap-northeast-1."), "{image}");
    assert_eq!(stage.updates(target), 2);
    assert_eq!(code(&stage, &target.id), "already-runs");
    assert_eq!(stage.updates(stage.target("acme")), 1, "the others stay as they are");
}

/// Applying the same files again wakes the services, since an earlier wake may have been lost.
#[test]
fn applying_again_wakes_and_writes_nothing() {
    let stage = Stage::new();
    stage.push("1.4.2", 2);
    let (changes, generations, now) = (stage.changes(), stage.sim.generations(), stage.sim_now());
    stage.sim.pass_time(SignedDuration::from_mins(1));
    stage.apply_with("fleet.yaml", "", "");
    assert_eq!((stage.changes(), stage.sim.generations()), (changes, generations));
    assert!(!stage.said_since(now).is_empty(), "the services were looked at");
}
