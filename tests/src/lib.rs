//! What the tests share: the example fleet, and a simulated AWS that it runs in.

mod parameters;
mod properties;
mod sweeps;
mod verification;

pub use parameters::{deployed, parameter, plain, text};
pub use properties::properties;
pub use sweeps::{SWEPT_EVERY, found_of, is_closed, kinds, sweep_only, swept, swept_later};

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use funade::config::{Config, SourceFile, Sources, Target, check};
use funade::facts::names::{Digest, ServiceName, Tag, TargetId};
use funade::facts::record::StandingKind;
use funade::facts::subject::{Subject, Wake};
use funade::facts::task_definition::Registration;
use funade::shell::{
    Applied, ApplyError, Handled, Pass, apply, in_force, reconcile_target, request_deploy,
};
use funade::world::World;
use funade_sim::{
    Behaviour, Call, Invocation, ServiceView, Sim, push_event, replication_event, stand_up,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A Monday morning.
const BEGIN: &str = "2026-11-23T01:30:00Z";

/// Longer than anything that comes to rest takes to do so.
const QUIET_WITHIN: SignedDuration = SignedDuration::from_hours(4);

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a member has a parent").to_owned()
}

/// The example fleet's files.
#[must_use]
pub fn example_sources() -> Sources {
    let dir = root().join("examples/fleet");
    let names = ["fleet.yaml"].into_iter().map(str::to_owned);
    let services = dir.join("services").read_dir().expect("the example has services");
    let services = services
        .map(|entry| format!("services/{}", entry.expect("readable").file_name().display()));
    Sources::new(names.chain(services).map(|path| {
        let text = std::fs::read_to_string(dir.join(&path)).expect("readable");
        SourceFile { path, text }
    }))
}

/// The example fleet.
#[must_use]
pub fn example_config() -> Config {
    let checked = check(&example_sources());
    checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems))
}

/// A digest that is easy to tell from others.
#[must_use]
pub fn digest(number: u64) -> Digest {
    Digest::parse(format!("sha256:{number:064x}")).expect("well-formed")
}

/// A tag.
#[must_use]
pub fn tag(text: &str) -> Tag {
    Tag::parse(text).expect("a well-formed tag")
}

/// A fleet in a simulated AWS, every service running this tag, and nobody has looked at any yet.
#[must_use]
pub fn sim_of(files: &[(&str, &str)], running: &Tag) -> (Sim, Arc<Config>) {
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    let sources = Sources::new(files.iter().map(file));
    let checked = check(&sources);
    let config = checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems));
    let config = Arc::new(config);
    let mut sim = Sim::new(BEGIN.parse().expect("a moment"));
    sim.put_config(&config, &sources);
    stand_up(&sim, &config, running);
    (sim, config)
}

