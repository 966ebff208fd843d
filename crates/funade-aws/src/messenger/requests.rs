//! The requests that hand messages to addresses that are no AWS.

use funade::facts::message::{DatadogCall, Message};
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::request::Builder;
use http::{HeaderValue, Request};
use jiff::Timestamp;
use sha2::Sha256;

use super::keys::Key;

/// The notice's id, the same for whatever comes twice.
const ID: &str = "Funade-Id";

/// When the request was made, in seconds of Unix time, so that an old one is not taken again.
const TIMESTAMP: &str = "Funade-Timestamp";

/// `v1=` and the signature; a later form would stand beside it.
const SIGNATURE: &str = "Funade-Signature";

/// Datadog's header for its key.
/// <https://docs.datadoghq.com/api/latest/authentication/>
const DATADOG_KEY: &str = "DD-API-KEY";

/// A request whose body nobody can change, or send at another time, without the key.
pub(super) fn webhook(
    url: &str,
    key: &Key,
    message: &Message,
    now: Timestamp,
) -> Result<Request<String>, http::Error> {
    let (seconds, body) = (now.as_second(), &message.body);
    let signature = signature(key, &format!("{seconds}.{body}"));
    json(url)
        .header(ID, &message.notice)
        .header(TIMESTAMP, seconds)
        .header(SIGNATURE, format!("v1={signature}"))
        .body(body.clone())
}

/// A request to Datadog's API.
/// <https://docs.datadoghq.com/api/latest/events/post-an-event/>
/// <https://docs.datadoghq.com/api/latest/dora-metrics/send-a-deployment-event/>
pub(super) fn datadog(
    url: &str,
    call: DatadogCall,
    key: &Key,
    message: &Message,
) -> Result<Request<String>, http::Error> {
    let path = match call {
        DatadogCall::Event => "/api/v1/events",
        DatadogCall::Deployment => "/api/v2/dora/deployment",
    };
    let mut value = HeaderValue::from_str(key.expose())?;
    value.set_sensitive(true);
    json(&format!("{}{path}", url.trim_end_matches('/')))
        .header(DATADOG_KEY, value)
        .body(message.body.clone())
}

fn json(url: &str) -> Builder {
    Request::post(url).header(CONTENT_TYPE, "application/json").header(USER_AGENT, "funade")
}

/// HMAC-SHA-256 in hexadecimal digits.
fn signature(key: &Key, text: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()).expect("a key may have any length");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
