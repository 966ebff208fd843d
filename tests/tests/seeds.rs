//! Unlucky histories, drawn from seeds. Twenty thousand are run by `make test`, and any number by
//! `make soak`; here are those that were hard once, and that one seed is one history.

use funade_sim::{History, shrink};
use funade_tests::root;

/// Histories without any event: enough for every act to meet every other.
const DEAF_SEEDS: u64 = 1_000;

/// The seeds that ever failed.
fn hard_seeds() -> Vec<u64> {
    let text = std::fs::read_to_string(root().join("tests/seeds.txt")).expect("readable");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let first = lines.filter_map(|line| line.split_whitespace().next());
    first.map(|seed| seed.parse().expect("a line begins with a seed")).collect()
}

#[test]
fn what_was_hard_once_holds() {
    let seeds = hard_seeds();
    assert!(!seeds.is_empty());
    for seed in seeds {
        let outcome = History::of(seed).run();
        assert_eq!(outcome.violation, None, "seed {seed}");
    }
}

/// Row 30: with every event of AWS lost the sweep finds it all, within two rounds.
#[test]
fn with_every_event_lost_two_sweeps_are_enough() {
    for seed in 0..DEAF_SEEDS {
        let outcome = History::of(seed).without_events().run();
        assert_eq!(outcome.violation, None, "seed {seed}");
    }
}

#[test]
fn one_seed_is_one_history() {
    let mut stories = Vec::new();
    for seed in [1, 16_569] {
        let (first, second) = (History::of(seed).told(), History::of(seed).told());
        assert_eq!(first.story, second.story, "seed {seed}, byte for byte");
        assert_eq!(History::of(seed).run().steps, first.steps, "told or not");
        assert!(first.story.len() > 20 && first.steps > 200, "seed {seed} is a story");
        stories.push(first.story);
    }
    assert_ne!(stories[0], stories[1]);
}

#[test]
fn a_history_that_breaks_nothing_stays_as_it_is() {
    let history = History::of(1);
    assert_eq!(shrink(&history), history);
}
