//! Sockets that say nothing, and the same after a little traffic: what memory each of them takes.

use super::machine::{Cpu, check_open_files, rss_bytes};
use super::row::{MB, Row};
use super::scenario::Size;
use super::setup::Target;
use super::wire;
use anyhow::{Context, Result};
use kith_client::Session;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Each sends so many messages into a thread of its own and gets an answer and an entry for each.
const SENDS: usize = 3;
/// Threads of this program that send them.
const SENDERS: usize = 8;
/// The server comes to rest before its memory is read; a run that is only a try waits less.
const REST_MAX: Duration = Duration::from_secs(2);

/// Two rows: idle, and after traffic.
pub(super) fn idle(name: &str, target: &Target, size: Size) -> Result<Vec<Row>> {
    let pid = target.pid.context("the server's --pid is needed")?;
    check_open_files(size.sockets)?;
    let people = target.people(size.sockets)?;
    let threads: Result<Vec<String>> = people
        .iter()
        .map(|person| Ok(target.group(std::slice::from_ref(person))?.to_string()))
        .collect();
    let threads = threads?;
    let rest = REST_MAX.min(size.duration);
    std::thread::sleep(rest);
    let before = Cpu::now(target.pid)?;
    let (rss_before, _) = rss_bytes(pid)?;
    let began = Instant::now();
    let mut sockets = open(target, &people)?;
    let opened_per_s = people.len() as f64 / began.elapsed().as_secs_f64();
    std::thread::sleep(rest);
    let row = |name: &str| -> Result<Row> {
        let (rss, _) = rss_bytes(pid)?;
        let used = before.until(&Cpu::now(target.pid)?);
        let each = (rss as f64 - rss_before as f64) / people.len() as f64;
        let mut row = Row::new(name, used).valued(each / 1000.0, "kB each");
        row.rss_mb = Some(rss as f64 / MB);
        Ok(row)
    };
    let mut quiet = row(name)?;
    quiet.note = format!("{} sockets, opened at {opened_per_s:.0}/s", people.len());
    talk(&mut sockets, &threads)?;
    std::thread::sleep(rest);
    let mut after = row(&format!("{name}-after"))?;
    after.note = format!("each sent {SENDS} and got {} frames", 2 * SENDS);
    Ok(vec![quiet, after])
}

fn open(target: &Target, people: &[Session]) -> Result<Vec<TcpStream>> {
    people
        .iter()
        .map(|person| wire::dial(target.address(), &person.token))
        .collect()
}

fn talk(sockets: &mut [TcpStream], threads: &[String]) -> Result<()> {
    let each = sockets.len().div_ceil(SENDERS).max(1);
    std::thread::scope(|scope| {
        let parts = sockets.chunks_mut(each).zip(threads.chunks(each));
        let senders: Vec<_> = parts
            .map(|(sockets, threads)| {
                scope.spawn(move || {
                    for (socket, thread) in sockets.iter_mut().zip(threads) {
                        for _ in 0..SENDS {
                            wire::ask(socket, &send(thread))?;
                        }
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })
}

fn send(thread: &str) -> String {
    let text = "x".repeat(super::scan::TEXT_BYTES);
    let id = Uuid::new_v4();
    format!(
        r#"{{"t":"send","id":"1","thread_id":"{thread}","client_msg_id":"{id}","seen_head":0,"text":"{text}"}}"#
    )
}
