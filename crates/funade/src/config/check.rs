//! The whole check: files, to trees, to raw types, to a configuration.
//!
//! Each stage goes on after a problem, and the next works with what there is. A configuration
//! comes out only if no stage found an error.

use std::sync::Arc;

use super::decode::{Log, decode};
use super::no_effect;
use super::problem::Problem;
use super::raw::{RawFleet, RawService};
use super::resolve::resolve;
use super::source::{FileKind, SourceFile, Sources};
use super::tree::{self, Node};
use super::types::Config;

/// What came of a check.
#[derive(Debug)]
pub struct Checked {
    /// The configuration; there is one exactly if no problem is an error.
    pub config: Option<Config>,
    /// Every problem, by file, from top to bottom.
    pub problems: Vec<Problem>,
}

/// Reads the files and checks all that can be known without AWS. Pure: the same files give the
/// same result.
#[must_use]
pub fn check(sources: &Sources) -> Checked {
    let mut problems = Vec::new();
    let mut fleet = None;
    let mut services = Vec::new();
    let mut services_complete = true;
    for file in sources.sorted() {
        match file.kind() {
            Some(FileKind::Fleet) => fleet = fleet_file(file, &mut problems),
            Some(FileKind::Services) => {
                let (read, complete) = services_file(file, &mut problems);
                services.extend(read);
                services_complete &= complete;
            }
            None => {
                // It may be a service's under the wrong name.
                services_complete = false;
                problems.push(stray(file));
            }
        }
    }
    if !sources.files.iter().any(|file| file.kind() == Some(FileKind::Fleet)) {
        let problem = Problem::of_file("fleet.yaml", "no-fleet", "there is no such file");
        problems.push(problem.instead("write one, with `registry` and `environments`"));
    }
    let resolved = resolve(fleet.as_ref(), &services, services_complete, &mut problems);
    problems.sort_by_cached_key(Problem::order);
    let config = resolved.filter(|_| !problems.iter().any(Problem::is_error));
    Checked { config, problems }
}

fn fleet_file(file: &SourceFile, problems: &mut Vec<Problem>) -> Option<RawFleet> {
    let path = Arc::from(file.path.as_str());
    let documents = documents(&path, file, problems);
    if let Some(second) = documents.get(1) {
        let problem = Log::new(path.clone())
            .spot(second)
            .error("second-document", "the fleet is one document");
        problems.push(problem.instead("put services into files of services/"));
    }
    read(&path, documents.first()?, FileKind::Fleet, problems)
}

/// The file's services, and whether these are all that it has.
fn services_file(file: &SourceFile, problems: &mut Vec<Problem>) -> (Vec<RawService>, bool) {
    let path = Arc::from(file.path.as_str());
    let documents = documents(&path, file, problems);
    let services =
        documents.iter().filter_map(|document| read(&path, document, FileKind::Services, problems));
    let services: Vec<RawService> = services.collect();
    let complete = !services.is_empty() && services.len() == documents.len();
    (services, complete)
}

/// The documents of a file in which something is written.
fn documents(path: &Arc<str>, file: &SourceFile, problems: &mut Vec<Problem>) -> Vec<Node> {
    let documents = match tree::documents(path, &file.text) {
        Ok(documents) => documents,
        Err(problem) => {
            problems.push(*problem);
            return Vec::new();
        }
    };
    let written: Vec<Node> =
        documents.into_iter().filter(|document| !document.is_empty()).collect();
    if written.is_empty() {
        let problem = Problem::of_file(path, "empty-file", "the file is empty");
        problems.push(problem.instead("write something in it, or remove it"));
    }
    written
}

fn read<T: super::decode::Decode>(
    path: &Arc<str>,
    document: &Node,
    kind: FileKind,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut log = Log::new(path.clone());
    let read = decode(document, &mut log);
    problems.extend(log.problems);
    problems.extend(no_effect::warnings(kind, path, document));
    read
}

fn stray(file: &SourceFile) -> Problem {
    let problem = Problem::of_file(&file.path, "stray-file", "nothing reads a file of this name");
    problem.instead("name it fleet.yaml or services/NAME.yaml, or remove it")
}
