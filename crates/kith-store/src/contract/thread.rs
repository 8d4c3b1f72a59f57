//! Promises of the views.

use super::{Bed, append, append_of, append_with, head_at, new_thread, new_user, reopened};
use crate::SharedStore;
use crate::log::Appended;
use crate::thread::{
    Deletion, LastMessage, LeftView, MemberRow, Mention, OverlayRow, ReadMark, Stay, ViewChange,
};
use crate::user_thread::{ThreadPointer, UserThreadRow, Written};
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Role, Settings};
use kith_protocol::{ThreadId, Timestamp, UserId};
use uuid::Uuid;

pub async fn heads_come_in_the_order_asked(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, one, two, missing) = (new_user(), new_thread(), new_thread(), new_thread());
    for (thread, seq) in [(one, 1), (two, 1), (one, 2)] {
        let head = ViewChange::Head(Box::new(head_at(ann, seq)));
        append(&store, append_with(thread, ann, seq - 1, vec![head])).await;
    }
    let heads = store.heads(&[two, missing, one, two]).await.unwrap();
    let (first, second) = (Some(head_at(ann, 1)), Some(head_at(ann, 2)));
    assert_eq!(heads, [first.clone(), None, second, first]);
    assert_eq!(store.heads(&[]).await.unwrap(), []);
}

pub async fn members_are_listed_in_id_order_past_ones_too(bed: &impl Bed) {
    let store = bed.open().await;
    let thread = new_thread();
    let mut members: Vec<_> = (0..5).map(|_| member_row(new_user())).collect();
    members[2] = left(members[2].user);
    let views = members.iter().rev().cloned();
    let views = views.map(|row| ViewChange::Member(Box::new(row))).collect();
    append(&store, append_with(thread, members[0].user, 0, views)).await;
    members.sort_by_key(|row| row.user);
    assert_eq!(store.members(thread).await.unwrap(), members);
    for row in &members {
        let found = store.member(thread, row.user).await.unwrap();
        assert_eq!(found.as_ref(), Some(row));
    }
    assert_eq!(store.member(thread, new_user()).await.unwrap(), None);
    let elsewhere = store.member(new_thread(), members[0].user).await.unwrap();
    assert_eq!(elsewhere, None);
    assert_eq!(store.members(new_thread()).await.unwrap(), []);
}

pub async fn overlays_of_a_range_include_both_ends(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann) = (new_thread(), new_user());
    let rows: Vec<_> = [2, 5, 300].map(overlay).into();
    let views = rows
        .iter()
        .map(|row| ViewChange::Overlay(Box::new(row.clone())))
        .collect();
    append(&store, append_with(thread, ann, 0, views)).await;
    for (first, last, expected) in [
        (0, u64::MAX, &rows[..]),
        (2, 300, &rows),
        (2, 2, &rows[..1]),
        (3, 299, &rows[1..2]),
        (3, 4, &[]),
        (9, 8, &[]),
    ] {
        let found = store.overlays(thread, first, last).await.unwrap();
        assert_eq!(found, expected, "{first} to {last}");
    }
    assert_eq!(store.overlays(new_thread(), 0, 999).await.unwrap(), []);
}

