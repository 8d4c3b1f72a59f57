//! Which address to dial for a socket. On one node: this one.

use crate::error::Result;
use crate::node::Node;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use kith_protocol::BadField;
use kith_protocol::presence::{PushAddress, PushAddressQuery, Transport};

/// How often a client without a socket asks what changed; clients add a fifth either way.
const POLL_EVERY_S: u64 = 10;

/// When a client asks again for the address.
const EXPIRES_AFTER_MS: u64 = 3_600_000;

/// The address of the socket, by the name under which the client knows this server.
pub fn address(node: &Node, query: PushAddressQuery, headers: &HeaderMap) -> Result<PushAddress> {
    match query.transport {
        None | Some(Transport::Websocket) => {}
        Some(_) => {
            let why = "only websocket is served in this version";
            return Err(BadField::invalid("transport", why).into());
        }
    }
    let origin = node.config.http.public_url.clone().unwrap_or_else(|| {
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .map(str::to_owned);
        let bound = || {
            node.address
                .get()
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        format!("http://{}", host.unwrap_or_else(bound))
    });
    let socket = match origin.trim_end_matches('/').split_once("://") {
        Some(("https", rest)) => format!("wss://{rest}/v1/socket"),
        Some((_, rest)) => format!("ws://{rest}/v1/socket"),
        None => format!("ws://{origin}/v1/socket"),
    };
    Ok(PushAddress {
        url: socket,
        fallback_urls: Vec::new(),
        poll_every_s: POLL_EVERY_S,
        expires_at: node.clock.now().after_ms(EXPIRES_AFTER_MS),
    })
}
