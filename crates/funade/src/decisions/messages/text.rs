//! What a notice says, in words: every sentence that a person is sent.
//!
//! In: a notice, and where it happened. Out: a title, lines, and what to do next, which each form shows
//! in its own way. It says what happened, where, from what to what, why, how long it took, and what to
//! type next. The words are not clean yet: whoever shows them sees to that, line by line.

use jiff::{SignedDuration, Timestamp};

use super::clean;
use crate::config::Environment;
use crate::facts::cause::{Cause, Trigger};
use crate::facts::deploy::{Deploy, Ending, GoingBack, Progress};
use crate::facts::finding::{About, Finding};
use crate::facts::hold::Hold;
use crate::facts::names::{EnvironmentName, Tag};
use crate::facts::notice::{DeployTold, Notice, SupersededBy, Told};
use crate::facts::record::Standing;
use crate::facts::release::{AssignedBy, Assignment};

/// The longest line, in characters: what AWS says of one task fits, a log does not.
const LINE_LETTERS_MAX: usize = 1_000;

/// How many targets of a rollout are told one by one: a screen of them.
const TARGETS_TOLD_MAX: usize = 20;

/// How many tasks that stopped are told, and how many of ECS's messages. `funade history` has all.
const SEEN_TOLD_MAX: usize = 3;

/// A notice in words.
pub(super) struct Words {
    /// What happened where, in a line without its end.
    pub(super) title: String,
    /// All that there is to know, each line a sentence or more.
    pub(super) lines: Vec<String>,
    /// What to do next.
    pub(super) next: Vec<Next>,
}

/// Something to do.
pub(super) enum Next {
    /// To type a command. It is made of names whose form was checked, and of nothing else.
    Type {
        /// The command.
        command: String,
        /// What it does.
        which: &'static str,
    },
    /// To do something, as a sentence without its end.
    Do(String),
}

/// A notice in words.
pub(super) fn words(notice: &Notice, environment: Option<&Environment>) -> Words {
    let about = &notice.about;
    let mut words = match &notice.told {
        Told::ReleaseAssigned { assignment, before, targets } => {
            assigned(about, assignment, before.as_ref(), *targets)
        }
        Told::RolloutEnded { assignment, succeeded, failed, took, superseded } => {
            let superseded = superseded.as_ref();
            rollout_ended(about, assignment, (succeeded, failed, superseded), *took)
        }
        Told::DeployStarted(told) => started(about, told),
        Told::DeploySucceeded(told) => succeeded(about, told),
        Told::DeployFailed(told) => failed(about, told),
        Told::RolledBack(told) => rolled_back(about, told),
        Told::Superseded(told) => superseded(about, told),
        Told::Held { hold, standing, .. } => held(about, hold, standing),
        Told::Blocked { standing } => blocked(about, standing),
        Told::FindingOpened(finding) => opened(about, finding),
        Told::FindingClosed(finding) => closed(about, finding, notice.at),
    };
    if let Some(Environment { place, cluster, .. }) = environment {
        let (account, region) = (&place.account, &place.region);
        words.lines.push(format!("Where: account {account}, {region}, cluster {cluster}."));
    }
    words.lines.push(format!("When: {}.", moment(notice.at)));
    words
}

/// All of it as plain text, as a mail has it.
pub(super) fn body(words: &Words) -> String {
    let line = |text: &str| clean::cut(&clean::plain(text), LINE_LETTERS_MAX);
    let mut lines = vec![line(&format!("{}.", words.title)), String::new()];
    lines.extend(words.lines.iter().map(|text| line(text)));
    if !words.next.is_empty() {
        lines.extend([String::new(), "Next:".to_owned()]);
    }
    lines.extend(words.next.iter().map(|next| match next {
        Next::Type { command, which } => format!("  {command}  ({which})"),
        Next::Do(what) => format!("  {}.", line(what)),
    }));
    lines.join("\n") + "\n"
}

/// One of the lines, cut to what a line may have.
pub(super) fn line_of_markdown(text: &str) -> String {
    clean::markdown(&clean::cut(text, LINE_LETTERS_MAX))
}

