//! Answers on a port of this machine, so that nobody who is slow, or many, keeps others waiting for long.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tower_service::Service;

/// How long a request's head may take to come, and a connection may be kept without one.
const HEAD: Duration = Duration::from_secs(30);
/// How long a request's body may take to come.
const BODY: Duration = Duration::from_secs(30);
/// So much of a body that is too long is read and thrown away, in bytes, and for so long.
const DRAINED: usize = 64 << 20;
const DRAINING: Duration = Duration::from_secs(5);
/// As many connections a port has at once; others wait for one to end.
const MOST: usize = 2000;
/// How long to wait when the system has no connection left to give.
const NONE_LEFT: Duration = Duration::from_millis(50);

/// What answers requests. Each connection has a clone.
///
/// A router is one. What is asked with every event is no router: finding its way through one costs as much as the answer.
pub(crate) trait Answers: Clone + Send + Sync + 'static {
    /// Answers a request that comes from this address.
    fn answer(&self, peer: SocketAddr, request: Request) -> impl Future<Output = Response> + Send;
}

impl Answers for Router {
    async fn answer(&self, _peer: SocketAddr, request: Request) -> Response {
        self.clone().call(request).await.unwrap_or_else(|never| match never {})
    }
}

/// Serves until the task is aborted; then every connection ends.
pub(crate) async fn serve(listener: TcpListener, answers: impl Answers) {
    let room = Arc::new(Semaphore::new(MOST));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            // It is never closed.
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            Some(_ended) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(NONE_LEFT).await;
            continue;
        };
        // Answers are small, and waiting to fill a packet costs 40 ms.
        let _slower_then = stream.set_nodelay(true);
        let answers = answers.clone();
        connections.spawn(async move {
            connection(stream, answers, peer).await;
            drop(place);
        });
    }
}

/// Answers one connection's requests, one after the other, until it ends or is too slow.
async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin, answers: impl Answers, peer: SocketAddr) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let answer = answers.answer(peer, request.map(Body::new));
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD);
    // Whoever cut it, or was too slow, is gone.
    let _ended = server.serve_connection(TokioIo::new(stream), service).await;
}

/// Why a body is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    TooLong,
    TooSlow,
    /// The connection ended.
    Broken,
}

/// A request's body, of at most so many bytes, which comes in time.
pub(crate) async fn body(body: Body, most: usize) -> Result<Bytes, Unread> {
    timeout(BODY, unhurried(body, most)).await.unwrap_or(Err(Unread::TooSlow))
}

/// A request's body, of at most so many bytes.
pub(crate) async fn unhurried(mut body: Body, most: usize) -> Result<Bytes, Unread> {
    match Limited::new(&mut body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            drain(body).await;
            Err(Unread::TooLong)
        }
        Err(_) => Err(Unread::Broken),
    }
}

/// Reads on for a while and keeps nothing. Who is still sending when the connection ends has an error in place of the answer
/// that says why.
async fn drain(mut body: Body) {
    let rest = async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _too_slow = timeout(DRAINING, rest).await;
}

/// Lets a request on once its body is there: 408 when that takes too long, 413 when it has more than `most` bytes.
pub(crate) async fn whole(most: usize, request: Request, next: Next) -> Response {
    let (parts, sent) = request.into_parts();
    match body(sent, most).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(Unread::TooLong) => {
            (StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {most} bytes\n")).into_response()
        }
        Err(Unread::TooSlow) => (StatusCode::REQUEST_TIMEOUT, "the body does not come\n").into_response(),
        Err(Unread::Broken) => (StatusCode::BAD_REQUEST, "the body ends too early\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::{
        middleware::from_fn,
        routing::{get, post},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::Instant,
    };

    use super::*;

    fn connected() -> DuplexStream {
        let (ours, theirs) = duplex(1 << 16);
        let router = Router::new()
            .route("/", get(|| async { "hello" }).post(|body: String| async move { body }))
            .route("/never", post(std::future::pending::<()>))
            .layer(from_fn(|request, next| whole(10, request, next)));
        tokio::spawn(async move { connection(theirs, router, SocketAddr::from(([127, 0, 0, 1], 1))).await });
        ours
    }

    /// What comes back until the other side ends the connection, and after how long that is.
    async fn answer(mut stream: DuplexStream) -> (String, Duration) {
        let (since, mut text) = (Instant::now(), String::new());
        stream.read_to_string(&mut text).await.unwrap();
        (text, since.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_not_waited_for() {
        for begun in ["", "G", "GET / HTTP/1.1\r\nhost: a\r\nx: y"] {
            let mut slow = connected();
            slow.write_all(begun.as_bytes()).await.unwrap();
            let (said, waited) = answer(slow).await;
            assert!(said.is_empty() && (HEAD..HEAD * 2).contains(&waited), "{begun:?}: {said} after {waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_comes_by_drops_is_not_waited_for() {
        let mut slow = connected();
        slow.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let since = Instant::now();
        while slow.write_all(b"x: y\r\n").await.is_ok() {
            sleep(Duration::from_secs(5)).await;
        }
        assert!((HEAD..HEAD * 2).contains(&since.elapsed()), "{:?}", since.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_by_drops_is_not_waited_for() {
        let mut slow = connected();
        slow.write_all(b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 9\r\n\r\n").await.unwrap();
        let (mut from, mut to) = tokio::io::split(slow);
        let dripping = tokio::spawn(async move {
            while to.write_all(b"x").await.is_ok() {
                sleep(BODY / 5).await;
            }
        });
        let (since, mut said) = (Instant::now(), String::new());
        from.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
        assert!((BODY..BODY * 2).contains(&since.elapsed()), "{:?}", since.elapsed());
        dripping.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_time_is_answered_and_what_is_too_long_is_refused() {
        for (request, status, body) in [
            ("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "200", "hello"),
            ("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 5\r\n\r\n12345", "200", "12345"),
            (
                "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 11\r\n\r\n12345678901",
                "413",
                "10 bytes\n",
            ),
        ] {
            let mut client = connected();
            client.write_all(request.as_bytes()).await.unwrap();
            let (said, _) = answer(client).await;
            assert!(said.starts_with(&format!("HTTP/1.1 {status} ")) && said.ends_with(body), "{said}");
        }
    }

    /// It has the answer although it went on sending, and its connection ends.
    #[tokio::test(start_paused = true)]
    async fn who_sends_far_too_much_is_told_so() {
        let mut client = connected();
        let head = "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4000000\r\n\r\n";
        client.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..400 {
            client.write_all(&[b'x'; 10_000]).await.unwrap();
        }
        let (said, _) = answer(client).await;
        assert!(said.starts_with("HTTP/1.1 413 ") && said.ends_with("10 bytes\n"), "{said}");
    }

    /// An answer may take as long as it takes: whoever waits for a message asks for twenty seconds.
    #[tokio::test(start_paused = true)]
    async fn a_request_that_came_is_worked_on_without_end() {
        let mut client = connected();
        client.write_all(b"POST /never HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let silent = timeout(HEAD * 10, client.read_u8()).await;
        assert!(silent.is_err(), "{silent:?}");
    }
}
