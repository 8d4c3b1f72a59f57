//! Messages: sending, editing, taking back, reacting; and pages of them with what became of each.

use crate::error::{Error, Result};
use crate::node::{Caller, Node, SharedNode};
use crate::thread::act::Act;
use crate::thread::batch::{Command, Outcome, Reply};
use crate::thread::changes::react as apply_reaction;
use crate::thread::{self, View, sequencer};
use kith_protocol::entry::{
    DeleteMessage, EditMessage, Entry, EntryKind, Page, PageQuery, Reaction, SendMessage, check_seq,
};
use kith_protocol::text;
use kith_protocol::{ThreadId, Timestamp};
use kith_store::log::{Body, EntryRow, Span};
use kith_store::page::PageRows;
use kith_store::thread::OverlayRow;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::value::RawValue;

/// Rows read at once when overlays are rebuilt from the log.
const SCAN_ROWS: usize = 1000;

/// Checks a message; gives what to ask of the sequencer.
pub fn send_act(message: SendMessage) -> Result<Act> {
    let (kind, ext) = message.check()?;
    let body = Body {
        text: message.text,
        ext,
        reply_to: message.reply_to,
        mentions: message.mentions,
        mention_all: message.mention_all,
        ..Body::default()
    };
    let SendMessage {
        client_msg_id,
        seen_head,
        ..
    } = message;
    Ok(Act::Send {
        client_msg_id,
        seen_head,
        kind,
        body: Box::new(body),
    })
}

/// Checks an edit; gives what to ask of the sequencer.
pub fn edit_act(target_seq: u64, edit: EditMessage) -> Result<Act> {
    check_seq("seen_head", edit.seen_head)?;
    check_seq("seq", target_seq)?;
    text::check_text("text", &edit.text)?;
    let EditMessage {
        client_msg_id,
        seen_head,
        text,
    } = edit;
    Ok(Act::Edit {
        client_msg_id,
        seen_head,
        target_seq,
        text,
    })
}

/// Checks a deletion; gives what to ask of the sequencer.
pub fn delete_act(target_seq: u64, delete: DeleteMessage) -> Result<Act> {
    check_seq("seen_head", delete.seen_head)?;
    check_seq("seq", target_seq)?;
    let DeleteMessage {
        client_msg_id,
        seen_head,
    } = delete;
    Ok(Act::Delete {
        client_msg_id,
        seen_head,
        target_seq,
    })
}

/// Checks a reaction; gives what to ask of the sequencer.
pub fn react_act(target_seq: u64, emoji: String, set: bool) -> Result<Act> {
    check_seq("seq", target_seq)?;
    text::check_emoji("emoji", &emoji)?;
    Ok(Act::React {
        target_seq,
        emoji,
        set,
        is_set: false,
    })
}

/// Does it, and waits for the outcome.
pub async fn ask(node: &SharedNode, caller: Caller, thread: ThreadId, act: Act) -> Result<Outcome> {
    sequencer::ask(node, thread, caller, act).await
}

/// The same, but nothing new is done if something speaks against it: a retry finds what it did.
pub async fn ask_unless(
    node: &SharedNode,
    caller: Caller,
    thread: ThreadId,
    act: Act,
    refusal: Option<Error>,
) -> Result<Outcome> {
    sequencer::ask_unless(node, thread, caller, act, refusal).await
}

/// Does it; the answer goes to whoever `reply` names.
pub fn submit(
    node: &Node,
    thread: ThreadId,
    caller: Caller,
    act: Act,
    reply: Reply,
    place: Option<crate::push::order::Place>,
    refusal: Option<Error>,
) {
    node.sequencer.submit(
        thread,
        Command {
            caller,
            act,
            reply,
            place,
            refusal,
            ticket: None,
        },
    );
}

