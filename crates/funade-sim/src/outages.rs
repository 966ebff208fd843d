//! Outages: what AWS refuses, or leaves unanswered, in a place.

use std::collections::BTreeSet;

use funade::facts::names::Place;
use funade::world::{CallError, CallProblem, World};
use jiff::SignedDuration;

use crate::state::{Sim, State};

/// How long a caller waits for an answer that does not come: as long as `funade-aws` does.
const ANSWER_AWAITED: SignedDuration = SignedDuration::from_secs(8);

/// All that does not work.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    /// Where our role cannot be assumed.
    closed: BTreeSet<Place>,
    /// Where an operation is denied, on subjects that contain this.
    denied: BTreeSet<(Place, &'static str, String)>,
    /// Where an operation gets no answer.
    silent: BTreeSet<(Place, &'static str)>,
}

impl Outages {
    fn strikes(
        &self,
        place: &Place,
        operation: &'static str,
        subject: &str,
    ) -> Option<CallProblem> {
        let is_denied = |(of, denied, part): &(Place, &'static str, String)| {
            of == place && *denied == operation && subject.contains(part.as_str())
        };
        if self.closed.contains(place) {
            return Some(CallProblem::NoRole);
        }
        if self.denied.iter().any(is_denied) {
            return Some(CallProblem::Refused);
        }
        self.is_silent(place, operation).then_some(CallProblem::NoAnswer)
    }

    fn is_silent(&self, place: &Place, operation: &'static str) -> bool {
        !self.closed.contains(place) && self.silent.contains(&(place.clone(), operation))
    }
}

impl Sim {
    /// Takes the role away that is assumed in a place, or gives it back.
    pub fn set_closed(&self, place: &Place, closed: bool) {
        let places = &mut self.state_mut().outages.closed;
        if closed {
            places.insert(place.clone());
        } else {
            places.remove(place);
        }
    }

    /// Denies an operation in a place, on all subjects that contain a text.
    pub fn deny(&self, place: &Place, operation: &'static str, part: &str) {
        self.state_mut().outages.denied.insert((place.clone(), operation, part.to_owned()));
    }

    /// Lets an operation in a place get no answer.
    pub fn silence(&self, place: &Place, operation: &'static str) {
        self.state_mut().outages.silent.insert((place.clone(), operation));
    }

    /// Nothing is closed, denied or silent any more.
    pub fn end_outages(&self) {
        self.state_mut().outages = Outages::default();
    }

    /// One call in a place: its answer, unless there is an outage.
    pub(crate) async fn call_in<T>(
        &self,
        place: &Place,
        operation: &'static str,
        subject: String,
        carry_out: impl FnOnce(&mut State) -> Result<T, CallProblem>,
    ) -> Result<T, CallError> {
        let is_silent = self.state().outages.is_silent(place, operation);
        if is_silent {
            self.pause(ANSWER_AWAITED).await;
        }
        let strikes = self.state().outages.strikes(place, operation, &subject);
        self.call(operation, subject, |state| match strikes {
            Some(problem) => Err(problem),
            None => carry_out(state),
        })
        .await
    }
}
