//! What happens to a fleet from outside: pushes, parameters, people, alarms, bad luck.

use funade::config::Config;
use jiff::SignedDuration;

use crate::chance::Chance;
use crate::ecs::{Behaviour, Breaker, Failure, Strategy};

/// How long a history goes on before it is left in peace.
const LASTS: i64 = 2 * 60 * 60;

/// Something that happens, and how long after the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) after: SignedDuration,
    pub(crate) what: What,
}

/// How the copies of an event arrive: each after so long. None at all if it is lost.
pub(crate) type Copies = Vec<SignedDuration>;

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The image 1.N.0 is pushed.
    Push { number: u64, behaviour: Behaviour, replicated_after: SignedDuration, copies: Copies },
    /// The tag of a push is put on another image.
    MoveTag { number: u64, onto: u64, copies: Copies },
    /// An image is deleted everywhere.
    DeleteImage { number: u64 },
    /// A parameter is written: of a target, or shared by all.
    Put { target: usize, shared: bool, name: usize, value: Option<u64>, copies: Copies },
    /// A parameter is deleted.
    Delete { target: usize, shared: bool, name: usize, copies: Copies },
    /// A person asks for a release.
    Request { number: u64 },
    /// A person holds a target.
    Hold { target: usize, lasts: Option<SignedDuration> },
    /// A person lifts the hold on a target.
    Unhold { target: usize },
    /// A person rolls a target back.
    RollBack { target: usize },
    /// A person deploys another image in the console.
    ChangeByHand { target: usize, number: u64 },
    /// A person forces a new deployment in the console.
    Force { target: usize },
    /// A person stops the deployment in the console.
    Stop { target: usize },
    /// An alarm is raised, and quiet again after a while.
    Alarm { target: usize, lasts: SignedDuration, copies: Copies },
    /// The same message comes once more, or a schedule wakes everybody.
    Wake { target: usize },
}

impl What {
    /// Loses all copies of the events that this would send.
    pub(super) fn lose_events(&mut self) {
        match self {
            Self::Push { copies, .. }
            | Self::MoveTag { copies, .. }
            | Self::Put { copies, .. }
            | Self::Delete { copies, .. }
            | Self::Alarm { copies, .. } => copies.clear(),
            Self::DeleteImage { .. }
            | Self::Request { .. }
            | Self::Hold { .. }
            | Self::Unhold { .. }
            | Self::RollBack { .. }
            | Self::ChangeByHand { .. }
            | Self::Force { .. }
            | Self::Stop { .. }
            | Self::Wake { .. } => {}
        }
    }
}

/// What chance decides besides the acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Luck {
    /// The fleet's number.
    pub(crate) fleet: usize,
    /// Of each target's service.
    pub(crate) breakers: Vec<Breaker>,
    pub(crate) strategies: Vec<Strategy>,
    /// Whether ECS tells its history.
    pub(crate) keeps_history: bool,
    /// How long reads may be behind.
    pub(crate) stale_for: SignedDuration,
    /// How many calls of a thousand meet a fault.
    pub(crate) faults: u64,
    /// How many of ECS's own events of a thousand are lost.
    pub(crate) lost: u64,
    /// How far the functions' clocks are from AWS's, in seconds.
    pub(crate) skew: i64,
    /// How many calls of a thousand take some seconds.
    pub(crate) slow: u64,
    /// Whether the schedule works while things happen.
    pub(crate) sweeps: bool,
}

/// Draws the luck of a seed.
pub(super) fn luck(chance: &mut Chance, fleets: usize) -> Luck {
    let fleet = usize::try_from(chance.below(fleets as u64)).expect("a fleet's number");
    let breakers = [Breaker::RollsBack, Breaker::RollsBack, Breaker::Off, Breaker::GivesUp];
    let baked = Strategy::Baked(SignedDuration::from_mins(3));
    let strategies = [Strategy::Rolling, Strategy::Rolling, Strategy::Rolling, baked];
    Luck {
        fleet,
        breakers: (0..3).map(|_| *chance.one_of(&breakers)).collect(),
        strategies: (0..3).map(|_| *chance.one_of(&strategies)).collect(),
        keeps_history: chance.per_mille(850),
        stale_for: SignedDuration::from_secs(*chance.one_of(&[0, 0, 2, 5])),
        faults: *chance.one_of(&[0, 5, 20, 60]),
        lost: *chance.one_of(&[0, 100, 500, 1_000]),
        skew: *chance.one_of(&[0, 0, -2, 2]),
        slow: *chance.one_of(&[0, 50, 200]),
        sweeps: false,
    }
}