pub async fn reactions_of_one_user_are_put_and_taken_away(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let react = |user, target_seq, emoji: &str, set| ViewChange::Reaction {
        target_seq,
        user,
        emoji: emoji.to_owned(),
        set,
    };
    let views = vec![
        react(ann, 3, "👍", true),
        react(ann, 3, "❤️", true),
        react(ann, 256, "👍", true),
        react(bo, 4, "👍", true),
    ];
    append(&store, append_with(thread, ann, 0, views)).await;
    let of = async |user, first, last| {
        let mut found = store.reactions(thread, user, first, last).await.unwrap();
        found.sort();
        found
    };
    let own = |seq, emoji: &str| (seq, emoji.to_owned());
    let both = [own(3, "❤️"), own(3, "👍")];
    assert_eq!(of(ann, 3, 3).await, both);
    assert_eq!(of(ann, 0, 255).await, both);
    assert_eq!(of(ann, 4, 256).await, [own(256, "👍")]);
    assert_eq!(of(ann, 4, 255).await, []);
    assert_eq!(of(ann, 5, 4).await, []);
    assert_eq!(of(bo, 0, u64::MAX).await, [own(4, "👍")]);
    let views = vec![react(ann, 3, "👍", false), react(ann, 9, "👍", false)];
    append(&store, append_with(thread, ann, 1, views)).await;
    assert_eq!(of(ann, 0, 255).await, [own(3, "❤️")]);
    let seqs = store.reactions(thread, ann, 0, 999).await.unwrap();
    assert_eq!(seqs.iter().map(|r| r.0).collect::<Vec<_>>(), [3, 256]);
}

pub async fn deletions_exclude_the_first_seq_and_include_the_last(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let rows = [(2, ann), (4, bo), (256, ann)].map(|(target_seq, author)| Deletion {
        target_seq,
        author,
        deleted_seq: target_seq + 1_000,
    });
    let views = rows
        .iter()
        .map(|row| ViewChange::Deleted {
            target_seq: row.target_seq,
            author: row.author,
            deleted_seq: row.deleted_seq,
        })
        .collect();
    append(&store, append_with(thread, ann, 0, views)).await;
    for (after, up_to, expected) in [
        (0, u64::MAX, &rows[..]),
        (1, 2, &rows[..1]),
        (2, 4, &rows[1..2]),
        (2, 3, &[]),
        (4, 256, &rows[2..]),
        (256, u64::MAX, &[]),
        (4, 2, &[]),
    ] {
        let found = store.deletions(thread, after, up_to).await.unwrap();
        assert_eq!(found, expected, "({after}, {up_to}]");
    }
}

pub async fn mentions_are_kept_per_user_and_thread(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let everybody = UserId(Uuid::nil());
    let mention = |user, seq, set| ViewChange::Mention {
        user,
        seq,
        author: ann,
        set,
    };
    let views = vec![
        mention(bo, 2, true),
        mention(bo, 300, true),
        mention(everybody, 5, true),
        mention(ann, 5, true),
    ];
    append(&store, append_with(thread, ann, 0, views)).await;
    let of = async |user, after, up_to| {
        let found = store.mentions(thread, user, after, up_to).await.unwrap();
        assert!(found.iter().all(|mention| mention.author == ann));
        found
            .iter()
            .map(|mention: &Mention| mention.seq)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(bo, 0, u64::MAX).await, [2, 300]);
    assert_eq!(of(bo, 2, 300).await, [300]);
    assert!(of(bo, 2, 299).await.is_empty());
    assert!(of(bo, 300, 2).await.is_empty());
    assert_eq!(of(everybody, 0, 10).await, [5]);
    append(
        &store,
        append_with(thread, ann, 1, vec![mention(bo, 2, false)]),
    )
    .await;
    assert_eq!(of(bo, 0, u64::MAX).await, [300]);
    let elsewhere = store.mentions(new_thread(), bo, 0, 999).await.unwrap();
    assert_eq!(elsewhere, []);
}

pub async fn a_conflict_changes_no_view(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    append(&store, append_of(thread, ann, 0, 2)).await;
    let views = every_view(thread, ann, bo);
    let outcome = store.append(append_with(thread, ann, 1, views)).await;
    assert_eq!(outcome.unwrap(), Appended::Conflict { last_seq: 2 });
    assert_eq!(store.heads(&[thread]).await.unwrap(), [None]);
    assert_eq!(store.members(thread).await.unwrap(), []);
    assert_eq!(store.overlays(thread, 0, 99).await.unwrap(), []);
    assert_eq!(store.reactions(thread, bo, 0, 99).await.unwrap(), []);
    assert_eq!(store.deletions(thread, 0, 99).await.unwrap(), []);
    assert_eq!(store.mentions(thread, bo, 0, 99).await.unwrap(), []);
    assert_eq!(store.user_thread(bo, thread).await.unwrap(), None);
    assert_eq!(store.threads_of(&sorted([ann, bo])).await.unwrap(), []);
}

