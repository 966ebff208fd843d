//! All ports on AWS together.

use std::sync::OnceLock;

use funade::world::World;
use jiff::{SignedDuration, Timestamp};

use crate::clients::Clients;
use crate::messenger::Outgoing;
use crate::settings::Settings;

/// AWS.
#[derive(Debug)]
pub struct AwsWorld {
    clients: Clients,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    sqs: OnceLock<aws_sdk_sqs::Client>,
    pub(crate) outgoing: Outgoing,
}

impl AwsWorld {
    /// For a function: its own credentials.
    #[must_use]
    pub fn of_function(settings: Settings) -> Self {
        Self::new(Clients::of_function(settings))
    }

    /// For an operator: the credentials that the AWS tools would use.
    pub async fn of_operator(settings: Settings) -> Self {
        Self::new(Clients::of_operator(settings).await)
    }

    pub(crate) fn new(clients: Clients) -> Self {
        let (sqs, outgoing) = (OnceLock::new(), Outgoing::default());
        Self { dynamodb: clients.dynamodb(), sqs, outgoing, clients }
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Made when first needed: a function is ready the sooner, and many a pass sends nothing.
    pub(crate) fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.sqs.get_or_init(|| self.clients.sqs())
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.clients.settings()
    }
}

impl World for AwsWorld {
    type Ledger = Self;
    type Ecs = Self;
    type Ecr = Self;
    type ParameterStore = Self;
    type SecretsManager = Self;
    type Alarms = Self;
    type Queue = Self;
    type Messenger = Self;

    fn ledger(&self) -> &Self {
        self
    }

    fn ecs(&self) -> &Self {
        self
    }

    fn ecr(&self) -> &Self {
        self
    }

    fn parameter_store(&self) -> &Self {
        self
    }

    fn secrets_manager(&self) -> &Self {
        self
    }

    fn alarms(&self) -> &Self {
        self
    }

    fn queue(&self) -> &Self {
        self
    }

    fn messenger(&self) -> &Self {
        self
    }

    #[expect(clippy::disallowed_methods, reason = "this is where calls are paced")]
    async fn pause(&self, duration: SignedDuration) {
        tokio::time::sleep(duration.unsigned_abs()).await;
    }

    #[expect(clippy::disallowed_methods, reason = "this is where time comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
