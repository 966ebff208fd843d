//! Which services an event of the image registry concerns.

use super::{Ignored, Intent, Note, Routing, Rule};
use crate::config::{Config, Registry, Service};
use crate::facts::event::{Action, Event, ImageEvent, Outcome};
use crate::facts::names::{Digest, Place, Tag};
use crate::facts::subject::Subject;

/// Decides for an image that was pushed to `pushed_to`; a replica's event comes from elsewhere.
pub(super) fn route(
    config: &Config,
    event: &Event,
    image: &ImageEvent,
    pushed_to: &Place,
) -> Routing {
    let (tag, digest) = match relevant(config, event, image, pushed_to) {
        Ok(pushed) => pushed,
        Err(ignored) => return Routing { ignored: vec![ignored], ..Routing::default() },
    };
    let mut routing = Routing::default();
    for service in config.services_using(&image.repository) {
        match route_to(service, event, image, pushed_to, tag) {
            Ok(reason) => routing.intents.push(Intent {
                subject: Subject::Service(service.name.clone()),
                reason,
                note: Some(Note::Release {
                    service: service.name.clone(),
                    tag: tag.clone(),
                    digest: digest.clone(),
                }),
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
    let reason = match &image.action {
        Action::Replicate => {
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
        Action::Push | Action::Delete | Action::UpdateStorageClass | Action::Other(_) => {
            format!("{}:{tag} was pushed", image.repository)
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