/// The example fleet in a simulated AWS, every target running 1.4.0, the configuration applied.
pub struct Stage {
    /// The simulated AWS.
    pub sim: Sim,
    /// The configuration in force.
    pub config: Arc<Config>,
    events_sent: std::cell::Cell<u64>,
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Stage {
    /// Sets it up.
    #[must_use]
    pub fn new() -> Self {
        static EXAMPLE: LazyLock<(Sources, Arc<Config>)> =
            LazyLock::new(|| (example_sources(), Arc::new(example_config())));
        let (sources, config) = &*EXAMPLE;
        Self::of(sources, config)
    }

    /// Sets up another fleet.
    #[must_use]
    pub fn with(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| SourceFile {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        let sources = Sources::new(files.iter().map(file));
        let checked = check(&sources);
        let config = checked.config.unwrap_or_else(|| panic!("{:#?}", checked.problems));
        Self::of(&sources, &Arc::new(config))
    }

    fn of(sources: &Sources, config: &Arc<Config>) -> Self {
        let mut sim = Sim::new(BEGIN.parse().expect("a moment"));
        sim.put_config(config, sources);
        stand_up(&sim, config, &tag("1.4.0"));
        let config = config.clone();
        for service in config.services.keys() {
            sim.send_again(&Wake::new(
                Subject::Service(service.clone()),
                "apply",
                "the configuration was applied",
            ));
        }
        assert!(sim.run_until_quiet(QUIET_WITHIN));
        Self { sim, config, events_sent: std::cell::Cell::default() }
    }

    /// The targets of order-api.
    #[must_use]
    pub fn targets(&self) -> Vec<&Target> {
        self.config.targets().filter(|t| t.id.service.as_str() == "order-api").collect()
    }

    /// A target of order-api.
    #[must_use]
    pub fn target(&self, environment: &str) -> &Target {
        let id: TargetId = format!("{environment}/order-api").parse().expect("a target");
        self.config.target(&id).expect("it is in the example")
    }

    /// Puts an image of order-api into the registry and all replicas, without an event.
    pub fn put_image(&self, tag: &Tag, digest: &Digest) {
        for target in self.targets() {
            self.sim.put_image(&target.pulls_from.place, &target.repository, tag, digest);
        }
        let service = &self.config.services[&service_name()];
        self.sim.put_image(&service.registry.place, &service.repository, tag, digest);
    }

    /// The event of a push of order-api, at the present time.
    #[must_use]
    pub fn event(&self, tag: &Tag, digest: &Digest) -> Value {
        let id = self.next_event_id();
        let service = &self.config.services[&service_name()];
        let (place, repository) = (&service.registry.place, &service.repository);
        push_event(&id, self.sim.now(), place, repository, tag, digest)
    }

    fn next_event_id(&self) -> String {
        self.events_sent.set(self.events_sent.get() + 1);
        format!("event-{}", self.events_sent.get())
    }

    /// The event of the image's arrival where a target pulls from.
    #[must_use]
    pub fn replication(&self, target: &Target, tag: &Tag, digest: &Digest) -> Value {
        let service = &self.config.services[&service_name()];
        let (replica, source) = (&target.pulls_from.place, &service.registry.place);
        let (now, repository) = (self.sim.now(), &service.repository);
        replication_event("replication", now, replica, source, repository, tag, digest)
    }

    /// Sends an event to `image-push`.
    pub fn send(&self, event: &Value) -> Handled {
        match self.sim.send_event(event) {
            Invocation::Answered(handled) => handled,
            other @ (Invocation::Failed(_) | Invocation::Died) => panic!("{other:?}"),
        }
    }

    /// Pushes an image that is in all replicas at once, and lets everything come to rest.
    pub fn push(&self, text: &str, number: u64) {
        let (tag, digest) = (tag(text), digest(number));
        self.put_image(&tag, &digest);
        self.send(&self.event(&tag, &digest));
        self.rest();
    }

    /// Pushes an image of a service, in all replicas at once, and lets everything come to rest.
    pub fn push_of(&self, service: &str, text: &str, number: u64) {
        let service = &self.config.services[&ServiceName::parse(service).expect("well-formed")];
        let (tag, digest) = (tag(text), digest(number));
        let registries = service.targets.values().map(|target| &target.pulls_from);
        for registry in registries.chain([&service.registry]) {
            self.sim.put_image(&registry.place, &service.repository, &tag, &digest);
        }
        let (id, place) = (self.next_event_id(), &service.registry.place);
        let event = push_event(&id, self.sim.now(), place, &service.repository, &tag, &digest);
        self.send(&event);
        self.rest();
    }

    /// Pushes an image, and lets the first passes begin their deploys.
    pub fn push_begun(&self, text: &str, number: u64) {
        let (tag, digest) = (tag(text), digest(number));
        self.put_image(&tag, &digest);
        self.send(&self.event(&tag, &digest));
        self.sim.deliver_all();
    }

    /// Lets tasks of this image exit, so that ECS gives up its deployments after some minutes.
    pub fn crashes(&self, number: u64, minutes: i64) {
        let crashes = Behaviour::Crashes(SignedDuration::from_mins(minutes));
        self.sim.set_behaviour(digest(number).to_string(), crashes);
    }

    /// Lets everything come to rest, but for the rare looks at those who need a person.
    pub fn rest(&self) {
        if self.sim.run_until_quiet(QUIET_WITHIN) {
            return;
        }
        let blocked = |subject: &Subject| match subject {
            Subject::Target(id) => {
                let standing = self.sim.target_record(id).standing;
                standing.is_some_and(|standing| standing.kind == StandingKind::Blocked)
            }
            Subject::Service(_) => false,
        };
        let awaited = self.sim.subjects_waiting();
        assert!(awaited.iter().all(blocked), "it does not come to rest: {awaited:?}");
    }

    /// Runs a pass over a target and says what it found.
    pub fn pass(&self, target: &Target) -> Pass {
        let pass = reconcile_target(&self.sim, &self.config, &target.id);
        let passed = self.sim.run(pass).expect("nothing dies here").expect("no fault");
        passed.expect("the target is in the configuration")
    }

    /// What an onlooker sees of a target.
    #[must_use]
    pub fn view(&self, target: &Target) -> ServiceView {
        let view =
            self.sim.view(&target.place, &target.cluster, &target.ecs_service, &target.container);
        view.expect("its service is there")
    }

    /// The input with which a target's running revision was registered.
    #[must_use]
    pub fn running(&self, target: &Target) -> Registration {
        let revision = self.sim.revision(&target.place, self.view(target).revision.as_str());
        let revision = revision.expect("what runs is registered");
        Registration { document: revision.document, tags: revision.tags }
    }

    /// Whether a target runs an image, by its digest.
    #[must_use]
    pub fn runs(&self, target: &Target, digest: &Digest) -> bool {
        self.view(target).image.is_some_and(|image| image.ends_with(digest.as_str()))
    }

    /// How often `UpdateService` was carried out for a target.
    #[must_use]
    pub fn updates(&self, target: &Target) -> usize {
        let subject = format!("{} in {} of {}", target.ecs_service, target.cluster, target.place);
        let calls = self.sim.calls();
        let carried_out = |call: &&Call| {
            call.operation == "UpdateService" && call.subject == subject && call.was_carried_out()
        };
        calls.iter().filter(carried_out).count()
    }

    /// Calls that change something in ECS, so far.
    #[must_use]
    pub fn changes(&self) -> [usize; 2] {
        ["RegisterTaskDefinition", "UpdateService"].map(|operation| self.sim.count(operation))
    }

    /// Applies the example with one text replaced in one of its files, and lets it come to rest.
    pub fn apply_with(&self, path: &str, from: &str, to: &str) {
        self.try_apply(path, from, to).expect("it is valid");
        self.rest();
    }

    /// Applies the example with one text replaced in one of its files.
    pub fn try_apply(&self, path: &str, from: &str, to: &str) -> Result<Applied, ApplyError> {
        let mut sources = example_sources();
        let file = sources.files.iter_mut().find(|file| file.path == path).expect("it is there");
        assert!(file.text.contains(from), "{path} has changed: {from}");
        file.text = file.text.replace(from, to);
        let before = self.sim.run(in_force(&self.sim)).expect("nothing dies").expect("no fault");
        let applied = self.sim.run(apply(&self.sim, &sources, before.as_ref(), "a test"));
        applied.expect("nothing dies")
    }

    /// A person asks for a release of order-api.
    pub fn request(&self, text: &str) {
        let (service, tag) = (service_name(), tag(text));
        let asked = request_deploy(&self.sim, &self.config, &service, &tag, "dana", text);
        self.sim.run(asked).expect("nothing dies").expect("no fault");
    }

    /// The simulated time.
    #[must_use]
    pub fn sim_now(&self) -> Timestamp {
        self.sim.now()
    }

    /// What the passes have said since a moment.
    #[must_use]
    pub fn said_since(&self, since: Timestamp) -> Vec<String> {
        let journal = self.sim.journal().into_iter().filter(|said| said.at >= since);
        journal.map(|said| format!("{}: {}", said.subject, said.said)).collect()
    }
}

fn service_name() -> ServiceName {
    ServiceName::parse("order-api").expect("well-formed")
}
