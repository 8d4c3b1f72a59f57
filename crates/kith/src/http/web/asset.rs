//! The files of the web client as they lie in the binary, and the coding in which one goes out.

use crate::error::{Error, Result};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_ENCODING, AsHeaderName};
use bytes::Bytes;
use flate2::read::GzDecoder;
use std::io::Read;

/// A file.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Where it is served: `/assets/index-CZxsdGnI.js`.
    pub path: &'static str,
    /// What it is.
    pub media_type: &'static str,
    /// A weak tag of what is in it, the same in every coding.
    pub etag: &'static str,
    /// Its bytes.
    pub held: Held,
}

/// How the bytes lie in the binary.
#[derive(Clone, Copy, Debug)]
pub enum Held {
    /// As they are: packing would not make them smaller.
    Plain(&'static [u8]),
    /// Packed in both ways that browsers take. Who takes neither has them unpacked for each request.
    Packed {
        /// Smaller; only asked for over TLS and on loopback.
        brotli: &'static [u8],
        /// What everything else takes.
        gzip: &'static [u8],
    },
}

/// All files of a web client; none if the binary was built without it.
#[derive(Clone, Copy, Debug)]
pub struct Assets(pub &'static [Asset]);

impl Assets {
    /// Those that were in `web/dist` when this binary was built.
    pub fn built_in() -> Self {
        Self(BUILT_IN)
    }

    /// Whether there is no web client.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(self, path: &str) -> Option<&'static Asset> {
        self.0.iter().find(|asset| asset.path == path)
    }
}

impl Asset {
    /// Whether its name changes with what is in it: the bundler ends names with a dash and a hash.
    pub(super) fn never_changes(&self) -> bool {
        const HASH_LENGTH: usize = 8;
        let Some(name) = self.path.strip_prefix("/assets/") else {
            return false;
        };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let is_hash = |hash: &str| {
            let mut bytes = hash.bytes();
            bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        // The hash itself may hold a dash.
        match stem.len().checked_sub(HASH_LENGTH + 1) {
            Some(at) => stem.as_bytes()[at] == b'-' && is_hash(&stem[at + 1..]),
            None => false,
        }
    }

    /// The bytes and their coding, the smallest that is taken.
    pub(super) fn coded(&self, headers: &HeaderMap) -> Result<(Option<&'static str>, Bytes)> {
        let (brotli, gzip) = match self.held {
            Held::Plain(bytes) => return Ok((None, Bytes::from_static(bytes))),
            Held::Packed { brotli, gzip } => (brotli, gzip),
        };
        if names(headers, ACCEPT_ENCODING, "br") {
            return Ok((Some("br"), Bytes::from_static(brotli)));
        }
        if names(headers, ACCEPT_ENCODING, "gzip") {
            return Ok((Some("gzip"), Bytes::from_static(gzip)));
        }
        let mut bytes = Vec::new();
        GzDecoder::new(gzip)
            .read_to_end(&mut bytes)
            .map_err(|_| Error::Internal("a file of the web client could not be unpacked"))?;
        Ok((None, bytes.into()))
    }
}

/// Whether a header that lists what a client takes names `wanted`, and does not refuse it by `q=0`.
pub(super) fn names(headers: &HeaderMap, header: impl AsHeaderName, wanted: &str) -> bool {
    let lists = headers.get_all(header).into_iter();
    lists
        .flat_map(|list| list.to_str().unwrap_or_default().split(','))
        .any(|item| {
            let mut parts = item.split(';').map(str::trim);
            let named = parts.next().unwrap_or_default();
            let is_refused = |part: &str| {
                let quality = part.strip_prefix("q=").or(part.strip_prefix("Q="));
                quality.is_some_and(|q| q.parse() == Ok(0.0_f32))
            };
            named.eq_ignore_ascii_case(wanted) && !parts.any(is_refused)
        })
}

include!(concat!(env!("OUT_DIR"), "/web.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_a_name_with_a_hash_never_changes() {
        let never_changes = |path| {
            let (media_type, etag, held) = ("", "", Held::Plain(b""));
            Asset {
                path,
                media_type,
                etag,
                held,
            }
            .never_changes()
        };
        for path in [
            "/assets/index-CZxsdGnI.js",
            "/assets/rolldown-runtime-a-b_c-d1.js",
            "/assets/candidates.svelte-CR6WwlBQ.js",
        ] {
            assert!(never_changes(path), "{path}");
        }
        for path in [
            "/index.html",
            "/sw.js",
            "/workbox-CZxsdGnI.js",
            "/assets/emoji.json",
            "/assets/index-short.js",
            "/assets/CZxsdGnI.js",
            "/assets/",
        ] {
            assert!(!never_changes(path), "{path}");
        }
    }

    #[test]
    fn what_is_refused_is_not_taken() {
        let takes = |list: &'static str, wanted| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(list));
            names(&headers, ACCEPT_ENCODING, wanted)
        };
        assert!(takes("gzip, deflate, br;q=0.5", "br"));
        assert!(takes("BR", "br"));
        assert!(!takes("gzip, brotli", "br"));
        assert!(!takes("br;q=0, gzip", "br"));
        assert!(!takes("br; q=0.000", "br"));
        assert!(!takes("", "br"));
        assert!(!names(&HeaderMap::new(), ACCEPT_ENCODING, "br"));
    }
}
