//! One kept HTTP connection that blocks: a client with a pool and tasks would cost as much as the
//! page that is measured.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Answers are pages of 50 short messages or small syncs.
const ANSWER_MAX_BYTES: usize = 4 << 20;

/// A connection for requests of one session.
pub(super) struct Kept {
    stream: TcpStream,
    head: String,
    answer: Vec<u8>,
}

impl Kept {
    /// Connects.
    pub(super) fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self {
            stream,
            head: format!("host: {address}\r\nauthorization: Bearer {token}\r\n"),
            answer: Vec::with_capacity(64 * 1024),
        })
    }

    /// The body of the answer, which must be a success.
    pub(super) fn get(&mut self, path: &str) -> Result<&[u8]> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.head);
        self.exchange(request)
    }

    /// The same for JSON that is sent; the answer must be a success.
    pub(super) fn post(&mut self, path: &str, json: &str) -> Result<&[u8]> {
        let request = format!(
            "POST {path} HTTP/1.1\r\n{}content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
            self.head,
            json.len()
        );
        self.exchange(request)
    }

    fn exchange(&mut self, request: String) -> Result<&[u8]> {
        self.stream.write_all(request.as_bytes())?;
        self.answer.clear();
        let body = loop {
            self.more()?;
            if let Some(at) = memchr::memmem::find(&self.answer, b"\r\n\r\n") {
                break at + 4;
            }
        };
        let end = body + self.length(body)?;
        while self.answer.len() < end {
            self.more()?;
        }
        Ok(&self.answer[body..end])
    }

    fn length(&self, body: usize) -> Result<usize> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        head.parse(&self.answer[..body]).context("headers")?;
        if !head.code.is_some_and(|code| (200..300).contains(&code)) {
            bail!("refused: {}", String::from_utf8_lossy(&self.answer));
        }
        head.headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok())
            .filter(|length| *length <= ANSWER_MAX_BYTES)
            .context("no good content-length")
    }

    fn more(&mut self) -> Result<()> {
        let start = self.answer.len();
        self.answer.resize(start + 32 * 1024, 0);
        let got = self.stream.read(&mut self.answer[start..])?;
        self.answer.truncate(start + got);
        if got == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}
