//! `kith-load demo`: a server full of conversations to look at.

use crate::support::Server;
use kith_client::{Session, credentials};
use kith_load::demo::fill;
use kith_load::demo::scene::{Scene, Thread};
use kith_load::replay::recorded::Recording;
use kith_protocol::ThreadId;
use kith_protocol::entry::{Entry, EntryKind, PageQuery};
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::{InboxQuery, InboxRow};
use std::collections::HashSet;
use std::path::Path;

/// Lines of each recorded file: enough for questions, answers and unread messages.
const LINES: usize = 60;

struct Visitor {
    session: Session,
    inbox: Vec<InboxRow>,
}

impl Visitor {
    async fn sign_in(server: &Server, handle: &str, password: &str) -> Self {
        let login = credentials(handle, password, DeviceKind::Web);
        let session = server.api().login(&login).await.unwrap();
        let limit = Some(100);
        let query = InboxQuery {
            limit,
            ..InboxQuery::default()
        };
        let inbox = session.inbox(&query).await.unwrap();
        assert_eq!(inbox.next, None);
        let inbox = inbox.items;
        Self { session, inbox }
    }

    /// The row of a conversation of the scene; a direct thread is named by the other's handle.
    async fn row(&self, handle: &str, thread: &Thread) -> &InboxRow {
        let peer = match thread.title {
            Some(_) => None,
            None => {
                let other = thread.people.iter().find(|who| *who != handle).unwrap();
                Some(self.session.user_by_handle(other).await.unwrap().id)
            }
        };
        let is_it =
            |row: &&InboxRow| row.thread.title == thread.title && row.thread.peer_id == peer;
        self.inbox.iter().find(is_it).unwrap()
    }

    async fn messages(&self, thread: ThreadId) -> Vec<Entry> {
        let query = PageQuery {
            limit: Some(200),
            ..PageQuery::default()
        };
        let mut entries = self.session.page(thread, query).await.unwrap().items;
        entries.retain(|entry| entry.kind == EntryKind::Text);
        entries
    }
}

fn sample(file: &str) -> Recording {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kith-load/sample");
    Recording::read_some(&[folder.join(file)], 0, LINES).unwrap()
}

#[tokio::test]
async fn both_visitors_find_all_that_the_scene_has_for_them() {
    let (server, scene) = (Server::start().await, Scene::built_in().unwrap());
    fill(server.api().base(), &scene, &[]).await.unwrap();
    for handle in &scene.log_in {
        let visitor = Visitor::sign_in(&server, handle, &scene.password).await;
        let theirs = scene
            .threads
            .iter()
            .filter(|thread| thread.people.contains(handle));
        let theirs: Vec<_> = theirs.collect();
        assert_eq!(visitor.inbox.len(), theirs.len());
        for thread in theirs {
            let row = visitor.row(handle, thread).await;
            let unread = thread.unread.get(handle).copied().unwrap_or_default();
            assert_eq!(row.mine.unread, unread as u64, "{handle}: {thread:?}");
            assert_eq!(row.mine.pinned, thread.pinned.contains(handle));
            assert_eq!(
                row.mine.muted_until.is_some(),
                thread.muted.contains(handle)
            );
            let draft = row.mine.draft.as_ref().map(|draft| &draft.text);
            assert_eq!(draft, thread.drafts.get(handle));
            let messages = visitor.messages(row.thread.id).await;
            assert_eq!(messages.len(), thread.lines.len());
            for (message, line) in messages.iter().zip(&thread.lines) {
                let said = line.edited.as_ref().unwrap_or(&line.text);
                let shown = (!line.deleted).then_some(said);
                assert_eq!(message.text.as_ref(), shown);
                assert_eq!(message.edited_seq.is_some(), line.edited.is_some());
                assert_eq!(message.reactions.len(), line.reactions.len());
                let answered = line.answers.map(|answered| messages[answered - 1].seq);
                assert_eq!(message.reply_to, answered);
            }
        }
        assert!(
            visitor.inbox.iter().any(|row| row.mine.mentions > 0),
            "{handle}"
        );
        assert!(!visitor.session.contacts().await.unwrap().items.is_empty());
        let requests = visitor.session.contact_requests().await.unwrap();
        assert!(requests.items.iter().any(|request| !request.accepted));
        let devices = visitor.session.sessions().await.unwrap().items;
        assert_eq!(devices.len(), 1, "only the visitor's own");
    }
    server.is_sound().await;
}

#[tokio::test]
async fn recorded_rooms_are_told_as_they_were_and_have_an_unread_end() {
    let (server, scene) = (Server::start().await, Scene::built_in().unwrap());
    let recordings = [sample("irc-ubuntu.jsonl"), sample("zh-chat.jsonl")];
    fill(server.api().base(), &scene, &recordings)
        .await
        .unwrap();
    let ann = Visitor::sign_in(&server, &scene.log_in[0], &scene.password).await;
    for room in recordings.iter().flat_map(|recording| &recording.rooms) {
        let (_, title) = room.name.split_once('/').unwrap();
        let row = ann
            .inbox
            .iter()
            .find(|row| row.thread.title.as_deref() == Some(title));
        let row = row.unwrap();
        let messages = ann.messages(row.thread.id).await;
        let told: Vec<_> = messages
            .iter()
            .map(|message| message.text.as_deref())
            .collect();
        let recorded: Vec<_> = room.lines.iter().map(|line| Some(&*line.text)).collect();
        assert_eq!(told, recorded, "{title}");
        assert_eq!(row.mine.unread, room.lines.len() as u64 / 10, "{title}");
    }
    let ubuntu = ann
        .inbox
        .iter()
        .find(|row| row.thread.title.as_deref() == Some("ubuntu"));
    let messages = ann.messages(ubuntu.unwrap().thread.id).await;
    assert!(messages.iter().any(|message| message.reply_to.is_some()));
    assert!(messages.iter().any(|message| !message.mentions.is_empty()));
    assert!(messages.iter().any(|message| !message.reactions.is_empty()));
    let people: HashSet<_> = messages.iter().map(|message| message.author_id).collect();
    assert!(people.len() > 5);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    std::fs::write(&mine, "").unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_kith"));
    let refused = kith_load::server::Server::at(binary, 0, Some(folder.path().into()));
    let why = refused.err().unwrap().to_string();
    assert!(why.ends_with("is not empty"), "{why}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
