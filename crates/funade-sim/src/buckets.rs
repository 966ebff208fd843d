//! Token buckets, by which AWS throttles each account and region.
//!
//! A bucket holds so many tokens and is filled at a steady rate; a call takes one, or is refused.
//! <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>,
//! <https://docs.aws.amazon.com/general/latest/gr/ssm.html>

use std::collections::BTreeMap;

use funade::facts::names::Place;
use funade::world::CallProblem;
use jiff::Timestamp;

use crate::state::{Sim, State};

/// The buckets that a deployer draws from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bucket {
    /// `DescribeServices` and `ListServices`.
    Services,
    /// `DescribeTaskDefinition`.
    TaskDefinitions,
    /// `ListServiceDeployments` and `DescribeServiceDeployments`.
    ServiceDeployments,
    /// `ListTasks` and `DescribeTasks`.
    Tasks,
    /// `RegisterTaskDefinition`.
    Registrations,
    /// `UpdateService`.
    Updates,
    /// `GetParametersByPath`, with all other reads of Parameter Store, those of starting tasks too.
    Parameters,
}

impl Bucket {
    /// How many tokens it holds, and how many it gets in a second.
    fn size_and_rate(self) -> (f64, f64) {
        match self {
            Self::Services | Self::Tasks => (100.0, 20.0),
            Self::TaskDefinitions | Self::ServiceDeployments => (50.0, 20.0),
            Self::Registrations => (20.0, 1.0),
            Self::Updates => (50.0, 5.0),
            Self::Parameters => (40.0, 40.0),
        }
    }
}

/// All buckets, as far as anything was taken out. None throttles until it is told to.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    throttle: bool,
    left: BTreeMap<(Place, Bucket), (f64, Timestamp)>,
    throttled: usize,
}

impl Buckets {
    pub(crate) fn take(
        &mut self,
        place: &Place,
        bucket: Bucket,
        now: Timestamp,
    ) -> Result<(), CallProblem> {
        if !self.throttle {
            return Ok(());
        }
        let (size, rate) = bucket.size_and_rate();
        let (left, at) = self.left.entry((place.clone(), bucket)).or_insert((size, now));
        *left = (*left + now.duration_since(*at).as_secs_f64() * rate).min(size);
        *at = now;
        if *left < 1.0 {
            self.throttled += 1;
            return Err(CallProblem::Throttled);
        }
        *left -= 1.0;
        Ok(())
    }
}

impl State {
    /// Whether AWS takes a call in this place: the bucket has a token.
    pub(crate) fn may_call(&mut self, place: &Place, bucket: Bucket) -> Result<(), CallProblem> {
        self.buckets.take(place, bucket, self.now)
    }
}

impl Sim {
    /// From now on each account and region throttles as AWS does.
    pub fn throttle(&self) {
        self.state_mut().buckets.throttle = true;
    }

    /// How many calls were throttled since then.
    #[must_use]
    pub fn throttled(&self) -> usize {
        self.state().buckets.throttled
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_gives_what_it_holds_and_then_what_flows_in() {
        let place = Place {
            account: "222222222222".parse().unwrap(),
            region: "eu-west-1".parse().unwrap(),
        };
        let mut buckets = Buckets { throttle: true, ..Buckets::default() };
        let begin: Timestamp = "2026-11-23T01:30:00Z".parse().unwrap();
        let mut taken =
            |at| (0..500).filter(|_| buckets.take(&place, Bucket::Services, at).is_ok()).count();
        assert_eq!(taken(begin), 100);
        assert_eq!(taken(begin + SignedDuration::from_secs(2)), 40);
        assert_eq!(taken(begin + SignedDuration::from_secs(60)), 100, "no more than it holds");
    }
}
