//! What the disk itself can do: append and fdatasync, the bound for every durable message.

use super::machine::Cpu;
use super::row::{Latency, Row, histogram};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// A message of 100 bytes with ids, as it lies in a log.
const RECORD_BYTES: usize = 160;

/// Appends `records` records and syncs, again and again, in a file inside `folder`.
pub fn append_and_sync(folder: &Path, records: usize, duration: Duration) -> Result<Row> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let path = folder.join(format!("kith-load-disk-{}", std::process::id()));
    let result = File::create(&path)
        .context("a file to append to")
        .and_then(|file| measure(file, records, duration));
    std::fs::remove_file(&path).context("remove the file")?;
    result
}

fn measure(mut file: File, records: usize, duration: Duration) -> Result<Row> {
    let batch = vec![b'x'; RECORD_BYTES * records];
    let mut sync_ns = histogram()?;
    let before = Cpu::now(None)?;
    let began = Instant::now();
    while began.elapsed() < duration {
        let write = Instant::now();
        file.write_all(&batch)?;
        file.sync_data()?;
        sync_ns.saturating_record(write.elapsed().as_nanos() as u64);
    }
    let used = before.until(&Cpu::now(None)?);
    let per_s = (sync_ns.len() * records as u64) as f64 / used.wall_s;
    let mut row = Row::new(&format!("disk-{records}"), used).valued(per_s, "records/s");
    row.latency_ms = Some(Latency::of(&sync_ns));
    Ok(row)
}
