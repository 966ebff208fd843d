//! A server on this machine, for the tests: it hears one request on each connection, and does with it
//! what it was told to. On threads, so that no feature of tokio is turned on for the functions.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What to do with a request.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Answer with a status line and headers, and a body.
    Answer(&'static str, String),
    /// Hear it, and say nothing for as long as the other side waits.
    Stall,
    /// Begin an answer, and say no more.
    StallInBody,
    /// Reset the connection.
    Reset,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// A server with its replies in order; after the last it is gone.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Reply {
    pub(super) fn ok(body: impl Into<String>) -> Self {
        Self::Answer("200 OK", body.into())
    }
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(one, _)| one.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }
}

impl Listener {
    pub(super) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let replies: Vec<Reply> = replies.into_iter().collect();
        let requests = Arc::clone(&heard);
        std::thread::spawn(move || {
            for reply in replies {
                let (stream, _) = listener.accept().expect("it listens");
                serve(stream, &reply, &requests);
            }
        });
        Self { address, heard }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no holder of the lock panics").clone()
    }
}

fn serve(mut stream: TcpStream, reply: &Reply, heard: &Mutex<Vec<Heard>>) {
    if matches!(reply, Reply::Reset) {
        // Closed with something unread, a connection is reset.
        stream.peek(&mut [0]).expect("something comes");
        return;
    }
    heard.lock().expect("no holder of the lock panics").push(hear(&mut stream));
    match reply {
        Reply::Answer(status, body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).expect("the other side waits for it");
        }
        Reply::Stall => until_closed(&mut stream),
        Reply::StallInBody => {
            let begun = b"HTTP/1.1 500 Oh\r\nContent-Length: 100\r\n\r\nwell";
            stream.write_all(begun).expect("the other side waits for it");
            until_closed(&mut stream);
        }
        Reply::Reset => unreachable!("it was done with above"),
    }
}

fn until_closed(stream: &mut TcpStream) {
    // Whether it is closed or reset, it is over.
    stream.read_to_end(&mut Vec::new()).ok();
}

fn hear(stream: &mut TcpStream) -> Heard {
    let mut read = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).expect("a request comes");
        assert_ne!(count, 0, "the request broke off");
        read.extend_from_slice(&bytes[..count]);
        if let Some(heard) = parse(&read) {
            return heard;
        }
    }
}

/// The request, once all of it is there.
fn parse(read: &[u8]) -> Option<Heard> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(read).expect("it is HTTP");
    let httparse::Status::Complete(begins) = parsed else { return None };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it is text");
    let line = format!("{} {}", request.method?, request.path?);
    let headers = request.headers.iter();
    let headers = headers.map(|header| (header.name.to_owned(), text(header.value)));
    let mut heard = Heard { line, headers: headers.collect(), body: String::new() };
    let length = heard.header("content-length").map_or(0, |it| it.parse().expect("a number"));
    heard.body = text(read.get(begins..begins + length)?);
    Some(heard)
}
