//! `funade explain TARGET`

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use funade::config::{Config, Target};
use funade::facts::deploy::Deploy;
use funade::facts::ecs::{AlarmState, RolloutState};
use funade::facts::image::ImageReference;
use funade::facts::names::{AlarmName, TargetId};
use funade::facts::record::StandingKind;
use funade::facts::release::AssignedBy;
use funade::facts::subject::Subject;
use funade::facts::task_definition::{RELEASE_TAG, Revision};
use funade::shell::{Explanation, Preview, explain};
use funade::world::{Alarms, CallError, EventNote, World};
use funade_aws::AwsWorld;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::{config_in_force, hold, plan};
use crate::deploys::{self, decided_by, led_by, phase_lines, why};
use crate::findings;
use crate::output::{Answer, print_json};
use crate::times::{second, span};

/// How many events are told: the last push, what came of it, and a little before.
const EVENTS_TOLD_MAX: usize = 10;

/// All that there is to tell of a target.
pub(crate) struct Told<'a> {
    target: &'a Target,
    explanation: Explanation,
    /// What its alarms say; those that do not exist are not in it.
    alarms: BTreeMap<AlarmName, AlarmState>,
    now: Timestamp,
}

pub(super) async fn run(world: &AwsWorld, id: &TargetId, format: Format) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let told = Box::pin(read(world, &config, id)).await;
    let Some(told) = told.map_err(|error| anyhow!(error.in_full()))? else {
        eprintln!("The configuration has no target {id}; funade status lists them.");
        return Ok(Answer::No);
    };
    match format {
        Format::Json => print_json(&to_value(&told)),
        Format::Text => println!("{}", to_text(&told)),
    }
    Ok(Answer::Yes)
}

/// Reads what there is to tell. `None` where the configuration has no such target.
pub(crate) async fn read<'a, W: World>(
    world: &W,
    config: &'a Config,
    id: &TargetId,
) -> Result<Option<Told<'a>>, CallError> {
    let Some(target) = config.target(id) else { return Ok(None) };
    let Some(mut explanation) = explain(world, config, id).await? else { return Ok(None) };
    // An event may concern both the target and its service.
    explanation.events.dedup_by(|a, b| (a.at, &a.id) == (b.at, &b.id));
    let names = &target.verify.alarms;
    let alarms = match &explanation.preview.observation.alarms {
        Some(alarms) => alarms.clone(),
        None if names.is_empty() => BTreeMap::new(),
        // A settled target is planned for without them.
        None => world.alarms().alarm_states(&target.place, names).await?,
    };
    Ok(Some(Told { target, explanation, alarms, now: world.now() }))
}

/// All of it as sentences. The demo shows the same.
pub(crate) fn to_text(told: &Told<'_>) -> String {
    let mut lines = stands(told);
    lines.push(runs(told));
    lines.push(should_run(told));
    lines.extend(next(told));
    lines.extend(last_deploy(told));
    lines.extend(found(told));
    lines.extend(holds(told));
    lines.extend(alarms(told));
    lines.extend(events(told));
    lines.join("\n")
}

fn stands(told: &Told<'_>) -> Vec<String> {
    let Explanation { preview: Preview { plan, .. }, record, .. } = &told.explanation;
    let (id, kind, code) = (&told.target.id, plan.report.kind(), plan.report.code());
    let known = record.standing.as_ref().filter(|standing| standing.code == code);
    let since = known.map_or_else(String::new, |standing| {
        let age = span(told.now.duration_since(standing.since));
        format!(" since {}, for {age}", second(standing.since))
    });
    vec![format!("{id} is {kind} ({code}){since}:"), format!("  {}.", plan.report)]
}

fn runs(told: &Told<'_>) -> String {
    let Explanation { preview: Preview { observation, .. }, record, .. } = &told.explanation;
    let primary = observation.service.as_ref().and_then(|service| service.primary());
    let (Some(running), Some(primary)) = (&observation.running, primary) else {
        return "Runs: nothing that can be read.".to_owned();
    };
    let release = running_release(told.target, running, record.deploy.as_ref());
    let release = release.map_or_else(String::new, |release| format!("{release} as "));
    let reason = primary.reason.as_ref().map_or_else(String::new, |said| format!(": {said}"));
    format!(
        "Runs: {release}{}; its deployment {} is {}{}.",
        running.arn.short(),
        primary.id,
        rollout_in_words(primary.rollout),
        reason.trim_end_matches('.')
    )
}

