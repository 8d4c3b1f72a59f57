//! `kith-load demo`.

use anyhow::Result;
use clap::Args;
use kith_load::demo::fill;
use kith_load::demo::scene::Scene;
use kith_load::replay::recorded::Recording;
use kith_load::server::{Server, find_binary};
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// A server that was told to end has this long: more than its own drain.
const ENDS_WITHIN: Duration = Duration::from_secs(15);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Open a server full of conversations, to look around in.
///
/// A dozen people with groups, direct threads, contacts, drafts and unread messages, in English and
/// Chinese, beside recorded rooms. Two log-ins are printed once it is filled; it runs until Ctrl-C.
/// It is for looking only: passwords are cheap and known, and no rate is limited.
#[derive(Args)]
#[command(after_help = "\
Examples:
  kith-load demo crates/kith-load/sample/*.jsonl
  kith-load demo --data /tmp/kith-demo --port 9000
  kith-load demo --lines 5000 irc-ubuntu.jsonl.gz zh-chat.jsonl.gz
  kith-load demo --server http://127.0.0.1:8080     (its limits must be off)")]
pub(super) struct Demo {
    /// Recorded conversations, plain or gzip; what is none is named and left out.
    files: Vec<PathBuf>,
    /// Lines of each file, from its beginning.
    #[arg(long, default_value_t = 1000)]
    lines: usize,
    /// An empty or new folder for the data, which stays; without it one that goes with the server.
    #[arg(long, conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Where to listen on loopback.
    #[arg(long, default_value_t = 8080, conflicts_with = "server")]
    port: u16,
    /// The server's binary; the `kith` beside this program if absent.
    #[arg(long, conflicts_with = "server")]
    kith: Option<PathBuf>,
    /// Fill this running server, and end.
    #[arg(long)]
    server: Option<String>,
}

impl Demo {
    pub(super) fn run(self) -> Result<bool> {
        let scene = Scene::built_in()?;
        let recordings = self.recordings();
        let runtime = tokio::runtime::Runtime::new()?;
        match &self.server {
            Some(url) => {
                runtime.block_on(fill(url, &scene, &recordings))?;
                say_log_ins(url, &scene);
            }
            None => runtime.block_on(self.open(&scene, &recordings))?,
        }
        Ok(true)
    }

    fn recordings(&self) -> Vec<Recording> {
        let mut recordings = Vec::new();
        // A name in two files is two people, also if one of them is the beginning of the other.
        for (file, tag) in self.files.iter().zip(0..) {
            match Recording::read_some(&[file], tag, self.lines) {
                Ok(recording) => recordings.push(recording),
                Err(error) => eprintln!("left out: {error:#}"),
            }
        }
        recordings
    }

    /// Starts a server, fills it, and keeps it until somebody stops it.
    async fn open(&self, scene: &Scene, recordings: &[Recording]) -> Result<()> {
        // Before there is a folder that must go again.
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let mut server = self.start()?;
        let url = server.url();
        let opened = async {
            fill(&url, scene, recordings).await?;
            say_log_ins(&url, scene);
            println!(
                "Its data is in {}. Ctrl-C stops it.",
                server.data().display()
            );
            has_ended(&mut server).await
        };
        tokio::select! {
            ended = opened => anyhow::bail!("the server ended with {}", ended?),
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => {}
        }
        // The terminal has told the server too; what does not end is killed when it is dropped.
        let _ = tokio::time::timeout(ENDS_WITHIN, has_ended(&mut server)).await;
        Ok(())
    }

    fn start(&self) -> Result<Server> {
        let binary = find_binary(self.kith.as_deref())?;
        let data = self.data.as_deref().map(std::path::absolute).transpose()?;
        Server::at(&binary, self.port, data)
    }
}

async fn has_ended(server: &mut Server) -> Result<ExitStatus> {
    loop {
        if let Some(status) = server.ended()? {
            return Ok(status);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn say_log_ins(url: &str, scene: &Scene) {
    println!("Open {url} in a browser and sign in as one of:");
    for handle in &scene.log_in {
        println!("  {handle:<6} {}", scene.password);
    }
}
