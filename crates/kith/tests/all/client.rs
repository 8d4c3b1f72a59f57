//! The good client against a real server: cuts, restarts, replaced sessions, blocked sockets.

use kith::config::{Config, DeviceRule, Policy};
use kith::server::{self, Running};
use kith_client::{
    Api, Client, ClientError, Clock, Draft, Event, Jitter, ManualClock, Options, Session,
    credentials, new_msg_id, registration,
};
use kith_protocol::entry::{EntryKind, PageQuery, SendMessage};
use kith_protocol::session::DeviceKind;
use kith_protocol::{ErrorCode, ThreadId};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};

/// Far longer than anything here takes.
const FOR_EVER: Duration = Duration::from_secs(60);

/// A server on a data folder of its own.
struct Server {
    running: Running,
    folder: tempfile::TempDir,
    config: Config,
}

impl Server {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        config.store.folder = folder.path().to_owned();
        config.limits.enabled = false;
        (config.password.memory_kib, config.password.iterations) = (8, 1);
        change(&mut config);
        let running = server::start(Arc::new(config.clone())).await.unwrap();
        Self {
            running,
            folder,
            config,
        }
    }

    /// The same data, another port.
    async fn restarted(self) -> Self {
        let Self {
            running,
            folder,
            config,
        } = self;
        running.drain().await;
        drop(running);
        let running = server::start(Arc::new(config.clone())).await.unwrap();
        Self {
            running,
            folder,
            config,
        }
    }

    async fn join(&self, handle: &str) -> Session {
        assert!(self.folder.path().exists());
        let api = Api::new(&format!("http://{}", self.running.address())).unwrap();
        api.register(&registration(handle, "correct horse", DeviceKind::Phone))
            .await
            .unwrap()
    }
}

/// A proxy that cuts its connections on demand.
struct Proxy {
    address: SocketAddr,
    target: watch::Sender<Option<SocketAddr>>,
    cut: broadcast::Sender<()>,
    taken: Arc<AtomicUsize>,
}

impl Proxy {
    async fn before(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (target, targets) = watch::channel(Some(target));
        let (cut, _) = broadcast::channel(1);
        let taken = Arc::new(AtomicUsize::new(0));
        let (cuts, count) = (cut.clone(), taken.clone());
        tokio::spawn(async move {
            while let Ok((mut inside, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let target = *targets.borrow();
                let mut cut = cuts.subscribe();
                tokio::spawn(async move {
                    let Some(target) = target else { return };
                    let Ok(mut outside) = TcpStream::connect(target).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut inside, &mut outside) => {}
                        _ = cut.recv() => {}
                    }
                });
            }
        });
        Self {
            address,
            target,
            cut,
            taken,
        }
    }

    fn api(&self, session: &Session) -> Api {
        Api::new(&format!("http://{}", self.address))
            .unwrap()
            .with_token(&session.token)
    }

    /// Cuts what is open; new connections go on, or die too.
    fn cut(&self, then: Option<SocketAddr>) {
        self.target.send_replace(then);
        // An error means that nothing was open.
        let _ = self.cut.send(());
    }
}

/// A client whose pauses take no time of the test.
struct Watched {
    client: Client,
    clock: ManualClock,
}

impl Watched {
    fn start(api: &Api, folder: Option<&Path>) -> Self {
        let clock = ManualClock::default();
        let options = Options {
            folder: folder.map(Path::to_owned),
            from_the_beginning: true,
            clock: Clock::Manual(clock.clone()),
            jitter: Jitter::Fixed(0.5),
            ..Options::default()
        };
        let client = Client::start(api, options).unwrap();
        Self { client, clock }
    }

    /// The next event for which `wanted` gives something; lets the client's time pass meanwhile.
    async fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        let looking = async {
            loop {
                tokio::select! {
                    event = self.client.next_event() => {
                        let event = event.expect("the client runs");
                        if let Some(found) = wanted(event) {
                            return found;
                        }
                    }
                    () = tokio::time::sleep(Duration::from_millis(20)) => {
                        self.clock.advance(Duration::from_millis(500));
                    }
                }
            }
        };
        tokio::time::timeout(FOR_EVER, looking)
            .await
            .expect("it comes")
    }

    async fn until_caught_up(&mut self) {
        self.until(|event| matches!(event, Event::CaughtUp).then_some(()))
            .await;
    }

    /// Entries of a thread until the one with this text; their seqs, as they came.
    async fn entries_until(&mut self, room: ThreadId, last: &str) -> Vec<u64> {
        let mut seqs = Vec::new();
        self.until(|event| {
            let Event::Entry { thread, entry } = event else {
                return None;
            };
            if thread == room {
                seqs.push(entry.seq);
            }
            (entry.text.as_deref() == Some(last)).then_some(())
        })
        .await;
        seqs
    }
}

