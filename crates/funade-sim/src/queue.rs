//! The simulated queue: FIFO in groups, at least once, with delays.

use std::collections::BTreeSet;

use funade::facts::subject::{Subject, WAKE_DELAY_MAX, Wake};
use funade::world::{CallError, Queue};
use jiff::{SignedDuration, Timestamp};

use crate::state::Sim;

#[derive(Debug, Default)]
pub(crate) struct Messages(Vec<Message>);

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) wake: Wake,
    /// Not to be received before.
    visible_at: Timestamp,
    /// Whether a function is at work on it.
    received: bool,
}

impl Sim {
    /// Loses all messages, as no queue should.
    pub fn lose_messages(&self) {
        self.state_mut().messages.0.clear();
    }
}

impl Messages {
    /// Receives what is there for the first subject whose messages can be received: one pass serves
    /// them all. A group of which a message is out waits for it.
    pub(crate) fn receive(&mut self, now: Timestamp) -> Option<Wake> {
        self.receive_but(now, &BTreeSet::new())
    }

    /// The same, but for these subjects.
    pub(crate) fn receive_but(&mut self, now: Timestamp, but: &BTreeSet<Subject>) -> Option<Wake> {
        let visible = |message: &&Message| message.visible_at <= now;
        let mut free = self.0.iter().filter(|message| !but.contains(&message.wake.subject));
        let wake = free.find(visible).map(|message| message.wake.clone())?;
        let mine = self.0.iter_mut().filter(|message| message.wake.subject == wake.subject);
        mine.filter(|message| message.visible_at <= now)
            .for_each(|message| message.received = true);
        Some(wake)
    }

    /// Deletes the messages of a subject that were received.
    pub(crate) fn delete(&mut self, subject: &Subject) {
        self.0.retain(|message| &message.wake.subject != subject || !message.received);
    }

    /// Hides the messages of a subject that were received until they are to be received again.
    pub(crate) fn hide(&mut self, subject: &Subject, until: Timestamp) {
        let mine = self.0.iter_mut().filter(|message| &message.wake.subject == subject);
        for message in mine.filter(|message| message.received) {
            (message.visible_at, message.received) = (until, false);
        }
    }

    /// Whether a message can be received, but for these subjects.
    pub(crate) fn is_due(&self, now: Timestamp, but: &BTreeSet<Subject>) -> bool {
        let due = |message: &Message| message.visible_at <= now && !message.received;
        self.0.iter().any(|message| due(message) && !but.contains(&message.wake.subject))
    }

    /// When the next message can be received.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let waiting = self.0.iter().filter(|message| !message.received);
        waiting.map(|message| message.visible_at).min()
    }

    fn send(&mut self, wake: Wake, visible_at: Timestamp) {
        self.0.push(Message { wake, visible_at, received: false });
    }
}

impl Sim {
    /// Delivers a message once more, as SQS may.
    pub fn send_again(&self, wake: &Wake) {
        let state = &mut *self.state_mut();
        state.messages.send(wake.clone(), state.now);
    }

    /// What the messages that wait are about.
    #[must_use]
    pub fn subjects_waiting(&self) -> Vec<Subject> {
        self.state().messages.0.iter().map(|message| message.wake.subject.clone()).collect()
    }

    /// How many messages wait.
    #[must_use]
    pub fn messages_waiting(&self) -> usize {
        self.state().messages.0.len()
    }
}

impl Queue for Sim {
    async fn wake(&self, wakes: &[Wake]) -> Result<(), CallError> {
        let subject = wakes.first().map_or_else(String::new, |wake| wake.subject.to_string());
        self.call("SendMessageBatch", subject, |state| {
            for wake in wakes {
                state.messages.send(wake.clone(), state.now);
            }
            Ok(())
        })
        .await
    }

    async fn wake_later(&self, wakes: &[Wake], delay: SignedDuration) -> Result<(), CallError> {
        let subject = wakes.first().map_or_else(String::new, |wake| wake.subject.to_string());
        self.call("SendMessageBatch", subject, |state| {
            for wake in wakes {
                state.messages.send(wake.clone(), state.now + delay.min(WAKE_DELAY_MAX));
            }
            Ok(())
        })
        .await
    }
}
