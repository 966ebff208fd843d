//! Which release a target runs, as far as the ledger knows.
//!
//! The ledger keeps the revision that was last seen, not the release in it: that follows from the
//! deploy that registered it. A revision that nobody here knows is somebody else's, and what it
//! runs is not guessed.

use funade::facts::deploy::{Deploy, Progress};
use funade::facts::names::{RevisionArn, Tag};
use funade::facts::record::Standing;
use funade::shell::TargetState;

/// The reports by which a pass has seen the assigned release run.
const RUNS_ASSIGNED: [&str; 2] = ["already-runs", "configuration-differs"];

/// The release that runs; `None` where that is not known.
pub(crate) fn running<'a>(target: &'a TargetState, history: &'a [Deploy]) -> Option<&'a Tag> {
    let TargetState { assigned, record, .. } = target;
    let about = |standing: &&Standing| RUNS_ASSIGNED.contains(&standing.code.as_str());
    if let (Some(standing), Some(assigned)) = (record.standing.as_ref().filter(about), assigned)
        && standing.assignment == assigned.number
    {
        return Some(&assigned.release.tag);
    }
    let release = |revision: &RevisionArn| {
        let deploys = record.deploy.iter().chain(history);
        let of_deploy = deploys
            .filter(|deploy| deploy.progress.revision() == Some(revision))
            .map(|deploy| &deploy.assignment.release.tag);
        let good = record.good.iter().filter(|good| good.revision == *revision);
        of_deploy.chain(good.filter_map(|good| good.release.as_ref())).next()
    };
    match &record.deploy {
        // Tasks of both run; what served before is what can be relied on.
        Some(Deploy { progress: Progress::Updated { .. }, from, .. }) => release(from),
        Some(_) | None => match &record.last_seen {
            Some(revision) => release(revision),
            None => record.good.as_ref().and_then(|good| good.release.as_ref()),
        },
    }
}
