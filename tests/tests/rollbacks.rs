//! Going back, and what is left alone afterwards. The numbers are those of docs/failure-modes.md.

use funade::config::Target;
use funade::facts::deploy::{Deploy, Ending, Phase};
use funade::facts::names::{RevisionArn, Tag};
use funade::facts::subject::Subject;
use funade::shell::{RollbackError, reconcile_target};
use funade_sim::{Behaviour, Breaker, Failure, Fault, deployment_event};
use funade_tests::{Stage, deployed, digest, plain, tag, text};
use jiff::SignedDuration;

/// Like `deployed`, where ECS gives up what fails and leaves it at that, so that going back is left
/// to Funade. Tasks of 1.4.3 and 1.4.4 exit.
fn left_to_funade() -> Stage {
    let stage = deployed(&[]);
    stage.set_breakers(Breaker::GivesUp);
    stage.crashes(3, 6);
    stage.crashes(4, 6);
    stage
}

fn serving(stage: &Stage, target: &Target) -> RevisionArn {
    stage.view(target).revision
}

/// The phases of a target's deploys with their releases, the oldest first.
fn told(stage: &Stage, target: &Target) -> Vec<(Phase, String)> {
    let deploys = stage.history(target).deploys.into_iter().rev();
    deploys.map(|d| (d.phase(), d.assignment.release.tag.to_string())).collect()
}

/// Row 8: with nothing complete to go back to, a tool redeployed for ever.
#[test]
fn with_nothing_to_go_back_to_it_stops_and_says_so() {
    for (breaker, phase) in [(Breaker::GivesUp, Phase::Failed), (Breaker::Off, Phase::TimedOut)] {
        let stage = Stage::new();
        let acme = stage.target("acme");
        stage.set_breakers(breaker);
        stage.crashes(2, 6);
        // What runs has never been seen complete.
        stage.sim.force_new_deployment(&acme.place, &acme.cluster, &acme.ecs_service);
        stage.push("1.4.2", 2);
        let (_, stays) = stage.failed(acme);
        assert_eq!(stage.deploy(acme).phase(), phase);
        assert!(stays.contains("nothing has served here before"), "{breaker:?}: {stays}");
        let (code, sentence) = stage.stands(acme);
        assert_eq!(code, "deploy-failed");
        assert!(sentence.contains(&stays), "{sentence}");
        for _ in 0..3 {
            stage.look(acme);
            stage.send(&stage.event(&tag("1.4.2"), &digest(2)));
            stage.rest();
        }
        assert_eq!((stage.updates(acme), stage.stops(acme)), (1, 0), "{breaker:?}");
        stage.push("1.4.3", 3);
        assert!(stage.runs(acme, &digest(3)), "a newer release goes out");
        assert_eq!(stage.ending(acme), Some(Ending::Succeeded));
    }
}

/// Row 9: only the last deploy was considered. Ours is the last that succeeded.
#[test]
fn after_two_that_failed_it_goes_back_to_the_one_before_them() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    let good = serving(&stage, acme);
    stage.push("1.4.3", 3);
    assert_eq!(stage.rolled_back(acme).2, good);
    stage.push("1.4.4", 4);
    assert_eq!(stage.rolled_back(acme).2, good);
    assert_eq!(serving(&stage, acme), good);
    let phases = [Phase::Succeeded, Phase::RolledBack, Phase::RolledBack];
    let tags = ["1.4.2", "1.4.3", "1.4.4"].map(str::to_owned);
    assert_eq!(told(&stage, acme), phases.into_iter().zip(tags).collect::<Vec<_>>());
}

/// Row 9: what ran when the deploy began never was found good, so ECS's own way back, which is to
/// what it completed last, is not asked for.
#[test]
fn what_was_superseded_is_not_gone_back_to() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let good = serving(&stage, acme);
    stage.set_breakers(Breaker::Off);
    stage.hangs(3, Failure::Exits(1));
    stage.hangs(4, Failure::Unhealthy);
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(5);
    stage.push("1.4.4", 4);
    assert_eq!(stage.rolled_back(acme).2, good);
    assert_eq!(serving(&stage, acme), good);
    assert_eq!((stage.stops(acme), stage.updates(acme)), (0, 4), "three forth and one back");
}

