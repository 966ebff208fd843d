//! SNS topics: the hub's own, or others' that let it publish.

use aws_sdk_sns::types::MessageAttributeValue;
use funade::facts::message::Message;
use funade::facts::names::Region;
use funade::world::{CallError, CallProblem};

use crate::errors::call_error;
use crate::world::AwsWorld;

/// Publishes a message, in the topic's region. Subscriptions can filter by its attributes:
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html>.
pub(super) async fn publish(
    world: &AwsWorld,
    arn: &str,
    message: &Message,
) -> Result<(), CallError> {
    let subject = format!("{} to {arn}", message.notice);
    let Some(region) = region(arn) else {
        return Err(CallError {
            operation: "Publish",
            subject,
            problem: CallProblem::Refused,
            source: Some("this is no topic's ARN".into()),
        });
    };
    client(world, &region)
        .publish()
        .topic_arn(arn)
        // Only what people read has one; an empty one would be refused.
        .set_subject(Some(message.subject.clone()).filter(|subject| !subject.is_empty()))
        .message(&message.body)
        .message_attributes("funade-id", text(&message.notice))
        .message_attributes("kind", text(message.kind.as_str()))
        .message_attributes("severity", text(message.severity.to_string()))
        .send()
        .await
        .map_err(|error| call_error("Publish", subject, &error))?;
    Ok(())
}

fn client(world: &AwsWorld, region: &Region) -> aws_sdk_sns::Client {
    let mut topics = world.outgoing.topics.lock().expect("no holder of the lock panics");
    topics.entry(region.clone()).or_insert_with(|| world.clients().sns(region)).clone()
}

/// `arn:aws:sns:REGION:ACCOUNT:NAME`
fn region(arn: &str) -> Option<Region> {
    let mut parts = arn.split(':').skip(2);
    let (service, region) = (parts.next()?, parts.next()?);
    let region = Region::parse(region).ok()?;
    (service == "sns" && parts.count() == 2).then_some(region)
}

fn text(value: impl Into<String>) -> MessageAttributeValue {
    let attribute = MessageAttributeValue::builder().data_type("String").string_value(value);
    attribute.build().expect("a type is all that is required")
}
