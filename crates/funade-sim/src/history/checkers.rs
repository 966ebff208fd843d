//! The invariants, looked at after every step of a history.
//!
//! They see what the ledger and ECS were told, and keep their own account of it; they share nothing
//! with the code that they check but the facts' types. Two of the design's invariants need no
//! checker, since nothing can break them: no port can give a secret's value, and none can
//! deregister a revision. How waves follow each other is told by scenarios of their own: here
//! events are lost, and a target whose turn it is reads what is so, whoever was told.

#[cfg(test)]
mod tests;

mod notices;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use funade::config::{Config, Target};
use funade::facts::deploy::{Deploy, Ending, Phase, Progress, UndoneBy};
use funade::facts::ecs::AlarmState;
use funade::facts::image::ImageReference;
use funade::facts::names::{Digest, Place, RevisionArn, TargetId};
use funade::facts::record::TargetRecord;
use funade::facts::release::AssignedBy;
use funade::facts::task_definition::DEPLOY_TAG;
use jiff::{SignedDuration, Timestamp};

use self::notices::Telling;
use crate::ecs::{Behaviour, By, ServiceKey, Updated};
use crate::state::State;

/// How far behind a look at ECS may be when a call follows it: stale reads, slow calls, and the
/// clocks' difference together.
const LOOK_IS_OLD: SignedDuration = SignedDuration::from_secs(120);

/// How long a deployment that failed is shown at least.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_secs(120);

/// How long a parameter must have been there to be in every revision that is registered.
const PARAMETER_IS_SETTLED: SignedDuration = SignedDuration::from_mins(5);

/// What must always hold. The numbers are those of the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// 1: one `UpdateService` per deploy, written down before.
    OneUpdate,
    /// 1: nothing is deployed while a service goes back.
    NothingDuringRollback,
    /// 2: automation moves no target to an older release, but by rollback.
    NoDowngrade,
    /// 3: after a rollback only a person, an expiry or a newer release touches the target.
    Held,
    /// 4: in the end every target runs what it should, or says why not.
    Converges,
    /// 5: at the fixed point nothing is done.
    FixedPoint,
    /// 6: success means that our revision is the PRIMARY's and its deployment completed.
    TrueSuccess,
    /// 10: no deploy from half a set of parameters.
    WholeSet,
    /// A deploy's life goes one way.
    OneWay,
    /// 8: each change of state is told once, and delivered.
    Notices,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::OneUpdate,
        Self::NothingDuringRollback,
        Self::NoDowngrade,
        Self::Held,
        Self::Converges,
        Self::FixedPoint,
        Self::TrueSuccess,
        Self::WholeSet,
        Self::OneWay,
        Self::Notices,
    ];
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneUpdate => "one-update",
            Self::NothingDuringRollback => "nothing-during-rollback",
            Self::NoDowngrade => "no-downgrade",
            Self::Held => "held",
            Self::Converges => "converges",
            Self::FixedPoint => "fixed-point",
            Self::TrueSuccess => "true-success",
            Self::WholeSet => "whole-set",
            Self::OneWay => "one-way",
            Self::Notices => "notices",
        })
    }
}

/// An invariant that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub what: String,
}

impl Violation {
    pub(super) fn restless(steps: u64) -> Self {
        let what = format!("it has not come to rest after {steps} steps");
        Self { invariant: Invariant::Converges, what }
    }
}

/// What the checkers keep account of.
#[derive(Debug)]
pub(crate) struct Checkers {
    config: Arc<Config>,
    keys: BTreeMap<ServiceKey, TargetId>,
    /// How often `UpdateService` was called for a revision that a deploy has registered.
    updates: BTreeMap<RevisionArn, (u32, Timestamp)>,
    /// How often a deployment was begun to go back, by the rollback.
    backs: BTreeMap<(TargetId, u64, Timestamp), u32>,
    /// The releases' numbers and what their tasks do, by image.
    images: BTreeMap<Digest, (u64, Behaviour)>,
    /// Whether tags were moved, so that an image has no one place in the order.
    tags_moved: bool,
    /// What was rolled back and must not come again: when that deploy was begun, and since when.
    banned: BTreeMap<(TargetId, Digest), (Timestamp, Timestamp)>,
    /// When a person last asked for something.
    persons: BTreeMap<TargetId, Timestamp>,
    /// The last record of each target.
    records: BTreeMap<TargetId, TargetRecord>,
    telling: Telling,
    /// What has happened that explains why a target is not where it would be otherwise.
    pub(super) excuses: Excuses,
}

