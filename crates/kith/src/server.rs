//! Stands in until the server is there.

use crate::config::Config;
use std::net::SocketAddr;
use std::sync::Arc;

/// A running server.
pub struct Running {
    listener: std::net::TcpListener,
}

/// Starts it.
pub async fn start(config: Arc<Config>) -> anyhow::Result<Running> {
    std::fs::create_dir_all(&config.store.folder)?;
    let listener = std::net::TcpListener::bind(config.http.listen)?;
    Ok(Running { listener })
}

impl Running {
    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.listener
            .local_addr()
            .expect("a bound listener has an address")
    }

    /// Why it cannot serve, if it cannot.
    pub fn health(&self) -> Result<(), String> {
        Ok(())
    }

    /// Figures.
    pub fn figures(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Stops gently.
    pub async fn drain(&self) {}

    /// Stops at once.
    pub fn stop_now(&self) {}
}
