//! How a history goes: one step after the other, by chance.
//!
//! A step is a call of a port, an event that arrives, something that a person does, or time that
//! passes. After each the checkers look.

mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use funade::config::{Config, Target};
use funade::facts::names::Tag;
use funade::facts::subject::Subject;
use funade::shell::{Delivered, Scope, SweptBy, deliver, handle_event, sweep};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::History;
use super::checkers::{Checkers, Violation};
use super::fleets::fleet;
use super::peace::make_peace;
use super::people;
use crate::calls::Fault;
use crate::chance::Chance;
use crate::ecs::Behaviour;
use crate::events::deployment_event;
use crate::fleet::stand_up_as;
use crate::functions::VISIBILITY_TIMEOUT;
use crate::outbox::numbers_taken;
use crate::state::Sim;

/// A Monday morning.
const BEGIN: &str = "2026-11-23T01:30:00Z";

/// What all services run at first: as little as a task definition can be, since every pass reads it.
const TASK_DEFINITION: &str = r#"{"family": "web", "executionRoleArn": "arn:aws:iam::222222222222:role/x",
    "containerDefinitions": [{"name": "app", "image": "web", "essential": true}]}"#;

/// How many functions run at once.
const FLIGHTS_MAX: usize = 3;

/// How often Lambda invokes a function with one event.
const ATTEMPTS_MAX: u32 = 3;

/// More steps than any history needs: one that does not come to rest is a violation.
const STEPS_MAX: u64 = 60_000;

/// How long after the last thing from outside a history goes on before faults end: enough for most
/// of it to come to its end under faults.
const ACTS_SETTLE: SignedDuration = SignedDuration::from_mins(30);

/// How a history ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The steps that it took.
    pub steps: u64,
    /// The passes over a subject among them.
    pub passes: u64,
    /// What went wrong with Funade, if anything did.
    pub violation: Option<Violation>,
    /// What happened, line by line, if it was to be told.
    pub story: Vec<String>,
    /// The faults that struck, by the number of the call.
    pub struck: BTreeMap<usize, Fault>,
}

/// How often everything is looked at, by the template's default.
const SWEPT_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// How often that is while things happen.
const SWEEPS: i32 = 8;

/// A function that runs.
struct Flight<'sim> {
    work: Pin<Box<dyn Future<Output = Landed> + 'sim>>,
    what: Purpose,
    /// How far its clock is from AWS's.
    skew: SignedDuration,
}

/// What it runs for.
#[derive(Clone)]
enum Purpose {
    Pass(Subject),
    Event(Arc<Value>, u32),
    Person,
    Sweep,
    /// The stream hands on these notices.
    Notify(Vec<String>),
    /// The queue hands on these messages, which were not taken before.
    SendAgain(Vec<u64>),
}

/// How it ended.
pub(super) enum Landed {
    Passed(Vec<Delivered>),
    Answered,
    Failed,
    Said(String),
    Told(Vec<String>),
    SentAgain(Vec<bool>),
}

/// Everything of a history that is under way.
pub(super) struct Course<'sim> {
    pub(super) sim: &'sim Sim,
    pub(super) config: &'sim Arc<Config>,
    pub(super) targets: Vec<&'sim Target>,
    pub(super) history: &'sim History,
    chance: Chance,
    flights: Vec<Flight<'sim>>,
    /// What is to arrive, and when.
    arrivals: BTreeMap<(Timestamp, u64), Arrival>,
    arrivals_made: u64,
    events_made: u64,
    pub(super) checkers: Checkers,
    steps: u64,
    passes: u64,
    story: Option<Vec<String>>,
    pub(super) violation: Option<Violation>,
    begin: Timestamp,
    /// Nothing happens after this.
    until: Timestamp,
}

/// Something that is to arrive.
pub(super) enum Arrival {
    Event(Arc<Value>, u32),
    Act(usize),
    Then(people::Later),
}

