//! `funade hold SUBJECT`, `funade unhold SUBJECT`, `funade holds`

use anyhow::{Result, bail};
use funade::facts::hold::Hold;
use funade::facts::names::Tag;
use funade::facts::subject::Subject;
use funade::shell::{HoldError, lift_hold, set_hold, standing_holds};
use funade::world::World;
use funade_aws::AwsWorld;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json, table};
use crate::times::{minute, span};

/// Holds a target or a service.
pub(super) async fn set(
    world: &AwsWorld,
    on: &Subject,
    reason: &str,
    duration: Option<SignedDuration>,
    by: &str,
    format: Format,
) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let since = world.now();
    let hold = Hold {
        on: on.clone(),
        reason: reason.to_owned(),
        by: by.to_owned(),
        since,
        until: duration.map(|duration| since + duration),
        release: None,
        lifted: None,
    };
    match set_hold(world, &config, &hold).await {
        Ok(()) => {
            match format {
                Format::Json => print_json(&to_value(&hold)),
                Format::Text => println!(
                    "{} is held {}. What is under way goes on; nothing new begins.\n\
                     Lift it with: funade unhold {}",
                    on.named(),
                    ends(&hold),
                    on.named()
                ),
            }
            Ok(Answer::Yes)
        }
        Err(error) => refused(&error, format),
    }
}

/// Lifts the hold on a target or a service.
pub(super) async fn lift(
    world: &AwsWorld,
    on: &Subject,
    by: &str,
    format: Format,
) -> Result<Answer> {
    let config = config_in_force(world).await?;
    match Box::pin(lift_hold(world, &config, on, by)).await {
        Ok(hold) => {
            match format {
                Format::Json => print_json(&to_value(&hold)),
                Format::Text => println!(
                    "{} is held no more, and is looked at now. It was held by {}: {}",
                    on.named(),
                    hold.by,
                    hold.reason
                ),
            }
            Ok(Answer::Yes)
        }
        Err(error) => refused(&error, format),
    }
}

/// Lists the holds that stand.
pub(super) async fn list(world: &AwsWorld, format: Format) -> Result<Answer> {
    let config = config_in_force(world).await?;
    let holds = standing_holds(world, &config).await?;
    match format {
        Format::Json => print_json(&holds.iter().map(to_value).collect()),
        Format::Text => println!("{}", to_table(&holds, world.now())),
    }
    Ok(Answer::Yes)
}

/// The holds as a table.
fn to_table(holds: &[Hold], now: Timestamp) -> String {
    if holds.is_empty() {
        return "Nothing is held.".to_owned();
    }
    let mut table = table(&["held", "by", "for", "ends", "why"]);
    for hold in holds {
        let age = span(now.duration_since(hold.since));
        let (on, ends) = (hold.on.named(), ends(hold));
        table.add_row([on, hold.by.clone(), age, ends, hold.reason.clone()]);
    }
    table.to_string()
}

/// A hold in a line, with its age and how to lift it.
pub(super) fn line(hold: &Hold, now: Timestamp) -> String {
    let reason = hold.reason.trim_end_matches('.');
    format!("{}, {}: {reason}; {}", since(hold, now), ends(hold), lift_it(hold))
}

/// The same of a hold that a rollback has left, whose reason is told with the deploy.
pub(super) fn line_after_rollback(hold: &Hold, now: Timestamp) -> String {
    let newer = "until a newer release comes";
    let until =
        hold.until.map_or_else(|| newer.to_owned(), |_| format!("{}, or {newer}", ends(hold)));
    format!("{}, {until}; {}", since(hold, now), lift_it(hold))
}

fn since(hold: &Hold, now: Timestamp) -> String {
    let age = span(now.duration_since(hold.since));
    format!("{} by {} since {}, for {age}", hold.on.named(), hold.by, minute(hold.since))
}

fn lift_it(hold: &Hold) -> String {
    format!("lift it with: funade unhold {}", hold.on.named())
}

fn refused(error: &HoldError, format: Format) -> Result<Answer> {
    match error {
        HoldError::Call(call) => bail!("{}", call.in_full()),
        HoldError::NotWoken(_, call) => bail!("{error}: {}", call.in_full()),
        HoldError::Unknown(_) | HoldError::NotHeld(_) => {
            match format {
                Format::Json => print_json(&json!({"hold": null, "why": error.to_string()})),
                Format::Text => println!("{error}."),
            }
            Ok(Answer::No)
        }
    }
}

pub(super) fn to_value(hold: &Hold) -> Value {
    let moment = |moment: Timestamp| moment.to_string();
    json!({
        "on": hold.on.to_string(),
        "release": hold.release.as_ref().map(Tag::as_str),
        "reason": hold.reason,
        "by": hold.by,
        "since": moment(hold.since),
        "until": hold.until.map(moment),
        "lifted_by": hold.lifted.as_ref().map(|lifted| lifted.by.as_str()),
        "lifted_at": hold.lifted.as_ref().map(|lifted| moment(lifted.at)),
    })
}

fn ends(hold: &Hold) -> String {
    match (hold.until, &hold.release) {
        (Some(until), _) => format!("until {}", minute(until)),
        (None, None) => "until somebody lifts it".to_owned(),
        (None, Some(release)) => {
            format!("until somebody lifts it, or a release newer than {release} comes")
        }
    }
}
