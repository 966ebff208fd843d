//! The queue's messages: what some place did not take, ready as it was to be sent; and, where a person
//! has moved them there from the dead-letter queue, notices that an older version could not read.

use aws_lambda_events::event::sqs::SqsMessage;
use funade::facts::message::Message;
use funade::facts::notice::Notice;
use funade::facts::stored::Stored;
use lambda_runtime::tracing::error;

/// What one of the queue's messages holds.
#[derive(Debug, PartialEq)]
pub(crate) enum Waiting {
    Message(Box<Message>),
    Notice(Box<Notice>),
    /// It comes again until the queue gives it up to the dead-letter queue: nothing is lost, and a
    /// newer version may be able to read it.
    Unreadable,
}

/// What waits, by the ids under which the queue knows it.
pub(crate) fn read(messages: Vec<SqsMessage>) -> Vec<(String, Waiting)> {
    messages.into_iter().map(waiting).collect()
}

fn waiting(message: SqsMessage) -> (String, Waiting) {
    let (id, body) = (message.message_id.unwrap_or_default(), message.body.unwrap_or_default());
    // Neither has what the other must have.
    let read = Message::from_json(&body).map(|message| Waiting::Message(Box::new(message)));
    let read = read.or_else(|problem| {
        let notice = Notice::from_json(&body).map(|notice| Waiting::Notice(Box::new(notice)));
        notice.map_err(|_| problem)
    });
    // The body is not logged: an address may have a password in it.
    let read = read.inspect_err(|problem| error!(id, "comes again: cannot be read: {problem:?}"));
    (id, read.unwrap_or(Waiting::Unreadable))
}

#[cfg(test)]
mod tests {
    use funade::facts::finding::Severity;
    use funade::facts::message::Destination;
    use funade::facts::notice::NoticeKind;
    use serde_json::json;

    use super::*;
    use crate::records::tests::notice;

    #[test]
    fn messages_and_notices_are_told_apart() {
        let message = Message {
            notice: "one".to_owned(),
            kind: NoticeKind::Blocked,
            severity: Severity::Error,
            to: Destination::Topic("arn:aws:sns:eu-west-1:999999999999:all".to_owned()),
            subject: "blocked".to_owned(),
            body: "it is blocked".to_owned(),
        };
        let bodies = [message.to_json(), notice("two").to_json(), "{}".to_owned()];
        let records = bodies.iter().zip(1..).map(|(body, number)| {
            json!({ "messageId": number.to_string(), "body": body, "eventSource": "aws:sqs" })
        });
        let records = serde_json::from_value(records.collect()).expect("the queue's messages");
        let expected = [
            ("1".to_owned(), Waiting::Message(Box::new(message))),
            ("2".to_owned(), Waiting::Notice(Box::new(notice("two")))),
            ("3".to_owned(), Waiting::Unreadable),
        ];
        assert_eq!(read(records), expected);
    }
}
