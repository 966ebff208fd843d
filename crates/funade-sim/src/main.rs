//! `funade-sim`: runs histories by their seeds.

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;
use funade_sim::{History, Violation, shrink};
use indicatif::{ProgressBar, ProgressStyle};

/// A third of the time went into the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs unlucky histories of a small fleet, drawn from seeds, and checks Funade's invariants after
/// every step.
#[derive(Debug, Parser)]
#[command(name = "funade-sim", version)]
struct Arguments {
    /// Tell the history of this seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run the histories of these seeds, A up to but not B, on all cores.
    #[arg(long, value_name = "A..B", value_parser = range)]
    seeds: Option<(u64, u64)>,
    /// With --seed: take away all that the violation does not need.
    #[arg(long, requires = "seed")]
    shrink: bool,
    /// With --seeds: go on after a violation, and list all of them.
    #[arg(long, requires = "seeds")]
    all: bool,
}

/// A seed whose history broke an invariant.
struct Failure {
    seed: u64,
    violation: Violation,
}

/// What many histories came to.
#[derive(Default)]
struct Totals {
    histories: AtomicU64,
    steps: AtomicU64,
    passes: AtomicU64,
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let wrong = || format!("`{text}` is no range: write A..B, as in 0..20000");
    let (from, to) = text.split_once("..").ok_or_else(wrong)?;
    let number = |text: &str| text.replace('_', "").parse::<u64>().map_err(|_| wrong());
    let (from, to) = (number(from)?, number(to)?);
    if from < to { Ok((from, to)) } else { Err(wrong()) }
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    match (arguments.seed, arguments.seeds) {
        (Some(seed), _) => Ok(tell(seed, arguments.shrink)),
        (None, Some(seeds)) => run_all(seeds, arguments.all),
        (None, None) => bail!("say which: --seed N tells one history, --seeds A..B runs many"),
    }
}

fn tell(seed: u64, shorten: bool) -> ExitCode {
    let history = History::of(seed);
    let history = if shorten { shrink(&history) } else { history };
    let outcome = history.told();
    for line in &outcome.story {
        println!("{line}");
    }
    println!("{} steps, {} of them passes", outcome.steps, outcome.passes);
    let Some(violation) = outcome.violation else {
        println!("seed {seed} breaks nothing");
        return ExitCode::SUCCESS;
    };
    println!("seed {seed} breaks {}: {}", violation.invariant, violation.what);
    ExitCode::FAILURE
}

fn run_all((from, to): (u64, u64), all: bool) -> Result<ExitCode> {
    let style = "{elapsed} {wide_bar} {human_pos} of {human_len} histories, {per_sec}, {eta} left";
    let bar = ProgressBar::new(to - from).with_style(ProgressStyle::with_template(style)?);
    bar.enable_steady_tick(Duration::from_millis(200));
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let (next, totals) = (AtomicU64::new(from), Totals::default());
    let failures: Mutex<Vec<Failure>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..cores {
            let (next, totals, failures, bar) = (&next, &totals, &failures, &bar);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let failed = !failures.lock().expect("nobody panics with it").is_empty();
                    if seed >= to || (failed && !all) {
                        break;
                    }
                    let outcome = History::of(seed).run();
                    totals.histories.fetch_add(1, Ordering::Relaxed);
                    totals.steps.fetch_add(outcome.steps, Ordering::Relaxed);
                    totals.passes.fetch_add(outcome.passes, Ordering::Relaxed);
                    bar.inc(1);
                    if let Some(violation) = outcome.violation {
                        let failure = Failure { seed, violation };
                        failures.lock().expect("nobody panics with it").push(failure);
                    }
                }
            });
        }
    });
    let seconds = bar.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let (histories, steps) = (totals.histories.into_inner(), totals.steps.into_inner());
    println!(
        "{histories} histories of {} steps on average in {seconds:.1} s on {cores} cores: {:.0} \
         histories and {:.0} passes per second and core",
        steps.checked_div(histories).unwrap_or(0),
        per_second(histories, seconds, cores),
        per_second(totals.passes.into_inner(), seconds, cores),
    );
    let mut failures = failures.into_inner().expect("nobody panics with it");
    failures.sort_by_key(|failure| failure.seed);
    for Failure { seed, violation } in &failures {
        println!("seed {seed} breaks {}: {}", violation.invariant, violation.what);
    }
    let Some(first) = failures.first() else {
        println!("no invariant was broken");
        return Ok(ExitCode::SUCCESS);
    };
    println!("seed {}, as short as it goes:", first.seed);
    for line in shrink(&History::of(first.seed)).told().story {
        println!("{line}");
    }
    Ok(ExitCode::FAILURE)
}

#[expect(clippy::cast_precision_loss, reason = "a rate to look at")]
fn per_second(count: u64, seconds: f64, cores: usize) -> f64 {
    count as f64 / seconds / cores as f64
}
