//! How what is written in a history is told: by the stream, and by the queue of what was not taken.

use funade::shell::{notify, send_again};

use super::{Course, Flight, Landed, Purpose};
use crate::outbox::{RETRY_BATCH, STREAM_BATCH};

impl Course<'_> {
    /// The stream hands on what is in the outbox, one invocation at a time. Says whether it did.
    pub(super) fn hand_on(&mut self) -> bool {
        let tells = |flight: &Flight<'_>| matches!(flight.what, Purpose::Notify(_));
        if self.flights.iter().any(tells) {
            return false;
        }
        let notices = self.sim.state().outbox.next(STREAM_BATCH);
        if notices.is_empty() {
            return false;
        }
        let (sim, ids) = (self.sim, notices.iter().map(|notice| notice.id.clone()).collect());
        self.fly(Purpose::Notify(ids), async move {
            match notify(sim, &sim.cache, &notices, None).await {
                Ok(again) => Landed::Told(again),
                Err(_) => Landed::Failed,
            }
        });
        true
    }

    /// The queue hands on what was not taken, one invocation at a time. Says whether it did.
    pub(super) fn hand_on_again(&mut self) -> bool {
        let sends = |flight: &Flight<'_>| matches!(flight.what, Purpose::SendAgain(_));
        if self.flights.iter().any(sends) {
            return false;
        }
        let now = self.now();
        let received = self.sim.state_mut().outbox.receive(now, RETRY_BATCH);
        let (numbers, messages): (Vec<_>, Vec<_>) = received.into_iter().unzip();
        if messages.is_empty() {
            return false;
        }
        let sim = self.sim;
        self.fly(Purpose::SendAgain(numbers), async move {
            Landed::SentAgain(send_again(sim, &messages).await)
        });
        true
    }
}
