//! Parameter Store and Secrets Manager. Nothing is ever decrypted, and no secret's value asked for.

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_ssm::types::{Parameter as SdkParameter, ParameterType};
use funade::facts::names::Place;
use funade::facts::parameter::{
    CurrentSecret, Parameter, ParameterName, ParameterPath, ParameterValue, SecretName,
};
use funade::world::{CallError, CallProblem, ParameterPage, ParameterStore, SecretsManager};
use jiff::Timestamp;

use crate::errors::call_error;
use crate::world::AwsWorld;

/// Parameters in a page: the most that is allowed.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html>
const PAGE_SIZE: i32 = 10;

/// The label of the version that tasks get.
const CURRENT: &str = "AWSCURRENT";

impl ParameterStore for AwsWorld {
    async fn page(
        &self,
        place: &Place,
        path: &ParameterPath,
        next: Option<&str>,
    ) -> Result<ParameterPage, CallError> {
        let subject = format!("{path} in {place}");
        let output = self
            .clients()
            .of(place)
            .ssm
            .get_parameters_by_path()
            .path(path.as_str())
            .recursive(true)
            .with_decryption(false)
            .max_results(PAGE_SIZE)
            .set_next_token(next.map(str::to_owned))
            .send()
            .await
            .map_err(|error| call_error("GetParametersByPath", &subject, &error))?;
        let parameters = output.parameters.unwrap_or_default().into_iter();
        let parameters = parameters.map(|parameter| {
            let name = parameter.name.clone().unwrap_or_default();
            read(parameter).map_err(|why| CallError {
                operation: "GetParametersByPath",
                subject: subject.clone(),
                problem: CallProblem::Refused,
                source: Some(format!("{name}: {why}").into()),
            })
        });
        let next = output.next_token.filter(|token| !token.is_empty());
        Ok(ParameterPage { parameters: parameters.collect::<Result<_, _>>()?, next })
    }
}

/// Takes what a deployer needs. What comes as a `SecureString`'s value is its ciphertext, and is
/// dropped here.
fn read(parameter: SdkParameter) -> Result<Parameter, String> {
    let SdkParameter { name, r#type, value, version, arn, last_modified_date, .. } = parameter;
    let value = match r#type {
        Some(ParameterType::SecureString) => ParameterValue::Secure,
        Some(ParameterType::String | ParameterType::StringList) => {
            ParameterValue::Plain(value.ok_or("it has no value")?)
        }
        other => return Err(format!("this version of Funade does not know its type {other:?}")),
    };
    let written_at = last_modified_date.map_or(0, |at| at.secs());
    Ok(Parameter {
        name: ParameterName::parse(name.unwrap_or_default()).map_err(|bad| bad.to_string())?,
        arn: arn.ok_or("it has no ARN")?,
        version: u64::try_from(version).map_err(|bad| bad.to_string())?,
        written_at: Timestamp::from_second(written_at).map_err(|bad| bad.to_string())?,
        value,
    })
}

impl SecretsManager for AwsWorld {
    async fn current(
        &self,
        place: &Place,
        secret: &SecretName,
    ) -> Result<Option<CurrentSecret>, CallError> {
        let described = self
            .clients()
            .of(place)
            .secretsmanager
            .describe_secret()
            .secret_id(secret.as_str())
            .send()
            .await;
        let output = match described {
            Ok(output) => output,
            Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(None),
            Err(error) => {
                return Err(call_error("DescribeSecret", format!("{secret} in {place}"), &error));
            }
        };
        // One that is to be deleted is still described, and tasks cannot read it any more.
        if output.deleted_date.is_some() {
            return Ok(None);
        }
        let versions = output.version_ids_to_stages.unwrap_or_default();
        let mut current =
            versions.into_iter().filter(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
        let version = current.next().map(|(version, _)| version);
        Ok(output.arn.zip(version).map(|(arn, version)| CurrentSecret { arn, version }))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::primitives::DateTime;

    use super::*;

    fn parameter(kind: ParameterType) -> SdkParameter {
        SdkParameter::builder()
            .name("/acme/order-api/KEY")
            .r#type(kind)
            .value("what it says")
            .version(3)
            .arn("arn:aws:ssm:ap-northeast-1:222222222222:parameter/acme/order-api/KEY")
            .last_modified_date(DateTime::from_secs(1_795_330_000))
            .build()
    }

    /// Row 50: a secret's value in a log. What comes of it, encrypted or not, is dropped at once.
    #[test]
    fn nothing_of_a_secure_strings_value_is_kept() {
        let secure = read(parameter(ParameterType::SecureString)).expect("it is complete");
        assert_eq!(secure.value, ParameterValue::Secure);
        assert!(!format!("{secure:?}").contains("what it says"));
        for kind in [ParameterType::String, ParameterType::StringList] {
            let plain = read(parameter(kind)).expect("it is complete");
            assert_eq!(plain.value, ParameterValue::Plain("what it says".to_owned()));
            assert_eq!((plain.version, plain.written_at.as_second()), (3, 1_795_330_000));
        }
    }

    /// A type that AWS adds may be a secret: it is refused, and never taken for text.
    #[test]
    fn a_type_that_we_do_not_know_is_refused() {
        let unknown = parameter(ParameterType::from("TopSecretString"));
        let why = read(unknown).expect_err("refused");
        assert!(why.contains("TopSecretString"), "{why}");
        assert!(read(SdkParameter::builder().name("/a/B").build()).is_err());
    }
}
