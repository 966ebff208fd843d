//! Calls: counted, in rounds, and failing where they are told to.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use funade::world::{CallError, CallProblem};

use crate::chance::Chance;
use crate::state::{Sim, State};

/// One call of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Calls of the same round were under way at the same time.
    pub round: u64,
    /// The operation, as AWS names it.
    pub operation: &'static str,
    /// What it was about.
    pub subject: String,
    /// What became of it.
    pub outcome: CallOutcome,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOutcome {
    /// It was carried out and answered.
    Answered,
    /// It was refused, and nothing was done.
    Refused,
    /// A fault struck.
    Faulty(Fault),
}

/// What can go wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// AWS says "too fast" and does nothing.
    Throttled,
    /// No answer, and nothing was done.
    Lost,
    /// No answer, but it was done.
    ResponseLost,
    /// The function dies before the call.
    DiesBefore,
    /// The call is carried out, and the function dies before it hears of it.
    DiesAfter,
}

impl Call {
    /// Whether it was carried out, whether or not its answer arrived.
    #[must_use]
    pub fn was_carried_out(&self) -> bool {
        match self.outcome {
            CallOutcome::Answered | CallOutcome::Faulty(Fault::ResponseLost | Fault::DiesAfter) => {
                true
            }
            CallOutcome::Refused
            | CallOutcome::Faulty(Fault::Throttled | Fault::Lost | Fault::DiesBefore) => false,
        }
    }
}

/// The faults that chance may draw, and how often each in a hundred.
const DRAWN: [(Fault, u64); 5] = [
    (Fault::Throttled, 30),
    (Fault::Lost, 20),
    (Fault::ResponseLost, 20),
    (Fault::DiesBefore, 15),
    (Fault::DiesAfter, 15),
];

#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// All calls; only their number in a history, of which there are many.
    log: Vec<Call>,
    made: usize,
    round: u64,
    /// The how manieth call, from 0, shall meet which fault.
    planned: BTreeMap<usize, Fault>,
    /// What draws further ones, and how often in a thousand.
    drawn: Option<(Chance, u64)>,
    /// Those that were drawn.
    struck: BTreeMap<usize, Fault>,
    /// Whether only the number of calls is kept.
    silent: bool,
    dead: bool,
}

impl Calls {
    /// From now on calls are not kept, and meet these faults, or such as chance draws.
    pub(crate) fn begin_history(
        &mut self,
        seed: u64,
        per_mille: u64,
        listed: Option<BTreeMap<usize, Fault>>,
    ) {
        self.silent = true;
        self.drawn = listed.is_none().then(|| (Chance::of(seed, 2), per_mille));
        self.planned = listed.unwrap_or_default();
    }

    /// From now on no call meets a fault.
    pub(crate) fn end_faults(&mut self) {
        self.drawn = None;
        self.planned.clear();
    }

    /// How many calls were made.
    pub(crate) fn made(&self) -> usize {
        self.made
    }

    /// Whether the function that was at work has died. It is forgotten.
    pub(crate) fn take_dead(&mut self) -> bool {
        std::mem::take(&mut self.dead)
    }

    /// The faults that have struck.
    pub(crate) fn struck(&mut self) -> BTreeMap<usize, Fault> {
        std::mem::take(&mut self.struck)
    }

    fn refused(&mut self, number: usize) {
        if let Some(call) = self.log.get_mut(number) {
            call.outcome = CallOutcome::Refused;
        }
    }

    fn draw(&mut self) -> Option<Fault> {
        let (chance, per_mille) = self.drawn.as_mut()?;
        if !chance.per_mille(*per_mille) {
            return None;
        }
        let mut lot = chance.below(100);
        let drawn = DRAWN.iter().find(|(_, often)| match lot.checked_sub(*often) {
            Some(rest) => {
                lot = rest;
                false
            }
            None => true,
        });
        drawn.map(|(fault, _)| *fault)
    }
}

impl Sim {
    /// All calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.log.clone()
    }

    /// How often an operation was carried out, whether or not its answer arrived.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        let state = self.state();
        let log = &state.calls.log;
        log.iter().filter(|call| call.operation == operation && call.was_carried_out()).count()
    }

    /// Lets a fault strike the call with this number, counted from 0 and from now.
    pub fn plan_fault(&self, call: usize, fault: Fault) {
        let mut state = self.state_mut();
        state.calls.planned = BTreeMap::from([(state.calls.made + call, fault)]);
    }

    /// Runs a function's work to its end; `None` if it died on the way.
    pub fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            self.state_mut().calls.round += 1;
            let polled = work.as_mut().poll(&mut context);
            // Services move on when the work is done: no round is long.
            self.state_mut().let_round_pass();
            if self.state_mut().calls.take_dead() {
                return None;
            }
            if let Poll::Ready(output) = polled {
                return Some(output);
            }
        }
    }

    /// One call: it gives way once, and is then carried out, or meets its fault.
    pub(crate) async fn call<T>(
        &self,
        operation: &'static str,
        subject: String,
        carry_out: impl FnOnce(&mut State) -> Result<T, CallProblem>,
    ) -> Result<T, CallError> {
        let (number, fault) = self.begin(operation, &subject);
        give_way().await;
        self.state_mut().stores.meanwhile(operation);
        let error =
            |problem| CallError { operation, subject: subject.clone(), problem, source: None };
        match fault {
            None => {
                let result = carry_out(&mut self.state_mut());
                if result.is_err() {
                    self.state_mut().calls.refused(number);
                }
                result.map_err(error)
            }
            Some(Fault::Throttled) => Err(error(CallProblem::Throttled)),
            Some(Fault::Lost) => Err(error(CallProblem::NoAnswer)),
            Some(Fault::ResponseLost) => {
                let _lost = carry_out(&mut self.state_mut());
                Err(error(CallProblem::NoAnswer))
            }
            Some(Fault::DiesBefore) => self.die().await,
            Some(Fault::DiesAfter) => {
                let _never_heard = carry_out(&mut self.state_mut());
                self.die().await
            }
        }
    }

    fn begin(&self, operation: &'static str, subject: &str) -> (usize, Option<Fault>) {
        let calls = &mut self.state_mut().calls;
        let number = calls.made;
        calls.made += 1;
        let fault = calls.planned.remove(&number).or_else(|| calls.draw());
        if let Some(fault) = fault {
            calls.struck.insert(number, fault);
        }
        if calls.silent {
            return (number, fault);
        }
        calls.log.push(Call {
            round: calls.round,
            operation,
            subject: subject.to_owned(),
            outcome: fault.map_or(CallOutcome::Answered, CallOutcome::Faulty),
        });
        (number, fault)
    }

    async fn die<T>(&self) -> T {
        self.state_mut().calls.dead = true;
        std::future::pending().await
    }
}

/// Lets a round of calls be made.
pub(crate) async fn give_way() {
    GiveWay(false).await;
}

/// Pending once, then ready. `Sim::run` polls again without being woken, but the combinators that
/// hold many futures poll only those that have asked for it.
struct GiveWay(bool);

impl Future for GiveWay {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
