//! What to do next for one service: which release each of its targets should run.
//!
//! In: the service, its record, the releases we know of (best first, looked up in the registry),
//! and where its targets stand. Out: the record as it should be, turns for shared changes
//! included, and the targets to wake.
//! Invariant: without a person's request no target is assigned an older release than before.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Service, Target, Wave};
use crate::decisions::report::{AWAITS_TURN, HELD, RUNS_NEWER, done_with};
use crate::decisions::turns::give_turns;
use crate::facts::image::PushedImage;
use crate::facts::names::{Tag, TargetId};
use crate::facts::record::{ServiceRecord, StandingKind, TargetRecord, Turn};
use crate::facts::release::{AssignedBy, Assignment, Release, Request, stands};
use crate::facts::selection::Rank;

/// Where a target stands, for its service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStatus {
    /// The assignment for which nothing is left to do, if that is so.
    pub settled: Option<u64>,
    /// The assignment for which only its turn is to come, if that is so.
    pub awaits_turn: Option<u64>,
    /// Why it needs a person, if it does.
    pub blocked: Option<String>,
    /// The assignment with which it is done: it runs it, or does not take it for now.
    pub done_with: Option<u64>,
    /// Why it does not run that, if it does not.
    pub stays_without: Option<String>,
    /// The number of the last turn that it has had.
    pub had_turn: u64,
    /// The assignment that is being deployed there: it watches that by itself.
    pub deploys: Option<u64>,
}

impl TargetStatus {
    /// Reads it off the target's record.
    #[must_use]
    pub fn of(record: &TargetRecord) -> Self {
        let standing = record.standing.as_ref();
        let settled = standing.filter(|standing| standing.kind == StandingKind::Settled);
        let awaits_turn = standing.filter(|standing| standing.code == AWAITS_TURN);
        Self {
            settled: settled.map(|standing| standing.assignment),
            awaits_turn: awaits_turn.map(|standing| standing.assignment),
            blocked: standing
                .filter(|standing| standing.kind == StandingKind::Blocked)
                .map(|standing| standing.sentence.clone()),
            done_with: standing.and_then(done_with),
            stays_without: standing
                .filter(|standing| done_with(standing).is_some())
                .filter(|standing| {
                    standing.kind == StandingKind::Blocked
                        || [HELD, RUNS_NEWER].contains(&standing.code.as_str())
                })
                .map(|standing| standing.sentence.clone()),
            had_turn: record.had_turn,
            deploys: record
                .deploy
                .as_ref()
                .filter(|deploy| deploy.is_under_way())
                .map(|deploy| deploy.assignment.number),
        }
    }
}

/// How long an event of a push may be on its way.
const TOLD_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// What should be assigned next, and on whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// A person asked for it: it goes out whatever its order.
    Requested(Request),
    /// The best that the selection takes and that is better than what is assigned.
    Selected(Release),
}

/// The decision for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The record as it should be. Equal to the one given where nothing changes.
    pub record: ServiceRecord,
    /// The targets that have something left to do.
    pub wake: Vec<TargetId>,
    /// When to look at the service again, if not sooner woken.
    pub look_again: Option<SignedDuration>,
    /// What was decided.
    pub report: ServiceReport,
    /// The releases that came since the last decision and are not taken, with the reason.
    pub refused: Vec<Refused>,
}

/// What was decided for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceReport {
    /// No release is known that the selection takes.
    NothingKnown,
    /// A release was assigned to this many targets.
    Assigned {
        /// Its tag.
        tag: Tag,
        /// To how many.
        targets: usize,
    },
    /// What is assigned stays so.
    Stays {
        /// Its tag.
        tag: Tag,
        /// How many targets have something left to do for it.
        unsettled: usize,
    },
}

/// A release that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its tag.
    pub tag: Tag,
    /// The event by which we heard of it.
    pub cause: String,
    /// Why, as a sentence.
    pub reason: String,
}

impl fmt::Display for ServiceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingKnown => f.write_str("no release is known that the selection takes"),
            Self::Assigned { tag, targets } => write!(f, "{tag} is assigned to {targets} targets"),
            Self::Stays { tag, unsettled: 0 } => {
                write!(f, "{tag} stays assigned, and every target is done with it")
            }
            Self::Stays { tag, unsettled } => {
                write!(f, "{tag} stays assigned; {unsettled} targets are not done with it")
            }
        }
    }
}

