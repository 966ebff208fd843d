//! Settings that are read and checked, but not acted on yet, or not in all that they say.
//!
//! Input: a document's tree. Output: one warning for each such setting where it is written, so
//! that nobody relies on what does not happen. Whoever builds what a setting asks for deletes
//! its line here, and nothing else.

use std::sync::Arc;

use super::problem::{Problem, Spot};
use super::source::FileKind;
use super::tree::{Key, Node, Value};

/// The file, the key at its root, and what happens for now. A service's keys count in its
/// overrides too.
const NO_EFFECT_YET: &[(FileKind, &str, &str)] = &[
    (
        FileKind::Fleet,
        "waves",
        "all targets of a service get a release at once; only changes on shared paths go by waves",
    ),
    (FileKind::Fleet, "freezes", "deploys start at any time"),
];

/// The warnings for one document.
pub(super) fn warnings(kind: FileKind, file: &Arc<str>, root: &Node) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for (key, value) in entries(root) {
        warnings.extend(warning(kind, file, "", key));
        if kind == FileKind::Services && key.text == "overrides" {
            for (environment, value) in entries(value) {
                let path = format!("overrides.{}.", environment.text);
                warnings.extend(
                    entries(value).iter().filter_map(|(key, _)| warning(kind, file, &path, key)),
                );
            }
        }
    }
    warnings
}

fn warning(kind: FileKind, file: &Arc<str>, path: &str, key: &Key) -> Option<Problem> {
    let (_, setting, meanwhile) =
        NO_EFFECT_YET.iter().find(|(of, setting, _)| *of == kind && *setting == key.text)?;
    let spot = Spot {
        file: file.clone(),
        line: key.line,
        column: key.column,
        path: format!("{path}{setting}"),
    };
    Some(spot.warning("no-effect-yet", format!("`{setting}` has no effect yet: {meanwhile}")))
}

fn entries(node: &Node) -> &[(Key, Node)] {
    match &node.value {
        Value::Map(entries) => entries,
        Value::Scalar { .. } | Value::List(_) => &[],
    }
}
