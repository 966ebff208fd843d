//! `funade watch [SERVICE] [--interval 5s] [--once]`
//!
//! On a terminal the status table is drawn again in its place; into a pipe goes a line for each
//! target that has changed. Only the ledger is read, so that watching costs little, and it ends by
//! itself once nothing is left that passes by itself.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use console::{Term, truncate_str};
use funade::config::{Config, duration};
use funade::facts::names::{ServiceName, TargetId};
use funade::facts::record::StandingKind;
use funade::shell::{ServiceStatus, TargetState, status};
use funade::world::World;
use funade_aws::AwsWorld;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::commands::status::{to_low_table, to_table, to_value, to_values};
use crate::deploys::under_way;
use crate::output::{Answer, count, print_json, print_json_line};
use crate::times::second;

/// The shortest time between two frames: nothing that is watched goes faster.
const INTERVAL_MIN: SignedDuration = SignedDuration::from_secs(1);

/// In how many frames in a row all must be at rest before watching ends: what a person has just
/// asked for begins with the next pass, a second or two later.
const FRAMES_AT_REST: u32 = 2;

/// How many lines a target has in a frame: enough to tell how it stands, and so few that a
/// service's targets fit the terminal.
const LINES_PER_TARGET_MAX: usize = 2;

/// What to watch, and how.
pub(super) struct Watched<'a> {
    pub(super) service: Option<&'a ServiceName>,
    pub(super) interval: SignedDuration,
    pub(super) once: bool,
}

/// How frames are shown.
enum Show {
    /// One in the place of the other, which has so many lines.
    InPlace(Term, usize),
    /// A line for each change.
    Lines(Said),
    /// A line of JSON for each change.
    Json(Said),
}

/// What was last said of each target.
type Said = BTreeMap<TargetId, (String, String)>;

/// Reads the time between two frames as it is typed.
pub(crate) fn interval(text: &str) -> Result<SignedDuration, String> {
    let interval = duration(text)?;
    if interval < INTERVAL_MIN {
        return Err(format!("that is too often; write {INTERVAL_MIN:#} or more"));
    }
    Ok(interval)
}

pub(super) async fn run(world: &AwsWorld, watched: &Watched<'_>, format: Format) -> Result<Answer> {
    let config = config_in_force(world).await?;
    if let Some(unknown) = watched.service.filter(|name| !config.services.contains_key(*name)) {
        eprintln!("The configuration has no service `{unknown}`.");
        return Ok(Answer::No);
    }
    if watched.once {
        return once(world, &config, watched, format).await;
    }
    let screen = Term::stdout();
    let show = match format {
        Format::Json => Show::Json(Said::new()),
        Format::Text if screen.is_term() => Show::InPlace(screen, 0),
        Format::Text => Show::Lines(Said::new()),
    };
    tokio::select! {
        answer = follow(world, &config, watched, show) => answer,
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted.map(|()| Answer::Yes)?),
    }
}

/// Shows one frame.
async fn once(
    world: &AwsWorld,
    config: &Config,
    watched: &Watched<'_>,
    format: Format,
) -> Result<Answer> {
    let services = match status(world, config, watched.service).await {
        Ok(services) => services,
        Err(error) => bail!("{}", error.in_full()),
    };
    match format {
        Format::Json => print_json(&services.iter().flat_map(to_values).collect()),
        Format::Text => println!("{}", to_table(&services, world.now())),
    }
    Ok(Answer::Yes)
}

/// Shows frame after frame until all is at rest.
async fn follow(
    world: &AwsWorld,
    config: &Config,
    watched: &Watched<'_>,
    mut show: Show,
) -> Result<Answer> {
    let mut at_rest = 0;
    while at_rest < FRAMES_AT_REST {
        match status(world, config, watched.service).await {
            Ok(services) => {
                at_rest = if is_at_rest(&services) { at_rest + 1 } else { 0 };
                show.frame(&services, world.now(), watched.interval)?;
            }
            // A ledger that gives no answer for a moment is no reason to stop watching.
            Err(error) if error.is_retryable() => show.missed(&error.in_full()),
            Err(error) => bail!("{}", error.in_full()),
        }
        if at_rest < FRAMES_AT_REST {
            wait(watched.interval).await;
        }
    }
    Ok(Answer::Yes)
}

#[expect(clippy::disallowed_methods, reason = "a person watches, and nobody tells a terminal")]
async fn wait(interval: SignedDuration) {
    tokio::time::sleep(interval.unsigned_abs()).await;
}

