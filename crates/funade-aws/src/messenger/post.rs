//! One request to an address that is no AWS, and what became of it. Redirects are not followed: the
//! key is for the address in the configuration, and for no other.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use funade::world::CallProblem;
use http::{Request, StatusCode};

use super::Outgoing;
use super::keys::Key;
use crate::errors::chain;
use crate::http_client::connector;

/// How long connecting may take, with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Letters of an answer that are told: as many as say what is wrong, and no page of HTML.
const TOLD_MAX: usize = 200;

/// Bytes of an answer that are read. A key is taken out of these before they are cut to what is told.
const READ_MAX: usize = 4096;

/// What went wrong, and what is told of it.
pub(super) type Failure = (CallProblem, String);

/// Sends a request. Any answer from 200 to 299 means that it was taken.
pub(super) async fn post(
    outgoing: &Outgoing,
    request: Request<String>,
    key: &Key,
) -> Result<(), Failure> {
    // Nothing would be sent, and that not for want of an answer.
    if request.uri().host().is_none() {
        return Err((CallProblem::Refused, "it has no scheme and host".to_owned()));
    }
    let connector = outgoing.connector.get_or_init(|| connector(CONNECT_TIMEOUT));
    let request = HttpRequest::try_from(request.map(SdkBody::from))
        .map_err(|error| (CallProblem::Refused, chain(&error)))?;
    let call = async {
        let response = connector.call(request).await;
        let response = response.map_err(|error| (CallProblem::NoAnswer, chain(&error)))?;
        // What else a server says that took it, nobody waits for.
        if response.status().is_success() { Ok(()) } else { Err(refused(response, key).await) }
    };
    let limit = outgoing.post_timeout;
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        Err((CallProblem::NoAnswer, format!("it did not answer within {limit:?}")))
    })
}

/// What an answer says that is no success: its status, when to try again, and how it begins.
async fn refused(response: HttpResponse, key: &Key) -> Failure {
    let status = response.status();
    let problem = match status.as_u16() {
        429 => CallProblem::Throttled,
        _ if status.is_server_error() => CallProblem::NoAnswer,
        _ => CallProblem::Refused,
    };
    let code = StatusCode::from_u16(status.as_u16());
    let mut why = code.map_or_else(|_| status.to_string(), |code| code.to_string());
    if let Some(Ok(retry_after)) = response.headers().try_get("retry-after") {
        why = format!("{why}, Retry-After {}", told(retry_after, key));
    }
    let text = told(&beginning(response.into_body()).await, key);
    (problem, if text.is_empty() { why } else { format!("{why}: {text}") })
}

/// The first bytes of an answer. One that breaks off is told as far as it came.
async fn beginning(body: SdkBody) -> String {
    let (mut body, mut read) = (ByteStream::new(body), Vec::new());
    while read.len() < READ_MAX {
        let Some(Ok(bytes)) = body.next().await else { break };
        read.extend_from_slice(&bytes);
    }
    read.truncate(READ_MAX);
    String::from_utf8_lossy(&read).into_owned()
}

/// Text from outside as one short line, without the key.
fn told(text: &str, key: &Key) -> String {
    let concealed = key.conceal(text);
    let words = concealed.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(TOLD_MAX).collect()
}
