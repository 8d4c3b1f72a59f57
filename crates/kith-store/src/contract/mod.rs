//! The contract suite: every promise on the traits, tried on an engine.
//!
//! An engine runs all of it by implementing [`Bed`] and calling [`contract!`](crate::contract!) in a test file.
//! People in it are ann, bo, cy and di.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]
#![expect(missing_docs, reason = "the name of a test is its sentence")]

pub mod audit;
pub mod contact;
pub mod inbox;
pub mod log;
pub mod mark;
pub mod page;
pub mod session;
pub mod sync;
pub mod thread;
pub mod user;
pub mod user_thread;

use crate::SharedStore;
use crate::log::{Append, Appended, Body, EntryRow};
use crate::thread::{HeadRow, ViewChange};
use async_trait::async_trait;
use kith_protocol::entry::EntryKind;
use kith_protocol::thread::{Settings, ThreadKind};
use kith_protocol::{ThreadId, Timestamp, UserId};
use std::future::Future;
use uuid::Uuid;

/// Where an engine lies while it is tried.
#[async_trait]
pub trait Bed: Send + Sync {
    /// Opens the store; what the one before it wrote is there.
    async fn open(&self) -> SharedStore;
}

/// How many try the same thing at once.
const AT_ONCE: usize = 30;

/// Makes a test of every promise, for the engine in a [`Bed`].
#[macro_export]
macro_rules! contract {
    ($bed:expr) => {
        $crate::contract! { @tests $bed;
            log: [
                a_log_is_dense_and_in_order,
                every_field_of_an_entry_comes_back,
                an_append_behind_the_end_is_a_conflict_and_writes_nothing,
                of_many_appends_at_once_one_is_done,
                writers_that_try_again_build_one_dense_log,
                appends_to_many_threads_at_once_are_all_done,
                entries_of_one_append_are_seen_together,
                views_are_seen_with_the_entries_that_cause_them,
                what_was_appended_is_there_after_reopening,
                pages_run_both_ways_at_every_boundary,
                a_log_that_is_not_there_is_empty,
                logs_do_not_touch_their_neighbours,
                a_client_msg_is_found_however_far_back,
                erasing_empties_bodies_and_leaves_the_log_dense,
                erasing_what_is_erased_or_missing_is_nothing,
                an_entry_can_be_erased_right_after_it_was_appended,
                purging_leaves_everything_else_as_it_was,
                logs_are_listed_in_id_order_page_by_page,
            ];
            thread: [
                heads_come_in_the_order_asked,
                members_are_listed_in_id_order_past_ones_too,
                overlays_of_a_range_include_both_ends,
                reactions_of_one_user_are_put_and_taken_away,
                deletions_exclude_the_first_seq_and_include_the_last,
                mentions_are_kept_per_user_and_thread,
                a_conflict_changes_no_view,
                the_same_views_twice_do_no_harm,
                a_pointer_comes_with_its_append_and_touches_no_settings,
                groups_are_found_by_their_members_newest_first,
                a_group_moves_when_its_members_change,
                views_are_there_after_reopening,
            ];
            mark: [
                who_has_no_marks_has_zeros,
                the_higher_read_mark_wins_in_any_order,
                of_many_read_marks_at_once_the_highest_stands,
                a_delivered_mark_is_the_best_of_a_users_sessions,
                marks_of_everybody_come_in_id_order,
                marks_are_there_after_reopening,
                a_late_delivered_mark_lowers_nothing,
            ];
            user_thread: [
                a_row_is_replaced_at_its_version_only,
                of_many_changes_at_once_one_is_done,
                threads_of_a_user_come_in_id_order,
                rows_are_there_after_reopening,
            ];
            user: [
                of_many_with_one_handle_one_is_made,
                a_taken_handle_is_a_conflict_with_its_owner,
                an_account_is_replaced_at_its_version_only,
                of_many_changes_of_an_account_one_is_done,
                a_handle_never_changes,
                accounts_come_in_the_order_asked,
                people_are_found_by_handle_first_and_by_words_of_their_name,
                a_new_name_is_found_and_the_old_one_is_not,
                a_search_keeps_its_limit,
                handles_are_listed_in_order_page_by_page,
                last_seen_never_goes_back,
                accounts_are_there_after_reopening,
            ];
            contact: [
                a_request_is_seen_from_both_sides,
                friends_are_friends_both_ways_and_their_requests_are_gone,
                the_first_time_of_a_friendship_counts,
                a_declined_request_is_gone_for_both,
                who_parts_is_no_contact_for_either,
                former_contacts_are_told_until_they_are_contacts_again,
                a_block_is_one_sided_and_takes_the_rest_away,
                the_first_time_of_a_block_counts,
                requests_come_oldest_first,
                changes_twice_are_changes_once,
                contacts_are_there_after_reopening,
            ];
            session: [
                a_session_that_begins_is_listed_and_its_token_lives,
                of_many_changes_at_once_one_is_made,
                a_change_on_an_old_list_writes_nothing,
                the_token_of_an_ended_session_says_why,
                one_change_can_replace_a_session,
                touching_reaches_living_sessions_only,
                ended_tokens_are_forgotten_when_it_is_time,
                sessions_are_there_after_reopening,
            ];
            inbox: [
                parts_come_in_the_order_asked_of_threads_that_one_was_in,
                the_parts_are_what_the_single_reads_say,
                who_has_set_nothing_has_parts_without_settings_and_marks,
                deletions_and_mentions_begin_after_the_higher_read_mark,
                the_others_are_told_in_threads_of_up_to_fifty,
                the_parts_of_a_row_are_from_one_moment,
            ];
            page: [
                a_view_is_for_members_past_and_present,
                the_member_of_a_view_is_never_older_than_its_head,
                ranges_include_both_ends_and_nothing_between,
                overlays_span_the_page_and_reactions_are_the_readers_own,
                a_page_knows_what_was_appended_before_it_was_asked_for,
            ];
            sync: [
                who_has_no_account_is_told_nothing,
                a_new_account_is_told_of_itself,
                what_is_told_is_what_the_single_reads_say,
                what_was_written_before_the_call_is_in_it,
                what_rows_rest_on_stands_until_one_of_them_changes,
                what_stands_is_never_behind_what_was_acknowledged,
            ];
            audit: [
                stored_entries_are_those_of_the_log_page_by_page,
                every_row_is_on_a_page_of_its_part_that_says_where_the_log_stood,
                what_the_store_wrote_itself_is_never_wrong,
                mending_puts_views_and_takes_them_away_for_good,
                mending_at_another_end_of_the_log_is_a_conflict,
                mending_touches_no_settings,
                a_thread_with_views_and_no_log_is_told_once,
            ];
        }
    };
    (@tests $bed:expr; $($noun:ident: [$($promise:ident),* $(,)?]);* $(;)?) => {
        $(
            mod $noun {
                use super::*;

                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $promise() {
                        $crate::contract::$noun::$promise(&$bed).await;
                    }
                )*
            }
        )*
    };
}

