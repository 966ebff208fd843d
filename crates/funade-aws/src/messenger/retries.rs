//! The queue of messages that were not taken, and that of notices that were given up. The delays of
//! the first, and when it gives one up to the second, are the template's.

use aws_sdk_sqs::types::MessageAttributeValue;
use funade::facts::message::Message;
use funade::facts::stored::Stored;
use funade::world::{CallError, CallProblem};

use crate::errors::call_error;
use crate::world::AwsWorld;

/// Puts a message on the first as it is, so that it says the same whenever it is sent.
pub(super) async fn put(world: &AwsWorld, message: &Message) -> Result<(), CallError> {
    let url = world.settings().notice_retry_queue_url.as_deref();
    let url = url.ok_or_else(|| missing(&message.notice, "FUNADE_NOTICE_RETRY_QUEUE_URL"))?;
    let sent = world.sqs().send_message().queue_url(url).message_body(message.to_json()).send();
    sent.await.map_err(|error| call_error("SendMessage", &message.notice, &error))?;
    Ok(())
}

impl AwsWorld {
    /// Gives up a notice that cannot be read: as it is stored, with why.
    pub async fn give_up_notice(&self, body: &str, why: &str) -> Result<(), CallError> {
        let subject = "an unreadable notice";
        let url = self.settings().notice_dlq_url.as_deref();
        let url = url.ok_or_else(|| missing(subject, "FUNADE_NOTICE_DLQ_URL"))?;
        // SQS takes no control characters, and no empty text.
        let why: String = why.chars().filter(|letter| !letter.is_control()).collect();
        let why = MessageAttributeValue::builder().data_type("String").string_value(why);
        let sent = self
            .sqs()
            .send_message()
            .queue_url(url)
            .message_body(body)
            .message_attributes("why", why.build().expect("a type is all that is required"))
            .send();
        sent.await.map_err(|error| call_error("SendMessage", subject, &error))?;
        Ok(())
    }
}

fn missing(subject: &str, setting: &str) -> CallError {
    CallError {
        operation: "SendMessage",
        subject: subject.to_owned(),
        problem: CallProblem::Refused,
        source: Some(format!("the environment has no {setting}").into()),
    }
}
