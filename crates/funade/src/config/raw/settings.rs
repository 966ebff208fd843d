//! The settings that a service has and an override may replace: parameters, secrets, the
//! reaction to a change, verification, rollback.

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{choices, mapping};
use crate::config::decode::{At, Decode, Fields, List, Log, Must, OneOrMany};
use crate::config::scalar::{Scalar, Wrong};
use crate::config::template::Template;
use crate::config::tree::{Node, Value};
use crate::config::types::{
    NamePattern, QuietPeriod, Reaction, Rollback, RolledBackBy, VariableNames,
};
use crate::facts::names::ContainerName;
use crate::facts::parameter::{JsonKey, VariableName};

/// The parameters below a path of Parameter Store, and the containers that get them.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "parameters")]
pub(in crate::config) struct RawParameters {
    /// The path, as in "/{environment}/order-api/".
    pub(in crate::config) path: Must<At<Template>>,
    /// The container that gets them, or a list of containers.
    pub(in crate::config) into: Must<OneOrMany<At<ContainerName>>>,
    /// How a parameter's name below the path becomes a variable's; as-is if left out.
    pub(in crate::config) names: Option<At<VariableNames>>,
    /// Only parameters whose name below the path matches one of these globs.
    pub(in crate::config) include: Option<List<At<NamePattern>>>,
    /// No parameter whose name below the path matches one of these globs.
    pub(in crate::config) exclude: Option<List<At<NamePattern>>>,
    /// Whether several environments are meant to read this path; false if left out.
    pub(in crate::config) shared: Option<At<bool>>,
}

mapping!(RawParameters, "a mapping with `path` and `into`", {
    required path,
    required into,
    optional names,
    optional include,
    optional exclude,
    optional shared,
});

/// A secret of Secrets Manager, and the containers that get it.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "secret")]
pub(in crate::config) struct RawSecret {
    /// The secret's name, as in "{environment}/order-api/database".
    pub(in crate::config) secret: Must<At<Template>>,
    /// The container that gets it, or a list of containers.
    pub(in crate::config) into: Must<OneOrMany<At<ContainerName>>>,
    /// The environment variable that holds it.
    pub(in crate::config) name: Must<At<VariableName>>,
    /// The key in the secret's JSON whose value is meant; the whole secret if left out.
    pub(in crate::config) json_key: Option<At<JsonKey>>,
}

mapping!(RawSecret, "a mapping with `secret`, `into` and `name`", {
    required secret,
    required into,
    required name,
    optional json_key,
});

/// What a deploy must show to have succeeded.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "verify")]
pub(in crate::config) struct RawVerify {
    /// The time that the ECS deployment may take, besides what its strategy waits; 20m if left
    /// out.
    pub(in crate::config) deadline: Option<At<SignedDuration>>,
    /// The CloudWatch alarms that must exist and not be in alarm, by their names.
    pub(in crate::config) alarms: Option<List<At<Template>>>,
    /// How long the alarms are watched after the ECS deployment has completed; 0s if left out.
    pub(in crate::config) bake: Option<At<SignedDuration>>,
}

mapping!(RawVerify, "a mapping with `deadline`, `alarms` or `bake`", {
    optional deadline,
    optional alarms,
    optional bake,
});

/// What happens when a parameter changes, and after what quiet period.
#[derive(Debug)]
pub(in crate::config) struct RawReaction(pub(in crate::config) Reaction);

/// The word for a reaction, without its quiet period.
#[derive(Debug, Clone, Copy)]
enum Action {
    Redeploy,
    Notify,
    Ignore,
}

choices!(Action, "`redeploy`, `notify` or `ignore`", {
    "redeploy" => Redeploy,
    "notify" => Notify,
    "ignore" => Ignore,
});

impl Decode for RawReaction {
    fn wanted() -> String {
        format!("{}, or a mapping such as {{action: redeploy, quiet: 60s}}", Action::WANTED)
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        let (action, quiet) = read_action(node, "quiet", &Self::wanted(), log)?;
        Some(Self(reaction(action, quiet.map_or(QuietPeriod::DEFAULT, QuietPeriod))))
    }
}

