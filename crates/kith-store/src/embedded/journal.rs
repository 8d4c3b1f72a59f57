//! Looks through a journal of fjall before fjall does: fjall takes the first thing that it cannot read for the
//! end and cuts off all that follows, or refuses the journal for a wrong checksum.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// What every batch of fjall's journal ends with.
const BATCH_END: &[u8; 4] = b"FJL\x03";
/// Bytes read together.
const BUFFER_BYTES: usize = 256 * 1024;

/// Whether batches follow after something that is no whole batch.
pub(super) fn is_damaged(journal: &Path) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(journal)?);
    let Some(end) = skip_whole_batches(&mut reader)? else {
        return Ok(false);
    };
    reader.seek(SeekFrom::Start(end))?;
    has_a_batch_before_the_last_byte(&mut reader)
}

/// Where the last batch ends of those that are there as a whole, one after the other from the begin. None if
/// something was written in a way that this version does not write: fjall may know it.
pub(super) fn whole_batches_end(journal: &Path) -> io::Result<Option<u64>> {
    skip_whole_batches(&mut BufReader::with_capacity(
        BUFFER_BYTES,
        File::open(journal)?,
    ))
}

fn skip_whole_batches(reader: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut scan = Scan {
        reader,
        read_bytes: 0,
        scratch: Vec::new(),
    };
    let mut end = 0;
    loop {
        match scan.skip_batch() {
            Ok(Found::Batch) => end = scan.read_bytes,
            Ok(Found::Unreadable) => return Ok(Some(end)),
            Ok(Found::Foreign) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Some(end)),
            Err(error) => return Err(error),
        }
    }
}

enum Found {
    Batch,
    Unreadable,
    Foreign,
}

struct Scan<'a, R> {
    reader: &'a mut R,
    read_bytes: u64,
    scratch: Vec<u8>,
}

impl<R: BufRead> Scan<'_, R> {
    /// One batch: a start with the number of items and a seqno, the items, an end with their checksum.
    fn skip_batch(&mut self) -> io::Result<Found> {
        let start = self.take::<13>()?;
        if start[0] != 1 {
            return Ok(Found::Unreadable);
        }
        let mut hash = Xxh3::new();
        for _ in 0..u32::from_le_bytes([start[1], start[2], start[3], start[4]]) {
            match self.take::<1>()? {
                [2] => match self.skip_item(&mut hash)? {
                    Found::Batch => {}
                    other => return Ok(other),
                },
                // Clear: keyspace.
                [4] => {
                    let keyspace = self.take::<8>()?;
                    hash.update(&[4]);
                    hash.update(&keyspace);
                }
                _ => return Ok(Found::Unreadable),
            }
        }
        let end = self.take::<13>()?;
        let is_whole =
            end[0] == 3 && end[1..9] == hash.digest().to_le_bytes() && end.ends_with(BATCH_END);
        Ok(if is_whole {
            Found::Batch
        } else {
            Found::Unreadable
        })
    }

    /// Kind, compression, keyspace, lengths of key, value, and value as it is stored; key; value.
    fn skip_item(&mut self, hash: &mut Xxh3) -> io::Result<Found> {
        let head = self.take::<20>()?;
        if head[1] != 0 {
            return Ok(Found::Foreign);
        }
        hash.update(&[2]);
        hash.update(&head);
        let key = u64::from(u16::from_le_bytes([head[10], head[11]]));
        let value = u64::from(u32::from_le_bytes([head[16], head[17], head[18], head[19]]));
        self.scratch.clear();
        let bytes = key + value;
        let read = Read::by_ref(self.reader)
            .take(bytes)
            .read_to_end(&mut self.scratch)?;
        if (read as u64) < bytes {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        hash.update(&self.scratch);
        self.read_bytes += bytes;
        Ok(Found::Batch)
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        self.read_bytes += N as u64;
        Ok(bytes)
    }
}

/// Whether the rest has the end of a batch anywhere but as the very last thing before the zeros that a
/// journal is filled with.
fn has_a_batch_before_the_last_byte(reader: &mut impl BufRead) -> io::Result<bool> {
    let (mut last_four, mut has_end) = ([0; 4], false);
    loop {
        let bytes = reader.fill_buf()?;
        let read = bytes.len();
        if read == 0 {
            return Ok(false);
        }
        // A new journal is 64 MB of zeros: they are passed by as fast as they are read.
        if bytes.iter().any(|byte| *byte != 0) {
            for byte in bytes {
                if has_end && *byte != 0 {
                    return Ok(true);
                }
                last_four.rotate_left(1);
                last_four[3] = *byte;
                has_end |= last_four == *BATCH_END;
            }
        }
        reader.consume(read);
    }
}
