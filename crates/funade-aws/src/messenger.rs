//! Whoever takes messages.

use funade::facts::message::Message;
use funade::world::{CallError, CallProblem, Messenger};

use crate::world::AwsWorld;

impl Messenger for AwsWorld {
    async fn send(&self, message: &Message) -> Result<(), CallError> {
        Err(CallError {
            operation: "Publish",
            subject: message.notice.clone(),
            problem: CallProblem::Refused,
            source: None,
        })
    }
}
