//! HTTP underneath: one pool of kept-alive connections, JSON both ways, refusals as they came.

use crate::error::ClientError;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kith_protocol::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// An answer takes at most this long, the time that was asked for with `wait_s` aside: a server
/// that is slower than this is as good as gone.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer: 200 entries of the longest text with every character escaped.
pub const ANSWER_MAX_BYTES: usize = 96 * 1024 * 1024;
/// Idle connections kept to a server.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// A server, and the token to call it with. Clones share their connections.
#[derive(Clone)]
pub struct Api {
    pool: Pool<HttpConnector, Full<Bytes>>,
    /// `http://host:port`, without a slash at the end.
    base: Arc<str>,
    token: Option<Arc<str>>,
}

/// An answer as it came: for tests of what no typed call would send.
#[derive(Clone, Debug)]
pub struct RawAnswer {
    /// The status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl RawAnswer {
    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ClientError::Garbled(format!("status {}: {error}", self.status)))
    }

    /// The refusal in the body.
    pub fn problem(&self) -> Result<Problem, ClientError> {
        self.json()
    }
}

impl Api {
    /// The server at `base`, such as `http://127.0.0.1:8080`. TLS is not spoken in this version.
    pub fn new(base: &str) -> Result<Self, ClientError> {
        let base = base.trim_end_matches('/');
        if base.starts_with("https://") {
            return Err(ClientError::Address(format!(
                "{base}: this version speaks plain http only, use the server's http address"
            )));
        }
        let uri: hyper::Uri = base
            .parse()
            .map_err(|error| ClientError::Address(format!("{base}: {error}")))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(ClientError::Address(format!(
                "{base}: expected something like http://127.0.0.1:8080"
            )));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(10)));
        let pool = Pool::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .build(connector);
        Ok(Self {
            pool,
            base: base.into(),
            token: None,
        })
    }

    /// The same server with this token; shares the connections.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// `http://host:port`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The token that calls carry.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Sends anything and gives back whatever comes. The token is added unless `headers` has an
    /// `authorization` (an empty one: none at all). Bytes are JSON unless a `content-type` is given.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<RawAnswer, ClientError> {
        let method: Method = method
            .parse()
            .map_err(|_| ClientError::Address(format!("method {method}")))?;
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let bad = |_| ClientError::Address(format!("header {name}: {value}"));
            let name: HeaderName = name.parse().map_err(|_| bad(()))?;
            all.append(name, HeaderValue::from_str(value).map_err(|_| bad(()))?);
        }
        self.exchange(method, path, all, body.into(), CALL_TIMEOUT)
            .await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, Bytes::new()).await
    }

    pub(crate) async fn query<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.get(&with_query(path, query)?).await
    }

    /// A call with a JSON body.
    pub(crate) async fn with<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        self.call(method, path, encoded(body)?).await
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        self.call_within(method, path, body, CALL_TIMEOUT).await
    }

    /// A call whose answer may take longer than usual.
    pub(crate) async fn call_within<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<T, ClientError> {
        let answer = self
            .exchange(method, path, HeaderMap::new(), body, within)
            .await?;
        let answer = accepted(answer)?;
        let body: &[u8] = if answer.body.is_empty() {
            b"null"
        } else {
            &answer.body
        };
        serde_json::from_slice(body)
            .map_err(|error| ClientError::Garbled(format!("{path}: {error}")))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
        within: Duration,
    ) -> Result<RawAnswer, ClientError> {
        if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        match (headers.get(AUTHORIZATION), &self.token) {
            (Some(value), _) if value.is_empty() => {
                headers.remove(AUTHORIZATION);
            }
            (None, Some(token)) => {
                let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
                    .map_err(|_| ClientError::Address("a token with odd characters".into()))?;
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
            _ => {}
        }
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .body(Full::new(body))
            .map_err(|error| ClientError::Address(format!("{path}: {error}")))?;
        request.headers_mut().extend(headers);
        tokio::time::timeout(within, self.answer_to(request))
            .await
            .unwrap_or_else(|_| {
                let waited_s = within.as_secs();
                Err(ClientError::Unreachable(format!(
                    "no answer within {waited_s} s"
                )))
            })
    }

    async fn answer_to(&self, request: Request<Full<Bytes>>) -> Result<RawAnswer, ClientError> {
        let answer = self.pool.request(request).await.map_err(unreachable)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_MAX_BYTES)
            .collect()
            .await
            .map_err(|error| ClientError::Unreachable(error.to_string()))?
            .to_bytes();
        Ok(RawAnswer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }
}

/// The path with a query of the fields that are set.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> Result<String, ClientError> {
    let query = serde_urlencoded::to_string(query)
        .map_err(|error| ClientError::Address(format!("{path}: {error}")))?;
    Ok(if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    })
}

/// One segment of a path: everything that is not plain is percent-encoded.
pub(crate) fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

pub(crate) fn encoded(body: &impl Serialize) -> Result<Bytes, ClientError> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|error| ClientError::Garbled(format!("request: {error}")))
}

fn accepted(answer: RawAnswer) -> Result<RawAnswer, ClientError> {
    let status = StatusCode::from_u16(answer.status).unwrap_or_default();
    if status.is_success() {
        return Ok(answer);
    }
    Err(match answer.problem() {
        Ok(problem) => problem.into(),
        // A proxy in between speaks its own words; its 5xx mean that the server was not reached.
        Err(_) if status.is_server_error() => {
            ClientError::Unreachable(format!("status {}", answer.status))
        }
        Err(error) => error,
    })
}

fn unreachable(error: hyper_util::client::legacy::Error) -> ClientError {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    ClientError::Unreachable(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_plain_http_is_refused_with_words() {
        for bad in [
            "https://kith.example",
            "ftp://x",
            "127.0.0.1:80",
            "http://",
            "nonsense",
        ] {
            let error = Api::new(bad).err().expect("is refused");
            assert!(matches!(error, ClientError::Address(_)), "{bad}: {error}");
        }
        assert_eq!(
            Api::new("http://127.0.0.1:8080/").expect("good").base(),
            "http://127.0.0.1:8080"
        );
    }

    #[test]
    fn segments_and_queries_are_encoded() {
        assert_eq!(segment("@ann"), "@ann");
        assert_eq!(segment("👍/?"), "%F0%9F%91%8D%2F%3F");
        let query = kith_protocol::entry::PageQuery {
            after: Some(3),
            ..Default::default()
        };
        assert_eq!(with_query("/x", &query).expect("encodes"), "/x?after=3");
        let none = kith_protocol::entry::PageQuery::default();
        assert_eq!(with_query("/x", &none).expect("encodes"), "/x");
    }
}