/// Draws what happens.
pub(super) fn acts(chance: &mut Chance, config: &Config) -> Vec<Act> {
    let targets = i64::try_from(config.targets().count()).expect("a small fleet") - 1;
    let mut pushed = 0;
    let mut acts: Vec<Act> = (0..chance.between(2, 12))
        .map(|_| {
            let after = chance.seconds(0, LASTS);
            Act { after, what: what(chance, targets, &mut pushed) }
        })
        .collect();
    // A dozen pushes within a minute, now and then.
    if chance.per_mille(60) {
        let begin = chance.seconds(0, LASTS / 2);
        acts.extend((0..12).map(|_| {
            let after = begin + chance.seconds(0, 60);
            Act { after, what: push(chance, &mut pushed) }
        }));
    }
    acts.sort_by_key(|act| act.after);
    acts
}

fn what(chance: &mut Chance, targets: i64, pushed: &mut u64) -> What {
    let target = usize::try_from(chance.between(0, targets)).expect("a target's number");
    let shared = chance.per_mille(250);
    let name = usize::try_from(chance.below(4)).expect("small");
    match chance.below(100) {
        0..40 => push(chance, pushed),
        40..43 => {
            let (number, onto) = (known(chance, *pushed), known(chance, *pushed));
            What::MoveTag { number, onto, copies: copies(chance) }
        }
        43..45 => What::DeleteImage { number: known(chance, *pushed) },
        45..58 => {
            let value = chance.per_mille(700).then(|| chance.below(5));
            What::Put { target, shared, name, value, copies: copies(chance) }
        }
        58..62 => What::Delete { target, shared, name, copies: copies(chance) },
        62..67 => What::Request { number: known(chance, *pushed) },
        67..71 => {
            let lasts = chance.per_mille(700).then(|| chance.seconds(60, 3_600));
            What::Hold { target, lasts }
        }
        71..76 => What::Unhold { target },
        76..82 => What::RollBack { target },
        82..85 => What::ChangeByHand { target, number: known(chance, *pushed) },
        85..87 => What::Force { target },
        87..90 => What::Stop { target },
        90..96 => {
            let lasts = chance.seconds(30, 900);
            What::Alarm { target, lasts, copies: copies(chance) }
        }
        _ => What::Wake { target },
    }
}

fn push(chance: &mut Chance, pushed: &mut u64) -> What {
    *pushed += 1;
    // Now and then an older one is pushed late.
    let number = if chance.per_mille(80) { known(chance, *pushed) } else { *pushed };
    let takes = chance.seconds(20, 240);
    let failure = *chance.one_of(&[
        Failure::Exits(1),
        Failure::OutOfMemory,
        Failure::CannotPull,
        Failure::NoRoom,
        Failure::Unhealthy,
        Failure::NoSecret,
    ]);
    let behaviour = match chance.below(100) {
        0..65 => Behaviour::Healthy(takes),
        65..90 => Behaviour::Fails(failure, takes),
        _ => Behaviour::Never(failure),
    };
    let replicated_after = chance.seconds(0, 180);
    What::Push { number, behaviour, replicated_after, copies: copies(chance) }
}

fn known(chance: &mut Chance, pushed: u64) -> u64 {
    chance.below(pushed.max(1)) + 1
}

/// One copy after some seconds, mostly; none, or several and late.
fn copies(chance: &mut Chance) -> Copies {
    match chance.below(100) {
        0..10 => Vec::new(),
        10..80 => vec![chance.seconds(0, 5)],
        _ => (0..chance.between(2, 4)).map(|_| chance.seconds(0, 600)).collect(),
    }
}
