//! How deploys are shown: what led to them, how far they came, and why they did not stay.

use funade::facts::cause::{Cause, Trigger};
use funade::facts::configuration::Source;
use funade::facts::deploy::{Deploy, Ending, Phase, Progress};
use funade::facts::names::RevisionArn;
use funade::facts::release::{AssignedBy, Assignment};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use funade_report::{led_by, took, why};

use crate::times::{second, span};

/// The phase of a deploy that is under way, and since when.
pub(crate) fn under_way(deploy: &Deploy) -> Option<(Phase, Timestamp)> {
    let since = deploy.phases.last().map_or(deploy.begun_at, |(_, since)| *since);
    (!deploy.has_ended()).then(|| (deploy.phase(), since))
}

/// Who decided that a release should run.
pub(crate) fn decided_by(assignment: &Assignment) -> String {
    let cause = &assignment.release.cause;
    match &assignment.by {
        AssignedBy::Selection => format!("the selection chose it, after event {cause}"),
        AssignedBy::Request { id, by } => format!("{by} asked for it, by {id}"),
    }
}

/// Its phases, each with when it began and how long it lasted.
pub(crate) fn phase_lines(deploy: &Deploy, now: Timestamp) -> Vec<String> {
    let ends = deploy.phases.iter().skip(1).map(|(_, at)| Some(*at));
    let still = (!deploy.has_ended()).then_some(now);
    let spans = deploy.phases.iter().zip(ends.chain([still]));
    let line = |((phase, began), ended): (&(Phase, Timestamp), Option<Timestamp>)| {
        let lasted = ended.map(|ended| format!("  {}", span(ended.duration_since(*began))));
        format!("  {:12}  {}{}", phase.as_str(), second(*began), lasted.unwrap_or_default())
    };
    spans.map(line).collect()
}

/// All that is known of it, line by line.
pub(crate) fn in_detail(deploy: &Deploy, now: Timestamp) -> Vec<String> {
    let Deploy { id, assignment, attempt, from, configuration, .. } = deploy;
    let release = &assignment.release;
    let mut lines = vec![
        format!("{id} of {} ({}): {}.", release.tag, release.digest, deploy.phase()),
        format!(
            "It was led to by {}, as attempt {attempt} at decision {}.",
            led_by(deploy),
            assignment.number
        ),
    ];
    match deploy.progress.revision() {
        Some(revision) => {
            lines.push(format!("It registered {}, made from {}.", revision.short(), from.short()));
        }
        None => lines.push(format!("It has registered nothing; {} ran before.", from.short())),
    }
    if let Some(deployment) = deploy.progress.deployment() {
        lines.push(format!("ECS carries it out as {deployment}."));
    }
    lines.push(format!("Phases, {} in all:", span(took(deploy, now))));
    lines.extend(phase_lines(deploy, now));
    lines.extend(failure_lines(deploy));
    let variables = configuration.0.iter().flat_map(|(container, sources)| {
        sources.iter().map(move |(name, source)| {
            format!("  {name} of {container}: version {} of {source}", source.version())
        })
    });
    let variables: Vec<String> = variables.collect();
    if !variables.is_empty() {
        lines.push("Variables that it brought:".to_owned());
        lines.extend(variables);
    }
    lines
}

/// Why it did not stay, what became of the service, and what was seen of its tasks.
fn failure_lines(deploy: &Deploy) -> Vec<String> {
    let mut lines: Vec<String> =
        why(deploy).map(|why| format!("It did not stay: {why}.")).into_iter().collect();
    match &deploy.progress {
        Progress::GoingBack { going, .. } => {
            let to = going.to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default();
            lines.push(format!("{} brings it back{to}.", going.by));
        }
        Progress::Ended { ending: Ending::RolledBack { by, to, .. }, .. } => {
            lines.push(format!("{by} rolled it back, and {} ran again.", to.short()));
        }
        Progress::Ended { ending: Ending::Failed { stays, .. }, .. } if !stays.is_empty() => {
            lines.push(format!("It was not rolled back, since {stays}."));
        }
        Progress::Begun
        | Progress::Registered { .. }
        | Progress::Updated { .. }
        | Progress::Completed { .. }
        | Progress::Ended { .. } => {}
    }
    let Some(cause) = deploy.progress.cause() else { return lines };
    if cause.trigger != Trigger::Person {
        lines.push(format!("What to do: {}.", cause.diagnosis.remedy()));
    }
    for (title, said) in [("Tasks that stopped:", &cause.tasks), ("ECS said:", &cause.messages)] {
        if !said.is_empty() {
            lines.push(title.to_owned());
            lines.extend(said.iter().map(|line| format!("  {line}")));
        }
    }
    lines
}

/// All of it, for machines.
pub(crate) fn to_value(deploy: &Deploy) -> Value {
    let Deploy { id, assignment, attempt, from, configuration, disregards, begun_at, .. } = deploy;
    let release = &assignment.release;
    let phase =
        |(phase, at): &(Phase, Timestamp)| json!({"phase": phase.as_str(), "at": at.to_string()});
    let sources = configuration.0.iter().flat_map(|(container, sources)| {
        sources.iter().map(move |(variable, source)| {
            json!({
                "container": container.as_str(), "variable": variable.as_str(),
                "source": source.to_string(), "version": Source::version(source),
            })
        })
    });
    let (undone_by, back_to, stays) = deploy.progress.undone();
    json!({
        "deploy": id.to_string(),
        "tag": release.tag.as_str(),
        "digest": release.digest.as_str(),
        "assignment": assignment.number,
        "attempt": attempt,
        "cause": deploy.cause,
        "requested_by": match &assignment.by {
            AssignedBy::Selection => None,
            AssignedBy::Request { by, .. } => Some(by),
        },
        "phase": deploy.phase().as_str(),
        "phases": deploy.phases.iter().map(phase).collect::<Vec<_>>(),
        "begun_at": begun_at.to_string(),
        "from": from.as_str(),
        "revision": deploy.progress.revision().map(RevisionArn::as_str),
        "deployment": deploy.progress.deployment().map(ToString::to_string),
        "variables": sources.collect::<Vec<_>>(),
        "disregards": disregards.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "why": why(deploy),
        "failure": deploy.progress.cause().map(cause_to_value),
        "undone_by": undone_by.map(ToString::to_string),
        "back_to": back_to.map(RevisionArn::as_str),
        "stays": stays,
    })
}

fn cause_to_value(cause: &Cause) -> Value {
    json!({
        "trigger": cause.trigger.as_str(),
        "diagnosis": cause.diagnosis.as_str(),
        "sentence": cause.diagnosis.sentence(),
        "remedy": cause.diagnosis.remedy(),
        "what": cause.what,
        "tasks": cause.tasks,
        "messages": cause.messages,
    })
}

#[cfg(test)]
mod tests;
