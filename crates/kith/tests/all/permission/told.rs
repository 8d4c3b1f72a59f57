//! What is pushed to whom.

use crate::support::wire::Wire;
use crate::support::{PASSWORD, Server};
use kith_client::{Session, credentials, new_msg_id};
use kith_protocol::contact::AskContact;
use kith_protocol::entry::{DeleteMessage, EditMessage, SendMessage};
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::{PatchThread, Role, SettingsPatch};
use kith_protocol::user::{Audience, PatchMe, PrivacyPatch};
use serde_json::{Value, json};
use std::time::Duration;

/// Who listens, in the order of the columns.
pub(super) const LISTENERS: [&str; 10] = [
    "owner",
    "owner's phone",
    "admin",
    "member",
    "muted",
    "shy",
    "ex-member",
    "stranger",
    "blocked",
    "kim",
];

/// Something that happened, and what each listener heard of it.
pub(super) struct Line {
    pub(super) what: String,
    pub(super) heard: Vec<String>,
}

/// Somebody who listens; frames come in the order in which they were sent.
struct Listener {
    wire: Wire,
    /// What was heard before the connection was closed.
    last: Option<Vec<String>>,
}

impl Listener {
    async fn new(server: &Server, session: &Session) -> Self {
        let wire = Wire::open(server, session).await;
        Self { wire, last: None }
    }

    /// Everything that was heard since, in short: the frame, and of entries their kinds.
    async fn heard(&mut self) -> Vec<String> {
        if let Some(last) = &mut self.last {
            return std::mem::take(last);
        }
        self.wire.is_alive().await;
        let frames = std::mem::take(&mut self.wire.pushes);
        frames.iter().map(brief).collect()
    }

    /// Waits for the end.
    async fn ends(&mut self) {
        let code = self.wire.closed().await;
        let frames = std::mem::take(&mut self.wire.pushes);
        let mut heard: Vec<String> = frames.iter().map(brief).collect();
        heard.push(format!("closed:{}", code.unwrap()));
        self.last = Some(heard);
    }
}

/// Hears what everybody hears, and holds it against what they should.
struct Recorder<'a> {
    server: &'a Server,
    listeners: Vec<Listener>,
    lines: Vec<Line>,
}

impl Recorder<'_> {
    /// What was told since the last call: each frame with those who must have heard it, in order.
    async fn told(&mut self, what: &str, expected: &[(&str, &[&str])]) {
        self.server.pass(Duration::from_secs(2)).await;
        let mut line = Vec::new();
        for (name, listener) in LISTENERS.iter().zip(&mut self.listeners) {
            let heard = listener.heard().await;
            let expected = expected.iter().filter(|(_, who)| who.contains(name));
            let expected: Vec<&str> = expected.map(|(frame, _)| *frame).collect();
            assert_eq!(heard, expected, "{what}: {name}");
            line.push(heard.join(", "));
        }
        self.lines.push(Line {
            what: what.to_owned(),
            heard: line,
        });
    }
}

pub(super) fn brief(frame: &Value) -> String {
    let word = frame["t"].as_str().unwrap();
    match word {
        "entry" => {
            let entries = frame["entries"].as_array().unwrap();
            let kinds: Vec<&str> = entries
                .iter()
                .map(|entry| entry["kind"].as_str().unwrap())
                .collect();
            kinds.join("+")
        }
        "typing" => format!("typing {}", frame["active"]),
        "contact" => {
            let is = |name: &str| {
                if frame.get(name).is_some_and(|flag| *flag != json!(false)) {
                    format!(" {name}")
                } else {
                    String::new()
                }
            };
            format!("contact{}{}{}", is("contact"), is("gone"), is("requests"))
        }
        _ => word.to_owned(),
    }
}

