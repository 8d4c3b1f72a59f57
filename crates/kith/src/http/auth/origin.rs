//! From which pages a browser may act.

use crate::error::{Error, Result};
use crate::node::Node;
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, HeaderName, Method};
use std::net::{IpAddr, SocketAddr};

/// A header that a page of another origin cannot send unasked.
const X_KITH: HeaderName = HeaderName::from_static("x-kith");

/// Refuses an Origin that is not allowed; without one there is nothing to refuse.
pub fn check_origin(node: &Node, headers: &HeaderMap) -> Result<()> {
    for origin in headers.get_all(ORIGIN) {
        let allowed = origin.to_str().is_ok_and(|origin| is_allowed(node, origin));
        if !allowed {
            return Err(Error::Origin("the origin is not in the list"));
        }
    }
    Ok(())
}

/// The rules for a request that is signed in by cookie, which browsers send unasked.
pub(super) fn check_cookie_request(
    node: &Node,
    method: &Method,
    headers: &HeaderMap,
) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return check_origin(node, headers);
    }
    check_change(node, headers)
}

/// The rules for a change that rests on a cookie, or sets one.
pub(super) fn check_change(node: &Node, headers: &HeaderMap) -> Result<()> {
    if !headers.contains_key(ORIGIN) {
        return Err(Error::Origin("a change with a cookie needs an Origin"));
    }
    check_origin(node, headers)?;
    if headers.get(X_KITH).is_none_or(|value| value != "1") {
        return Err(Error::Origin("a change with a cookie needs X-Kith: 1"));
    }
    Ok(())
}

/// Configured ones, and the address that is really listened on. Never the Host header: a page of
/// any name can be made to point here.
fn is_allowed(node: &Node, origin: &str) -> bool {
    let http = &node.config.http;
    http.public_url.as_deref() == Some(origin)
        || http.allowed_origins.iter().any(|allowed| allowed == origin)
        || node
            .address
            .get()
            .is_some_and(|address| is_own(*address, origin))
}

fn is_own(address: SocketAddr, origin: &str) -> bool {
    let Some(host_port) = origin.strip_prefix("http://") else {
        return false;
    };
    let host = match address.port() {
        80 => Some(host_port),
        port => host_port.strip_suffix(&format!(":{port}")),
    };
    let Some(host) = host else { return false };
    let loopback = ["127.0.0.1", "localhost", "[::1]"];
    match address.ip() {
        // Of all addresses of the machine only this one is known by name.
        ip if ip.is_loopback() || ip.is_unspecified() => loopback.contains(&host),
        IpAddr::V4(ip) => host == ip.to_string(),
        IpAddr::V6(ip) => host == format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_address_that_is_listened_on_is_our_own() {
        let loopback = "127.0.0.1:8080".parse().unwrap();
        for own in [
            "http://127.0.0.1:8080",
            "http://localhost:8080",
            "http://[::1]:8080",
        ] {
            assert!(is_own(loopback, own), "{own}");
        }
        for foreign in [
            "null",
            "http://127.0.0.1",
            "http://127.0.0.1:80800",
            "http://127.0.0.1:8080.evil.example",
            "https://127.0.0.1:8080",
            "http://evil.example:8080",
            "http://a@127.0.0.1:8080",
            "http://localhost:8080/",
        ] {
            assert!(!is_own(loopback, foreign), "{foreign}");
        }
        assert!(is_own("127.0.0.1:80".parse().unwrap(), "http://localhost"));
        assert!(is_own(
            "192.0.2.1:8080".parse().unwrap(),
            "http://192.0.2.1:8080"
        ));
        assert!(!is_own(
            "192.0.2.1:8080".parse().unwrap(),
            "http://localhost:8080"
        ));
        let everywhere = "0.0.0.0:8080".parse().unwrap();
        assert!(is_own(everywhere, "http://localhost:8080"));
        assert!(!is_own(everywhere, "http://0.0.0.0:8080"));
        assert!(!is_own(everywhere, "http://192.0.2.1:8080"));
    }
}
