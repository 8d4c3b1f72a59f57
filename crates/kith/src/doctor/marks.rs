//! Marks lie within their log, and what the server counts from them is what counting anew gives.

use super::difference;
use super::finding::{Finding, Kind};
use super::readers::WrongMark;
use super::thread::{Examination, PAGE_ROWS};
use crate::inbox;
use kith_protocol::UserId;
use kith_store::audit::{Part, PartRow};
use kith_store::thread::ReadMark;
use kith_store::{StoreError, StoreResult};

impl Examination<'_> {
    /// Everybody's read marks. Delivered ones are only held against the end of the log.
    pub(super) async fn marks(&mut self) -> StoreResult<Vec<(UserId, ReadMark)>> {
        let (mut marks, mut from) = (Vec::new(), None);
        loop {
            let page = self
                .store
                .part_rows(self.thread, Part::Marks, from, PAGE_ROWS)
                .await?;
            for row in page.rows {
                match row {
                    PartRow::Read(user, mark) => marks.push((user, mark)),
                    PartRow::Delivered(user, seq) if seq > page.last_seq => {
                        let stands = format!("a delivered mark at {seq}");
                        let should = format!("at most {}, the last entry", page.last_seq);
                        self.findings
                            .add(Finding::new(Kind::Mark, stands, should).of(user));
                    }
                    PartRow::Unreadable(row) => self.findings.add(Finding::unreadable(row)),
                    _ => {}
                }
            }
            from = page.next;
            if from.is_none() {
                return Ok(marks);
            }
        }
    }

    /// Read marks lie where their users could read.
    pub(super) fn compare_marks(&mut self, marks: &[(UserId, ReadMark)]) {
        for (user, mark) in marks {
            let last_seq = self.readers.last_visible_seq(*user, self.log.last_seq);
            let should = match last_seq {
                None => "none: this user never was a member".to_owned(),
                Some(last_seq) if mark.seq > last_seq => {
                    format!("at most {last_seq}, the last entry that this user sees")
                }
                Some(_) => continue,
            };
            let stands = format!("a read mark at {}", mark.seq);
            self.findings
                .add(Finding::new(Kind::Mark, stands, should).of(*user));
        }
    }

    /// What the server shows as unread is what counting gives.
    pub(super) async fn compare_inboxes(&mut self) -> StoreResult<()> {
        let mut members: Vec<UserId> = self.state.members.keys().copied().collect();
        members.sort_unstable();
        for user in members {
            let parts = match self.store.inbox_parts(user, &[self.thread]).await {
                Ok(mut parts) => parts.pop().flatten(),
                // What cannot be read was found where it lies.
                Err(StoreError::Damaged(_)) => return Ok(()),
                Err(error) => return Err(error),
            };
            // That head or member are missing was found above.
            let Some(parts) = parts else { continue };
            self.catch_up(parts.head.last_seq).await?;
            // Who has read something just now is counted the next time.
            if parts.mark.read.seq != self.readers.mark(user) {
                continue;
            }
            let Some(count) = self.readers.count(user) else {
                continue;
            };
            let mine = inbox::mine(&parts);
            for (kind, what, stands, should) in [
                (Kind::Unread, "unread", mine.unread, count.unread),
                (
                    Kind::UnreadMentions,
                    "mentions",
                    mine.mentions,
                    count.mentions,
                ),
            ] {
                if stands != should {
                    let (stands, should) = (format!("{stands} {what}"), format!("{should} {what}"));
                    self.findings
                        .add(Finding::new(kind, stands, should).of(user));
                }
            }
        }
        Ok(())
    }
}

/// What to say about a read mark that does not say what the log says.
pub(super) fn wrong_mark(wrong: WrongMark) -> Finding {
    let (stands, should) = difference::between(&wrong.stands, &wrong.should);
    let finding = Finding::new(
        Kind::Mark,
        format!("a read mark with {stands}"),
        format!("one with {should}"),
    );
    finding.at(wrong.stands.seq).of(wrong.user)
}
