//! Credentials of the member role in another account.
//!
//! Not `aws_config`'s `AssumeRoleProvider`: that brings the whole chain of an operator's providers
//! into the functions, half a megabyte of single sign-on and instance metadata.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};

/// The name that member accounts see in their audit trail.
const SESSION_NAME: &str = "funade";

/// Assumes a role. The client's identity cache calls it again before the credentials expire.
#[derive(Debug)]
pub(crate) struct MemberRole {
    sts: aws_sdk_sts::Client,
    role_arn: String,
}

impl MemberRole {
    pub(crate) fn new(sts: aws_sdk_sts::Client, role_arn: String) -> Self {
        Self { sts, role_arn }
    }

    async fn assume(&self) -> Result {
        let assumed = self
            .sts
            .assume_role()
            .role_arn(&self.role_arn)
            .role_session_name(SESSION_NAME)
            .send()
            .await
            .map_err(CredentialsError::provider_error)?;
        let given = assumed
            .credentials
            .ok_or_else(|| CredentialsError::unhandled("AssumeRole gave no credentials"))?;
        let expires =
            SystemTime::try_from(given.expiration).map_err(CredentialsError::unhandled)?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(expires),
            "MemberRole",
        ))
    }
}

impl ProvideCredentials for MemberRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