/// A page of the log as the caller sees it.
pub async fn page(node: &Node, caller: Caller, thread: ThreadId, query: PageQuery) -> Result<Page> {
    let limit = query.check()?;
    let view = thread::view(node, caller, thread).await?;
    let seen = Seen(view.visible());
    let last_seq = view.last_seq();
    let picked = match query {
        PageQuery {
            before: Some(before),
            ..
        } => seen.before(before, limit),
        PageQuery {
            after: Some(after), ..
        } => seen.after(after, limit),
        PageQuery {
            around: Some(around),
            ..
        } => seen.around(around, limit),
        PageQuery { at: Some(at), .. } => {
            let first = first_at(node, thread, at, last_seq).await?;
            seen.around(first, limit)
        }
        _ => seen.before(last_seq + 1, limit),
    };
    let user = view.member.user;
    let rows = node.store.page_rows(thread, user, &picked).await?;
    let edge = match (
        rows.entries.first(),
        rows.entries.last(),
        query.before,
        query.after,
    ) {
        (Some(first), Some(last), ..) => (first.seq, last.seq),
        (_, _, Some(before), _) => (before, before.saturating_sub(1)),
        (_, _, _, after) => (
            after.unwrap_or_default().saturating_add(1),
            after.unwrap_or_default(),
        ),
    };
    let (items, as_of_seq) = overlaid(node, &view, rows).await?;
    Ok(Page {
        items,
        has_more_before: seen.any_before(edge.0),
        has_more_after: seen.any_after(edge.1),
        as_of_seq,
    })
}

