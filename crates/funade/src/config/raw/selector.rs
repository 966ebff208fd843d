//! A selection of environments as written: `all`, labels, or names.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::config::decode::{At, Decode, List, Log, OneOrMany, Table};
use crate::config::problem::Spot;
use crate::config::scalar::{LabelName, LabelValue};
use crate::config::tree::{Node, Value};
use crate::facts::names::EnvironmentName;

/// Which environments are meant.
#[derive(Debug)]
pub(in crate::config) enum RawSelector {
    /// Every one.
    All(Spot),
    /// Those that have, for each of the labels, one of its values.
    Labels(Table<LabelName, OneOrMany<At<LabelValue>>>),
    /// Those named.
    Names(List<At<EnvironmentName>>),
}

const WANTED: &str = "all, labels such as {stage: prod}, or names such as [acme, globex]";

impl Decode for RawSelector {
    fn wanted() -> String {
        WANTED.to_owned()
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        match &node.value {
            Value::Scalar { text, .. } if text == "all" => Some(Self::All(log.spot(node))),
            Value::Scalar { text, .. } => {
                let message = format!("`{text}` selects nothing");
                let problem = log.spot(node).error("bad-selection", message).value(text);
                log.push(problem.instead(format!("write {WANTED}")));
                None
            }
            Value::List(_) => List::decode(node, log).map(Self::Names),
            Value::Map(_) => Table::decode(node, log).map(Self::Labels),
        }
    }
}

impl RawSelector {
    /// The selection's place.
    pub(in crate::config) fn spot(&self) -> &Spot {
        match self {
            Self::All(spot) => spot,
            Self::Labels(table) => &table.spot,
            Self::Names(items) => &items.spot,
        }
    }
}

impl JsonSchema for RawSelector {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "selection".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut labels = Table::<LabelName, OneOrMany<At<LabelValue>>>::json_schema(generator);
        labels.insert("minProperties".to_owned(), 1.into());
        let mut names = Vec::<At<EnvironmentName>>::json_schema(generator);
        names.insert("minItems".to_owned(), 1.into());
        json_schema!({
            "description": "A selection of environments: all, those with the labels, or those named.",
            "anyOf": [{"const": "all"}, labels, names],
        })
    }
}
