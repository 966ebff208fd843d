//! Invariant 8: each change of state makes exactly one notice, and each is delivered at least once.
//!
//! What should be told is worked out anew from the records that were written, without the code that
//! makes the notices.

use std::collections::{BTreeMap, BTreeSet};

use funade::facts::deploy::{Deploy, Ending, Progress, UndoneBy};
use funade::facts::notice::NoticeKind;
use funade::facts::record::TargetRecord;

use super::{Invariant, Violation};
use crate::state::State;

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
    seen: usize,
}

impl Telling {
    /// Takes in what was put into the outbox since the last look.
    pub(super) fn look(&mut self, state: &State) -> Option<Violation> {
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
        twice
    }

    /// Compares it with what a record's write should have told.
    pub(super) fn written(
        &mut self,
        before: Option<&TargetRecord>,
        next: &TargetRecord,
    ) -> Option<Violation> {
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
