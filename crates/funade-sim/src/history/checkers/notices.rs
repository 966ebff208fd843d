//! Invariant 8: each change of state makes exactly one notice, and each is delivered at least once.
//!
//! What should be told is worked out anew from the records that were written, without the code that
//! makes the notices.

use std::collections::{BTreeMap, BTreeSet};

use funade::facts::deploy::{Deploy, Ending, Progress, UndoneBy};
use funade::facts::finding::Finding;
use funade::facts::names::{ServiceName, TargetId};
use funade::facts::notice::NoticeKind;
use funade::facts::record::{ServiceRecord, Standing, StandingKind, TargetRecord};

use super::{Invariant, Violation};
use crate::state::{FindingIs, State};

/// The kinds that tell of a deploy's end.
const ENDS: [NoticeKind; 4] = [
    NoticeKind::DeploySucceeded,
    NoticeKind::DeployFailed,
    NoticeKind::RolledBack,
    NoticeKind::Superseded,
];

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Telling {
    ids: BTreeSet<String>,
    /// How often each deploy was told to have begun, ended, ….
    told: BTreeMap<(String, NoticeKind), usize>,
    /// How many writes have left each deploy like this: a person may undo it again and again.
    left: BTreeMap<(String, NoticeKind), usize>,
    /// What was told of how each target stands, until it came on: the decision and the report.
    stands: BTreeMap<TargetId, BTreeSet<(u64, String)>>,
    seen: usize,
}

impl Telling {
    /// Takes in what was put into the outbox since the last look.
    pub(super) fn look(&mut self, state: &mut State) -> Option<Violation> {
        let new = state.outbox.since(self.seen);
        self.seen += new.len();
        let mut twice = None;
        for notice in new {
            if let Some(deploy) = notice.deploy() {
                *self.told.entry((deploy.id.to_string(), notice.kind())).or_default() += 1;
            }
            if !self.ids.insert(notice.id.clone()) {
                twice = twice.or_else(|| Some(broken(format!("{} was written twice", notice.id))));
            }
        }
        let services = std::mem::take(&mut state.written_services);
        let missing =
            services.iter().find_map(|(name, before, next)| self.service(name, before, next));
        let findings = std::mem::take(&mut state.written_findings);
        let findings = findings.iter().find_map(|(finding, is)| self.finding(finding, *is));
        twice.or(missing).or(findings)
    }

    /// What is told of a service: each decision, and the end of each, if only by another.
    fn service(
        &self,
        name: &ServiceName,
        before: &ServiceRecord,
        next: &ServiceRecord,
    ) -> Option<Violation> {
        let number = |record: &ServiceRecord| record.newest().map_or(0, |newest| newest.number);
        let (old, new) = (number(before), number(next));
        let decided = new != old;
        let expected = [
            (NoticeKind::ReleaseAssigned, new, decided),
            (NoticeKind::RolloutEnded, new, next.ended == new && before.ended != new),
        ];
        let replaced = decided.then_some((NoticeKind::RolloutEnded, old, old > before.ended));
        let expected = expected.into_iter().chain(replaced).filter(|(_, number, _)| *number != 0);
        expected.into_iter().find_map(|(kind, number, told)| {
            let id = format!("service/{name}/{}/{kind}/{number}", next.generation);
            self.is_as_expected(&id, told)
        })
    }

    /// What is told of a finding: that it was opened, and that it was closed.
    fn finding(&self, finding: &Finding, is: FindingIs) -> Option<Violation> {
        let Finding { about, kind, since, .. } = finding;
        let id = |what: &str| format!("finding/{about}/{kind}/{}/{what}", since.as_millisecond());
        match is {
            FindingIs::Open => self.is_as_expected(&id("opened"), true),
            FindingIs::Closed => self.is_as_expected(&id("closed"), true),
            FindingIs::Suspected => self.is_as_expected(&id("opened"), false),
        }
    }