fn rollout_in_words(rollout: RolloutState) -> &'static str {
    match rollout {
        RolloutState::InProgress => "in progress",
        RolloutState::Completed => "completed",
        RolloutState::Failed => "given up",
    }
}

/// The tag of the image that runs, where it can be known: from the image itself, from the deploy
/// that brought its digest, from the tag that Funade puts on its revisions.
fn running_release(target: &Target, running: &Revision, last: Option<&Deploy>) -> Option<String> {
    let image = ImageReference::parse(running.document.image(&target.container)?)?;
    let brought = last.map(|deploy| &deploy.assignment.release);
    let brought = brought.filter(|release| Some(&release.digest) == image.digest.as_ref());
    let tag = image.tag.as_ref().or(brought.map(|release| &release.tag));
    tag.map(ToString::to_string).or_else(|| running.tags.get(RELEASE_TAG).cloned())
}

fn should_run(told: &Told<'_>) -> String {
    let Some(assigned) = &told.explanation.preview.assigned else {
        return format!(
            "Should run: nothing is assigned yet; push an image, or type: funade deploy {} --tag TAG",
            told.target.id.service
        );
    };
    let (release, age) = (&assigned.release, span(told.now.duration_since(assigned.at)));
    format!(
        "Should run: {} ({}) since {}, for {age}: {} (decision {}).",
        release.tag,
        release.digest,
        second(assigned.at),
        decided_by(assigned),
        assigned.number
    )
}

/// What would be done now, or why that is nothing.
fn next(told: &Told<'_>) -> Vec<String> {
    let Preview { plan, observation, .. } = &told.explanation.preview;
    if plan.steps.is_empty() {
        let because = match plan.report.kind() {
            StandingKind::Settled => "nothing is left to do",
            StandingKind::Waiting => "what it waits for passes by itself",
            StandingKind::Blocked => "it needs a person",
        };
        let look = plan.look_again.map_or_else(String::new, |delay| {
            format!("; if nothing wakes it, it is looked at again within {}", span(delay))
        });
        return vec![format!("Next: no call, since {because}{look}.")];
    }
    let running = observation.running.as_ref();
    let steps = plan.steps.iter().map(|step| format!("  {}", plan::step_in_words(step, running)));
    let title = "Next, and the functions do it as soon as they look:".to_owned();
    std::iter::once(title).chain(steps).collect()
}

fn last_deploy(told: &Told<'_>) -> Vec<String> {
    let Some(deploy) = &told.explanation.record.deploy else {
        return vec!["Last deploy: none; Funade has not deployed anything here.".to_owned()];
    };
    let (id, release) = (&deploy.id, &deploy.assignment.release.tag);
    let mut lines = vec![format!(
        "Last deploy: {id} of {release}, {}; it was led to by {}.",
        deploy.phase(),
        led_by(deploy)
    )];
    lines.extend(phase_lines(deploy, told.now));
    if let Some(why) = why(deploy) {
        lines.push(format!(
            "  It did not stay: {why}; all of it: funade history {} --deploy {}",
            id.target, id.number
        ));
    }
    lines
}

/// What sweeps have found of it, its service and its place.
fn found(told: &Told<'_>) -> Vec<String> {
    let findings = &told.explanation.findings;
    if findings.is_empty() {
        return vec!["Findings: the sweep has none to tell.".to_owned()];
    }
    let title = "Findings of the sweep, the gravest first:".to_owned();
    std::iter::once(title).chain(findings::lines(findings, told.now)).collect()
}

/// Both kinds: that of a person, and that which a rollback has left.
fn holds(told: &Told<'_>) -> Vec<String> {
    let Explanation { preview, left_by_rollback, .. } = &told.explanation;
    let of_person = preview.observation.hold.as_ref().map(|held| hold::line(held, told.now));
    let left = left_by_rollback.as_ref().map(|held| hold::line_after_rollback(held, told.now));
    of_person.into_iter().chain(left).map(|held| format!("Held: {held}")).collect()
}