fn text(text: &str) -> SendMessage {
    SendMessage::text(new_msg_id(), 0, text)
}

async fn texts(api: &Api, thread: ThreadId) -> Vec<String> {
    let query = PageQuery {
        limit: Some(200),
        ..PageQuery::default()
    };
    let page = api.page(thread, query).await.unwrap();
    let texts = page.items.into_iter().filter_map(|entry| entry.text);
    texts.collect()
}

#[tokio::test]
async fn a_line_that_is_cut_again_and_again_loses_doubles_and_reorders_nothing() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let proxy = Proxy::before(server.running.address()).await;
    let mut client = Watched::start(&proxy.api(&bo), None);
    client.until_caught_up().await;
    let behind = server.running.address();
    let sending = tokio::spawn(async move {
        for n in 0..120 {
            ann.send(room, text(&n.to_string())).await.unwrap();
            if n % 20 == 10 {
                proxy.cut(Some(behind));
            }
        }
        ann.send(room, text("last")).await.unwrap();
        proxy
    });
    let seqs = client.entries_until(room, "last").await;
    // The first entry, `created`, may have been shown before the client was caught up.
    let first = *seqs.first().unwrap();
    assert!(first <= 2, "{first}");
    assert_eq!(seqs, (first..=122).collect::<Vec<_>>());
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn what_was_written_while_the_server_was_away_arrives_once_and_in_order() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let proxy = Proxy::before(server.running.address()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut client = Watched::start(&proxy.api(&ann), Some(folder.path()));
    client.until_caught_up().await;
    let first = client.client.send(room, "1").await.unwrap();
    client
        .until(|event| match event {
            Event::SendDone { client_msg_id, .. } => (client_msg_id == first).then_some(()),
            _ => None,
        })
        .await;
    proxy.cut(None);
    for n in 2..=5 {
        client.client.send(room, n.to_string()).await.unwrap();
    }
    let server = server.restarted().await;
    proxy.cut(Some(server.running.address()));
    let mut done = Vec::new();
    client
        .until(|event| {
            if let Event::SendDone { sent, .. } = event {
                done.push(sent.ord);
            }
            (done.len() == 4).then_some(())
        })
        .await;
    assert_eq!(done, [2, 3, 4, 5]);
    assert_eq!(
        texts(&proxy.api(&bo), room).await,
        ["1", "2", "3", "4", "5"]
    );
}

#[tokio::test]
async fn the_outbox_survives_the_end_of_the_program_with_the_same_ids() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let proxy = Proxy::before(server.running.address()).await;
    let folder = tempfile::tempdir().unwrap();
    proxy.cut(None);
    let client = Watched::start(&proxy.api(&ann), Some(folder.path()));
    // The server has the first one, but its answer never came.
    let lost = text("1");
    ann.send(room, lost.clone()).await.unwrap();
    let mut ids = vec![client.client.send_message(room, lost).await.unwrap()];
    for n in 2..=3 {
        ids.push(client.client.send(room, n.to_string()).await.unwrap());
    }
    drop(client);

    proxy.cut(Some(server.running.address()));
    let mut client = Watched::start(&proxy.api(&ann), Some(folder.path()));
    let mut done = Vec::new();
    client
        .until(|event| {
            if let Event::SendDone { client_msg_id, .. } = event {
                done.push(client_msg_id);
            }
            (done.len() == 3).then_some(())
        })
        .await;
    assert_eq!(done, ids);
    assert_eq!(texts(&bo, room).await, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_client_goes_on_after_a_restart_where_it_stopped() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let folder = tempfile::tempdir().unwrap();
    let mut client = Watched::start(bo.api(), Some(folder.path()));
    client.until_caught_up().await;
    ann.send(room, text("before")).await.unwrap();
    client.entries_until(room, "before").await;
    client.client.close().await;
    for n in 0..3 {
        ann.send(room, text(&n.to_string())).await.unwrap();
    }
    ann.send(room, text("after")).await.unwrap();
    let mut client = Watched::start(bo.api(), Some(folder.path()));
    assert_eq!(client.entries_until(room, "after").await, [3, 4, 5, 6]);
}

