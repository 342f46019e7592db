//! An HTTP client of one open connection: what it costs itself must be little beside what it measures.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Longer than any answer takes that is waited for; what hangs is an error then.
const PATIENCE: Duration = Duration::from_secs(30);
const MOST_HEADERS: usize = 64;
/// So much is read at once, in bytes.
const PIECE: usize = 16 << 10;

/// Where something answers over HTTP, and under which name it is asked.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Address and port.
    pub(super) address: String,
    /// The `Host` header.
    pub(super) host: String,
}

/// A connection that is kept open, and opened again where the other side closes it.
pub(super) struct Connection {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    patience: Duration,
}

/// An answer; its parts lie in the connection's buffer.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    head: &'a [u8],
    pub(super) body: Vec<u8>,
}

impl Place {
    /// Of an address such as `http://127.0.0.1:3000`.
    pub(super) fn of(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { host: address.clone(), address }
    }

    /// A whole request, ready to be sent again and again.
    pub(super) fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }

    pub(super) fn connect(&self) -> Connection {
        Connection { address: self.address.clone(), stream: None, buffer: Vec::new(), patience: PATIENCE }
    }
}

impl Connection {
    /// With another patience than half a minute.
    pub(super) fn patient(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When nobody listens, or what comes is not HTTP, or nothing comes.
    pub(super) fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(self.patience))?;
                stream
            }
        };
        stream.write_all(request)?;
        self.buffer.clear();
        let (head, status, length, stays) = loop {
            fill(&mut stream, &mut self.buffer)?;
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut response = httparse::Response::new(&mut headers);
            if let httparse::Status::Complete(head) = response.parse(&self.buffer).map_err(io::Error::other)? {
                let header = |name| value(response.headers, name);
                let length = match header("transfer-encoding") {
                    Some(_) => None,
                    None => Some(header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0)),
                };
                let stays = !header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
                break (head, response.code.unwrap_or_default(), length, stays);
            }
        };
        let body = match length {
            Some(length) => {
                while self.buffer.len() < head + length {
                    fill(&mut stream, &mut self.buffer)?;
                }
                self.buffer.get(head..head + length).unwrap_or_default().to_vec()
            }
            None => chunks(&mut stream, &mut self.buffer, head)?,
        };
        self.stream = stays.then_some(stream);
        Ok(Answer { status, head: self.buffer.get(..head).unwrap_or_default(), body })
    }
}

impl Answer<'_> {
    /// All values of a header.
    pub(super) fn header(&self, name: &str) -> Vec<String> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        // It was parsed before.
        let _complete = response.parse(self.head);
        let all = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        all.map(|header| String::from_utf8_lossy(header.value).into_owned()).collect()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn value<'a>(headers: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()
}

/// Reads what has come.
fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let before = buffer.len();
    buffer.resize(before + PIECE, 0);
    let read = stream.read(buffer.get_mut(before..).unwrap_or_default());
    buffer.truncate(before + read.as_ref().copied().unwrap_or_default());
    match read? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        _ => Ok(()),
    }
}

/// A body that comes in chunks, from this place of the buffer on.
fn chunks(stream: &mut TcpStream, buffer: &mut Vec<u8>, mut at: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let parsed = httparse::parse_chunk_size(buffer.get(at..).unwrap_or_default());
        let parsed = parsed.map_err(|_| io::Error::other("a chunk without a size"))?;
        let httparse::Status::Complete((line, size)) = parsed else {
            fill(stream, buffer)?;
            continue;
        };
        let (begin, size) = (at + line, usize::try_from(size).map_err(io::Error::other)?);
        // Behind each chunk, and behind the last, which is empty, stands the end of a line.
        while buffer.len() < begin + size + 2 {
            fill(stream, buffer)?;
        }
        body.extend_from_slice(buffer.get(begin..begin + size).unwrap_or_default());
        at = begin + size + 2;
        if size == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener, thread};

    use super::*;

    /// What the client reads of these bytes, which come in two pieces.
    fn read(bytes: &'static [u8], cut: usize) -> (u16, String, Vec<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place::of(&format!("http://{}", listener.local_addr().unwrap()));
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(&bytes[..cut]).unwrap();
            stream.flush().unwrap();
            stream.write_all(&bytes[cut..]).unwrap();
        });
        let mut connection = place.connect();
        let answer = connection.exchange(&place.request("GET", "/", &[("a", "b")], b"")).unwrap();
        let read = (answer.status, answer.text(), answer.header("x-own"));
        server.join().unwrap();
        read
    }

    #[test]
    fn bodies_of_known_length_and_in_chunks_are_read_wherever_they_are_cut() {
        let known: &[u8] = b"HTTP/1.1 201 Created\r\nX-Own: 1\r\nx-own: 2\r\ncontent-length: 5\r\n\r\nhello";
        let chunked: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
        for cut in (1..known.len()).step_by(7) {
            assert_eq!(read(known, cut), (201, "hello".to_owned(), vec!["1".to_owned(), "2".to_owned()]));
        }
        for cut in (1..chunked.len()).step_by(5) {
            assert_eq!(read(chunked, cut), (200, "hello".to_owned(), Vec::new()));
        }
    }
}