fn assigned(about: &About, assignment: &Assignment, before: Option<&Tag>, targets: usize) -> Words {
    let release = &assignment.release;
    let instead = before.map_or_else(
        || "nothing was assigned before".to_owned(),
        |before| format!("{before} → {}", release.tag),
    );
    Words {
        title: format!("{about}: {} is assigned to {}", release.tag, count(targets, "target")),
        lines: vec![
            format!("What: {instead}, image {}.", release.digest.short()),
            format!("Why: {}.", decided_by(assignment)),
        ],
        next: vec![
            typed(format!("funade watch {about}"), "shows how it goes"),
            typed(format!("funade hold {about} --reason \"…\""), "stops what has not begun"),
        ],
    }
}

fn rollout_ended(
    about: &About,
    assignment: &Assignment,
    (succeeded, failed, superseded): Outcome<'_>,
    took: SignedDuration,
) -> Words {
    let tag = &assignment.release.tag;
    let all = succeeded.len() + failed.len() + superseded.map_or(0, |by| by.left);
    let until = superseded.map_or_else(
        || "the last target".to_owned(),
        |by| format!("{}, which took its place", by.release),
    );
    let took = format!("How long: {} from the decision to {until}.", span(took));
    let runs = format!("Runs it: {}.", named(succeeded.iter()));
    if failed.is_empty() && superseded.is_none() {
        return Words {
            title: format!("{about}: {tag} runs in {}", of_all(all)),
            lines: vec![runs, took],
            next: vec![typed(format!("funade status {about}"), "shows every target")],
        };
    }
    let mut lines = vec![took];
    if !succeeded.is_empty() {
        lines.push(runs);
    }
    if !failed.is_empty() {
        lines.push(format!("Does not run it: {}.", count(failed.len(), "target")));
    }
    let told = failed.iter().take(TARGETS_TOLD_MAX);
    lines.extend(told.map(|(name, why)| format!("- {name}: {}.", sentence(why))));
    if failed.len() > TARGETS_TOLD_MAX {
        lines.push(format!("- and {} more.", failed.len() - TARGETS_TOLD_MAX));
    }
    let mut next = Vec::new();
    if let Some((first, _)) = failed.first() {
        let first = format!("funade explain {first}/{about}");
        next.push(typed(first, "says all about the first of them"));
    }
    next.push(typed(format!("funade status {about}"), "shows every target"));
    let rest = if let Some(by) = superseded {
        lines.push(format!("Went on to {}: {}.", by.release, count(by.left, "target")));
        format!("{} took its place", by.release)
    } else {
        let again = format!("funade deploy {about} --tag {tag}");
        next.push(typed(again, "tries it again, once it is mended"));
        let without = if failed.len() == 1 { "does" } else { "do" };
        format!("{} {without} not take it", failed.len())
    };
    let title =
        format!("{about}: {tag} runs in {} of {}; {rest}", succeeded.len(), count(all, "target"));
    Words { title, lines, next }
}

