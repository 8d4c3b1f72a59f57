//! `kith admin`: commands that a running server carries out.

use super::options::Which;
use super::print;
use crate::config::{AdminListen, Config};
use crate::http::admin::Health;
use anyhow::Context;
use clap::{Args, Subcommand};
use http_body_util::{BodyExt, Full, Limited};
use hyper::Response;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use std::io::ErrorKind;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Answers are small, the metrics page apart; it stays far below this.
const ANSWER_MAX_BYTES: usize = 16 << 20;

/// Talk to a running server through its admin listener.
#[derive(Args)]
#[command(after_help = "\
It finds the server by the same options as `kith serve`: give --data (or --config) as there.

Examples:
  kith admin health
  kith admin health --json --data /srv/kith
  kith admin drain
  kith admin metrics | grep kith_")]
pub(super) struct Admin {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    which: Which,
}

#[derive(Subcommand)]
enum Action {
    /// Say whether clients are served; fails if they are not.
    Health {
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Stop gently, as SIGTERM does; returns when it has begun.
    Drain,
    /// Print the figures for Prometheus.
    Metrics,
}

impl Admin {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.which.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(self.act(&config))
    }

    async fn act(&self, config: &Config) -> anyhow::Result<()> {
        match &self.action {
            Action::Health { json } => {
                let answer = call(config, "GET", "/v1/admin/health", "").await?;
                let health: Health = serde_json::from_str(&answer)?;
                if *json {
                    print(&format!("{answer}\n"))?;
                }
                match health.why {
                    Some(why) => anyhow::bail!("clients are not served: {why}"),
                    None if *json => Ok(()),
                    None => print(&format!("ready, version {}\n", health.version)),
                }
            }
            Action::Drain => {
                call(config, "POST", "/v1/admin/drain", "").await?;
                print("it is stopping\n")
            }
            Action::Metrics => print(&call(config, "GET", "/metrics", "").await?),
        }
    }
}

/// One request to the running server; its answer, or its refusal in its own words.
pub(super) async fn call(
    config: &Config,
    method: &str,
    path: &str,
    body: &str,
) -> anyhow::Result<String> {
    let listen = config.admin_listen();
    let answer = match ask(config, method, path, body).await? {
        Some(answer) => answer,
        None if listen == AdminListen::Off => {
            anyhow::bail!("the admin listener is off: set admin.listen")
        }
        None => anyhow::bail!(
            "no server answers on {listen}; start it with `kith serve`, or say with --data or --config which one is meant"
        ),
    };
    read(answer).await
}

/// One request to the running server; none if no server listens there.
pub(super) async fn ask(
    config: &Config,
    method: &str,
    path: &str,
    body: &str,
) -> anyhow::Result<Option<Response<Incoming>>> {
    let listen = config.admin_listen();
    let stream: Result<Box<dyn Stream>, std::io::Error> = match &listen {
        AdminListen::Unix(path) => UnixStream::connect(path).await.map(boxed),
        AdminListen::Loopback(address) => TcpStream::connect(address).await.map(boxed),
        AdminListen::Off => return Ok(None),
    };
    match stream {
        Ok(stream) => exchange(stream, config, method, path, body).await.map(Some),
        Err(error) => match error.kind() {
            // Reset: it is just ending.
            ErrorKind::NotFound | ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => {
                Ok(None)
            }
            _ => anyhow::bail!("the server on {listen} cannot be reached: {error}"),
        },
    }
}

/// Both kinds of connection.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

fn boxed(stream: impl Stream + 'static) -> Box<dyn Stream> {
    Box::new(stream)
}

async fn exchange(
    stream: Box<dyn Stream>,
    config: &Config,
    method: &str,
    path: &str,
    body: &str,
) -> anyhow::Result<Response<Incoming>> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = hyper::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("content-type", "application/json");
    if let Some(file) = &config.admin.token_file {
        let token = file
            .read()
            .map_err(|why| anyhow::anyhow!("admin.token_file {why}"))?;
        request = request.header("authorization", format!("Bearer {}", token.expose()));
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned())))?;
    Ok(sender.send_request(request).await?)
}

/// A whole answer, or the refusal in its own words.
pub(super) async fn read(answer: Response<Incoming>) -> anyhow::Result<String> {
    let status = answer.status();
    let bytes = Limited::new(answer.into_body(), ANSWER_MAX_BYTES)
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!("the answer cannot be read: {error}"))?
        .to_bytes();
    let text = String::from_utf8(bytes.to_vec()).context("the answer is not UTF-8")?;
    // What is refused is said in words already.
    anyhow::ensure!(!status.is_client_error(), "{}", text.trim());
    anyhow::ensure!(status.is_success(), "{status}: {}", text.trim());
    Ok(text)
}
