//! The end of a history: faults end, what was begun comes to its end, the fleet is swept twice, and it
//! must be where it should be. A third sweep does nothing.

use std::collections::BTreeMap;

use funade::config::Target;
use funade::facts::deploy::UndoneBy;
use funade::facts::ecs::{AlarmState, RolloutState};
use funade::facts::parameter::ParameterValue;
use funade::facts::task_definition::VariableValue;
use jiff::SignedDuration;

use super::checkers::{Checkers, Invariant, Violation};
use super::run::Course;
use crate::ecs::Behaviour;
use crate::state::Sim;

/// Longer than the longest deadline with a bake and the way back.
const ALL_IS_OVER: SignedDuration = SignedDuration::from_hours(1);

/// How long after all else a sweep begins.
const A_WHILE: SignedDuration = SignedDuration::from_mins(5);

/// Ends a history.
pub(super) fn make_peace(course: &mut Course<'_>) {
    if course.violation.is_some() {
        return;
    }
    course.tell(|| "-- faults end".to_owned());
    course.sim.state_mut().calls.end_faults();
    for target in course.targets.clone() {
        for alarm in &target.verify.alarms {
            course.sim.set_alarm(&target.place, alarm, AlarmState::Quiet);
        }
    }
    for sweep in 1..=2 {
        // What is read must not be what was so a moment ago.
        course.wait(A_WHILE);
        course.tell(|| format!("-- sweep {sweep}"));
        course.sweep();
        course.go_on(ALL_IS_OVER);
    }
    // A hold may have ended a moment ago.
    for _ in 0..3 {
        if course.violation.is_none() && course.targets.iter().any(|t| is_under_way(course, t)) {
            course.go_on(ALL_IS_OVER);
        }
    }
    if course.violation.is_some() {
        return;
    }
    course.violation =
        course.targets.iter().find_map(|target| strays(course.sim, &course.checkers, target));
    if let Some(violation) = course.violation.clone() {
        course.tell(|| format!("VIOLATION of {}: {}", violation.invariant, violation.what));
        return;
    }
    let still = Still::of(course.sim);
    course.tell(|| "-- sweep 3".to_owned());
    course.sweep();
    course.go_on(SignedDuration::ZERO);
    let all_told = || course.checkers.all_told(&course.sim.state());
    let violation = course.violation.clone();
    course.violation = violation.or_else(|| still.moved(course.sim)).or_else(all_told);
}

/// Everything that a pass with something to do would change.
#[derive(PartialEq)]
pub(super) struct Still {
    generations: BTreeMap<String, u64>,
    revisions: usize,
}

impl Still {
    pub(super) fn of(sim: &Sim) -> Self {
        Self { generations: sim.generations(), revisions: sim.revisions() }
    }

    /// What was done since, where nothing should have been.
    pub(super) fn moved(&self, sim: &Sim) -> Option<Violation> {
        let what = "a sweep at the fixed point has written or registered something".to_owned();
        let invariant = Invariant::FixedPoint;
        (*self != Self::of(sim)).then_some(Violation { invariant, what })
    }
}

/// Whether a deploy is on its way. None is for ever: it has a deadline.
fn is_under_way(course: &Course<'_>, target: &Target) -> bool {
    let deploy = course.sim.target_record(&target.id).deploy;
    deploy.is_some_and(|deploy| deploy.is_under_way())
}

/// Why a target is not where it should be, if it is not, and nothing excuses it.
pub(super) fn strays(sim: &Sim, checkers: &Checkers, target: &Target) -> Option<Violation> {
    let record = sim.target_record(&target.id);
    let standing = record.standing.as_ref();
    let code = standing.map_or("never looked at", |standing| standing.code.as_str());
    let excuses = &checkers.excuses;
    let deploy = record.deploy.as_ref();
    let digests =
        [deploy.map(|deploy| deploy.assignment.release.digest.clone()), sim.assigned(&target.id)];
    let mut behaviours = digests.iter().flatten().map(|digest| checkers.behaviour(digest));
    let healthy = behaviours.all(|known| matches!(known, None | Some(Behaviour::Healthy(_))));
    let by_hand = excuses.by_hand.contains_key(&target.id);
    let assigned = sim.assigned(&target.id);
    let mut attempts = deploy.into_iter().chain(&record.undone);
    let undone_by_person = attempts.any(|deploy| {
        assigned.as_ref() == Some(&deploy.assignment.release.digest)
            && matches!(deploy.progress.undone().0, Some(UndoneBy::Person(_)))
    });
    let meddled = by_hand
        || excuses.alarms.contains(&target.place)
        || excuses.parameters.is_some()
        || undone_by_person;
    let is_right = match code {
        "already-runs" => return arrived(sim, target),
        "nothing-assigned" | "held" | "runs-newer" | "configuration-differs" | "awaits-turn" => {
            true
        }
        "rolled-back" | "deploy-failed" => !healthy || meddled,
        "image-not-there" => !excuses.deleted.is_empty(),
        // All parameters of a path were deleted.
        "configuration-unusable" => excuses.parameters.is_some(),
        "changed-outside" | "given-up" | "stuck" | "goes-back" => by_hand || !healthy,
        _ => false,
    };
    (!is_right).then(|| Violation {
        invariant: Invariant::Converges,
        what: format!("{} stands as {code}: {:?}", target.id, standing.map(|s| &s.sentence)),
    })
}

/// It says that it runs what it should: so it must.
fn arrived(sim: &Sim, target: &Target) -> Option<Violation> {
    let wrong = |what: String| {
        let what = format!("{} says that it runs what it should: {what}", target.id);
        Some(Violation { invariant: Invariant::Converges, what })
    };
    let (place, cluster, service) = (&target.place, &target.cluster, &target.ecs_service);
    let view = sim.view(place, cluster, service, &target.container).expect("it is there");
    let assigned = sim.assigned(&target.id);
    let runs = |digest: &str| view.image.as_ref().is_some_and(|image| image.ends_with(digest));
    if !assigned.is_some_and(|digest| runs(digest.as_str())) {
        return wrong(format!("its image is {:?}", view.image));
    }
    if view.rollout != RolloutState::Completed {
        return wrong(format!("its deployment is {:?}", view.rollout));
    }
    let revision = sim.revision(place, view.revision.as_str()).expect("it is registered");
    let state = sim.state();
    for read in &target.parameters {
        for (name, value) in state.stores.values_below(place, &read.path) {
            let variable = name.as_str().rsplit('/').next().expect("a name has a last part");
            let variable = variable.parse().expect("a variable's name");
            let container = read.into.first().expect("at least one");
            let has = revision.document.variable(container, &variable);
            let fits = match (value, &has) {
                (ParameterValue::Plain(text), Some(VariableValue::Plain(has))) => text == has,
                (ParameterValue::Secure, Some(VariableValue::From(_))) => true,
                (ParameterValue::Plain(_) | ParameterValue::Secure, _) => false,
            };
            // A later path may have the same variable.
            if !fits && target.parameters.last() == Some(read) {
                return wrong(format!("{variable} is {has:?}, and {name} says {value:?}"));
            }
        }
    }
    None
}