/// The releases that may be assigned next, the best first. The caller asks the registry for the
/// tag's digest in this order and gives the first that is there to [`advance`]: an event says
/// which tag to look at, the registry says what it is.
#[must_use]
pub fn candidates(
    service: &Service,
    record: &ServiceRecord,
    releases: &[Release],
    request: Option<&Request>,
    now: Timestamp,
) -> Vec<Candidate> {
    let request = request.filter(|r| record.last_request.as_ref() != Some(&r.id));
    if let Some(request) = request.filter(|request| stands(request.at, now)) {
        return vec![Candidate::Requested(request.clone())];
    }
    let newest = record.newest();
    let mut eligible: Vec<(Rank, &Release)> = releases
        .iter()
        .filter_map(|release| Some((service.selection.rank(&release.tag).ok()?, release)))
        .filter(|(rank, release)| {
            newest.is_none_or(|newest| refusal(service, newest, rank, release).is_none())
        })
        .collect();
    eligible.sort_by(|(rank_a, a), (rank_b, b)| {
        let key_a = (rank_a, a.pushed_at, &a.digest, &a.tag);
        key_a.cmp(&(rank_b, b.pushed_at, &b.digest, &b.tag)).reverse()
    });
    eligible.into_iter().map(|(_, release)| Candidate::Selected(release.clone())).collect()
}

/// Whether a pass over the service has something to do, whoever should have woken it.
#[must_use]
pub fn is_behind(
    service: &Service,
    record: &ServiceRecord,
    releases: &[Release],
    request: Option<&Request>,
    now: Timestamp,
) -> bool {
    let uncovered = record.newest().is_some() && !record.assigned.keys().eq(service.targets.keys());
    let waits = !candidates(service, record, releases, request, now).is_empty();
    waits || uncovered || !record.turns.is_empty()
}

/// The releases that the registry has, that the selection would take, and that nobody has told of.
/// What was pushed a moment ago may be told of yet.
#[must_use]
pub fn missed(
    service: &Service,
    record: &ServiceRecord,
    releases: &[Release],
    images: &[PushedImage],
    (cause, now): (&str, Timestamp),
) -> Vec<Release> {
    let told = images.iter().filter(|image| now.duration_since(image.pushed_at) >= TOLD_WITHIN);
    let releases_of = |image: &PushedImage| -> Vec<Release> {
        let release = |tag: &Tag| Release {
            tag: tag.clone(),
            digest: image.digest.clone(),
            pushed_at: image.pushed_at,
            // When we should have heard of it: it is no news to a person who has asked for another
            // release since.
            noted_at: image.pushed_at,
            cause: cause.to_owned(),
        };
        image.tags.iter().map(release).collect()
    };
    let found = told.flat_map(releases_of).filter(|found| {
        let known = releases.iter().any(|known| is_same(known, found));
        let Ok(rank) = service.selection.rank(&found.tag) else { return false };
        let newest = record.newest();
        !known && newest.is_none_or(|newest| refusal(service, newest, &rank, found).is_none())
    });
    found.collect()
}

/// Decides which release each target of a service should run. For now all of them at once.
#[must_use]
pub fn advance(
    service: &Service,
    waves: &[Wave],
    record: &ServiceRecord,
    releases: &[Release],
    confirmed: Option<&Candidate>,
    targets: &BTreeMap<TargetId, TargetStatus>,
    now: Timestamp,
) -> Advance {
    let mut next = record.clone();
    if let Some(candidate) = confirmed {
        assign(&mut next, candidate, now);
    }
    if let Some(number) = next.newest().map(|newest| newest.number) {
        // Covers environments that came since, and forgets those that went.
        next.assigned = service.targets.keys().map(|name| (name.clone(), number)).collect();
        next.assignments.retain(|kept, _| *kept == number);
    }
    let given = give_turns(service, waves, &next, targets, now);
    (next.turns, next.turns_begun) = (given.turns, given.turns_begun);
    let mut wake: Vec<TargetId> = service
        .targets
        .values()
        .filter(|target| has_something_to_do(target, &next, targets.get(&target.id)))
        .map(|target| target.id.clone())
        .collect();
    let unsettled = wake.len();
    wake.extend(given.wake.into_iter().filter(|id| !wake.contains(id)).collect::<Vec<_>>());
    note_end(&mut next, targets);
    let report = match next.newest() {
        None => ServiceReport::NothingKnown,
        Some(newest) if record.newest() != Some(newest) => ServiceReport::Assigned {
            tag: newest.release.tag.clone(),
            targets: next.assigned.len(),
        },
        Some(newest) => ServiceReport::Stays { tag: newest.release.tag.clone(), unsettled },
    };
    let refused = refused(service, &next, record, releases);
    Advance { record: next, wake, look_again: given.look_again, report, refused }
}

