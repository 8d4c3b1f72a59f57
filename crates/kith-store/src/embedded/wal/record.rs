//! One batch in a file: a head of 24 bytes, then its rows. Records begin at multiples of eight bytes.

use super::super::batch::{self, Batch, RowChange};
use xxhash_rust::xxh3::xxh3_64;

/// What every record begins with.
const MAGIC: u32 = u32::from_le_bytes(*b"kith");
/// Magic, length of the rows (both u32), number and checksum (both u64), little-endian.
pub(super) const HEAD_BYTES: usize = 24;
/// Records begin at multiples of this.
const ALIGNED_BYTES: usize = 8;

/// A record that is there as a whole.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    /// The number of its batch.
    pub(super) number: u64,
    rows: &'a [u8],
}

impl Record<'_> {
    /// Bytes from its begin to where the next one may begin.
    pub(super) fn len(self) -> usize {
        (HEAD_BYTES + self.rows.len()).next_multiple_of(ALIGNED_BYTES)
    }

    /// What it holds; none if a checksum holds over something that is no batch.
    pub(super) fn batch(self) -> Option<Batch> {
        Some(Batch {
            number: self.number,
            changes: batch::decode(self.rows)?,
        })
    }
}

/// Writes a record into `bytes`, which is emptied first.
pub(super) fn write(number: u64, changes: &[RowChange], bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.resize(HEAD_BYTES, 0);
    batch::encode(changes, bytes);
    let rows_len = (bytes.len() - HEAD_BYTES) as u32;
    bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[4..8].copy_from_slice(&rows_len.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let checksum = checksum(number, &bytes[HEAD_BYTES..]);
    bytes[16..HEAD_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes.resize(bytes.len().next_multiple_of(ALIGNED_BYTES), 0);
}

/// The record at the begin of `bytes`, if there is a whole one with a number above `above`.
pub(super) fn read(bytes: &[u8], above: u64) -> Option<Record<'_>> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    if head[..4] != MAGIC.to_le_bytes() {
        return None;
    }
    let rows_len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let number = u64::from_le_bytes(*head[8..].first_chunk()?);
    let stored = u64::from_le_bytes(*head[16..].first_chunk()?);
    if number <= above {
        return None;
    }
    let rows = rest.get(..rows_len as usize)?;
    (checksum(number, rows) == stored).then_some(Record { number, rows })
}

/// The first whole record with a number above `above`, wherever it begins.
pub(super) fn find(bytes: &[u8], above: u64) -> Option<Record<'_>> {
    (0..bytes.len())
        .step_by(ALIGNED_BYTES)
        .find_map(|at| read(&bytes[at..], above))
}

/// Over the rows and their number, so that neither can be taken for another.
fn checksum(number: u64, rows: &[u8]) -> u64 {
    xxh3_64(rows) ^ xxh3_64(&number.to_le_bytes())
}
