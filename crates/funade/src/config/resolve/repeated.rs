//! One mistake in a template is a mistake in many targets; it is told once.

use std::collections::BTreeMap;

use crate::config::problem::{Problem, Spot};

/// Problems by place and rule: the first of each, and how many more there were.
#[derive(Default)]
pub(super) struct Repeated(BTreeMap<(Spot, &'static str), (Problem, usize)>);

impl Repeated {
    /// Notes a problem of one target.
    pub(super) fn push(&mut self, spot: &Spot, problem: Problem) {
        let entry = self.0.entry((spot.clone(), problem.rule));
        entry.and_modify(|(_, more)| *more += 1).or_insert((problem, 0));
    }

    /// The problems, each saying how many more targets have it.
    pub(super) fn finish(self) -> impl Iterator<Item = Problem> {
        self.0.into_values().map(|(mut problem, more)| {
            let again = match more {
                0 => String::new(),
                1 => " (and so once more)".to_owned(),
                more => format!(" (and so {more} times more)"),
            };
            problem.message.push_str(&again);
            problem
        })
    }
}
