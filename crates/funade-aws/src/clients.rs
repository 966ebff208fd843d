//! One set of SDK clients for each account and region, made when first needed.
//!
//! The hub's own account is called with the function's credentials, every other one with the
//! member role, whose credentials are shared by all clients of the place.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_async::time::SystemTimeSource;
use funade::facts::names::{Place, Region};

use crate::http_client::http_client;
use crate::member_role::MemberRole;
use crate::settings::Settings;

/// How long one attempt of a call may take. The SDK sets no limit of its own. AWS answers within
/// a second or two even when slow; a function must not spend its whole time on one dead
/// connection.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a call may take with its retries. `image-push` makes three that wait for each other, and
/// has 30 seconds.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Attempts of a call that may be repeated. The queue brings the whole pass again after that.
const ATTEMPTS_MAX: u32 = 3;

/// Clients of one account and region.
#[derive(Debug, Clone)]
pub(crate) struct PlaceClients {
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) ecr: aws_sdk_ecr::Client,
    pub(crate) secretsmanager: aws_sdk_secretsmanager::Client,
    pub(crate) ssm: aws_sdk_ssm::Client,
}

/// All clients.
#[derive(Debug)]
pub(crate) struct Clients {
    hub: SdkConfig,
    settings: Settings,
    places: Mutex<BTreeMap<Place, PlaceClients>>,
}

impl Clients {
    /// For a function: credentials from its environment, as Lambda gives them. The SDK's long
    /// chain of providers is left out, which also keeps it out of the binary.
    pub(crate) fn of_function(settings: Settings) -> Self {
        let credentials =
            SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new());
        Self::new(settings, credentials)
    }

    /// For an operator: whatever the AWS tools would use.
    pub(crate) async fn of_operator(settings: Settings) -> Self {
        let region = aws_config::Region::new(settings.region.to_string());
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            .region(region)
            .load()
            .await;
        let credentials = config.credentials_provider().unwrap_or_else(|| {
            SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
        });
        Self::new(settings, credentials)
    }

    pub(crate) fn new(settings: Settings, credentials: SharedCredentialsProvider) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(OPERATION_TIMEOUT)
            .build();
        let mut hub = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_config::Region::new(settings.region.to_string()))
            .credentials_provider(credentials)
            .identity_cache(IdentityCache::lazy().build())
            .http_client(http_client())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .timeout_config(timeouts)
            .time_source(SystemTimeSource::new());
        hub.set_sleep_impl(default_async_sleep());
        hub.set_endpoint_url(settings.endpoint_url.clone());
        Self { hub: hub.build(), settings, places: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.hub)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.hub)
    }

    /// For the hub's own buckets. A local stack has no name of its own for each.
    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.hub);
        let local = self.settings.endpoint_url.is_some();
        aws_sdk_s3::Client::from_conf(config.force_path_style(local).build())
    }

    /// For the hub's own account, or whoever lets it, in any region.
    pub(crate) fn sns(&self, region: &Region) -> aws_sdk_sns::Client {
        let region = aws_config::Region::new(region.to_string());
        aws_sdk_sns::Client::new(&self.hub.to_builder().region(region).build())
    }

    /// The clients of an account and region.
    pub(crate) fn of(&self, place: &Place) -> PlaceClients {
        let known = self.places.lock().expect("no holder of the lock panics").get(place).cloned();
        if let Some(clients) = known {
            return clients;
        }
        let config = self.config_of(place);
        let clients = PlaceClients {
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            ecr: aws_sdk_ecr::Client::new(&config),
            secretsmanager: aws_sdk_secretsmanager::Client::new(&config),
            ssm: aws_sdk_ssm::Client::new(&config),
        };
        // Two passes may make them at once; both then use the first.
        let mut places = self.places.lock().expect("no holder of the lock panics");
        places.entry(place.clone()).or_insert(clients).clone()
    }

    fn config_of(&self, place: &Place) -> SdkConfig {
        let region = aws_config::Region::new(place.region.to_string());
        let config = self.hub.to_builder().region(region);
        if place.account == self.settings.account {
            return config.build();
        }
        let partition = partition(self.settings.region.as_str());
        let role = &self.settings.member_role;
        let provider = MemberRole::new(
            // Asked in the hub's region: a token of a region that the hub's account has not
            // enabled would be refused, and one of the hub's is good everywhere.
            aws_sdk_sts::Client::new(&self.hub),
            format!("arn:{partition}:iam::{}:role/{role}", place.account),
        );
        config
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(IdentityCache::lazy().build())
            .build()
    }
}

/// Roles are assumed within a partition, so the hub's region tells.
fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("eusc") => "aws-eusc",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        Some(_) | None => "aws",
    }
}
