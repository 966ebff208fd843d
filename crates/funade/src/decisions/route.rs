//! Which subjects an event concerns.
//!
//! In: the configuration and an event. Out: the subjects to look at, and for all that is ignored
//! the rule that ignored it. Invariant: an event of an account that the fleet does not name leads
//! to nothing, whatever else it says, since all but the envelope's account and region can be
//! forged by whoever may put events on the bus.

use std::fmt;

use crate::config::{Config, Registry, Service};
use crate::facts::event::{Action, Event, ImageEvent, Occurrence, Outcome};
use crate::facts::names::{Digest, Place, ServiceName, Tag};
use crate::facts::subject::Subject;

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routing {
    /// What to note, and where to look.
    pub intents: Vec<Intent>,
    /// What leads to nothing, and why.
    pub ignored: Vec<Ignored>,
}

/// A release to note, and the service to wake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Where to look.
    pub subject: Subject,
    /// The service that the release is of.
    pub service: ServiceName,
    /// The tag that was pushed.
    pub tag: Tag,
    /// The digest that it was put on.
    pub digest: Digest,
    /// What happened, for the history and the logs.
    pub reason: String,
}

/// Something that leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// The rule that says so.
    pub rule: Rule,
    /// The rule applied to this event, as a sentence.
    pub reason: String,
}

/// Why an event, or a service's part in it, is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The registry's account is not one of the fleet's.
    WrongRegistryAccount,
    /// The account is right, but images of this service are pushed to another region.
    WrongRegistryRegion,
    /// No environment pulls from this replica.
    UnusedReplica,
    /// The image was deleted.
    Delete,
    /// The image was archived or restored.
    UpdateStorageClass,
    /// An action that this version does not know.
    UnknownAction,
    /// The action did not succeed.
    ResultNotSuccess,
    /// The image has no tag: a platform's manifest, an attestation.
    Untagged,
    /// No service uses the repository.
    UnknownRepository,
    /// The service's selection does not take the tag.
    TagNotSelected,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongRegistryAccount => "wrong-registry-account",
            Self::WrongRegistryRegion => "wrong-registry-region",
            Self::UnusedReplica => "unused-replica",
            Self::Delete => "delete",
            Self::UpdateStorageClass => "update-storage-class",
            Self::UnknownAction => "unknown-action",
            Self::ResultNotSuccess => "result-not-success",
            Self::Untagged => "untagged",
            Self::UnknownRepository => "unknown-repository",
            Self::TagNotSelected => "tag-not-selected",
        })
    }
}

/// Decides which subjects an event concerns.
#[must_use]
pub fn route(config: &Config, event: &Event) -> Routing {
    let (image, pushed_to) = match &event.occurrence {
        Occurrence::ImageAction(image) => (image, &event.place),
        Occurrence::ReplicationAction { image, pushed_to } => (image, pushed_to),
    };
    let (tag, digest) = match relevant(config, event, image, pushed_to) {
        Ok(pushed) => pushed,
        Err(ignored) => return Routing { ignored: vec![ignored], ..Routing::default() },
    };
    let mut routing = Routing::default();
    for service in config.services_using(&image.repository) {
        match route_to(service, event, image, pushed_to, tag) {
            Ok(reason) => routing.intents.push(Intent {
                subject: Subject::Service(service.name.clone()),
                service: service.name.clone(),
                tag: tag.clone(),
                digest: digest.clone(),
                reason,
            }),
            Err(ignored) => routing.ignored.push(ignored),
        }
    }
    if routing.intents.is_empty() && routing.ignored.is_empty() {
        routing.ignored.push(Ignored {
            rule: Rule::UnknownRepository,
            reason: format!("no service uses the repository `{}`", image.repository),
        });
    }
    routing
}

/// What holds for an event whatever service it may concern. Gives the tag and the digest.
fn relevant<'a>(
    config: &Config,
    event: &Event,
    image: &'a ImageEvent,
    pushed_to: &Place,
) -> Result<(&'a Tag, &'a Digest), Ignored> {
    let ignored = |rule, reason| Err(Ignored { rule, reason });
    for place in [&event.place, pushed_to] {
        if !registries(config).any(|registry| registry.place.account == place.account) {
            return ignored(
                Rule::WrongRegistryAccount,
                format!("no service's images are pushed to account {}", place.account),
            );
        }
    }
    match &image.action {
        Action::Push | Action::Replicate => {}
        Action::Delete => {
            return ignored(Rule::Delete, "a deleted image starts no deploy".to_owned());
        }
        Action::UpdateStorageClass => {
            let reason = "archiving or restoring an image starts no deploy".to_owned();
            return ignored(Rule::UpdateStorageClass, reason);
        }
        Action::Other(action) => {
            let reason = format!("this version of Funade does not know the action `{action}`");
            return ignored(Rule::UnknownAction, reason);
        }
    }
    if let Outcome::Other(result) = &image.result {
        return ignored(Rule::ResultNotSuccess, format!("its result is `{result}`, not SUCCESS"));
    }
    match (&image.tag, &image.digest) {
        (Some(tag), Some(digest)) => Ok((tag, digest)),
        (None, _) => ignored(
            Rule::Untagged,
            "the image has no tag: a platform's manifest or an attestation".to_owned(),
        ),
        (Some(_), None) => ignored(Rule::Untagged, "the event names no digest".to_owned()),
    }
}

/// Whether the event concerns this service. Gives the reason to look.
fn route_to(
    service: &Service,
    event: &Event,
    image: &ImageEvent,
    pushed_to: &Place,
    tag: &Tag,
) -> Result<String, Ignored> {
    let name = &service.name;
    if &service.registry.place != pushed_to {
        let (rule, what) = if service.registry.place.account == pushed_to.account {
            (Rule::WrongRegistryRegion, "region")
        } else {
            (Rule::WrongRegistryAccount, "account")
        };
        return Err(Ignored {
            rule,
            reason: format!(
                "images of `{name}` are pushed to {}, and this is another {what}: {pushed_to}",
                service.registry.place
            ),
        });
    }
    let reason = match &event.occurrence {
        Occurrence::ImageAction(_) => format!("{}:{tag} was pushed", image.repository),
        Occurrence::ReplicationAction { .. } => {
            let pulls_here = |registry: &Registry| registry.place == event.place;
            if !service.targets.values().any(|target| pulls_here(&target.pulls_from)) {
                return Err(Ignored {
                    rule: Rule::UnusedReplica,
                    reason: format!(
                        "no environment that runs `{name}` pulls from the replica in {}",
                        event.place
                    ),
                });
            }
            format!("{}:{tag} was replicated to {}", image.repository, event.place.region)
        }
    };
    match service.selection.rank(tag) {
        Ok(_) => Ok(reason),
        Err(unselected) => Err(Ignored {
            rule: Rule::TagNotSelected,
            reason: format!("`{name}` does not select it: {unselected}"),
        }),
    }
}

fn registries(config: &Config) -> impl Iterator<Item = &Registry> {
    let pulled =
        config.environments.values().filter_map(|environment| environment.registry.as_ref());
    let pushed = config.services.values().map(|service| &service.registry);
    std::iter::once(&config.registry).chain(pushed).chain(pulled)
}
