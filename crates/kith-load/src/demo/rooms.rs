//! Recorded rooms in the demo: its visitors are members, and have not read the end.

use super::cast::Cast;
use crate::replay::recorded::{Person, Recording, Room};
use crate::replay::script::EMOJI;
use anyhow::Result;
use indicatif::ProgressBar;
use kith_client::{ClientError, Session, new_msg_id};
use kith_protocol::ThreadId;
use kith_protocol::entry::SendMessage;
use rustc_hash::FxHashMap;

/// One message in so many gets an emoji, as it is in lively rooms.
const REACTED_EVERY: usize = 11;
/// The first visitor has not read the last one of so many parts.
const UNREAD_PART: usize = 10;

/// Says what was recorded in a room. Who answered somebody's question by name, answers it here.
pub(super) async fn play(
    cast: &Cast,
    visitors: &[String],
    recording: &Recording,
    room: &Room,
    bar: &ProgressBar,
) -> Result<()> {
    let handle = |person: Person| recording.people[person].handle.as_str();
    let opener = cast.session(&visitors[0])?;
    let others = visitors[1..].iter().map(String::as_str);
    let others = cast.ids(others.chain(room.authors().into_iter().map(handle)))?;
    let (_, title) = room.name.split_once('/').unwrap_or(("", &room.name));
    let row = opener.group(title, &others).await?;
    let (thread, mut head) = (row.thread.id, row.head.last_seq);
    let mut seqs = Vec::with_capacity(room.lines.len());
    let mut asked: FxHashMap<Person, u64> = FxHashMap::default();
    for (number, line) in room.lines.iter().enumerate() {
        let mut message = SendMessage::text(new_msg_id(), head, line.text.clone());
        if let Some(named) = room.addressee(line) {
            message.mentions = vec![cast.id(handle(named))?];
            message.reply_to = asked.remove(&named);
        }
        let author = cast.session(handle(line.from))?;
        bar.inc(1);
        let Some(seq) = said(author, thread, message).await? else {
            continue;
        };
        head = seq;
        if line.text.trim_end().ends_with(['?', '？', '吗']) {
            asked.insert(line.from, seq);
        }
        if number % REACTED_EVERY == REACTED_EVERY - 1 {
            let emoji = EMOJI[number / REACTED_EVERY % 2];
            cast.session(handle(room.lines[number / 2].from))?
                .react(thread, seq, emoji)
                .await?;
        }
        seqs.push(seq);
    }
    for (number, visitor) in visitors.iter().enumerate() {
        let unread = if number == 0 {
            seqs.len() / UNREAD_PART
        } else {
            0
        };
        if let Some(&seq) = seqs
            .len()
            .checked_sub(unread + 1)
            .and_then(|at| seqs.get(at))
        {
            cast.session(visitor)?.read(thread, seq).await?;
        }
    }
    Ok(())
}

/// The number of what was said; none if the server does not take what once was written.
async fn said(
    author: &Session,
    thread: ThreadId,
    message: SendMessage,
) -> Result<Option<u64>, ClientError> {
    match author.send(thread, message).await {
        Ok(sent) => Ok(Some(sent.seq)),
        Err(error) if error.problem().is_some() && !error.may_retry() => Ok(None),
        Err(error) => Err(error),
    }
}