fn alarms(told: &Told<'_>) -> Vec<String> {
    let line = |name: &AlarmName| match told.alarms.get(name) {
        Some(AlarmState::Raised) => Some(format!("Alarm: {name} is raised.")),
        Some(AlarmState::Quiet) => None,
        None => Some(format!("Alarm: {name} does not exist in {}.", told.target.place)),
    };
    let names = &told.target.verify.alarms;
    let lines: Vec<String> = names.iter().filter_map(line).collect();
    match (lines.is_empty(), names.is_empty()) {
        (false, _) => lines,
        (true, false) => {
            vec!["Alarms: none of those that verify its deploys is raised.".to_owned()]
        }
        (true, true) => vec!["Alarms: it is verified by none.".to_owned()],
    }
}

fn events(told: &Told<'_>) -> Vec<String> {
    let events = &told.explanation.events;
    if events.is_empty() {
        return vec!["Events: none that is remembered concerned it.".to_owned()];
    }
    let mut lines = vec!["Events that concerned it, the newest first:".to_owned()];
    for event in events.iter().take(EVENTS_TOLD_MAX) {
        lines.push(format!("  {}  event {}", second(event.at), event.id));
        lines.extend(concerning(event, &told.target.id).map(|line| format!("    {line}")));
    }
    lines
}

/// What an event led to, without those whom else it woke.
fn concerning<'a>(event: &'a EventNote, id: &TargetId) -> impl Iterator<Item = &'a str> {
    let subjects = [Subject::Target(id.clone()), Subject::Service(id.service.clone())];
    let ours = subjects.map(|subject| format!("wakes {subject}: "));
    event.outcome.iter().map(String::as_str).filter(move |line| {
        !line.starts_with("wakes ") || ours.iter().any(|ours| line.starts_with(ours))
    })
}

/// All of it, for machines.
fn to_value(told: &Told<'_>) -> Value {
    let Explanation { preview, record, left_by_rollback, findings, events } = &told.explanation;
    let Preview { assigned, observation, plan } = preview;
    let primary = observation.service.as_ref().and_then(|service| service.primary());
    let event = |event: &EventNote| json!({"id": event.id, "at": event.at.to_string(), "outcome": event.outcome});
    json!({
        "target": told.target.id.to_string(),
        "runs": observation.running.as_ref().map(|running| json!({
            "revision": running.arn.as_str(),
            "tag": running_release(told.target, running, record.deploy.as_ref()),
            "deployment": primary.map(|primary| primary.id.as_str()),
            "rollout": primary.map(|primary| rollout_in_words(primary.rollout)),
            "reason": primary.and_then(|primary| primary.reason.as_deref()),
        })),
        "assigned": assigned.as_ref().map(|assigned| json!({
            "tag": assigned.release.tag.as_str(),
            "digest": assigned.release.digest.as_str(),
            "assignment": assigned.number,
            "at": assigned.at.to_string(),
            "cause": assigned.release.cause,
            "requested_by": match &assigned.by {
                AssignedBy::Selection => None,
                AssignedBy::Request { by, .. } => Some(by),
            },
        })),
        "kind": plan.report.kind().to_string(),
        "code": plan.report.code(),
        "why": plan.report.to_string(),
        "since": record.standing.as_ref().filter(|standing| standing.code == plan.report.code())
            .map(|standing| standing.since.to_string()),
        "steps": plan.steps.iter().map(|step| plan::step_to_value(step, true)).collect::<Vec<_>>(),
        "look_again_seconds": plan.look_again.map(|delay| delay.as_secs()),
        "deploy": record.deploy.as_ref().map(deploys::to_value),
        "findings": findings.iter().map(findings::to_value).collect::<Vec<_>>(),
        "hold": observation.hold.as_ref().map(hold::to_value),
        "left_by_rollback": left_by_rollback.as_ref().map(hold::to_value),
        "alarms": told.target.verify.alarms.iter().map(|name| json!({
            "alarm": name.as_str(),
            "state": match told.alarms.get(name) {
                Some(AlarmState::Raised) => "raised",
                Some(AlarmState::Quiet) => "quiet",
                None => "missing",
            },
        })).collect::<Vec<_>>(),
        "events": events.iter().take(EVENTS_TOLD_MAX).map(event).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
