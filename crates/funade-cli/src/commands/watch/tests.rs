//! Frames, changes, and when watching ends.

use funade::facts::deploy::Deploy;
use funade::facts::record::{Standing, TargetRecord};

use super::*;
use crate::samples::{assignment, at, deploying, revision, rolled_back};

fn state(environment: &str, kind: StandingKind, deploy: Option<Deploy>) -> TargetState {
    let standing = Standing {
        assignment: 3,
        release: None,
        kind,
        code: "some-code".to_owned(),
        sentence: format!("{environment} is {kind}"),
        since: at(20),
    };
    TargetState {
        id: format!("{environment}/order-api").parse().expect("a target"),
        assigned: Some(assignment(3, "1.4.3")),
        record: TargetRecord {
            deploy,
            standing: Some(standing),
            last_seen: Some(revision(13)),
            ..TargetRecord::default()
        },
    }
}

fn service(targets: Vec<TargetState>) -> Vec<ServiceStatus> {
    vec![ServiceStatus { service: ServiceName::parse("order-api").expect("a name"), targets }]
}

fn three() -> Vec<ServiceStatus> {
    service(vec![
        state("acme", StandingKind::Waiting, Some(deploying())),
        state("globex", StandingKind::Settled, None),
        state("initech", StandingKind::Blocked, Some(rolled_back())),
    ])
}

#[test]
fn a_frame_shows_each_phase_and_for_how_long() {
    insta::assert_snapshot!(frame(&three(), at(133), SignedDuration::from_secs(5), (40, 200)));
}

#[test]
fn a_frame_fits_the_terminal() {
    let all = frame(&three(), at(133), SignedDuration::from_secs(5), (40, 200)).lines().count();
    for rows in 0..40 {
        let frame = frame(&three(), at(133), SignedDuration::from_secs(5), (rows, 50));
        let lines = frame.lines().count();
        assert!(lines < usize::from(rows).max(4), "{lines} lines in {rows} rows");
        assert_eq!(frame.contains("more; watch one service"), usize::from(rows) <= all, "{rows}");
        let below = frame.lines().last().expect("it has lines");
        assert_eq!(below.chars().count(), 50, "{below}");
    }
}

#[test]
fn a_pipe_gets_a_line_when_something_changes_and_none_otherwise() {
    let (mut said, services) = (Said::new(), three());
    let lines: Vec<String> =
        changed(&services, &mut said).map(|state| line(state, at(133))).collect();
    assert_eq!(
        lines,
        [
            "11-23 01:32:13 UTC  acme/order-api  deploying  acme is waiting",
            "11-23 01:32:13 UTC  globex/order-api  settled  globex is settled",
            "11-23 01:32:13 UTC  initech/order-api  blocked  initech is blocked",
        ]
    );
    assert_eq!(changed(&services, &mut said).count(), 0);
    let later = service(vec![state("acme", StandingKind::Settled, Some(rolled_back()))]);
    let changes: Vec<Value> =
        changed(&later, &mut said).map(|state| change_to_value(state, at(200))).collect();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["target"], "acme/order-api");
    assert_eq!(changes[0]["at"], "2026-11-23T01:33:20Z");
    assert_eq!(changes[0]["phase"], Value::Null);
}

#[test]
fn watching_ends_when_nothing_passes_by_itself() {
    assert!(!is_at_rest(&three()));
    let settled = || state("globex", StandingKind::Settled, None);
    let blocked = state("initech", StandingKind::Blocked, Some(rolled_back()));
    assert!(is_at_rest(&service(vec![settled(), blocked])));
    // A call was refused in the middle of a deploy: it goes on in ECS.
    let refused = state("acme", StandingKind::Blocked, Some(deploying()));
    assert!(!is_at_rest(&service(vec![refused])));
    // What it stands for is an older decision: the pass for the newer one is to come.
    let mut older = settled();
    older.assigned = Some(assignment(4, "1.4.4"));
    assert!(!is_at_rest(&service(vec![older])));
    let mut new = settled();
    new.record = TargetRecord::default();
    assert!(!is_at_rest(&service(vec![new])));
}

#[test]
fn an_interval_is_a_second_or_more() {
    assert_eq!(interval("5s"), Ok(SignedDuration::from_secs(5)));
    assert_eq!(interval("1m"), Ok(SignedDuration::from_mins(1)));
    for text in ["0s", "soon", ""] {
        assert!(interval(text).is_err(), "{text}");
    }
}
