//! `funade render DIR TARGET --task-definition FILE --image REPOSITORY@DIGEST [--parameters FILE]`

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use funade::config::{Target, check};
use funade::decisions::wanted::{self, Unusable};
use funade::facts::image::ImageReference;
use funade::facts::names::{Digest, RepositoryName, Tag, TargetId};
use funade::facts::task_definition::{Document, tags_from_value};
use serde_json::Value;

use crate::commands::validate::print_problems;
use crate::files::{read_json, read_sources};
use crate::output::{Answer, print_json};
use crate::stores;

/// What to render, as it was typed.
pub(super) struct Wanted<'a> {
    pub(super) image: &'a str,
    pub(super) parameters: Option<&'a Path>,
    pub(super) tag: Option<&'a Tag>,
    pub(super) deploy: &'a str,
}

pub(super) fn run(
    dir: &Path,
    id: &TargetId,
    task_definition: &Path,
    wanted: &Wanted<'_>,
) -> Result<Answer> {
    let checked = check(&read_sources(dir)?);
    let Some(config) = checked.config else {
        print_problems(&checked.problems);
        bail!("{} is not valid, so nothing can be rendered by it", dir.display());
    };
    let target =
        config.target(id).ok_or_else(|| anyhow!("{} has no target {id}", dir.display()))?;
    let (image, digest) = parse_image(target, wanted.image)?;
    let (document, tags) = parse_task_definition(read_json(task_definition)?)
        .with_context(|| format!("{}", task_definition.display()))?;
    let document = match render(target, &document, &image, wanted.parameters)? {
        Ok(document) => document,
        Err(Unusable::ContainerMissing { has }) => bail!(
            "{} has no container `{}`, only {}",
            task_definition.display(),
            target.container,
            has.join(", ")
        ),
        Err(Unusable::Configuration(problems)) => {
            for problem in problems {
                eprintln!("{id}: {problem}");
            }
            return Ok(Answer::No);
        }
    };
    let digest_as_tag = digest.to_string();
    let release = wanted.tag.map_or(digest_as_tag.as_str(), Tag::as_str);
    print_json(&wanted::registration(document, &tags, release, wanted.deploy).to_value());
    Ok(Answer::Yes)
}

/// The document with the image, and with its variables if they are given.
fn render(
    target: &Target,
    running: &Document,
    image: &ImageReference,
    parameters: Option<&Path>,
) -> Result<Result<Document, Unusable>> {
    let Some(path) = parameters else {
        if !target.parameters.is_empty() || !target.secrets.is_empty() {
            eprintln!("{}: variables stay as they are, without --parameters FILE", target.id);
        }
        return Ok(wanted::document(target, running, image));
    };
    let stores =
        stores::read(target, read_json(path)?).with_context(|| format!("{}", path.display()))?;
    let rendered = wanted::wanted(target, running, image, &stores);
    Ok(rendered.map(|wanted| {
        for overrides in &wanted.overrides {
            eprintln!("{}: {overrides}", target.id);
        }
        wanted.document
    }))
}

/// Reads the image, with its registry or without. Without one it is where the target pulls from.
fn parse_image(target: &Target, text: &str) -> Result<(ImageReference, Digest)> {
    let form = "write REPOSITORY@DIGEST, as in shop/order-api@sha256:… with 64 digits";
    let with_registry =
        ImageReference::parse(text).map(|image| (image.registry, image.repository, image.digest));
    let (registry, repository, digest) = with_registry
        .or_else(|| {
            let (repository, digest) = text.split_once('@')?;
            let repository = RepositoryName::parse(repository).ok()?;
            Some((target.pulls_from.to_string(), repository, Digest::parse(digest).ok()))
        })
        .ok_or_else(|| anyhow!("`{text}` is not an image: {form}"))?;
    let digest = digest.ok_or_else(|| anyhow!("`{text}` has no well-formed digest: {form}"))?;
    if repository != target.repository {
        bail!("{} runs images of `{}`, not of `{repository}`", target.id, target.repository);
    }
    Ok((ImageReference::pinned(registry, repository, digest.clone()), digest))
}

/// Takes the output of `DescribeTaskDefinition` or the input of `RegisterTaskDefinition`.
fn parse_task_definition(mut value: Value) -> Result<(Document, BTreeMap<String, String>)> {
    let tags = value.get("tags").map(tags_from_value).unwrap_or_default();
    let described = value.get_mut("taskDefinition").map(Value::take);
    Ok((Document::parse(described.unwrap_or(value))?, tags))
}
