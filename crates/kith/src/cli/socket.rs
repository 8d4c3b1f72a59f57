//! `kith socket`: frames by hand, for people who write clients and for scripts.

use anyhow::{Context, bail};
use clap::Args;
use futures_util::{SinkExt, StreamExt};
use kith_protocol::frame::{self, ClientFrame, Hello, SUBPROTOCOL, Skip};
use kith_protocol::presence::State;
use serde::Deserialize;
use std::collections::HashSet;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// Lines of standard input that wait to be sent.
const LINES_MAX: usize = 16;

/// Open a WebSocket: prints the frames that come, sends the lines of standard input.
#[derive(Args)]
#[command(after_help = "\
It says hello first. At the end of the input it waits for the answers to all frames with an id, or
until --count frames have come, and closes.

Examples:
  kith socket --token-file ann.token
  echo '{\"t\":\"ping\",\"id\":\"1\"}' | kith socket --token-file ann.token
  kith socket --token-file bo.token --count 10 | jq .t")]
pub(super) struct Socket {
    /// The server.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// A file with the token of the session: arguments are seen by others.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// What the session says of itself: online, away or leaving.
    #[arg(long, default_value = "online")]
    state: State,
    /// End after so many frames, and not at the end of the input.
    #[arg(long, value_name = "FRAMES")]
    count: Option<u64>,
}

impl Socket {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let done = runtime.block_on(self.talk());
        // The thread that reads standard input may wait for a line for ever.
        runtime.shutdown_background();
        done
    }

    async fn talk(self) -> anyhow::Result<()> {
        let shown = self.token_file.display();
        let token = std::fs::read_to_string(&self.token_file)
            .with_context(|| format!("{shown} cannot be read"))?;
        let Some(rest) = self.server.trim_end_matches('/').strip_prefix("http://") else {
            bail!("{}: this version speaks plain http only", self.server);
        };
        let mut request = format!("ws://{rest}/v1/socket").into_client_request()?;
        let protocol = SUBPROTOCOL.parse()?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        let (mut socket, _) = tokio_tungstenite::connect_async(request)
            .await
            .with_context(|| format!("{} does not open a socket", self.server))?;
        let hello = ClientFrame::Hello(Hello {
            token: Some(token.trim().to_owned()),
            state: self.state,
            capabilities: Vec::new(),
            t: Skip,
            id: Skip,
        });
        socket.send(Message::text(hello.encode(None))).await?;

        let mut lines = lines();
        let (mut at_end, mut unanswered, mut came) = (false, HashSet::new(), 0);
        while self
            .count
            .map_or(!at_end || !unanswered.is_empty(), |count| came < count)
        {
            tokio::select! {
                line = lines.recv(), if !at_end => match line {
                    Some(line) => {
                        unanswered.extend(link(&line).id);
                        socket.send(Message::text(line)).await?;
                    }
                    None => at_end = true,
                },
                message = socket.next() => match message {
                    Some(Ok(Message::Text(frame))) => {
                        came += 1;
                        super::print(&format!("{frame}\n"))?;
                        std::io::stdout().flush()?;
                        link(&frame).re.map(|re| unanswered.remove(&re));
                    }
                    Some(Ok(Message::Close(Some(close)))) => {
                        bail!("the server closed: {} {}", u16::from(close.code), close.reason)
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => bail!("the connection was cut"),
                },
            }
        }
        // The server may be gone already; all that was asked for has come.
        let _ = socket.close(None).await;
        Ok(())
    }
}

/// What links a frame to its answer.
#[derive(Default, Deserialize)]
struct Link {
    id: Option<String>,
    re: Option<String>,
}

/// What is no frame has no link: it is sent all the same, and the server says what it thinks.
fn link(frame: &str) -> Link {
    frame::answer(frame).unwrap_or_default()
}

/// Lines of standard input, read by a thread of their own: a terminal cannot be waited for
/// otherwise. Empty ones are passed over.
fn lines() -> mpsc::Receiver<String> {
    let (line, lines) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        let read = std::io::stdin().lock().lines().map_while(Result::ok);
        for text in read.filter(|text| !text.trim().is_empty()) {
            if line.blocking_send(text).is_err() {
                return;
            }
        }
    });
    lines
}