pub async fn the_same_views_twice_do_no_harm(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    for last_seq in 0..2 {
        let views = every_view(thread, ann, bo);
        append(&store, append_with(thread, ann, last_seq, views)).await;
        assert_every_view(&store, thread, ann, bo).await;
    }
}

pub async fn a_pointer_comes_with_its_append_and_touches_no_settings(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let set = UserThreadRow {
        version: 1,
        pinned: true,
        draft: Some("dear".to_owned()),
        ..UserThreadRow::default()
    };
    let written = store.put_user_thread(bo, thread, 0, set.clone()).await;
    assert_eq!(written.unwrap(), Written::Done);
    let pointer = |user| ViewChange::Pointer(ThreadPointer { user, thread });
    let views = vec![pointer(ann), pointer(bo), pointer(ann)];
    append(&store, append_with(thread, ann, 0, views)).await;
    let found = store.user_thread(ann, thread).await.unwrap();
    assert_eq!(found, Some(UserThreadRow::default()));
    assert_eq!(
        store.user_thread(bo, thread).await.unwrap(),
        Some(set.clone())
    );
    // Also when both come at once.
    let (outcome, written) = tokio::join!(
        store.append(append_with(thread, ann, 1, vec![pointer(ann)])),
        store.put_user_thread(ann, thread, 0, set.clone()),
    );
    assert_eq!(outcome.unwrap(), Appended::Done);
    assert_eq!(written.unwrap(), Written::Done);
    assert_eq!(store.user_thread(ann, thread).await.unwrap(), Some(set));
}

pub async fn groups_are_found_by_their_members_newest_first(bed: &impl Bed) {
    let store = bed.open().await;
    let (ann, bo, cy) = (new_user(), new_user(), new_user());
    let members = sorted([ann, bo]);
    let groups: Vec<_> = [20, 30, 10].map(|at| (new_thread(), at)).into();
    for (thread, at) in &groups {
        let views = vec![participants(None, Some(&members), *at)];
        append(&store, append_with(*thread, ann, 0, views)).await;
    }
    let newest_first = [groups[1].0, groups[0].0, groups[2].0];
    assert_eq!(store.threads_of(&members).await.unwrap(), newest_first);
    for others in [vec![ann], sorted([ann, cy]), sorted([ann, bo, cy])] {
        assert_eq!(store.threads_of(&others).await.unwrap(), []);
    }
}

pub async fn a_group_moves_when_its_members_change(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo, cy) = (new_thread(), new_user(), new_user(), new_user());
    let (two, three) = (sorted([ann, bo]), sorted([ann, bo, cy]));
    let steps = [
        (None, Some(&two)),
        (Some(&two), Some(&three)),
        (Some(&three), None),
    ];
    for (last_seq, (before, now)) in (0..).zip(steps) {
        let views = vec![participants(
            before.map(Vec::as_slice),
            now.map(Vec::as_slice),
            7,
        )];
        append(&store, append_with(thread, ann, last_seq, views)).await;
        for members in [&two, &three] {
            let found = store.threads_of(members).await.unwrap();
            let expected: &[ThreadId] = if now == Some(members) { &[thread] } else { &[] };
            assert_eq!(found, expected);
        }
    }
}

pub async fn views_are_there_after_reopening(bed: &impl Bed) {
    let store = bed.open().await;
    let (thread, ann, bo) = (new_thread(), new_user(), new_user());
    let views = every_view(thread, ann, bo);
    append(&store, append_with(thread, ann, 0, views)).await;
    let store = reopened(bed, store).await;
    assert_every_view(&store, thread, ann, bo).await;
}