/// What happened to a history's targets from outside.
#[derive(Debug, Default)]
pub(super) struct Excuses {
    /// When somebody last changed something in the console.
    pub(super) by_hand: BTreeMap<TargetId, Timestamp>,
    /// Whether an alarm ever rang.
    pub(super) alarms: BTreeSet<Place>,
    /// Images that were deleted.
    pub(super) deleted: BTreeSet<Digest>,
    /// When a parameter last changed.
    pub(super) parameters: Option<Timestamp>,
}

impl Checkers {
    /// For a fleet.
    #[must_use]
    pub(super) fn new(config: &Arc<Config>) -> Self {
        let key = |target: &Target| {
            (target.place.clone(), target.cluster.clone(), target.ecs_service.clone())
        };
        Self {
            config: config.clone(),
            keys: config.targets().map(|target| (key(target), target.id.clone())).collect(),
            updates: BTreeMap::new(),
            backs: BTreeMap::new(),
            images: BTreeMap::new(),
            tags_moved: false,
            banned: BTreeMap::new(),
            persons: BTreeMap::new(),
            records: BTreeMap::new(),
            telling: Telling::default(),
            excuses: Excuses::default(),
        }
    }

    pub(super) fn pushed(&mut self, digest: &Digest, number: u64, behaviour: Behaviour) {
        self.images.insert(digest.clone(), (number, behaviour));
    }

    pub(super) fn tag_moved(&mut self) {
        self.tags_moved = true;
    }

    pub(super) fn image_deleted(&mut self, digest: &Digest) {
        self.excuses.deleted.insert(digest.clone());
    }

    pub(super) fn parameters_changed(&mut self, now: Timestamp) {
        self.excuses.parameters = Some(now);
    }

    pub(super) fn by_hand(&mut self, target: &TargetId, now: Timestamp) {
        self.excuses.by_hand.insert(target.clone(), now);
    }

    pub(super) fn alarm(&mut self, place: &Place, _state: AlarmState, _now: Timestamp) {
        self.excuses.alarms.insert(place.clone());
    }

    /// A person asks, for one target or for all of a service: what was rolled back may come again.
    pub(super) fn person(&mut self, target: Option<&TargetId>, now: Timestamp) {
        let asked = self.config.targets().map(|target| target.id.clone());
        let asked = asked.filter(|id| target.is_none_or(|target| target == id));
        self.persons.extend(asked.map(|id| (id, now)));
    }

    pub(super) fn behaviour(&self, digest: &Digest) -> Option<Behaviour> {
        self.images.get(digest).map(|(_, behaviour)| *behaviour)
    }

    /// Looks at what was called and written since the last look.
    pub(crate) fn look(&mut self, state: &mut State) -> Option<Violation> {
        let written = std::mem::take(&mut state.written);
        let registered = std::mem::take(&mut state.services.registered);
        let updated = std::mem::take(&mut state.services.updated);
        let mut found = self.telling.look(state);
        for (place, revision) in registered {
            found = found.or_else(|| self.registered(state, &place, &revision));
        }
        // What was called counts before what was written about it after.
        for updated in &updated {
            found = found.or_else(|| self.updated(state, updated));
        }
        for (id, record) in written {
            let before = self.records.get(&id);
            found = found.or_else(|| self.telling.written(&id, before, &record));
            found = found.or_else(|| self.written(state, &id, &record));
            self.records.insert(id, record);
        }
        found
    }

    /// Whether all that was to be told has arrived.
    pub(super) fn all_told(&self, state: &State) -> Option<Violation> {
        self.telling.all_told(state)
    }

    fn target(&self, id: &TargetId) -> &Target {
        self.config.target(id).expect("the fleet has it")
    }

