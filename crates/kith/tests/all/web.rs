//! The web client out of the binary: with files that the tests hand in, and with those that this
//! build has, if it has any.

use crate::support::Server;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use kith::http::service_with;
use kith::http::web::{Asset, Assets, Held};
use std::io::{Read, Write};
use tower::ServiceExt;

const BROWSER: (&str, &str) = (
    "accept",
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
);
const CODINGS: (&str, &str) = ("accept-encoding", "gzip, deflate, br, zstd");
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; \
    manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types svelte-trusted-html dompurify kith-script-url";
const PAGE: &str = "<!doctype html><title>kith</title>";
const SCRIPT: &str = "export const one = 1;";

fn gzip(text: &str) -> &'static [u8] {
    let mut packer = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap().leak()
}

fn packed(path: &'static str, media_type: &'static str, text: &str) -> Asset {
    // What brotli makes of it is for browsers to read; the server never looks inside.
    let (brotli, gzip) = (b"brotli", gzip(text));
    let held = Held::Packed { brotli, gzip };
    let etag = "W/\"1\"";
    Asset {
        path,
        media_type,
        etag,
        held,
    }
}

/// A web client of four files.
fn client() -> Assets {
    let icon = Asset {
        path: "/icon.png",
        media_type: "image/png",
        etag: "W/\"2\"",
        held: Held::Plain(b"\x89PNG"),
    };
    let files = vec![
        packed("/assets/index-CZxsdGnI.js", "text/javascript", SCRIPT),
        icon,
        packed("/index.html", "text/html; charset=utf-8", PAGE),
        packed("/sw.js", "text/javascript", "self.skipWaiting"),
    ];
    Assets(files.leak())
}

/// What came back.
struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn media_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    fn is_guarded(&self) {
        assert_eq!(self.header("content-security-policy"), Some(POLICY));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(self.header("referrer-policy"), Some("same-origin"));
        let opener = self.header("cross-origin-opener-policy");
        assert_eq!(opener, Some("same-origin"));
        let closed = self.header("permissions-policy").unwrap();
        assert!(closed.contains("camera=()") && closed.contains("microphone=()"));
    }

    fn is_refused(&self) {
        assert_eq!(self.status, StatusCode::NOT_FOUND);
        assert_eq!(self.media_type(), "application/problem+json");
        assert_eq!(self.header("cache-control"), Some("no-store"));
    }
}

