//! A pretend server for two sockets in one thread, with faults on request: what the generator
//! counts is tried against it.

use super::flow::Flow;
use super::pace::Pace;
use super::traffic::Traffic;
use super::wire::{self, Wires};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept_hdr};
use uuid::Uuid;

/// What the pretend server does with its nth entry.
type Deliver = fn(u64) -> usize;

/// Accepts a sender and a receiver. Every send is acknowledged, and its entry goes to the receiver
/// as often as `deliver` says.
fn pretend(deliver: Deliver) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut sender = welcome(listener.accept().unwrap().0);
        let mut receiver = welcome(listener.accept().unwrap().0);
        let (entries, queue) = mpsc::channel::<String>();
        std::thread::spawn(move || {
            for entry in queue {
                if receiver.send(Message::text(entry)).is_err() {
                    return;
                }
            }
        });
        let mut seq = 0;
        while let Ok(Message::Text(frame)) = sender.read() {
            seq += 1;
            let frame: Value = serde_json::from_str(frame.as_str()).unwrap();
            let ok = json!({"t": "ok", "re": frame["id"], "seq": seq, "ord": seq});
            // serde_json sorts names; kith writes `t` first.
            let ok = ok
                .to_string()
                .replacen("{\"ord\":", "{\"t\":\"ok\",\"ord\":", 1);
            let entry = format!(
                r#"{{"t":"entry","thread_id":"x","prev_seq":{},"entries":[{{"seq":{seq},"text":{}}}]}}"#,
                seq - 1,
                frame["text"]
            );
            for _ in 0..deliver(seq) {
                entries.send(entry.clone()).unwrap();
            }
            if sender.send(Message::text(ok)).is_err() {
                return;
            }
        }
    });
    address
}

fn welcome(stream: TcpStream) -> WebSocket<TcpStream> {
    #[expect(
        clippy::result_large_err,
        reason = "the shape that tungstenite asks for"
    )]
    let agree = |request: &Request, mut response: Response| {
        let name = "sec-websocket-protocol";
        let protocol = request.headers()[name].clone();
        response.headers_mut().insert(name, protocol);
        Ok(response)
    };
    let mut socket = accept_hdr(stream, agree).unwrap();
    let hello = socket.read().unwrap();
    assert!(hello.to_text().unwrap().contains("\"hello\""));
    socket.send(Message::text("{\"t\":\"welcome\"}")).unwrap();
    socket
}

fn traffic(deliver: Deliver, window: u64) -> Traffic {
    let address = pretend(deliver);
    let mut wires = Wires::new().unwrap();
    // In this order, because the pretend server takes the first for the sender.
    let streams = std::thread::scope(|scope| {
        let first = scope.spawn(move || wire::dial(address, "one").unwrap());
        let first = first.join().unwrap();
        [first, wire::dial(address, "two").unwrap()]
    });
    for stream in streams {
        wires.add(stream).unwrap();
    }
    let flow = Flow::new(0, "x".to_owned(), window, 1, Uuid::nil());
    Traffic::new(wires, vec![flow], 2).unwrap()
}

#[test]
fn a_window_keeps_moving_and_everything_is_counted_once() {
    let mut traffic = traffic(|_| 1, 10);
    let (warm_up, measured) = (Duration::from_millis(20), Duration::from_millis(200));
    let mut ticks = 0;
    traffic
        .run(Pace::Window, warm_up, measured, || {
            ticks += 1;
            Ok(())
        })
        .unwrap();
    let counted = traffic.counted();
    assert!(counted.messages > 0);
    assert!(counted.latency_ns.len() >= counted.messages);
    assert_eq!(
        (counted.gaps, counted.doubles, counted.unfinished),
        (0, 0, 0)
    );
    assert!(ticks >= 2);
}

#[test]
fn a_schedule_sends_what_is_due() {
    let mut traffic = traffic(|_| 1, u64::MAX);
    let (warm_up, measured) = (Duration::from_millis(100), Duration::from_millis(400));
    traffic
        .run(Pace::Open(100), warm_up, measured, || Ok(()))
        .unwrap();
    // All 50 arrive in the end, however slow the machine is.
    assert_eq!(traffic.counted().unfinished, 0);
    assert!(traffic.counted().latency_ns.len() <= 50);
}

#[test]
fn an_entry_that_is_swallowed_or_doubled_is_noticed() {
    let mut traffic = traffic(
        |seq| {
            if seq == 7 {
                0
            } else {
                1 + usize::from(seq == 3)
            }
        },
        1_000,
    );
    traffic.drain_within(Duration::from_secs(1));
    let run = traffic.run(
        Pace::Window,
        Duration::ZERO,
        Duration::from_millis(200),
        || Ok(()),
    );
    run.unwrap();
    let counted = traffic.counted();
    assert_eq!((counted.gaps, counted.doubles), (1, 1));
    assert!(counted.unfinished > 0);
}
