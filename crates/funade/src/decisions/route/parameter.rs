//! Which targets a change of a parameter or a secret concerns: those that read it, in the account
//! and region that the event comes from. All is compared exactly.

use super::{Ignored, Intent, Note, Routing, Rule, known};
use crate::config::{Config, Parameters, Target};
use crate::facts::names::Place;
use crate::facts::parameter::{ParameterName, SecretName, Watched, WatchedName};
use crate::facts::subject::Subject;

/// The label of the version of a secret that tasks get.
const CURRENT: &str = "AWSCURRENT";

/// Decides for a change of a parameter.
pub(super) fn parameter(
    config: &Config,
    place: &Place,
    name: &ParameterName,
    operation: &str,
) -> Routing {
    let reads = |target: &Target| {
        let paths = target.parameters.iter().filter(|read| read.takes(name).is_some());
        paths.map(Parameters::watched).collect()
    };
    let nobody = || Ignored {
        rule: Rule::UnreadParameter,
        reason: format!("no target in {place} reads `{name}`"),
    };
    changed(config, place, reads, nobody, &format!("{name}: {operation}"))
}

/// Decides for a label of a secret.
pub(super) fn secret(config: &Config, place: &Place, name: &SecretName, label: &str) -> Routing {
    if label != CURRENT {
        let reason = format!("`{label}` was put on a version of `{name}`; tasks get {CURRENT}");
        return Routing::ignored(Rule::NotCurrent, reason);
    }
    let reads = |target: &Target| {
        let secrets = target.secrets.iter().filter(|read| &read.secret == name);
        secrets.map(|read| WatchedName::Secret(read.secret.clone())).collect()
    };
    let nobody = || Ignored {
        rule: Rule::UnreadSecret,
        reason: format!("no target in {place} reads the secret `{name}`"),
    };
    changed(config, place, reads, nobody, &format!("secret {name}: {label} moved"))
}

fn changed(
    config: &Config,
    place: &Place,
    reads: impl Fn(&Target) -> Vec<WatchedName>,
    nobody: impl Fn() -> Ignored,
    reason: &str,
) -> Routing {
    if let Err(ignored) = known(config, place) {
        return Routing { ignored: vec![ignored], ..Routing::default() };
    }
    let mut routing = Routing::default();
    for target in config.targets().filter(|target| &target.place == place) {
        let mut watched = reads(target);
        watched.sort();
        watched.dedup();
        let Some(quiet) = target.on_parameter_change.quiet() else {
            routing.ignored.extend((!watched.is_empty()).then(|| Ignored {
                rule: Rule::ReactionIgnore,
                reason: format!("`{}` takes changes along with its next deploy", target.id),
            }));
            continue;
        };
        routing.intents.extend(watched.into_iter().map(|what| Intent {
            subject: Subject::Target(target.id.clone()),
            reason: reason.to_owned(),
            note: Some(Note::Change {
                watched: Watched { place: place.clone(), what },
                quiet: quiet.0,
            }),
        }));
    }
    if routing.intents.is_empty() && routing.ignored.is_empty() {
        routing.ignored.push(nobody());
    }
    routing
}
