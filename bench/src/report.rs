//! The figures as text and as JSON. The tables are Markdown, so that they can stand in a document
//! as they are.

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
    /// What it should be at most.
    pub(crate) target: Option<f64>,
}

impl Figure {
    /// Whether the target is met, and the median as a part of it, unless nothing is allowed.
    fn of_target(&self, target: f64) -> String {
        let median = self.spread.median;
        let mark = if median > target { "✗" } else { "✓" };
        if target > 0.0 { format!("{mark} {:.2}×", median / target) } else { mark.to_owned() }
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
            figure.target.map(|target| format!("≤ {target}")).unwrap_or_default(),
            figure.target.map(|target| figure.of_target(target)).unwrap_or_default(),
        ]);
        above = Some(subject);
    }
    table
}

fn passes(passes: &[PassCalls]) -> Table {
    let header =
        ["pass", "ECS, ECR, store calls", "in rounds", "ledger, queue calls", "all in rounds"];
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
