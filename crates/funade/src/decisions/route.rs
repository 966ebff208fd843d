//! Which subjects an event concerns.
//!
//! In: the configuration and an event. Out: the subjects to look at, and for all that is ignored
//! the rule that ignored it. Invariant: an event of an account that the fleet does not name leads
//! to nothing, whatever else it says, since all but the envelope's account and region can be
//! forged by whoever may put events on the bus.

mod image;

mod parameter;

mod service;

use std::collections::BTreeSet;
use std::fmt;

use jiff::SignedDuration;

use crate::config::Config;
use crate::facts::event::{Event, Occurrence};
use crate::facts::names::{Digest, Place, ServiceName, Tag};
use crate::facts::parameter::Watched;
use crate::facts::subject::Subject;

/// How many subjects an event is found again by: as many as go into one write with the event's own
/// note. <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
const ABOUT_MAX: usize = 24;

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routing {
    /// What to note, and where to look.
    pub intents: Vec<Intent>,
    /// What leads to nothing, and why.
    pub ignored: Vec<Ignored>,
}

/// Something to note, and a subject to wake for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Where to look.
    pub subject: Subject,
    /// What happened, for the history and the logs.
    pub reason: String,
    /// What to note before; nothing, where AWS itself says all when it is asked.
    pub note: Option<Note>,
}

/// What an event leaves in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// There is a release; its service is woken at once.
    Release {
        /// The service that it is of.
        service: ServiceName,
        /// The tag that was pushed.
        tag: Tag,
        /// The digest that it was put on.
        digest: Digest,
    },
    /// Something that the subject reads has changed; it is woken after the quiet period.
    Change {
        /// What has changed.
        watched: Watched,
        /// How long no further change must come.
        quiet: SignedDuration,
    },
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
    /// No environment is in the account that the event comes from.
    UnknownAccount,
    /// The account has environments, but none in the event's region.
    UnknownRegion,
    /// No target there reads the parameter.
    UnreadParameter,
    /// No target there reads the secret.
    UnreadSecret,
    /// The secret's current version has not changed.
    NotCurrent,
    /// The target's configuration says that changes are ignored.
    ReactionIgnore,
    /// No target is that ECS service.
    UnknownService,
    /// The task is of no service.
    TaskOfNoService,
    /// No target is verified by that alarm.
    UnknownAlarm,
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
            Self::UnknownAccount => "unknown-account",
            Self::UnknownRegion => "unknown-region",
            Self::UnreadParameter => "unread-parameter",
            Self::UnreadSecret => "unread-secret",
            Self::NotCurrent => "not-current",
            Self::ReactionIgnore => "reaction-ignore",
            Self::UnknownService => "unknown-service",
            Self::TaskOfNoService => "task-of-no-service",
            Self::UnknownAlarm => "unknown-alarm",
        })
    }
}

/// Decides which subjects an event concerns.
#[must_use]
pub fn route(config: &Config, event: &Event) -> Routing {
    match &event.occurrence {
        Occurrence::ImageAction(image) => image::route(config, event, image, &event.place),
        Occurrence::ReplicationAction { image, pushed_to } => {
            image::route(config, event, image, pushed_to)
        }
        Occurrence::ParameterChange { name, operation } => {
            parameter::parameter(config, &event.place, name, operation)
        }
        Occurrence::SecretLabelUpdated { name, label } => {
            parameter::secret(config, &event.place, name, label)
        }
        Occurrence::Service(of) => service::service(config, &event.place, of),
        Occurrence::TaskOfNoService { group } => {
            let reason = format!("the task's group is `{group}`, so it is of no service");
            Routing::ignored(Rule::TaskOfNoService, reason)
        }
        Occurrence::AlarmChange { alarm, state } => {
            service::alarm(config, &event.place, alarm, state)
        }
    }
}

/// Whom an event concerns, be it only to be ignored: by these names it is found again. Where it
/// concerns too many targets, their services stand for them.
#[must_use]
pub fn about(config: &Config, event: &Event, routing: &Routing) -> BTreeSet<Subject> {
    let repository = match &event.occurrence {
        Occurrence::ImageAction(image) | Occurrence::ReplicationAction { image, .. } => {
            Some(&image.repository)
        }
        Occurrence::ParameterChange { .. }
        | Occurrence::SecretLabelUpdated { .. }
        | Occurrence::Service(_)
        | Occurrence::TaskOfNoService { .. }
        | Occurrence::AlarmChange { .. } => None,
    };
    let services = repository.into_iter().flat_map(|repository| config.services_using(repository));
    let services = services.map(|service| Subject::Service(service.name.clone()));
    let woken = routing.intents.iter().map(|intent| intent.subject.clone());
    let about: BTreeSet<Subject> = services.chain(woken).collect();
    if about.len() <= ABOUT_MAX {
        return about;
    }
    let services = about.into_iter().map(|subject| match subject {
        Subject::Target(id) => Subject::Service(id.service),
        Subject::Service(name) => Subject::Service(name),
    });
    let services: BTreeSet<Subject> = services.collect();
    services.into_iter().take(ABOUT_MAX).collect()
}

impl Routing {
    fn ignored(rule: Rule, reason: String) -> Self {
        Self { ignored: vec![Ignored { rule, reason }], ..Self::default() }
    }
}

/// Whether the fleet has environments where the event comes from. The envelope's account is what
/// EventBridge vouches for, so this comes before all that the sender has written.
fn known(config: &Config, place: &Place) -> Result<(), Ignored> {
    let environments = config.environments.values();
    let here: Vec<_> = environments.filter(|e| e.place.account == place.account).collect();
    if here.is_empty() {
        let reason = format!("no environment is in account {}", place.account);
        return Err(Ignored { rule: Rule::UnknownAccount, reason });
    }
    if !here.iter().any(|environment| &environment.place == place) {
        let reason = format!("no environment of account {} is in {}", place.account, place.region);
        return Err(Ignored { rule: Rule::UnknownRegion, reason });
    }
    Ok(())
}
