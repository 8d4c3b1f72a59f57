//! A small store with a little of everything in it, for doctor to look at.

use super::Server;
use super::talk::{deletion, edit, text};
use kith::config::Config;
use kith::doctor::{Doctor, Ear, Finding, Summary, Told};
use kith_client::Session;
use kith_protocol::contact::AskContact;
use kith_protocol::entry::SendMessage;
use kith_protocol::session::DeviceKind;
use kith_protocol::thread::{Draft, PatchMine};
use kith_protocol::{ThreadId, UserId};
use kith_store::SharedStore;
use kith_store::embedded::damage::Damage;
use kith_store::embedded::{self, EmbeddedConfig};
use std::sync::Arc;
use tempfile::TempDir;

/// A group, a direct thread and four people, put away.
///
/// The log of the group: 1 ann made it with bo and cy; 2 ann names bo; 3 bo; 4 ann names everybody; 5 cy names bo;
/// 6 bo edits 3; 7 cy puts an emoji on 2; 8 ann deletes 5; 9 ann names cy; 10 cy leaves; 11 ann. Bo has read up
/// to 4. Ann and bo are contacts, ann and di were, cy has asked ann.
pub(crate) struct Patient {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) config: Arc<Config>,
    pub(crate) group: ThreadId,
    pub(crate) pair: ThreadId,
    pub(crate) ann: UserId,
    pub(crate) bo: UserId,
    pub(crate) cy: UserId,
    pub(crate) di: UserId,
    /// Bo's.
    pub(crate) session: Session,
    /// Of a device that ann has signed out.
    pub(crate) ended: Session,
}

fn naming(words: &str, named: &[UserId]) -> SendMessage {
    SendMessage {
        mentions: named.to_vec(),
        ..text(words)
    }
}

impl Patient {
    pub(crate) async fn new() -> Self {
        Self::of(Server::start().await).await
    }

    /// The same, put into a server that runs.
    pub(crate) async fn of(server: Server) -> Self {
        let (ann, bo) = (server.join("ann").await, server.join("boris").await);
        let (cy, di) = (server.join("cyril").await, server.join("diana").await);
        for other in [&bo, &di] {
            let request = ann.ask_contact(&asking(other)).await.unwrap();
            other.accept_contact(request.id).await.unwrap();
        }
        ann.part(di.id()).await.unwrap();
        cy.ask_contact(&asking(&ann)).await.unwrap();
        let pair = ann.direct(bo.id()).await.unwrap().thread.id;
        ann.send(pair, text("only for you")).await.unwrap();
        let group = fill_group(&ann, &bo, &cy).await;
        bo.read(group, 4).await.unwrap();
        bo.delivered(group, 11).await.unwrap();
        let draft = Draft {
            text: "what i was going to say".to_owned(),
            version: 0,
        };
        let mine = PatchMine {
            pinned: Some(true),
            draft: Some(Some(draft)),
            ..PatchMine::default()
        };
        ann.patch_mine(group, &mine).await.unwrap();
        let login = kith_client::credentials("ann", super::PASSWORD, DeviceKind::Desktop);
        let ended = server.api().login(&login).await.unwrap();
        ended.logout().await.unwrap();
        let (ann, cy, di) = (ann.id(), cy.id(), di.id());
        let (folder, config) = server.put_away().await;
        Self {
            folder,
            config,
            group,
            pair,
            ann,
            cy,
            di,
            bo: bo.id(),
            session: bo,
            ended,
        }
    }

    /// The folder, open to be damaged.
    pub(crate) fn damage(&self) -> Damage {
        Damage::of(self.folder.path()).unwrap()
    }

    pub(crate) fn store(&self) -> SharedStore {
        let embedded = EmbeddedConfig {
            folder: self.folder.path().into(),
            ..EmbeddedConfig::default()
        };
        embedded::open(embedded).unwrap()
    }

    /// What doctor finds in the folder, with names for ids, in order.
    pub(crate) async fn examined(&self, repair: bool) -> Vec<String> {
        let store = self.store();
        let doctor = Doctor::of_folder(store.clone(), &self.config, repair);
        let (findings, _) = report(doctor).await;
        store.close();
        self.in_names(&findings)
    }

    /// What doctor finds in the folder if it may hold only so much in memory.
    pub(crate) async fn examined_in_windows_of(&self, rows: usize) -> Vec<String> {
        let store = self.store();
        let doctor = Doctor::of_folder(store.clone(), &self.config, false).in_windows_of(rows);
        let (findings, _) = report(doctor).await;
        store.close();
        self.in_names(&findings)
    }

    /// What doctor finds on a server that runs on the folder; the server stops afterwards.
    pub(crate) async fn examined_running(self, repair: bool) -> (Self, Vec<String>) {
        let server = Server::on(self.folder, self.config, super::START).await;
        let (findings, _) = report(Doctor::of_node(server.node.clone(), repair)).await;
        let (folder, config) = server.put_away().await;
        let patient = Self {
            folder,
            config,
            ..self
        };
        let findings = patient.in_names(&findings);
        (patient, findings)
    }

    fn in_names(&self, findings: &[Finding]) -> Vec<String> {
        let names = [
            (self.group.to_string(), "group"),
            (self.pair.to_string(), "pair"),
            (self.ann.to_string(), "ann"),
            (self.bo.to_string(), "bo"),
            (self.cy.to_string(), "cy"),
            (self.di.to_string(), "di"),
            (self.session.session.id.to_string(), "of bo"),
        ];
        let name = |finding: &Finding| {
            let words = finding.to_string();
            names
                .iter()
                .fold(words, |words, (id, name)| words.replace(id, name))
        };
        let mut named: Vec<String> = findings.iter().map(name).collect();
        named.sort();
        named
    }
}

fn asking(whom: &Session) -> AskContact {
    AskContact {
        user_id: whom.id(),
        note: None,
    }
}

async fn fill_group(ann: &Session, bo: &Session, cy: &Session) -> ThreadId {
    let made = ann.group("plans", &[bo.id(), cy.id()]).await.unwrap();
    let group = made.thread.id;
    let everybody = SendMessage {
        mention_all: true,
        ..text("everybody")
    };
    ann.send(group, naming("hello", &[bo.id()])).await.unwrap();
    bo.send(group, text("hi")).await.unwrap();
    ann.send(group, everybody).await.unwrap();
    cy.send(group, naming("oh no", &[bo.id()])).await.unwrap();
    bo.edit(group, 3, edit("hi all")).await.unwrap();
    cy.react(group, 2, "👍").await.unwrap();
    ann.delete(group, 5, deletion()).await.unwrap();
    ann.send(group, naming("bye", &[cy.id()])).await.unwrap();
    cy.remove_member(group, cy.id()).await.unwrap();
    ann.send(group, text("late")).await.unwrap();
    group
}

/// What doctor tells.
pub(crate) async fn report(doctor: Doctor) -> (Vec<Finding>, Summary) {
    let (ear, mut heard) = Ear::new();
    let work = tokio::spawn(doctor.examine(ear));
    let mut findings = Vec::new();
    while let Some(told) = heard.recv().await {
        match told {
            Told::Finding(finding) => findings.push(finding),
            Told::Summary(summary) => {
                work.await.unwrap();
                return (findings, summary);
            }
            Told::Failed { why } => panic!("{why}"),
            Told::Size { .. } | Told::Progress { .. } | Told::More { .. } => {}
        }
    }
    panic!("doctor said no end");
}
