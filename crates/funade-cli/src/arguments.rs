//! What can be typed.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use funade::config::duration;
use funade::facts::names::{EnvironmentName, ServiceName, Tag, TargetId};
use funade::facts::subject::Subject;
use jiff::SignedDuration;

use crate::commands::interval;
use crate::which_deploy::WhichDeploy;

/// Funade deploys container images to Amazon ECS by itself. This tool checks and applies its
/// configuration, shows what it does and why, and asks it to deploy.
#[derive(Debug, Parser)]
#[command(name = "funade", version, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// A table or text for people, or JSON for machines.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  it is so, or it is done
  1  the answer is no: the configuration has errors, the event is malformed,
     the image, the target or the deploy is not there, nothing is held there,
     there is nothing to go back to, a sweep finds something or could not look
     at something, the configuration has no such environment
  2  the command line cannot be understood
  3  a file cannot be read or written, or a call to AWS failed

Settings, from the environment (the stack's outputs have their values):
  FUNADE_TABLE, FUNADE_WAKE_QUEUE_URL, FUNADE_LATER_QUEUE_URL, FUNADE_ACCOUNT,
  AWS_REGION, and FUNADE_OPERATOR_ROLE if it is not funade-operator";

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a configuration and list all its problems. Offline.
    Validate {
        /// The directory with fleet.yaml and services/.
        dir: PathBuf,
    },
    /// Print the JSON Schemas of the configuration's files, for editors. Offline.
    Schema {
        /// Write them into this directory instead.
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
    },
    /// Check a configuration, show what changes, and put it in force.
    Apply {
        /// The directory with fleet.yaml and services/.
        dir: PathBuf,
        /// Who applies it, for the history.
        #[arg(long, env = "USER", default_value = "unknown")]
        by: String,
    },
    /// Say what an event would lead to, and why. Offline.
    Route {
        /// The directory with fleet.yaml and services/.
        dir: PathBuf,
        /// A file with the event, in EventBridge's envelope.
        event: PathBuf,
    },
    /// Print the task definition that would be registered. Offline.
    Render {
        /// The directory with fleet.yaml and services/.
        dir: PathBuf,
        /// The target, as in acme/order-api.
        target: TargetId,
        /// A file with the task definition that runs now: the output of
        /// `aws ecs describe-task-definition --include TAGS`, or the input of a registration.
        #[arg(long, value_name = "FILE")]
        task_definition: PathBuf,
        /// The image to deploy, as in shop/order-api@sha256:…, with or without its registry.
        #[arg(long, value_name = "REPOSITORY@DIGEST")]
        image: String,
        /// A file with the parameters and secrets: the output of
        /// `aws ssm get-parameters-by-path --recursive`, of `aws secretsmanager list-secrets`, or
        /// both in one object. Without it variables stay as they are.
        #[arg(long, value_name = "FILE")]
        parameters: Option<PathBuf>,
        /// The release's tag, for the revision's tag `funade:release`.
        #[arg(long)]
        tag: Option<Tag>,
        /// The deploy's id, for the revision's tag `funade:deploy`.
        #[arg(long, default_value = "offline")]
        deploy: String,
    },
    /// Show what would be done for a target now, and why. Changes nothing.
    Plan {
        /// The target, as in acme/order-api.
        target: TargetId,
        /// Do not show what variables say, only that they change.
        #[arg(long)]
        redact: bool,
    },
    /// List a target's variables: where they come from, and whether its tasks have them.
    Params {
        /// The target, as in acme/order-api.
        target: TargetId,
    },
    /// Show how every target stands.
    Status {
        /// Only this service's.
        service: Option<ServiceName>,
    },
    /// Show how targets stand again and again, until nothing is under way.
    Watch {
        /// Only this service's.
        service: Option<ServiceName>,
        /// How often to look, as in 5s or 1m.
        #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = interval)]
        interval: SignedDuration,
        /// Show it once and end.
        #[arg(long)]
        once: bool,
    },
    /// Look at everything now: tell what is wrong, and wake what a pass would put right. Exits
    /// with 1 if anything is found, or could not be looked at.
    Sweep {
        /// Only this environment's targets; again for each further one.
        #[arg(long = "environment", value_name = "ENVIRONMENT")]
        environments: Vec<EnvironmentName>,
        /// Write a page about the whole fleet into this file, in HTML.
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Print the fleet's state as metrics. Reads the ledger only.
    Metrics {
        /// In Prometheus's text format, the only one there is.
        #[arg(long, required = true)]
        prometheus: bool,
        /// Write it into this file instead, all at once, as a textfile collector needs it.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Say why a target stands as it does: what it runs and should run, what comes next, its last
    /// deploy, findings, holds, alarms and events.
    Explain {
        /// The target, as in acme/order-api.
        target: TargetId,
    },
    /// List a target's deploys, why some did not stay, and the releases that were passed over.
    History {
        /// The target, as in acme/order-api.
        target: TargetId,
        /// How many deploys to list, the newest first.
        #[arg(long, value_name = "N", default_value = "20")]
        limit: NonZeroUsize,
        /// Show only this one and all that is known of it: a number or an id, as in 7 or
        /// acme/order-api/7.
        #[arg(long)]
        deploy: Option<WhichDeploy>,
    },
    /// Ask that a target go back to what served there before.
    Rollback {
        /// The target, as in acme/order-api.
        target: TargetId,
        /// The deploy to go back to, as in 7 or acme/order-api/7; the last before this one that
        /// succeeded if left out.
        #[arg(long, value_name = "DEPLOY")]
        to: Option<WhichDeploy>,
        /// Why, for those who meet it in the history.
        #[arg(long)]
        reason: String,
        /// Who asks, for the history.
        #[arg(long, env = "USER", default_value = "unknown")]
        by: String,
    },
    /// Ask that a service's targets run the release with this tag, newer or older.
    Deploy {
        /// The service.
        service: ServiceName,
        /// The release's tag.
        #[arg(long)]
        tag: Tag,
        /// Who asks, for the history.
        #[arg(long, env = "USER", default_value = "unknown")]
        by: String,
    },
    /// Let automation leave a target or a service alone. What is under way goes on.
    Hold {
        /// A target, as in acme/order-api, or a service, as in order-api.
        #[arg(value_parser = Subject::parse_named)]
        subject: Subject,
        /// Why, for those who meet the hold.
        #[arg(long)]
        reason: String,
        /// For how long, as in 4h or 2d; until somebody lifts it if left out.
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        duration: Option<SignedDuration>,
        /// Who holds it.
        #[arg(long, env = "USER", default_value = "unknown")]
        by: String,
    },
    /// Lift a hold.
    Unhold {
        /// The target or the service that is held.
        #[arg(value_parser = Subject::parse_named)]
        subject: Subject,
        /// Who lifts it.
        #[arg(long, env = "USER", default_value = "unknown")]
        by: String,
    },
    /// List what is held: by whom, for how long, why.
    Holds,
    /// Watch a small simulated fleet take a new image. Needs no AWS account.
    Demo {
        /// How fast the simulated time goes, in per cent. 0 does not wait at all.
        #[arg(long, default_value_t = 100)]
        speed: u32,
    },
}
