//! `funade hold SUBJECT`, `funade unhold SUBJECT`, `funade holds`

use anyhow::{Result, bail};
use funade::facts::hold::Hold;
use funade::facts::names::Tag;
use funade::facts::subject::Subject;
use funade::shell::{HoldError, LiftedHold, lift_hold, set_hold, standing_holds};
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
        Ok(lifted) => {
            match format {
                Format::Json => print_json(&lifted_value(&lifted)),
                Format::Text => println!("{}", lifted_text(&lifted)),
            }
            Ok(Answer::Yes)
        }
        Err(error) => refused(&error, format),
    }
}

/// What is lifted, what is tried again for it, and what stands still.
fn lifted_text(LiftedHold { hold, stand }: &LiftedHold) -> String {
    let (on, by, reason) = (hold.on.named(), &hold.by, &hold.reason);
    let first = match &hold.release {
        Some(release) => format!("{on} is looked at now, and {release} is tried there again."),
        None => format!("{on} is held no more by {by}, and is looked at now."),
    };
    let mut lines = vec![format!("{first} It was held by {by}: {reason}")];
    lines.extend(stand.iter().map(|left| {
        let release = left.release.as_ref().map_or("what was undone", Tag::as_str);
        let (held, by) = (left.on.named(), &left.by);
        let once_more = if left.on == hold.on { ", type this once more" } else { "" };
        format!(
            "{held} is held still by {by}, and {release} is not tried there. To try it \
             again{once_more}: funade unhold {held}"
        )
    }));
    lines.join("\n")
}

fn lifted_value(LiftedHold { hold, stand }: &LiftedHold) -> Value {
    let mut value = to_value(hold);
    value["stand"] = stand.iter().map(to_value).collect();
    value
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

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(on: &str, by: &str, release: Option<&str>) -> Hold {
        Hold {
            on: Subject::parse_named(on).expect("well-formed"),
            release: release.map(|tag| Tag::parse(tag).expect("a tag")),
            reason: format!("why {by} did"),
            by: by.to_owned(),
            since: Timestamp::UNIX_EPOCH,
            until: None,
            lifted: None,
        }
    }

    #[test]
    fn lifted_it_says_what_is_tried_again_and_what_is_not() {
        let left = hold("acme/order-api", "the rollback", Some("1.5.0"));
        let of_person =
            LiftedHold { hold: hold("acme/order-api", "dana", None), stand: vec![left.clone()] };
        assert_eq!(
            lifted_text(&of_person),
            "acme/order-api is held no more by dana, and is looked at now. It was held by dana: why \
             dana did\nacme/order-api is held still by the rollback, and 1.5.0 is not tried there. \
             To try it again, type this once more: funade unhold acme/order-api"
        );
        let of_service =
            LiftedHold { hold: hold("order-api", "dana", None), stand: vec![left.clone()] };
        assert!(
            lifted_text(&of_service).ends_with("To try it again: funade unhold acme/order-api")
        );
        let of_rollback = LiftedHold { hold: left, stand: Vec::new() };
        assert_eq!(
            lifted_text(&of_rollback),
            "acme/order-api is looked at now, and 1.5.0 is tried there again. It was held by the \
             rollback: why the rollback did"
        );
        assert_eq!(lifted_value(&of_person)["stand"][0]["release"], "1.5.0");
    }
}