    /// `UpdateService` was carried out.
    fn updated(&mut self, state: &State, updated: &Updated) -> Option<Violation> {
        match updated.by {
            By::Hand => return None,
            By::Funade => {}
        }
        let id = self.keys.get(&updated.key)?.clone();
        let record = self.records.get(&id);
        let deploy = record.and_then(|record| record.deploy.as_ref());
        let violation = |invariant, what: String| Some(Violation { invariant, what });
        let Some(deploy) = deploy else {
            let what = format!("{id}: UpdateService without a deploy in the ledger");
            return violation(Invariant::OneUpdate, what);
        };
        if let Progress::GoingBack { going, .. } = &deploy.progress {
            let to = going.to.as_ref().map(|good| &good.revision);
            if to != Some(&updated.revision) {
                let what =
                    format!("{id}: it goes back to {to:?}, and {:?} was named", updated.revision);
                return violation(Invariant::OneUpdate, what);
            }
            // ECS begins nothing for what is the PRIMARY's already.
            let begun = u32::from(updated.before != updated.revision);
            let count = self.backs.entry((id, deploy.id.number, going.since)).or_default();
            *count += begun;
            // Where ECS tells no history, nobody can know of a call whose answer was lost, once what
            // it began was given up.
            let known = state.services.keeps_history || going.asked_at.is_some();
            if begun > 0 && *count > 1 && known {
                let what = format!("{}: it goes back for the {count}th time", deploy.id);
                return violation(Invariant::OneUpdate, what);
            }
            return None;
        }
        let revision = state.services.find(&updated.key.0, updated.revision.as_str())?;
        let tagged = revision.tags.get(DEPLOY_TAG);
        let written_down = deploy.progress.revision() == Some(&updated.revision)
            && deploy.phase() == Phase::Starting
            && tagged == Some(&deploy.id.to_string());
        if !written_down {
            let what =
                format!("{id}: {} was not written down before: {deploy:?}", updated.revision);
            return violation(Invariant::OneUpdate, what);
        }
        let first = (0, state.now);
        let (count, at) = self.updates.entry(updated.revision.clone()).or_insert(first);
        *count += 1;
        // Where ECS tells no history, nobody can know of a deployment that is over and forgotten.
        let forgotten =
            !state.services.keeps_history && state.now.duration_since(*at) > FORGOTTEN_AFTER;
        *at = state.now;
        if *count > 1 && !forgotten {
            let what = format!("{id}: UpdateService called {count} times for {}", deploy.id);
            return violation(Invariant::OneUpdate, what);
        }
        let late = |since: Timestamp| state.now.duration_since(since) > LOOK_IS_OLD;
        if updated.rolling_back_since.is_some_and(late) {
            let what = format!("{id}: {} begins while ECS goes back", deploy.id);
            return violation(Invariant::NothingDuringRollback, what);
        }
        self.no_downgrade(state, updated, &id, deploy).or_else(|| self.held(state, &id, deploy))
    }

    /// Invariant 2, where images have one place in the order each.
    fn no_downgrade(
        &self,
        state: &State,
        updated: &Updated,
        id: &TargetId,
        deploy: &Deploy,
    ) -> Option<Violation> {
        let by_hand = self.excuses.by_hand.get(id);
        let just_changed = by_hand.is_some_and(|at| state.now.duration_since(*at) <= LOOK_IS_OLD);
        // ECS may have begun to go back since the look.
        let just_changed = just_changed || updated.rolling_back_since.is_some();
        if self.tags_moved || just_changed || deploy.assignment.by != AssignedBy::Selection {
            return None;
        }
        let number = |revision: &RevisionArn| {
            let revision = state.services.find(&updated.key.0, revision.as_str())?;
            let image = revision.document.image(&self.target(id).container)?;
            let digest = ImageReference::parse(image)?.digest?;
            self.images.get(&digest).map(|(number, _)| *number)
        };
        let (before, after) = (number(&updated.before)?, number(&updated.revision)?);
        // What was set by hand may be of any number; who knows its order is not said by its digest.
        let known = state.services.find(&updated.key.0, updated.before.as_str());
        let ours = known.is_some_and(|revision| revision.tags.contains_key(DEPLOY_TAG));
        (ours && after < before).then(|| Violation {
            invariant: Invariant::NoDowngrade,
            what: format!("{id}: {} brings 1.{after}.0 in place of 1.{before}.0", deploy.id),
        })
    }

    /// Invariant 3.
    fn held(&self, state: &State, id: &TargetId, deploy: &Deploy) -> Option<Violation> {
        let digest = deploy.assignment.release.digest.clone();
        let (begun_at, since) = *self.banned.get(&(id.clone(), digest))?;
        if deploy.assignment.by != AssignedBy::Selection {
            return None;
        }
        let hold = self.target(id).rollback.hold;
        // The clocks differ a little.
        let expired = hold.is_some_and(|hold| state.now >= since + hold - LOOK_IS_OLD);
        // A person has changed a parameter since what failed was read.
        let mended = self.excuses.parameters.is_some_and(|at| at + LOOK_IS_OLD >= begun_at);
        // A person's tool takes a moment, too.
        let asked = self.persons.get(id).is_some_and(|at| *at + LOOK_IS_OLD >= since);
        (!expired && !mended && !asked).then(|| Violation {
            invariant: Invariant::Held,
            what: format!("{id}: {} brings back what was rolled back at {since}", deploy.id),
        })
    }

