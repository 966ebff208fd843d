//! The outbox's stream, and those who take messages.

use std::collections::BTreeSet;

use funade::facts::message::{Destination, Message};
use funade::facts::notice::Notice;
use funade::facts::stored::Stored;
use funade::world::{CallError, CallProblem, Messenger};

use crate::state::Sim;

/// What was written, how far it was handed on, and what was taken.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// In the stored form, in the order in which it was written.
    written: Vec<String>,
    /// How many of them `notify` is done with.
    done: usize,
    taken: Vec<Message>,
    closed: BTreeSet<Destination>,
}

impl Outbox {
    pub(crate) fn put(&mut self, notices: &[Notice]) {
        self.written.extend(notices.iter().map(Stored::to_json));
    }

    /// Whether something is left to be told.
    pub(crate) fn is_due(&self) -> bool {
        self.done < self.written.len()
    }

    /// The next notices of the stream, so many at the most.
    pub(crate) fn next(&self, count_max: usize) -> Vec<Notice> {
        let left = self.written[self.done..].iter().take(count_max);
        left.map(|json| Notice::from_json(json).expect("we wrote it")).collect()
    }

    /// What was written since this many, for the checkers.
    pub(crate) fn since(&self, count: usize) -> Vec<Notice> {
        let new = self.written[count..].iter();
        new.map(|json| Notice::from_json(json).expect("we wrote it")).collect()
    }

    /// The ids of the notices about which a message was taken.
    pub(crate) fn told(&self) -> BTreeSet<&str> {
        self.taken.iter().map(|message| message.notice.as_str()).collect()
    }

    /// The stream goes on after these.
    pub(crate) fn handed_on(&mut self, count: usize) {
        self.done += count;
    }
}

impl Sim {
    /// All that was ever put into the outbox, in its order.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        let written = &self.state().outbox.written;
        written.iter().map(|json| Notice::from_json(json).expect("we wrote it")).collect()
    }

    /// All messages that were taken, in their order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.state().outbox.taken.clone()
    }

    /// Lets nothing be taken at a destination any more, or again.
    pub fn close_destination(&self, destination: &Destination, closed: bool) {
        let places = &mut self.state_mut().outbox.closed;
        if closed {
            places.insert(destination.clone());
        } else {
            places.remove(destination);
        }
    }

    /// The stream invokes `notify` until nothing is left, or until it is told to come again. Says
    /// whether nothing is left.
    pub fn tell_all(&self) -> bool {
        while self.state().outbox.is_due() {
            let next = self.state().outbox.next(STREAM_BATCH);
            let told = self.run(funade::shell::notify(self, &self.cache, &next, None));
            match told {
                Some(Ok(again)) => {
                    let done = next.iter().take_while(|notice| !again.contains(&notice.id)).count();
                    self.state_mut().outbox.handed_on(done);
                    if done < next.len() {
                        return false;
                    }
                }
                Some(Err(_)) | None => return false,
            }
        }
        true
    }
}

/// Notices in one invocation, as the template says.
pub(crate) const STREAM_BATCH: usize = 10;

impl Messenger for Sim {
    async fn send(&self, message: &Message) -> Result<(), CallError> {
        self.call("Publish", message.notice.clone(), |state| {
            if state.outbox.closed.contains(&message.to) {
                return Err(CallProblem::NoAnswer);
            }
            state.outbox.taken.push(message.clone());
            Ok(())
        })
        .await
    }
}
