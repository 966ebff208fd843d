//! One life of a function: spawned as Lambda spawns it, given some events, looked at, ended.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::clock::{self, milliseconds};
use crate::fake_aws::{FakeAws, Traffic};
use crate::runtime_api::RuntimeApi;
use crate::scene::{ACCOUNT, REGION};

/// Events after the first one: enough for a median within one life.
pub(crate) const WARM_EVENTS: usize = 10;

/// A function and what it is given.
pub(crate) struct Setup {
    /// What the figures are of.
    pub(crate) title: &'static str,
    pub(crate) binary: PathBuf,
    pub(crate) event: String,
    /// What it answers when all went well.
    pub(crate) answer: &'static str,
    /// An operation that it calls once for each event when it does its whole work.
    pub(crate) operation: &'static str,
    /// `JSON`, as in the template, or `Text`.
    pub(crate) log_format: &'static str,
}

/// What was measured in one life.
pub(crate) struct Life {
    /// From before the spawn until the function asks for its first event.
    pub(crate) ready_ms: f64,
    /// From handing out the first event until its answer.
    pub(crate) first_ms: f64,
    /// The same for each event after it.
    pub(crate) warm_ms: Vec<f64>,
    /// Processor time until after the first event, all threads together.
    pub(crate) cpu_ms: f64,
    /// The most memory that was ever resident.
    pub(crate) peak_mb: f64,
    /// What the first event led to.
    pub(crate) first_traffic: Traffic,
}

/// Ends the function however the measurement ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Lives one life.
pub(crate) fn live(setup: &Setup, aws: &FakeAws, bundle: &str) -> Result<Life> {
    let runtime = RuntimeApi::start()?;
    let mut command = command(setup, &runtime, aws, bundle);
    aws.take_traffic();
    let began = clock::now();
    let function = Running(command.spawn().context("the function does not start")?);
    let ready_ms = milliseconds(runtime.asked()? - began);
    let pid = function.0.id();

    let first_ms = event(setup, &runtime)?;
    let first_traffic = aws.take_traffic();
    let cpu_ms = cpu_ms(pid)?;
    let warm_ms = (0..WARM_EVENTS).map(|_| event(setup, &runtime)).collect::<Result<_>>()?;
    ensure!(
        aws.take_traffic().calls.get(setup.operation) == Some(&WARM_EVENTS)
            && first_traffic.calls.get(setup.operation) == Some(&1),
        "each event should call {} once; the first called {:?}",
        setup.operation,
        first_traffic.calls
    );
    Ok(Life { ready_ms, first_ms, warm_ms, cpu_ms, peak_mb: peak_mb(pid)?, first_traffic })
}

/// One event: how long it took.
fn event(setup: &Setup, runtime: &RuntimeApi) -> Result<f64> {
    let invocation = runtime.invoke(&setup.event)?;
    let answer = String::from_utf8_lossy(&invocation.answer);
    ensure!(answer.contains(setup.answer), "{} answered: {answer}", setup.title);
    Ok(milliseconds(invocation.took))
}

/// The command in the environment that Lambda and the template give it, and no other.
fn command(setup: &Setup, runtime: &RuntimeApi, aws: &FakeAws, bundle: &str) -> Command {
    let url = aws.url();
    let mut command = Command::new(&setup.binary);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).envs([
        ("AWS_LAMBDA_RUNTIME_API", runtime.address().to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", setup.title.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/measured".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "1".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", setup.log_format.to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ("AWS_SESSION_TOKEN", "token".to_owned()),
        ("AWS_ENDPOINT_URL", url.clone()),
        ("SSL_CERT_FILE", bundle.to_owned()),
        ("FUNADE_TABLE", "funade".to_owned()),
        ("FUNADE_WAKE_QUEUE_URL", format!("{url}/{ACCOUNT}/funade-wake.fifo")),
        ("FUNADE_LATER_QUEUE_URL", format!("{url}/{ACCOUNT}/funade-later")),
        ("FUNADE_ACCOUNT", ACCOUNT.to_owned()),
    ]);
    command
}

/// The kernel's count of a process's processor time, which a busy machine does not change as it
/// changes the time on the clock.
fn cpu_ms(pid: u32) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let first = text.split_whitespace().next().context("schedstat should have numbers")?;
        nanoseconds += first.parse::<f64>()?;
    }
    Ok(nanoseconds / 1e6)
}

fn peak_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmHWM")?;
    Ok(kib.parse::<f64>()? * 1024.0 / 1e6)
}