    /// A revision was registered.
    fn registered(&self, state: &State, place: &Place, arn: &RevisionArn) -> Option<Violation> {
        let revision = state.services.find(place, arn.as_str())?;
        let id: TargetId = revision.tags.get(DEPLOY_TAG)?.rsplit_once('/')?.0.parse().ok()?;
        let target = self.target(&id);
        let configuration = revision.document.configuration();
        let has = |variable: &str| {
            configuration.0.values().flatten().any(|(name, _)| name.as_str() == variable)
        };
        let settled =
            target.parameters.iter().flat_map(|read| state.stores.below(place, &read.path));
        let mut settled = settled
            .filter(|(_, written_at)| state.now.duration_since(*written_at) > PARAMETER_IS_SETTLED);
        let missing = settled.find(|(name, _)| {
            !has(name.as_str().rsplit('/').next().expect("a name has a last part"))
        });
        missing.map(|(name, _)| Violation {
            invariant: Invariant::WholeSet,
            what: format!("{id}: {} was registered without {name}", arn.short()),
        })
    }

    /// A target's record was written.
    fn written(&mut self, state: &State, id: &TargetId, next: &TargetRecord) -> Option<Violation> {
        let before = self.records.get(id).and_then(|record| record.deploy.as_ref());
        let deploy = next.deploy.as_ref()?;
        if let Some(before) = before
            && !goes_on(before, deploy)
        {
            let (from, to) = (before.phase(), deploy.phase());
            let what = format!("{id}: from {} {from} to {} {to}", before.id, deploy.id);
            return Some(Violation { invariant: Invariant::OneWay, what });
        }
        let Progress::Ended { ending, revision, at } = &deploy.progress else { return None };
        let newly = before.is_none_or(|before| before.progress != deploy.progress);
        if !newly {
            return None;
        }
        match ending {
            Ending::Succeeded => {
                self.banned.remove(&(id.clone(), deploy.assignment.release.digest.clone()));
                let target = self.target(id);
                let key =
                    (target.place.clone(), target.cluster.clone(), target.ecs_service.clone());
                let completed =
                    revision.as_ref().is_some_and(|r| state.services.ever_completed(&key, r));
                (!completed).then(|| Violation {
                    invariant: Invariant::TrueSuccess,
                    what: format!(
                        "{} is said to have succeeded, and never was complete",
                        deploy.id
                    ),
                })
            }
            Ending::RolledBack { by, .. } => {
                let digest = deploy.assignment.release.digest.clone();
                self.banned.insert((id.clone(), digest), (deploy.begun_at, *at));
                self.good_reason(id, deploy, by)
            }
            Ending::Failed { .. } => self.good_reason(id, deploy, &UndoneBy::Funade),
            Ending::Superseded | Ending::Replaced { .. } => None,
        }
    }

    /// What is healthy, and what nobody meddled with, neither fails nor is rolled back.
    fn good_reason(&self, id: &TargetId, deploy: &Deploy, by: &UndoneBy) -> Option<Violation> {
        let excused = self.excuses.by_hand.contains_key(id)
            || self.excuses.parameters.is_some()
            || self.excuses.alarms.contains(&self.target(id).place)
            || matches!(by, UndoneBy::Person(_));
        let behaviour = self.behaviour(&deploy.assignment.release.digest);
        let healthy = matches!(behaviour, Some(Behaviour::Healthy(_)));
        (healthy && !excused).then(|| Violation {
            invariant: Invariant::TrueSuccess,
            what: format!("{} of a healthy image is said to have failed", deploy.id),
        })
    }
}

/// Whether a deploy may stand like this after it stood like that.
fn goes_on(before: &Deploy, next: &Deploy) -> bool {
    if before.id != next.id {
        return next.id.number == before.id.number + 1;
    }
    match (before.phase(), next.phase()) {
        (a, b) if a == b => true,
        (Phase::Starting, _) => true,
        (Phase::Deploying, to) => to != Phase::Starting,
        (Phase::Verifying, to) => to != Phase::Starting && to != Phase::Deploying,
        (Phase::RollingBack, to) => {
            matches!(to, Phase::RolledBack | Phase::Failed | Phase::TimedOut | Phase::Superseded)
        }
        // Only a person undoes what is over.
        (_, Phase::RollingBack | Phase::RolledBack) => match &next.progress {
            Progress::GoingBack { going, .. } => matches!(going.by, UndoneBy::Person(_)),
            Progress::Ended { ending: Ending::RolledBack { by, .. }, .. } => {
                matches!(by, UndoneBy::Person(_))
            }
            Progress::Begun
            | Progress::Registered { .. }
            | Progress::Updated { .. }
            | Progress::Completed { .. }
            | Progress::Ended { .. } => false,
        },
        (_, _) => false,
    }
}