async fn ask(
    server: &Server,
    web: Assets,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Got {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let service = service_with(server.node.clone(), web);
    let answer = service.oneshot(request.body(Body::empty()).unwrap());
    let (head, body) = answer.await.unwrap().into_parts();
    Got {
        status: head.status,
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

async fn get(server: &Server, web: Assets, path: &str, headers: &[(&str, &str)]) -> Got {
    ask(server, web, "GET", path, headers).await
}

#[tokio::test]
async fn a_file_goes_out_in_the_smallest_coding_that_is_taken() {
    let (server, web) = (Server::start().await, client());
    for (takes, coding, body) in [
        ("gzip, deflate, br", Some("br"), &b"brotli"[..]),
        ("gzip, br;q=0", Some("gzip"), gzip(SCRIPT)),
        ("deflate", None, SCRIPT.as_bytes()),
    ] {
        let path = "/assets/index-CZxsdGnI.js";
        let got = get(&server, web, path, &[("accept-encoding", takes)]).await;
        assert_eq!(got.status, StatusCode::OK);
        assert_eq!(got.header("content-encoding"), coding, "{takes}");
        assert_eq!(got.body, body, "{takes}");
        assert_eq!(got.media_type(), "text/javascript");
        assert!(got.header("vary").unwrap().contains("accept-encoding"));
        got.is_guarded();
    }
    let got = get(&server, web, "/assets/index-CZxsdGnI.js", &[]).await;
    assert_eq!(
        (got.header("content-encoding"), &got.body[..]),
        (None, SCRIPT.as_bytes())
    );
    let got = get(&server, web, "/icon.png", &[CODINGS]).await;
    assert_eq!(
        (got.header("content-encoding"), &got.body[..]),
        (None, &b"\x89PNG"[..])
    );
    got.is_guarded();
}

#[tokio::test]
async fn bytes_in_the_binary_are_handed_out_and_not_copied() {
    let (server, web) = (Server::start().await, client());
    let Held::Plain(held) = web.0[1].held else {
        panic!("an icon is plain")
    };
    let got = get(&server, web, "/icon.png", &[]).await;
    assert_eq!(got.body.as_ptr(), held.as_ptr());
}

#[tokio::test]
async fn a_name_with_a_hash_is_kept_for_ever_and_all_else_is_asked_for_anew() {
    let (server, web) = (Server::start().await, client());
    let immutable = "public, max-age=31536000, immutable";
    for (path, cached) in [
        ("/assets/index-CZxsdGnI.js", immutable),
        ("/", "no-cache"),
        ("/index.html", "no-cache"),
        ("/sw.js", "no-cache"),
        ("/icon.png", "no-cache"),
    ] {
        let got = get(&server, web, path, &[CODINGS]).await;
        assert_eq!(got.header("cache-control"), Some(cached), "{path}");
        let etag = got.header("etag").unwrap().to_owned();
        let again = get(
            &server,
            web,
            path,
            &[("if-none-match", &format!("\"x\", {etag}"))],
        )
        .await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), Some(&*etag));
        assert_eq!(again.header("cache-control"), Some(cached));
        let other = get(&server, web, path, &[("if-none-match", "W/\"other\"")]).await;
        assert_eq!(other.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn every_address_of_the_page_is_the_page() {
    let (server, web) = (Server::start().await, client());
    for path in [
        "/t/0192",
        "/settings/devices?from=me",
        "/v10",
        "/healthzz",
        "/%E4%BD%A0",
    ] {
        let got = get(&server, web, path, &[BROWSER]).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert_eq!(got.media_type(), "text/html; charset=utf-8");
        assert_eq!(got.header("cache-control"), Some("no-cache"));
        assert_eq!(got.body, PAGE.as_bytes(), "{path}");
        got.is_guarded();
    }
    // A program that asks for a page that is not there is told so.
    for accept in ["*/*", "application/json", "text/html;q=0"] {
        get(&server, web, "/t/0192", &[("accept", accept)])
            .await
            .is_refused();
    }
    let got = get(&server, web, "/", &[("accept", "*/*")]).await;
    assert_eq!(
        (got.status, &got.body[..]),
        (StatusCode::OK, PAGE.as_bytes())
    );
}

#[tokio::test]
async fn a_chunk_of_another_version_is_missing_and_never_the_page() {
    let (server, web) = (Server::start().await, client());
    for path in [
        "/assets/index-OLDOLDOL.js",
        "/assets/",
        "/assets/../index.html",
    ] {
        get(&server, web, path, &[BROWSER]).await.is_refused();
    }
}

#[tokio::test]
async fn the_api_answers_as_if_there_were_no_page() {
    let (server, web) = (Server::start().await, client());
    for path in [
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/healthz",
        "/healthz/x",
        "/openapi.json/x",
    ] {
        get(&server, web, path, &[BROWSER]).await.is_refused();
    }
    let got = get(&server, web, "/v1/me", &[BROWSER]).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(got.media_type(), "application/problem+json");
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        for path in ["/", "/t/0192", "/assets/index-CZxsdGnI.js", "/v1/me/x"] {
            ask(&server, web, method, path, &[BROWSER])
                .await
                .is_refused();
        }
    }
    let got = get(&server, web, "/openapi.json", &[BROWSER]).await;
    assert_eq!(got.media_type(), "application/json");
}

#[tokio::test]
async fn without_a_web_client_the_page_says_how_to_get_it() {
    let (server, none) = (Server::start().await, Assets(&[]));
    for path in ["/", "/t/0192"] {
        let got = get(&server, none, path, &[BROWSER]).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND);
        assert_eq!(got.media_type(), "text/html; charset=utf-8");
        let text = String::from_utf8_lossy(&got.body).into_owned();
        assert!(
            text.starts_with("<!doctype html>") && text.contains("make web"),
            "{text}"
        );
        got.is_guarded();
    }
    let got = get(&server, none, "/", &[("accept", "*/*")]).await;
    assert_eq!(got.media_type(), "text/plain; charset=utf-8");
    let text = String::from_utf8_lossy(&got.body).into_owned();
    assert!(
        text.contains("make web") && text.lines().count() == 1,
        "{text}"
    );
    get(&server, none, "/t/0192", &[]).await.is_refused();
    get(&server, none, "/assets/x.js", &[BROWSER])
        .await
        .is_refused();
}

#[tokio::test]
async fn switched_off_there_is_nothing_but_the_api() {
    let server = Server::with(|config| config.http.web = false).await;
    for path in ["/", "/index.html", "/t/0192", "/assets/index-CZxsdGnI.js"] {
        get(&server, client(), path, &[BROWSER]).await.is_refused();
    }
    let got = get(&server, client(), "/healthz/live", &[]).await;
    assert_eq!(got.status, StatusCode::OK);
}

#[tokio::test]
async fn head_says_what_get_would_and_no_more() {
    let server = Server::start().await;
    for path in ["/", "/healthz/live", "/assets/none.js"] {
        let ask = async |method| {
            server
                .api()
                .raw(method, path, &[CODINGS], "")
                .await
                .unwrap()
        };
        let (get, head) = (ask("GET").await, ask("HEAD").await);
        assert_eq!(head.status, get.status, "{path}");
        assert!(head.body.is_empty() && !get.body.is_empty(), "{path}");
        for name in ["content-type", "content-length", "content-encoding", "etag"] {
            assert_eq!(
                head.headers.get(name),
                get.headers.get(name),
                "{path} {name}"
            );
        }
    }
}

/// What `make web` built is whole; without it `/` says how to get it.
#[tokio::test]
async fn what_this_build_has_is_served() {
    let (server, web) = (Server::start().await, Assets::built_in());
    let page = server.api().raw("GET", "/", &[BROWSER], "").await.unwrap();
    let text = String::from_utf8_lossy(&page.body).into_owned();
    if web.is_empty() {
        assert_eq!(page.status, 404);
        assert!(text.contains("make web"), "{text}");
        return;
    }
    assert_eq!(page.status, 200);
    let named = text
        .split(['"', '\''])
        .filter(|part| part.starts_with("/assets/"));
    let named: Vec<_> = named.collect();
    assert!(!named.is_empty(), "{text}");
    for path in named {
        let asset = web.0.iter().find(|asset| asset.path == path);
        assert!(asset.is_some(), "{path}");
    }
    for asset in web.0 {
        let got = get(&server, web, asset.path, &[]).await;
        assert_eq!(got.status, StatusCode::OK, "{}", asset.path);
        assert_ne!(
            asset.media_type, "application/octet-stream",
            "{}",
            asset.path
        );
        if let Held::Packed { brotli, gzip } = asset.held {
            let mut unpacked = Vec::new();
            GzDecoder::new(gzip).read_to_end(&mut unpacked).unwrap();
            assert_eq!(got.body, unpacked, "{}", asset.path);
            assert!(brotli.len() < unpacked.len(), "{}", asset.path);
        }
        let is_chunk = asset.path.starts_with("/assets/") && asset.path.ends_with(".js");
        let is_kept = got.header("cache-control").unwrap().contains("immutable");
        assert!(
            is_kept || !is_chunk,
            "{} is loaded anew each time",
            asset.path
        );
    }
}

/// What a browser does that was sent to the address in the README.
#[tokio::test]
async fn the_page_signs_in_by_cookie_at_both_names_of_this_machine() {
    let server = Server::start().await;
    let port = server.address().port();
    for (number, host) in ["127.0.0.1", "localhost"].into_iter().enumerate() {
        let origin = format!("http://{host}:{port}");
        let body = format!(
            r#"{{"handle":"ann-{number}","display_name":"Ann","password":"correct horse","device":{{"kind":"web","label":"Browser"}},"cookie":true}}"#
        );
        let headers = [("origin", origin.as_str()), ("x-kith", "1")];
        let api = server.api();
        let answer = api
            .raw("POST", "/v1/register", &headers, body)
            .await
            .unwrap();
        assert_eq!(answer.status, 201, "{origin}: {:?}", answer.body);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(
            cookie.contains("HttpOnly") && !cookie.contains("Secure"),
            "{cookie}"
        );
        let pair = cookie.split(';').next().unwrap();
        let me = api
            .raw("GET", "/v1/me", &[("cookie", pair)], "")
            .await
            .unwrap();
        assert_eq!(me.status, 200);
    }
}
