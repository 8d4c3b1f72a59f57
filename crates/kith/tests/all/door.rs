//! Clients that do not behave at the HTTP door: heads that are too large, answers that nobody takes.
//! Each costs the server little and nobody else anything.

use crate::support::Server;
use crate::support::talk::text;
use kith_client::Session;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// More than the network and its buffers take by themselves.
const LARGE_MESSAGES: usize = 150;

/// Sends a head and reads to the end of the connection.
async fn ask(server: &Server, head: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    // The server may have closed before it has read all of it.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn is_well(server: &Server, session: &Session) {
    assert!(session.me().await.is_ok());
    assert_eq!(server.node.health(), Ok(()));
}

#[tokio::test]
async fn a_head_has_room_for_what_browsers_send_and_not_for_more() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let head = |path: &str, headers: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: kith\r\nconnection: close\r\n{headers}\r\n")
    };
    let cookies = format!("cookie: {}\r\n", "x".repeat(16_000));
    let many = |count| "x-one-more: of many\r\n".repeat(count);
    for (head, status) in [
        (head("/healthz/live", &cookies), "200"),
        (head("/healthz/live", &many(60)), "200"),
        (head("/healthz/live", &cookies.repeat(5)), "431"),
        (head("/healthz/live", &many(200)), "431"),
        (head(&format!("/{}", "x".repeat(70_000)), ""), "4"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "4"),
        ("\0\0\0\0\r\n\r\n".to_owned(), "4"),
    ] {
        let answer = ask(&server, &head).await;
        let expected = format!("HTTP/1.1 {status}");
        // A client that goes on sending may meet the end of the connection before the answer.
        let cut = head.len() > 30_000 && answer.is_empty();
        assert!(answer.starts_with(&expected) || cut, "{status}: {answer}");
    }
    is_well(&server, &ann).await;
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_cut_off_after_a_minute() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let large = "x".repeat(65_000);
    for _ in 0..LARGE_MESSAGES {
        ann.send(room, text(&large)).await.unwrap();
    }
    let before = server.clock.sleepers();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut stream = socket.connect(server.address()).await.unwrap();
    let token = &ann.token;
    let head = format!(
        "GET /v1/threads/{room}/messages?limit=200 HTTP/1.1\r\nhost: kith\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    while server.clock.sleepers() <= before {
        tokio::task::yield_now().await;
    }
    server.pass(Duration::from_secs(59)).await;
    assert!(server.clock.sleepers() > before, "it is waited for");
    server.clock.advance(Duration::from_secs(1));
    while server.clock.sleepers() > before {
        tokio::task::yield_now().await;
    }
    let mut taken = Vec::new();
    let _ = stream.read_to_end(&mut taken).await;
    assert!(taken.starts_with(b"HTTP/1.1 200"));
    assert!(taken.len() < LARGE_MESSAGES * large.len(), "it was cut off");
    is_well(&server, &bo).await;
}

#[tokio::test]
async fn a_hello_that_comes_with_the_upgrade_is_heard() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let hello = format!(
        r#"{{"t":"hello","token":"{}","state":"online"}}"#,
        ann.token
    );
    let mut bytes = b"GET /v1/socket HTTP/1.1\r\nhost: kith\r\nconnection: keep-alive, Upgrade\r\n\
        upgrade: WebSocket\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: other, kith.v1\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        .to_vec();
    // A text frame with a mask of zeros.
    bytes.extend([0x81, 0x80 | hello.len() as u8, 0, 0, 0, 0]);
    bytes.extend(hello.as_bytes());
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut heard = String::new();
    while !heard.contains(r#""t":"welcome""#) {
        let mut some = [0; 1024];
        let count = stream.read(&mut some).await.unwrap();
        assert!(count > 0, "{heard}");
        heard += &String::from_utf8_lossy(&some[..count]);
    }
    assert!(heard.starts_with("HTTP/1.1 101 "), "{heard}");
    let heard = heard.to_lowercase();
    assert!(
        heard.contains("sec-websocket-protocol: kith.v1\r\n"),
        "{heard}"
    );
    // The one that the standard gives for this key.
    let accept = "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n";
    assert!(heard.contains(accept), "{heard}");
}