/// Who runs a release, who does not, and what took its place before the others had done with it.
type Outcome<'a> =
    (&'a [EnvironmentName], &'a [(EnvironmentName, String)], Option<&'a SupersededBy>);

fn started(about: &About, told: &DeployTold) -> Words {
    let deploy = &told.deploy;
    Words {
        title: format!("{about}: deploy {} of {} has begun", number(deploy), tag(deploy)),
        lines: vec![what(told), format!("Why: {}.", led_by(deploy))],
        next: vec![typed(
            format!("funade watch {}", deploy.id.target.service),
            "shows how it goes",
        )],
    }
}

fn succeeded(about: &About, told: &DeployTold) -> Words {
    let deploy = &told.deploy;
    Words {
        title: format!("{about}: {} serves", tag(deploy)),
        lines: vec![what(told), format!("Why: {}.", led_by(deploy)), took(deploy)],
        next: vec![history(deploy)],
    }
}

fn failed(about: &About, told: &DeployTold) -> Words {
    let deploy = &told.deploy;
    let cause = deploy.progress.cause();
    let why = cause.map_or_else(String::new, |cause| format!(": {}", cause.diagnosis.sentence()));
    let mut lines = vec![what(told)];
    lines.extend(cause.into_iter().flat_map(seen));
    let mut next: Vec<Next> =
        cause.map(|cause| Next::Do(cause.diagnosis.remedy().to_owned())).into_iter().collect();
    match &deploy.progress {
        Progress::GoingBack { going: GoingBack { by, to, .. }, .. } => {
            let to = to.as_ref().map_or_else(|| "what ran before".to_owned(), ToString::to_string);
            lines.push(format!("Now: {by} is bringing back {to}."));
        }
        Progress::Ended { ending: Ending::Failed { stays, .. }, .. } => {
            let since = if stays.is_empty() { "nothing could be" } else { stays };
            lines.push(format!("Now: it was not rolled back, since {}.", sentence(since)));
            next.push(typed(
                format!("funade rollback {about} --reason \"…\""),
                "brings back what served before",
            ));
        }
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::Ended { .. } => {}
    }
    lines.push(took(deploy));
    next.extend([typed(format!("funade explain {about}"), "says how it stands"), history(deploy)]);
    Words { title: format!("{about}: {} failed{why}", tag(deploy)), lines, next }
}

fn rolled_back(about: &About, told: &DeployTold) -> Words {
    let deploy = &told.deploy;
    let mut lines = vec![what(told)];
    let mut again = "what ran before".to_owned();
    if let Progress::Ended { ending: Ending::RolledBack { by, to, .. }, .. } = &deploy.progress {
        again = told.back_to.as_ref().map_or_else(|| to.short().to_owned(), ToString::to_string);
        lines.push(format!("Now: {by} rolled it back, and {} runs again.", to.short()));
    }
    let cause = deploy.progress.cause();
    lines.extend(cause.into_iter().flat_map(seen));
    lines.push(took(deploy));
    lines.push(format!("{} is left alone here until a newer release or a person.", tag(deploy)));
    let remedy = cause.filter(|cause| cause.trigger != Trigger::Person);
    let mut next: Vec<Next> =
        remedy.map(|cause| Next::Do(cause.diagnosis.remedy().to_owned())).into_iter().collect();
    next.extend([
        history(deploy),
        typed(format!("funade unhold {about}"), "tries the same release again"),
    ]);
    let title = format!("{about}: {} was rolled back, {again} serves again", tag(deploy));
    Words { title, lines, next }
}

fn superseded(about: &About, told: &DeployTold) -> Words {
    let deploy = &told.deploy;
    let why = match &deploy.progress {
        Progress::Ended { ending: Ending::Replaced { by }, .. } => {
            format!("somebody else put {} in its place", by.short())
        }
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::GoingBack { .. }
        | Progress::Ended { .. } => "a newer decision took its place".to_owned(),
    };
    Words {
        title: format!("{about}: deploy {} of {} was superseded", number(deploy), tag(deploy)),
        lines: vec![what(told), format!("Why: {why}."), took(deploy)],
        next: vec![typed(format!("funade explain {about}"), "says what comes instead")],
    }
}

fn held(about: &About, hold: &Hold, standing: &Standing) -> Words {
    let until = match (&hold.until, &hold.release) {
        (Some(until), _) => format!("until {}", moment(*until)),
        (None, Some(release)) => format!("until a release newer than {release} comes"),
        (None, None) => "until a person lifts it".to_owned(),
    };
    let on = hold.on.named();
    Words {
        title: format!("{about} is held by {}, and does not take what is assigned", hold.by),
        lines: vec![
            format!("What: {}.", sentence(&standing.sentence)),
            format!("Why: {}.", sentence(&hold.reason)),
            format!("How long: {on} is held since {}, {until}.", moment(hold.since)),
        ],
        next: vec![
            typed(format!("funade unhold {on}"), "lifts it"),
            typed("funade holds".to_owned(), "lists all holds"),
        ],
    }
}

fn blocked(about: &About, standing: &Standing) -> Words {
    Words {
        title: format!("{about} needs a person: {}", standing.code),
        lines: vec![format!("Why: {}.", sentence(&standing.sentence))],
        next: vec![
            typed(format!("funade explain {about}"), "says all that is known"),
            typed(format!("funade plan {about}"), "looks again, and shows what would be done"),
        ],
    }
}

fn opened(about: &About, finding: &Finding) -> Words {
    let mut next = vec![Next::Do(finding.next.clone())];
    next.push(match about {
        About::Target(id) => typed(format!("funade explain {id}"), "says all that is known"),
        About::Service(name) => typed(format!("funade status {name}"), "shows every target"),
        About::Place(_) => typed("funade sweep".to_owned(), "looks again at everything"),
    });
    Words {
        title: format!("{about}: {}", finding.kind),
        lines: vec![
            format!("What: {}.", sentence(&finding.sentence)),
            format!("Since: {}.", moment(finding.since)),
        ],
        next,
    }
}

fn closed(about: &About, finding: &Finding, at: Timestamp) -> Words {
    Words {
        title: format!("{about}: {} is over", finding.kind),
        lines: vec![
            format!("It was: {}.", sentence(&finding.sentence)),
            format!("How long: {}.", span(at.duration_since(finding.since))),
        ],
        next: Vec::new(),
    }
}

/// From what to what.
fn what(told: &DeployTold) -> String {
    let deploy = &told.deploy;
    let (tag, id, from) = (tag(deploy), &deploy.id, deploy.from.short());
    let change = match &told.before {
        Some(before) if before == tag => format!("other variables for {tag}"),
        Some(before) => format!("{before} → {tag}"),
        None => tag.to_string(),
    };
    let to = deploy.progress.revision().map(|to| format!(" → {}", to.short())).unwrap_or_default();
    format!("What: {change}, by deploy {id} ({from}{to}).")
}

/// Why it failed, and what was seen of that.
fn seen(cause: &Cause) -> Vec<String> {
    let why = match cause.trigger {
        Trigger::Person => sentence(&cause.what).to_owned(),
        Trigger::GivenUp | Trigger::Deadline | Trigger::Alarm => {
            format!("{}: {}", cause.diagnosis.sentence(), sentence(&cause.what))
        }
    };
    let tasks = cause.tasks.iter().take(SEEN_TOLD_MAX);
    let tasks = tasks.map(|task| format!("- a task stopped: {}.", sentence(task)));
    let messages = cause.messages.iter().take(SEEN_TOLD_MAX);
    let messages = messages.map(|said| format!("- ECS said: {}.", sentence(said)));
    std::iter::once(format!("Why: {why}.")).chain(tasks).chain(messages).collect()
}

fn took(deploy: &Deploy) -> String {
    let (began, ended) = lasted(deploy);
    format!("How long: {}.", span(ended.duration_since(began)))
}

/// From when to when it has gone so far.
pub(super) fn lasted(deploy: &Deploy) -> (Timestamp, Timestamp) {
    let first = deploy.phases.first().map_or(deploy.begun_at, |(_, at)| *at);
    let last = deploy.phases.last().map_or(deploy.begun_at, |(_, at)| *at);
    (first, last)
}

fn led_by(deploy: &Deploy) -> String {
    match &deploy.assignment.by {
        AssignedBy::Request { by, .. } => format!("{by} asked for it"),
        AssignedBy::Selection => format!("event {}", deploy.cause),
    }
}

fn decided_by(assignment: &Assignment) -> String {
    match &assignment.by {
        AssignedBy::Selection => {
            format!("the selection chose it, after event {}", assignment.release.cause)
        }
        AssignedBy::Request { by, .. } => format!("{by} asked for it"),
    }
}

fn history(deploy: &Deploy) -> Next {
    let (target, number) = (&deploy.id.target, deploy.id.number);
    typed(format!("funade history {target} --deploy {number}"), "has all that was seen of it")
}

fn typed(command: String, which: &'static str) -> Next {
    Next::Type { command, which }
}

fn tag(deploy: &Deploy) -> &Tag {
    &deploy.assignment.release.tag
}

fn number(deploy: &Deploy) -> u64 {
    deploy.id.number
}

/// A sentence without its end, which some of those that come from AWS have.
fn sentence(text: &str) -> &str {
    text.trim_end().trim_end_matches('.')
}

fn named<'a>(names: impl ExactSizeIterator<Item = &'a EnvironmentName>) -> String {
    let more = names.len().saturating_sub(TARGETS_TOLD_MAX);
    let first: Vec<&str> = names.take(TARGETS_TOLD_MAX).map(EnvironmentName::as_str).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", first.join(", "))
}

fn of_all(targets: usize) -> String {
    if targets == 1 { "its only target".to_owned() } else { format!("all {targets} targets") }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Whole seconds: nobody reads the rest.
fn span(span: SignedDuration) -> String {
    format!("{:#}", SignedDuration::from_secs(span.as_secs().max(0)))
}
