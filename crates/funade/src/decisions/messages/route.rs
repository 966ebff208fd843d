//! Which routes want a notice.

use crate::config::{Config, Route};
use crate::facts::finding::About;
use crate::facts::names::{EnvironmentName, ServiceName};
use crate::facts::notice::Notice;

/// Whether a route wants a notice: all that it names must match.
pub(super) fn wants(route: &Route, config: &Config, notice: &Notice) -> bool {
    route.kinds.contains(&notice.kind())
        && notice.severity() >= route.severity
        && concerns(route, config, &notice.about)
}

/// Whether a route is about the environments and services that something is about. What is of many
/// of them, such as a rollout, concerns a route as soon as one target does.
fn concerns(route: &Route, config: &Config, about: &About) -> bool {
    match about {
        About::Target(id) => {
            takes_service(route, &id.service) && takes_environment(route, &id.environment)
        }
        About::Service(name) => {
            let mut environments =
                config.services.get(name).into_iter().flat_map(|service| service.targets.keys());
            takes_service(route, name)
                && (route.environments.is_none()
                    || environments.any(|environment| takes_environment(route, environment)))
        }
        About::Place(place) => {
            let there = config.environments.values().filter(|there| there.place == *place);
            let mut there = there.filter(|there| takes_environment(route, &there.name));
            match (&route.environments, &route.services) {
                (None, None) => true,
                (Some(_), None) => there.next().is_some(),
                (_, Some(_)) => there.any(|there| {
                    let mut services = config.services.values();
                    services.any(|service| {
                        takes_service(route, &service.name)
                            && service.targets.contains_key(&there.name)
                    })
                }),
            }
        }
    }
}

fn takes_service(route: &Route, name: &ServiceName) -> bool {
    route.services.as_ref().is_none_or(|services| services.contains(name))
}

fn takes_environment(route: &Route, name: &EnvironmentName) -> bool {
    route.environments.as_ref().is_none_or(|environments| environments.contains(name))
}
