//! How a target stands, in one word: what the page colours, counts and filters by.

use funade::facts::finding::Severity;
use funade::facts::record::{StandingKind, TargetRecord};

/// How a target stands. Closed: each has a sign, a colour and a count in the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// A deploy failed, and the service was not brought back.
    Failed,
    /// It needs a person.
    Blocked,
    /// What ran before a deploy runs again, or is being brought back.
    RolledBack,
    /// An error was found about it or its place, and no deploy tells of it; or a warning, and it has
    /// nothing to do.
    Finding,
    /// A deploy is under way.
    Deploying,
    /// It waits for something that passes by itself.
    Waiting,
    /// No pass has looked at it yet.
    Unknown,
    /// It has nothing to do, and nothing was found.
    Ok,
}

/// The reports that say that a deploy was undone, or is being.
const UNDONE: [&str; 3] = ["rolled-back", "rolls-back", "goes-back"];

/// The report that says that a deploy failed and was not undone.
const FAILED: &str = "deploy-failed";

/// The reports of a deploy that is under way, ours or somebody else's.
const UNDER_WAY: [&str; 5] = ["deploys", "starts", "in-progress", "verifying", "settling"];

impl State {
    /// All of them, those that want a person first.
    pub const ALL: [Self; 8] = [
        Self::Failed,
        Self::Blocked,
        Self::RolledBack,
        Self::Finding,
        Self::Deploying,
        Self::Waiting,
        Self::Unknown,
        Self::Ok,
    ];

    /// Its name, for machines and in the page's style.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::RolledBack => "rolled-back",
            Self::Finding => "finding",
            Self::Deploying => "deploying",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
            Self::Ok => "ok",
        }
    }

    /// What it means, for a person who points at it.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "A deploy failed, and the service was not brought back.",
            Self::Blocked => "It needs a person.",
            Self::RolledBack => "What ran before a deploy runs again, or is being brought back.",
            Self::Finding => {
                "An error was found about it or its place; or a warning, and it has nothing to do."
            }
            Self::Deploying => "A deploy is under way.",
            Self::Waiting => "It waits for something that passes by itself.",
            Self::Unknown => "No pass has looked at it yet.",
            Self::Ok => "It has nothing to do, and nothing was found.",
        }
    }
}

/// The state of a target; `found` is the gravest that was found about it or its place. An error is
/// so now, and outranks whatever passes by itself; while a deploy is under way that is what it may
/// be for.
pub(crate) fn state(record: &TargetRecord, found: Option<Severity>) -> State {
    let is_error = found == Some(Severity::Error);
    let Some(standing) = &record.standing else {
        return if is_error { State::Finding } else { State::Unknown };
    };
    let code = standing.code.as_str();
    if UNDONE.contains(&code) {
        return State::RolledBack;
    }
    match standing.kind {
        StandingKind::Blocked if code == FAILED => State::Failed,
        StandingKind::Blocked => State::Blocked,
        StandingKind::Waiting if UNDER_WAY.contains(&code) => State::Deploying,
        StandingKind::Waiting if is_error => State::Finding,
        StandingKind::Waiting => State::Waiting,
        StandingKind::Settled if found >= Some(Severity::Warning) => State::Finding,
        StandingKind::Settled => State::Ok,
    }
}

#[cfg(test)]
mod tests {
    use funade::decisions::report::{Report, stand};
    use funade::facts::cause::{Cause, Diagnosis, Trigger};
    use funade::facts::deploy::{DeployId, UndoneBy};
    use funade::facts::names::{DeploymentId, RevisionArn, Tag};
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    fn deploy() -> DeployId {
        DeployId { target: "acme/order-api".parse().expect("a target"), number: 7 }
    }

    fn release() -> Tag {
        Tag::parse("1.4.3").expect("a tag")
    }

    fn deployment() -> DeploymentId {
        DeploymentId::parse("ecs-svc/1").expect("an id")
    }

    fn revision() -> RevisionArn {
        let family = "arn:aws:ecs:ap-northeast-1:222222222222:task-definition/acme-order-api";
        RevisionArn::parse(format!("{family}:12")).expect("an ARN")
    }

