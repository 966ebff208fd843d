//! `funade rollback TARGET --reason TEXT [--to DEPLOY]`

use anyhow::{Result, bail};
use funade::facts::names::TargetId;
use funade::facts::release::RollbackRequest;
use funade::shell::{RollbackError, RollbackWish, request_rollback};
use funade::world::World;
use funade_aws::AwsWorld;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::arguments::Format;
use crate::commands::config_in_force;
use crate::output::{Answer, print_json};
use crate::which_deploy::WhichDeploy;

/// What was typed.
pub(super) struct Wish<'a> {
    pub(super) target: &'a TargetId,
    pub(super) to: Option<&'a WhichDeploy>,
    pub(super) reason: &'a str,
    pub(super) by: &'a str,
}

pub(super) async fn run(world: &AwsWorld, wish: &Wish<'_>, format: Format) -> Result<Answer> {
    let Wish { target, to, reason, by } = *wish;
    let config = config_in_force(world).await?;
    let to = match to.map(|deploy| deploy.on(target)).transpose() {
        Ok(to) => to,
        Err(why) => return Ok(no(&why, format)),
    };
    let id = format!("rollback-{}-{}", world.now().as_millisecond(), std::process::id());
    let wish = RollbackWish { target, to, by, reason, id: &id };
    match request_rollback(world, &config, &wish).await {
        Ok(request) => {
            let held_for = config.target(target).and_then(|target| target.rollback.hold);
            match format {
                Format::Json => print_json(&to_value(target, &request)),
                Format::Text => println!("{}", to_text(target, &request, held_for)),
            }
            Ok(Answer::Yes)
        }
        Err(RollbackError::Call(error)) => bail!("nothing was asked for: {}", error.in_full()),
        Err(RollbackError::NotWoken(error)) => bail!(
            "the rollback of {target} is asked for, but the target was not woken; type this \
             again: {}",
            error.in_full()
        ),
        Err(
            error @ (RollbackError::UnknownTarget(_)
            | RollbackError::NothingDeployed(_)
            | RollbackError::NothingBefore(_)
            | RollbackError::NoSuchDeploy(..)
            | RollbackError::RunsAlready(..)
            | RollbackError::Deregistered(_)
            | RollbackError::ImageGone(_)),
        ) => Ok(no(&error.to_string(), format)),
    }
}

fn no(why: &str, format: Format) -> Answer {
    match format {
        Format::Json => print_json(&json!({"request": null, "why": why})),
        Format::Text => println!("{why}."),
    }
    Answer::No
}

/// What follows, and what to type next.
pub(crate) fn to_text(
    id: &TargetId,
    request: &RollbackRequest,
    held_for: Option<SignedDuration>,
) -> String {
    let RollbackRequest { id: request, to, .. } = request;
    let until = held_for.map_or_else(String::new, |held_for| format!("for {held_for:#}, or "));
    format!(
        "Asked for {id} to go back to {to}, as {request}. The functions do the rest.\n\
         The release that it leaves is held on this target {until}until a newer one comes or \
         somebody types: funade unhold {id}\n\
         Follow it with: funade watch {}, or funade explain {id}",
        id.service
    )
}

fn to_value(id: &TargetId, request: &RollbackRequest) -> Value {
    json!({
        "request": request.id,
        "target": id.to_string(),
        "to": {
            "revision": request.to.revision.as_str(),
            "deploy": request.to.deploy,
            "tag": request.to.release.as_ref().map(ToString::to_string),
        },
        "reason": request.reason,
        "by": request.by,
        "at": request.at.to_string(),
    })
}

#[cfg(test)]
mod tests;
