//! A made-up room, true answers about it, and one planted fault of each kind.

use super::*;
use kith_protocol::entry::EntryKind;
use kith_protocol::{ClientMsgId, ThreadId};
use uuid::Uuid;

fn person(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

const KEEPER: u128 = 1;
const ANN: u128 = 2;
const BO: u128 = 3;
const CY: u128 = 4;

fn change(kind: EntryKind, by: u128, users: &[u128]) -> Fact {
    Fact {
        users: users.iter().map(|&user| person(user)).collect(),
        ..Fact::of(kind, person(by))
    }
}

fn text(author: u128, text: &str, seen_head: u64) -> Fact {
    Fact {
        text: Some(text.to_owned()),
        client_msg_id: Some(ClientMsgId(Uuid::from_u128(9000 + u128::from(seen_head)))),
        seen_head,
        ..Fact::of(EntryKind::Text, person(author))
    }
}

fn about(kind: EntryKind, author: u128, target_seq: u64) -> Fact {
    Fact {
        target_seq: Some(target_seq),
        text: (kind == EntryKind::Edit).then(|| "new".to_owned()),
        emoji: (kind == EntryKind::React).then(|| "👍".to_owned()),
        ..Fact::of(kind, person(author))
    }
}

/// 1 created (keeper, ann, bo) · 2 ann · 3 bo, names ann · 4 ann edits 2 · 5 cy added · 6 bo ·
/// 7 ann's 👍 on 6 · 8 bo removed · 9 ann · 10 bo added · 11 cy · 12 ann deletes 9
fn journal() -> Journal {
    let mut to_ann = text(BO, "ann: hello", 2);
    to_ann.mentions = vec![person(ANN)];
    let mark = |after, user, seq| Mark {
        after,
        user: person(user),
        seq,
        read: true,
    };
    Journal {
        room: "room".to_owned(),
        thread: ThreadId(Uuid::from_u128(77)),
        keeper: person(KEEPER),
        facts: vec![
            change(EntryKind::Created, KEEPER, &[ANN, BO]),
            text(ANN, "one", 1),
            to_ann,
            about(EntryKind::Edit, ANN, 2),
            change(EntryKind::MemberAdded, KEEPER, &[CY]),
            text(BO, "two", 5),
            about(EntryKind::React, ANN, 6),
            change(EntryKind::MemberRemoved, KEEPER, &[BO]),
            text(ANN, "three", 2),
            change(EntryKind::MemberAdded, KEEPER, &[BO]),
            text(CY, "four", 0),
            about(EntryKind::Delete, ANN, 9),
        ],
        marks: vec![mark(3, CY, 0), mark(12, CY, 6)],
        kept: Vec::new(),
    }
}

fn holds(world: &World, user: u128) -> Vec<u64> {
    let spans = world.visible(person(user), world.last_seq());
    spans.into_iter().flat_map(|(from, to)| from..=to).collect()
}

fn findings_of(world: &World, user: u128, seqs: &[u64]) -> Vec<Broken> {
    let mut held = Held::default();
    for &seq in seqs {
        held.take(seq, world.identity(seq));
    }
    let mut findings = Findings::default();
    check_held(world, person(user), &held, &mut findings);
    findings.counts().keys().copied().collect()
}

fn row(world: &World, user: u128, upto: u64) -> RowSeen {
    let due = world.expected(person(user), upto);
    RowSeen {
        thread: ThreadSeen {
            id: ThreadId(Uuid::from_u128(77)),
            member_count: due.member_count,
            joined_seq: due.joined_seq,
            visible: due.visible,
            left_seq: due.left_seq,
        },
        head: HeadSeen {
            last_seq: due.last_seq,
            ord: due.ord,
        },
        mine: MineSeen {
            version: 0,
            read_seq: due.read_seq,
            delivered_seq: due.delivered_seq,
            unread: due.unread,
            mentions: due.mentions,
        },
    }
}

fn row_findings(world: &World, user: u128, upto: u64, row: &RowSeen) -> Vec<Broken> {
    let mut findings = Findings::default();
    check_row(world, person(user), upto, row, &mut findings);
    findings.counts().keys().copied().collect()
}

fn shown(world: &World, seq: u64) -> Seen<'static> {
    let fact = world.fact(seq).clone();
    Seen {
        seq,
        kind: fact.kind.as_str().into(),
        author_id: fact.author,
        client_msg_id: fact.client_msg_id,
        ord: (1..=seq)
            .filter(|&at| world.fact(at).kind.is_countable())
            .count() as u64,
        read_moved: world.read_moved(seq),
        text: fact.text.map(Into::into),
        target_seq: fact.target_seq,
        user_ids: fact.users,
        mentions: fact.mentions,
        emoji: fact.emoji.map(Into::into),
        edited_seq: None,
        deleted_seq: None,
        reactions: Vec::new(),
    }
}

fn entry_findings(world: &World, user: u128, seen: &Seen<'_>) -> Vec<Broken> {
    let mut findings = Findings::default();
    check_entry(world, person(user), seen, &mut findings);
    findings.counts().keys().copied().collect()
}

