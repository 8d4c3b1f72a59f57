//! The web client, out of the binary: its files, its page for every address of the client's own, and
//! the headers that keep the page from doing anything else.

mod asset;

pub use asset::{Asset, Assets, Held};

use crate::error::{Error, Result};
use asset::names;
use axum::body::Body;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// The page; every address that is no file's is its own to show.
const PAGE: &str = "/index.html";

/// What only programs ask for: there the page is never the answer.
const PROGRAMS: [&str; 3] = ["/v1", "/healthz", "/openapi.json"];

const NOT_BUILT_IN: &str = "The web client was not built into this server: \
    run \"make web\" (it needs Node 20.19 or newer) and build kith again, or use \"kith chat\".";

/// Goes with every page and file.
const GUARD: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        // The trusted types are those of the framework, of the sanitiser, and of the page's own workers.
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
         media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; \
         worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types svelte-trusted-html dompurify kith-script-url",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: with it a browser may write `Origin: null`, and a change that rests on the
    // cookie needs the origin. Other sites are told nothing either way.
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), camera=(), display-capture=(), encrypted-media=(), geolocation=(), \
         gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), \
         midi=(), payment=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
    ),
];

/// Answers what no route does.
pub(super) fn serve(web: Assets, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    if !is_read || is_for_programs(uri.path()) {
        return Error::NotFound.into_response();
    }
    found(web, uri.path(), headers).unwrap_or_else(IntoResponse::into_response)
}

fn found(web: Assets, path: &str, headers: &HeaderMap) -> Result<Response> {
    if let Some(asset) = web.find(path) {
        return answer(asset, headers);
    }
    let is_page = path == "/" || names(headers, ACCEPT, "text/html");
    // A chunk of another version is missing, never the page: a script that is one breaks the tab.
    if !is_page || path.starts_with("/assets/") {
        return Err(Error::NotFound);
    }
    match web.find(PAGE) {
        Some(page) => answer(page, headers),
        None => Ok(not_built_in(headers)),
    }
}

fn is_for_programs(path: &str) -> bool {
    PROGRAMS.iter().any(|root| {
        let below = path.strip_prefix(root);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    })
}

fn answer(asset: &'static Asset, headers: &HeaderMap) -> Result<Response> {
    let mut response = if is_known(asset, headers) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (coding, bytes) = asset.coded(headers)?;
        let mut response = Body::from(bytes).into_response();
        put(&mut response, CONTENT_TYPE, asset.media_type);
        if let Some(coding) = coding {
            put(&mut response, CONTENT_ENCODING, coding);
        }
        response
    };
    // A year is what caches take for "for ever". All else is asked for anew, and is a 304 mostly.
    let cached = match asset.never_changes() {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    put(&mut response, CACHE_CONTROL, cached);
    put(&mut response, ETAG, asset.etag);
    put(&mut response, VARY, "accept, accept-encoding");
    Ok(guarded(response))
}

/// Whether the client has it, by its tag.
fn is_known(asset: &Asset, headers: &HeaderMap) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).into_iter();
    lists
        .flat_map(|list| list.to_str().unwrap_or_default().split(','))
        .any(|tag| matches!(tag.trim(), tag if tag == asset.etag || tag == "*"))
}

fn not_built_in(headers: &HeaderMap) -> Response {
    let (media_type, text) = match names(headers, ACCEPT, "text/html") {
        true => (
            "text/html; charset=utf-8",
            format!(
                "<!doctype html>\n<html lang=\"en\"><title>kith</title><p>{NOT_BUILT_IN}</p></html>\n"
            ),
        ),
        false => ("text/plain; charset=utf-8", format!("{NOT_BUILT_IN}\n")),
    };
    let mut response = (StatusCode::NOT_FOUND, text).into_response();
    put(&mut response, CONTENT_TYPE, media_type);
    put(&mut response, CACHE_CONTROL, "no-store");
    guarded(response)
}

fn guarded(mut response: Response) -> Response {
    for (name, value) in GUARD {
        put(&mut response, name, value);
    }
    response
}

fn put(response: &mut Response, name: HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
