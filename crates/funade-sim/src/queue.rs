//! The simulated queue: FIFO in groups, at least once, with delays.

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
}

impl Messages {
    /// The first message that can be received: a group whose first message is out waits for it.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Wake> {
        self.0.iter().find(|message| message.visible_at <= now).map(|m| m.wake.clone())
    }

    /// Deletes the visible messages of a subject: one pass has served them all.
    pub(crate) fn delete(&mut self, subject: &Subject, now: Timestamp) {
        self.0.retain(|message| &message.wake.subject != subject || message.visible_at > now);
    }

    /// Hides the visible messages of a subject until they are to be received again.
    pub(crate) fn hide(&mut self, subject: &Subject, now: Timestamp, until: Timestamp) {
        let mine = self.0.iter_mut().filter(|message| &message.wake.subject == subject);
        for message in mine.filter(|message| message.visible_at <= now) {
            message.visible_at = until;
        }
    }

    /// When the next message can be received.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.0.iter().map(|message| message.visible_at).min()
    }

    fn send(&mut self, wake: Wake, visible_at: Timestamp) {
        self.0.push(Message { wake, visible_at });
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
