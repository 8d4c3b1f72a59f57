//! Many WebSockets on one thread: the handshake by tungstenite, frames by hand, one epoll loop.

use anyhow::{Context, Result, bail, ensure};
use kith_protocol::frame::{FRAME_MAX_BYTES, SUBPROTOCOL};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;
use tokio_tungstenite::tungstenite;
use tungstenite::client::IntoClientRequest;

/// Longest wait for the parts of a handshake.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// A frame and its header always fit, with whatever was left of the frame before.
const SCRATCH_BYTES: usize = 2 * (FRAME_MAX_BYTES + 16);

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Open sockets, told apart by the order in which they were added.
pub struct Wires {
    poll: Poll,
    events: Events,
    streams: Vec<TcpStream>,
    /// The beginning of a frame whose end has not come.
    partial: Vec<Vec<u8>>,
    scratch: Vec<u8>,
    outs: Outs,
}

/// What waits to be written, by socket.
pub struct Outs {
    bufs: Vec<Vec<u8>>,
    dirty: Vec<usize>,
}

impl Outs {
    /// Queues a text frame; `write` appends its payload.
    pub fn text(&mut self, socket: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let buf = &mut self.bufs[socket];
        if buf.is_empty() {
            self.dirty.push(socket);
        }
        frame(buf, TEXT, write);
    }

    fn pong(&mut self, socket: usize, payload: &[u8]) {
        let buf = &mut self.bufs[socket];
        if buf.is_empty() {
            self.dirty.push(socket);
        }
        frame(buf, PONG, |out| out.extend_from_slice(payload));
    }
}

impl Wires {
    /// None yet.
    pub fn new() -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            streams: Vec::new(),
            partial: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            outs: Outs {
                bufs: Vec::new(),
                dirty: Vec::new(),
            },
        })
    }

    /// Adds a socket that has said hello; gives its number.
    pub fn add(&mut self, stream: std::net::TcpStream) -> Result<usize> {
        stream.set_nonblocking(true)?;
        stream.set_read_timeout(None)?;
        let mut stream = TcpStream::from_std(stream);
        let number = self.streams.len();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, Token(number), interest)?;
        self.streams.push(stream);
        self.partial.push(Vec::new());
        self.outs.bufs.push(Vec::new());
        Ok(number)
    }

    /// Something that wakes [`Wires::turn`] from another thread.
    pub fn waker(&self) -> Result<mio::Waker> {
        Ok(mio::Waker::new(self.poll.registry(), Token(usize::MAX))?)
    }

    /// What waits to be written.
    pub fn outs(&mut self) -> &mut Outs {
        &mut self.outs
    }

    /// Waits for something to read, and hands every frame to `each`; then writes what is queued.
    pub fn turn(
        &mut self,
        wait: Duration,
        mut each: impl FnMut(&mut Outs, usize, &[u8]),
    ) -> Result<()> {
        self.flush()?;
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        let mut ready = std::mem::replace(&mut self.events, Events::with_capacity(1));
        for event in &ready {
            let Token(socket) = event.token();
            if socket == usize::MAX {
                continue;
            }
            if event.is_readable() || event.is_read_closed() {
                self.read(socket, &mut each)
                    .with_context(|| format!("socket {socket}"))?;
            }
            if event.is_writable() && !self.outs.bufs[socket].is_empty() {
                self.outs.dirty.push(socket);
            }
        }
        ready.clear();
        self.events = ready;
        self.flush()
    }

    fn read(
        &mut self,
        socket: usize,
        each: &mut impl FnMut(&mut Outs, usize, &[u8]),
    ) -> Result<()> {
        let Self {
            streams,
            partial,
            scratch,
            outs,
            ..
        } = self;
        let partial = &mut partial[socket];
        loop {
            let kept = partial.len();
            scratch[..kept].copy_from_slice(partial);
            partial.clear();
            let got = match streams[socket].read(&mut scratch[kept..]) {
                Ok(0) => bail!("closed by the server"),
                Ok(got) => got,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    partial.extend_from_slice(&scratch[..kept]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => return Err(error.into()),
            };
            let end = kept + got;
            let mut at = 0;
            while let Some((opcode, payload, next)) = parse(&scratch[at..end])? {
                let payload = &scratch[at + payload.start..at + payload.end];
                match opcode {
                    TEXT => each(outs, socket, payload),
                    PING => outs.pong(socket, payload),
                    PONG => {}
                    CLOSE => bail!("closed by the server: {}", close_reason(payload)),
                    other => bail!("frame with opcode {other}"),
                }
                at += next;
            }
            partial.extend_from_slice(&scratch[at..end]);
            // A short read means that the kernel has no more; another would only say so.
            if end < scratch.len() {
                return Ok(());
            }
        }
    }

    fn flush(&mut self) -> Result<()> {
        while let Some(socket) = self.outs.dirty.pop() {
            let buf = &mut self.outs.bufs[socket];
            let mut written = 0;
            while written < buf.len() {
                match self.streams[socket].write(&buf[written..]) {
                    Ok(more) => written += more,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error).context("write to the server"),
                }
            }
            // What is left goes out when the socket becomes writable.
            buf.drain(..written);
        }
        Ok(())
    }
}

