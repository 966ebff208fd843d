//! Raw JSON past the typed SDK.
//!
//! The SDK's types know the fields of the day they were generated; whatever ECS has added since
//! would be dropped without a word. So the response of `DescribeTaskDefinition` is read, and the
//! request of `RegisterTaskDefinition` written, as JSON at the SDK's interceptors; retries,
//! signing and time limits stay the SDK's.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

/// Keeps a copy of the response's body.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeepResponse(Arc<Mutex<Vec<u8>>>);

impl KeepResponse {
    /// The last body that passed.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("no holder of the lock panics"))
    }
}

impl Intercept for KeepResponse {
    fn name(&self) -> &'static str {
        "keep the response"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Only now has the orchestrator loaded the body; before, it is a stream.
        let body = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().expect("no holder of the lock panics") = body.to_vec();
        Ok(())
    }
}

/// Sends another body than the one the SDK made.
#[derive(Debug, Clone)]
pub(crate) struct ReplaceRequest(pub(crate) Vec<u8>);

impl Intercept for ReplaceRequest {
    fn name(&self) -> &'static str {
        "replace the request"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("content-length", self.0.len().to_string());
        *request.body_mut() = SdkBody::from(self.0.clone());
        Ok(())
    }
}
