//! The functions, invoked as Lambda invokes them.

use funade::facts::subject::Subject;
use funade::shell::{Delivered, Handled, deliver, handle_event};
use funade::world::{CallError, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::state::Sim;

/// How long a message stays hidden after a function has failed on it or died: that of the
/// template.
pub const VISIBILITY_TIMEOUT: SignedDuration = SignedDuration::from_secs(360);

/// How often Lambda invokes a function with one event before it gives up.
const ATTEMPTS_MAX: usize = 3;

/// How an invocation ended.
#[derive(Debug)]
pub enum Invocation<T> {
    /// It answered.
    Answered(T),
    /// It failed each time, and the event went to the dead-letter queue.
    Failed(CallError),
    /// It died each time.
    Died,
}

/// What a pass said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// About what.
    pub subject: Subject,
    /// In these words.
    pub said: String,
}

impl Sim {
    /// What all passes said, in their order.
    #[must_use]
    pub fn journal(&self) -> Vec<Said> {
        self.state().journal.clone()
    }

    /// EventBridge invokes the function for an event, again if it fails.
    pub fn send_event(&self, envelope: &Value) -> Invocation<Handled> {
        let mut last = Invocation::Died;
        for _ in 0..ATTEMPTS_MAX {
            last = match self.run(handle_event(self, &self.cache, envelope)) {
                Some(Ok(handled)) => return Invocation::Answered(handled),
                Some(Err(error)) => Invocation::Failed(error),
                None => Invocation::Died,
            };
        }
        last
    }

    /// The queue invokes `deploy` with the next message, if one can be received now. Says
    /// whether there was one.
    pub fn deliver_next(&self) -> bool {
        let now = self.now();
        let Some(wake) = self.state_mut().messages.receive(now) else { return false };
        let passed = self.run(deliver(self, &self.cache, std::slice::from_ref(&wake)));
        let delivered = passed.and_then(Result::ok).unwrap_or_default();
        let state = &mut *self.state_mut();
        if delivered.iter().any(|delivered| delivered.subject == wake.subject && !delivered.again) {
            state.messages.delete(&wake.subject);
        } else {
            state.messages.hide(&wake.subject, now + VISIBILITY_TIMEOUT);
        }
        for Delivered { subject, said, .. } in delivered {
            state.journal.extend(said.into_iter().map(|said| Said {
                at: now,
                subject: subject.clone(),
                said,
            }));
        }
        true
    }

    /// Delivers all messages that can be received now.
    pub fn deliver_all(&self) {
        while self.deliver_next() {}
    }

    /// Lets time pass from message to message until none is left, or until the limit. Says
    /// whether none is left.
    pub fn run_until_quiet(&self, limit: SignedDuration) -> bool {
        let end: Timestamp = self.now() + limit;
        loop {
            self.deliver_all();
            let Some(next) = self.state().messages.next_at() else { return true };
            if next > end {
                return false;
            }
            self.pass_time(next.duration_since(self.now()));
        }
    }
}
