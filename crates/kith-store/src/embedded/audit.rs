//! The audit in fjall: pages of rows from one snapshot each, and mending on the commit thread.

use super::row::{DeletionRow, MentionRow, Row, Seq};
use super::scan::{self, Found, Scanned};
use super::stage::Stage;
use super::table::{Reader, Table};
use super::{Embedded, index, key, thread};
use crate::StoreResult;
use crate::audit::{Audit, Index, IndexPage, Mend, Part, PartPage, PartRow, Place, Unreadable};
use crate::log::{Appended, EntryRow, ThreadLog};
use crate::thread::{Deletion, HeadRow, MemberRow, Mention, OverlayRow, ReadMark};
use async_trait::async_trait;
use kith_protocol::{ThreadId, UserId};

/// Bytes of a change while it waits, about.
const MEND_BYTES: usize = 512;

#[async_trait]
impl Audit for Embedded {
    async fn stored_entries(
        &self,
        thread: ThreadId,
        after_seq: u64,
        limit: usize,
    ) -> StoreResult<Vec<Result<EntryRow, Unreadable>>> {
        self.read(move |reader| {
            let place = Place(key::message(thread, after_seq).to_vec());
            let span = scan::span(thread.bytes(), Some(&place));
            let rows = scan::rows_between::<EntryRow>(reader, Table::Messages, span, limit)?;
            let entries = rows.into_iter().map(|(key, row)| {
                let seq = key::last_seq(&key);
                settled(row, |entry: &EntryRow| Some(entry.seq) == seq).map_err(|what| Unreadable {
                    seq,
                    user: None,
                    what,
                })
            });
            Ok(entries.collect())
        })
        .await
    }

    async fn part_rows(
        &self,
        thread: ThreadId,
        part: Part,
        from: Option<Place>,
        limit: usize,
    ) -> StoreResult<PartPage> {
        self.read(move |reader| {
            let Scanned { rows, next } = part_rows(reader, thread, part, from.as_ref(), limit)?;
            let last_seq = last_seq(reader, thread)?;
            Ok(PartPage {
                last_seq,
                rows,
                next,
            })
        })
        .await
    }

    async fn loose_threads(
        &self,
        from: Option<Place>,
        limit: usize,
    ) -> StoreResult<(Vec<ThreadId>, Option<Place>)> {
        self.read(move |reader| index::loose_threads(reader, from, limit))
            .await
    }

    async fn check_index(
        &self,
        index: Index,
        from: Option<Place>,
        limit: usize,
    ) -> StoreResult<IndexPage> {
        self.read(move |reader| index::check(reader, index, from.as_ref(), limit))
            .await
    }

    async fn mend(
        &self,
        thread: ThreadId,
        expected_last_seq: u64,
        mends: Vec<Mend>,
    ) -> StoreResult<Appended> {
        let last_seq = self.last_seq(thread).await?;
        if last_seq != expected_last_seq {
            return Ok(Appended::Conflict { last_seq });
        }
        let bytes = MEND_BYTES * (1 + mends.len());
        self.write(bytes, move |staged| stage(staged, thread, last_seq, mends))
            .await
    }
}

fn last_seq(reader: &Reader<'_>, thread: ThreadId) -> StoreResult<u64> {
    let all = key::message(thread, 0)..=key::message(thread, u64::MAX);
    let last = reader.keys(Table::Messages, all).next_back().transpose()?;
    Ok(last.and_then(|key| key::last_seq(&key)).unwrap_or_default())
}

fn part_rows(
    reader: &Reader<'_>,
    thread: ThreadId,
    part: Part,
    from: Option<&Place>,
    limit: usize,
) -> StoreResult<Scanned<PartRow>> {
    match part {
        Part::Head => {
            let rows = scan::rows(reader, Table::Heads, &key::head(thread), from, limit)?;
            Ok(shown(
                rows,
                None,
                |_, _: &HeadRow| true,
                |_, head| PartRow::Head(Box::new(head)),
            ))
        }
        Part::Members => {
            let rows = scan::rows(reader, Table::Views, &key::members(thread), from, limit)?;
            let fits = |at: At, member: &MemberRow| at.user == Some(member.user);
            Ok(shown(rows, USER, fits, |_, member| {
                PartRow::Member(Box::new(member))
            }))
        }
        Part::Overlays => {
            let rows = scan::rows(reader, Table::Views, &key::overlays(thread), from, limit)?;
            let fits = |at: At, overlay: &OverlayRow| at.seq == Some(overlay.target_seq);
            Ok(shown(rows, None, fits, |_, overlay| {
                PartRow::Overlay(overlay)
            }))
        }
        Part::Reactions => {
            let prefix = key::all_reactions(thread);
            let keys = scan::keys(reader, Table::Views, &prefix, from, limit)?;
            Ok(keys.map(|key| reaction(&key)))
        }
        Part::Deletions => {
            let rows = scan::rows(reader, Table::Views, &key::deletions(thread), from, limit)?;
            Ok(shown(rows, None, has_seq, |at, row: DeletionRow| {
                PartRow::Deletion(Deletion {
                    target_seq: at.seq.unwrap_or_default(),
                    author: row.author,
                    deleted_seq: row.deleted_seq,
                })
            }))
        }
        Part::Mentions(user) => {
            let prefix = key::mentions(user, thread);
            let rows = scan::rows(reader, Table::Views, &prefix, from, limit)?;
            Ok(shown(rows, None, has_seq, |at, row: MentionRow| {
                PartRow::Mention(Mention {
                    seq: at.seq.unwrap_or_default(),
                    author: row.author,
                })
            }))
        }
        Part::Marks => {
            let keys = scan::keys(reader, Table::Views, &key::marks(thread), from, limit)?;
            let marks = keys.rows.iter().map(|key| mark(reader, key));
            Ok(Scanned {
                rows: marks.collect::<StoreResult<_>>()?,
                next: keys.next,
            })
        }
    }
}

