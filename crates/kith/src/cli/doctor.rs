//! `kith doctor`: looks at a data folder, or at the server that runs on it.

use super::options::Which;
use super::{admin, fail, print};
use crate::config::Config;
use crate::doctor::{Doctor, Ear, Summary, Told};
use crate::server;
use anyhow::{Context, bail, ensure};
use clap::Args;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Something is wrong, and stays so.
const EXIT_FOUND: u8 = 1;
/// It could not be done.
const EXIT_NOT_DONE: u8 = 2;

/// Bytes of one line from the server: findings are a few hundred.
const LINE_MAX_BYTES: usize = 1 << 20;

/// Prove that everything stored fits together; rebuild what can be rebuilt.
#[derive(Args)]
#[command(after_help = "\
It asks the server that runs on the data folder, if there is one; chat goes on meanwhile. \
Otherwise it opens the folder itself. It looks at every thread: no holes, nothing doubled, times \
and counts right; heads, members, edits, reactions, deletions, mentions and lists as the log makes \
them; marks within bounds; unread counted anew. And at accounts, contacts, requests, sessions and \
tokens from both sides.

--repair rebuilds views from the logs. It never touches logs, marks, settings, drafts or accounts: \
what is wrong there is told, and a backup helps.

Texts, titles, passwords and tokens are never shown.

Exit status: 0 sound, or made so by --repair; 1 something is wrong; 2 it could not be done.

Examples:
  kith doctor
  kith doctor --data /srv/kith
  kith doctor --repair --data /srv/kith
  kith doctor --json | jq 'select(.t == \"finding\")'")]
pub(super) struct DoctorArgs {
    /// Rebuild from the log what is not what the log makes of it.
    #[arg(long)]
    repair: bool,
    /// Print one JSON object for each finding, and one with the summary.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    which: Which,
}

impl DoctorArgs {
    pub(super) fn run(self) -> ExitCode {
        match self.examine() {
            Ok(summary) if summary.is_sound() => ExitCode::SUCCESS,
            Ok(_) => ExitCode::from(EXIT_FOUND),
            Err(error) => {
                fail(&error);
                ExitCode::from(EXIT_NOT_DONE)
            }
        }
    }

    fn examine(&self) -> anyhow::Result<Summary> {
        let config = self.which.load()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let listener = Listener::new(self.json);
        runtime.block_on(async {
            let path = format!("/v1/admin/doctor?repair={}", self.repair);
            match admin::ask(&config, "POST", &path, "").await? {
                Some(answer) if answer.status().is_success() => {
                    listener.hear_server(answer.into_body()).await
                }
                // The refusal in its own words.
                Some(answer) => bail!("{}", admin::read(answer).await?.trim()),
                None => self.examine_folder(&config, listener).await,
            }
        })
    }

    async fn examine_folder(&self, config: &Config, listener: Listener) -> anyhow::Result<Summary> {
        let folder = &config.store.folder;
        // Opening would make one.
        ensure!(
            folder.join("format").is_file(),
            "there is no data folder of kith at {}: say with --data or --config where it is",
            folder.display()
        );
        let store = server::open_store(config).await.context(
            "stop the server that uses the folder, or let doctor ask it through admin.listen",
        )?;
        let (ear, heard) = Ear::new();
        let doctor = Doctor::of_folder(store.clone(), config, self.repair);
        let work = tokio::spawn(doctor.examine(ear));
        let summary = listener.hear(heard).await;
        // That it died is told by its silence.
        let _ = work.await;
        tokio::task::spawn_blocking(move || store.close()).await?;
        summary
    }
}

/// Prints what is told, and how far it is.
struct Listener {
    json: bool,
    bar: ProgressBar,
    began: Instant,
}

impl Listener {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it took is told to a person, and nothing rests on it"
    )]
    fn new(json: bool) -> Self {
        // Drawn on standard error, and only if that is a terminal.
        let bar = ProgressBar::new(0).with_message("looking for threads");
        let style = "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            json,
            bar,
            began: Instant::now(),
        }
    }

    async fn hear(&self, mut heard: mpsc::Receiver<Told>) -> anyhow::Result<Summary> {
        while let Some(told) = heard.recv().await {
            if let Some(summary) = self.take(told)? {
                return Ok(summary);
            }
        }
        bail!("doctor stopped in the middle")
    }

    async fn hear_server(&self, mut body: Incoming) -> anyhow::Result<Summary> {
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("the server stopped in the middle")?;
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = bytes.drain(..=end).collect();
                let told = serde_json::from_slice(&line)
                    .context("the server tells what this version does not know")?;
                if let Some(summary) = self.take(told)? {
                    return Ok(summary);
                }
            }
            ensure!(
                bytes.len() <= LINE_MAX_BYTES,
                "the server's answer has no end"
            );
        }
        bail!("the server stopped in the middle")
    }

    /// Shows one thing; gives the summary when that was it.
    fn take(&self, told: Told) -> anyhow::Result<Option<Summary>> {
        match &told {
            Told::Size { threads, entries } => {
                self.bar.set_length(*entries);
                self.bar.set_message(format!("{threads} threads"));
            }
            Told::Progress { entries } => self.bar.set_position(*entries),
            Told::Failed { why } => bail!("{why}"),
            Told::Summary(summary) => {
                self.bar.finish_and_clear();
                self.say(&told, |took_s| in_words(summary, took_s))?;
                return Ok(Some(summary.clone()));
            }
            Told::Finding(finding) => self.say(&told, |_| finding.to_string())?,
            Told::More { thread, kind, more } => {
                let place = thread.map_or(String::new(), |thread| format!("thread {thread}: "));
                // The word that the JSON has.
                let kind = serde_json::to_value(kind)?;
                let kind = kind.as_str().unwrap_or_default();
                self.say(&told, |_| format!("{place}and {more} more of kind {kind}"))?;
            }
        }
        Ok(None)
    }

    fn say(&self, told: &Told, words: impl FnOnce(f64) -> String) -> anyhow::Result<()> {
        let took_s = self.began.elapsed().as_secs_f64();
        let line = if self.json {
            let mut object = serde_json::to_value(told)?;
            if let Told::Summary(summary) = told {
                object["took_s"] = took_s.into();
                object["entries_per_s"] = per_second(summary, took_s).into();
            }
            object.to_string()
        } else {
            words(took_s)
        };
        self.bar.suspend(|| print(&format!("{line}\n")))
    }
}

fn per_second(summary: &Summary, took_s: f64) -> u64 {
    (summary.entries as f64 / took_s.max(1e-6)) as u64
}

fn in_words(summary: &Summary, took_s: f64) -> String {
    let found: u64 = summary.found.values().sum();
    let verdict = match (found, summary.standing) {
        (0, _) => "everything fits together".to_owned(),
        (found, 0) => format!("{found} found, all mended"),
        (found, standing) if standing < found => {
            format!("{found} found, {standing} of them stay wrong")
        }
        (found, _) => format!("{found} found"),
    };
    format!(
        "{verdict}: {} threads with {} entries and {} rows of accounts and people, in {took_s:.1} s \
         ({} entries/s)",
        summary.threads,
        summary.entries,
        summary.index_rows,
        per_second(summary, took_s)
    )
}
