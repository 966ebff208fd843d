//! Which target an event of an ECS service or of an alarm concerns: the one that is that service,
//! or those whose deploys that alarm watches.

use super::{Ignored, Intent, Routing, Rule, known};
use crate::config::{Config, Target};
use crate::facts::event::ServiceEvent;
use crate::facts::names::{AlarmName, Place};
use crate::facts::subject::Subject;

/// Decides for an event of an ECS service.
pub(super) fn service(config: &Config, place: &Place, event: &ServiceEvent) -> Routing {
    let ServiceEvent { cluster, service, what } = event;
    let is_it = |target: &Target| &target.cluster == cluster && &target.ecs_service == service;
    let nobody = Ignored {
        rule: Rule::UnknownService,
        reason: format!(
            "no target is the ECS service `{service}` in cluster `{cluster}` of {place}"
        ),
    };
    concerned(config, place, is_it, nobody, what)
}

/// Decides for an alarm.
pub(super) fn alarm(config: &Config, place: &Place, alarm: &AlarmName, state: &str) -> Routing {
    let watches = |target: &Target| target.verify.alarms.contains(alarm);
    let nobody = Ignored {
        rule: Rule::UnknownAlarm,
        reason: format!("no target in {place} is verified by the alarm `{alarm}`"),
    };
    concerned(config, place, watches, nobody, &format!("the alarm {alarm} is {state}"))
}

fn concerned(
    config: &Config,
    place: &Place,
    is_concerned: impl Fn(&Target) -> bool,
    nobody: Ignored,
    reason: &str,
) -> Routing {
    if let Err(ignored) = known(config, place) {
        return Routing { ignored: vec![ignored], ..Routing::default() };
    }
    let here = config.targets().filter(|target| &target.place == place);
    let intents: Vec<Intent> = here
        .filter(|target| is_concerned(target))
        .map(|target| Intent {
            subject: Subject::Target(target.id.clone()),
            reason: reason.to_owned(),
            note: None,
        })
        .collect();
    let ignored = if intents.is_empty() { vec![nobody] } else { Vec::new() };
    Routing { intents, ignored }
}