/// The first entry at or after a time, by halving: times never go back within a log.
async fn first_at(node: &Node, thread: ThreadId, at: Timestamp, last_seq: u64) -> Result<u64> {
    let (mut low, mut high) = (1, last_seq);
    while low < high {
        let middle = low + (high - low) / 2;
        let entry = node
            .store
            .entries(thread, Span::After(middle - 1), 1)
            .await?
            .pop();
        if entry.ok_or(Error::Internal("an entry is missing"))?.at < at {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Ranges of the log that somebody sees: ascending, both ends included. The log has no holes, so
/// pages are picked by arithmetic, before anything is read.
#[derive(Debug)]
struct Seen(Vec<(u64, u64)>);

impl Seen {
    fn before(&self, seq: u64, limit: usize) -> Vec<(u64, u64)> {
        let mut left = limit as u64;
        let mut picked = Vec::new();
        for &(first, last) in self.0.iter().rev() {
            let last = last.min(seq.saturating_sub(1));
            if left == 0 || last < first {
                continue;
            }
            let from = first.max((last + 1).saturating_sub(left));
            left -= last - from + 1;
            picked.push((from, last));
        }
        picked.reverse();
        picked
    }

    fn after(&self, seq: u64, limit: usize) -> Vec<(u64, u64)> {
        let mut left = limit as u64;
        let mut picked = Vec::new();
        for &(first, last) in &self.0 {
            let first = first.max(seq.saturating_add(1));
            if left == 0 || last < first {
                continue;
            }
            let to = last.min(first + left - 1);
            left -= to - first + 1;
            picked.push((first, to));
        }
        picked
    }

    /// Half of the page before the middle, the middle and the rest after it; the nearest entry if
    /// the middle is not seen; filled up from the other side at an end.
    fn around(&self, seq: u64, limit: usize) -> Vec<(u64, u64)> {
        let Some(middle) = self.nearest(seq) else {
            return Vec::new();
        };
        let count = |ranges: &[(u64, u64)]| -> usize {
            ranges
                .iter()
                .map(|(first, last)| (last - first + 1) as usize)
                .sum()
        };
        let after = self.after(middle - 1, limit - limit / 2);
        let before = self.before(middle, limit - count(&after));
        let after = self.after(middle - 1, limit - count(&before));
        [before, after].concat()
    }

    fn nearest(&self, seq: u64) -> Option<u64> {
        let ends = self
            .0
            .iter()
            .map(|&(first, last)| seq.clamp(first, last.max(first)));
        ends.min_by_key(|end| end.abs_diff(seq))
    }

    fn any_before(&self, seq: u64) -> bool {
        self.0.first().is_some_and(|&(first, _)| first < seq)
    }

    fn any_after(&self, seq: u64) -> bool {
        self.0.last().is_some_and(|&(_, last)| last > seq)
    }
}

/// Entries with what later ones made of them, as far as the caller sees those; and as of which seq.
async fn overlaid(node: &Node, view: &View, rows: PageRows) -> Result<(Vec<Entry>, u64)> {
    let mut as_of_seq = view.last_seq();
    let overlays = rows.overlays.into_iter();
    let mut overlays: FxHashMap<u64, OverlayRow> = overlays
        .map(|overlay| (overlay.target_seq, overlay))
        .collect();
    let mut mine = rows.reactions.into_iter().collect();
    if let Some(left_seq) = view.left_seq() {
        rewind(node, view, left_seq, &mut overlays, &mut mine).await?;
    } else {
        // All overlays are from one moment, so it is the newest one that they know of.
        let newest = overlays.values().map(|overlay| overlay.changed_seq).max();
        as_of_seq = as_of_seq.max(newest.unwrap_or_default());
    }
    let entries = rows.entries.iter();
    let entries = entries
        .map(|row| overlay(row, overlays.get(&row.seq), &mine))
        .collect();
    Ok((entries, as_of_seq))
}

/// Takes back what happened after somebody left: overlays that changed since are folded again from
/// the log up to then. Bodies that were erased since stay empty.
async fn rewind(
    node: &Node,
    view: &View,
    left_seq: u64,
    overlays: &mut FxHashMap<u64, OverlayRow>,
    mine: &mut FxHashSet<(u64, String)>,
) -> Result<()> {
    let changed: FxHashSet<u64> = overlays
        .values()
        .filter(|overlay| overlay.changed_seq > left_seq)
        .map(|overlay| overlay.target_seq)
        .collect();
    let Some(&first) = changed.iter().min() else {
        return Ok(());
    };
    overlays.retain(|seq, _| !changed.contains(seq));
    mine.retain(|(seq, _)| !changed.contains(seq));
    let mut from = first;
    while from < left_seq {
        let limit = SCAN_ROWS.min((left_seq - from) as usize);
        let rows = node
            .store
            .entries(view.thread, Span::After(from), limit)
            .await?;
        let Some(last) = rows.last() else { break };
        from = last.seq;
        for row in &rows {
            let Some(target_seq) = row.body.target_seq.filter(|seq| changed.contains(seq)) else {
                continue;
            };
            let overlay = overlays.entry(target_seq).or_insert_with(|| OverlayRow {
                target_seq,
                ..OverlayRow::default()
            });
            fold_overlay(overlay, mine, row, view);
        }
    }
    Ok(())
}

fn fold_overlay(
    overlay: &mut OverlayRow,
    mine: &mut FxHashSet<(u64, String)>,
    row: &EntryRow,
    view: &View,
) {
    overlay.changed_seq = row.seq;
    match (row.kind, &row.body.emoji) {
        (EntryKind::Edit, _) => {
            overlay.edited_seq = Some(row.seq);
            overlay.text.clone_from(&row.body.text);
        }
        (EntryKind::Delete, _) => overlay.deleted_seq = Some(row.seq),
        (EntryKind::React, Some(emoji)) => {
            apply_reaction(overlay, emoji, true);
            if row.author == view.member.user {
                mine.insert((overlay.target_seq, emoji.clone()));
            }
        }
        (EntryKind::Unreact, Some(emoji)) => {
            apply_reaction(overlay, emoji, false);
            if row.author == view.member.user {
                mine.remove(&(overlay.target_seq, emoji.clone()));
            }
        }
        _ => {}
    }
}

/// One entry as everybody sees it now, without reactions.
pub async fn one(node: &Node, thread: ThreadId, seq: u64, last_seq: u64) -> Result<Option<Entry>> {
    if !(1..=last_seq).contains(&seq) {
        return Ok(None);
    }
    let row = node
        .store
        .entries(thread, Span::After(seq - 1), 1)
        .await?
        .pop();
    let mut found = node.store.overlays(thread, seq, seq).await?.pop();
    if let Some(overlay) = &mut found {
        overlay.reactions.clear();
    }
    Ok(row.map(|row| overlay(&row, found.as_ref(), &FxHashSet::default())))
}

fn overlay(row: &EntryRow, overlay: Option<&OverlayRow>, mine: &FxHashSet<(u64, String)>) -> Entry {
    let mut entry = shown(row);
    let Some(overlay) = overlay else { return entry };
    entry.deleted_seq = overlay.deleted_seq;
    if overlay.deleted_seq.is_some() {
        entry.text = None;
        entry.ext = None;
        entry.mentions.clear();
        entry.mention_all = false;
        return entry;
    }
    if overlay.edited_seq.is_some() && !row.erased {
        entry.edited_seq = overlay.edited_seq;
        entry.text.clone_from(&overlay.text);
    }
    let reaction = |(emoji, count): &(String, u64)| Reaction {
        emoji: emoji.clone(),
        count: *count,
        mine: mine.contains(&(row.seq, emoji.clone())),
    };
    entry.reactions = overlay.reactions.iter().map(reaction).collect();
    entry
}

/// An entry as it stands in the log.
pub fn shown(row: &EntryRow) -> Entry {
    let body = &row.body;
    Entry {
        seq: row.seq,
        kind: row.kind,
        author_id: row.author,
        client_msg_id: row.client_msg_id,
        ord: row.ord,
        at: row.at,
        read_moved: row.read_moved,
        text: body.text.clone(),
        // It was checked to be JSON before it was stored.
        ext: body
            .ext
            .clone()
            .and_then(|json| RawValue::from_string(json).ok()),
        reply_to: body.reply_to,
        mentions: body.mentions.clone(),
        mention_all: body.mention_all,
        target_seq: body.target_seq,
        user_ids: body.user_ids.clone(),
        role: body.role,
        heir_id: body.heir,
        thread_kind: body.thread_kind,
        title: body.title.clone(),
        settings: body.settings.clone(),
        emoji: body.emoji.clone(),
        edited_seq: None,
        deleted_seq: None,
        reactions: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seqs(ranges: &[(u64, u64)]) -> Vec<u64> {
        ranges
            .iter()
            .flat_map(|&(first, last)| first..=last)
            .collect()
    }

    fn any_seen() -> impl Strategy<Value = Seen> {
        prop::collection::vec((1_u64..6, 0_u64..6), 0..5).prop_map(|steps| {
            let mut next = 1;
            let ranges = steps.into_iter().map(|(gap, length)| {
                let first = next + gap;
                next = first + length + 1;
                (first, first + length)
            });
            Seen(ranges.collect())
        })
    }

    proptest! {
        #[test]
        fn pages_are_what_a_list_of_all_seqs_says(seen in any_seen(), seq in 0_u64..60, limit in 1_usize..9) {
            let all = seqs(&seen.0);
            let before: Vec<u64> = all.iter().copied().filter(|&s| s < seq).collect();
            let before = before[before.len().saturating_sub(limit)..].to_vec();
            prop_assert_eq!(seqs(&seen.before(seq, limit)), before);
            let after: Vec<u64> = all.iter().copied().filter(|&s| s > seq).take(limit).collect();
            prop_assert_eq!(seqs(&seen.after(seq, limit)), after);
            let around = seqs(&seen.around(seq, limit));
            prop_assert_eq!(around.len(), limit.min(all.len()));
            prop_assert!(around.is_sorted());
            if let Some(start) = around.first().and_then(|s| all.iter().position(|a| a == s)) {
                prop_assert_eq!(&all[start..start + around.len()], &around[..]);
                let nearest = all.iter().min_by_key(|s| s.abs_diff(seq));
                prop_assert!(nearest.is_some_and(|s| around.contains(s)
                    || around.iter().any(|a| a.abs_diff(seq) == s.abs_diff(seq))));
            }
        }
    }
}
