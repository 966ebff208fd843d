//! The keys of webhooks and of Datadog.
//!
//! These are the one exception to the rule that no secret's value is read: they are Funade's own, of
//! the hub's account, and no target's. Only the function `notify` has the right to, and only for the
//! secrets whose names the template's parameter `NoticeKeys` gives. Invariant: a value leaves this
//! module only for a request's signature or header, and shows in no log and no error.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use funade::facts::names::Place;
use funade::facts::parameter::SecretName;
use funade::world::{CallError, CallProblem, World};
use jiff::{SignedDuration, Timestamp};

use crate::errors::call_error;
use crate::world::AwsWorld;

/// How long a key is used without being read again: a rollout's notices are one read, and a key that
/// was replaced is in use within minutes.
const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// A secret's value: all of its text, as it is.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key(String);

impl Key {
    /// The value itself, for a signature or a header.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// A text from outside without the value: some repeat what they were sent.
    pub(super) fn conceal(&self, text: &str) -> String {
        text.replace(&self.0, "(the key)")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(not shown)")
    }
}

/// The keys that were read lately, and when.
#[derive(Debug, Default)]
pub(super) struct Keys(Mutex<BTreeMap<SecretName, (Timestamp, Key)>>);

impl Keys {
    /// Has the key read anew when it is next needed.
    pub(super) fn forget(&self, secret: &SecretName) {
        self.0.lock().expect("no holder of the lock panics").remove(secret);
    }

    fn known(&self, secret: &SecretName, now: Timestamp) -> Option<Key> {
        let keys = self.0.lock().expect("no holder of the lock panics");
        let (read_at, key) = keys.get(secret)?;
        (now.duration_since(*read_at) < KEPT).then(|| key.clone())
    }

    fn keep(&self, secret: &SecretName, now: Timestamp, key: Key) {
        let mut keys = self.0.lock().expect("no holder of the lock panics");
        keys.insert(secret.clone(), (now, key));
    }
}

/// The current value of a secret in the hub's account and region, at most five minutes old.
pub(super) async fn read(world: &AwsWorld, secret: &SecretName) -> Result<Key, CallError> {
    let now = world.now();
    if let Some(key) = world.outgoing.keys.known(secret, now) {
        return Ok(key);
    }
    let settings = world.settings();
    let hub = Place { account: settings.account.clone(), region: settings.region.clone() };
    let output = world
        .clients()
        .of(&hub)
        .secretsmanager
        .get_secret_value()
        .secret_id(secret.as_str())
        .send()
        .await
        .map_err(|error| call_error("GetSecretValue", secret.as_str(), &error))?;
    let text = output.secret_string.filter(|text| !text.is_empty());
    // Without a key a signature would be worth nothing, and Datadog would take nothing.
    let key = text.map(Key).ok_or_else(|| CallError {
        operation: "GetSecretValue",
        subject: secret.to_string(),
        problem: CallProblem::Refused,
        source: Some("the secret has no text: store the key as text, and nothing else".into()),
    })?;
    world.outgoing.keys.keep(secret, now, key.clone());
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_used_for_five_minutes_and_then_read_again() {
        let (keys, secret) = (Keys::default(), SecretName::parse("hook").expect("well-formed"));
        let read_at = Timestamp::from_second(1_795_330_000).expect("in range");
        let after = |seconds| read_at + SignedDuration::from_secs(seconds);
        assert_eq!(keys.known(&secret, read_at), None);
        keys.keep(&secret, read_at, Key("tell-nobody".to_owned()));
        assert!(keys.known(&secret, after(299)).is_some());
        assert_eq!(keys.known(&secret, after(300)), None);
        assert!(!format!("{keys:?}").contains("tell-nobody"));
        keys.forget(&secret);
        assert_eq!(keys.known(&secret, read_at), None);
    }
}
