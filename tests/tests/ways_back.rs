//! The way back fails too: it is said, and nobody goes round in circles. The numbers are those of
//! docs/failure-modes.md.

use funade::config::Target;
use funade::facts::deploy::{Ending, Phase};
use funade::facts::ecs::AlarmState;
use funade::facts::names::RevisionArn;
use funade_sim::{Behaviour, Breaker, Failure, Fault};
use funade_tests::{Stage, deployed, digest};
use jiff::SignedDuration;

fn serving(stage: &Stage, target: &Target) -> RevisionArn {
    stage.view(target).revision
}

/// Row 9: failed deploys that stay where they are, since the team says manual, are passed over too.
/// Row 8: what served before does not start any more either. Nobody goes round in circles.
#[test]
fn a_way_back_that_fails_too_is_said() {
    let minutes = SignedDuration::from_mins(6);
    let told = [
        (Behaviour::Crashes(minutes), "ECS gave up the way back to acme-order-api:2 too"),
        (Behaviour::Never(Failure::Exits(1)), "the way back has not come to its end in time"),
    ];
    for (behaviour, stays) in told {
        let stage = deployed(&[]);
        let acme = stage.target("acme");
        stage.set_breakers(Breaker::GivesUp);
        stage.crashes(3, 6);
        stage.sim.set_behaviour(digest(2).to_string(), behaviour);
        stage.push("1.4.3", 3);
        assert_eq!(stage.failed(acme).1, stays);
        assert!(stage.stands(acme).1.contains(stays), "{:?}", stage.stands(acme));
        let changes = stage.changes();
        stage.wait_minutes(24 * 60);
        assert_eq!((stage.changes(), stage.stops(acme)), (changes, 0), "{behaviour:?}");
        stage.push("1.4.5", 5);
        assert!(stage.runs(acme, &digest(5)), "a newer release goes out: {:?}", stage.stands(acme));
        assert_eq!(stage.ending(acme), Some(Ending::Succeeded));
    }
}

/// The circuit breaker goes back to what was completed last, which is the bad release: the way back
/// to the good one would go round for ever. Where ECS keeps no history it is not seen to be given
/// up, and its time is over at the deadline all the same.
#[test]
fn a_way_back_that_ecs_takes_back_is_asked_for_once() {
    for (keeps_history, by) in [(true, "alarm"), (true, "person"), (false, "alarm")] {
        let stage = Stage::configured("5xx\"]}", "5xx\"], bake: 30m}");
        let acme = stage.target("acme");
        if !keeps_history {
            stage.sim.keep_no_history();
        }
        stage.push("1.4.2", 2);
        let good = serving(&stage, acme);
        let minutes = SignedDuration::from_mins(6);
        stage.sim.set_behaviour(digest(2).to_string(), Behaviour::Crashes(minutes));
        stage.push_begun("1.4.3", 3);
        stage.wait_minutes(5);
        assert_eq!(stage.deploy(acme).phase(), Phase::Verifying);
        let bad = serving(&stage, acme);
        match by {
            "person" => {
                stage.roll_back(acme, None).expect("1.4.2 has served");
            }
            _ => stage.set_alarm(acme, AlarmState::Raised),
        }
        stage.sim.deliver_all();
        assert_eq!(serving(&stage, acme), good, "it goes back");
        stage.rest();
        stage.wait_minutes(60);
        let (_, stays) = stage.failed(acme);
        let said =
            if keeps_history { "ECS gave up the way back" } else { "has not come to its end" };
        assert!(stays.contains(said), "{by}: {stays}");
        let (code, sentence) = stage.stands(acme);
        assert_eq!(code, "deploy-failed", "{by}: {sentence}");
        assert!(sentence.contains(&stays), "{by}: {sentence}");
        assert_eq!(serving(&stage, acme), bad, "{by}");
        assert_eq!((stage.updates(acme), stage.stops(acme)), (3, 0), "twice forth and once back");
        stage.set_alarm(acme, AlarmState::Quiet);
        stage.push("1.4.5", 5);
        stage.rest();
        assert!(stage.runs(acme, &digest(5)), "a newer release goes out: {:?}", stage.stands(acme));
    }
}

/// Wherever the pass that asks is cut off, and though ECS has taken it back by the next look, it is
/// asked for once.
#[test]
fn a_way_back_that_ecs_takes_back_survives_a_death() {
    for fault in [Fault::DiesBefore, Fault::DiesAfter, Fault::ResponseLost, Fault::Lost] {
        for call in 8..20 {
            let stage = Stage::configured("5xx\"]}", "5xx\"], bake: 30m}");
            let acme = stage.target("acme");
            stage.push("1.4.2", 2);
            let crashes = Behaviour::Crashes(SignedDuration::from_secs(10));
            stage.sim.set_behaviour(digest(2).to_string(), crashes);
            stage.push_begun("1.4.3", 3);
            stage.wait_minutes(5);
            stage.roll_back(acme, None).expect("1.4.2 has served");
            stage.sim.plan_fault(call, fault);
            stage.rest();
            stage.wait_minutes(60);
            let _ = stage.failed(acme);
            assert_eq!(stage.updates(acme), 3, "{fault:?} at call {call}");
        }
    }
}
