//! The time that a sweep has, and what it does not get to look at.

use std::future::pending;
use std::pin::pin;

use futures_util::future::{Either, select};

use super::Round;
use crate::world::{CallError, CallProblem, World};

/// Why something was not looked at.
pub(super) enum Missed {
    /// The sweep's time was over.
    TimeOver,
    /// A call failed.
    Call(CallError),
}

impl Missed {
    /// In one line, for a person.
    pub(super) fn in_full(&self) -> String {
        match self {
            Self::TimeOver => "not looked at: the sweep's time was over".to_owned(),
            Self::Call(error) => error.in_full(),
        }
    }

    /// Whether AWS says nothing, or that it is asked too fast: the next call may fare the same.
    pub(super) fn is_unanswered(&self) -> bool {
        match self {
            Self::TimeOver => false,
            Self::Call(error) => match error.problem {
                CallProblem::NoAnswer | CallProblem::Throttled => true,
                CallProblem::Conflict
                | CallProblem::LimitReached
                | CallProblem::Refused
                | CallProblem::NoRole => false,
            },
        }
    }

    /// The error, if AWS refused the call: somebody must give a right before that changes.
    pub(super) fn refusal(&self) -> Option<&CallError> {
        match self {
            Self::TimeOver => None,
            Self::Call(error) => is_refusal(error).then_some(error),
        }
    }
}

/// Whether AWS refused a call.
pub(super) fn is_refusal(error: &CallError) -> bool {
    match error.problem {
        CallProblem::Refused | CallProblem::NoRole => true,
        CallProblem::NoAnswer
        | CallProblem::Throttled
        | CallProblem::Conflict
        | CallProblem::LimitReached => false,
    }
}

impl<W: World> Round<'_, W> {
    /// Whether the sweep's time is over.
    pub(super) fn is_over(&self) -> bool {
        self.ends_at.is_some_and(|end| self.world.now() >= end)
    }

    /// Looks, unless the sweep's time is over before that ends: one that takes its time must not
    /// take that of all the others.
    pub(super) async fn in_time<T>(
        &self,
        look: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, Missed> {
        if self.is_over() {
            return Err(Missed::TimeOver);
        }
        let over = pin!(self.over());
        match select(Box::pin(look), over).await {
            Either::Left((looked, _)) => looked.map_err(Missed::Call),
            Either::Right(((), _)) => Err(Missed::TimeOver),
        }
    }

    /// Waits until the sweep's time is over.
    async fn over(&self) {
        let Some(end) = self.ends_at else { return pending().await };
        loop {
            let now = self.world.now();
            if now >= end {
                return;
            }
            self.world.pause(end.duration_since(now)).await;
            // Where pauses take no time, looking takes none either.
            if self.world.now() == now {
                pending::<()>().await;
            }
        }
    }
}
