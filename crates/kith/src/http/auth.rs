//! Who asks: tokens, cookies, origins and addresses.

use crate::config::{Config, SecureCookies};
use crate::error::{Error, Result};
use crate::limit::{Asker, Rate};
use crate::node::{Caller, Node, SharedNode};
use crate::session::{self, Live};
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method};
use std::net::{IpAddr, SocketAddr};

/// The cookie that holds a browser's token.
pub const COOKIE_NAME: &str = "kith_session";
/// A header that a page of another origin cannot send unasked.
const X_KITH: HeaderName = HeaderName::from_static("x-kith");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What browsers keep a cookie for at most. The session ends by the server's own rule.
const COOKIE_MAX_AGE_S: u64 = 400 * 86_400;

/// The other end of the connection: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// A request of somebody who is signed in.
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// The session behind the token.
    pub live: Live,
    /// From where, if it is known.
    pub address: Option<IpAddr>,
}

impl SignedIn {
    /// Whose doing it is, for rates.
    pub fn asker(&self) -> Asker {
        Asker { caller: Some(self.caller), address: self.address }
    }
}

impl FromRequestParts<SharedNode> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, node: &SharedNode) -> Result<Self> {
        let token = match bearer(&parts.headers) {
            Some(token) => token,
            None => {
                let token = cookie(&parts.headers).ok_or(Error::Unauthorized)?;
                check_cookie_request(node, &parts.method, &parts.headers)?;
                token
            }
        };
        let live = session::authenticate(node, token).await?;
        let address = client_address(&node.config, &parts.extensions, &parts.headers);
        let signed_in = Self { caller: live.caller, live, address };
        node.limits.check(Rate::Everything, signed_in.asker(), node.clock.now())?;
        session::touch(node, &signed_in.live, address).await;
        Ok(signed_in)
    }
}

/// A request of somebody who wants to sign in.
pub struct Visitor {
    /// From where, if it is known.
    pub address: Option<IpAddr>,
    may_have_cookie: Result<()>,
    secure: bool,
}

impl FromRequestParts<SharedNode> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, node: &SharedNode) -> Result<Self> {
        Ok(Self {
            address: client_address(&node.config, &parts.extensions, &parts.headers),
            may_have_cookie: check_change(node, &parts.headers),
            secure: is_secure(&node.config, &parts.extensions, &parts.headers),
        })
    }
}

impl Visitor {
    /// Whether the answer may set a cookie; to be asked before anything is done.
    pub fn may_have_cookie(&self) -> Result<()> {
        self.may_have_cookie.clone()
    }

    /// The `Set-Cookie` that signs in.
    pub fn cookie(&self, token: &str) -> Result<HeaderValue> {
        set_cookie(token, COOKIE_MAX_AGE_S, self.secure)
    }

    /// The `Set-Cookie` that takes the cookie away.
    pub fn no_cookie(&self) -> Result<HeaderValue> {
        set_cookie("", 0, self.secure)
    }
}

/// The token with which a socket is opened, if it comes with the upgrade rather than with `hello`.
/// A page of a foreign origin opens none, with or without a cookie; without Origin and cookie it is
/// a native client. The token is not looked up: `hello` does that, where a close code can say what
/// became of it, which a browser cannot learn from a refused upgrade.
pub fn socket_token(node: &Node, headers: &HeaderMap) -> Result<Option<String>> {
    check_origin(node, headers)?;
    if let Some(token) = bearer(headers) {
        return Ok(Some(token.to_owned()));
    }
    let token = cookie(headers);
    if token.is_some() && !headers.contains_key(ORIGIN) {
        return Err(Error::Origin("a socket with a cookie needs an Origin"));
    }
    Ok(token.map(ToOwned::to_owned))
}

/// Who opens a socket, if the upgrade says it: [`socket_token`], looked up.
pub async fn socket_caller(node: &Node, headers: &HeaderMap) -> Result<Option<Live>> {
    match socket_token(node, headers)? {
        Some(token) => session::authenticate(node, &token).await.map(Some),
        None => Ok(None),
    }
}

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

/// The client's address. Of `X-Forwarded-For` the last one that no trusted proxy has: what stands
/// before it, the client may have written itself.
pub fn client_address(
    config: &Config,
    extensions: &Extensions,
    headers: &HeaderMap,
) -> Option<IpAddr> {
    let trusted = |ip: IpAddr| config.http.trusted_proxies.iter().any(|proxy| proxy.contains(ip));
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

/// The rules for a request that is signed in by cookie, which browsers send unasked.
fn check_cookie_request(node: &Node, method: &Method, headers: &HeaderMap) -> Result<()> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return check_origin(node, headers);
    }
    check_change(node, headers)
}

