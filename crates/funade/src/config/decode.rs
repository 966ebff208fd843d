//! From a tree to types: small readers that note what is wrong and go on.
//!
//! Input: a document's tree. Output: the raw types of `raw`, as complete as the document
//! allows, and every problem of form in a [`Log`]. A reader gives none only after it has
//! logged why; what is missing is therefore never a second problem further on.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::nearest::nearest;
use super::problem::{Problem, Spot};
use super::scalar::Scalar;
use super::tree::{Key, Node, Value};

/// The problems so far, and the place that is being read.
pub(super) struct Log {
    file: Arc<str>,
    path: String,
    pub(super) problems: Vec<Problem>,
}

/// What can be read from a node.
pub(super) trait Decode: Sized {
    /// What may stand here, to follow "write".
    fn wanted() -> String;

    /// Reads the node, or logs why it cannot be read. The node is not empty.
    fn decode(node: &Node, log: &mut Log) -> Option<Self>;

    /// What is read from a node of which nothing can be read. A problem has been logged.
    fn broken(_spot: Spot) -> Option<Self> {
        None
    }
}

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) spot: Spot,
}

/// A key that must be written. It is empty only if a problem has been logged.
#[derive(Debug)]
pub(super) struct Must<T>(pub(super) Option<T>);

/// A list. It is not complete if some item could not be read.
#[derive(Debug)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    pub(super) complete: bool,
    pub(super) spot: Spot,
}

/// A list, or its only item without the brackets.
#[derive(Debug)]
pub(super) struct OneOrMany<T>(pub(super) List<T>);

/// A mapping whose keys are names of somebody's choice, each written once.
#[derive(Debug)]
pub(super) struct Table<K, T> {
    pub(super) entries: Vec<Entry<K, T>>,
    /// Whether every key and value could be read.
    pub(super) complete: bool,
    pub(super) spot: Spot,
}

/// One of a table's entries, with what could be read of it.
#[derive(Debug)]
pub(super) struct Entry<K, T> {
    pub(super) name: Option<At<K>>,
    pub(super) value: Option<T>,
}

/// A mapping whose keys the format fixes.
pub(super) struct Fields<'node> {
    node: &'node Node,
    entries: &'node [(Key, Node)],
    known: Vec<&'static str>,
}

impl Log {
    pub(super) fn new(file: Arc<str>) -> Self {
        Self { file, path: String::new(), problems: Vec::new() }
    }

    /// The place of a node.
    pub(super) fn spot(&self, node: &Node) -> Spot {
        self.place(node.line, node.column)
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Logs that something else should stand here.
    pub(super) fn wrong_type(&mut self, node: &Node, wanted: &str) {
        let spot = self.spot(node);
        let message = format!("{} stands here", node.kind());
        self.push(spot.error("wrong-type", message).instead(format!("write {wanted}")));
    }

    fn place(&self, line: u32, column: u32) -> Spot {
        Spot { file: self.file.clone(), line, column, path: self.path.clone() }
    }

    /// Does something one step further down, and comes back.
    fn within<R>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> R) -> R {
        let length = self.path.len();
        if length > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        let read = read(self);
        self.path.truncate(length);
        read
    }

    /// The place of a key, with the key on the path.
    fn key_spot(&mut self, key: &Key) -> Spot {
        self.within(&key.text, |log| log.place(key.line, key.column))
    }

    fn duplicate(&mut self, key: &Key, first: &Key) {
        let message = format!("`{}` is written twice, first on line {}", key.text, first.line);
        let problem = self.key_spot(key).error("duplicate-key", message).value(&key.text);
        self.push(problem.instead("keep one of the two"));
    }
}

/// Reads a node that may be empty by mistake.
pub(super) fn decode<T: Decode>(node: &Node, log: &mut Log) -> Option<T> {
    if node.is_empty() {
        let problem = log.spot(node).error("empty-value", "nothing is written here");
        log.push(problem.instead(format!("write {}, or remove the key", T::wanted())));
        return T::broken(log.spot(node));
    }
    T::decode(node, log)
}

impl<K, T> Table<K, T> {
    /// The entries of which both name and value could be read.
    pub(super) fn whole(&self) -> impl Iterator<Item = (&At<K>, &T)> {
        self.entries.iter().filter_map(|entry| Some((entry.name.as_ref()?, entry.value.as_ref()?)))
    }
}

