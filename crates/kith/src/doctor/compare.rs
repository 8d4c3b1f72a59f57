//! The views of a thread, held against those that its log makes.

use super::difference;
use super::finding::{Finding, Kind};
use super::thread::{Examination, PAGE_ROWS};
use super::views::{Key, Rows, View, place, stored};
use crate::thread::state::EVERYBODY;
use kith_protocol::UserId;
use kith_protocol::thread::ThreadKind;
use kith_store::audit::{Mend, Part, PartRow, Place};
use kith_store::thread::{HeadRow, ViewChange};
use kith_store::user_thread::ThreadPointer;
use kith_store::{StoreError, StoreResult};
use std::ops::{Bound, RangeBounds};

/// What lies in the store where something else should be, or nothing.
struct Difference {
    key: Key,
    stands: Option<Result<View, String>>,
    should: Option<View>,
}

impl Examination<'_> {
    /// What hangs on the messages of the window.
    pub(super) async fn compare_window(&mut self) -> StoreResult<()> {
        for part in [Part::Overlays, Part::Reactions, Part::Deletions] {
            self.compare(part).await?;
        }
        let mut named: Vec<UserId> = self.state.members.keys().copied().collect();
        named.sort_unstable();
        named.push(EVERYBODY);
        for user in named {
            self.compare(Part::Mentions(user)).await?;
        }
        for seq in std::mem::take(&mut self.views.erased) {
            let should = "as it was written: no entry deletes it";
            self.findings
                .add(Finding::new(Kind::Erased, "an erased body", should).at(seq));
        }
        Ok(())
    }

    /// What there is once in a thread.
    pub(super) async fn compare_thread(&mut self) -> StoreResult<()> {
        self.compare(Part::Members).await?;
        self.compare_head().await?;
        self.compare_pointers().await?;
        self.compare_participants().await
    }

    /// Walks the stored rows of a part and those that should be, side by side.
    async fn compare(&mut self, part: Part) -> StoreResult<()> {
        let (mut from, mut begin) = (None::<Place>, first_of(part));
        loop {
            let page = self
                .store
                .part_rows(self.thread, part, from, PAGE_ROWS)
                .await?;
            self.catch_up(page.last_seq).await?;
            if !self.log.is_whole {
                return Ok(());
            }
            let mut there = Vec::with_capacity(page.rows.len());
            for row in page.rows {
                match stored(part, row) {
                    Ok((key, view)) => there.push((key, Ok(view))),
                    Err(row) => match place(part, &row) {
                        Some(key) => there.push((key, Err(row.what))),
                        None => self.findings.add(Finding::unreadable(row)),
                    },
                }
            }
            let end = match (&page.next, there.last()) {
                (Some(_), Some((key, _))) => Bound::Included(key.clone()),
                (Some(_), None) => begin.clone(),
                (None, _) => last_of(part),
            };
            if page.next.is_none() || !there.is_empty() {
                let should = self.rows(part, (begin.clone(), end.clone()));
                for difference in side_by_side(there, should) {
                    self.differs(part, difference);
                }
            }
            self.write_some_mends().await?;
            if let Bound::Included(key) = end {
                begin = Bound::Excluded(key);
            }
            from = page.next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// The rows that a part should have between two places.
    fn rows(&self, part: Part, between: (Bound<Key>, Bound<Key>)) -> Rows {
        if part != Part::Members {
            return self.views.rows(part, between);
        }
        let members = self.state.members.values();
        let members = members.map(|member| (Key::user(member.user), member));
        members
            .filter(|(key, _)| between.contains(key))
            .map(|(key, member)| (key, View::Member(Box::new(member.clone()))))
            .collect()
    }

    fn differs(&mut self, part: Part, difference: Difference) {
        let Difference {
            key,
            stands,
            should,
        } = difference;
        // Other windows have their own turn; what cannot be read lies in one of them, too.
        if part != Part::Members && !key.seq.is_some_and(|seq| self.views.has(seq)) {
            return;
        }
        let kind = match (part, &stands) {
            (_, Some(Err(_))) => Kind::Unreadable,
            (Part::Members, _) => Kind::Member,
            (Part::Overlays, _) => Kind::Overlay,
            (Part::Reactions, _) => Kind::Reaction,
            (Part::Deletions, _) => Kind::Deletion,
            _ => Kind::Mention,
        };
        let words = match (&stands, &should) {
            (Some(Ok(stands)), Some(should)) => difference::between(stands, should),
            (stands, should) => (
                match stands {
                    None => "no row".to_owned(),
                    Some(Err(what)) => what.clone(),
                    Some(Ok(view)) => described(&key, view),
                },
                match should {
                    None => "no row".to_owned(),
                    Some(view) => described(&key, view),
                },
            ),
        };
        let mut finding = Finding::new(kind, words.0, words.1);
        (finding.seq, finding.user) = (key.seq, key.user);
        self.findings.add(finding);
        self.mend(mend(key, should, part));
    }

    async fn compare_head(&mut self) -> StoreResult<()> {
        let page = self
            .store
            .part_rows(self.thread, Part::Head, None, 1)
            .await?;
        self.catch_up(page.last_seq).await?;
        let mut should = self.state.exists().then(|| self.state.head.clone());
        let (kind, words) = match page.rows.into_iter().next() {
            Some(PartRow::Head(stands)) => {
                if let Some(should) = &mut should {
                    keep_width(should, &stands);
                }
                match &should {
                    Some(should) if *should == *stands => return Ok(()),
                    Some(should) => (Kind::Head, difference::between(&*stands, should)),
                    None => (
                        Kind::Head,
                        (difference::whole(&stands), "no row".to_owned()),
                    ),
                }
            }
            Some(PartRow::Unreadable(row)) => (
                Kind::Unreadable,
                (
                    row.what,
                    should
                        .as_ref()
                        .map_or("no row".to_owned(), difference::whole),
                ),
            ),
            _ => match &should {
                None => return Ok(()),
                Some(should) => (Kind::Head, ("no row".to_owned(), difference::whole(should))),
            },
        };
        self.findings.add(Finding::new(kind, words.0, words.1));
        self.mend(match should {
            Some(head) => Mend::View(ViewChange::Head(Box::new(head))),
            None => Mend::NoHead,
        });
        Ok(())
    }

    /// Every member has the thread in its list. Others may have it too: a pointer alone does no harm.
    async fn compare_pointers(&mut self) -> StoreResult<()> {
        let mut members: Vec<UserId> = self.state.members.keys().copied().collect();
        members.sort_unstable();
        for user in members {
            match self.store.user_thread(user, self.thread).await {
                Ok(Some(_)) => {}
                Ok(None) => {
                    let should = "one, as the user is or was a member";
                    let stands = "no row in the user's list of threads";
                    self.findings
                        .add(Finding::new(Kind::Pointer, stands, should).of(user));
                    let thread = self.thread;
                    self.mend(Mend::View(ViewChange::Pointer(ThreadPointer {
                        user,
                        thread,
                    })));
                }
                Err(StoreError::Damaged(what)) => self.findings.add(
                    Finding::new(Kind::Unreadable, what, "settings that can be read").of(user),
                ),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A group is found by its members. That it is not found by others is looked at in the index.
    async fn compare_participants(&mut self) -> StoreResult<()> {
        let Some(members) = self.views.participants.clone() else {
            return Ok(());
        };
        let found = self.store.threads_of(&members).await?;
        // If somebody came or went just now, the other way is looked at the next time.
        let is_old = self.store.last_seq(self.thread).await? != self.log.last_seq;
        if found.contains(&self.thread) || is_old {
            return Ok(());
        }
        let stands = "no row by which the group is found from its members";
        self.findings
            .add(Finding::new(Kind::Participants, stands, "one"));
        let created_at = self.state.head.created_at;
        self.mend(Mend::View(ViewChange::Participants {
            before: None,
            now: Some(members),
            created_at,
        }));
        Ok(())
    }
}

/// When a group changes channels depends on the configuration of that day, so what stands there is believed.
fn keep_width(should: &mut HeadRow, stands: &HeadRow) {
    if should.kind == ThreadKind::Group {
        should.wide = stands.wide;
    }
}

/// Before everything that may be in a part.
fn first_of(part: Part) -> Bound<Key> {
    match part {
        Part::Mentions(user) => Bound::Included(Key::user(user)),
        _ => Bound::Unbounded,
    }
}

/// Behind everything that may be in a part.
fn last_of(part: Part) -> Bound<Key> {
    match part {
        Part::Mentions(user) => Bound::Included(Key {
            user: Some(user),
            ..Key::seq(u64::MAX)
        }),
        _ => Bound::Unbounded,
    }
}

fn described(key: &Key, view: &View) -> String {
    match view {
        View::Reaction => format!("the emoji {}", key.emoji.as_deref().unwrap_or_default()),
        View::Mention { author } => format!("a mention by {author}"),
        other => difference::whole(other),
    }
}

/// Where two sorted lists differ.
fn side_by_side(stands: Vec<(Key, Result<View, String>)>, mut should: Rows) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (key, view) in stands {
        let expected = should.remove(&key);
        if !matches!((&view, &expected), (Ok(view), Some(expected)) if view == expected) {
            differences.push(Difference {
                key,
                stands: Some(view),
                should: expected,
            });
        }
    }
    let missing = should.into_iter().map(|(key, view)| Difference {
        key,
        stands: None,
        should: Some(view),
    });
    differences.extend(missing);
    differences.sort_by(|one, other| one.key.cmp(&other.key));
    differences
}

/// What makes a row what it should be.
fn mend(key: Key, should: Option<View>, part: Part) -> Mend {
    let (user, seq) = (key.user.unwrap_or(EVERYBODY), key.seq.unwrap_or_default());
    match (part, should) {
        (_, Some(View::Member(member))) => Mend::View(ViewChange::Member(member)),
        (_, Some(View::Overlay(overlay))) => Mend::View(ViewChange::Overlay(Box::new(overlay))),
        (
            _,
            Some(View::Deletion {
                author,
                deleted_seq,
            }),
        ) => Mend::View(ViewChange::Deleted {
            target_seq: seq,
            author,
            deleted_seq,
        }),
        (Part::Members, _) => Mend::NoMember(user),
        (Part::Overlays, _) => Mend::NoOverlay(seq),
        (Part::Deletions, _) => Mend::NoDeletion(seq),
        (Part::Reactions, should) => Mend::View(ViewChange::Reaction {
            target_seq: seq,
            user,
            emoji: key.emoji.unwrap_or_default(),
            set: should.is_some(),
        }),
        (_, should) => Mend::View(ViewChange::Mention {
            user,
            seq,
            author: match &should {
                Some(View::Mention { author }) => *author,
                _ => user,
            },
            set: should.is_some(),
        }),
    }
}
