//! Parameters and secrets from a file, for work without AWS.
//!
//! The file has what the AWS tools print: `{"Parameters": […]}` of
//! `aws ssm get-parameters-by-path`, `{"SecretList": […]}` of `aws secretsmanager list-secrets`, or
//! both. What stands in it as a `SecureString`'s value is not looked at.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use funade::config::Target;
use funade::facts::parameter::{
    CurrentSecret, Parameter, ParameterName, ParameterValue, SecretName, Stores,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawFile {
    parameters: Option<Vec<RawParameter>>,
    secret_list: Option<Vec<RawSecret>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawParameter {
    name: String,
    r#type: String,
    #[serde(default)]
    value: Option<String>,
    version: u64,
    last_modified_date: Option<Value>,
    #[serde(rename = "ARN")]
    arn: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawSecret {
    name: String,
    #[serde(rename = "ARN")]
    arn: String,
    secret_versions_to_stages: BTreeMap<String, Vec<String>>,
}

/// What a target's paths and secrets hold, by this file.
pub(crate) fn read(target: &Target, file: Value) -> Result<Stores> {
    let raw: RawFile = serde_json::from_value(file)?;
    if raw.parameters.is_none() && raw.secret_list.is_none() {
        bail!(
            "it has neither `Parameters`, as aws ssm get-parameters-by-path prints them, nor \
             `SecretList`, as aws secretsmanager list-secrets does"
        );
    }
    let parameters = raw.parameters.unwrap_or_default().into_iter();
    let parameters: Vec<Parameter> =
        parameters.map(|raw| parameter(target, raw)).collect::<Result<_>>()?;
    let mut stores = Stores::default();
    for read in &target.parameters {
        let below = parameters.iter().filter(|found| read.path.below(&found.name).is_some());
        let below = below.map(|found| (found.name.clone(), found.clone())).collect();
        stores.paths.insert(read.path.clone(), below);
    }
    let secrets = raw.secret_list.unwrap_or_default().into_iter();
    let mut secrets: BTreeMap<SecretName, CurrentSecret> = secrets.filter_map(secret).collect();
    for read in &target.secrets {
        stores.secrets.insert(read.secret.clone(), secrets.remove(&read.secret));
    }
    Ok(stores)
}

fn parameter(target: &Target, raw: RawParameter) -> Result<Parameter> {
    let name = ParameterName::parse(raw.name)?;
    let value = match raw.r#type.as_str() {
        "SecureString" => ParameterValue::Secure,
        "String" | "StringList" => {
            ParameterValue::Plain(raw.value.with_context(|| format!("{name} has no `Value`"))?)
        }
        other => bail!("{name} has the type `{other}`, which is none of Parameter Store's"),
    };
    let place = &target.place;
    let slash = if name.as_str().starts_with('/') { "" } else { "/" };
    let arn = raw.arn.unwrap_or_else(|| {
        format!("arn:aws:ssm:{}:{}:parameter{slash}{name}", place.region, place.account)
    });
    Ok(Parameter {
        arn,
        version: raw.version,
        written_at: moment(raw.last_modified_date),
        value,
        name,
    })
}

/// The AWS tools write seconds since 1970 or ISO 8601, by their settings.
fn moment(raw: Option<Value>) -> Timestamp {
    let moment = raw.and_then(|raw| match raw {
        Value::String(text) => text.parse().ok(),
        #[expect(clippy::cast_possible_truncation, reason = "to the second is what we compare")]
        Value::Number(seconds) => Timestamp::from_second(seconds.as_f64()? as i64).ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    let moment = moment.unwrap_or(Timestamp::UNIX_EPOCH);
    Timestamp::from_second(moment.as_second()).expect("it is one already")
}

fn secret(raw: RawSecret) -> Option<(SecretName, CurrentSecret)> {
    let name = SecretName::parse(raw.name).ok()?;
    let mut versions = raw.secret_versions_to_stages.into_iter();
    let (version, _) = versions.find(|(_, stages)| stages.iter().any(|s| s == "AWSCURRENT"))?;
    Some((name, CurrentSecret { arn: raw.arn, version }))
}