/// A deploy begun while ECS is on its way back to ours leaves it with nothing complete to go back to.
#[test]
fn a_newer_release_waits_while_ecs_goes_back_to_ours() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    let ours = serving(&stage, acme);
    stage.crashes(9, 2);
    stage.change_by_hand(acme, 9);
    stage.wait_minutes(3);
    assert_eq!(serving(&stage, acme), ours, "ECS goes back");
    stage.push_begun("1.4.3", 3);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("goes-back", 1), "{sentence}");
    stage.rest();
    assert!(stage.runs(acme, &digest(3)), "{:?}", stage.stands(acme));
}

/// What is said to a person works: a failed deploy that stays where it is can be asked for again,
/// though nothing of it is new.
#[test]
fn what_failed_and_stays_is_tried_again_when_a_person_asks() {
    let minute = SignedDuration::from_mins(1);
    let given_up = (Breaker::GivesUp, Behaviour::Fails(Failure::NoSecret, minute));
    for (breaker, behaviour) in [given_up, (Breaker::Off, Behaviour::Never(Failure::NoSecret))] {
        let stage = Stage::configured("rollback: automatic", "rollback: manual");
        let acme = stage.target("acme");
        stage.set_breakers(breaker);
        stage.sim.set_behaviour(digest(2).to_string(), behaviour);
        stage.push("1.4.2", 2);
        let (cause, _) = stage.failed(acme);
        let (_, told) = stage.stands(acme);
        assert!(told.contains("funade deploy order-api --tag 1.4.2"), "{told}");
        let failed = serving(&stage, acme);

        stage.sim.set_behaviour(digest(2).to_string(), Behaviour::Healthy(minute));
        stage.look(acme);
        assert_eq!(stage.updates(acme), 1, "not by itself: {cause:?}");
        stage.request("1.4.2");
        stage.rest();
        assert_eq!(stage.ending(acme), Some(Ending::Succeeded), "{breaker:?}");
        assert_ne!(serving(&stage, acme), failed);
        assert_eq!(stage.updates(acme), 2);
    }
}

/// Wherever the pass that tries again is cut off, the next goes on with it.
#[test]
fn what_is_tried_again_survives_a_death() {
    for fault in [Fault::DiesBefore, Fault::DiesAfter, Fault::ResponseLost] {
        for call in 0..30 {
            let stage = Stage::configured("rollback: automatic", "rollback: manual");
            let acme = stage.target("acme");
            stage.set_breakers(Breaker::GivesUp);
            stage.crashes(2, 2);
            stage.push("1.4.2", 2);
            let minute = SignedDuration::from_mins(1);
            stage.sim.set_behaviour(digest(2).to_string(), Behaviour::Healthy(minute));
            stage.request("1.4.2");
            stage.sim.plan_fault(call, fault);
            stage.rest();
            assert_eq!(stage.ending(acme), Some(Ending::Succeeded), "{fault:?} at call {call}");
            assert_eq!(stage.updates(acme), 2, "{fault:?} at call {call}");
        }
    }
}

/// Ours goes out, one that failed before it is still there, and a newer one replaces it. A pass that
/// was cut off once it had begun that does not take what it began from for a way back.
#[test]
fn what_replaces_ours_survives_a_death_beside_one_that_failed() {
    for call in 8..60 {
        let stage = Stage::configured("rollback: automatic", "rollback: manual");
        let acme = stage.target("acme");
        stage.set_breakers(Breaker::GivesUp);
        stage.crashes(2, 2);
        stage.push_begun("1.4.2", 2);
        stage.wait_minutes(3);
        stage.set_breakers(Breaker::Off);
        stage.hangs(3, Failure::Unhealthy);
        stage.push_begun("1.4.3", 3);
        let image = (tag("1.4.4"), digest(4));
        stage.put_image(&image.0, &image.1);
        stage.send(&stage.event(&image.0, &image.1));
        stage.sim.plan_fault(call, Fault::DiesBefore);
        stage.sim.deliver_all();
        let pass = stage.sim.run(reconcile_target(&stage.sim, &stage.config, &acme.id));
        assert!(pass.is_some_and(|pass| pass.is_ok()));
        assert_ne!(stage.stands(acme).0, "goes-back", "call {call}");
        stage.wait_minutes(10);
        assert!(stage.runs(acme, &digest(4)), "call {call}: {:?}", stage.stands(acme));
    }
}

