//! YAML as a tree in which every key and value knows its line and column.
//!
//! Input: a file's text, as parser events. Output: one tree a document, for the decoder. The
//! tree keeps what a reader into types would lose: the place, duplicate keys, and each scalar
//! as written, so that an account id without quotes keeps its leading zeros and `no` stays a
//! word. Aliases are replaced by what they stand for, and merge keys (`<<`) by their entries.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{
    Event, Options, Parser, ScalarStyle, ScanError, Span, StrInput, Tag,
};

use super::problem::{Problem, Spot};

/// How deep collections may nest. The format needs six levels; this keeps the recursion here
/// and in the decoder far from the end of the stack.
const NESTING_MAX: usize = 32;

/// How many nodes the documents of a file may have, aliases written out. A fleet of a thousand
/// environments has twenty thousand; aliases of aliases could make billions.
const NODES_MAX: usize = 200_000;

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) value: Value,
    /// The nodes in this tree, itself among them.
    size: usize,
}

/// What YAML can say.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text, with escapes resolved and nothing else made of it.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// Entries in the order written, duplicates included.
    Map(Vec<(Key, Node)>),
}

/// A mapping's key and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) text: String,
}

/// Reads a file's documents. Their syntax is either right or not: the first error ends it.
pub(super) fn documents(file: &Arc<str>, text: &str) -> Result<Vec<Node>, Box<Problem>> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let events = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { file, events, anchors: BTreeMap::new(), nodes: 0 };
    let mut documents = Vec::new();
    while let Some((event, span)) = reader.next()? {
        if matches!(event, Event::DocumentStart(..)) {
            reader.anchors.clear();
        } else if is_node(&event) {
            documents.push(reader.node(event, span, 0)?);
        }
    }
    Ok(documents)
}

impl Node {
    /// Whether nothing is written here, or `null`.
    pub(super) fn is_empty(&self) -> bool {
        match &self.value {
            Value::Scalar { text, plain } => {
                *plain && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Value::List(_) | Value::Map(_) => false,
        }
    }

    /// What stands here, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

type Events<'text> = Parser<'text, StrInput<'text>>;

struct Reader<'text> {
    file: &'text Arc<str>,
    events: Events<'text>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'text> Reader<'text> {
    fn next(&mut self) -> Result<Option<(Event<'text>, Span)>, Box<Problem>> {
        self.events.next().transpose().map_err(|error| self.syntax(&error))
    }

    fn node(
        &mut self,
        event: Event<'text>,
        span: Span,
        depth: usize,
    ) -> Result<Node, Box<Problem>> {
        if depth > NESTING_MAX {
            let message = format!("collections nest deeper than {NESTING_MAX} levels");
            return Err(Box::new(self.spot(span).error("too-deep", message)));
        }
        let (value, anchor, tag) = if let Event::Scalar(text, style, anchor, tag) = event {
            let plain = style == ScalarStyle::Plain;
            (Value::Scalar { text: text.into_owned(), plain }, anchor, tag)
        } else if let Event::SequenceStart(_, anchor, tag) = event {
            (self.list(depth)?, anchor, tag)
        } else if let Event::MappingStart(_, anchor, tag) = event {
            (self.map(depth)?, anchor, tag)
        } else if let Event::Alias(id) = event {
            return self.alias(id, span);
        } else {
            unreachable!("{event:?} begins no node")
        };
        self.refuse_tag(tag.as_deref(), span)?;
        let (line, column) = position(span);
        let node = Node { line, column, size: 1 + below(&value), value };
        self.count(1, span)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Box<Problem>> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, span, depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Value, Box<Problem>> {
        let (mut entries, mut merged) = (Vec::new(), Vec::new());
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span, depth + 1)?;
            let Value::Scalar { text, plain } = key.value else {
                let problem = self.spot(span).error("bad-key", "a collection stands for a key");
                return Err(Box::new(problem.instead("write a word")));
            };
            let Some((event, span)) = self.next()? else { break };
            let value = self.node(event, span, depth + 1)?;
            if plain && text == "<<" {
                self.merge(value, span, &mut merged)?;
            } else {
                entries.push((Key { line: key.line, column: key.column, text }, value));
            }
        }
        for (key, value) in merged {
            if entries.iter().all(|(own, _)| own.text != key.text) {
                entries.push((key, value));
            }
        }
        Ok(Value::Map(entries))
    }

    /// Takes the entries of a mapping, or of a list of mappings, of which the first wins.
    fn merge(
        &self,
        node: Node,
        span: Span,
        merged: &mut Vec<(Key, Node)>,
    ) -> Result<(), Box<Problem>> {
        match node.value {
            Value::Map(entries) => merged.extend(entries),
            Value::List(nodes) => {
                for node in nodes {
                    self.merge(node, span, merged)?;
                }
            }
            Value::Scalar { .. } => {
                let problem = self.spot(span).error("bad-merge", "`<<` takes a mapping");
                return Err(Box::new(problem.instead("write an alias of one, such as *defaults")));
            }
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Box<Problem>> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            let problem = self.spot(span).error("bad-alias", "an alias stands in its own anchor");
            return Err(Box::new(problem.instead("write the value out")));
        };
        self.count(node.size, span)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Box<Problem>> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            let message = format!("the file has more than {NODES_MAX} values");
            return Err(Box::new(self.spot(span).error("too-large", message)));
        }
        Ok(())
    }

    fn refuse_tag(&self, tag: Option<&Tag>, span: Span) -> Result<(), Box<Problem>> {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema() && tag.suffix() != "" => {
                let message = format!("the tag `{}` has no meaning here", tag.suffix());
                let problem = self.spot(span).error("yaml-tag", message);
                Err(Box::new(problem.instead("write the value alone")))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn spot(&self, span: Span) -> Spot {
        let (line, column) = position(span);
        Spot { file: self.file.clone(), line, column, path: String::new() }
    }

    fn syntax(&self, error: &ScanError) -> Box<Problem> {
        let spot = self.spot(Span::empty(*error.marker()));
        Box::new(spot.error("yaml-syntax", format!("this is not YAML: {}", error.info())))
    }
}

fn is_node(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..)
    )
}

/// How many nodes a value has in it.
fn below(value: &Value) -> usize {
    match value {
        Value::Scalar { .. } => 0,
        Value::List(items) => items.iter().map(|item| item.size).sum(),
        Value::Map(entries) => entries.iter().map(|(_, value)| 1 + value.size).sum(),
    }
}

/// Line and column from 1; the parser counts columns from 0.
fn position(span: Span) -> (u32, u32) {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    (number(span.start.line()), number(span.start.col() + 1))
}
