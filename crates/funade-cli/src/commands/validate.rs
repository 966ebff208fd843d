//! `funade validate DIR`

use std::path::Path;

use anyhow::Result;
use funade::config::{Problem, Severity, check};

use crate::arguments::Format;
use crate::files::read_sources;
use crate::output::{Answer, count, print_json};

pub(super) fn run(dir: &Path, format: Format) -> Result<Answer> {
    let checked = check(&read_sources(dir)?);
    match format {
        Format::Json => print_json(&serde_json::to_value(&checked.problems)?),
        Format::Text => {
            print_problems(&checked.problems);
            if let Some(config) = &checked.config {
                println!(
                    "{} is valid: {} in {} make {}.",
                    dir.display(),
                    count(config.services.len(), "service"),
                    count(config.environments.len(), "environment"),
                    count(config.targets().count(), "target"),
                );
            } else {
                println!("{} is not valid.", dir.display());
            }
        }
    }
    Ok(checked.config.is_some().into())
}

/// Prints problems, a line each, and how many there are.
pub(super) fn print_problems(problems: &[Problem]) {
    for problem in problems {
        println!("{problem}");
    }
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    if !problems.is_empty() {
        let warnings = problems.len() - errors;
        println!("{}, {}.", count(errors, "error"), count(warnings, "warning"));
    }
}