/// Connects, upgrades, says hello and waits for the welcome.
pub(super) fn dial(address: SocketAddr, token: &str) -> Result<std::net::TcpStream> {
    let stream = std::net::TcpStream::connect_timeout(&address, DIAL_TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DIAL_TIMEOUT))?;
    let mut request = format!("ws://{address}/v1/socket").into_client_request()?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", SUBPROTOCOL.parse()?);
    let (socket, _) = tungstenite::client(request, stream)
        .map_err(|error| anyhow::anyhow!("upgrade refused: {error}"))?;
    // The server says nothing before hello, so tungstenite holds no bytes back.
    let mut stream = socket.into_inner();
    let mut hello = Vec::new();
    frame(&mut hello, TEXT, |out| {
        out.extend_from_slice(b"{\"t\":\"hello\",\"state\":\"online\",\"token\":\"");
        out.extend_from_slice(token.as_bytes());
        out.extend_from_slice(b"\"}");
    });
    stream.write_all(&hello)?;
    let welcome = read_frame(&mut stream)?;
    ensure!(
        super::scan::kind(&welcome) == super::scan::Kind::Welcome,
        "no welcome but {}",
        String::from_utf8_lossy(&welcome)
    );
    Ok(stream)
}

/// Asks one thing on a socket that nothing else comes on, and waits for its answer.
pub(super) fn ask(stream: &mut std::net::TcpStream, json: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    frame(&mut out, TEXT, |out| out.extend_from_slice(json.as_bytes()));
    stream.write_all(&out)?;
    loop {
        let answer = read_frame(stream)?;
        if matches!(super::scan::kind(&answer), super::scan::Kind::Refused) {
            bail!("refused: {}", String::from_utf8_lossy(&answer));
        }
        if answer.starts_with(b"{\"t\":\"ok\"") {
            return Ok(answer);
        }
    }
}

/// Reads exactly one text frame, so that nothing of a next one is taken from the stream.
fn read_frame(stream: &mut std::net::TcpStream) -> Result<Vec<u8>> {
    loop {
        let mut bytes = vec![0; 2];
        stream.read_exact(&mut bytes)?;
        let more = match bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        bytes.resize(2 + more, 0);
        stream.read_exact(&mut bytes[2..])?;
        let (start, length) = header(&bytes).context("a header")?;
        ensure!(length <= FRAME_MAX_BYTES, "a frame of {length} bytes");
        bytes.resize(start + length, 0);
        stream.read_exact(&mut bytes[start..])?;
        match bytes[0] & 0x0f {
            TEXT => return Ok(bytes.split_off(start)),
            CLOSE => bail!("closed by the server: {}", close_reason(&bytes[start..])),
            _ => {}
        }
    }
}

/// Appends a masked frame. The mask is zero, which the server undoes at the usual cost: masks
/// protect proxies from hostile pages, and here is neither.
fn frame(buf: &mut Vec<u8>, opcode: u8, write: impl FnOnce(&mut Vec<u8>)) {
    let start = buf.len();
    // Room for the longest header that is needed: two bytes, a length of two, the mask.
    buf.extend_from_slice(&[0x80 | opcode, 0x80 | 126, 0, 0, 0, 0, 0, 0]);
    write(buf);
    let length = buf.len() - start - 8;
    if length < 126 {
        buf[start + 1] = 0x80 | length as u8;
        buf.drain(start + 6..start + 8);
    } else {
        debug_assert!(
            length <= usize::from(u16::MAX),
            "the generator's frames are short"
        );
        buf[start + 2..start + 4].copy_from_slice(&(length as u16).to_be_bytes());
    }
}

type Frame = (u8, std::ops::Range<usize>, usize);

/// The first frame in these bytes, if all of it is there: opcode, payload, length.
fn parse(bytes: &[u8]) -> Result<Option<Frame>> {
    let Some((header, length)) = header(bytes) else {
        return Ok(None);
    };
    ensure!(bytes[0] & 0x80 != 0, "a fragmented frame");
    ensure!(bytes[1] & 0x80 == 0, "a masked frame from the server");
    ensure!(length <= FRAME_MAX_BYTES, "a frame of {length} bytes");
    let end = header + length;
    Ok((bytes.len() >= end).then(|| (bytes[0] & 0x0f, header..end, end)))
}

/// Where the payload of a frame begins, a mask left out, and how long it is; none: not all of the
/// header is there.
pub(super) fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.get(1)? & 0x7f {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            Some((4, u16::from_be_bytes(length).into()))
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().ok()?;
            Some((10, u64::from_be_bytes(length).try_into().ok()?))
        }
        length => Some((2, length.into())),
    }
}

fn close_reason(payload: &[u8]) -> String {
    match payload {
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            format!("{code} {}", String::from_utf8_lossy(reason))
        }
        _ => "without a code".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_frames_have_the_right_header() {
        for (length, header) in [(0, 6), (125, 6), (126, 8), (400, 8)] {
            let mut buf = vec![7];
            frame(&mut buf, TEXT, |out| out.resize(out.len() + length, b'x'));
            assert_eq!(buf.len(), 1 + header + length);
            assert_eq!(buf[1], 0x81);
            assert!(buf[1 + header..].iter().all(|&byte| byte == b'x'));
            // The server would read the same length.
            let (start, read) = super::header(&buf[1..]).expect("a header");
            assert_eq!((start + 4, read), (header, length));
        }
    }

    #[test]
    fn a_frame_is_read_only_when_all_of_it_is_there() {
        let mut bytes = vec![0x81, 126, 1, 0];
        bytes.resize(4 + 256, b'x');
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).expect("not wrong").is_none());
        }
        let whole = parse(&bytes).expect("not wrong").expect("whole");
        assert_eq!(whole, (TEXT, 4..260, 260));
        assert!(parse(&[0x01, 0]).is_err(), "fragments are not expected");
    }
}
