//! Sockets without a server behind them: one thread that answers each frame at once and hands it on,
//! checks nothing and stores nothing. What goes through here is what these sockets and this generator
//! can do at most on this machine.

use super::wire;
use anyhow::{Context, Result};
use kith_protocol::frame::FRAME_MAX_BYTES;
use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use tokio_tungstenite::tungstenite;
use tungstenite::handshake::server::{Request, Response};

/// What one read takes: as much as the generator's own.
const READ_BYTES: usize = 2 * (FRAME_MAX_BYTES + 16);

/// Who gets what a socket sends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Audience {
    /// Itself and its neighbour: sockets 0 and 1, 2 and 3 …
    Pair,
    /// Every socket.
    All,
}

/// A thread that answers; it ends when its sockets are closed.
pub(super) struct Bare {
    /// Where it listens.
    pub(super) address: SocketAddr,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Bare {
    /// Takes so many sockets, one after the other, then serves them.
    pub(super) fn start(sockets: usize, audience: Audience) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let thread = std::thread::spawn(move || {
            let streams: Result<Vec<_>> = (0..sockets).map(|_| welcome(&listener)).collect();
            Exchange::new(streams?, audience)?.serve()
        });
        Ok(Self {
            address,
            thread: Some(thread),
        })
    }

    /// Waits for its end, once the sockets are closed.
    pub(super) fn join(mut self) -> Result<()> {
        let thread = self.thread.take().context("joined twice")?;
        thread
            .join()
            .map_err(|_| anyhow::anyhow!("the bare server panicked"))?
    }
}

fn welcome(listener: &TcpListener) -> Result<std::net::TcpStream> {
    let (stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    #[expect(
        clippy::result_large_err,
        reason = "the shape that tungstenite asks for"
    )]
    let agree = |request: &Request, mut response: Response| {
        let name = "sec-websocket-protocol";
        if let Some(protocol) = request.headers().get(name) {
            response.headers_mut().insert(name, protocol.clone());
        }
        Ok(response)
    };
    let mut socket = tungstenite::accept_hdr(stream, agree)
        .map_err(|error| anyhow::anyhow!("upgrade: {error}"))?;
    socket.read().context("hello")?;
    socket.send(tungstenite::Message::text("{\"t\":\"welcome\"}"))?;
    Ok(socket.into_inner())
}

struct Exchange {
    poll: Poll,
    audience: Audience,
    sockets: Vec<Socket>,
    dirty: Vec<usize>,
    scratch: Vec<u8>,
    entry: Vec<u8>,
}

struct Socket {
    stream: TcpStream,
    /// The beginning of a frame whose end has not come.
    partial: Vec<u8>,
    out: Vec<u8>,
    /// Of the thread that begins with this socket.
    seq: u64,
    is_open: bool,
}

impl Exchange {
    fn new(streams: Vec<std::net::TcpStream>, audience: Audience) -> Result<Self> {
        let poll = Poll::new()?;
        let mut sockets = Vec::with_capacity(streams.len());
        for (number, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let interest = Interest::READABLE | Interest::WRITABLE;
            poll.registry()
                .register(&mut stream, Token(number), interest)?;
            sockets.push(Socket {
                stream,
                partial: Vec::new(),
                out: Vec::new(),
                seq: 0,
                is_open: true,
            });
        }
        Ok(Self {
            poll,
            audience,
            sockets,
            dirty: Vec::new(),
            scratch: vec![0; READ_BYTES],
            entry: Vec::new(),
        })
    }

    fn serve(mut self) -> Result<()> {
        let mut events = Events::with_capacity(1024);
        while self.sockets.iter().any(|socket| socket.is_open) {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                let Token(number) = event.token();
                if event.is_readable() || event.is_read_closed() {
                    self.read(number);
                }
                if event.is_writable() {
                    self.dirty.push(number);
                }
                self.flush();
            }
        }
        Ok(())
    }

    fn read(&mut self, number: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        loop {
            let socket = &mut self.sockets[number];
            let kept = socket.partial.len();
            scratch[..kept].copy_from_slice(&socket.partial);
            socket.partial.clear();
            let got = match socket.stream.read(&mut scratch[kept..]) {
                Ok(0) => {
                    socket.is_open = false;
                    break;
                }
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => {
                    socket.partial.extend_from_slice(&scratch[..kept]);
                    // Anything but "no more for now" is the end of this socket.
                    socket.is_open = error.kind() == ErrorKind::WouldBlock;
                    break;
                }
            };
            let end = kept + got;
            let mut at = 0;
            while let Some((start, length)) = wire::header(&scratch[at..end]) {
                // The mask, which is zero, stands before the payload.
                let payload = at + start + 4;
                if payload + length > end {
                    break;
                }
                self.answer(number, &scratch[payload..payload + length]);
                at = payload + length;
            }
            self.sockets[number]
                .partial
                .extend_from_slice(&scratch[at..end]);
            if end < scratch.len() {
                break;
            }
        }
        self.scratch = scratch;
    }

    /// Acknowledges a send and hands its text on.
    fn answer(&mut self, from: usize, send: &[u8]) {
        let (Some(id), Some(text)) = (field(send, b"\"id\":\""), field(send, b"\"text\":\""))
        else {
            return;
        };
        let first = match self.audience {
            Audience::Pair => from & !1,
            Audience::All => 0,
        };
        self.sockets[first].seq += 1;
        let seq = self.sockets[first].seq;
        let ok = format!(
            r#"{{"t":"ok","re":"{}","seq":{seq},"ord":{seq},"at":"2026-01-01T00:00:00.000Z"}}"#,
            String::from_utf8_lossy(id)
        );
        frame(&mut self.sockets[from].out, ok.as_bytes());
        let mut entry = std::mem::take(&mut self.entry);
        entry.clear();
        let json = format!(
            r#"{{"t":"entry","thread_id":"00000000-0000-8000-8000-000000000000","prev_seq":{},"entries":[{{"seq":{seq},"kind":"text","author_id":"00000000-0000-7000-8000-000000000000","client_msg_id":"00000000-0000-4000-8000-000000000000","ord":{seq},"at":"2026-01-01T00:00:00.000Z","read_moved":true,"text":"{}"}}]}}"#,
            seq - 1,
            String::from_utf8_lossy(text)
        );
        frame(&mut entry, json.as_bytes());
        let audience = match self.audience {
            Audience::Pair => first..(first + 2).min(self.sockets.len()),
            Audience::All => 0..self.sockets.len(),
        };
        for number in audience {
            self.sockets[number].out.extend_from_slice(&entry);
            self.dirty.push(number);
        }
        self.entry = entry;
    }

    fn flush(&mut self) {
        while let Some(number) = self.dirty.pop() {
            let Socket { stream, out, .. } = &mut self.sockets[number];
            let mut written = 0;
            while written < out.len() {
                match stream.write(&out[written..]) {
                    Ok(more) => written += more,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // Full: it goes on when the socket is writable. Gone: reading notices.
                    Err(_) => break,
                }
            }
            out.drain(..written);
        }
    }
}

/// Appends an unmasked text frame.
fn frame(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(0x81);
    if payload.len() < 126 {
        out.push(payload.len() as u8);
    } else {
        out.push(126);
        out.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    }
    out.extend_from_slice(payload);
}

fn field<'a>(frame: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = &frame[memmem::find(frame, name)? + name.len()..];
    Some(&rest[..memchr::memchr(b'"', rest)?])
}