fn reaction(action: Action, quiet: QuietPeriod) -> Reaction {
    match action {
        Action::Redeploy => Reaction::Redeploy(quiet),
        Action::Notify => Reaction::Notify(quiet),
        Action::Ignore => Reaction::Ignore,
    }
}

impl JsonSchema for RawReaction {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "reaction".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        action_schema::<Action>(
            "What happens when a parameter changes.",
            "quiet",
            "How long no further change must come before the last is acted on; 60s if left out.",
        )
    }
}

/// What happens to a deploy that fails, and how long its release is left alone afterwards.
#[derive(Debug)]
pub(in crate::config) struct RawRollback(pub(in crate::config) Rollback);

choices!(RolledBackBy, "`automatic` or `manual`", {
    "automatic" => Automatic,
    "manual" => Manual,
});

impl Decode for RawRollback {
    fn wanted() -> String {
        let words = RolledBackBy::WANTED;
        format!("{words}, or a mapping such as {{action: automatic, hold: 24h}}")
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        let (by, hold) = read_action(node, "hold", &Self::wanted(), log)?;
        if hold.is_some_and(|hold: SignedDuration| hold.is_zero()) {
            let message = "a `hold` of no time would bring back at once what was rolled back";
            let problem = log.spot(node).error("no-hold", message.to_owned());
            log.push(problem.instead("write how long, as in 24h, or leave it out"));
            return None;
        }
        Some(Self(Rollback { by, hold }))
    }
}

impl JsonSchema for RawRollback {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "rollback".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        action_schema::<RolledBackBy>(
            "What happens to a deploy that fails.",
            "hold",
            "How long automation leaves alone a release that was rolled back; until a newer \
             release or a person if left out.",
        )
    }
}

choices!(VariableNames, "`as-is` or `upper-snake`", {
    "as-is" => AsIs,
    "upper-snake" => UpperSnake,
});

impl Scalar for NamePattern {
    const WANTED: &'static str = r#"a glob in quotes, as in "debug/*""#;

    fn read(text: &str) -> Result<Self, Wrong> {
        let wrong = |why| Wrong {
            rule: "bad-glob",
            message: format!("`{text}` is not a glob: {why}"),
            instead: r#"write a glob such as "debug/*""#.to_owned(),
        };
        if text.is_empty() {
            return Err(wrong("it is empty, and matches no name".to_owned()));
        }
        Self::parse(text).map_err(wrong)
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "minLength": 1})
    }
}

impl Scalar for VariableName {
    const WANTED: &'static str = "an environment variable's name, as in DATABASE_URL";

    fn read(text: &str) -> Result<Self, Wrong> {
        Self::parse(text).map_err(|bad| Wrong::not(text, "bad-name", bad.kind, bad.allowed))
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "maxLength": 255, "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})
    }
}

impl Scalar for JsonKey {
    const WANTED: &'static str = "a key of the secret's JSON, as in password";

    fn read(text: &str) -> Result<Self, Wrong> {
        Self::parse(text).map_err(|bad| Wrong::not(text, "bad-name", bad.kind, bad.allowed))
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "pattern": "^[^:]+$"})
    }
}

/// Reads an action: its word alone, or a mapping with the duration that may go with it.
fn read_action<A: Scalar>(
    node: &Node,
    duration: &'static str,
    wanted: &str,
    log: &mut Log,
) -> Option<(A, Option<SignedDuration>)> {
    if matches!(node.value, Value::Scalar { .. }) {
        let action = At::decode(node, log)?;
        return Some((action.value, None));
    }
    let mut fields = Fields::open(node, wanted, log)?;
    let action: Must<At<A>> = fields.required("action", log);
    let duration: Option<At<SignedDuration>> = fields.optional(duration, log);
    fields.finish(log);
    Some((action.0?.value, duration.map(|duration| duration.value)))
}

/// The schema of such an action.
fn action_schema<A: Scalar>(description: &str, duration: &str, meaning: &str) -> Schema {
    let mut value = SignedDuration::schema();
    value.insert("description".into(), meaning.into());
    json_schema!({
        "description": description,
        "anyOf": [
            A::schema(),
            {
                "type": "object",
                "properties": {"action": A::schema(), (duration): value},
                "required": ["action"],
                "additionalProperties": false,
            },
        ],
    })
}
