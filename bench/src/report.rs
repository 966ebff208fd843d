//! The figures as text and as JSON. The tables are Markdown, so that they can stand in a document
//! as they are.

use std::fmt;

use anyhow::{Context, Result};
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde::Serialize;

use crate::calls::PassCalls;
use crate::spread::Spread;

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// What one event of each function is.
    pub(crate) events: &'static str,
    pub(crate) figures: Vec<Figure>,
    pub(crate) passes: Vec<PassCalls>,
}

/// Where it was measured, and what else went on there.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    /// Processes that wanted a processor in the minute before, on average. With one or more, the
    /// times are too long.
    pub(crate) load: f64,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let averages = std::fs::read_to_string("/proc/loadavg")?;
        let load = averages.split_whitespace().next().context("no load average")?.parse()?;
        Ok(Self { processors: std::thread::available_parallelism()?.get(), load })
    }
}

/// Something measured.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// Of what: a function, the configuration.
    pub(crate) subject: String,
    /// Which quantity.
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    #[serde(flatten)]
    pub(crate) spread: Spread,
    /// What its median should be.
    pub(crate) target: Option<Bound>,
}

/// What a figure should be at least or at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    /// Whether it is met, and the median as a part of it, unless nothing is allowed.
    fn met_by(self, median: f64) -> String {
        let (is_met, number) = match self {
            Self::AtMost(number) => (median <= number, number),
            Self::AtLeast(number) => (median >= number, number),
        };
        let mark = if is_met { "✓" } else { "✗" };
        if number > 0.0 { format!("{mark} {:.2}×", median / number) } else { mark.to_owned() }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(number) => write!(f, "≤ {number}"),
            Self::AtLeast(number) => write!(f, "≥ {number}"),
        }
    }
}

impl Report {
    pub(crate) fn to_text(&self) -> String {
        let orders = self.passes.iter().map(|pass| format!("\n{}: {}", pass.pass, pass.order));
        let Machine { processors, load } = self.machine;
        format!(
            "{processors} processors; load before: {load}.\n\n{}\n\n{}\n\n{}\n\nIn this order; + is side by side:\n{}",
            self.events,
            figures(&self.figures),
            passes(&self.passes),
            orders.collect::<String>(),
        )
    }
}

fn figures(figures: &[Figure]) -> Table {
    let header = ["of", "figure", "median", "best", "p90", "unit", "target", "of target"];
    let mut table = table(&header, 2..=4);
    let mut above = None;
    for figure in figures {
        let many = figure.spread.samples > 1;
        let only_of_many = |number| if many { short(number) } else { String::new() };
        let subject = figure.subject.as_str();
        table.add_row([
            // A subject stands once, above its figures.
            if above == Some(subject) { String::new() } else { subject.to_owned() },
            figure.what.to_owned(),
            short(figure.spread.median),
            only_of_many(figure.spread.best),
            only_of_many(figure.spread.p90),
            figure.unit.to_owned(),
            figure.target.map(|target| target.to_string()).unwrap_or_default(),
            figure.target.map(|target| target.met_by(figure.spread.median)).unwrap_or_default(),
        ]);
        above = Some(subject);
    }
    table
}

fn passes(passes: &[PassCalls]) -> Table {
    let header = [
        "pass",
        "ECS, ECR, alarm, store calls",
        "in rounds",
        "ledger, queue calls",
        "all in rounds",
    ];
    let mut table = table(&header, 1..=4);
    for pass in passes {
        table.add_row([
            pass.pass.to_owned(),
            pass.world_calls.to_string(),
            pass.world_rounds.to_string(),
            pass.own_calls.to_string(),
            pass.rounds.to_string(),
        ]);
    }
    table
}

fn table(header: &[&str], numbers: std::ops::RangeInclusive<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(header.iter().copied());
    for index in numbers {
        let column = table.column_mut(index).expect("the header has this column");
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Three digits that count; what is whole was counted.
fn short(number: f64) -> String {
    let decimals = match number {
        _ if number.fract() == 0.0 => 0,
        ..0.1 => 4,
        ..1.0 => 3,
        ..100.0 => 2,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_met_from_its_side_and_by_itself() {
        let check = |target: Bound, median, expected| assert_eq!(target.met_by(median), expected);
        check(Bound::AtMost(4.0), 4.0, "✓ 1.00×");
        check(Bound::AtMost(4.0), 5.0, "✗ 1.25×");
        check(Bound::AtLeast(4.0), 4.0, "✓ 1.00×");
        check(Bound::AtLeast(4.0), 3.0, "✗ 0.75×");
        check(Bound::AtMost(0.0), 0.0, "✓");
        check(Bound::AtMost(0.0), 1.0, "✗");
    }
}
