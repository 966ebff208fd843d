//! When a call that changes the world may be tried again by the SDK: only when AWS said that it
//! did nothing. After a lost response the pass ends, and the next one looks before it acts.

use std::error::Error;
use std::fmt::{self, Debug};
use std::marker::PhantomData;

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::errors::is_throttled;

/// Forbids all retries of an operation with this error but those after throttling.
pub(crate) struct OnlyAfterThrottling<E>(PhantomData<fn() -> E>);

impl<E> OnlyAfterThrottling<E> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E> Debug for OnlyAfterThrottling<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnlyAfterThrottling")
    }
}

impl<E> ClassifyRetry for OnlyAfterThrottling<E>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let Some(Err(error)) = context.output_or_error() else {
            return RetryAction::NoActionIndicated;
        };
        let answer = error.as_operation_error().and_then(|error| error.downcast_ref::<E>());
        if answer.is_some_and(|answer| is_throttled(answer.code(), answer.message())) {
            RetryAction::throttling_error()
        } else {
            RetryAction::RetryForbidden
        }
    }

    fn name(&self) -> &'static str {
        "only after throttling"
    }
}
