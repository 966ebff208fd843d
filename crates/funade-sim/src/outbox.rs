//! The outbox's stream, those who take messages, and the queue of what they did not take.

use std::collections::BTreeSet;

use funade::facts::message::{Destination, Message};
use funade::facts::notice::Notice;
use funade::facts::stored::Stored;
use funade::world::{CallError, CallProblem, Messenger};
use jiff::{SignedDuration, Timestamp};

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
    /// What waits on the queue.
    later: Vec<Waiting>,
    /// How many were ever put there.
    waited: u64,
}

/// A message that was not taken.
#[derive(Debug)]
struct Waiting {
    number: u64,
    /// In the stored form.
    body: String,
    /// Not to be received before.
    visible_at: Timestamp,
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

    /// What the queue hands over, by its number: it is hidden until it is deleted or comes again.
    pub(crate) fn receive(&mut self, now: Timestamp, count_max: usize) -> Vec<(u64, Message)> {
        let visible = self.later.iter_mut().filter(|waiting| waiting.visible_at <= now);
        let received = visible.take(count_max).map(|waiting| {
            waiting.visible_at = now + RETRY_VISIBILITY;
            (waiting.number, Message::from_json(&waiting.body).expect("we wrote it"))
        });
        received.collect()
    }

    /// When the queue can hand over the next.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.later.iter().map(|waiting| waiting.visible_at).min()
    }

    /// These were taken.
    pub(crate) fn delete(&mut self, numbers: &[u64]) {
        self.later.retain(|waiting| !numbers.contains(&waiting.number));
    }

    /// How many messages wait on the queue.
    pub(crate) fn waiting(&self) -> usize {
        self.later.len()
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

    /// The stream invokes `notify` until nothing is left, or until it is told to come again; then the
    /// queue does, once with each message that waits there, however long it is to be hidden yet. Says
    /// whether nothing is left in either.
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
        let now = self.state().now;
        self.state_mut().outbox.later.iter_mut().for_each(|waiting| waiting.visible_at = now);
        let waiting = self.state_mut().outbox.receive(now, usize::MAX);
        for batch in waiting.chunks(RETRY_BATCH) {
            let messages: Vec<Message> = batch.iter().map(|(_, message)| message.clone()).collect();
            let taken = self.run(funade::shell::send_again(self, &messages)).unwrap_or_default();
            self.state_mut().outbox.delete(&numbers_taken(batch.iter().map(|(n, _)| *n), &taken));
        }
        self.state().outbox.waiting() == 0
    }
}

/// Notices in one invocation, as the template says.
pub(crate) const STREAM_BATCH: usize = 10;

/// Messages that were not taken in one invocation, as the template says.
pub(crate) const RETRY_BATCH: usize = 10;

/// For how long the queue hides what it has handed over, as the template says.
const RETRY_VISIBILITY: SignedDuration = SignedDuration::from_mins(10);

/// The numbers of the messages that were taken.
pub(crate) fn numbers_taken(numbers: impl IntoIterator<Item = u64>, taken: &[bool]) -> Vec<u64> {
    let told = numbers.into_iter().zip(taken);
    told.filter(|(_, taken)| **taken).map(|(number, _)| number).collect()
}

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

    async fn send_later(&self, message: &Message) -> Result<(), CallError> {
        self.call("SendMessage", message.notice.clone(), |state| {
            let outbox = &mut state.outbox;
            outbox.waited += 1;
            let (number, visible_at) = (outbox.waited, state.now);
            outbox.later.push(Waiting { number, body: message.to_json(), visible_at });
            Ok(())
        })
        .await
    }
}
