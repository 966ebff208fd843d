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

/// What ECS says when a service has as many deployments under way as it may have: "5 active
/// deployments exist, unable to create new deployment." The code that comes with it is documented
/// nowhere. <https://github.com/aws/containers-roadmap/issues/2836>
const TOO_MANY_DEPLOYMENTS: &str = "active deployments exist";

/// The reason for which DynamoDB cancels a transaction that will never be valid. The reasons stand
/// in the message, in brackets, one for each item.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
const INVALID_TRANSACTION: &str = "ValidationError";

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
        return if mentions_denial(error) {
            CallProblem::NoRole
        } else if never_sent {
            CallProblem::Refused
        } else {
            CallProblem::NoAnswer
        };
    };
    let server_error = error.raw_response().is_some_and(|raw| raw.status().is_server_error());
    problem_in(answer.code(), answer.message(), server_error)
}

/// What an answer says that is no success.
fn problem_in(code: Option<&str>, message: Option<&str>, server_error: bool) -> CallProblem {
    let says = |words: &str| message.is_some_and(|message| message.contains(words));
    match code {
        code if is_throttled(code, message) => CallProblem::Throttled,
        // ECS's own failure has a modelled code and sometimes a status below 500.
        // A token of pages lives for a while only; the next pass begins with the first page.
        // A transaction that is sent again while it is under way may yet succeed.
        Some("ServerException" | "InvalidNextToken" | "TransactionInProgressException") => {
            CallProblem::NoAnswer
        }
        _ if server_error => CallProblem::NoAnswer,
        Some("TransactionCanceledException") if says(INVALID_TRANSACTION) => CallProblem::Refused,
        // The record was written meanwhile, or is being written; the deployment that ECS is to roll
        // back is in another state by now.
        Some(
            "ConditionalCheckFailedException"
            | "TransactionCanceledException"
            | "TransactionConflictException"
            | "ConflictException",
        ) => CallProblem::Conflict,
        _ if is_too_many_deployments(message) => CallProblem::LimitReached,
        _ => CallProblem::Refused,
    }
}

fn is_too_many_deployments(message: Option<&str>) -> bool {
    message.is_some_and(|message| message.to_ascii_lowercase().contains(TOO_MANY_DEPLOYMENTS))
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
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
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

    fn client_error(code: &str, message: &str) -> CallProblem {
        problem_in(Some(code), Some(message), false)
    }

    #[test]
    fn a_limit_of_deployments_is_told_by_its_message() {
        let message = "5 active deployments exist, unable to create new deployment.";
        for code in ["ClientException", "InvalidParameterException", "LimitExceededException"] {
            assert_eq!(client_error(code, message), CallProblem::LimitReached);
            assert_eq!(client_error(code, &message.to_uppercase()), CallProblem::LimitReached);
        }
        assert_eq!(client_error("ThrottlingException", message), CallProblem::Throttled);
        assert_eq!(client_error("ClientException", "Role is not valid"), CallProblem::Refused);
        assert_eq!(problem_in(None, Some(message), true), CallProblem::NoAnswer);
    }

    /// A record and what is written with it are one transaction.
    #[test]
    fn a_transaction_that_came_second_is_a_conflict() {
        let cancelled = |reasons: &str| {
            let message = "Transaction cancelled, please refer cancellation reasons for specific \
                           reasons";
            client_error("TransactionCanceledException", &format!("{message} [{reasons}]"))
        };
        assert_eq!(cancelled("ConditionalCheckFailed, None"), CallProblem::Conflict);
        assert_eq!(cancelled("TransactionConflict, None"), CallProblem::Conflict);
        assert_eq!(cancelled("None, ValidationError"), CallProblem::Refused);
        let single = client_error("TransactionConflictException", "Transaction is ongoing");
        assert_eq!(single, CallProblem::Conflict);
        let again = client_error("TransactionInProgressException", "already in progress");
        assert_eq!(again, CallProblem::NoAnswer);
    }

    #[test]
    fn a_deployment_that_changed_under_us_is_looked_at_again() {
        let message = "The service deployment is in a state that cannot be stopped";
        assert_eq!(client_error("ConflictException", message), CallProblem::Conflict);
    }
}
