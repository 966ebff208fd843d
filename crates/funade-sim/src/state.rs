//! The simulated world's state and its clock.

use std::cell::{Ref, RefCell, RefMut};
use std::collections::BTreeMap;

use funade::facts::ecs::AlarmState;
use funade::facts::finding::Finding;
use funade::facts::names::{AlarmName, Place, ServiceName, TargetId};
use funade::facts::record::{ServiceRecord, TargetRecord};
use funade::shell::ConfigCache;
use funade::world::World;
use jiff::{SignedDuration, Timestamp};

use crate::buckets::Buckets;
use crate::calls::{Calls, give_way};
use crate::ecr::Images;
use crate::ecs::Services;
use crate::functions::Said;
use crate::ledger::Table;
use crate::outages::Outages;
use crate::outbox::Outbox;
use crate::parameters::Stores;
use crate::queue::Messages;

/// A simulated AWS with Funade's stack in it.
pub struct Sim {
    pub(crate) state: RefCell<State>,
    /// The warm functions' configuration.
    pub(crate) cache: ConfigCache,
}

pub(crate) struct State {
    pub(crate) now: Timestamp,
    /// How far the clock of the function at work is from AWS's.
    pub(crate) skew: SignedDuration,
    pub(crate) calls: Calls,
    pub(crate) services: Services,
    pub(crate) images: Images,
    pub(crate) stores: Stores,
    pub(crate) alarms: BTreeMap<(Place, AlarmName), AlarmState>,
    pub(crate) table: Table,
    pub(crate) messages: Messages,
    pub(crate) journal: Vec<Said>,
    pub(crate) outbox: Outbox,
    pub(crate) buckets: Buckets,
    /// How long a round of calls takes, where that counts.
    pub(crate) round_takes: SignedDuration,
    pub(crate) outages: Outages,
    /// The targets' records that were written since somebody looked.
    pub(crate) written: Vec<(TargetId, TargetRecord)>,
    /// The services' records that were written since somebody looked: before and after.
    pub(crate) written_services: Vec<(ServiceName, ServiceRecord, ServiceRecord)>,
    /// What was found, or was so no more, since somebody looked.
    pub(crate) written_findings: Vec<(Finding, FindingIs)>,
}

/// What a write of a finding makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FindingIs {
    /// It has only been suspected so far, whether it still is or not.
    Suspected,
    /// It is open.
    Open,
    /// It was open, and is no more.
    Closed,
}

impl Sim {
    /// An empty world at this time.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            state: RefCell::new(State {
                now,
                skew: SignedDuration::ZERO,
                calls: Calls::default(),
                services: Services::default(),
                images: Images::default(),
                stores: Stores::default(),
                alarms: BTreeMap::new(),
                table: Table::default(),
                messages: Messages::default(),
                journal: Vec::new(),
                outbox: Outbox::default(),
                buckets: Buckets::default(),
                round_takes: SignedDuration::ZERO,
                outages: Outages::default(),
                written: Vec::new(),
                written_services: Vec::new(),
                written_findings: Vec::new(),
            }),
            cache: ConfigCache::default(),
        }
    }

    /// Lets time pass: deployments move, delayed messages come due.
    pub fn pass_time(&self, duration: SignedDuration) {
        let mut state = self.state_mut();
        state.now += duration;
        let now = state.now;
        state.services.move_on(now);
    }

    /// Lets each round of calls take so long.
    pub fn set_latency(&self, round_takes: SignedDuration) {
        self.state_mut().round_takes = round_takes;
    }

    pub(crate) fn state(&self) -> Ref<'_, State> {
        self.state.borrow()
    }

    pub(crate) fn state_mut(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }
}

impl State {
    /// The time that a round of calls takes.
    pub(crate) fn let_round_pass(&mut self) {
        self.now += self.round_takes;
    }
}

impl World for Sim {
    type Ledger = Self;
    type Ecs = Self;
    type Ecr = Self;
    type ParameterStore = Self;
    type SecretsManager = Self;
    type Alarms = Self;
    type Queue = Self;
    type Messenger = Self;

    fn ledger(&self) -> &Self {
        self
    }

    fn ecs(&self) -> &Self {
        self
    }

    fn ecr(&self) -> &Self {
        self
    }

    fn parameter_store(&self) -> &Self {
        self
    }

    fn secrets_manager(&self) -> &Self {
        self
    }

    fn alarms(&self) -> &Self {
        self
    }

    fn queue(&self) -> &Self {
        self
    }

    fn messenger(&self) -> &Self {
        self
    }

    /// Where calls take no time, pauses take none either.
    async fn pause(&self, duration: SignedDuration) {
        let end = self.state().now + duration;
        while self.state().round_takes.is_positive() && self.state().now < end {
            give_way().await;
        }
    }

    fn now(&self) -> Timestamp {
        let state = self.state();
        state.now + state.skew
    }
}
