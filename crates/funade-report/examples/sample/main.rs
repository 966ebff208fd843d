//! A fleet of any size in every state, as the report shows it: for the tests of the page, and for
//! whoever changes how it looks.
//!
//! `cargo run -p funade-report --example sample -- --targets 2000 > fleet.html`

mod fleet;

use clap::Parser;
use fleet::Sample;

/// Writes a made-up fleet's page, or its JSON, to standard output.
#[derive(Parser)]
struct Arguments {
    /// How many targets there are
    #[arg(long, default_value_t = 48)]
    targets: usize,
    /// How many deploys of each target are known
    #[arg(long, default_value_t = 3)]
    deploys: u64,
    /// Write the JSON for machines instead
    #[arg(long)]
    json: bool,
}

fn main() {
    let Arguments { targets, deploys, json } = Arguments::parse();
    let sample = Sample::new(targets, deploys);
    let fleet = sample.fleet();
    let text = if json { funade_report::json(&fleet) } else { funade_report::page(&fleet) };
    println!("{text}");
}
