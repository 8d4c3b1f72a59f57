//! The cursor: what a client was told, as hashes over groups of rows.

use super::rows::{GROUPS, Item, Row, hash, sum};
use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kith_protocol::sync::SYNC_ROWS_MAX;
use kith_protocol::thread::CURSOR_MAX_BYTES;
use kith_protocol::{BadField, UserId};

/// What a client was told.
#[derive(Clone)]
pub(super) struct Cursor {
    /// It was told nothing before, and is not through yet.
    pub(super) full: bool,
    pub(super) groups: [u64; GROUPS],
    /// The group that did not fit in one answer.
    partial: Option<Partial>,
}

#[derive(Clone, Copy)]
struct Partial {
    group: u8,
    /// The last id that was told.
    up_to: [u8; 16],
    /// The sum over what was told of it.
    sum: u64,
}

/// Another layout of the cursor is another number; old cursors then mean "full".
const CURSOR_VERSION: u8 = 1;
const CURSOR_BYTES: usize = 1 + 8 + 1 + GROUPS * 8 + 1 + 16 + 8;
const NO_GROUP: u8 = u8::MAX;

impl Cursor {
    pub(super) fn nothing_told() -> Self {
        Self {
            full: true,
            groups: [0; GROUPS],
            partial: None,
        }
    }

    /// What is no cursor at all is refused; a foreign or an old one means that nothing was told.
    pub(super) fn read(text: &str, user: UserId) -> Result<Self> {
        let bad = || BadField::invalid("cursor", "is not one that this server gave");
        if text.len() > CURSOR_MAX_BYTES {
            return Err(bad().into());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        Ok(Self::decode(&bytes, user).unwrap_or_else(Self::nothing_told))
    }

    fn decode(bytes: &[u8], user: UserId) -> Option<Self> {
        let mut bytes = Bytes(bytes);
        let known = bytes.0.len() == CURSOR_BYTES
            && bytes.take::<1>()? == [CURSOR_VERSION]
            && bytes.take::<8>()? == tag(user);
        if !known {
            return None;
        }
        let full = bytes.take::<1>()? == [1];
        let mut groups = [0; GROUPS];
        for group in &mut groups {
            *group = u64::from_be_bytes(bytes.take()?);
        }
        let [group] = bytes.take::<1>()?;
        let partial = Partial {
            group,
            up_to: bytes.take()?,
            sum: u64::from_be_bytes(bytes.take()?),
        };
        Some(Self {
            full,
            groups,
            partial: (group != NO_GROUP).then_some(partial),
        })
    }

    pub(super) fn write(&self, user: UserId) -> String {
        let mut bytes = Vec::with_capacity(CURSOR_BYTES);
        bytes.push(CURSOR_VERSION);
        bytes.extend(tag(user));
        bytes.push(u8::from(self.full));
        for group in self.groups {
            bytes.extend(group.to_be_bytes());
        }
        let none = Partial {
            group: NO_GROUP,
            up_to: [0; 16],
            sum: 0,
        };
        let partial = self.partial.unwrap_or(none);
        bytes.push(partial.group);
        bytes.extend(partial.up_to);
        bytes.extend(partial.sum.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn differs(&self, group: usize, items: &[Item<'_>]) -> bool {
        self.groups[group] != sum(items)
    }

    /// Whether nothing at all was told yet: not even the first pages of a full answer.
    pub(super) fn is_blank(&self) -> bool {
        self.full && self.partial.is_none() && self.groups == [0; GROUPS]
    }

    /// Tells the items of a group that differs, as far as the answer has room. Who knows nothing
    /// has no need to hear what is gone; who has the first pages may have it from those.
    pub(super) fn tell<'a>(
        &mut self,
        group: usize,
        items: &[Item<'a>],
        knows_nothing: bool,
        told: &mut Vec<Row<'a>>,
    ) {
        if !self.differs(group, items) {
            return;
        }
        let mut from = self.told_already(group, items);
        while let Some(item) = items.get(from) {
            if told.len() >= SYNC_ROWS_MAX {
                break;
            }
            if !(knows_nothing && item.is_gone()) {
                told.push(item.row);
            }
            from += 1;
        }
        if from == items.len() {
            self.groups[group] = sum(items);
            if self
                .partial
                .is_some_and(|partial| usize::from(partial.group) == group)
            {
                self.partial = None;
            }
        } else if from > 0
            && self
                .partial
                .is_none_or(|partial| usize::from(partial.group) == group)
        {
            let partial = Partial {
                group: group as u8,
                up_to: items[from - 1].id,
                sum: sum(&items[..from]),
            };
            self.partial = Some(partial);
        }
    }

    /// How many items of the group were told by the answer before, unless they changed since.
    fn told_already(&self, group: usize, items: &[Item<'_>]) -> usize {
        let Some(partial) = self
            .partial
            .filter(|partial| usize::from(partial.group) == group)
        else {
            return 0;
        };
        let count = items.partition_point(|item| item.id <= partial.up_to);
        if sum(&items[..count]) == partial.sum {
            count
        } else {
            0
        }
    }
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

fn tag(user: UserId) -> [u8; 8] {
    hash(user.bytes(), &[u64::from(CURSOR_VERSION)]).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::rows::CONTACTS;
    use super::*;
    use kith_store::contact::ContactRow;
    use uuid::Uuid;

    #[test]
    fn a_cursor_belongs_to_its_user_and_fits_its_bound() {
        let (ann, bo) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let mut cursor = Cursor::nothing_told();
        cursor.full = false;
        cursor.groups[7] = 99;
        cursor.partial = Some(Partial {
            group: 3,
            up_to: [9; 16],
            sum: 5,
        });
        let text = cursor.write(ann);
        assert!(text.len() <= CURSOR_MAX_BYTES, "{}", text.len());
        let again = Cursor::read(&text, ann).expect("a cursor");
        assert_eq!(
            (again.full, again.groups[7], again.write(ann)),
            (false, 99, text.clone())
        );
        assert!(Cursor::read(&text, bo).expect("foreign").full);
        assert!(Cursor::read("AAAA", ann).expect("unknown").full);
        assert!(Cursor::read("\u{2603}", ann).is_err());
    }

    #[test]
    fn a_group_that_does_not_fit_is_told_in_parts_and_again_if_it_changed() {
        let users: Vec<UserId> = (0..450).map(|n| UserId(Uuid::from_u128(n))).collect();
        let rows: Vec<ContactRow> = users
            .iter()
            .map(|&user| ContactRow {
                user,
                since: kith_protocol::Timestamp(1),
            })
            .collect();
        let mut items: Vec<Item<'_>> = rows.iter().map(|row| Item::contact(row, None)).collect();
        let mut cursor = Cursor::nothing_told();
        let counts: Vec<usize> = (0..3)
            .map(|_| {
                let mut told = Vec::new();
                cursor.tell(CONTACTS, &items, true, &mut told);
                told.len()
            })
            .collect();
        assert_eq!(counts, [200, 200, 50]);
        assert!(!cursor.differs(CONTACTS, &items));
        let mut cursor = Cursor::nothing_told();
        cursor.tell(CONTACTS, &items, true, &mut Vec::new());
        items[3].hash ^= 1;
        let mut told = Vec::new();
        cursor.tell(CONTACTS, &items, false, &mut told);
        assert!(
            matches!(told[3], Row::Contact(row, _) if row.user == users[3]),
            "told from the start"
        );
    }
}