/// Lets a history happen.
pub(super) fn run(history: &History, told: bool) -> Outcome {
    let fleet = fleet(history.luck.fleet);
    let begin: Timestamp = BEGIN.parse().expect("a moment");
    let mut sim = Sim::new(begin);
    sim.put_config(&fleet.config, &fleet.sources);
    let first = Tag::parse("1.0.0").expect("a tag");
    stand_up_as(&sim, &fleet.config, &first, TASK_DEFINITION);
    let bad = format!("{}={}", people::NAMES[0], people::BAD);
    sim.set_behaviour(bad, Behaviour::Crashes(SignedDuration::from_mins(2)));
    let targets: Vec<&Target> = fleet.config.targets().collect();
    for (index, target) in targets.iter().enumerate() {
        let breaker = history.luck.breakers[index % history.luck.breakers.len()];
        let strategy = history.luck.strategies[index % history.luck.strategies.len()];
        let (place, cluster, service) = (&target.place, &target.cluster, &target.ecs_service);
        sim.set_breaker(place, cluster, service, breaker);
        sim.set_strategy(place, cluster, service, strategy);
    }
    {
        let state = &mut *sim.state_mut();
        state.services.keeps_history = history.luck.keeps_history;
        state.services.stale_for = history.luck.stale_for;
        state.calls.begin_history(history.seed, history.luck.faults, history.faults.clone());
    }
    let mut course = Course {
        sim: &sim,
        config: &fleet.config,
        targets,
        history,
        chance: Chance::of(history.seed, 1),
        flights: Vec::new(),
        arrivals: BTreeMap::new(),
        arrivals_made: 0,
        events_made: 0,
        checkers: Checkers::new(&fleet.config),
        steps: 0,
        passes: 0,
        story: told.then(Vec::new),
        violation: None,
        begin,
        until: begin,
    };
    for (index, act) in history.acts.iter().enumerate() {
        course.arrives(begin + act.after, Arrival::Act(index));
    }
    if history.luck.sweeps {
        for number in 1..=SWEEPS {
            course.arrives(begin + SWEPT_EVERY * number, Arrival::Then(people::Later::Sweep));
        }
    }
    course.go_on(ACTS_SETTLE);
    make_peace(&mut course);
    let Course { steps, passes, violation, story, .. } = course;
    let struck = sim.state_mut().calls.struck();
    Outcome { steps, passes, violation, story: story.unwrap_or_default(), struck }
}

impl<'sim> Course<'sim> {
    /// Goes on until nothing is left to happen, or for so long after the last arrival.
    pub(super) fn go_on(&mut self, settles: SignedDuration) {
        let last = self.arrivals.last_key_value().map_or(self.now(), |((at, _), _)| *at);
        self.until = last + settles;
        while self.violation.is_none() && self.step() {
            self.steps += 1;
            self.look();
            if self.steps >= STEPS_MAX && self.violation.is_none() {
                self.violation = Some(Violation::restless(self.steps));
            }
        }
    }

    /// Lets time pass in which nothing comes from outside.
    pub(super) fn wait(&mut self, duration: SignedDuration) {
        let end = self.now() + duration;
        self.go_on(duration);
        self.move_to(end.max(self.now()));
    }

    /// One step. Says whether there was one to take.
    fn step(&mut self) -> bool {
        let now = self.now();
        let due = self.arrivals.first_key_value().is_some_and(|((at, _), _)| *at <= now);
        if due {
            let ((_, _), arrival) = self.arrivals.pop_first().expect("it was there just now");
            self.arrive(arrival);
            return true;
        }
        if self.hand_on() || self.hand_on_again() {
            return true;
        }
        let room = self.flights.len() < FLIGHTS_MAX;
        let busy = self.busy();
        let due = self.sim.state().messages.is_due(now, &busy);
        let takes_one = due && room && (self.flights.is_empty() || self.chance.per_mille(400));
        let received = takes_one.then(|| self.sim.state_mut().messages.receive_but(now, &busy));
        match received.flatten() {
            Some(wake) => {
                let subject = wake.subject.clone();
                self.tell(|| format!("a pass over {subject}: {}", wake.reason));
                let sim = self.sim;
                self.fly(Purpose::Pass(subject), async move {
                    match deliver(sim, &sim.cache, std::slice::from_ref(&wake)).await {
                        Ok(delivered) => Landed::Passed(delivered),
                        Err(_) => Landed::Failed,
                    }
                });
                true
            }
            None if !self.flights.is_empty() => {
                self.fly_on();
                true
            }
            None => self.pass_time(),
        }
    }

