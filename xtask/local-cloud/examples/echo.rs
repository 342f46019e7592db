//! A function that answers at once, for measuring and comparing what runs functions. It needs nothing but the standard
//! library, so that every runner builds it within a second and no other code is measured.
//!
//! What to do stands in the event as `do=WORD`, wherever that is: in a request's query or in a message. `tell=PORT` has it send
//! a datagram to that port of this machine as soon as the event is there.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a function that fails ends, and whoever asked sees that")]

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpStream, UdpSocket},
    thread,
    time::Duration,
};

/// A connection to the Runtime API, kept open.
struct Api {
    host: String,
    /// What paths begin with; one runner tells its functions apart by that.
    prefix: String,
    stream: BufReader<TcpStream>,
}

/// What the Runtime API answered.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn main() {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("AWS_LAMBDA_RUNTIME_API says where events come from");
    let mut api = Api::connect(&api);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    loop {
        let next = api.call("GET", "/2018-06-01/runtime/invocation/next", b"");
        if next.status != 200 {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        let event = String::from_utf8_lossy(&next.body);
        if let Some(port) = word(&event, "tell=") {
            udp.send_to(b"here", format!("127.0.0.1:{port}")).unwrap();
        }
        let (what, answer) = answer(&event, &next.headers);
        let id = next.header("lambda-runtime-aws-request-id").expect("an event has an id");
        api.call("POST", &format!("/2018-06-01/runtime/invocation/{id}/{what}"), answer.as_bytes());
    }
}

/// What becomes of the event: `response` or `error`, and its text.
fn answer(event: &str, headers: &[(String, String)]) -> (&'static str, String) {
    let text = match word(event, "do=") {
        Some("fail") => return ("error", r#"{"errorType":"Echo.Failed","errorMessage":"as asked"}"#.to_owned()),
        Some("exit") => std::process::exit(3),
        Some("hang") => {
            thread::sleep(Duration::from_secs(3600));
            String::new()
        }
        Some("text") => "\"text\"".to_owned(),
        Some("object") => r#"{"a":1}"#.to_owned(),
        Some("plain") => r#"{"statusCode":200,"headers":{"content-type":"text/plain"},"body":"plain"}"#.to_owned(),
        Some("tell") => {
            let told = format!(
                r#"{{"event":{event},"headers":{},"variables":{}}}"#,
                object(headers.iter().cloned()),
                object(std::env::vars())
            );
            response(&quoted(&told))
        }
        _ if event.contains("\"Records\"") => r#"{"batchItemFailures":[]}"#.to_owned(),
        _ => response("\"ok\""),
    };
    ("response", text)
}

fn response(body: &str) -> String {
    format!(
        r#"{{"statusCode":200,"headers":{{"content-type":"text/plain"}},"multiValueHeaders":{{}},"cookies":[],"body":{body},"isBase64Encoded":false}}"#
    )
}

/// Letters and digits behind a mark.
fn word<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(mark)?;
    rest.split(|letter: char| !letter.is_ascii_alphanumeric()).next()
}

fn object(pairs: impl Iterator<Item = (String, String)>) -> String {
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{}:{}", quoted(&name), quoted(&value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            letter if letter < ' ' => write!(out, "\\u{:04x}", u32::from(letter)).unwrap(),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

impl Api {
    fn connect(address: &str) -> Self {
        let address = address.trim_start_matches("http://");
        let (host, prefix) = address.split_once('/').unwrap_or((address, ""));
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { host: host.to_owned(), prefix, stream: BufReader::new(stream) }
    }

    fn call(&mut self, method: &str, path: &str, body: &[u8]) -> Answer {
        let (host, prefix, length) = (&self.host, &self.prefix, body.len());
        let head = format!("{method} {prefix}{path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n");
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat()).unwrap();
        let status = self.line();
        let status = status.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or_default();
        let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            answer.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(&self.line(), 16).unwrap();
                self.take(size, &mut answer.body);
                self.line();
                if size == 0 {
                    break;
                }
            }
        } else {
            let length = answer.header("content-length").and_then(|text| text.parse().ok()).unwrap_or_default();
            self.take(length, &mut answer.body);
        }
        answer
    }

    /// A line without its end. Where the API has gone, nobody needs this function any more.
    fn line(&mut self) -> String {
        let mut line = String::new();
        if self.stream.read_line(&mut line).unwrap_or_default() == 0 {
            std::process::exit(0);
        }
        line.truncate(line.trim_end().len());
        line
    }

    fn take(&mut self, length: usize, into: &mut Vec<u8>) {
        self.stream.by_ref().take(length as u64).read_to_end(into).unwrap();
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}