#[tokio::test]
async fn a_replaced_session_says_by_whom_and_never_comes_back() {
    let server = Server::with(|config| {
        let (max, policy) = (1, Policy::Replace);
        config.session.phone = DeviceRule { max, policy };
    })
    .await;
    let ann = server.join("ann").await;
    let proxy = Proxy::before(server.running.address()).await;
    let mut client = Watched::start(&proxy.api(&ann), None);
    client.until_caught_up().await;
    let login = credentials("ann", "correct horse", DeviceKind::Phone);
    let second = ann.login(&login).await.unwrap();
    assert_eq!(second.replaced.len(), 1);
    let ending = client
        .until(|event| match event {
            Event::SessionEnded(ending) => Some(ending),
            _ => None,
        })
        .await;
    assert!(ending.was_replaced(), "{ending:?}");
    assert_eq!(ending.by.unwrap().kind, DeviceKind::Phone);

    let dialled = proxy.taken.load(Ordering::SeqCst);
    client.clock.advance(Duration::from_secs(3600));
    assert!(client.client.next_event().await.is_none());
    assert!(matches!(
        client.client.send(ThreadId::from_bytes([0; 16]), "x").await,
        Err(ClientError::Stopped)
    ));
    assert_eq!(proxy.taken.load(Ordering::SeqCst), dialled);

    // One that was away when it happened learns of it from its first call.
    let mut late = Watched::start(&proxy.api(&ann), None);
    let ending = late
        .until(|event| match event {
            Event::SessionEnded(ending) => Some(ending),
            _ => None,
        })
        .await;
    assert!(ending.was_replaced(), "{ending:?}");
    assert!(second.me().await.is_ok());
}

#[tokio::test]
async fn where_sockets_are_blocked_polls_bring_messages_and_calls_send_them() {
    // Nobody listens on the port that the push address names.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let blocked = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let server = Server::with(|config| config.http.public_url = Some(blocked)).await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let mut client = Watched::start(bo.api(), None);
    client.until_caught_up().await;
    for n in 0..3 {
        ann.send(room, text(&n.to_string())).await.unwrap();
    }
    ann.send(room, text("found")).await.unwrap();
    assert!(
        client
            .entries_until(room, "found")
            .await
            .ends_with(&[3, 4, 5])
    );
    for n in 4..7 {
        client.client.send(room, n.to_string()).await.unwrap();
    }
    assert_eq!(client.entries_until(room, "6").await, [6, 7, 8]);
    assert_eq!(texts(&ann, room).await[4..], ["4", "5", "6"]);
}

#[tokio::test]
async fn a_member_who_comes_back_is_shown_the_own_stays_and_nothing_between() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.group("room", &[bo.id()]).await.unwrap().thread.id;
    let mut client = Watched::start(bo.api(), None);
    client.until_caught_up().await;
    ann.send(room, text("seen")).await.unwrap();
    client.entries_until(room, "seen").await;
    ann.remove_member(room, bo.id()).await.unwrap();
    client
        .until(|event| match event {
            Event::Entry { entry, .. } => (entry.kind == EntryKind::MemberRemoved).then_some(()),
            _ => None,
        })
        .await;
    for n in 0..3 {
        ann.send(room, text(&n.to_string())).await.unwrap();
    }
    ann.add_members(room, &[bo.id()]).await.unwrap();
    ann.send(room, text("back")).await.unwrap();
    assert_eq!(client.entries_until(room, "back").await, [7, 8]);
}

#[tokio::test]
async fn a_refusal_for_good_is_told_and_the_next_message_goes_through() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let mut client = Watched::start(ann.api(), None);
    client.until_caught_up().await;
    let reply = Draft {
        reply_to: Some(99),
        ..Draft::from("to nothing")
    };
    client.client.send(room, reply).await.unwrap();
    client.client.send(room, "fine").await.unwrap();
    let code = client
        .until(|event| match event {
            Event::SendRefused {
                problem, message, ..
            } => {
                assert_eq!(message.text.as_deref(), Some("to nothing"));
                Some(problem.code)
            }
            _ => None,
        })
        .await;
    assert!(
        matches!(code, ErrorCode::NotFound | ErrorCode::InvalidField),
        "{code}"
    );
    client
        .until(|event| matches!(event, Event::SendDone { .. }).then_some(()))
        .await;
    assert_eq!(texts(&bo, room).await, ["fine"]);
}

#[tokio::test]
async fn an_inbox_that_differs_from_its_digest_is_taken_anew() {
    let server = Server::start().await;
    let (ann, bo) = (server.join("ann").await, server.join("boris").await);
    let room = ann.direct(bo.id()).await.unwrap().thread.id;
    let folder = tempfile::tempdir().unwrap();
    let mut client = Watched::start(bo.api(), Some(folder.path()));
    client.until_caught_up().await;
    client.client.close().await;
    // A cursor that claims more than was told: as if a row had been lost.
    let path = folder.path().join("state.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let rows = state["told"]["rows"].as_object_mut().unwrap();
    assert!(rows.remove(&room.to_string()).is_some());
    std::fs::write(&path, serde_json::to_vec(&state).unwrap()).unwrap();

    let mut client = Watched::start(bo.api(), Some(folder.path()));
    let told = client
        .until(|event| match event {
            Event::Row(row) => Some(row.thread.id),
            _ => None,
        })
        .await;
    assert_eq!(told, room);
}