impl<'node> Fields<'node> {
    /// Takes a mapping apart, or logs that it is none.
    pub(super) fn open(node: &'node Node, wanted: &str, log: &mut Log) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            log.wrong_type(node, wanted);
            return None;
        };
        Some(Self { node, entries, known: Vec::new() })
    }

    /// Reads a key that must be there.
    pub(super) fn required<T: Decode>(&mut self, name: &'static str, log: &mut Log) -> Must<T> {
        if self.value(name).is_none() {
            let problem = log.spot(self.node).error("missing-key", format!("`{name}` is missing"));
            log.push(problem.instead(format!("add `{name}`: {}", T::wanted())));
        }
        Must(self.optional(name, log))
    }

    /// Reads a key if it is there.
    pub(super) fn optional<T: Decode>(&mut self, name: &'static str, log: &mut Log) -> Option<T> {
        self.known.push(name);
        let node = self.value(name)?;
        log.within(name, |log| decode(node, log))
    }

    /// Logs the keys that are unknown, and those written twice.
    pub(super) fn finish(self, log: &mut Log) {
        for (index, (key, _)) in self.entries.iter().enumerate() {
            if let Some((first, _)) = self.entries[..index].iter().find(|(k, _)| k.text == key.text)
            {
                log.duplicate(key, first);
            } else if !self.known.contains(&key.text.as_str()) {
                let message = format!("there is no key `{}` here", key.text);
                let problem = log.key_spot(key).error("unknown-key", message).value(&key.text);
                let instead = nearest(&key.text, self.known.iter().copied()).map_or_else(
                    || format!("the keys here are {}", self.known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                log.push(problem.instead(instead));
            }
        }
    }

    /// The place of the mapping.
    pub(super) fn spot(&self, log: &Log) -> Spot {
        log.spot(self.node)
    }

    fn value(&self, name: &str) -> Option<&'node Node> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(_, value)| value)
    }
}

impl<T: Scalar> Decode for At<T> {
    fn wanted() -> String {
        T::WANTED.to_owned()
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        let Value::Scalar { text, .. } = &node.value else {
            log.wrong_type(node, T::WANTED);
            return None;
        };
        read(text, log.spot(node), log)
    }
}

/// Reads a scalar or a key as what it should be.
fn read<T: Scalar>(text: &str, spot: Spot, log: &mut Log) -> Option<At<T>> {
    match T::read(text) {
        Ok(value) => Some(At { value, spot }),
        Err(wrong) => {
            let problem = spot.error(wrong.rule, wrong.message).value(text);
            log.push(problem.instead(wrong.instead));
            None
        }
    }
}

impl<T: Decode> Decode for List<T> {
    fn wanted() -> String {
        format!("a list, each item {}", T::wanted())
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        let Value::List(nodes) = &node.value else {
            log.wrong_type(node, &Self::wanted());
            return Self::broken(log.spot(node));
        };
        let mut items = Vec::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            items.extend(log.within(&format!("[{index}]"), |log| decode(node, log)));
        }
        Some(Self { complete: items.len() == nodes.len(), items, spot: log.spot(node) })
    }

    fn broken(spot: Spot) -> Option<Self> {
        Some(Self { items: Vec::new(), complete: false, spot })
    }
}

impl<T: Decode> Decode for OneOrMany<T> {
    fn wanted() -> String {
        format!("{}, or a list of such", T::wanted())
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        if matches!(node.value, Value::List(_)) {
            return List::decode(node, log).map(Self);
        }
        let item = T::decode(node, log)?;
        Some(Self(List { items: vec![item], complete: true, spot: log.spot(node) }))
    }
}

impl<K: Scalar, T: Decode> Decode for Table<K, T> {
    fn wanted() -> String {
        format!("a mapping from {} to {}", K::WANTED, T::wanted())
    }

    fn decode(node: &Node, log: &mut Log) -> Option<Self> {
        let Value::Map(nodes) = &node.value else {
            log.wrong_type(node, &Self::wanted());
            return Self::broken(log.spot(node));
        };
        let mut table = Self { entries: Vec::new(), complete: true, spot: log.spot(node) };
        let mut seen: BTreeMap<&str, &Key> = BTreeMap::new();
        for (key, node) in nodes {
            if let Some(first) = seen.get(key.text.as_str()) {
                log.duplicate(key, first);
                continue;
            }
            seen.insert(key.text.as_str(), key);
            let spot = log.key_spot(key);
            let name = read(&key.text, spot, log);
            let value = log.within(&key.text, |log| decode(node, log));
            table.complete &= name.is_some() && value.is_some();
            table.entries.push(Entry { name, value });
        }
        Some(table)
    }

    fn broken(spot: Spot) -> Option<Self> {
        Some(Self { entries: Vec::new(), complete: false, spot })
    }
}

/// Passes a schema on: the wrapper is not seen in the files.
macro_rules! same_schema {
    ($wrapper:ident<$($kind:ident: $bound:ident),+>, $generator:ident => $schema:expr) => {
        impl<$($kind: $bound),+> JsonSchema for $wrapper<$($kind),+> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($wrapper).into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

same_schema!(At<T: Scalar>, _generator => T::schema());
same_schema!(Must<T: JsonSchema>, generator => generator.subschema_for::<T>());
same_schema!(List<T: JsonSchema>, generator => generator.subschema_for::<Vec<T>>());
same_schema!(OneOrMany<T: JsonSchema>, generator => {
    let one = generator.subschema_for::<T>();
    schemars::json_schema!({"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]})
});
same_schema!(Table<K: Scalar, T: JsonSchema>, generator => {
    let (names, values) = (K::schema(), generator.subschema_for::<T>());
    schemars::json_schema!({
        "type": "object",
        "propertyNames": names,
        "additionalProperties": values,
    })
});