/// What the place of a row says about it.
#[derive(Clone, Copy)]
struct At {
    seq: Option<u64>,
    user: Option<UserId>,
}

/// In keys that name a thread and then a user: where the user begins.
const USER: Option<usize> = Some(1 + 16);

fn has_seq<R>(at: At, _: &R) -> bool {
    at.seq.is_some()
}

/// Rows as they are told; those that do not fit where they lie are told as unreadable.
fn shown<R: Row>(
    scanned: Scanned<Found<R>>,
    user_at: Option<usize>,
    fits: impl Fn(At, &R) -> bool,
    show: impl Fn(At, R) -> PartRow,
) -> Scanned<PartRow> {
    scanned.map(|(key, row)| {
        let user = user_at.and_then(|at| key::id_at(&key, at));
        let at = At {
            // A key that ends in a user ends in no seq.
            seq: key::last_seq(&key).filter(|_| user_at.is_none() && key.len() > 16),
            user: user.map(UserId::from_bytes),
        };
        match settled(row, |row| fits(at, row)) {
            Ok(row) => show(at, row),
            Err(what) => unreadable(at, what),
        }
    })
}

fn unreadable(At { seq, user }: At, what: String) -> PartRow {
    PartRow::Unreadable(Unreadable { seq, user, what })
}

/// A row that says itself where it belongs must lie there.
fn settled<R: Row>(row: Result<R, String>, fits: impl Fn(&R) -> bool) -> Result<R, String> {
    row.and_then(|row| match fits(&row) {
        true => Ok(row),
        false => Err(format!("{} that belongs elsewhere", R::NAME)),
    })
}

fn reaction(key: &[u8]) -> PartRow {
    let user = key::id_at(key, 1 + 16).map(UserId::from_bytes);
    match (user, key::read_reaction(key)) {
        (Some(user), Some((target_seq, emoji))) => PartRow::Reaction {
            user,
            target_seq,
            emoji,
        },
        _ => {
            let what = format!("a reaction with a key of {} bytes", key.len());
            unreadable(At { seq: None, user }, what)
        }
    }
}

fn mark(reader: &Reader<'_>, key: &[u8]) -> StoreResult<PartRow> {
    let Some((user, is_delivered)) = key::read_marks_key(key) else {
        let what = format!("a mark with a key of {} bytes", key.len());
        let nowhere = At {
            seq: None,
            user: None,
        };
        return Ok(unreadable(nowhere, what));
    };
    let row = if is_delivered {
        let mark = scan::tried::<Seq>(reader, Table::Views, key)?;
        mark.map(|Seq(seq)| PartRow::Delivered(user, seq))
    } else {
        let mark = scan::tried::<ReadMark>(reader, Table::Views, key)?;
        mark.map(|read| PartRow::Read(user, read))
    };
    let at = At {
        seq: None,
        user: Some(user),
    };
    Ok(row.unwrap_or_else(|what| unreadable(at, what)))
}

/// Stages what puts views right, if the log still ends there. All reads come first.
fn stage(
    stage: &mut Stage<'_>,
    thread: ThreadId,
    last_seq: u64,
    mends: Vec<Mend>,
) -> StoreResult<Appended> {
    let next_seq = last_seq + 1;
    if stage.has(Table::Messages, &key::message(thread, next_seq))? {
        return Ok(Appended::Conflict { last_seq: next_seq });
    }
    let (mut views, mut gone) = (Vec::new(), Vec::new());
    for mend in mends {
        match mend {
            Mend::View(view) => views.push(view),
            other => gone.push(other),
        }
    }
    let pointers = thread::missing_pointers(stage, &views)?;
    thread::stage(stage, thread, &views, &pointers)?;
    for gone in gone {
        remove(stage, thread, &gone);
    }
    Ok(Appended::Done)
}

fn remove(stage: &mut Stage<'_>, thread: ThreadId, mend: &Mend) {
    match mend {
        Mend::View(_) => {}
        Mend::NoHead => stage.remove(Table::Heads, &key::head(thread)),
        Mend::NoMember(user) => stage.remove(Table::Views, &key::member(thread, *user)),
        Mend::NoOverlay(seq) => stage.remove(Table::Views, &key::overlay(thread, *seq)),
        Mend::NoDeletion(seq) => stage.remove(Table::Views, &key::deletion(thread, *seq)),
        Mend::NoParticipants(Place(key)) => {
            // A place of another table, or of another thread, is not what this removes.
            if key::is_participants(key) && key::last_id(key) == Some(*thread.bytes()) {
                stage.remove(Table::Views, key);
            }
        }
    }
}
