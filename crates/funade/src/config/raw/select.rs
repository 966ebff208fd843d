//! `image.select` as written: a range of versions, a glob, or a regular expression.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::choices;
use crate::config::decode::{At, Decode, Fields, Log};
use crate::config::problem::Spot;
use crate::config::scalar::{Scalar, Wrong};
use crate::config::tree::Node;
use crate::facts::selection::{BadSelection, Order, Selection};

const WANTED: &str =
    r#"one of {semver: ">=1.4, <2"}, {glob: "20??-??-??"} and {regex: '^build-(?<number>\d+)$'}"#;

/// Which tags are releases, and their order.
#[derive(Debug)]
pub(in crate::config) struct RawSelect(pub(in crate::config) Selection);

/// A range, glob or expression; text that is not to be read as a number.
#[derive(Debug)]
struct Pattern(String);

choices!(Order, "`alphabetical` or `numerical`", {
    "alphabetical" => Alphabetical,
    "numerical" => Numerical,
});

impl Scalar for Pattern {
    const WANTED: &'static str = "text in quotes";

    fn read(text: &str) -> Result<Self, Wrong> {
        Ok(Self(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({"type": ["string", "number"], "minLength": 1})
    }
}

impl Decode for RawSelect {
    fn wanted() -> String {
        WANTED.to_owned()
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        let mut fields = Fields::open(node, WANTED, log)?;
        let before = log.problems.len();
        let semver: Option<At<Pattern>> = fields.optional("semver", log);
        let glob: Option<At<Pattern>> = fields.optional("glob", log);
        let regex: Option<At<Pattern>> = fields.optional("regex", log);
        let order_by: Option<At<Pattern>> = fields.optional("order_by", log);
        let order: Option<At<Order>> = fields.optional("order", log);
        let spot = fields.spot(log);
        fields.finish(log);

        if semver.is_some() {
            refuse(
                order.as_ref().map(|order| &order.spot),
                "`order`",
                "versions have an order of their own",
                log,
            );
        }
        if regex.is_none() {
            refuse(
                order_by.as_ref().map(|group| &group.spot),
                "`order_by`",
                "only a regular expression has groups",
                log,
            );
        }
        let parsed = match (&semver, &glob, &regex) {
            (Some(range), None, None) => Selection::parse_semver(&range.value.0),
            (None, Some(glob), None) => Selection::parse_glob(
                &glob.value.0,
                order.map_or(Order::Alphabetical, |order| order.value),
            ),
            (None, None, Some(regex)) => {
                let group = order_by.as_ref().map(|group| group.value.0.as_str());
                Selection::parse_regex(
                    &regex.value.0,
                    group,
                    order.map_or(Order::Numerical, |order| order.value),
                )
            }
            (None, None, None) if log.problems.len() > before => return None,
            (_, _, _) => {
                let message = "exactly one of `semver`, `glob` and `regex` must be written";
                log.push(spot.error("bad-select", message).instead(format!("write {WANTED}")));
                return None;
            }
        };
        let written =
            [semver, glob, regex].into_iter().flatten().next().map(|pattern| pattern.spot);
        let place = order_by.map(|group| group.spot);
        parsed
            .map(Self)
            .map_err(|bad| log.push(problem(&bad, &written.unwrap_or(spot), place.as_ref())))
            .ok()
    }
}

/// A policy's error, at the pattern or, if that is what is wrong, at `order_by`.
fn problem(bad: &BadSelection, pattern: &Spot, order_by: Option<&Spot>) -> crate::config::Problem {
    let (rule, spot) = match bad {
        BadSelection::Range { .. } => ("bad-semver-range", pattern),
        BadSelection::Glob { .. } => ("bad-glob", pattern),
        BadSelection::Regex { .. } => ("bad-regex", pattern),
        BadSelection::Group { .. } => ("bad-group", order_by.unwrap_or(pattern)),
    };
    let problem = spot.error(rule, bad.message()).instead(bad.instead());
    match bad.given() {
        Some(given) => problem.value(given),
        None => problem,
    }
}

fn refuse(spot: Option<&Spot>, key: &str, reason: &str, log: &mut Log) {
    if let Some(spot) = spot {
        let problem = spot.error("bad-select", format!("{key} has no meaning here: {reason}"));
        log.push(problem.instead(format!("remove {key}")));
    }
}

impl JsonSchema for RawSelect {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "select".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut order = Order::schema();
        order.insert(
            "description".into(),
            "How tags are compared: glob alphabetical, regex numerical if left out.".into(),
        );
        let pattern = |description: &str| {
            let mut schema = Pattern::schema();
            schema.insert("description".into(), description.into());
            schema
        };
        json_schema!({
            "description": "Which tags are releases, and their order.",
            "type": "object",
            "properties": {
                "semver": pattern("A range of versions as npm and Flux read it, as in \">=1.4, <2\"."),
                "glob": pattern("A glob that the whole tag matches, as in \"20??-??-??\"."),
                "regex": pattern("A regular expression that the whole tag matches, with a named group to order by."),
                "order_by": pattern("The named group that orders the tags; it may be left out if there is only one."),
                "order": order,
            },
            "additionalProperties": false,
            "oneOf": [
                {"required": ["semver"], "not": {"anyOf": [{"required": ["order"]}, {"required": ["order_by"]}]}},
                {"required": ["glob"], "not": {"required": ["order_by"]}},
                {"required": ["regex"]},
            ],
        })
    }
}