/// Lets everything happen that is pushed, and says who heard it.
pub(super) async fn lines() -> Vec<Line> {
    let server = Server::start().await;
    let mut sessions = Vec::new();
    for name in [
        "ann", "bo-lund", "cy-moss", "di-vale", "ed-hart", "flo", "gus", "jo-shy", "kim",
    ] {
        sessions.push(server.join(name).await);
    }
    let [ann, bo, cy, di, ed, flo, gus, jo, kim] = sessions.try_into().ok().unwrap();
    let phone = server
        .api()
        .login(&credentials("ann", PASSWORD, DeviceKind::Phone))
        .await
        .unwrap();
    // Jo shows neither typing nor receipts, and so sees none.
    let shy = PrivacyPatch {
        typing: Some(Audience::Nobody),
        receipts: Some(Audience::Nobody),
        ..PrivacyPatch::default()
    };
    let patch = PatchMe {
        privacy: Some(shy),
        ..PatchMe::default()
    };
    jo.patch_me(&patch).await.unwrap();
    let others = [&bo, &cy, &di, &ed, &jo].map(|session| session.id());
    let t = ann.group("tea", &others).await.unwrap().thread.id;
    ann.set_role(t, bo.id(), Role::Admin).await.unwrap();
    ann.set_role(t, di.id(), Role::Muted).await.unwrap();
    let direct = gus.direct(ann.id()).await.unwrap().thread.id;
    ann.block(gus.id()).await.unwrap();
    let hello = SendMessage::text(new_msg_id(), 0, "hello");
    let bos = bo.send(t, hello).await.unwrap().seq;
    server.pass(Duration::from_secs(2)).await;

    let mut all = Recorder {
        server: &server,
        listeners: Vec::new(),
        lines: Vec::new(),
    };
    for session in [&ann, &phone, &bo, &cy, &di, &jo, &ed, &flo, &gus, &kim] {
        all.listeners.push(Listener::new(&server, session).await);
    }
    let owners = ["owner", "owner's phone"];
    let members = ["owner", "owner's phone", "admin", "member", "muted", "shy"];
    let with_ed = [
        "owner",
        "owner's phone",
        "admin",
        "member",
        "muted",
        "shy",
        "ex-member",
    ];
    let shown = ["admin", "member", "muted"];
    let shown_with_ed = ["admin", "member", "muted", "ex-member"];
    all.told("nothing yet", &[]).await;

    let one = ann
        .send(t, SendMessage::text(new_msg_id(), 0, "one"))
        .await
        .unwrap()
        .seq;
    all.told("a message", &[("text", &with_ed)]).await;
    ann.typing(t, true).await.unwrap();
    ann.typing(t, false).await.unwrap();
    all.told(
        "typing",
        &[
            ("typing true", &shown_with_ed),
            ("typing false", &shown_with_ed),
        ],
    )
    .await;
    ann.remove_member(t, ed.id()).await.unwrap();
    all.told(
        "a removal: the last that the ex-member hears",
        &[("member_removed", &with_ed)],
    )
    .await;

    ann.send(t, SendMessage::text(new_msg_id(), 0, "two"))
        .await
        .unwrap();
    all.told("a message", &[("text", &members)]).await;
    let edit = EditMessage {
        client_msg_id: new_msg_id(),
        seen_head: 0,
        text: "uno".into(),
    };
    ann.edit(t, one, edit).await.unwrap();
    all.told("an edit", &[("edit", &members)]).await;
    ann.react(t, bos, "x").await.unwrap();
    ann.react(t, bos, "x").await.unwrap();
    ann.unreact(t, bos, "x").await.unwrap();
    all.told(
        "a reaction put twice and taken away",
        &[("react", &members), ("unreact", &members)],
    )
    .await;
    let delete = DeleteMessage {
        client_msg_id: new_msg_id(),
        seen_head: 0,
    };
    ann.delete(t, one, delete).await.unwrap();
    all.told("a deletion", &[("delete", &members)]).await;
    let title = PatchThread {
        title: Some("coffee".into()),
        settings: Some(SettingsPatch {
            open_history: Some(true),
            ..SettingsPatch::default()
        }),
    };
    ann.patch_thread(t, &title).await.unwrap();
    all.told(
        "title and settings",
        &[("title", &members), ("settings", &members)],
    )
    .await;
    ann.set_role(t, cy.id(), Role::Admin).await.unwrap();
    ann.set_role(t, cy.id(), Role::Member).await.unwrap();
    all.told("roles", &[("role", &members), ("role", &members)])
        .await;

    let bos = bo
        .send(t, SendMessage::text(new_msg_id(), 0, "three"))
        .await
        .unwrap()
        .seq;
    all.told("a message of another", &[("text", &members)])
        .await;
    ann.read(t, bos).await.unwrap();
    all.told("a read mark", &[("mine", &owners), ("receipt", &shown)])
        .await;
    ann.read(t, bos).await.unwrap();
    all.told("the same again", &[]).await;
    ann.typing(t, true).await.unwrap();
    all.told("typing", &[("typing true", &shown)]).await;
    jo.typing(t, true).await.unwrap();
    jo.read(t, bos).await.unwrap();
    all.told("what is hidden", &[("mine", &["shy"])]).await;

    let about = PatchMe {
        display_name: Some("Ann Other".into()),
        ..PatchMe::default()
    };
    ann.patch_me(&about).await.unwrap();
    all.told("a profile is fetched, not pushed", &[]).await;
    let both = ["owner", "owner's phone", "kim"];
    let ask = |session: &Session| AskContact {
        user_id: session.id(),
        note: None,
    };
    ann.ask_contact(&ask(&kim)).await.unwrap();
    all.told("a contact request", &[("contact requests", &both)])
        .await;
    kim.ask_contact(&ask(&ann)).await.unwrap();
    all.told("both asked", &[("contact contact requests", &both)])
        .await;
    ann.block(kim.id()).await.unwrap();
    all.told(
        "a block looks like the end of a contact",
        &[("contact gone", &both)],
    )
    .await;
    ann.unblock(kim.id()).await.unwrap();
    all.told("a block taken away", &[]).await;

    assert!(ann.typing(direct, true).await.is_err());
    assert!(gus.typing(direct, true).await.is_err());
    assert!(
        gus.send(direct, SendMessage::text(new_msg_id(), 0, "psst"))
            .await
            .is_err()
    );
    all.told("nothing passes a block", &[]).await;
    gus.block(ann.id()).await.unwrap();
    all.told("a block both ways", &[]).await;
    ann.unblock(gus.id()).await.unwrap();
    assert!(ann.typing(direct, true).await.is_err());
    assert!(
        ann.send(direct, SendMessage::text(new_msg_id(), 0, "hm"))
            .await
            .is_err()
    );
    all.told("nothing passes the one that is left", &[]).await;

    ann.add_members(t, &[kim.id()]).await.unwrap();
    let with_kim = [
        "owner",
        "owner's phone",
        "admin",
        "member",
        "muted",
        "shy",
        "kim",
    ];
    all.told("somebody comes in", &[("member_added", &with_kim)])
        .await;
    ann.send(t, SendMessage::text(new_msg_id(), 0, "four"))
        .await
        .unwrap();
    all.told("a message", &[("text", &with_kim)]).await;
    kim.remove_member(t, kim.id()).await.unwrap();
    all.told("somebody leaves", &[("member_left", &with_kim)])
        .await;
    ann.send(t, SendMessage::text(new_msg_id(), 0, "five"))
        .await
        .unwrap();
    all.told("a message", &[("text", &members)]).await;
    ann.add_members(t, &[ed.id()]).await.unwrap();
    all.told("an ex-member comes back", &[("member_added", &with_ed)])
        .await;
    ann.send(t, SendMessage::text(new_msg_id(), 0, "six"))
        .await
        .unwrap();
    all.told(
        "a message, with the one who came back",
        &[("text", &with_ed)],
    )
    .await;
    ed.remove_member(t, ed.id()).await.unwrap();
    all.told("and leaves again", &[("member_left", &with_ed)])
        .await;

    ann.end_session(phone.session.id).await.unwrap();
    all.listeners[1].ends().await;
    let phones = ["owner's phone"];
    all.told(
        "the owner revokes the phone",
        &[("session_ended", &phones), ("closed:4101", &phones)],
    )
    .await;
    ann.send(t, SendMessage::text(new_msg_id(), 0, "seven"))
        .await
        .unwrap();
    let without_phone = ["owner", "admin", "member", "muted", "shy"];
    all.told(
        "a message, without the revoked phone",
        &[("text", &without_phone)],
    )
    .await;

    ann.remove_member(t, ann.id()).await.unwrap();
    all.told("the owner leaves", &[("member_left", &without_phone)])
        .await;
    bo.send(t, SendMessage::text(new_msg_id(), 0, "six"))
        .await
        .unwrap();
    all.told(
        "a message",
        &[("text", &["admin", "member", "muted", "shy"])],
    )
    .await;
    all.lines
}
