//! `kith serve`: start in order, wait for a reason to stop, stop in reverse.

use super::options::Options;
use super::{print, service};
use crate::config::Config;
use crate::http::admin::{self, AdminDoor, Behind, StopSwitch};
use crate::logging;
use crate::metrics::Figures;
use crate::server::{self, Running};
use anyhow::Context;
use clap::Args;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Threads that read from the disk, besides those that hash passwords: enough to keep a disk busy. Those that the
/// runtime would start by itself, 512, only take turns and memory.
const READERS_MAX: usize = 32;

/// Run the server.
#[derive(Args)]
#[command(after_help = "\
Stop it with SIGTERM or Ctrl-C: it takes no more, finishes what is on its way and closes the store.
A second signal stops it at once; what was acknowledged is safe either way.

Examples:
  kith serve
  kith serve --data /srv/kith --listen 127.0.0.1:9000
  kith serve --config /etc/kith/kith.toml --set log.filter=debug
  KITH_HTTP_LISTEN=127.0.0.1:9000 kith serve")]
pub(super) struct Serve {
    #[command(flatten)]
    options: Options,
    /// Print one JSON object with the addresses when it is up, instead of words.
    #[arg(long)]
    json: bool,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = Arc::new(self.options.load()?);
        logging::start(&config.log)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .max_blocking_threads(READERS_MAX + config.password.workers)
            .build()?;
        let done = runtime.block_on(self.serve(config));
        // What is still running after a stop at once is not waited for.
        runtime.shutdown_background();
        done
    }

    async fn serve(&self, config: Arc<Config>) -> anyhow::Result<()> {
        // First of all, so that a signal during the start stops it too.
        let mut signals = Signals::listen()?;
        let figures = config.metrics.enabled.then(Figures::start).transpose()?;
        make_folder(&config)?;
        let running = Arc::new(server::start(config.clone()).await?);
        let stop = StopSwitch::default();
        let routes = admin::routes(running.clone(), figures, stop.clone())
            .merge(admin::user::routes(running.node().clone()))
            .merge(admin::doctor::routes(running.node().clone()));
        let door = open_door(&config, routes).await;
        let door = match door {
            Ok(door) => door,
            Err(error) => {
                running.drain().await;
                return Err(error);
            }
        };
        self.say_up(&running, door.as_ref(), &config)?;
        service::ready(&format!("http://{}", running.address()));

        tokio::select! {
            name = signals.next() => tracing::info!(signal = name, "stopping"),
            () = stop.stopping() => tracing::info!("stopping: asked through the admin listener"),
        }
        stop.stop();
        service::stopping();
        tokio::select! {
            () = running.drain() => tracing::info!("stopped"),
            name = signals.next() => {
                tracing::warn!(signal = name, "stopping at once");
                running.stop_now();
            }
        }
        Ok(())
    }

    fn say_up(
        &self,
        running: &Running,
        door: Option<&AdminDoor>,
        config: &Config,
    ) -> anyhow::Result<()> {
        let url = format!("http://{}", running.address());
        let admin = door.map_or_else(|| "off".to_owned(), |door| door.listen().to_string());
        let folder = config.store.folder.display().to_string();
        tracing::info!(
            url,
            admin,
            folder,
            version = env!("CARGO_PKG_VERSION"),
            "listening"
        );
        let http = &config.http;
        if http.web && http.public_url.is_none() && !running.address().ip().is_loopback() {
            tracing::warn!(
                "browsers on other machines cannot sign in: they keep the cookie over TLS only, so put \
                 a TLS proxy in front and its address into http.public_url"
            );
        }
        if self.json {
            let up = serde_json::json!({ "url": url, "admin": admin, "folder": folder });
            print(&format!("{up}\n"))
        } else if logging::is_text(config.log.format) {
            print(&format!(
                "kith listens on {url}, its data is in {folder}; stop it with Ctrl-C\n"
            ))
        } else {
            Ok(())
        }
    }
}

impl Behind for Running {
    fn health(&self) -> Result<(), String> {
        Running::health(self)
    }

    fn figures(&self) -> Vec<(&'static str, f64)> {
        Running::figures(self)
    }
}

async fn open_door(config: &Config, routes: axum::Router) -> anyhow::Result<Option<AdminDoor>> {
    let token = match &config.admin.token_file {
        Some(file) => Some(
            file.read()
                .map_err(|why| anyhow::anyhow!("admin.token_file {why}"))?,
        ),
        None => None,
    };
    AdminDoor::open(&config.admin_listen(), token, routes).await
}

/// Makes the data folder for its owner only; one that is there is left as it is.
fn make_folder(config: &Config) -> anyhow::Result<()> {
    let folder = &config.store.folder;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the data folder {} cannot be made", folder.display()))
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
