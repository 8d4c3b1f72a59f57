//! Where a request comes from, with and without proxies.

use crate::config::{Config, SecureCookies};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The other end of the connection: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The client's address. Of `X-Forwarded-For` the last one that no trusted proxy has: what stands
/// before it, the client may have written itself.
pub fn client_address(
    config: &Config,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Option<IpAddr> {
    let trusted = |ip: IpAddr| {
        config
            .http
            .trusted_proxies
            .iter()
            .any(|proxy| proxy.contains(ip))
    };
    let peer = extensions.get::<Peer>()?.0.ip().to_canonical();
    if !trusted(peer) {
        return Some(peer);
    }
    let forwarded: Vec<_> = headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|address| address.trim().parse::<IpAddr>().ok())
        .collect();
    let mut address = peer;
    for hop in forwarded.into_iter().rev() {
        let Some(hop) = hop else { break };
        address = hop.to_canonical();
        if !trusted(address) {
            break;
        }
    }
    Some(address)
}

/// Whether the browser should send the cookie over TLS only.
pub(super) fn is_secure(config: &Config, extensions: &Extensions, headers: &HeaderMap) -> bool {
    match config.http.secure_cookies {
        SecureCookies::Always => return true,
        SecureCookies::Never => return false,
        SecureCookies::Auto => {}
    }
    let over_tls = |url: &str| url.starts_with("https://");
    if config.http.public_url.as_deref().is_some_and(over_tls) {
        return true;
    }
    let Some(peer) = extensions
        .get::<Peer>()
        .map(|peer| peer.0.ip().to_canonical())
    else {
        return true;
    };
    if config
        .http
        .trusted_proxies
        .iter()
        .any(|proxy| proxy.contains(peer))
    {
        let http = HeaderValue::from_static("http");
        let proto = headers.get(X_FORWARDED_PROTO).unwrap_or(&http);
        return proto != "http" || !client_is_loopback(config, extensions, headers);
    }
    !peer.is_loopback()
}

fn client_is_loopback(config: &Config, extensions: &Extensions, headers: &HeaderMap) -> bool {
    client_address(config, extensions, headers).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn from(peer: &str) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        extensions
    }

    fn behind(proxies: &[&str]) -> Config {
        let mut config = Config::default();
        config.http.trusted_proxies = proxies
            .iter()
            .map(|p| p.to_string().try_into().unwrap())
            .collect();
        config
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let forged = headers(&[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.2")]);
        let address = |config: &Config, peer| {
            client_address(config, &from(peer), &forged)
                .unwrap()
                .to_string()
        };
        assert_eq!(address(&behind(&[]), "198.51.100.7:1"), "198.51.100.7");
        assert_eq!(
            address(&behind(&["10.0.0.0/8"]), "198.51.100.7:1"),
            "198.51.100.7"
        );
        assert_eq!(
            address(&behind(&["10.0.0.0/8"]), "10.0.0.1:1"),
            "203.0.113.9"
        );
        assert_eq!(
            address(&behind(&["10.0.0.0/8"]), "[::ffff:10.0.0.1]:1"),
            "203.0.113.9"
        );
        assert_eq!(address(&behind(&["10.0.0.1"]), "10.0.0.1:1"), "10.0.0.2");
    }

    #[test]
    fn cookies_are_secure_unless_plain_over_loopback() {
        let secure =
            |config: &Config, peer, given: &[_]| is_secure(config, &from(peer), &headers(given));
        assert!(!secure(&Config::default(), "127.0.0.1:1", &[]));
        assert!(secure(&Config::default(), "192.0.2.1:1", &[]));
        let tls = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "127.0.0.1"),
        ];
        assert!(secure(&behind(&["127.0.0.1"]), "127.0.0.1:1", &tls));
        assert!(!secure(&behind(&[]), "127.0.0.1:1", &tls));
        let mut public = Config::default();
        public.http.public_url = Some("https://chat.example.org".into());
        assert!(secure(&public, "127.0.0.1:1", &[]));
    }
}
