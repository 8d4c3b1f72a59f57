//! Plays the written conversations: what is said, then what becomes of it, then who has read how far.

use super::cast::Cast;
use super::scene::{Line, Scene, Thread};
use anyhow::{Context, Result};
use kith_client::{Session, new_msg_id};
use kith_protocol::contact::AskContact;
use kith_protocol::entry::{DeleteMessage, EditMessage, SendMessage};
use kith_protocol::thread::{Draft, PatchMine};
use kith_protocol::{ThreadId, Timestamp};

/// Muted "for ever": the first day of 2100.
const MUTED_UNTIL: Timestamp = Timestamp(4_102_444_800_000);

/// Contacts, and requests for them that wait.
pub(super) async fn contacts(cast: &Cast, scene: &Scene) -> Result<()> {
    for (one, other) in &scene.contacts {
        let request = ask(cast.session(one)?, cast, other, None).await?;
        cast.session(other)?.accept_contact(request).await?;
    }
    for request in &scene.requests {
        let note = Some(request.note.clone());
        ask(cast.session(&request.from)?, cast, &request.to, note).await?;
    }
    Ok(())
}

async fn ask(
    from: &Session,
    cast: &Cast,
    to: &str,
    note: Option<String>,
) -> Result<kith_protocol::RequestId> {
    let user_id = cast.id(to)?;
    Ok(from.ask_contact(&AskContact { user_id, note }).await?.id)
}

/// A conversation from its beginning to its end.
pub(super) async fn thread(cast: &Cast, thread: &Thread) -> Result<()> {
    let (id, seqs) = say(cast, thread).await?;
    for (line, &seq) in thread.lines.iter().zip(&seqs) {
        change(cast, id, line, seq).await?;
    }
    settle(cast, thread, id, &seqs).await
}

/// Says every line; their numbers in the log.
async fn say(cast: &Cast, thread: &Thread) -> Result<(ThreadId, Vec<u64>)> {
    let (opener, others) = thread
        .people
        .split_first()
        .context("a thread without people")?;
    let opener = cast.session(opener)?;
    let others = cast.ids(others.iter().map(String::as_str))?;
    let row = match (&thread.title, &others[..]) {
        (Some(title), others) => opener.group(title, others).await?,
        (None, [other]) => opener.direct(*other).await?,
        (None, _) => anyhow::bail!("a direct thread is of two people: {:?}", thread.people),
    };
    let (id, mut head) = (row.thread.id, row.head.last_seq);
    let mut seqs = Vec::with_capacity(thread.lines.len());
    for line in &thread.lines {
        let mut message = SendMessage::text(new_msg_id(), head, line.text.clone());
        // Lines count from 1 and stand in order.
        message.reply_to = line.answers.map(|answered| seqs[answered - 1]);
        let named = line.named();
        message.mention_all = named.contains(&"all");
        message.mentions = cast.ids(named.into_iter().filter(|named| *named != "all"))?;
        let sent = cast.session(&line.from)?.send(id, message).await;
        head = sent.with_context(|| line.text.clone())?.seq;
        seqs.push(head);
    }
    Ok((id, seqs))
}

async fn change(cast: &Cast, thread: ThreadId, line: &Line, seq: u64) -> Result<()> {
    for (emoji, people) in &line.reactions {
        for who in people {
            cast.session(who)?.react(thread, seq, emoji).await?;
        }
    }
    let author = cast.session(&line.from)?;
    if let Some(text) = &line.edited {
        let edit = EditMessage {
            client_msg_id: new_msg_id(),
            seen_head: seq,
            text: text.clone(),
        };
        author.edit(thread, seq, edit).await?;
    }
    if line.deleted {
        let delete = DeleteMessage {
            client_msg_id: new_msg_id(),
            seen_head: seq,
        };
        author.delete(thread, seq, delete).await?;
    }
    Ok(())
}

/// Marks, and what everybody privately has on the thread.
async fn settle(cast: &Cast, thread: &Thread, id: ThreadId, seqs: &[u64]) -> Result<()> {
    for who in &thread.people {
        let session = cast.session(who)?;
        let unread = thread.unread.get(who).copied().unwrap_or_default();
        let read = seqs.len().checked_sub(unread + 1);
        if let Some(&seq) = read.and_then(|at| seqs.get(at)) {
            session.read(id, seq).await?;
        }
        if let Some(&last) = seqs.last() {
            session.delivered(id, last).await?;
        }
        let mine = PatchMine {
            pinned: thread.pinned.contains(who).then_some(true),
            muted_until: thread.muted.contains(who).then_some(Some(MUTED_UNTIL)),
            draft: thread.drafts.get(who).map(|text| {
                Some(Draft {
                    text: text.clone(),
                    version: 0,
                })
            }),
            ..PatchMine::default()
        };
        if mine.pinned.is_some() || mine.muted_until.is_some() || mine.draft.is_some() {
            session.patch_mine(id, &mine).await?;
        }
    }
    Ok(())
}