/// Closes a store and opens it again.
async fn reopened(bed: &impl Bed, store: SharedStore) -> SharedStore {
    store.close();
    drop(store);
    bed.open().await
}

/// Runs the same thing many times at once; gives what each came to.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    mut run: impl FnMut(usize) -> F,
) -> Vec<T> {
    let tasks: Vec<_> = (0..AT_ONCE).map(|n| tokio::spawn(run(n))).collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

fn new_user() -> UserId {
    UserId(Uuid::now_v7())
}

fn new_thread() -> ThreadId {
    ThreadId(Uuid::new_v4())
}

/// A message of ann's kind: enough to be told from others.
fn message(author: UserId, seq: u64) -> EntryRow {
    EntryRow {
        seq,
        kind: EntryKind::Text,
        author,
        client_msg_id: None,
        ord: seq,
        at: Timestamp(1_000 + seq.cast_signed()),
        read_moved: true,
        erased: false,
        body: Body {
            text: Some(format!(
                "message {seq}, long enough to lie apart from its key in every engine"
            )),
            ..Body::default()
        },
    }
}

/// Messages after `expected_last_seq` and nothing else.
fn append_of(thread: ThreadId, author: UserId, expected_last_seq: u64, count: u64) -> Append {
    Append {
        thread,
        expected_last_seq,
        entries: (1..=count)
            .map(|n| message(author, expected_last_seq + n))
            .collect(),
        views: Vec::new(),
        erase: Vec::new(),
    }
}

/// One message with these views.
fn append_with(
    thread: ThreadId,
    author: UserId,
    expected_last_seq: u64,
    views: Vec<ViewChange>,
) -> Append {
    Append {
        views,
        ..append_of(thread, author, expected_last_seq, 1)
    }
}

async fn append(store: &SharedStore, append: Append) {
    assert_eq!(store.append(append).await.unwrap(), Appended::Done);
}

fn head_at(creator: UserId, last_seq: u64) -> HeadRow {
    HeadRow {
        kind: ThreadKind::Group,
        creator,
        created_at: Timestamp(1),
        title: Some("the lunch table".to_owned()),
        settings: Settings::default(),
        last_seq,
        ord: last_seq,
        last_at: Timestamp(1_000 + last_seq.cast_signed()),
        member_count: 3,
        membership_seq: 1,
        wide: false,
        last_message: None,
        last_other_seq: 0,
    }
}

#[cfg(test)]
mod tests {
    /// A promise that is not in the list of the macro would never be tried.
    #[test]
    fn every_promise_is_in_the_list() {
        let list = include_str!("mod.rs");
        for file in [
            include_str!("audit.rs"),
            include_str!("contact.rs"),
            include_str!("inbox.rs"),
            include_str!("log.rs"),
            include_str!("mark.rs"),
            include_str!("page.rs"),
            include_str!("session.rs"),
            include_str!("sync.rs"),
            include_str!("thread.rs"),
            include_str!("user.rs"),
            include_str!("user_thread.rs"),
        ] {
            let promises: Vec<_> = file
                .lines()
                .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
                .collect();
            assert!(!promises.is_empty());
            for promise in promises {
                assert!(list.contains(&format!("{promise},")), "{promise}");
            }
        }
    }
}
