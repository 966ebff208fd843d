//! `funade-bench`: measures what Funade costs and prints it beside its targets.
//!
//! Input: the release binaries of the functions, beside this one in the target directory; the
//! example fleet and its events, compiled in. Output: tables, or JSON. Nothing leaves this machine:
//! every server binds 127.0.0.1.
//!
//! A figure that misses its target is marked, and is no failure: a machine that does other work
//! at the same time is slower, and the report says so by the distance from best to p90.

mod report;

mod clock;

mod spread;

mod fleet;

mod scene;

mod functions;

mod binaries;

mod process;

mod runtime_api;

mod fake_aws;

mod tls;

mod http;

mod passes;

mod calls;

mod routing;

mod histories;

mod sweep;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};

use crate::report::{Machine, Report};

/// The one that `funade-sim` uses, since the histories are to be as fast here. The functions are
/// processes of their own, with the system's, which makes them slower in what `routing` measures here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what Funade costs: start-up, memory, size, calls and speed.
#[derive(Debug, Parser)]
struct Arguments {
    /// Tables for people, or JSON for machines.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Only this part. The functions' release binaries are needed for theirs only.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Functions,
    Routing,
    Passes,
    Histories,
    Sweep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if cfg!(debug_assertions) {
        bail!("figures of a debug build say nothing: cargo run --release -p funade-bench");
    }
    let machine = Machine::look()?;
    let measures = |part: Part| arguments.only.is_none_or(|only| only == part);
    let mut figures = Vec::new();
    let mut passes = Vec::new();
    if measures(Part::Functions) {
        figures.extend(functions::measure()?);
    }
    if measures(Part::Routing) {
        figures.extend(routing::measure()?);
    }
    if measures(Part::Passes) {
        let counted = passes::count_all()?;
        figures.extend(counted.figures);
        passes = counted.passes;
    }
    if measures(Part::Histories) {
        figures.extend(histories::measure()?);
    }
    if measures(Part::Sweep) {
        figures.extend(sweep::measure()?);
    }
    let report = Report { machine, events: functions::EVENTS, figures, passes };
    match arguments.format {
        Format::Text => println!("{}", report.to_text()),
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
    }
    Ok(())
}