impl Show {
    fn frame(
        &mut self,
        services: &[ServiceStatus],
        now: Timestamp,
        interval: SignedDuration,
    ) -> Result<()> {
        match self {
            Self::InPlace(screen, lines) => {
                let frame = frame(services, now, interval, screen.size());
                screen.clear_last_lines(*lines)?;
                screen.write_line(&frame)?;
                *lines = frame.lines().count();
            }
            Self::Lines(said) => {
                changed(services, said).for_each(|state| println!("{}", line(state, now)));
            }
            Self::Json(said) => changed(services, said)
                .for_each(|state| print_json_line(&change_to_value(state, now))),
        }
        Ok(())
    }

    /// A frame that could not be read. What was drawn before stays.
    fn missed(&mut self, why: &str) {
        eprintln!("{why}; watching goes on");
        match self {
            Self::InPlace(_, lines) => *lines = 0,
            Self::Lines(_) | Self::Json(_) => {}
        }
    }
}

/// Whether nothing passes by itself any more: every target is done with what is assigned to it, or
/// needs a person.
fn is_at_rest(services: &[ServiceStatus]) -> bool {
    let mut targets = services.iter().flat_map(|service| &service.targets);
    targets.all(|TargetState { assigned, record, .. }| {
        let under_way = record.deploy.as_ref().is_some_and(|deploy| under_way(deploy).is_some());
        // One that has never been looked at is woken by a configuration's being applied.
        let Some(standing) = &record.standing else { return false };
        let passes = match standing.kind {
            StandingKind::Settled | StandingKind::Blocked => false,
            StandingKind::Waiting => true,
        };
        let number = assigned.as_ref().map_or(0, |assigned| assigned.number);
        !under_way && !passes && standing.assignment == number
    })
}

/// The status table with what is to come below it, cut to the rows and columns of the terminal:
/// what has scrolled away cannot be drawn again.
fn frame(
    services: &[ServiceStatus],
    now: Timestamp,
    interval: SignedDuration,
    (rows, columns): (u16, u16),
) -> String {
    let table = to_low_table(services, now, LINES_PER_TARGET_MAX);
    let targets: usize = services.iter().map(|service| service.targets.len()).sum();
    let below = format!(
        "{}: {}, read every {interval:#} until nothing passes by itself; Ctrl-C ends it. All of \
         it: funade explain TARGET",
        second(now),
        count(targets, "target")
    );
    let below = truncate_str(&below, usize::from(columns), "…");
    let all = table.lines().count();
    // The line below, the one that says what is missing, and the cursor's.
    let fits = usize::from(rows).saturating_sub(3).max(1);
    if all <= fits + 1 {
        return format!("{table}\n{below}");
    }
    let shown = table.lines().take(fits).collect::<Vec<_>>().join("\n");
    let missing = format!("… {} more; watch one service: funade watch SERVICE", all - fits);
    format!("{shown}\n{}\n{below}", truncate_str(&missing, usize::from(columns), "…"))
}

/// The targets of which there is something new to say, which is then said.
fn changed<'a>(
    services: &'a [ServiceStatus],
    said: &'a mut Said,
) -> impl Iterator<Item = &'a TargetState> {
    services.iter().flat_map(|service| &service.targets).filter(|state| {
        let now = (stage(state), sentence(state).to_owned());
        said.insert(state.id.clone(), now.clone()) != Some(now)
    })
}

/// The phase of a deploy that is under way, or how the target stands without one.
fn stage(state: &TargetState) -> String {
    let phase = state.record.deploy.as_ref().and_then(under_way);
    let stands = || state.record.standing.as_ref().map(|standing| standing.kind.to_string());
    let phase = phase.map(|(phase, _)| phase.to_string());
    phase.or_else(stands).unwrap_or_else(|| "–".to_owned())
}

fn sentence(state: &TargetState) -> &str {
    let standing = state.record.standing.as_ref();
    standing.map_or("it has not been looked at yet", |standing| standing.sentence.as_str())
}

fn line(state: &TargetState, now: Timestamp) -> String {
    format!("{}  {}  {}  {}", second(now), state.id, stage(state), sentence(state))
}

fn change_to_value(state: &TargetState, now: Timestamp) -> Value {
    let mut value = to_value(state);
    value["at"] = now.to_string().into();
    value
}

#[cfg(test)]
mod tests;
