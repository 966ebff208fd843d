//! `funade hold SUBJECT`, `funade unhold SUBJECT`, `funade holds`

use anyhow::{Result, bail};
use funade::facts::hold::Hold;
use funade::facts::subject::Subject;
use funade::shell::{HoldError, lift_hold, set_hold, standing_holds};
use funade::world::World;
use funade_aws::AwsWorld;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json, table};

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
    match lift_hold(world, on, by).await {
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
    let holds = standing_holds(world).await?;
    let now = world.now();
    match format {
        Format::Json => print_json(&holds.iter().map(to_value).collect()),
        Format::Text if holds.is_empty() => println!("Nothing is held."),
        Format::Text => {
            let mut table = table(&["held", "by", "for", "ends", "why"]);
            for hold in &holds {
                let age = age(now.duration_since(hold.since));
                let (on, ends) = (hold.on.named(), ends(hold));
                table.add_row([on, hold.by.clone(), age, ends, hold.reason.clone()]);
            }
            println!("{table}");
        }
    }
    Ok(Answer::Yes)
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

fn to_value(hold: &Hold) -> Value {
    let moment = |moment: Timestamp| moment.to_string();
    json!({
        "on": hold.on.to_string(),
        "reason": hold.reason,
        "by": hold.by,
        "since": moment(hold.since),
        "until": hold.until.map(moment),
        "lifted_by": hold.lifted.as_ref().map(|lifted| lifted.by.as_str()),
        "lifted_at": hold.lifted.as_ref().map(|lifted| moment(lifted.at)),
    })
}

fn ends(hold: &Hold) -> String {
    match hold.until {
        Some(until) => format!("until {}", until.strftime("%Y-%m-%d %H:%M UTC")),
        None => "until somebody lifts it".to_owned(),
    }
}

/// Days and hours, or hours and minutes: how long is what matters, not the seconds.
fn age(since: SignedDuration) -> String {
    let minutes = since.as_mins();
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}
