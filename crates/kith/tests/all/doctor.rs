//! Doctor: every kind of damage is found and named, views are put right, and nothing else is touched.

use crate::support::patient::{Patient, report};
use crate::support::talk::{deletion, edit, text};
use crate::support::{START, Server};
use kith::config::AdminListen;
use kith::doctor::Doctor;
use kith::http::admin::AdminDoor;
use kith_protocol::entry::SendMessage;
use kith_protocol::{ClientMsgId, Timestamp, UserId};
use kith_store::audit::Mend;
use kith_store::embedded::damage::{Damage, Spot};
use kith_store::thread::ViewChange;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use uuid::Uuid;

/// Somebody who is nobody.
const STRANGER: UserId = UserId(Uuid::from_u128(77));

/// What doctor can do about a damage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// It is a view.
    Repair,
    /// It is not.
    None,
}

/// Damages a patient; the report must be exactly this, on the folder and on a server that runs on it. A repair must
/// mend all of it or nothing, and leave everything else as it was, byte for byte.
async fn planted(
    damage: impl FnOnce(&Patient, &Damage) -> kith_store::StoreResult<()>,
    remedy: Remedy,
    expected: &[&str],
) {
    let patient = Patient::new().await;
    let open = patient.damage();
    damage(&patient, &open).unwrap();
    let before = open.primary().unwrap();
    open.close().unwrap();

    assert_eq!(patient.examined(false).await, expected);
    assert_eq!(
        patient.examined_in_windows_of(2).await,
        expected,
        "with next to no memory"
    );
    let (patient, running) = patient.examined_running(false).await;
    assert_eq!(running, expected, "on a running server");

    let (patient, repaired) = patient.examined_running(true).await;
    let mended: Vec<String> = match remedy {
        Remedy::Repair => expected
            .iter()
            .map(|one| format!("{one} (mended)"))
            .collect(),
        Remedy::None => expected.iter().map(|one| one.to_string()).collect(),
    };
    assert_eq!(repaired, mended);
    let left: &[&str] = match remedy {
        Remedy::Repair => &[],
        Remedy::None => expected,
    };
    assert_eq!(patient.examined(true).await, left);
    let open = patient.damage();
    // A pointer that was missing may have come; nothing that was there is any different.
    let after: BTreeMap<_, _> = open.primary().unwrap().into_iter().collect();
    for (key, bytes) in before {
        assert_eq!(
            after.get(&key),
            Some(&bytes),
            "marks, settings, drafts and accounts stay"
        );
    }
    open.close().unwrap();
}

#[tokio::test]
async fn a_sound_store_has_no_findings() {
    planted(|_, _| Ok(()), Remedy::None, &[]).await;
}

// Logs.

