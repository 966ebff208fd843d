//! `funade`, the operator's tool.
//!
//! It reads files, the ledger and AWS; what it changes it changes in the ledger only, and wakes
//! the subject. Carrying things out is the functions' work.

mod arguments;
mod commands;
mod demo;
mod deploys;
mod files;
mod findings;
mod output;
mod prometheus;
#[cfg(test)]
mod samples;
mod stores;
mod times;
mod variables;
mod which_deploy;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::output::Answer;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match commands::run(arguments) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(error) => {
            eprintln!("funade: {error:#}");
            ExitCode::from(3)
        }
    }
}