pub(super) fn every_view(thread: ThreadId, ann: UserId, bo: UserId) -> Vec<ViewChange> {
    vec![
        ViewChange::Head(Box::new(head_at(ann, 1))),
        ViewChange::Member(Box::new(member_row(ann))),
        ViewChange::Member(Box::new(left(bo))),
        ViewChange::Overlay(Box::new(overlay(1))),
        ViewChange::Reaction {
            target_seq: 1,
            user: bo,
            emoji: "👍".to_owned(),
            set: true,
        },
        ViewChange::Deleted {
            target_seq: 1,
            author: ann,
            deleted_seq: 1,
        },
        ViewChange::Mention {
            user: bo,
            seq: 1,
            author: ann,
            set: true,
        },
        ViewChange::Pointer(ThreadPointer { user: bo, thread }),
        participants(None, Some(&sorted([ann, bo])), 7),
    ]
}

pub(super) async fn assert_every_view(
    store: &SharedStore,
    thread: ThreadId,
    ann: UserId,
    bo: UserId,
) {
    let heads = store.heads(&[thread]).await.unwrap();
    assert_eq!(heads, [Some(head_at(ann, 1))]);
    let mut members = vec![member_row(ann), left(bo)];
    members.sort_by_key(|row| row.user);
    assert_eq!(store.members(thread).await.unwrap(), members);
    assert_eq!(store.overlays(thread, 1, 1).await.unwrap(), [overlay(1)]);
    let reactions = store.reactions(thread, bo, 1, 1).await.unwrap();
    assert_eq!(reactions, [(1, "👍".to_owned())]);
    assert_eq!(store.deletions(thread, 0, 1).await.unwrap().len(), 1);
    assert_eq!(store.mentions(thread, bo, 0, 1).await.unwrap().len(), 1);
    let pointer = store.user_thread(bo, thread).await.unwrap();
    assert_eq!(pointer, Some(UserThreadRow::default()));
    let groups = store.threads_of(&sorted([ann, bo])).await.unwrap();
    assert_eq!(groups, [thread]);
}

fn participants(before: Option<&[UserId]>, now: Option<&[UserId]>, at: i64) -> ViewChange {
    ViewChange::Participants {
        before: before.map(<[_]>::to_vec),
        now: now.map(<[_]>::to_vec),
        created_at: Timestamp(at),
    }
}

fn sorted<const N: usize>(mut members: [UserId; N]) -> Vec<UserId> {
    members.sort();
    members.to_vec()
}

pub(super) fn overlay(target_seq: u64) -> OverlayRow {
    OverlayRow {
        target_seq,
        changed_seq: target_seq + 9,
        edited_seq: Some(target_seq + 1),
        text: Some("better words".to_owned()),
        edit_seqs: vec![target_seq + 1],
        deleted_seq: None,
        reactions: vec![("👍".to_owned(), 2), ("❤️".to_owned(), 1)],
    }
}

pub(super) fn member_row(user: UserId) -> MemberRow {
    MemberRow {
        user,
        role: Role::Member,
        stays: vec![Stay {
            joined_seq: 1,
            left_seq: None,
        }],
        joined_at: Timestamp(5),
        own_count: 3,
        last_own_seq: 9,
        last_own_at: Timestamp(8),
        floor: ReadMark {
            seq: 1,
            ord: 2,
            own: 3,
        },
        left: None,
    }
}

pub(super) fn left(user: UserId) -> MemberRow {
    MemberRow {
        stays: vec![
            Stay {
                joined_seq: 1,
                left_seq: Some(4),
            },
            Stay {
                joined_seq: 6,
                left_seq: Some(8),
            },
        ],
        left: Some(LeftView {
            title: None,
            settings: Settings::default(),
            member_count: 2,
            ord: 7,
            last_message: Some(LastMessage {
                seq: 7,
                at: Timestamp(3),
                author: user,
                kind: EntryKind::Media,
                text: Some("bye".to_owned()),
            }),
        }),
        ..member_row(user)
    }
}
