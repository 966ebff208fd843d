//! Making a failing history short: what happens and what goes wrong is taken away, piece by piece,
//! as long as the same invariant is broken.

use std::collections::BTreeMap;

use super::{History, Outcome};
use crate::calls::Fault;

/// How many histories are tried at most: enough for a few dozen pieces, and over within seconds.
const TRIES_MAX: usize = 2_000;

/// A history as short as can be found that breaks the same invariant. One that breaks none is given
/// back as it is.
#[must_use]
pub fn shrink(history: &History) -> History {
    let outcome = history.run();
    let Some(violation) = &outcome.violation else { return history.clone() };
    let invariant = violation.invariant;
    let mut tries = 0;
    let mut fails = |candidate: &History| {
        tries += 1;
        let found = |outcome: Outcome| outcome.violation.is_some_and(|v| v.invariant == invariant);
        tries <= TRIES_MAX && found(candidate.run())
    };
    let listed = History { faults: Some(outcome.struck), ..history.clone() };
    let mut best = if fails(&listed) { listed } else { history.clone() };
    loop {
        let before = best.size();
        best = fewer_acts(best, &mut fails);
        best = fewer_faults(best, &mut fails);
        if best.size() == before {
            return best;
        }
    }
}

/// Takes halves away, then quarters, down to single acts.
fn fewer_acts(mut best: History, fails: &mut impl FnMut(&History) -> bool) -> History {
    let mut piece = best.acts.len().div_ceil(2);
    while piece > 0 {
        let mut from = 0;
        while from < best.acts.len() {
            let mut acts = best.acts.clone();
            acts.drain(from..(from + piece).min(acts.len()));
            let candidate = History { acts, ..best.clone() };
            if fails(&candidate) {
                best = candidate;
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    best
}

fn fewer_faults(mut best: History, fails: &mut impl FnMut(&History) -> bool) -> History {
    let Some(all) = best.faults.clone() else { return best };
    let all: Vec<(usize, Fault)> = all.into_iter().collect();
    let mut piece = all.len();
    let mut kept = all;
    while piece > 0 {
        let mut from = 0;
        while from < kept.len() {
            let mut faults = kept.clone();
            faults.drain(from..(from + piece).min(faults.len()));
            let listed: BTreeMap<usize, Fault> = faults.iter().copied().collect();
            let candidate = History { faults: Some(listed), ..best.clone() };
            if fails(&candidate) {
                (best, kept) = (candidate, faults);
            } else {
                from += piece;
            }
        }
        piece /= 2;
    }
    best
}
