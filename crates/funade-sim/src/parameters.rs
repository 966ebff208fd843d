//! A simulated Parameter Store and Secrets Manager.
//!
//! Pages have ten parameters, and a token names the last one read, so that what is written or
//! deleted between two pages shows or not as it does in AWS.

use std::collections::BTreeMap;

use funade::facts::names::Place;
use funade::facts::parameter::{
    CurrentSecret, Parameter, ParameterName, ParameterPath, ParameterValue, SecretName,
};
use funade::world::{CallError, ParameterPage, ParameterStore, SecretsManager};
use jiff::Timestamp;

use crate::buckets::Bucket;
use crate::state::Sim;

/// The most that AWS gives in a page.
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html>
const PAGE_SIZE: usize = 10;

/// What marks the token that leads from an empty page to the full one.
const EMPTY: char = '~';

/// Everything in every account and region.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    parameters: BTreeMap<Place, BTreeMap<ParameterName, Parameter>>,
    secrets: BTreeMap<(Place, SecretName), CurrentSecret>,
    /// Whether every page comes after an empty one with a token.
    empty_pages: bool,
    /// Whether a page names itself as the next.
    stuck: bool,
    /// What somebody deletes just before the next call of this operation.
    doomed: Option<(&'static str, Place, ParameterName)>,
    versions_made: u64,
}

impl Sim {
    /// Writes a parameter: a new one, or another version.
    pub fn put_parameter(&self, place: &Place, name: &ParameterName, value: ParameterValue) {
        let state = &mut *self.state_mut();
        state.stores.put(place, name, value, state.now);
    }

    /// Deletes a parameter.
    pub fn delete_parameter(&self, place: &Place, name: &ParameterName) {
        if let Some(there) = self.state_mut().stores.parameters.get_mut(place) {
            there.remove(name);
        }
    }

    /// Somebody deletes a parameter just before the next call of this operation.
    pub fn delete_parameter_before(
        &self,
        operation: &'static str,
        place: &Place,
        name: &ParameterName,
    ) {
        self.state_mut().stores.doomed = Some((operation, place.clone(), name.clone()));
    }

    /// Makes another version of a secret the current one.
    pub fn put_secret(&self, place: &Place, secret: &SecretName) {
        let stores = &mut self.state_mut().stores;
        stores.versions_made += 1;
        let Place { account, region } = place;
        let current = CurrentSecret {
            arn: format!("arn:aws:secretsmanager:{region}:{account}:secret:{secret}-AbCdEf"),
            version: format!("version-{}", stores.versions_made),
        };
        stores.secrets.insert((place.clone(), secret.clone()), current);
    }

    /// Lets every page of parameters come after an empty one that has a token.
    pub fn set_empty_pages(&self, empty_pages: bool) {
        self.state_mut().stores.empty_pages = empty_pages;
    }

    /// Lets every page of parameters name itself as the next.
    pub fn set_stuck_pages(&self, stuck: bool) {
        self.state_mut().stores.stuck = stuck;
    }
}

impl Stores {
    /// The parameters below a path, and when each was written.
    pub(crate) fn below<'a>(
        &'a self,
        place: &Place,
        path: &'a ParameterPath,
    ) -> impl Iterator<Item = (&'a ParameterName, Timestamp)> {
        self.found(place, path).map(|parameter| (&parameter.name, parameter.written_at))
    }

    /// The parameters below a path, and what each says.
    pub(crate) fn values_below<'a>(
        &'a self,
        place: &Place,
        path: &'a ParameterPath,
    ) -> impl Iterator<Item = (&'a ParameterName, &'a ParameterValue)> {
        self.found(place, path).map(|parameter| (&parameter.name, &parameter.value))
    }

    fn found<'a>(
        &'a self,
        place: &Place,
        path: &'a ParameterPath,
    ) -> impl Iterator<Item = &'a Parameter> {
        let there = self.parameters.get(place).into_iter().flat_map(BTreeMap::values);
        there.filter(|parameter| path.below(&parameter.name).is_some())
    }

    /// Carries out what somebody does just before this call.
    pub(crate) fn meanwhile(&mut self, operation: &'static str) {
        if let Some((_, place, name)) = self.doomed.take_if(|(before, ..)| *before == operation)
            && let Some(there) = self.parameters.get_mut(&place)
        {
            there.remove(&name);
        }
    }

    fn put(&mut self, place: &Place, name: &ParameterName, value: ParameterValue, now: Timestamp) {
        let there = self.parameters.entry(place.clone()).or_default();
        let version = there.get(name).map_or(1, |before| before.version + 1);
        let slash = if name.as_str().starts_with('/') { "" } else { "/" };
        let Place { account, region } = place;
        let parameter = Parameter {
            name: name.clone(),
            arn: format!("arn:aws:ssm:{region}:{account}:parameter{slash}{name}"),
            version,
            written_at: Timestamp::from_second(now.as_second()).expect("a whole second"),
            value,
        };
        there.insert(name.clone(), parameter);
    }

    fn page(&self, place: &Place, path: &ParameterPath, next: Option<&str>) -> ParameterPage {
        let (after, empty_before) = match next {
            None => (None, self.empty_pages),
            Some(token) => match token.strip_prefix(EMPTY) {
                Some(after) => (Some(after), false),
                None => (Some(token), self.empty_pages),
            },
        };
        if self.stuck || empty_before {
            let token = format!("{EMPTY}{}", after.unwrap_or_default());
            return ParameterPage { parameters: Vec::new(), next: Some(token) };
        }
        let there = self.parameters.get(place).into_iter().flat_map(BTreeMap::values);
        let mut rest = there.filter(|parameter| {
            path.below(&parameter.name).is_some()
                && after.is_none_or(|after| parameter.name.as_str() > after)
        });
        let parameters: Vec<Parameter> = rest.by_ref().take(PAGE_SIZE).cloned().collect();
        let last = parameters.last().map(|parameter| parameter.name.to_string());
        let next = last.filter(|_| rest.next().is_some());
        ParameterPage { parameters, next }
    }
}

impl ParameterStore for Sim {
    async fn page(
        &self,
        place: &Place,
        path: &ParameterPath,
        next: Option<&str>,
    ) -> Result<ParameterPage, CallError> {
        self.call_in(place, "GetParametersByPath", format!("{path} in {place}"), |state| {
            state.may_call(place, Bucket::Parameters)?;
            Ok(state.stores.page(place, path, next))
        })
        .await
    }
}

impl SecretsManager for Sim {
    async fn current(
        &self,
        place: &Place,
        secret: &SecretName,
    ) -> Result<Option<CurrentSecret>, CallError> {
        self.call_in(place, "DescribeSecret", format!("{secret} in {place}"), |state| {
            Ok(state.stores.secrets.get(&(place.clone(), secret.clone())).cloned())
        })
        .await
    }
}