fn check_change(node: &Node, headers: &HeaderMap) -> Result<()> {
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
        || node.address.get().is_some_and(|address| is_own(*address, origin))
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
        ip if ip.is_unspecified() => false,
        ip if ip.is_loopback() => loopback.contains(&host),
        IpAddr::V4(ip) => host == ip.to_string(),
        IpAddr::V6(ip) => host == format!("[{ip}]"),
    }
}

/// Whether the browser should send the cookie over TLS only.
fn is_secure(config: &Config, extensions: &Extensions, headers: &HeaderMap) -> bool {
    match config.http.secure_cookies {
        SecureCookies::Always => return true,
        SecureCookies::Never => return false,
        SecureCookies::Auto => {}
    }
    let over_tls = |url: &str| url.starts_with("https://");
    if config.http.public_url.as_deref().is_some_and(over_tls) {
        return true;
    }
    let Some(peer) = extensions.get::<Peer>().map(|peer| peer.0.ip().to_canonical()) else {
        return true;
    };
    if config.http.trusted_proxies.iter().any(|proxy| proxy.contains(peer)) {
        let http = HeaderValue::from_static("http");
        let proto = headers.get(X_FORWARDED_PROTO).unwrap_or(&http);
        return proto != "http" || !client_is_loopback(config, extensions, headers);
    }
    !peer.is_loopback()
}

fn client_is_loopback(config: &Config, extensions: &Extensions, headers: &HeaderMap) -> bool {
    client_address(config, extensions, headers).is_some_and(|address| address.is_loopback())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(COOKIE).iter().flat_map(|value| value.to_str().unwrap_or_default().split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('='));
    named.find(|(name, _)| *name == COOKIE_NAME).map(|(_, token)| token)
}

fn set_cookie(token: &str, max_age_s: u64, secure: bool) -> Result<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!(
        "{COOKIE_NAME}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age_s}{secure}"
    );
    HeaderValue::try_from(text).map_err(|_| Error::Internal("a cookie could not be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(pair).collect()
    }

    fn from(peer: &str) -> Extensions {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        extensions
    }

    fn behind(proxies: &[&str]) -> Config {
        let mut config = Config::default();
        config.http.trusted_proxies = proxies.iter().map(|p| p.to_string().try_into().unwrap()).collect();
        config
    }

    #[test]
    fn only_the_address_that_is_listened_on_is_our_own() {
        let loopback = "127.0.0.1:8080".parse().unwrap();
        for own in ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"] {
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
        assert!(is_own("192.0.2.1:8080".parse().unwrap(), "http://192.0.2.1:8080"));
        assert!(!is_own("192.0.2.1:8080".parse().unwrap(), "http://localhost:8080"));
        assert!(!is_own("0.0.0.0:8080".parse().unwrap(), "http://localhost:8080"));
    }

    #[test]
    fn forwarded_addresses_count_only_from_trusted_proxies() {
        let forged = headers(&[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.0.0.2")]);
        let address = |config: &Config, peer| client_address(config, &from(peer), &forged).unwrap().to_string();
        assert_eq!(address(&behind(&[]), "198.51.100.7:1"), "198.51.100.7");
        assert_eq!(address(&behind(&["10.0.0.0/8"]), "198.51.100.7:1"), "198.51.100.7");
        assert_eq!(address(&behind(&["10.0.0.0/8"]), "10.0.0.1:1"), "203.0.113.9");
        assert_eq!(address(&behind(&["10.0.0.0/8"]), "[::ffff:10.0.0.1]:1"), "203.0.113.9");
        assert_eq!(address(&behind(&["10.0.0.1"]), "10.0.0.1:1"), "10.0.0.2");
    }

    #[test]
    fn cookies_are_secure_unless_plain_over_loopback() {
        let secure = |config: &Config, peer, given: &[_]| is_secure(config, &from(peer), &headers(given));
        assert!(!secure(&Config::default(), "127.0.0.1:1", &[]));
        assert!(secure(&Config::default(), "192.0.2.1:1", &[]));
        let tls = [("x-forwarded-proto", "https"), ("x-forwarded-for", "127.0.0.1")];
        assert!(secure(&behind(&["127.0.0.1"]), "127.0.0.1:1", &tls));
        assert!(!secure(&behind(&[]), "127.0.0.1:1", &tls));
        let mut public = Config::default();
        public.http.public_url = Some("https://chat.example.org".into());
        assert!(secure(&public, "127.0.0.1:1", &[]));
    }

    #[test]
    fn tokens_are_found_in_their_two_places_only() {
        let both = headers(&[("authorization", "bearer  abc"), ("cookie", "a=b; kith_session=def; c")]);
        assert_eq!((bearer(&both), cookie(&both)), (Some("abc"), Some("def")));
        let none = headers(&[("authorization", "Basic eDp5"), ("cookie", "xkith_session=def")]);
        assert_eq!((bearer(&none), cookie(&none)), (None, None));
    }
}