/// Row 11: automation redeployed what was just rolled back, the top reason to leave a tool.
#[test]
fn what_was_rolled_back_does_not_come_back_by_itself() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    let (changes, stops) = (stage.changes(), stage.stops(acme));
    let name = "SERVICE_DEPLOYMENT_COMPLETED";
    for _ in 0..3 {
        stage.send(&stage.event(&tag("1.4.3"), &digest(3)));
        let (now, service) = (stage.sim_now(), &acme.ecs_service);
        let event = deployment_event(name, now, &acme.place, &acme.cluster, service, name);
        stage.send(&event);
        stage.rest();
        stage.look(acme);
        stage.look_at_service();
        stage.apply_with("fleet.yaml", "", "");
        stage.sim.pass_time(SignedDuration::from_hours(24));
    }
    // By another of its tags neither.
    stage.push("1.4.5", 3);
    assert_eq!((stage.changes(), stage.stops(acme)), (changes, stops));
    assert_eq!(stage.stands(acme).0, "rolled-back");
    stage.push("1.4.6", 6);
    assert!(stage.runs(acme, &digest(6)), "a newer release goes out");
    assert!(stage.hold(acme).is_none());
}

/// It is the image that is left alone, whatever was deployed since and whatever its tag is now.
#[test]
fn what_was_rolled_back_does_not_come_back_after_another() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    assert_eq!(stage.stands(acme).0, "rolled-back");
    stage.put_image(&tag("1.4.1"), &digest(1));
    stage.request("1.4.1");
    stage.rest();
    assert!(stage.runs(acme, &digest(1)));
    let updates = stage.updates(acme);
    stage.push("1.4.5", 3);
    let (code, sentence) = stage.stands(acme);
    assert_eq!((code.as_str(), stage.updates(acme)), ("rolled-back", updates), "{sentence}");
    assert!(sentence.contains("automation leaves 1.4.3 alone here from now on"), "{sentence}");
    assert_eq!(stage.hold(acme).expect("it is held").release, Some(tag("1.4.3")));
    // A person may let it be tried, and is then asked anew.
    stage.unhold(acme);
    stage.rest();
    assert_eq!(stage.updates(acme), updates + 2, "there and back");
    assert_eq!(stage.hold(acme).expect("it is held").release, Some(tag("1.4.5")));
}

/// Who lets one release be tried again says nothing of another that was undone before it.
#[test]
fn what_is_let_again_is_one_release() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    stage.push("1.4.4", 4);
    let minute = SignedDuration::from_mins(1);
    stage.sim.set_behaviour(digest(4).to_string(), Behaviour::Healthy(minute));
    stage.unhold(acme);
    stage.rest();
    assert!(stage.runs(acme, &digest(4)), "{:?}", stage.stands(acme));
    let updates = stage.updates(acme);
    stage.push("1.4.5", 3);
    assert_eq!(stage.updates(acme), updates, "{:?}", stage.stands(acme));
    assert_eq!(stage.stands(acme).0, "rolled-back");
}

/// What failed with other variables was not the image.
#[test]
fn an_image_that_serves_is_not_left_alone_for_its_variables() {
    let stage = deployed(&[("MODE", text("good"))]);
    let acme = stage.target("acme");
    stage.sim.set_behaviour("MODE=bad", Behaviour::Crashes(SignedDuration::from_mins(3)));
    stage.change(acme, "MODE", text("bad"));
    stage.rest();
    assert_eq!(stage.stands(acme).0, "rolled-back");
    stage.change(acme, "MODE", text("good"));
    stage.rest();
    stage.push("1.4.5", 5);
    stage.push("1.4.6", 2);
    assert!(stage.runs(acme, &digest(2)), "{:?}", stage.stands(acme));
}

/// Row 11: a person may try again.
#[test]
fn unheld_it_is_tried_once_more() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    stage.push("1.4.3", 3);
    let updates = stage.updates(acme);
    assert_eq!(stage.unhold(acme).release, Some(tag("1.4.3")));
    stage.rest();
    assert_eq!(stage.updates(acme), updates + 2, "there and back");
    assert_eq!(stage.stands(acme).0, "rolled-back");
    stage.look(acme);
    assert_eq!(stage.updates(acme), updates + 2);
    // What was wrong was not the image.
    stage
        .sim
        .set_behaviour(digest(3).to_string(), Behaviour::Healthy(SignedDuration::from_secs(90)));
    stage.unhold(acme);
    stage.rest();
    assert_eq!(stage.ending(acme), Some(Ending::Succeeded));
    assert!(stage.runs(acme, &digest(3)));
}

