//! The admin door: health, metrics and commands, on a Unix socket or on loopback.
//!
//! Whoever may open the socket may command: it lies in the data folder with mode 0600. On loopback
//! every user of the machine can connect, so commands there must show the secret of
//! `admin.token_file`.

pub mod doctor;
pub mod user;

use crate::config::{AdminListen, Secret};
use crate::metrics::Figures;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

/// Commands are small.
const BODY_MAX_BYTES: usize = 65_536;

/// What the admin door needs to know of the server behind it.
pub trait Behind: Send + Sync + 'static {
    /// Why it cannot serve, in a sentence.
    fn health(&self) -> Result<(), String>;

    /// Figures that are read when they are asked for: name without `kith_`, value.
    fn figures(&self) -> Vec<(&'static str, f64)>;
}

/// Health, as `kith admin health` prints it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// Whether clients are served.
    pub ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The running version.
    pub version: String,
}

/// Asks the process to stop gently; a clone is held by everything that may ask.
#[derive(Clone, Debug)]
pub struct StopSwitch(watch::Sender<bool>);

impl Default for StopSwitch {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl StopSwitch {
    /// Asks for a stop; asking again changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether a stop was asked for.
    pub fn is_stopping(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when a stop is asked for.
    pub async fn stopping(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.subscribe().wait_for(|stopping| *stopping).await;
    }
}

struct Admin {
    behind: Arc<dyn Behind>,
    figures: Option<Figures>,
    stop: StopSwitch,
}

/// Health, metrics and the commands that every server has; others are merged in.
pub fn routes(behind: Arc<dyn Behind>, figures: Option<Figures>, stop: StopSwitch) -> Router {
    let admin = Arc::new(Admin {
        behind,
        figures,
        stop,
    });
    Router::new()
        .route("/healthz/live", get(async || "alive\n"))
        .route("/healthz/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/v1/admin/health", get(health))
        .route("/v1/admin/drain", post(drain))
        .with_state(admin)
}

/// An open admin listener; it goes when this is dropped.
#[derive(Debug)]
pub struct AdminDoor {
    listen: AdminListen,
    task: tokio::task::JoinHandle<()>,
    socket: Option<PathBuf>,
}

impl AdminDoor {
    /// Opens the listener; none if it is `off`. Call it while the data folder is held: a socket
    /// that lies there then is left over from a process that is gone, and is replaced.
    pub async fn open(
        listen: &AdminListen,
        token: Option<Secret>,
        routes: Router,
    ) -> anyhow::Result<Option<Self>> {
        let routes = routes.layer(DefaultBodyLimit::max(BODY_MAX_BYTES));
        match listen {
            AdminListen::Off => Ok(None),
            AdminListen::Unix(path) => {
                let listener = bind_socket(path)?;
                Ok(Some(Self {
                    listen: listen.clone(),
                    task: tokio::spawn(async move {
                        let _ = axum::serve(listener, routes).await;
                    }),
                    socket: Some(path.clone()),
                }))
            }
            AdminListen::Loopback(address) => {
                let listener = TcpListener::bind(address).await.map_err(|error| {
                    anyhow::anyhow!("admin.listen {address} cannot be opened: {error}")
                })?;
                let listen = AdminListen::Loopback(listener.local_addr()?);
                let routes = routes.layer(middleware::from_fn_with_state(Arc::new(token), guard));
                Ok(Some(Self {
                    listen,
                    task: tokio::spawn(async move {
                        let _ = axum::serve(listener, routes).await;
                    }),
                    socket: None,
                }))
            }
        }
    }

    /// Where it stands.
    pub fn listen(&self) -> &AdminListen {
        &self.listen
    }
}

impl Drop for AdminDoor {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(socket) = &self.socket {
            // Somebody may have removed it already; nothing depends on it.
            let _ = std::fs::remove_file(socket);
        }
    }
}

fn bind_socket(path: &Path) -> anyhow::Result<UnixListener> {
    let shown = path.display();
    let cannot = |error| anyhow::anyhow!("admin.listen unix:{shown} cannot be opened: {error}");
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(cannot(error)),
        _ => {}
    }
    // The data folder is 0700, so nobody gets in between making the socket and closing it up.
    let listener = UnixListener::bind(path).map_err(cannot)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(cannot)?;
    Ok(listener)
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    match admin.behind.health() {
        Ok(()) if !admin.stop.is_stopping() => "ready\n".into_response(),
        Ok(()) => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    let Some(figures) = &admin.figures else {
        return (
            StatusCode::NOT_FOUND,
            "metrics are switched off: metrics.enabled\n",
        )
            .into_response();
    };
    let page = figures.render(&admin.behind.figures());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response()
}

async fn health(State(admin): State<Arc<Admin>>) -> Json<Health> {
    let why = match admin.behind.health() {
        Err(why) => Some(why),
        Ok(()) if admin.stop.is_stopping() => Some("it is stopping".into()),
        Ok(()) => None,
    };
    Json(Health {
        ready: why.is_none(),
        why,
        version: env!("CARGO_PKG_VERSION").into(),
    })
}

async fn drain(State(admin): State<Arc<Admin>>) -> StatusCode {
    admin.stop.stop();
    StatusCode::ACCEPTED
}

/// On loopback: commands must show the secret, and a web page may not command at all, whatever
/// name it found for this address.
async fn guard(State(token): State<Arc<Option<Secret>>>, request: Request, next: Next) -> Response {
    let is_open = ["/healthz/live", "/healthz/ready", "/metrics"].contains(&request.uri().path());
    if is_open || shows(request.headers(), token.as_ref().as_ref()) {
        return next.run(request).await;
    }
    let why = "commands on a loopback address need the secret of admin.token_file\n";
    (StatusCode::UNAUTHORIZED, why).into_response()
}

fn shows(headers: &axum::http::HeaderMap, token: Option<&Secret>) -> bool {
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match (shown, token) {
        (Some(shown), Some(token)) => shown.as_bytes().ct_eq(token.expose().as_bytes()).into(),
        _ => false,
    }
}