#[tokio::test]
async fn a_hole_in_a_log_is_named_with_its_seq() {
    planted(
        |on, damage| damage.remove(&Spot::Entry(on.group, 4)),
        Remedy::None,
        &["thread group, entry 4: there is no such entry; it should be an entry: the log goes on with 5"],
    )
    .await;
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_named() {
    planted(
        |on, damage| damage.garble(&Spot::Entry(on.group, 4)),
        Remedy::None,
        &[
            "thread group, entry 4: there is an entry of version 99 and 3 bytes that cannot be read; \
           it should be one that can be read",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_entry_in_the_place_of_another_is_named() {
    planted(
        |on, damage| damage.copy(&Spot::Entry(on.group, 3), &Spot::Entry(on.group, 4)),
        Remedy::None,
        &[
            "thread group, entry 4: there is an entry that belongs elsewhere; \
           it should be one that can be read",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_wrong_ord_is_named_once() {
    planted(
        |on, damage| damage.entry(&Spot::Entry(on.group, 11), |entry| entry.ord = 9),
        Remedy::None,
        &["thread group, entry 11: there is ord 9; it should be ord 6"],
    )
    .await;
}

#[tokio::test]
async fn a_time_that_goes_back_is_named() {
    planted(
        |on, damage| damage.entry(&Spot::Entry(on.group, 6), |entry| entry.at = Timestamp(0)),
        Remedy::None,
        &[
            "thread group, entry 6: there is the time 1970-01-01T00:00:00.000Z; it should be \
           none before 2026-11-21T08:54:00.000Z, which an earlier entry has",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_client_id_that_is_there_twice_is_named_with_both_places() {
    let id = ClientMsgId(Uuid::from_u128(5));
    planted(
        |on, damage| {
            for seq in [2, 9] {
                damage.entry(&Spot::Entry(on.group, seq), |entry| {
                    entry.client_msg_id = Some(id);
                })?;
            }
            // The same id of somebody else is another one.
            damage.entry(&Spot::Entry(on.group, 3), |entry| {
                entry.client_msg_id = Some(id);
            })
        },
        Remedy::None,
        &[
            "thread group, entry 9, user ann: there is the client_msg_id \
           00000000-0000-0000-0000-000000000005, which entry 2 of the same author has; \
           it should be one of its own",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_body_that_outlived_its_deletion_is_named_and_not_shown() {
    planted(
        |on, damage| {
            damage.entry(&Spot::Entry(on.group, 5), |entry| {
                entry.erased = false;
                entry.body.text = Some("oh no".to_owned());
            })
        },
        Remedy::None,
        &["thread group, entry 5: there is a body that entry 8 has deleted; it should be empty"],
    )
    .await;
}

#[tokio::test]
async fn a_body_that_nobody_deleted_and_is_gone_is_named() {
    planted(
        |on, damage| {
            damage.entry(&Spot::Entry(on.group, 3), |entry| {
                entry.erased = true;
                entry.body.text = None;
            })
        },
        Remedy::None,
        &["thread group, entry 3: there is an erased body; \
           it should be as it was written: no entry deletes it"],
    )
    .await;
}

// Views.

#[tokio::test]
async fn a_head_that_says_something_else_is_told_field_by_field() {
    planted(
        |on, damage| {
            damage.head(&Spot::Head(on.group), |head| {
                head.ord = 9;
                head.title = Some("secret".to_owned());
            })
        },
        Remedy::Repair,
        &[
            "thread group, user ann: there is 4 unread; it should be 1 unread",
            "thread group, user bo: there is 5 unread; it should be 2 unread",
            "thread group: there is ord 9, title another text of 6 bytes; \
             it should be ord 6, title a text of 5 bytes",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_head_that_is_missing_comes_back() {
    planted(
        |on, damage| damage.remove(&Spot::Head(on.pair)),
        Remedy::Repair,
        &["thread pair: there is no row; it should be created_at 2026-11-21T08:54:00.000Z, creator ann, \
           kind direct, last_at 2026-11-21T08:54:00.000Z, last_message {\"at\":\"2026-11-21T08:54:00.000Z\",\
           \"author\":\"ann\",\"kind\":\"text\",\"seq\":2,\"text\":\"a text of 12 bytes\"}, last_other_seq 0, \
           last_seq 2, member_count 2, membership_seq 1, ord 1, settings {\"history\":\"forever\",\
           \"open_history\":false,\"slow_s\":0,\"who_writes\":\"everyone\"}, wide false"],
    )
    .await;
}

#[tokio::test]
async fn the_width_of_a_group_is_believed_as_the_configuration_may_have_changed() {
    planted(
        |on, damage| damage.head(&Spot::Head(on.group), |head| head.wide = true),
        Remedy::None,
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_member_with_other_stays_and_counts_is_told() {
    planted(
        |on, damage| {
            damage.member(&Spot::Member(on.group, on.bo), |member| {
                member.own_count = 3;
                member.stays[0].joined_seq = 2;
            })
        },
        Remedy::Repair,
        &[
            "thread group, user bo: there is 0 unread; it should be 2 unread",
            "thread group, user bo: there is own_count 3, stays [{\"joined_seq\":2,\"left_seq\":null}]; \
             it should be own_count 1, stays [{\"joined_seq\":1,\"left_seq\":null}]",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_member_whom_the_log_does_not_know_is_taken_away() {
    planted(
        |on, damage| {
            damage.copy(
                &Spot::Member(on.group, on.bo),
                &Spot::Member(on.group, on.di),
            )?;
            damage.member(&Spot::Member(on.group, on.di), |member| member.user = on.di)
        },
        Remedy::Repair,
        &[
            "thread group, user di: there is floor {\"ord\":0,\"own\":0,\"seq\":1}, joined_at 2026-11-21T08:54:00.000Z, last_own_at 2026-11-21T08:54:00.000Z, last_own_seq 6, own_count 1, role member, stays [{\"joined_seq\":1,\"left_seq\":null}], user di; it should be no row",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_member_that_cannot_be_read_is_made_anew() {
    planted(
        |on, damage| damage.garble(&Spot::Member(on.group, on.cy)),
        Remedy::Repair,
        &[
            "thread group, user cy: there is a member of version 99 and 3 bytes that cannot be read; it should be floor {\"ord\":0,\"own\":0,\"seq\":1}, joined_at 2026-11-21T08:54:00.000Z, last_own_at 2026-11-21T08:54:00.000Z, last_own_seq 5, left {\"last_message\":{\"at\":\"2026-11-21T08:54:00.000Z\",\"author\":\"ann\",\"kind\":\"text\",\"seq\":9,\"text\":\"none\"},\"member_count\":2,\"ord\":5,\"settings\":{\"history\":\"forever\",\"open_history\":false,\"slow_s\":0,\"who_writes\":\"everyone\"},\"title\":\"a text of 5 bytes\"}, own_count 1, role member, stays [{\"joined_seq\":1,\"left_seq\":10}], user cy",
        ],
    )
    .await;
}

#[tokio::test]
async fn an_overlay_that_says_something_else_is_told() {
    planted(
        |on, damage| {
            damage.overlay(&Spot::Overlay(on.group, 3), |overlay| {
                overlay.text = Some("other words".to_owned());
                overlay.edited_seq = None;
            })?;
            damage.copy(&Spot::Overlay(on.group, 3), &Spot::Overlay(on.group, 9))?;
            damage.overlay(&Spot::Overlay(on.group, 9), |overlay| {
                overlay.target_seq = 9
            })?;
            damage.remove(&Spot::Overlay(on.group, 2))
        },
        Remedy::Repair,
        &[
            "thread group, entry 2: there is no row; it should be changed_seq 7, edit_seqs [], reactions [[\"👍\",1]], target_seq 2",
            "thread group, entry 3: there is edited_seq none, text another text of 11 bytes; it should be edited_seq 6, text a text of 6 bytes",
            "thread group, entry 9: there is changed_seq 6, edit_seqs [6], reactions [], target_seq 9, text another text of 11 bytes; it should be no row",
        ],
    )
    .await;
}

#[tokio::test]
async fn reactions_that_nobody_put_and_those_that_are_missing_are_told() {
    planted(
        |on, damage| {
            damage.remove(&Spot::Reaction(on.group, on.cy, 2, "👍"))?;
            damage.put(&Spot::Reaction(on.group, on.bo, 3, "🎉"), &[])
        },
        Remedy::Repair,
        &[
            "thread group, entry 2, user cy: there is no row; it should be the emoji 👍",
            "thread group, entry 3, user bo: there is the emoji 🎉; it should be no row",
        ],
    )
    .await;
}

#[tokio::test]
async fn deletions_that_are_missing_or_nobodys_are_told_with_the_counts_that_they_make_wrong() {
    planted(
        |on, damage| {
            damage.copy(&Spot::Deletion(on.group, 5), &Spot::Deletion(on.group, 2))?;
            damage.remove(&Spot::Deletion(on.group, 5))
        },
        Remedy::Repair,
        &[
            "thread group, entry 2: there is author cy, deleted_seq 8; it should be no row",
            "thread group, entry 5: there is no row; it should be author cy, deleted_seq 8",
            "thread group, user ann: there is 2 unread; it should be 1 unread",
            "thread group, user bo: there is 3 unread; it should be 2 unread",
        ],
    )
    .await;
}

#[tokio::test]
async fn mentions_that_are_missing_or_nobodys_are_told_with_the_counts_that_they_make_wrong() {
    planted(
        |on, damage| {
            let of_bo = Spot::Mention(on.bo, on.group, 2);
            damage.copy(&of_bo, &Spot::Mention(on.bo, on.group, 9))?;
            damage.remove(&Spot::Mention(UserId(Uuid::nil()), on.group, 4))?;
            damage.copy(&of_bo, &Spot::Mention(STRANGER, on.group, 9))
        },
        Remedy::Repair,
        &[
            "thread group, entry 4: there is no row; it should be a mention by ann",
            "thread group, entry 9, user bo: there is a mention by ann; it should be no row",
            "thread group, user 00000000-0000-0000-0000-00000000004d: there is a message 9 that names this user, who never was a member; it should be no such row",
            "thread group, user bo: there is 1 mentions; it should be 0 mentions",
            "thread group, user cy: there is 1 mentions; it should be 2 mentions",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_group_that_is_not_found_by_its_members_or_by_others_is_told() {
    planted(
        |on, damage| {
            let mut present = vec![on.ann, on.bo];
            present.sort_unstable();
            let at = START;
            damage.remove(&Spot::Participants(present, at, on.group))?;
            damage.put(&Spot::Participants(vec![on.ann], at, on.group), &[])
        },
        Remedy::Repair,
        &[
            "thread group: there is a row by which the thread is found from other members than it has; \
             it should be no such row",
            "thread group: there is no row by which the group is found from its members; it should be one",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_thread_that_is_missing_in_the_list_of_a_member_comes_back() {
    planted(
        |on, damage| damage.remove(&Spot::UserThread(on.cy, on.group)),
        Remedy::Repair,
        &[
            "thread group, user cy: there is no row in the user's list of threads; it should be one, as the user is or was a member",
        ],
    )
    .await;
}

#[tokio::test]
async fn views_without_a_log_are_taken_away() {
    planted(
        |on, damage| {
            for seq in 1..=2 {
                damage.remove(&Spot::Entry(on.pair, seq))?;
            }
            Ok(())
        },
        Remedy::Repair,
        &[
            "thread pair, user ann: there is floor {\"ord\":1,\"own\":1,\"seq\":2}, joined_at 2026-11-21T08:54:00.000Z, last_own_at 2026-11-21T08:54:00.000Z, last_own_seq 2, own_count 1, role member, stays [{\"joined_seq\":1,\"left_seq\":null}], user ann; it should be no row",
            "thread pair, user bo: there is floor {\"ord\":0,\"own\":0,\"seq\":1}, joined_at 2026-11-21T08:54:00.000Z, last_own_at 1970-01-01T00:00:00.000Z, last_own_seq 0, own_count 0, role member, stays [{\"joined_seq\":1,\"left_seq\":null}], user bo; it should be no row",
            "thread pair: there is created_at 2026-11-21T08:54:00.000Z, creator ann, kind direct, last_at 2026-11-21T08:54:00.000Z, last_message {\"at\":\"2026-11-21T08:54:00.000Z\",\"author\":\"ann\",\"kind\":\"text\",\"seq\":2,\"text\":\"a text of 12 bytes\"}, last_other_seq 0, last_seq 2, member_count 2, membership_seq 1, ord 1, settings {\"history\":\"forever\",\"open_history\":false,\"slow_s\":0,\"who_writes\":\"everyone\"}, wide false; it should be no row",
        ],
    )
    .await;
}

// Marks.

#[tokio::test]
async fn a_mark_that_does_not_say_what_the_log_says_is_told_with_the_count_that_it_makes_wrong() {
    planted(
        |on, damage| damage.read(&Spot::Read(on.group, on.bo), |mark| mark.ord = 1),
        Remedy::None,
        &[
            "thread group, entry 4, user bo: there is a read mark with ord 1; it should be one with ord 3",
            "thread group, user bo: there is 4 unread; it should be 2 unread",
        ],
    )
    .await;
}

#[tokio::test]
async fn marks_out_of_bounds_are_told() {
    planted(
        |on, damage| {
            let of_bo = Spot::Read(on.group, on.bo);
            damage.copy(&of_bo, &Spot::Read(on.group, on.di))?;
            damage.copy(&of_bo, &Spot::Read(on.pair, on.bo))?;
            let session = on.session.session.id;
            let delivered = Spot::Delivered(on.group, on.bo, session);
            damage.copy(&delivered, &Spot::Delivered(on.pair, on.bo, session))
        },
        Remedy::None,
        &[
            "thread group, user di: there is a read mark at 4; it should be none: this user never was a member",
            "thread pair, user bo: there is 0 unread; it should be 1 unread",
            "thread pair, user bo: there is a delivered mark at 11; it should be at most 2, the last entry",
            "thread pair, user bo: there is a read mark at 4; it should be at most 2, the last entry that this user sees",
        ],
    )
    .await;
}

// Accounts and what is between them.

#[tokio::test]
async fn a_handle_that_leads_nowhere_or_elsewhere_is_told_from_both_sides() {
    planted(
        |on, damage| {
            damage.copy(&Spot::Handle("ann"), &Spot::Handle("boris"))?;
            damage.remove(&Spot::User(on.di))
        },
        Remedy::None,
        &[
            "user ann: there is the handle boris, which leads to an account with another handle; it should be the handle of that account",
            "user bo: there is the handle boris, which leads to user ann; it should be one that leads here",
            "user di: there is a word under which the account is found and which its name does not have; it should be found by its own words only",
            "user di: there is the handle diana, which leads to no account that can be read; it should be the handle of that account",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_word_that_does_not_lead_to_its_account_is_told() {
    planted(
        |on, damage| {
            damage.remove(&Spot::Name("ann", on.ann))?;
            damage.put(&Spot::Name("zoe", on.ann), &[])
        },
        Remedy::None,
        &[
            "user ann: there is a word of the name by which the account is not found; it should be found by every word",
            "user ann: there is a word under which the account is found and which its name does not have; it should be found by its own words only",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_contact_from_one_side_only_is_told() {
    planted(
        |on, damage| {
            damage.remove(&Spot::Contact(on.ann, on.bo))?;
            damage.remove(&Spot::Former(on.di, on.ann))
        },
        Remedy::None,
        &[
            "user ann: there is a former contact di who does not know of it; it should be the same from both sides",
            "user bo: there is a contact ann who does not have this user; it should be the same from both sides",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_request_from_one_side_only_is_told() {
    planted(
        |on, damage| {
            let asked = Spot::Asked(on.cy, on.ann);
            damage.copy(&asked, &Spot::AskedBy(on.bo, on.di))?;
            damage.remove(&Spot::AskedBy(on.ann, on.cy))
        },
        Remedy::None,
        &[
            "user bo: there is a request from di that is not there for them; it should be the same from both sides",
            "user cy: there is a request to ann that is not there for them; it should be the same from both sides",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_session_without_its_token_and_a_token_without_its_session_are_told() {
    let hash = |token: &str| Spot::Token(Sha256::digest(token.as_bytes()).into());
    planted(
        |on, damage| {
            // The token of the device that was signed out leads to bo's session, which has lost its own.
            let live = hash(&on.session.token);
            damage.copy(&live, &hash(&on.ended.token))?;
            damage.remove(&live)
        },
        Remedy::None,
        &[
            "user bo: there is a session of bo with a token that does not lead to it; it should be a token that does",
            "user bo: there is a token of a session of bo that is not there, or has another; it should be a session for each token and a token for each session",
        ],
    )
    .await;
}

// Servers that run.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_which_people_chat_is_sound_at_every_moment() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let made = ann.group("busy", &[bo.id()]).await.unwrap();
    let thread = made.thread.id;
    let chatting = tokio::spawn(async move {
        for n in 0..60 {
            let named = SendMessage {
                mentions: vec![bo.id()],
                ..text(format!("message {n}"))
            };
            let sent = ann.send(thread, named).await.unwrap();
            bo.react(thread, sent.seq, "👍").await.unwrap();
            bo.read(thread, sent.seq).await.unwrap();
            ann.edit(thread, sent.seq, edit("better words"))
                .await
                .unwrap();
            if n % 3 == 0 {
                ann.delete(thread, sent.seq, deletion()).await.unwrap();
            }
        }
    });
    while !chatting.is_finished() {
        server.is_sound().await;
    }
    chatting.await.unwrap();
    server.is_sound().await;
}

#[tokio::test]
async fn after_a_repair_the_server_goes_on_from_what_is_right() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let thread = ann.group("plans", &[]).await.unwrap().thread.id;
    ann.send(thread, text("one")).await.unwrap();
    let mut head = server
        .node
        .store
        .heads(&[thread])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    head.ord = 9;
    let wrong = Mend::View(ViewChange::Head(Box::new(head)));
    server
        .node
        .store
        .mend(thread, 2, vec![wrong])
        .await
        .unwrap();
    // The server forgets the thread, and loads what is wrong for a send that it refuses.
    drop(server.node.sequencer.hold(thread).await);
    let beyond = SendMessage {
        seen_head: 77,
        ..text("no")
    };
    assert!(ann.send(thread, beyond).await.is_err());

    let repair = Doctor::of_node(server.node.clone(), true);
    let (findings, summary) = report(repair).await;
    assert!(
        findings.iter().all(|finding| finding.mended),
        "{findings:?}"
    );
    // The head, and what it made of ann's unread.
    assert_eq!((findings.len(), summary.standing), (2, 0));
    assert_eq!(ann.send(thread, text("two")).await.unwrap().ord, 2);
    server.is_sound().await;
}

#[tokio::test]
async fn who_writes_while_a_thread_is_held_waits_and_is_not_refused() {
    let server = Server::start().await;
    let ann = server.join("ann").await;
    let thread = ann.group("plans", &[]).await.unwrap().thread.id;
    let held = server.node.sequencer.hold(thread).await;
    let sending = ann.send(thread, text("one"));
    let mut sending = std::pin::pin!(sending);
    // Another thread goes on, and when its send is answered this one could have been.
    let other = ann.group("others", &[]).await.unwrap().thread.id;
    ann.send(other, text("one")).await.unwrap();
    assert!(futures_util::poll!(sending.as_mut()).is_pending());
    ann.send(other, text("two")).await.unwrap();
    assert!(futures_util::poll!(sending.as_mut()).is_pending());
    assert_eq!(server.node.store.last_seq(thread).await.unwrap(), 1);
    drop(held);
    assert_eq!(sending.await.unwrap().seq, 2);
}

// The command.

fn kith(args: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KITH_") {
            command.env_remove(name);
        }
    }
    command
        .args(args)
        .arg("--data")
        .arg(folder)
        .output()
        .unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_command_says_what_it_found_and_how_it_ended() {
    let patient = Patient::new().await;
    let folder = patient.folder.path();
    let nowhere = kith(&["doctor"], &folder.join("nowhere"));
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(
        said(&nowhere.stderr).contains("no data folder"),
        "{nowhere:?}"
    );
    assert!(!folder.join("nowhere").exists());

    let sound = kith(&["doctor"], folder);
    assert_eq!(sound.status.code(), Some(0), "{sound:?}");
    let words = said(&sound.stdout);
    assert!(
        words.starts_with("everything fits together: 2 threads with 13 entries"),
        "{words}"
    );

    let open = patient.damage();
    open.remove(&Spot::Reaction(patient.group, patient.cy, 2, "👍"))
        .unwrap();
    open.close().unwrap();
    let found = kith(&["doctor", "--json"], folder);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let lines = said(&found.stdout);
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    let finding = serde_json::json!({
        "t": "finding", "kind": "reaction", "thread": patient.group, "seq": 2, "user": patient.cy,
        "stands": "no row", "should": "the emoji 👍", "mended": false,
    });
    assert_eq!(lines[0], finding);
    assert_eq!(
        (&lines[1]["t"], &lines[1]["standing"]),
        (&"summary".into(), &1.into())
    );
    assert!(lines[1]["entries_per_s"].is_u64());

    let mended = kith(&["doctor", "--repair"], folder);
    assert_eq!(mended.status.code(), Some(0), "{mended:?}");
    assert!(said(&mended.stdout).contains("(mended)\n1 found, all mended"));
}

#[tokio::test]
async fn the_command_asks_the_server_that_runs_on_the_folder() {
    let patient = Patient::new().await;
    let open = patient.damage();
    open.remove(&Spot::Deletion(patient.group, 5)).unwrap();
    open.close().unwrap();
    let folder = patient.folder.path().to_owned();
    let server = Server::on(patient.folder, patient.config, START).await;
    let routes = kith::http::admin::doctor::routes(server.node.clone());
    let listen = AdminListen::Unix(folder.join("admin.sock"));
    let door = AdminDoor::open(&listen, None, routes).await.unwrap();
    let ask = async |args: &'static [&'static str]| {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || kith(args, &folder))
            .await
            .unwrap()
    };
    let found = ask(&["doctor"]).await;
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    assert_eq!(said(&found.stdout).lines().count(), 4, "{found:?}");
    let mended = ask(&["doctor", "--repair"]).await;
    assert_eq!(mended.status.code(), Some(0), "{mended:?}");
    server.is_sound().await;
    drop(door);
}
