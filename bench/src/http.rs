//! As much of an HTTP/1.1 server as the functions need: requests with a length, answered one
//! after the other on each connection, a thread for each.
//!
//! It must add as little to the figures as it can, and no feature to a crate that the functions
//! are made of.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Headers of one request: the SDK sends about fifteen.
const HEADERS_MAX: usize = 64;

/// Bytes of one request: far above a task definition, far below what would hurt.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes taken from a connection at once.
const READ_BYTES: usize = 16 * 1024;

/// A request.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// `X-Amz-Target`: the operation, in AWS's JSON protocols.
    pub(crate) target: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// A server on 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    closed: Arc<AtomicBool>,
}

impl Server {
    /// Answers what comes over each connection, once `accept` has made a stream of it. `None` as
    /// an answer closes the connection.
    pub(crate) fn start<S: Read + Write>(
        accept: impl Fn(TcpStream) -> io::Result<S> + Send + Sync + 'static,
        answer: impl Fn(Request) -> Option<Response> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let server = Self { address: listener.local_addr()?, closed: Arc::default() };
        let closed = server.closed.clone();
        let serve = Arc::new(move |connection: TcpStream| {
            connection.set_nodelay(true)?;
            converse(accept(connection)?, &answer)
        });
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let serve = serve.clone();
                // A function that is done with is killed, and its connections break: no news.
                thread::spawn(move || serve(connection).ok());
            }
        });
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts; if that fails, it has ended already.
        drop(TcpStream::connect(self.address));
    }
}

/// Answers requests until the other side has no more.
fn converse(
    mut stream: impl Read + Write,
    answer: impl Fn(Request) -> Option<Response>,
) -> io::Result<()> {
    let mut received = Vec::new();
    while let Some(request) = read(&mut stream, &mut received)? {
        let Some(response) = answer(request) else { return Ok(()) };
        stream.write_all(&response.to_bytes())?;
        stream.flush()?;
    }
    Ok(())
}

/// Reads one request; what came after it stays in `received`.
fn read(stream: &mut impl Read, received: &mut Vec<u8>) -> io::Result<Option<Request>> {
    while received.len() <= REQUEST_BYTES_MAX {
        if let Some((request, length)) = parse(received)? {
            received.drain(..length);
            return Ok(Some(request));
        }
        let mut chunk = [0; READ_BYTES];
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Ok(None);
        }
        received.extend_from_slice(&chunk[..count]);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "the request is too long"))
}

/// The request at the beginning of what was received and its length, once it is whole.
fn parse(received: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let httparse::Status::Complete(head_length) = head.parse(received).map_err(invalid)? else {
        return Ok(None);
    };
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let body_length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let length = head_length + body_length;
    let Some(body) = received.get(head_length..length) else { return Ok(None) };
    let request = Request {
        path: head.path.unwrap_or_default().to_owned(),
        target: header("x-amz-target").map(str::to_owned),
        body: body.to_vec(),
    };
    Ok(Some((request, length)))
}

impl Response {
    fn to_bytes(&self) -> Vec<u8> {
        let length = ("content-length", self.body.len().to_string());
        let headers = self.headers.iter().chain([&length]);
        let lines = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
        let head = format!("HTTP/1.1 {} -\r\n{}\r\n", self.status, lines.collect::<String>());
        [head.as_bytes(), &self.body].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = "POST / HTTP/1.1\r\nX-Amz-Target: A.B\r\ncontent-length: 2\r\n\r\n{}";

    #[test]
    fn a_request_is_read_once_it_is_whole_and_the_next_stays() {
        for end in 0..REQUEST.len() {
            assert!(parse(&REQUEST.as_bytes()[..end]).expect("well-formed").is_none(), "{end}");
        }
        let mut received = format!("{REQUEST}{REQUEST}").into_bytes();
        for left in [REQUEST.len(), 0] {
            let request = read(&mut io::empty(), &mut received).expect("well-formed");
            let request = request.expect("whole");
            assert_eq!(
                (request.target.as_deref(), request.body.as_slice()),
                (Some("A.B"), &b"{}"[..])
            );
            assert_eq!(received.len(), left);
        }
    }
}