#[test]
fn marks_unread_and_membership_are_what_counting_by_hand_gives() {
    let world = World::of(&journal());
    assert_eq!(holds(&world, BO), [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12]);
    // Ann saw 2 when she sent 9: entries 3 and 6 of bo lie between, so her mark stays at 2.
    let ann = world.expected(person(ANN), 12);
    assert_eq!((ann.read_seq, ann.unread, ann.mentions), (2, 3, 1));
    assert!(world.read_moved(2) && !world.read_moved(9));
    // Bo came back at 10: everything before is read; 11 is unread.
    let bo = world.expected(person(BO), 12);
    assert_eq!((bo.read_seq, bo.unread), (10, 1));
    assert_eq!(bo.visible, [(1, Some(8)), (10, None)]);
    // While bo was out, the row was frozen.
    let out = world.expected(person(BO), 9);
    assert_eq!((out.left_seq, out.last_seq, out.ord), (Some(8), 8, 3));
    // Cy read up to 6: 9 is deleted, 11 is cy's own.
    let cy = world.expected(person(CY), 12);
    assert_eq!((cy.read_seq, cy.unread, cy.member_count), (6, 0, 4));
    assert_eq!(world.expected(person(CY), 11).unread, 2);
}

#[test]
fn true_answers_have_no_findings() {
    let world = World::of(&journal());
    for user in [KEEPER, ANN, BO, CY] {
        assert_eq!(findings_of(&world, user, &holds(&world, user)), []);
        for upto in [8, 10, 12] {
            assert_eq!(
                row_findings(&world, user, upto, &row(&world, user, upto)),
                []
            );
        }
    }
}

#[test]
fn a_hole_is_found() {
    let world = World::of(&journal());
    let mut seqs = holds(&world, ANN);
    seqs.remove(5);
    assert_eq!(findings_of(&world, ANN, &seqs), [Broken::Hole]);
}

#[test]
fn a_double_is_found() {
    let world = World::of(&journal());
    let mut seqs = holds(&world, ANN);
    seqs.insert(5, 5);
    assert_eq!(findings_of(&world, ANN, &seqs), [Broken::Double]);
}

#[test]
fn a_swap_is_found() {
    let world = World::of(&journal());
    let mut seqs = holds(&world, ANN);
    seqs.swap(4, 5);
    assert_eq!(findings_of(&world, ANN, &seqs), [Broken::Order]);
}

#[test]
fn a_leak_to_somebody_who_was_out_is_found() {
    let world = World::of(&journal());
    let seqs: Vec<u64> = (1..=12).collect();
    assert_eq!(findings_of(&world, BO, &seqs), [Broken::Leak]);
}

#[test]
fn an_exchanged_entry_is_found() {
    let world = World::of(&journal());
    let mut held = Held::default();
    for seq in holds(&world, ANN) {
        let other = if seq == 6 { 9 } else { seq };
        held.take(seq, world.identity(other));
    }
    let mut findings = Findings::default();
    check_held(&world, person(ANN), &held, &mut findings);
    assert_eq!(
        findings.counts().keys().copied().collect::<Vec<_>>(),
        [Broken::Entry]
    );
}

#[test]
fn a_wrong_number_in_a_row_is_found() {
    let world = World::of(&journal());
    let wrong = |spoil: fn(&mut RowSeen)| {
        let mut row = row(&world, ANN, 12);
        spoil(&mut row);
        row_findings(&world, ANN, 12, &row)
    };
    assert_eq!(wrong(|row| row.mine.unread += 1), [Broken::Unread]);
    assert_eq!(wrong(|row| row.mine.mentions = 0), [Broken::Unread]);
    assert_eq!(wrong(|row| row.mine.read_seq += 1), [Broken::Marks]);
    assert_eq!(wrong(|row| row.mine.delivered_seq += 1), [Broken::Marks]);
    assert_eq!(wrong(|row| row.head.ord -= 1), [Broken::Row]);
    assert_eq!(wrong(|row| row.thread.member_count += 1), [Broken::Row]);
    assert_eq!(wrong(|row| row.thread.visible[0].0 += 1), [Broken::Row]);
}

#[test]
fn a_wrong_overlay_is_found() {
    let world = World::of(&journal());
    let mut edited = shown(&world, 2);
    assert_eq!(entry_findings(&world, ANN, &edited), [Broken::Overlay]);
    (edited.text, edited.edited_seq) = (Some("new".into()), Some(4));
    assert_eq!(entry_findings(&world, ANN, &edited), []);

    let mut deleted = shown(&world, 9);
    deleted.deleted_seq = Some(12);
    assert_eq!(entry_findings(&world, ANN, &deleted), [Broken::Overlay]);
    deleted.text = None;
    assert_eq!(entry_findings(&world, ANN, &deleted), []);

    let mut liked = shown(&world, 6);
    assert_eq!(entry_findings(&world, ANN, &liked), [Broken::Overlay]);
    liked.reactions = vec![ReactionSeen {
        emoji: "👍".into(),
        count: 1,
        mine: true,
    }];
    assert_eq!(entry_findings(&world, ANN, &liked), []);
    assert_eq!(entry_findings(&world, BO, &liked), [Broken::Overlay]);

    let mut moved = shown(&world, 11);
    moved.read_moved = !moved.read_moved;
    assert_eq!(entry_findings(&world, ANN, &moved), [Broken::Marks]);
}

#[test]
fn wrong_receipts_are_found() {
    let world = World::of(&journal());
    // Cy read 6. Bo joined again after it and has everything before marked as read.
    let (read, delivered, of) = world.receipts(6);
    assert_eq!((read.len(), delivered.len(), of), (1, 1, 3));
    let mut seen = ReceiptsSeen {
        read,
        delivered,
        ..ReceiptsSeen::default()
    };
    (seen.counts.read, seen.counts.delivered, seen.counts.of) = (1, 1, 3);
    let mut findings = Findings::default();
    check_receipts(&world, 6, &seen, &mut findings);
    assert_eq!(findings.total(), 0);
    seen.read.clear();
    check_receipts(&world, 6, &seen, &mut findings);
    assert_eq!(
        findings.counts().keys().copied().collect::<Vec<_>>(),
        [Broken::Receipts]
    );
}
