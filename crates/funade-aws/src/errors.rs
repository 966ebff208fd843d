//! From the SDK's errors to ours: which of them may pass, and which will not.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use funade::world::{CallError, CallProblem};

/// The codes by which AWS says "too fast". Most are not modelled in the SDK: ECS answers
/// `ThrottlingException` whatever the operation.
const THROTTLED: [&str; 7] = [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
];

/// What ECS says, with the code `ClientException`, when two revisions of one family are
/// registered at once. It passes.
const CONCURRENT_REGISTRATION: &str = "Too many concurrent attempts";

/// Whether an answer says that nothing was done because of the load.
pub(crate) fn is_throttled(code: Option<&str>, message: Option<&str>) -> bool {
    code.is_some_and(|code| THROTTLED.contains(&code))
        || message.is_some_and(|message| message.contains(CONCURRENT_REGISTRATION))
}

/// Makes a [`CallError`] of a failed operation on a subject.
pub(crate) fn call_error<E>(
    operation: &'static str,
    subject: impl Into<String>,
    error: &SdkError<E, HttpResponse>,
) -> CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let problem = problem(error);
    let answer = error.as_service_error().and_then(|error| Some((error.code()?, error.message())));
    let source = match answer {
        // The SDK's own words for an answer are "service error"; the answer says more.
        Some((code, Some(message))) => format!("{code}: {message}"),
        Some((code, None)) => code.to_owned(),
        None => chain(error),
    };
    CallError { operation, subject: subject.into(), problem, source: Some(source.into()) }
}

fn problem<E>(error: &SdkError<E, HttpResponse>) -> CallProblem
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let Some(answer) = error.as_service_error() else {
        let never_sent = matches!(error, SdkError::ConstructionFailure(_));
        return if never_sent || mentions_denial(error) {
            CallProblem::Refused
        } else {
            CallProblem::NoAnswer
        };
    };
    let server_error = error.raw_response().is_some_and(|raw| raw.status().is_server_error());
    match answer.code() {
        code if is_throttled(code, answer.message()) => CallProblem::Throttled,
        Some("ConditionalCheckFailedException" | "TransactionCanceledException") => {
            CallProblem::Conflict
        }
        // ECS's own failure has a modelled code and sometimes a status below 500.
        // A token of pages lives for a while only; the next pass begins with the first page.
        Some("ServerException" | "InvalidNextToken") => CallProblem::NoAnswer,
        _ if server_error => CallProblem::NoAnswer,
        _ => CallProblem::Refused,
    }
}

/// A role that may not be assumed fails as a dispatch, before any request is sent, with STS's
/// answer somewhere among the sources.
fn mentions_denial(error: &(dyn Error + 'static)) -> bool {
    let text = chain(error);
    ["AccessDenied", "RegionDisabledException", "InvalidClientTokenId"]
        .into_iter()
        .any(|code| text.contains(code))
}

/// An error with all its sources in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row 21: a code that is no throttling code, told by its message.
    #[test]
    fn concurrent_registrations_of_a_family_are_throttling() {
        let message = "Too many concurrent attempts to create a new revision of the specified \
                       family.";
        assert!(is_throttled(Some("ClientException"), Some(message)));
        assert!(!is_throttled(Some("ClientException"), Some("Role is not valid")));
        assert!(is_throttled(Some("ThrottlingException"), None));
    }
}