    /// What is told of how a target stands: once for each report that keeps it from a decision, and
    /// again only when it has come on in between.
    fn standing(
        &mut self,
        target: &TargetId,
        before: Option<&TargetRecord>,
        next: &TargetRecord,
    ) -> Option<Violation> {
        let told = self.stands.entry(target.clone()).or_default();
        let standing = next.standing.as_ref()?;
        let by_its_deploy = ["deploy-failed", "rolled-back"].contains(&standing.code.as_str());
        let blocked = standing.kind == StandingKind::Blocked && !by_its_deploy;
        let key = |standing: &Standing| (standing.assignment, standing.code.clone());
        told.retain(|(decision, _)| *decision == standing.assignment);
        let is_new = !told.contains(&key(standing))
            && before.and_then(|before| before.standing.as_ref()).map(key) != Some(key(standing));
        let expected = is_new && (blocked || standing.code == "held");
        if standing.kind == StandingKind::Settled
            || next.deploy.as_ref().is_some_and(Deploy::is_under_way)
        {
            told.clear();
        } else if blocked || standing.code == "held" {
            told.insert(key(standing));
        }
        self.is_as_expected(&format!("target/{target}/{}/stands", next.generation), expected)
    }

    fn is_as_expected(&self, id: &str, told: bool) -> Option<Violation> {
        let what = if told { "was never told" } else { "was told for nothing" };
        (self.ids.contains(id) != told).then(|| broken(format!("{id} {what}")))
    }

    /// Compares it with what a record's write should have told.
    pub(super) fn written(
        &mut self,
        target: &TargetId,
        before: Option<&TargetRecord>,
        next: &TargetRecord,
    ) -> Option<Violation> {
        let stands = self.standing(target, before, next);
        if stands.is_some() {
            return stands;
        }
        let last = before.and_then(|before| before.deploy.as_ref());
        let deploy = next.deploy.as_ref()?;
        let id = deploy.id.to_string();
        let mut expected = vec![((id.clone(), NoticeKind::DeployStarted), 1)];
        if let Some(kind) = ended(deploy) {
            let was = last.filter(|last| last.id == deploy.id).map_or(0, |last| last.phases.len());
            let times = self.left.entry((id.clone(), kind)).or_default();
            *times += usize::from(deploy.phases.len() > was);
            expected.push(((id, kind), *times));
        }
        // How the one before ended may have been seen in the very write that replaced it.
        if let Some(last) = last.filter(|last| last.id != deploy.id) {
            let of = |kind| self.told.get(&(last.id.to_string(), kind)).copied().unwrap_or(0);
            if ENDS.map(of).iter().sum::<usize>() == 0 {
                return Some(broken(format!("the end of {} was never told", last.id)));
            }
        }
        expected.iter().find_map(|(key, times)| {
            let (told, (id, kind)) = (self.told.get(key).copied().unwrap_or(0), key);
            let what = || format!("{kind} of {id} was told {told} times, not {times}");
            (told != *times).then(|| broken(what()))
        })
    }

    /// At the end everything was delivered, and nothing else.
    pub(super) fn all_told(&self, state: &State) -> Option<Violation> {
        let told = state.outbox.told();
        let never = self.ids.iter().find(|id| !told.contains(id.as_str()));
        let never = never.map(|id| broken(format!("{id} was never delivered")));
        let other = told.into_iter().find(|id| !self.ids.contains(*id));
        never.or_else(|| other.map(|id| broken(format!("{id} was delivered, and not written"))))
    }
}

fn broken(what: String) -> Violation {
    Violation { invariant: Invariant::Notices, what }
}

/// What must have been told of a deploy that stands like this, besides its beginning.
fn ended(deploy: &Deploy) -> Option<NoticeKind> {
    match &deploy.progress {
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. } => None,
        Progress::GoingBack { going, .. } => match going.by {
            UndoneBy::Person(_) => None,
            UndoneBy::Ecs | UndoneBy::Funade => Some(NoticeKind::DeployFailed),
        },
        Progress::Ended { ending, .. } => Some(match ending {
            Ending::Succeeded => NoticeKind::DeploySucceeded,
            Ending::Failed { .. } => NoticeKind::DeployFailed,
            Ending::RolledBack { .. } => NoticeKind::RolledBack,
            Ending::Superseded | Ending::Replaced { .. } => NoticeKind::Superseded,
        }),
    }
}