/// Rows 11 and 12: where the team says how long, it is tried once more, and then not again.
#[test]
fn a_hold_that_expires_lets_it_be_tried_once_more() {
    let stage =
        Stage::configured("rollback: automatic", "rollback: {action: automatic, hold: 24h}");
    let acme = stage.target("acme");
    stage.push("1.4.2", 2);
    stage.crashes(3, 6);
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(15);
    let hold = stage.hold(acme).expect("it was rolled back");
    let until = hold.until.expect("the team has said how long");
    assert_eq!(until.duration_since(hold.since), SignedDuration::from_hours(24));
    assert_eq!(stage.updates(acme), 2);
    stage.wait_minutes(23 * 60);
    assert_eq!(stage.updates(acme), 2);
    stage.wait_minutes(2 * 60);
    assert_eq!((stage.updates(acme), stage.deploy(acme).attempt), (3, 2));
    let hold = stage.hold(acme).expect("it was rolled back again");
    assert_eq!(hold.until, None);
    stage.wait_minutes(4 * 24 * 60);
    assert_eq!(stage.updates(acme), 3);
}

/// Row 12: what a rollback leaves alone is listed, with why, since when and for how long.
#[test]
fn the_hold_of_a_rollback_is_listed() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    assert_eq!(stage.hold(acme), None);
    stage.push("1.4.3", 3);
    let hold = stage.hold(acme).expect("it was rolled back");
    let ended = stage.deploy(acme).phases.last().expect("it has phases").1;
    assert_eq!(hold.on, Subject::Target(acme.id.clone()));
    assert_eq!((hold.since, hold.until, hold.release), (ended, None, Some(tag("1.4.3"))));
    assert_eq!(hold.by, "the rollback");
    let why = "Funade rolled back deploy acme/order-api/2 of 1.4.3: a container exits";
    assert!(hold.reason.starts_with(why), "{}", hold.reason);
    stage.unhold(acme);
    assert_eq!(stage.hold(acme), None);
}

/// Row 13: a rollback to a revision that somebody has deregistered is refused by ECS.
#[test]
fn a_deregistered_revision_is_not_gone_back_to() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    stage.push_begun("1.4.3", 3);
    let good = stage.deploy(acme).from;
    stage.sim.deregister(&good);
    stage.rest();
    let (_, stays) = stage.failed(acme);
    assert!(stays.contains(good.short()) && stays.contains("was deregistered"), "{stays}");
    assert!(stage.stands(acme).1.contains(&stays));
    assert_eq!(stage.updates(acme), 2, "ECS is not even asked");
    let refused = stage.roll_back(acme, None);
    assert!(matches!(refused, Err(RollbackError::Deregistered(_))), "{refused:?}");
    assert!(stage.runs(stage.target("initech"), &digest(2)), "the others go back");
}

/// Row 14: the image went back, the configuration did not.
#[test]
fn image_and_variables_go_back_together() {
    let stage = deployed(&[("MODE", text("a"))]);
    let acme = stage.target("acme");
    stage.set_breakers(Breaker::GivesUp);
    stage.crashes(3, 6);
    stage.put(acme, "MODE", text("b"));
    stage.push_begun("1.4.3", 3);
    assert_eq!(stage.variable(acme, "MODE"), plain("b"));
    stage.rest();
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!(stage.variable(acme, "MODE"), plain("a"));
    stage.look(acme);
    assert_eq!(stage.stands(acme).0, "rolled-back", "nor is b brought to the old image");
    assert_eq!(stage.variable(acme, "MODE"), plain("a"));
}

