//! What a sweep leaves alone for a while: what was only just let go, and what is being written.

use funade::facts::finding::FindingKind;
use funade::shell::Swept;
use funade_tests::{
    Stage, deployed, digest, found_of, is_closed, plain, sweep_only, swept, swept_later, text,
};
use jiff::SignedDuration;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// What a minute finds at whose beginning something was over: those whom it was over for are woken,
/// and may be on their way.
fn at_its_end(stage: &Stage, minutes: i64) -> Swept {
    stage.sim.lose_messages();
    stage.sim.pass_time(SignedDuration::from_mins(minutes));
    sweep_only(stage)
}

/// A release was assigned a week ago, and the hold is over now.
#[test]
fn what_was_held_has_time_to_be_deployed() {
    let stage = deployed(&[("LOG_LEVEL", text("info"))]);
    let acme = stage.target("acme");
    stage.hold_for(acme, Some(48));
    stage.push_begun("1.4.3", 3);
    stage.wait_minutes(60);
    assert!(stage.runs(acme, &digest(2)));
    assert_eq!(at_its_end(&stage, 47 * 60 + 1).findings, []);
    let later = at_its_end(&stage, 6);
    found_of(&later, acme, FindingKind::Behind);
    stage.look(acme);
    assert!(stage.runs(acme, &digest(3)));
    is_closed(&stage, FindingKind::Behind);
}

/// The same where a person lifts it.
#[test]
fn what_a_person_let_go_has_time_to_be_deployed() {
    let stage = deployed(&[]);
    let acme = stage.target("acme");
    stage.hold_for(acme, None);
    stage.push("1.4.3", 3);
    stage.wait_minutes(48 * 60);
    stage.unhold(acme);
    assert_eq!(at_its_end(&stage, 1).findings, []);
    found_of(&at_its_end(&stage, 6), acme, FindingKind::Behind);
}

/// The hold that a rollback leaves is over.
#[test]
fn what_is_tried_once_more_has_time_to_be_deployed() {
    let stage =
        Stage::configured("rollback: automatic", "rollback: {action: automatic, hold: 24h}");
    stage.push("1.4.2", 2);
    let acme = stage.target("acme");
    stage.crashes(3, 4);
    stage.push("1.4.3", 3);
    let (.., to) = stage.rolled_back(acme);
    assert_eq!(stage.view(acme).revision, to);
    let left = stage.sim.target_record(&acme.id).due.expect("its hold ends");
    let minutes = left.duration_since(stage.sim_now()).as_mins();
    assert_eq!(at_its_end(&stage, minutes + 1).findings, []);
    let later = at_its_end(&stage, 6);
    let finding = found_of(&later, acme, FindingKind::Behind);
    // The last deploy was of 1.4.3, and was undone.
    let says = "1.4.3 is assigned to it, and it still runs 1.4.2";
    assert_eq!(finding.sentence, says);
}

/// The same where the team wants changes by hand put back: nobody has changed anything.
#[test]
fn what_was_rolled_back_is_not_changed_by_hand() {
    let heal = "\nfindings: {changed-by-hand: heal}\n";
    let stage = Stage::fleet_with(heal);
    stage.push("1.4.2", 2);
    let acme = stage.target("acme");
    stage.crashes(3, 4);
    stage.push("1.4.3", 3);
    assert!(stage.runs(acme, &digest(2)));
    stage.unhold(acme);
    let later = at_its_end(&stage, 6);
    found_of(&later, acme, FindingKind::Behind);
    assert!(later.findings.iter().all(|f| f.kind != FindingKind::ChangedByHand), "{later:#?}");
}

/// A quiet period is over, and its delayed message is lost.
#[test]
fn what_was_quiet_has_time_to_be_deployed() {
    let stage = deployed(&[("LOG_LEVEL", text("info"))]);
    let acme = stage.target("acme");
    stage.wait_minutes(60);
    stage.change(acme, "LOG_LEVEL", text("debug"));
    stage.sim.deliver_all();
    assert_eq!(at_its_end(&stage, 2).findings, []);
    found_of(&at_its_end(&stage, 5), acme, FindingKind::StaleConfiguration);
}

/// Two writes ten seconds apart, no event of either, and the sweep looks between them.
#[test]
fn what_is_being_written_is_left_alone() {
    let stage = deployed(&[("DB_HOST", text("a")), ("DB_PORT", text("1"))]);
    let acme = stage.target("acme");
    stage.wait_minutes(60);
    stage.put(acme, "DB_HOST", text("b"));
    stage.sim.pass_time(SignedDuration::from_secs(5));
    let between = swept(&stage);
    assert_eq!((&between.findings[..], &between.woken[..]), (&[][..], &[][..]));
    stage.sim.pass_time(SignedDuration::from_secs(5));
    stage.put(acme, "DB_PORT", text("2"));
    stage.sim.pass_time(SignedDuration::from_secs(50));
    assert!(swept(&stage).woken.is_empty(), "a minute after the last of them");
    assert_eq!(stage.updates(acme), 1);
    let later = swept_later(&stage);
    found_of(&later, acme, FindingKind::StaleConfiguration);
    assert_eq!(stage.variable(acme, "DB_HOST"), plain("b"));
    assert_eq!(stage.variable(acme, "DB_PORT"), plain("2"));
    assert_eq!(stage.updates(acme), 2, "both with one deploy");
    stage.sim.pass_time(MINUTE);
    is_closed(&stage, FindingKind::StaleConfiguration);
}
