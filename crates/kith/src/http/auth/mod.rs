//! Who asks: tokens, cookies, origins and addresses.

mod address;
mod origin;

pub use address::{Peer, client_address};
pub use origin::check_origin;

use crate::error::{Error, Result};
use crate::limit::{Asker, Rate};
use crate::node::{Caller, Node, SharedNode};
use crate::session::{self, Live};
use address::is_secure;
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use origin::{check_change, check_cookie_request};
use std::net::IpAddr;

/// The cookie that holds a browser's token.
pub const COOKIE_NAME: &str = "kith_session";
/// What browsers keep a cookie for at most. The session ends by the server's own rule.
const COOKIE_MAX_AGE_S: u64 = 400 * 86_400;

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
        Asker {
            caller: Some(self.caller),
            address: self.address,
        }
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
        let signed_in = Self {
            caller: live.caller,
            live,
            address,
        };
        node.limits
            .check(Rate::Everything, signed_in.asker(), node.clock.now())?;
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

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('='));
    named
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, token)| token)
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
    use axum::http::HeaderName;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn tokens_are_found_in_their_two_places_only() {
        let both = headers(&[
            ("authorization", "bearer  abc"),
            ("cookie", "a=b; kith_session=def; c"),
        ]);
        assert_eq!((bearer(&both), cookie(&both)), (Some("abc"), Some("def")));
        let none = headers(&[
            ("authorization", "Basic eDp5"),
            ("cookie", "xkith_session=def"),
        ]);
        assert_eq!((bearer(&none), cookie(&none)), (None, None));
    }
}
