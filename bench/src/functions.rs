//! The functions: how fast they start, what their first and later events take, what they weigh.
//!
//! Each is spawned many times against a runtime API and an AWS on this machine, over TLS as in
//! the real one, with the system's bundle of authorities to read. What a network adds, and what
//! Lambda's smaller share of a processor takes longer, is not in the figures.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::binaries;
use crate::fake_aws::FakeAws;
use crate::fleet;
use crate::process::{Life, Setup, live};
use crate::report::{Bound, Figure};
use crate::scene;
use crate::spread::Spread;
use crate::tls::Tls;

/// Lives of each function. With thirty the median moves by a few per cent between runs.
const SPAWNS: usize = 30;

/// Lives of the sweep. It takes its time for each target, to leave the account's calls to others; so
/// what an event takes says little, and has no target.
const SPAWNS_OF_SWEEP: usize = 5;

/// Lives before those that count, so that all files are in memory.
const SPAWNS_BEFORE: usize = 3;

const READY_MS_MAX: f64 = 5.0;
const FIRST_MS_MAX: f64 = 12.0;
const PEAK_MB_MAX: f64 = 16.0;
const ZIP_MB_MAX: f64 = 4.0;

/// The answer to the push, by which a function shows that it did its work.
const SERVICE_WOKEN: &str = r#""woken":["service/order-api"]"#;

/// The answer to the other events.
const TARGET_WOKEN: &str = r#""woken":["target/acme/order-api"]"#;

/// What one event of each function is, for whoever reads the figures.
pub(crate) const EVENTS: &str = "\
One event of image-push: a push that wakes one service. Of parameter-change: the first change for
some time, which wakes one target. Of service-event: the end of a deployment. Of sweep: a minute in
which the two services of one cluster are looked at, and one target is woken. Of deploy: a message
about one target, which reads one page of ten parameters and one alarm, registers a revision with
them and the new image, and calls UpdateService.";

/// Measures all of them.
pub(crate) fn measure() -> Result<Vec<Figure>> {
    let tls = Tls::new()?;
    let bundle = Bundle::write(&tls)?;
    let one_account = FakeAws::start(&tls, &fleet::example_in_one_account())?;
    let two_accounts = FakeAws::start(&tls, &fleet::example())?;
    let main = [
        (handler("image-push", fleet::PUSH, SERVICE_WOKEN)?, &one_account),
        // It is in the environment's account that a parameter changes; no role is needed for that.
        (handler("parameter-change", fleet::PARAMETER_CHANGE, TARGET_WOKEN)?, &two_accounts),
        (handler("service-event", fleet::DEPLOYMENT_COMPLETED, TARGET_WOKEN)?, &two_accounts),
        (deploy("deploy", "JSON")?, &one_account),
    ];
    let sweep = handler("sweep", fleet::SCHEDULED, TARGET_WOKEN)?;
    let other_account = deploy("deploy, target in another account", "JSON")?;
    let text = deploy("deploy, logs as text", "Text")?;

    let mut figures = Vec::new();
    for (setup, aws) in &main {
        figures.extend(weight(setup)?);
        figures.extend(speed(setup, aws, &bundle, SPAWNS)?);
    }
    figures.extend(weight(&sweep)?);
    figures.extend(aside(speed(&sweep, &one_account, &bundle, SPAWNS_OF_SWEEP)?));
    figures.extend(aside(speed(&other_account, &two_accounts, &bundle, SPAWNS)?));
    figures.extend(aside(speed(&text, &one_account, &bundle, SPAWNS)?));
    Ok(figures)
}

/// A function that handles one kind of event, with the part of its answer that says whom it woke.
fn handler(name: &'static str, event: &str, answer: &'static str) -> Result<Setup> {
    Ok(Setup {
        title: name,
        binary: binaries::find(name)?,
        event: event.to_owned(),
        answer,
        operation: "SendMessageBatch",
        log_format: "JSON",
    })
}

fn deploy(title: &'static str, log_format: &'static str) -> Result<Setup> {
    Ok(Setup {
        title,
        binary: binaries::find("deploy")?,
        event: scene::deploy_event()?,
        answer: r#""batchItemFailures":[]"#,
        operation: "UpdateService",
        log_format,
    })
}

fn weight(setup: &Setup) -> Result<Vec<Figure>> {
    let binary = std::fs::metadata(&setup.binary)?.len();
    let zip = binaries::zip_bytes(&setup.binary)?;
    #[expect(clippy::cast_precision_loss, reason = "some million bytes")]
    let (binary, zip) = (binary as f64 / 1e6, zip as f64 / 1e6);
    Ok(vec![
        figure(setup, "binary", "MB", vec![binary], None),
        figure(setup, "zip", "MB", vec![zip], Some(Bound::AtMost(ZIP_MB_MAX))),
    ])
}

fn speed(setup: &Setup, aws: &FakeAws, bundle: &Bundle, spawns: usize) -> Result<Vec<Figure>> {
    let path = bundle.0.to_str().context("the temporary directory's name should be text")?;
    for _ in 0..SPAWNS_BEFORE {
        live(setup, aws, path)?;
    }
    let lives = (0..spawns).map(|_| live(setup, aws, path)).collect::<Result<Vec<_>>>()?;
    let of = |what, unit, target, number: &dyn Fn(&Life) -> f64| {
        figure(setup, what, unit, lives.iter().map(number).collect(), target)
    };
    #[expect(clippy::cast_precision_loss, reason = "some dozen calls")]
    let calls = |life: &Life| life.first_traffic.calls.values().sum::<usize>() as f64;
    #[expect(clippy::cast_precision_loss, reason = "some connections")]
    let connections = |life: &Life| life.first_traffic.connections as f64;
    let warm = |life: &Life| Spread::of(life.warm_ms.clone()).median;
    Ok(vec![
        of("ready", "ms", Some(Bound::AtMost(READY_MS_MAX)), &|life| life.ready_ms),
        of("first event", "ms", Some(Bound::AtMost(FIRST_MS_MAX)), &|life| life.first_ms),
        of("its calls", "", None, &calls),
        of("its TLS connections", "", None, &connections),
        of("processor time so far", "ms", None, &|life| life.cpu_ms),
        of("warm event", "ms", None, &warm),
        of("peak memory", "MB", Some(Bound::AtMost(PEAK_MB_MAX)), &|life| life.peak_mb),
    ])
}

/// Figures to compare with others, not with a target.
fn aside(figures: Vec<Figure>) -> impl Iterator<Item = Figure> {
    figures.into_iter().map(|figure| Figure { target: None, ..figure })
}

fn figure(
    setup: &Setup,
    what: &'static str,
    unit: &'static str,
    samples: Vec<f64>,
    target: Option<Bound>,
) -> Figure {
    Figure { subject: setup.title.to_owned(), what, unit, spread: Spread::of(samples), target }
}

/// The bundle of authorities as a file, as long as it is needed.
struct Bundle(PathBuf);

impl Bundle {
    fn write(tls: &Tls) -> Result<Self> {
        let name = format!("funade-bench-{}.pem", std::process::id());
        let bundle = Self(std::env::temp_dir().join(name));
        tls.write_bundle(&bundle.0)?;
        Ok(bundle)
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // A file that is left in the temporary directory harms nobody.
        std::fs::remove_file(&self.0).ok();
    }
}
