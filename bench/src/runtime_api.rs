//! The Lambda runtime API, for one function: it hands out events and says when what happened.
//!
//! Form: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.

use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::clock;
use crate::http::{Request, Response, Server};

/// How long a function may take for anything: a hundred times what it should.
const PATIENCE: Duration = Duration::from_secs(10);

/// A deadline that no invocation reaches, in milliseconds since 1970: the year 2100.
const DEADLINE_MS: u64 = 4_102_444_800_000;

/// A runtime API.
#[derive(Debug)]
pub(crate) struct RuntimeApi {
    server: Server,
    events: Sender<String>,
    seen: Receiver<Seen>,
}

/// What the function did, or had done to it.
#[derive(Debug)]
enum Seen {
    /// It asked for an event.
    Asked(Instant),
    /// It was given one.
    HandedOut(Instant),
    /// It answered one.
    Answered(Instant, Vec<u8>),
    /// It reported an error.
    Failed(Vec<u8>),
}

/// What became of an event.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) took: Duration,
    pub(crate) answer: Vec<u8>,
}

impl RuntimeApi {
    pub(crate) fn start() -> io::Result<Self> {
        let (events, waiting) = channel();
        let (see, seen) = channel();
        let waiting = Mutex::new(waiting);
        let server = Server::start(Ok, move |request| answer(&request, &see, &waiting))?;
        Ok(Self { server, events, seen })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Waits until the function asks for an event.
    pub(crate) fn asked(&self) -> Result<Instant> {
        let Seen::Asked(at) = self.next()? else { bail!("the function should ask for an event") };
        Ok(at)
    }

    /// Gives an event to the function, which has asked for one, waits for its answer, and until
    /// it has asked for the next.
    pub(crate) fn invoke(&self, event: &str) -> Result<Invocation> {
        self.events.send(event.to_owned()).context("the runtime API has ended")?;
        let Seen::HandedOut(from) = self.next()? else { bail!("the event should be handed out") };
        let Seen::Answered(until, answer) = self.next()? else {
            bail!("the function should answer the event");
        };
        self.asked()?;
        Ok(Invocation { took: until - from, answer })
    }

    fn next(&self) -> Result<Seen> {
        let seen = self.seen.recv_timeout(PATIENCE).context("nothing came from the function")?;
        if let Seen::Failed(error) = seen {
            bail!("the function failed: {}", String::from_utf8_lossy(&error));
        }
        Ok(seen)
    }
}

fn answer(
    request: &Request,
    see: &Sender<Seen>,
    waiting: &Mutex<Receiver<String>>,
) -> Option<Response> {
    let now = clock::now();
    let path = request.path.as_str();
    if path.ends_with("/invocation/next") {
        see.send(Seen::Asked(now)).ok()?;
        // Ends with an error, and this connection, when the measurement is over.
        let event = waiting.lock().ok()?.recv().ok()?;
        see.send(Seen::HandedOut(clock::now())).ok()?;
        return Some(next(event));
    }
    let seen = if path.ends_with("/response") {
        Seen::Answered(now, request.body.clone())
    } else {
        Seen::Failed(request.body.clone())
    };
    see.send(seen).ok()?;
    Some(Response { status: 202, headers: Vec::new(), body: Vec::new() })
}

fn next(event: String) -> Response {
    let function = "arn:aws:lambda:ap-northeast-1:999999999999:function:measured";
    Response {
        status: 200,
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
            ("lambda-runtime-deadline-ms", DEADLINE_MS.to_string()),
            ("lambda-runtime-invoked-function-arn", function.to_owned()),
        ],
        body: event.into_bytes(),
    }
}