/// Row 15: a deploy during a rollback stalls the service, whoever rolls back.
#[test]
fn a_newer_release_waits_for_the_end_of_a_rollback() {
    for by in ["Funade by UpdateService", "Funade by StopServiceDeployment", "hand"] {
        let stage = deployed(&[]);
        let acme = stage.target("acme");
        stage.crashes(3, 6);
        match by {
            "Funade by UpdateService" => stage.set_breakers(Breaker::GivesUp),
            _ => stage.set_breakers(Breaker::Off),
        }
        stage.push_begun("1.4.3", 3);
        if by == "hand" {
            stage.wait_minutes(2);
            let Target { place, cluster, ecs_service, .. } = acme;
            stage.sim.stop_by_hand(place, cluster, ecs_service);
            stage.pass(acme);
        } else {
            while stage.stands(acme).0 != "rolls-back" {
                stage.sim.pass_time(SignedDuration::from_secs(30));
                stage.sim.deliver_all();
            }
        }
        let updates = stage.updates(acme);
        stage.push_begun("1.4.5", 5);
        assert_eq!(stage.stands(acme).0, "rolls-back", "{by}");
        assert_eq!(stage.updates(acme), updates, "{by}");
        stage.rest();
        assert!(stage.runs(acme, &digest(5)), "{by}: {:?}", stage.stands(acme));
        assert_eq!(stage.updates(acme), updates + 1, "{by}");
        let phases: Vec<Phase> = told(&stage, acme).into_iter().map(|told| told.0).collect();
        assert_eq!(phases, [Phase::Succeeded, Phase::RolledBack, Phase::Succeeded], "{by}");
    }
}

/// Row 16: ECR's lifecycle rule has deleted what a rollback needs.
#[test]
fn what_has_lost_its_image_is_not_gone_back_to() {
    let stage = left_to_funade();
    let acme = stage.target("acme");
    stage.sim.delete_image(&acme.pulls_from.place, &acme.repository, &digest(2));
    stage.push("1.4.3", 3);
    let (_, stays) = stage.failed(acme);
    assert!(stays.contains("the image of 1.4.2"), "{stays}");
    assert!(stage.stands(acme).1.contains(&stays));
    assert_eq!(stage.updates(acme), 2);
    let refused = stage.roll_back(acme, None);
    assert!(matches!(refused, Err(RollbackError::ImageGone(_))), "{refused:?}");
}

/// Row 6: A saw "an old revision", and rolled back B.
#[test]
fn a_superseded_deploy_disturbs_nobody() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.crashes(3, 6);
    stage.push_begun("1.4.3", 3);
    stage.sim.pass_time(SignedDuration::from_secs(20));
    stage.push("1.4.5", 5);
    stage.wait_minutes(60);
    assert!(stage.runs(acme, &digest(5)));
    assert_eq!((stage.updates(acme), stage.stops(acme)), (3, 0));
    let told: Vec<Phase> = told(&stage, acme).into_iter().map(|told| told.0).collect();
    assert_eq!(told, [Phase::Succeeded, Phase::Superseded, Phase::Succeeded]);
    assert!(stage.hold(acme).is_none());
}

/// A person undoes what has succeeded; its release is left alone, and a newer one goes out.
/// A deploy that has ended was shown by ECS, so its way back is over when it has arrived.
/// What ECS has rolled back is undone once more, further: its own rollback is no answer to that.
/// Every one of a dozen releases within a minute is accounted for.
#[test]
fn a_dozen_pushes_in_a_minute_end_with_the_newest() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    for number in 10..22 {
        stage.push_begun(&format!("1.5.{number}"), number);
        stage.sim.run_until_quiet(SignedDuration::from_secs(5));
    }
    stage.rest();
    for target in stage.targets() {
        assert!(stage.runs(target, &digest(21)), "{}", target.id);
    }
    let history = stage.history(acme);
    let deployed = history.deploys.iter().map(|deploy| &deploy.assignment.release.tag);
    let passed_over = history.passed_over.iter().map(|passed| &passed.release.tag);
    let mut accounted: Vec<&Tag> = deployed.chain(passed_over).collect();
    accounted.sort();
    let mut pushed: Vec<Tag> = (10..22).map(|number| tag(&format!("1.5.{number}"))).collect();
    pushed.insert(0, tag("1.4.2"));
    assert_eq!(accounted, pushed.iter().collect::<Vec<_>>());
    assert_eq!(stage.updates(acme), history.deploys.len());
    let ended = history.deploys.iter().map(Deploy::phase);
    assert!(ended.skip(1).all(|phase| matches!(phase, Phase::Superseded | Phase::Succeeded)));
}

/// ECS takes no sixth deployment while five are not over.
#[test]
fn where_ecs_takes_no_more_deployments_it_waits() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    for _ in 0..4 {
        stage.sim.force_new_deployment(&acme.place, &acme.cluster, &acme.ecs_service);
    }
    stage.push_begun("1.4.3", 3);
    assert_eq!((stage.stands(acme).0.as_str(), stage.updates(acme)), ("service-busy", 1));
    stage.rest();
    assert!(stage.runs(acme, &digest(3)));
    assert_eq!(stage.updates(acme), 2);
}