    /// The subjects that a function is at work on: their group is blocked.
    fn busy(&self) -> BTreeSet<Subject> {
        let passes = self.flights.iter().filter_map(|flight| match &flight.what {
            Purpose::Pass(subject) => Some(subject.clone()),
            Purpose::Event(..)
            | Purpose::Person
            | Purpose::Sweep
            | Purpose::Notify(_)
            | Purpose::SendAgain(_) => None,
        });
        passes.collect()
    }

    /// Lets time pass until the next thing is due. Says whether there is one.
    fn pass_time(&mut self) -> bool {
        let state = self.sim.state();
        let messages = state.messages.next_at().into_iter().chain(state.outbox.next_at()).min();
        let services = state.services.next_at();
        let arrivals = self.arrivals.first_key_value().map(|((at, _), _)| *at);
        let now = state.now;
        drop(state);
        let Some(next) = [messages, arrivals].into_iter().flatten().min() else {
            // Nothing of ours is to come; ECS may still be at work, and tell.
            let Some(next) = services.filter(|at| *at > now && *at <= self.until) else {
                return false;
            };
            self.move_to(next);
            return true;
        };
        let next = services.filter(|at| *at > now).map_or(next, |at| next.min(at));
        if next > self.until {
            return false;
        }
        self.move_to(next.max(now));
        true
    }

    fn move_to(&mut self, at: Timestamp) {
        self.sim.pass_time(at.duration_since(self.now()));
        self.ecs_tells();
    }

    /// ECS sends events of what happened, and some are lost.
    fn ecs_tells(&mut self) {
        let happened = std::mem::take(&mut self.sim.state_mut().services.happened);
        for happened in happened {
            let (place, cluster, service) = &happened.key;
            self.tell(|| format!("ECS says of {service} in {cluster}: {}", happened.name));
            let lost = self.chance.per_mille(self.history.luck.lost);
            let copies = if lost { 0 } else { self.chance.between(1, 2) };
            for _ in 0..copies {
                let id = self.event_id();
                let event =
                    deployment_event(&id, self.now(), place, cluster, service, happened.name);
                let at = self.now() + self.chance.seconds(0, 20);
                self.arrives(at, Arrival::Event(Arc::new(event), 0));
            }
        }
    }

    fn fly(&mut self, what: Purpose, work: impl Future<Output = Landed> + 'sim) {
        let skew = SignedDuration::from_secs(self.history.luck.skew);
        self.flights.push(Flight { work: Box::pin(work), what, skew });
    }

    /// A person's tool runs beside the functions.
    pub(super) fn person(&mut self, work: impl Future<Output = Landed> + 'sim) {
        self.fly(Purpose::Person, work);
    }

    /// The schedule's event: everything is looked at.
    pub(super) fn sweep(&mut self) {
        let (sim, config, cause) = (self.sim, self.config, self.event_id());
        self.fly(Purpose::Sweep, async move {
            match sweep(sim, config, &Scope::Everything, (&cause, SweptBy::Schedule)).await {
                Ok(swept) => Landed::Said(format!("a sweep wakes {:?}", swept.woken)),
                Err(_) => Landed::Failed,
            }
        });
    }

    /// One of the functions makes its next round of calls.
    fn fly_on(&mut self) {
        if self.chance.per_mille(self.history.luck.slow) {
            let takes = self.chance.seconds(1, 8);
            self.move_to(self.now() + takes);
        }
        let count = u64::try_from(self.flights.len()).expect("a few");
        let index = usize::try_from(self.chance.below(count)).expect("one of them");
        let mut flight = self.flights.swap_remove(index);
        let before = {
            let state = &mut *self.sim.state_mut();
            state.skew = flight.skew;
            state.calls.made()
        };
        let mut context = Context::from_waker(Waker::noop());
        let polled = flight.work.as_mut().poll(&mut context);
        let (died, made) = {
            let state = &mut *self.sim.state_mut();
            state.skew = SignedDuration::ZERO;
            (state.calls.take_dead(), state.calls.made())
        };
        // Each call of the round is a step; this one is counted by whoever asked for it.
        self.steps += (made - before).saturating_sub(1) as u64;
        match (died, polled) {
            (true, _) => self.died(flight.what),
            (false, Poll::Ready(landed)) => self.landed(flight.what, landed),
            (false, Poll::Pending) => self.flights.push(flight),
        }
    }

