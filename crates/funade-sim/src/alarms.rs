//! Simulated alarms of `CloudWatch`.

use std::collections::BTreeMap;

use funade::facts::ecs::AlarmState;
use funade::facts::names::{AlarmName, Place};
use funade::world::{Alarms, CallError};

use crate::state::Sim;

impl Sim {
    /// Makes an alarm, or changes what it says.
    pub fn set_alarm(&self, place: &Place, alarm: &AlarmName, state: AlarmState) {
        self.state_mut().alarms.insert((place.clone(), alarm.clone()), state);
    }

    /// Deletes an alarm.
    pub fn delete_alarm(&self, place: &Place, alarm: &AlarmName) {
        self.state_mut().alarms.remove(&(place.clone(), alarm.clone()));
    }
}

impl Alarms for Sim {
    async fn alarm_states(
        &self,
        place: &Place,
        names: &[AlarmName],
    ) -> Result<BTreeMap<AlarmName, AlarmState>, CallError> {
        self.call_in(place, "DescribeAlarms", place.to_string(), |state| {
            let known = names.iter().filter_map(|name| {
                let said = state.alarms.get(&(place.clone(), name.clone()))?;
                Some((name.clone(), *said))
            });
            Ok(known.collect())
        })
        .await
    }
}
