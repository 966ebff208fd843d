//! Whoever takes messages: SNS topics, webhooks, and Datadog.
//!
//! Messages come ready from the core. Here is only how each is handed over, and what became of that:
//! taken, or an error that says whether it was too much, lost or refused. Whatever the error, the
//! message goes onto a queue, comes again from there, and is in the end given up to the dead-letter
//! queue; so no address is tried twice here, and nothing waits.

mod keys;
mod post;
mod requests;
mod retries;
mod topics;

#[cfg(test)]
mod listener;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use funade::facts::message::{Destination, Message};
use funade::facts::names::Region;
use funade::facts::parameter::SecretName;
use funade::world::{CallError, CallProblem, Messenger, World};
use http::{Request, Uri};

use self::keys::{Key, Keys};
use self::post::post;
use crate::world::AwsWorld;

/// How long an address that is no AWS has for taking a message, all in all. Datadog and what else is
/// made for this answer within a second; a dead one must not use up the time of the notices that wait
/// behind this one.
const POST_TIMEOUT: Duration = Duration::from_secs(5);

/// What sending keeps from one message to the next. All of it is made when first needed.
#[derive(Debug)]
pub(crate) struct Outgoing {
    topics: Mutex<BTreeMap<Region, aws_sdk_sns::Client>>,
    keys: Keys,
    connector: OnceLock<Connector>,
    post_timeout: Duration,
}

impl Default for Outgoing {
    fn default() -> Self {
        Self {
            topics: Mutex::default(),
            keys: Keys::default(),
            connector: OnceLock::new(),
            post_timeout: POST_TIMEOUT,
        }
    }
}

impl Messenger for AwsWorld {
    async fn send(&self, message: &Message) -> Result<(), CallError> {
        match &message.to {
            Destination::Topic(arn) => topics::publish(self, arn, message).await,
            Destination::Webhook { url, key: secret } => {
                let key = keys::read(self, secret).await?;
                let request = requests::webhook(url, &key, message, self.now());
                deliver(self, message, url, (secret, &key), request).await
            }
            Destination::Datadog { url, call, key: secret } => {
                let key = keys::read(self, secret).await?;
                let request = requests::datadog(url, *call, &key, message);
                deliver(self, message, url, (secret, &key), request).await
            }
        }
    }

    async fn send_later(&self, message: &Message) -> Result<(), CallError> {
        retries::put(self, message).await
    }
}

async fn deliver(
    world: &AwsWorld,
    message: &Message,
    url: &str,
    (secret, key): (&SecretName, &Key),
    request: Result<Request<String>, http::Error>,
) -> Result<(), CallError> {
    let sent = match request {
        Ok(request) => post(&world.outgoing, request, key).await,
        // The library's words do not repeat what it could not use, which may be the key.
        Err(error) => Err((CallProblem::Refused, error.to_string())),
    };
    let Err((problem, why)) = sent else { return Ok(()) };
    if problem == CallProblem::Refused {
        // Perhaps the key was replaced since it was read.
        world.outgoing.keys.forget(secret);
    }
    let subject = format!("{} to {}", message.notice, host(url));
    Err(CallError { operation: "POST", subject, problem, source: Some(why.into()) })
}

/// What may be told of an address: some have a token in their path, or a password before the host.
fn host(url: &str) -> String {
    let uri = url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(|uri| Some((uri.host()?, uri.port_u16())));
    match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host.to_owned(),
        None => "an address that is none".to_owned(),
    }
}
