//! Reading all that a target's paths and secrets hold: to the last page, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use futures_util::try_join;

use crate::config::Target;
use crate::facts::names::Place;
use crate::facts::parameter::{
    CurrentSecret, Parameter, ParameterName, ParameterPath, SecretName, Stores,
};
use crate::world::{CallError, CallProblem, ParameterStore, SecretsManager, World};

/// How many pages of a path are read. A page has ten parameters at most, and a task definition of
/// 64 KiB has no room for two thousand variables: whoever has more has named the wrong path.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html>
const PAGES_MAX: usize = 200;

/// Reads everything that a target reads, all paths and secrets side by side.
pub(super) async fn read_stores<W: World>(world: &W, target: &Target) -> Result<Stores, CallError> {
    let place = &target.place;
    let paths: BTreeSet<&ParameterPath> = target.parameters.iter().map(|read| &read.path).collect();
    let secrets: BTreeSet<&SecretName> = target.secrets.iter().map(|read| &read.secret).collect();
    let paths = try_join_all(paths.into_iter().map(|path| read_path(world, place, path)));
    let secrets = try_join_all(secrets.into_iter().map(|secret| read_secret(world, place, secret)));
    let (paths, secrets) = try_join!(paths, secrets)?;
    Ok(Stores { paths: paths.into_iter().collect(), secrets: secrets.into_iter().collect() })
}

/// Reads a path page by page. A page may be empty and have a token all the same; only one without
/// a token is the last.
async fn read_path<W: World>(
    world: &W,
    place: &Place,
    path: &ParameterPath,
) -> Result<(ParameterPath, BTreeMap<ParameterName, Parameter>), CallError> {
    let mut parameters = BTreeMap::new();
    let mut next: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let page = world.parameter_store().page(place, path, next.as_deref()).await?;
        parameters.extend(page.parameters.into_iter().map(|read| (read.name.clone(), read)));
        if page.next.is_none() {
            return Ok((path.clone(), parameters));
        }
        if page.next == next {
            let problem = CallProblem::NoAnswer;
            return Err(incomplete(place, path, problem, "the same page was named as the next"));
        }
        next = page.next;
    }
    let too_many = "more than 2000 parameters are below it; name a longer path";
    Err(incomplete(place, path, CallProblem::Refused, too_many))
}

async fn read_secret<W: World>(
    world: &W,
    place: &Place,
    secret: &SecretName,
) -> Result<(SecretName, Option<CurrentSecret>), CallError> {
    Ok((secret.clone(), world.secrets_manager().current(place, secret).await?))
}

fn incomplete(
    place: &Place,
    path: &ParameterPath,
    problem: CallProblem,
    why: &'static str,
) -> CallError {
    CallError {
        operation: "GetParametersByPath",
        subject: format!("{path} in {place}"),
        problem,
        source: Some(why.into()),
    }
}