/// Notes that every target is done with the newest assignment, once it is so.
fn note_end(record: &mut ServiceRecord, targets: &BTreeMap<TargetId, TargetStatus>) {
    let Some(number) = record.newest().map(|newest| newest.number) else { return };
    let done = |status: &TargetStatus| status.done_with == Some(number);
    let all = record.assigned.len() == targets.len() && targets.values().all(done);
    if all && record.ended < number {
        record.ended = number;
    }
}

/// Whether a target should be looked at for what is assigned to it. Not one that only awaits its
/// turn: it looks again by itself, and asks again then.
fn has_something_to_do(
    target: &Target,
    record: &ServiceRecord,
    status: Option<&TargetStatus>,
) -> bool {
    let environment = &target.id.environment;
    // Without an assignment a target is looked at once, so that a person sees what it runs, and
    // the first deploy knows where to look.
    let assigned = record.assigned.get(environment).copied().unwrap_or(0);
    let Some(status) = status else { return true };
    let turns = record.turns.get(&target.place);
    let turn = turns.and_then(|turns| Some((turns.number, turns.given.get(environment)?)));
    // Whoever has a turn says when it has had it, though it may find nothing to do.
    let owes_word =
        turn.is_some_and(|(number, turn)| *turn == Turn::Given && status.had_turn != number);
    let only_awaits = status.awaits_turn == Some(assigned) && turn.is_none();
    let by_itself = only_awaits || status.deploys == Some(assigned);
    owes_word || (status.settled != Some(assigned) && !by_itself)
}

fn assign(record: &mut ServiceRecord, candidate: &Candidate, now: Timestamp) {
    let number = record.newest().map_or(1, |newest| newest.number + 1);
    let (release, by) = match candidate {
        Candidate::Selected(release) => {
            // The tag moved back to what is assigned: nothing to decide.
            if record.newest().is_some_and(|newest| is_same(&newest.release, release)) {
                return;
            }
            (release.clone(), AssignedBy::Selection)
        }
        Candidate::Requested(request) => {
            record.last_request = Some(request.id.clone());
            let by = AssignedBy::Request { id: request.id.clone(), by: request.by.clone() };
            (request.release.clone(), by)
        }
    };
    record.assignments.insert(number, Assignment { number, release, by, at: now });
}

/// The releases noted since the last decision that do not replace it.
fn refused(
    service: &Service,
    next: &ServiceRecord,
    record: &ServiceRecord,
    releases: &[Release],
) -> Vec<Refused> {
    let (Some(newest), since) = (next.newest(), record.newest().map(|newest| newest.at)) else {
        return Vec::new();
    };
    releases
        .iter()
        .filter(|release| since.is_none_or(|since| release.noted_at > since))
        .filter_map(|release| {
            let rank = service.selection.rank(&release.tag).ok()?;
            let reason = refusal(service, newest, &rank, release)?;
            let repeated = is_same(&newest.release, release);
            (!repeated).then(|| Refused {
                tag: release.tag.clone(),
                cause: release.cause.clone(),
                reason,
            })
        })
        .collect()
}

/// Why a release does not replace what is assigned; `None` where it does.
fn refusal(
    service: &Service,
    newest: &Assignment,
    rank: &Rank,
    release: &Release,
) -> Option<String> {
    let assigned = &newest.release;
    if is_same(assigned, release) {
        return Some(format!("{} is assigned already", release.tag));
    }
    if let AssignedBy::Request { by, .. } = &newest.by
        && release.noted_at <= assigned.noted_at
    {
        return Some(format!(
            "{by} asked for {} when {} was known already",
            assigned.tag, release.tag
        ));
    }
    let Some(assigned_rank) = service.selection.order(&assigned.tag) else {
        return Some(format!(
            "{} cannot be compared with {}, which is assigned and which the selection has no \
             place for; a person decides: funade deploy {} --tag {}",
            release.tag, assigned.tag, service.name, release.tag
        ));
    };
    let downgrade = || {
        Some(format!(
            "{} is older than {}, which is assigned; a downgrade needs a person: \
             funade deploy {} --tag {}",
            release.tag, assigned.tag, service.name, release.tag
        ))
    };
    match rank.cmp(&assigned_rank) {
        std::cmp::Ordering::Greater => None,
        std::cmp::Ordering::Less => downgrade(),
        // The same place in the order: the later push says what the tag means now.
        std::cmp::Ordering::Equal if release.pushed_at > assigned.pushed_at => None,
        std::cmp::Ordering::Equal => Some(format!(
            "{} was put on {} before it was put on {}",
            release.tag,
            release.digest.short(),
            assigned.digest.short()
        )),
    }
}

fn is_same(a: &Release, b: &Release) -> bool {
    a.tag == b.tag && a.digest == b.digest
}
