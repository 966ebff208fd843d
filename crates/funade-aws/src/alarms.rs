//! `CloudWatch`'s alarms.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use funade::facts::ecs::AlarmState;
use funade::facts::names::{AlarmName, Place};
use funade::world::{Alarms, CallError};
use futures_util::future::try_join_all;

use crate::errors::call_error;
use crate::world::AwsWorld;

/// Names in one `DescribeAlarms`, and alarms in its answer, which has 50 unless asked for more.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
const NAMES_MAX: usize = 100;

impl Alarms for AwsWorld {
    async fn alarm_states(
        &self,
        place: &Place,
        names: &[AlarmName],
    ) -> Result<BTreeMap<AlarmName, AlarmState>, CallError> {
        let batches = names.chunks(NAMES_MAX).map(|batch| describe(self, place, batch));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }
}

async fn describe(
    world: &AwsWorld,
    place: &Place,
    names: &[AlarmName],
) -> Result<Vec<(AlarmName, AlarmState)>, CallError> {
    let mut pages = world
        .clients()
        .of(place)
        .cloudwatch
        .describe_alarms()
        .set_alarm_names(Some(names.iter().map(ToString::to_string).collect()))
        // Composite alarms are left out unless they are asked for.
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm)
        .max_records(i32::try_from(NAMES_MAX).expect("a hundred"))
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let subject = || format!("{} alarms in {place}", names.len());
        let page = page.map_err(|error| call_error("DescribeAlarms", subject(), &error))?;
        let metric = page.metric_alarms().iter().map(|one| (one.alarm_name(), one.state_value()));
        let composite =
            page.composite_alarms().iter().map(|one| (one.alarm_name(), one.state_value()));
        found.extend(metric.chain(composite).filter_map(|(name, value)| read(name?, value)));
    }
    Ok(found)
}

/// An alarm that lacks data is not raised: most have none until something goes wrong.
fn read(name: &str, value: Option<&StateValue>) -> Option<(AlarmName, AlarmState)> {
    let state = match value {
        Some(StateValue::Alarm) => AlarmState::Raised,
        Some(_) | None => AlarmState::Quiet,
    };
    Some((AlarmName::parse(name).ok()?, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_alarm_in_alarm_is_raised() {
        let check = |value: &str, expected| {
            let (name, state) = read("acme-5xx", Some(&value.into())).expect("well-formed");
            assert_eq!((name.as_str(), state), ("acme-5xx", expected));
        };
        check("ALARM", AlarmState::Raised);
        check("OK", AlarmState::Quiet);
        check("INSUFFICIENT_DATA", AlarmState::Quiet);
    }
}
