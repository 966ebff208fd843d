//! The HTTP client that all SDK clients share, and one for addresses that are no AWS.
//!
//! For each SDK client that is made the SDK builds a connection pool, with every authority of the
//! system parsed anew, and throws it away: only so that the authorities are read before the first
//! call. Once is enough.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;

pub(crate) fn http_client() -> SharedHttpClient {
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    SharedHttpClient::new(ReadOnce { client, is_read: AtomicBool::new(false) })
}

/// For what is no AWS: the same HTTP and TLS, so that the functions carry one of each.
pub(crate) fn connector(connect_timeout: Duration) -> Connector {
    let settings = HttpConnectorSettings::builder().connect_timeout(connect_timeout).build();
    Connector::builder()
        .connector_settings(settings)
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build()
}

/// A client that reads the system's authorities when the first SDK client is made.
#[derive(Debug)]
struct ReadOnce {
    client: SharedHttpClient,
    is_read: AtomicBool,
}

impl HttpClient for ReadOnce {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.client.http_connector(settings, components)
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        if self.is_read.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.client.validate_base_client_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.client.connector_metadata()
    }
}
