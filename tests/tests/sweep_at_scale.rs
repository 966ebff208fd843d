//! A sweep over ten thousand targets: what it asks of AWS, and how evenly.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use funade::facts::names::TargetId;
use funade::facts::subject::Subject;
use funade::shell::{Scope, SweptBy, sweep};
use funade::world::World;
use funade_sim::Sim;
use funade_tests::{sim_of, tag};
use jiff::SignedDuration;

/// What AWS takes to answer, at best: the faster it is, the fuller its buckets must be.
const ROUND_TAKES: SignedDuration = SignedDuration::from_millis(10);

/// Environments, each in an account of its own, but for one account that has many.
const ENVIRONMENTS: usize = 160;

/// Environments of the account that has many: two thousand targets, as the largest that we know of.
const OF_ONE_ACCOUNT: usize = 40;

const SERVICES: usize = 50;

/// Ten thousand targets.
fn fleet() -> Vec<(String, String)> {
    let mut environments = String::new();
    for number in 0..ENVIRONMENTS + OF_ONE_ACCOUNT {
        let account =
            if number < ENVIRONMENTS { 100_000_000_000 + number } else { 999_000_000_000 };
        let _ = writeln!(
            environments,
            "  env-{number}: {{account: \"{account}\", region: eu-west-1, cluster: cluster-{number}}}"
        );
    }
    let registry = "registry: {account: \"888888888888\", region: eu-west-1}";
    let mut files =
        vec![("fleet.yaml".to_owned(), format!("{registry}\nenvironments:\n{environments}"))];
    for number in 0..SERVICES {
        let image = format!(
            "image: {{repository: shop/service-{number}, container: app, select: {{semver: \">=1\"}}}}"
        );
        let parameters = "parameters: [{path: \"/{environment}/{service}/\", into: app}]";
        let text = format!("service: service-{number}\n{image}\n{parameters}\nenvironments: all\n");
        files.push((format!("services/service-{number}.yaml"), text));
    }
    files
}

fn describes(sim: &Sim) -> usize {
    sim.count("DescribeServices")
}

#[test]
fn ten_thousand_targets_are_swept_within_every_accounts_buckets() {
    let files = fleet();
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    let (sim, config) = sim_of(&files, &tag("1.0.0"));
    assert_eq!(config.targets().count(), 10_000);
    sim.throttle();
    sim.set_latency(ROUND_TAKES);
    let mut looked_at = BTreeSet::new();
    let mut largest = 0;
    let everything = (0..15).map(|minute| Scope::Minute { minute, of: 15 });
    for scope in everything {
        let before = (describes(&sim), sim.now());
        let share = sweep(&sim, &config, &scope, ("sweep", SweptBy::Schedule));
        let swept = sim.run(share).expect("nothing dies").expect("the ledger answers");
        assert!(swept.failed.is_empty(), "{:?}", &swept.failed[..1]);
        // None has ever been looked at, so each is woken, once.
        let woken: BTreeSet<TargetId> = swept.woken.iter().filter_map(target).collect();
        assert_eq!(woken.len(), swept.targets);
        looked_at.extend(woken);
        largest = largest.max(describes(&sim) - before.0);
        let took = sim.now().duration_since(before.1);
        assert!(took < SignedDuration::from_secs(45), "a share must end within its minute: {took}");
        sim.pass_time(SignedDuration::from_mins(1) - took);
    }
    assert_eq!(looked_at.len(), 10_000, "everything was looked at, and nothing twice");
    assert_eq!(sim.throttled(), 0, "no account's bucket ran dry");
    let calls = describes(&sim);
    assert!(calls <= 1_100, "{calls} calls of DescribeServices");
    assert!(largest <= calls.div_ceil(15) + 15, "{largest} of {calls} in one minute");
    let mut by_place: BTreeMap<_, usize> = BTreeMap::new();
    for target in config.targets() {
        *by_place.entry(&target.place).or_default() += 1;
    }
    assert_eq!(by_place.values().max(), Some(&2_000));
}

fn target(subject: &Subject) -> Option<TargetId> {
    match subject {
        Subject::Target(id) => Some(id.clone()),
        Subject::Service(_) => None,
    }
}
