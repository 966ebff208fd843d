//! `funade apply DIR`

use std::path::Path;

use anyhow::{Result, bail};
use funade::config::Sources;
use funade::shell::{Applied, ApplyError, apply, in_force};
use funade_aws::AwsWorld;
use serde_json::json;
use similar::TextDiff;

use crate::arguments::Format;
use crate::commands::validate::print_problems;
use crate::files::read_sources;
use crate::output::{Answer, print_json};

pub(super) async fn run(world: &AwsWorld, dir: &Path, by: &str, format: Format) -> Result<Answer> {
    let sources = read_sources(dir)?;
    let before = in_force(world).await?;
    let nothing = Sources::default();
    let changes = changes(before.as_ref().map_or(&nothing, |before| &before.sources), &sources);
    match apply(world, &sources, before.as_ref(), by).await {
        Ok(applied) => {
            print(&applied, &changes, format)?;
            Ok(Answer::Yes)
        }
        Err(ApplyError::Problems(problems)) => {
            match format {
                Format::Json => print_json(&json!({"applied": null, "problems": problems})),
                Format::Text => {
                    print_problems(&problems);
                    println!("Nothing was applied.");
                }
            }
            Ok(Answer::No)
        }
        Err(ApplyError::Call(error)) => bail!("nothing was applied: {}", error.in_full()),
        Err(ApplyError::NotWoken(error)) => bail!(
            "it is in force, but the services were not woken; type this again: {}",
            error.in_full()
        ),
    }
}

fn print(applied: &Applied, changes: &[(String, String)], format: Format) -> Result<()> {
    match format {
        Format::Json => print_json(&json!({
            "applied": applied.version,
            "unchanged": applied.unchanged,
            "changed_files": changes.iter().map(|(path, _)| path).collect::<Vec<_>>(),
            "problems": serde_json::to_value(&applied.warnings)?,
        })),
        Format::Text => {
            for (_, diff) in changes {
                print!("{diff}");
            }
            print_problems(&applied.warnings);
            if applied.unchanged {
                println!("Version {} is in force already; nothing changes.", applied.version);
            } else {
                println!("Version {} is in force, and every service is woken.", applied.version);
            }
        }
    }
    Ok(())
}

/// The files that differ, each with its difference in the unified form.
fn changes(before: &Sources, after: &Sources) -> Vec<(String, String)> {
    let text = |sources: &Sources, path: &str| {
        let file = sources.files.iter().find(|file| file.path == path);
        file.map(|file| file.text.clone()).unwrap_or_default()
    };
    let mut paths: Vec<&str> =
        before.files.iter().chain(&after.files).map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
        .into_iter()
        .filter_map(|path| {
            let (old, new) = (text(before, path), text(after, path));
            let diff = TextDiff::from_lines(&old, &new);
            let unified = diff.unified_diff().header(path, path).to_string();
            (old != new).then(|| (path.to_owned(), unified))
        })
        .collect()
}
