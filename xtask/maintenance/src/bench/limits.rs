//! The limits of what any runner can do: a bare HTTP server, and events handed to functions back to back.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use axum::{Router, routing::get, serve::ListenerExt};
use tokio::runtime::Runtime;

use super::{client::Place, load::count};
use xtask::report::Failure;

/// An HTTP server that answers at once, with the library that the local cloud has too, in threads of its own.
pub(super) struct Bare {
    pub(super) place: Place,
    _runtime: Runtime,
}

impl Bare {
    pub(super) fn start() -> Result<Self, Failure> {
        let cannot = "cannot start a bare HTTP server";
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().map_err(Failure::from(cannot))?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).map_err(Failure::from(cannot))?;
        let place = Place::of(&listener.local_addr().map_err(Failure::from(cannot))?.to_string());
        let listener = listener.tap_io(|stream| {
            let _slower_then = stream.set_nodelay(true);
        });
        let router = Router::new().fallback(get(|| async { "ok" }));
        runtime.spawn(async move {
            // It ends with the runtime: there is nobody to tell of an error.
            let _ended = axum::serve(listener, router).await;
        });
        Ok(Self { place, _runtime: runtime })
    }
}

/// How many events a second so many processes of a function answer that get them back to back.
pub(super) fn events_per_second(function: &Path, processes: usize, time: Duration) -> Result<f64, Failure> {
    let cannot = "cannot hand events to a function";
    let until = Instant::now() + time;
    let events: io::Result<u64> = std::thread::scope(|scope| {
        let threads = (0..processes).map(|_| scope.spawn(|| back_to_back(function, until)));
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("panicked")))).sum()
    });
    let events = events.map_err(Failure::from(cannot))?;
    Ok(count(events) / time.as_secs_f64())
}

/// Serves one process its Runtime API, with nothing around it.
fn back_to_back(function: &Path, until: Instant) -> io::Result<u64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let mut command = Command::new(function);
    command.env_clear().env("AWS_LAMBDA_RUNTIME_API", address);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let event = "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 1\r\ncontent-length: 2\r\n\r\n{}";
    let accepted = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";
    let mut events = 0;
    while Instant::now() < until {
        request(&mut stream)?;
        stream.write_all(event.as_bytes())?;
        request(&mut stream)?;
        stream.write_all(accepted.as_bytes())?;
        events += 1;
    }
    child.kill()?;
    child.wait()?;
    Ok(events)
}

/// Reads one request; its content does not matter.
fn request(stream: &mut TcpStream) -> io::Result<()> {
    let (mut buffer, mut filled) = ([0; 16 << 10], 0);
    loop {
        let read = stream.read(buffer.get_mut(filled..).unwrap_or_default())?;
        filled += read;
        let mut headers = [httparse::EMPTY_HEADER; 16];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(buffer.get(..filled).unwrap_or_default()).map_err(io::Error::other)?;
        if let httparse::Status::Complete(head) = status {
            let length = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
            let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
            if filled >= head + length.unwrap_or_default() {
                return Ok(());
            }
        }
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