    fn died(&mut self, what: Purpose) {
        match what {
            Purpose::Pass(subject) => {
                self.tell(|| format!("the function dies in its pass over {subject}"));
                self.comes_again(&subject);
            }
            Purpose::Event(event, attempts) => {
                self.tell(|| "the function dies in its event".to_owned());
                self.invoked_again(event, attempts);
            }
            Purpose::Person => self.tell(|| "the person's tool is closed".to_owned()),
            Purpose::Sweep => self.tell(|| "the function dies in its sweep".to_owned()),
            Purpose::Notify(_) | Purpose::SendAgain(_) => {
                self.tell(|| "the function dies while it tells".to_owned());
            }
        }
    }

    fn landed(&mut self, what: Purpose, landed: Landed) {
        match (what, landed) {
            (Purpose::Pass(subject), Landed::Passed(delivered)) => {
                self.passes += 1;
                let again = delivered.iter().any(|delivered| delivered.again);
                for said in delivered.iter().flat_map(|delivered| &delivered.said) {
                    self.tell(|| format!("{subject}: {said}"));
                }
                if again {
                    self.comes_again(&subject);
                } else {
                    self.sim.state_mut().messages.delete(&subject);
                }
            }
            (Purpose::Pass(subject), _) => self.comes_again(&subject),
            (Purpose::Event(event, attempts), Landed::Failed) => {
                self.invoked_again(event, attempts);
            }
            (Purpose::Person | Purpose::Sweep, Landed::Said(said)) => self.tell(|| said),
            (Purpose::Notify(notices), Landed::Told(again)) => {
                // The stream goes on from the first that should come again.
                let done = notices.iter().take_while(|id| !again.contains(id)).count();
                self.sim.state_mut().outbox.handed_on(done);
            }
            (Purpose::SendAgain(numbers), Landed::SentAgain(taken)) => {
                self.sim.state_mut().outbox.delete(&numbers_taken(numbers, &taken));
            }
            (
                Purpose::Event(..)
                | Purpose::Person
                | Purpose::Sweep
                | Purpose::Notify(_)
                | Purpose::SendAgain(_),
                _,
            ) => {}
        }
    }

    /// The message is hidden until the visibility timeout is over.
    fn comes_again(&mut self, subject: &Subject) {
        let until = self.now() + VISIBILITY_TIMEOUT;
        self.sim.state_mut().messages.hide(subject, until);
    }

    fn invoked_again(&mut self, event: Arc<Value>, attempts: u32) {
        if attempts + 1 < ATTEMPTS_MAX {
            let at = self.now() + SignedDuration::from_secs(60);
            self.arrives(at, Arrival::Event(event, attempts + 1));
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Event(event, attempts) => {
                let (sim, told) = (self.sim, event.clone());
                self.fly(Purpose::Event(event, attempts), async move {
                    match handle_event(sim, &sim.cache, &told).await {
                        Ok(_) => Landed::Answered,
                        Err(_) => Landed::Failed,
                    }
                });
            }
            Arrival::Act(index) => self.act(&self.history.acts[index].what),
            Arrival::Then(later) => self.then(later),
        }
    }

    pub(super) fn arrives(&mut self, at: Timestamp, arrival: Arrival) {
        self.arrivals_made += 1;
        self.arrivals.insert((at, self.arrivals_made), arrival);
    }

    pub(super) fn event_id(&mut self) -> String {
        self.events_made += 1;
        format!("event-{}", self.events_made)
    }

    /// The checkers look at what the step has done.
    pub(super) fn look(&mut self) {
        let found = self.checkers.look(&mut self.sim.state_mut());
        if let Some(violation) = found {
            self.tell(|| format!("VIOLATION of {}: {}", violation.invariant, violation.what));
            self.violation.get_or_insert(violation);
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.sim.state().now
    }

    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        let now = self.now();
        if let Some(story) = &mut self.story {
            let after = now.duration_since(self.begin);
            let (hours, minutes) = (after.as_hours(), after.as_mins() % 60);
            let seconds = after.as_secs() % 60;
            story.push(format!("{hours}:{minutes:02}:{seconds:02} {}", line()));
        }
    }
}
