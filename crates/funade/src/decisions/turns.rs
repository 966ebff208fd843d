//! Whose turn it is to take up a change that many targets share.
//!
//! In: a service, the waves, its record, where its targets stand. Out: the turns as they should
//! be, and whom they were given to. All targets of an account and region that read a shared path
//! take part once one of them asks: so a wave is not passed by only because its targets have not
//! noticed the change yet. A target has had its turn when it says that it runs what it should;
//! whoever holds one is woken by every pass over the service until then.
//!
//! Invariant: a wave's targets get turns only when those of the waves before have had theirs and
//! have baked, no more at once than `max_concurrent`, and none once more than `max_failures` have
//! failed. Approvals are not asked for: they are about releases.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::config::{Service, Target, Wave};
use crate::decisions::advance::TargetStatus;
use crate::facts::names::{EnvironmentName, Place, TargetId};
use crate::facts::record::{ServiceRecord, Turn, Turns};

/// How often further changes begin the turns anew, so that each wave bakes with the newest. Were it
/// always, a path that somebody changes twice a day would never come to the waves behind a long
/// bake. After that a further change still goes to the first wave first, and nobody bakes again.
const BEGUN_ANEW_MAX: u32 = 3;

/// The turns of a service, and what follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Those that are being given, by place.
    pub turns: BTreeMap<Place, Turns>,
    /// How often any were begun.
    pub turns_begun: u64,
    /// Whose turn has just come.
    pub wake: Vec<TargetId>,
    /// When the next wave has baked.
    pub look_again: Option<SignedDuration>,
}

/// Gives turns to the targets of a service that read shared paths.
#[must_use]
pub fn give_turns(
    service: &Service,
    waves: &[Wave],
    record: &ServiceRecord,
    targets: &BTreeMap<TargetId, TargetStatus>,
    now: Timestamp,
) -> Given {
    let mut given = Given { turns_begun: record.turns_begun, ..Given::default() };
    let mut by_place: BTreeMap<&Place, Vec<&Target>> = BTreeMap::new();
    for target in service.targets.values() {
        if target.parameters.iter().any(|read| read.shared) {
            by_place.entry(&target.place).or_default().push(target);
        }
    }
    for (place, members) in by_place {
        let group = Group { members, targets };
        let before = record.turns.get(place);
        let Some(mut turns) = group.begin(before, &mut given.turns_begun) else { continue };
        group.note_outcomes(&mut turns);
        let (over, opens_at) = group.go_over(waves, &mut turns, now, &mut given.wake);
        if let Some(opens_at) = opens_at {
            let left = opens_at.duration_since(now);
            given.look_again = Some(given.look_again.map_or(left, |sooner| sooner.min(left)));
        }
        if !over {
            given.turns.insert(place.clone(), turns);
        }
    }
    given
}

/// The targets of one account and region that take part.
struct Group<'a> {
    members: Vec<&'a Target>,
    targets: &'a BTreeMap<TargetId, TargetStatus>,
}

impl Group<'_> {
    fn status(&self, environment: &EnvironmentName) -> Option<&TargetStatus> {
        let target = self.members.iter().find(|target| &target.id.environment == environment)?;
        self.targets.get(&target.id)
    }

    /// The turns to go on with; new ones where somebody asks who has none to come.
    fn begin(&self, before: Option<&Turns>, begun: &mut u64) -> Option<Turns> {
        let names = self.members.iter().map(|target| &target.id.environment);
        let asks = |name: &&EnvironmentName| {
            self.status(name).is_some_and(|status| status.awaits_turn.is_some())
        };
        let asking: Vec<&EnvironmentName> = names.filter(asks).collect();
        let Some(turns) = before else {
            return (!asking.is_empty()).then(|| {
                *begun += 1;
                first(*begun)
            });
        };
        let mut turns = turns.clone();
        if !asking.iter().any(|name| turns.had.contains(*name)) {
            return Some(turns);
        }
        // They have had their turn, and there was a further change.
        *begun += 1;
        turns.number = *begun;
        turns.had.retain(|name| !asking.contains(&name));
        if turns.begun_anew < BEGUN_ANEW_MAX {
            turns.begun_anew += 1;
            turns.had.clear();
            turns.waves_over.clear();
        }
        // Who is on the way goes on, and comes to run the further change too.
        Some(turns)
    }

    /// Brings the turns up to what the targets say, and forgets targets that are no more.
    fn note_outcomes(&self, turns: &mut Turns) {
        turns.had.retain(|name| self.members.iter().any(|t| &t.id.environment == name));
        let given = std::mem::take(&mut turns.given);
        for (name, _) in given {
            let Some(status) = self.status(&name) else { continue };
            if status.had_turn == turns.number {
                turns.had.insert(name);
            } else {
                let turn = if status.blocked.is_some() { Turn::Failed } else { Turn::Given };
                turns.given.insert(name, turn);
            }
        }
    }

    /// Goes over the waves to the one that is open, and gives turns there. Says whether all is
    /// over, and, if the next wave waits for nothing else, when it opens.
    fn go_over(
        &self,
        waves: &[Wave],
        turns: &mut Turns,
        now: Timestamp,
        woken: &mut Vec<TargetId>,
    ) -> (bool, Option<Timestamp>) {
        let mut opens_at = None;
        for wave in waves {
            let here: Vec<&Target> = self
                .members
                .iter()
                .filter(|target| wave.environments.contains(&target.id.environment))
                .copied()
                .collect();
            if here.is_empty() {
                continue;
            }
            if opens_at.is_some_and(|at| at > now) {
                return (false, opens_at);
            }
            if !give_in(wave, &here, turns, woken) {
                return (false, None);
            }
            let over_at = *turns.waves_over.entry(wave.name.clone()).or_insert(now);
            opens_at = Some(over_at + wave.bake);
        }
        (true, None)
    }
}

fn first(number: u64) -> Turns {
    Turns {
        number,
        given: BTreeMap::new(),
        had: BTreeSet::new(),
        waves_over: BTreeMap::new(),
        begun_anew: 0,
    }
}

/// Gives turns within one wave, and says whether all its targets have had theirs.
fn give_in(wave: &Wave, here: &[&Target], turns: &mut Turns, woken: &mut Vec<TargetId>) -> bool {
    let names = || here.iter().map(|target| &target.id.environment);
    let count = |turn| names().filter(|name| turns.given.get(name) == Some(&turn)).count();
    let (failed, going) = (count(Turn::Failed), count(Turn::Given));
    if failed > wave.max_failures.rounded_down(here.len()) {
        return false;
    }
    let waiting: Vec<&Target> = here
        .iter()
        .filter(|target| {
            let name = &target.id.environment;
            !turns.had.contains(name) && !turns.given.contains_key(name)
        })
        .copied()
        .collect();
    let free = wave.max_concurrent.rounded_up(here.len()).saturating_sub(going);
    for target in waiting.iter().take(free) {
        turns.given.insert(target.id.environment.clone(), Turn::Given);
        woken.push(target.id.clone());
    }
    going == 0 && waiting.is_empty()
}
