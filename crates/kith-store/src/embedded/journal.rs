//! Looks through a journal before fjall does: fjall takes the first thing that it cannot read for the end,
//! and cuts off all that follows, though it may have been acknowledged.
//!
//! Every batch is synced before the next one is written, so only the last one can be there in pieces. When
//! whole batches follow after a piece that cannot be read, the disk has lost something.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// What every batch of fjall's journal ends with.
const BATCH_END: &[u8; 4] = b"FJL\x03";
/// Bytes read together.
const BUFFER_BYTES: usize = 256 * 1024;

/// Whether batches follow after something that cannot be read.
pub(super) fn is_damaged(journal: &Path) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, File::open(journal)?);
    let end_of_whole_batches = match skip_whole_batches(&mut reader) {
        Ok(Some(end)) => end,
        // Written in a way that this version does not write: fjall may know it.
        Ok(None) => return Ok(false),
        Err(error) => return Err(error),
    };
    reader.seek(SeekFrom::Start(end_of_whole_batches))?;
    has_a_batch_before_the_last_byte(&mut reader)
}

/// Reads to the first thing that is no part of a batch; gives where the last whole batch ends.
fn skip_whole_batches(reader: &mut (impl BufRead + Seek)) -> io::Result<Option<u64>> {
    let mut end = 0;
    loop {
        match skip_entry(reader) {
            Ok(Entry::BatchEnd) => end = reader.stream_position()?,
            Ok(Entry::Inside) => {}
            Ok(Entry::Unreadable) => return Ok(Some(end)),
            Ok(Entry::Foreign) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Some(end)),
            Err(error) => return Err(error),
        }
    }
}

enum Entry {
    BatchEnd,
    Inside,
    Unreadable,
    Foreign,
}

/// Skips one entry: a tag, and what the tag says.
fn skip_entry(reader: &mut (impl BufRead + Seek)) -> io::Result<Entry> {
    match take::<1>(reader)? {
        // Start: number of items, seqno.
        [1] => take::<12>(reader).map(|_| Entry::Inside),
        // Item: kind, compression, keyspace, lengths of key, value, and value as it is stored.
        [2] => {
            let head = take::<20>(reader)?;
            if head[1] != 0 {
                return Ok(Entry::Foreign);
            }
            let key = u16::from_le_bytes([head[10], head[11]]);
            let value = u32::from_le_bytes([head[16], head[17], head[18], head[19]]);
            let bytes = i64::from(key) + i64::from(value);
            skip(reader, bytes).map(|()| Entry::Inside)
        }
        // End: checksum and magic.
        [3] => {
            let end = take::<12>(reader)?;
            Ok(match end.ends_with(BATCH_END) {
                true => Entry::BatchEnd,
                false => Entry::Unreadable,
            })
        }
        // Clear: keyspace.
        [4] => take::<8>(reader).map(|_| Entry::Inside),
        _ => Ok(Entry::Unreadable),
    }
}

fn take<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Skips bytes without reading them again where they are in the buffer already.
fn skip(reader: &mut (impl BufRead + Seek), bytes: i64) -> io::Result<()> {
    let buffered = reader.fill_buf()?.len();
    match usize::try_from(bytes) {
        Ok(bytes) if bytes <= buffered => reader.consume(bytes),
        _ => drop(reader.seek(SeekFrom::Current(bytes))?),
    }
    Ok(())
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
