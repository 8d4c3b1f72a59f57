//! What one commit does to rows: the same in the log in front, in memory and in fjall.

use super::table::Table;
use fjall::{UserKey, UserValue};

/// A row that is put, or one that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowChange {
    /// Where.
    pub(super) table: Table,
    /// Its key, as `key` lays it out.
    pub(super) key: UserKey,
    /// What it is from now on; none: it goes.
    pub(super) value: Option<UserValue>,
}

/// All that one sync makes durable, in the order in which it was staged: the last change of a row counts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// Its place among all batches of the folder: 1, 2, 3 … without holes.
    pub(super) number: u64,
    /// At least one.
    pub(super) changes: Vec<RowChange>,
}

/// Set in the byte of the table when the row goes.
const REMOVED: u8 = 0x80;

impl RowChange {
    /// Bytes that it takes in memory and in the log, about.
    pub(super) fn weight_bytes(&self) -> usize {
        size_of::<Self>() + self.key.len() + self.value.as_ref().map_or(0, |value| value.len())
    }
}

/// Appends the changes to `bytes`: table, length of the key (u16), then length of the value (u32) unless the
/// row goes, key, value. Numbers are little-endian.
pub(super) fn encode(changes: &[RowChange], bytes: &mut Vec<u8>) {
    for change in changes {
        let removed = if change.value.is_none() { REMOVED } else { 0 };
        bytes.push(change.table.number() | removed);
        // fjall takes keys of up to 65,535 bytes; ours have some 100 at most.
        bytes.extend_from_slice(&(change.key.len() as u16).to_le_bytes());
        if let Some(value) = &change.value {
            // fjall takes values of up to 4 GiB; a batch is bounded by the queue to some 16 MiB.
            bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        }
        bytes.extend_from_slice(&change.key);
        bytes.extend_from_slice(change.value.as_deref().unwrap_or_default());
    }
}

/// Reads what [`encode`] wrote; none if it is anything else.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<RowChange>> {
    let mut changes = Vec::new();
    while let Some((&kind, rest)) = bytes.split_first() {
        let (key_len, rest) = rest.split_first_chunk::<2>()?;
        let (value_len, rest) = match kind & REMOVED {
            0 => {
                let (len, rest) = rest.split_first_chunk::<4>()?;
                (Some(u32::from_le_bytes(*len) as usize), rest)
            }
            _ => (None, rest),
        };
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*key_len)))?;
        let (value, rest) = rest.split_at_checked(value_len.unwrap_or_default())?;
        changes.push(RowChange {
            table: Table::of_number(kind & !REMOVED)?,
            key: UserKey::from(key),
            value: value_len.map(|_| UserValue::from(value)),
        });
        bytes = rest;
    }
    Some(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(table: Table, key: &[u8], value: Option<&[u8]>) -> RowChange {
        RowChange {
            table,
            key: key.into(),
            value: value.map(UserValue::from),
        }
    }

    #[test]
    fn changes_come_back_as_they_were() {
        let changes = vec![
            change(Table::Messages, b"key", Some(&[7; 70_000])),
            change(Table::Views, b"empty", Some(b"")),
            change(Table::People, b"gone", None),
            change(Table::Heads, b"", Some(b"no key")),
        ];
        let mut bytes = Vec::new();
        encode(&changes, &mut bytes);
        assert_eq!(decode(&bytes), Some(changes));
        assert_eq!(decode(&[]), Some(Vec::new()));
    }

    #[test]
    fn what_is_cut_or_of_no_table_is_not_read() {
        let mut bytes = Vec::new();
        encode(&[change(Table::Heads, b"key", Some(b"value"))], &mut bytes);
        for len in 1..bytes.len() {
            assert_eq!(decode(&bytes[..len]), None, "{len} bytes");
        }
        bytes[0] = 4;
        assert_eq!(decode(&bytes), None);
    }
}