    fn cause() -> Cause {
        Cause {
            trigger: Trigger::Deadline,
            diagnosis: Diagnosis::Deadline,
            what: "it took longer than 20m".to_owned(),
            tasks: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn failed() -> Report {
        Report::DeployFailed {
            deploy: deploy(),
            release: release(),
            cause: cause(),
            stays: String::new(),
            mend: Vec::new(),
            stay: Vec::new(),
        }
    }

    fn rolls_back() -> Report {
        let (deploy, release, by) = (deploy(), release(), UndoneBy::Funade);
        Report::RollsBack { deploy, release, by, to: None, cause: cause() }
    }

    fn rolled_back() -> Report {
        Report::RolledBack {
            deploy: deploy(),
            release: release(),
            cause: cause(),
            by: UndoneBy::Ecs,
            to: revision(),
            until: None,
            left: None,
            mend: Vec::new(),
            stay: Vec::new(),
        }
    }

    /// The codes above are the reports': this fails if one is renamed.
    #[test]
    fn each_report_has_its_state() {
        let (deploy, release) = (deploy(), release());
        let deployment = deployment();
        let quiet = SignedDuration::from_secs(60);
        let in_progress = Report::InProgress {
            deploy: deploy.clone(),
            release: release.clone(),
            deployment: None,
        };
        let settling =
            Report::Settling { release: release.clone(), deployment: deployment.clone() };
        for (report, expected) in [
            (Report::NothingAssigned, State::Ok),
            (Report::AlreadyRuns { release: release.clone(), revision: revision() }, State::Ok),
            (Report::Starts { deploy: deploy.clone(), release: release.clone() }, State::Deploying),
            (in_progress, State::Deploying),
            (Report::Verifying { deploy, release }, State::Deploying),
            (settling, State::Deploying),
            (Report::GoesBack { deployment }, State::RolledBack),
            (rolls_back(), State::RolledBack),
            (rolled_back(), State::RolledBack),
            (failed(), State::Failed),
            (Report::QuietPeriod { quiet, left: quiet }, State::Waiting),
            (Report::NothingRuns, State::Blocked),
        ] {
            let standing = Some(stand(None, &report, None, Timestamp::UNIX_EPOCH));
            let record = TargetRecord { standing, ..TargetRecord::default() };
            assert_eq!(state(&record, None), expected, "{}", report.code());
        }
    }

    fn with(report: &Report, found: Severity) -> State {
        let standing = Some(stand(None, report, None, Timestamp::UNIX_EPOCH));
        state(&TargetRecord { standing, ..TargetRecord::default() }, Some(found))
    }

    #[test]
    fn a_warning_shows_only_where_nothing_else_is_to_be_told() {
        let minute = SignedDuration::from_mins(1);
        let waits = Report::QuietPeriod { quiet: minute, left: minute };
        for (found, expected) in [
            (Severity::Notice, [State::Ok, State::Waiting, State::Blocked]),
            (Severity::Warning, [State::Finding, State::Waiting, State::Blocked]),
        ] {
            let states = [
                with(&Report::NothingAssigned, found),
                with(&waits, found),
                with(&Report::NothingRuns, found),
            ];
            assert_eq!(states, expected, "{found}");
        }
        assert_eq!(state(&TargetRecord::default(), Some(Severity::Warning)), State::Unknown);
    }

    /// Held for two hours, and its image is gone.
    #[test]
    fn an_error_shows_where_something_waits_or_nobody_has_looked() {
        let two_hours = SignedDuration::from_hours(2);
        let until = Timestamp::UNIX_EPOCH + two_hours;
        let held = Report::Held {
            on: "target/acme/order-api".parse().expect("a subject"),
            by: "dana".to_owned(),
            reason: "a migration".to_owned(),
            until: Some(until),
            left: Some(two_hours),
            release: release(),
        };
        assert_eq!(with(&held, Severity::Error), State::Finding);
        assert_eq!(with(&held, Severity::Warning), State::Waiting);
        assert_eq!(with(&Report::NothingAssigned, Severity::Error), State::Finding);
        assert_eq!(state(&TargetRecord::default(), Some(Severity::Error)), State::Finding);
        // What a pass has said of it already stands.
        assert_eq!(with(&failed(), Severity::Error), State::Failed);
        assert_eq!(with(&Report::NothingRuns, Severity::Error), State::Blocked);
        assert_eq!(with(&rolled_back(), Severity::Error), State::RolledBack);
        let begun = Report::Starts { deploy: deploy(), release: release() };
        assert_eq!(with(&begun, Severity::Error), State::Deploying);
    }
}
