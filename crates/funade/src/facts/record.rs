//! The ledger's records: what was decided, what was begun, and how it stands.
//!
//! A service's record is written by the service's pass only, a target's by the target's pass
//! only; each reads the other's. Every write names the generation that it read, and the ledger
//! refuses it if another came between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;

use crate::facts::configuration::Configuration;
use crate::facts::names::{DeploymentId, EnvironmentName, Place, RevisionArn, TargetId};
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
    /// What the last pass found.
    pub standing: Option<Standing>,
    /// The revision that was last seen running: where to look first, never a ground to decide.
    pub last_seen: Option<RevisionArn>,
    /// Since when a deploy is held back because what the target reads is being changed.
    pub quiet_since: Option<Timestamp>,
    /// The number of the last turn in which it came to run what it should; 0 before the first.
    pub had_turn: u64,
}

/// One attempt to bring one release and configuration to one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deploy {
    /// Its id.
    pub id: DeployId,
    /// The decision that it carries out.
    pub assignment: Assignment,
    /// The revision that ran when it began, from which the new one is made.
    pub from: RevisionArn,
    /// The id of what led to it: of a release's event or request, of a parameter's event.
    pub cause: String,
    /// The variables that it brings.
    pub configuration: Configuration,
    /// What tells those variables from others, texts included.
    pub fingerprint: String,
    /// When it was written down.
    pub begun_at: Timestamp,
    /// How far it has come.
    pub progress: Progress,
}

/// A deploy's id: the target and a number that counts its deploys, `acme/order-api/7`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeployId {
    /// Where.
    pub target: TargetId,
    /// The how manieth of this target, from 1.
    pub number: u64,
}

impl fmt::Display for DeployId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.target, self.number)
    }
}

/// How far a deploy has come. Each state is written before the call that leads out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Written down; the new revision may or may not be registered.
    Begun,
    /// The revision is registered; `UpdateService` may or may not have been called.
    Registered {
        /// The new revision.
        revision: RevisionArn,
    },
    /// `UpdateService` was called, and ECS began this deployment.
    Updated {
        /// The new revision.
        revision: RevisionArn,
        /// The deployment.
        deployment: DeploymentId,
        /// When we heard of it.
        at: Timestamp,
    },
    /// It is over.
    Ended {
        /// The new revision, if one was registered.
        revision: Option<RevisionArn>,
        /// How it ended.
        ending: Ending,
        /// When we saw that.
        at: Timestamp,
    },
}

/// How a deploy ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Our revision is the PRIMARY's, and that deployment completed.
    Succeeded,
    /// ECS gave up, or our deployment is not the PRIMARY any more.
    Failed {
        /// What we saw.
        reason: String,
    },
    /// A newer decision, or a change from outside, came before it ended.
    Superseded,
}

impl Progress {
    /// The revision that the deploy registered, as far as the ledger knows.
    #[must_use]
    pub fn revision(&self) -> Option<&RevisionArn> {
        match self {
            Self::Begun => None,
            Self::Registered { revision } | Self::Updated { revision, .. } => Some(revision),
            Self::Ended { revision, .. } => revision.as_ref(),
        }
    }
}

/// What a pass found, in the words that a person is told. Written when it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The number of the assignment that it is about; 0 without one.
    pub assignment: u64,
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
