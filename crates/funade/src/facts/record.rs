//! The ledger's records: what was decided, what was begun, and how it stands.
//!
//! A service's record is written by the service's pass only, a target's by the target's pass
//! only; each reads the other's. Every write names the generation that it read, and the ledger
//! refuses it if another came between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use crate::facts::deploy::{Deploy, Good};
use crate::facts::names::{EnvironmentName, Place, RevisionArn, Tag};
use crate::facts::release::Assignment;

/// Which release each target of a service should run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceRecord {
    /// 0 for a record that was never written.
    pub generation: u64,
    /// The decisions that some target still follows, by number; the last is the newest.
    pub assignments: BTreeMap<u64, Assignment>,
    /// Each target's decision.
    pub assigned: BTreeMap<EnvironmentName, u64>,
    /// The last request of a person that was taken up, by its id.
    pub last_request: Option<String>,
    /// The number of the last decision with which every target was done.
    pub ended: u64,
    /// How often turns were begun to be given: numbers them.
    pub turns_begun: u64,
    /// The turns that are being given, by the account and region that they are given in.
    pub turns: BTreeMap<Place, Turns>,
}

/// A change of something that many targets read, going over the service's targets in one account
/// and region: each takes it up in its turn, wave by wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turns {
    /// Tells one going-over from the next.
    pub number: u64,
    /// Whose turn it is.
    pub given: BTreeMap<EnvironmentName, Turn>,
    /// Who has had its turn, and runs what it should.
    pub had: BTreeSet<EnvironmentName>,
    /// When the last target of a wave was seen to have had its turn, by the wave's name.
    pub waves_over: BTreeMap<String, Timestamp>,
    /// How often further changes began them anew.
    pub begun_anew: u32,
}

/// The turns that are being given, as one target sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnsForTarget {
    /// Tells one going-over from the next.
    pub number: u64,
    /// The target's turn, if it has come.
    pub turn: Option<Turn>,
    /// Whether it has had it.
    pub had: bool,
    /// Who failed in theirs.
    pub failed: Vec<EnvironmentName>,
}

/// A target's turn, as its service sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It may go.
    Given,
    /// It went and did not arrive: it counts against its wave's failures.
    Failed,
}

impl ServiceRecord {
    /// The newest decision.
    #[must_use]
    pub fn newest(&self) -> Option<&Assignment> {
        self.assignments.values().next_back()
    }

    /// What a target should run.
    #[must_use]
    pub fn assignment(&self, environment: &EnvironmentName) -> Option<&Assignment> {
        self.assignments.get(self.assigned.get(environment)?)
    }

    /// How the turns that are being given in a place look from one of its targets.
    #[must_use]
    pub fn turns_for(
        &self,
        place: &Place,
        environment: &EnvironmentName,
    ) -> Option<TurnsForTarget> {
        let turns = self.turns.get(place)?;
        let failed = turns.given.iter().filter(|(_, turn)| **turn == Turn::Failed);
        Some(TurnsForTarget {
            number: turns.number,
            turn: turns.given.get(environment).copied(),
            had: turns.had.contains(environment),
            failed: failed.map(|(name, _)| name.clone()).collect(),
        })
    }
}

/// A target's deploys, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetRecord {
    /// 0 for a record that was never written.
    pub generation: u64,
    /// How many deploys were ever begun here.
    pub deploys_begun: u64,
    /// The last of them.
    pub deploy: Option<Deploy>,
    /// Deploys before the last one that failed or were undone, the last of each image: automation
    /// leaves these images alone too. Without their variables and their phases.
    pub undone: Vec<Deploy>,
    /// What the last pass found.
    pub standing: Option<Standing>,
    /// The revision that was last seen running: where to look first, never a ground to decide.
    pub last_seen: Option<RevisionArn>,
    /// Since when a deploy is held back because what the target reads is being changed.
    pub quiet_since: Option<Timestamp>,
    /// The number of the last turn in which it came to run what it should; 0 before the first.
    pub had_turn: u64,
    /// What served here last and was found good: where a rollback goes, however far back.
    pub good: Option<Good>,
    /// The last request of a person to roll back that was taken up, by its id.
    pub last_rollback: Option<String>,
    /// When something is due that no event tells of: a deadline, the end of a bake, of a quiet
    /// period, of a hold.
    pub due: Option<Timestamp>,
    /// What people were told that keeps the target from what is assigned, so that nobody is told
    /// twice.
    pub told: ToldOfStanding,
}

/// The standings of a target that were told, while it tries to come to what is assigned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToldOfStanding {
    /// The number of the assignment.
    pub assignment: u64,
    /// The reports' codes.
    pub codes: BTreeSet<String>,
}

/// What a pass found, in the words that a person is told. Written when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The number of the assignment that it is about; 0 without one.
    pub assignment: u64,
    /// Its release.
    pub release: Option<Tag>,
    /// Whether it passes by itself.
    pub kind: StandingKind,
    /// Which report, for machines: `already-runs`, `image-not-there`, ….
    pub code: String,
    /// The report as a sentence.
    pub sentence: String,
    /// Since when it stands like this.
    pub since: Timestamp,
}

/// Whether anything is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingKind {
    /// Nothing is left to do.
    Settled,
    /// It passes by itself.
    Waiting,
    /// It needs a person.
    Blocked,
}

impl fmt::Display for StandingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settled => "settled",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
        })
    }
}
