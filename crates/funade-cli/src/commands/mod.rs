//! One file for each verb.

mod apply;
mod deploy;
mod explain;
mod history;
mod hold;
mod metrics;
mod params;
mod plan;
mod render;
mod rollback;
mod route;
mod schema;
mod status;
mod sweep;
mod validate;
mod watch;

pub(crate) use explain::{read as read_explanation, to_text as explanation_text};
pub(crate) use history::to_text as history_text;
pub(crate) use params::to_text as params_text;
pub(crate) use status::to_table as status_table;
pub(crate) use sweep::to_text as sweep_text;
pub(crate) use watch::interval;

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use funade::config::Config;
use funade::shell::ConfigCache;
use funade::world::AppliedConfig;
use funade_aws::{AwsWorld, Settings};

use crate::arguments::{Arguments, Command};
use crate::demo;
use crate::output::Answer;

/// Runs a command.
pub(crate) fn run(arguments: Arguments) -> Result<Answer> {
    let format = arguments.format;
    match arguments.command {
        Command::Validate { dir } => validate::run(&dir, format),
        Command::Schema { write } => schema::run(write.as_deref()),
        Command::Route { dir, event } => route::run(&dir, &event, format),
        Command::Render { dir, target, task_definition, image, parameters, tag, deploy } => {
            let wanted = render::Wanted {
                image: &image,
                parameters: parameters.as_deref(),
                tag: tag.as_ref(),
                deploy: &deploy,
            };
            render::run(&dir, &target, &task_definition, &wanted)
        }
        Command::Demo { speed } => demo::run(speed),
        Command::Apply { dir, by } => {
            online(async |world| apply::run(world, &dir, &by, format).await)
        }
        Command::Plan { target, redact } => {
            online(async |world| Box::pin(plan::run(world, &target, redact, format)).await)
        }
        Command::Params { target } => {
            online(async |world| Box::pin(params::run(world, &target, format)).await)
        }
        Command::Status { service } => {
            online(async |world| status::run(world, service.as_ref(), format).await)
        }
        Command::Watch { service, interval, once } => online(async |world| {
            let watched = watch::Watched { service: service.as_ref(), interval, once };
            watch::run(world, &watched, format).await
        }),
        Command::Sweep { environments, report } => online(async |world| {
            let wish = sweep::Wish { environments: &environments, report: report.as_deref() };
            Box::pin(sweep::run(world, &wish, format)).await
        }),
        Command::Metrics { prometheus: _, output } => {
            online(async |world| metrics::run(world, output.as_deref()).await)
        }
        Command::Explain { target } => {
            online(async |world| Box::pin(explain::run(world, &target, format)).await)
        }
        Command::History { target, limit, deploy } => online(async |world| {
            history::run(world, &target, limit.get(), deploy.as_ref(), format).await
        }),
        Command::Rollback { target, to, reason, by } => online(async |world| {
            let wish =
                rollback::Wish { target: &target, to: to.as_ref(), reason: &reason, by: &by };
            rollback::run(world, &wish, format).await
        }),
        Command::Hold { subject, reason, duration, by } => {
            online(async |world| hold::set(world, &subject, &reason, duration, &by, format).await)
        }
        Command::Unhold { subject, by } => {
            online(async |world| hold::lift(world, &subject, &by, format).await)
        }
        Command::Holds => online(async |world| hold::list(world, format).await),
        Command::Deploy { service, tag, by } => {
            online(async |world| deploy::run(world, &service, &tag, &by, format).await)
        }
    }
}

/// Runs what needs AWS.
fn online(command: impl AsyncFnOnce(&AwsWorld) -> Result<Answer>) -> Result<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let world = AwsWorld::of_operator(Settings::of_operator()?).await;
        command(&world).await
    })
}

/// The configuration in force.
async fn config_in_force(world: &AwsWorld) -> Result<Arc<Config>> {
    Ok(applied_config(world).await?.config)
}

/// The same with its version.
async fn applied_config(world: &AwsWorld) -> Result<AppliedConfig> {
    let applied = ConfigCache::default().current(world).await.context("cannot read the ledger")?;
    match applied {
        Some(applied) => Ok(applied),
        None => bail!("no configuration is in force yet; apply one: funade apply DIR"),
    }
}
