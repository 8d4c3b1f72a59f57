//! What belongs to one person alone and must outlive every kill: sessions begun and ended, contacts,
//! drafts and read marks.

use super::call::{Answered, surely, until_answered};
use super::cast::login;
use super::stage::Stage;
use super::wrong::Wrong;
use anyhow::Result;
use kith_client::{Api, Session};
use kith_protocol::contact::AskContact;
use kith_protocol::thread::{Draft, InboxQuery, PatchMine};
use kith_protocol::{ErrorCode, ThreadId};
use std::collections::BTreeMap;

/// Sign-ins of one person in a round: those whose answers are lost count too, and the 33rd session
/// would end an earlier one.
const SIGN_INS_MAX: u64 = 10;

/// One person's own things, as they were acknowledged.
pub(super) struct Own {
    session: Session,
    friend: Session,
    is_friend: bool,
    devices: Vec<Session>,
    ended: Vec<Api>,
    sign_ins: u64,
    drafts: BTreeMap<ThreadId, Draft>,
    /// Read marks: they only grow.
    pub(super) read: BTreeMap<ThreadId, u64>,
}

impl Own {
    /// Nothing yet.
    pub(super) fn of(session: Session, friend: Session) -> Self {
        Self {
            session,
            friend,
            is_friend: false,
            devices: Vec::new(),
            ended: Vec::new(),
            sign_ins: 0,
            drafts: BTreeMap::new(),
            read: BTreeMap::new(),
        }
    }

    /// Signs another device in, or one of them out.
    pub(super) async fn change_devices(&mut self, stage: &Stage) -> Result<()> {
        if let Some(device) = self.devices.pop() {
            return self.sign_out(stage, device).await;
        }
        if self.sign_ins >= SIGN_INS_MAX {
            return Ok(());
        }
        let name = self.session.user.handle.clone();
        let call = async || {
            self.sign_ins += 1;
            login(&stage.api, &name).await
        };
        let device = surely("sign in", call).await?;
        self.devices.push(device);
        Ok(())
    }

    async fn sign_out(&mut self, stage: &Stage, device: Session) -> Result<()> {
        match until_answered(async || device.logout().await).await? {
            Answered::Yes(()) => {}
            // The first attempt ended it.
            Answered::No { problem, unsure } if unsure && problem.status == 401 => {}
            Answered::No { problem, .. } => stage.wrong(Wrong::Session, || {
                format!("{}: signing out: {problem}", self.session.user.handle)
            }),
        }
        self.ended.push(device.api().clone());
        Ok(())
    }

    /// Becomes a friend's contact, or parts.
    pub(super) async fn change_contact(&mut self) -> Result<()> {
        let (me, friend) = (&self.session, &self.friend);
        if self.is_friend {
            surely("part", async || me.part(friend.id()).await).await?;
        } else {
            // Asking each other is accepting.
            for (from, to) in [(me, friend), (friend, me)] {
                let ask = AskContact {
                    user_id: to.id(),
                    note: None,
                };
                surely("ask", async || from.ask_contact(&ask).await).await?;
            }
        }
        self.is_friend = !self.is_friend;
        Ok(())
    }

    /// Writes a draft over the last one.
    pub(super) async fn write_draft(
        &mut self,
        stage: &Stage,
        thread: ThreadId,
        text: String,
    ) -> Result<()> {
        let version = self.drafts.get(&thread).map_or(0, |draft| draft.version);
        let patch = PatchMine {
            draft: Some(Some(Draft {
                text: text.clone(),
                version,
            })),
            ..PatchMine::default()
        };
        let call = async || self.session.patch_mine(thread, &patch).await;
        let written = match until_answered(call).await? {
            Answered::Yes(mine) => mine.draft,
            // The first attempt wrote it: its version has passed.
            Answered::No { problem, unsure } if unsure => problem.draft.clone(),
            Answered::No { problem, .. } => {
                stage.wrong(Wrong::Draft, || format!("{thread}: {problem}"));
                return Ok(());
            }
        };
        match written {
            Some(draft) if draft.text == text => drop(self.drafts.insert(thread, draft)),
            other => stage.wrong(Wrong::Draft, || {
                format!("{thread}: wrote {text:?}, the answer has {other:?}")
            }),
        }
        Ok(())
    }

    /// Looks whether everything is as it was acknowledged; `spoilt` plants one fault.
    pub(super) async fn check(&self, stage: &Stage, spoilt: Option<Wrong>) -> Result<()> {
        self.check_sessions(stage, spoilt).await?;
        self.check_contact(stage, spoilt).await?;
        self.check_rows(stage, spoilt).await
    }

    async fn check_sessions(&self, stage: &Stage, spoilt: Option<Wrong>) -> Result<()> {
        let who = &self.session.user.handle;
        let alive = self.devices.iter().map(|device| device.api());
        let ended = self.ended.iter();
        let mut all: Vec<(&Api, bool)> = alive
            .chain([self.session.api()])
            .map(|api| (api, true))
            .chain(ended.map(|api| (api, false)))
            .collect();
        if spoilt == Some(Wrong::Session) {
            all[0].1 ^= true;
        }
        for (api, should_live) in all {
            let lives = match until_answered(async || api.me().await).await? {
                Answered::Yes(_) => true,
                Answered::No { problem, .. } => {
                    let expected = problem.code == ErrorCode::SessionRevoked;
                    if !expected && !should_live {
                        stage.wrong(Wrong::Session, || format!("{who}: ended, but {problem}"));
                    }
                    false
                }
            };
            if lives != should_live {
                stage.wrong(Wrong::Session, || {
                    format!("{who}: a session lives: {lives}, should: {should_live}")
                });
            }
        }
        Ok(())
    }

    async fn check_contact(&self, stage: &Stage, spoilt: Option<Wrong>) -> Result<()> {
        let should = self.is_friend ^ (spoilt == Some(Wrong::Contact));
        for (of, other) in [(&self.session, &self.friend), (&self.friend, &self.session)] {
            let contacts = surely("contacts", async || of.contacts().await).await?;
            let is = contacts.items.iter().any(|c| c.user.id == other.id());
            if is != should {
                stage.wrong(Wrong::Contact, || {
                    let (of, other) = (&of.user.handle, &other.user.handle);
                    format!("{of} has {other}: {is}, should: {should}")
                });
            }
        }
        Ok(())
    }

    async fn check_rows(&self, stage: &Stage, spoilt: Option<Wrong>) -> Result<()> {
        let query = InboxQuery {
            limit: Some(100),
            ..InboxQuery::default()
        };
        let inbox = surely("inbox", async || self.session.inbox(&query).await).await?;
        let who = &self.session.user.handle;
        for row in inbox.items {
            let (thread, mine) = (row.thread.id, row.mine);
            let mut draft = self.drafts.get(&thread).cloned();
            if spoilt == Some(Wrong::Draft) {
                draft = Some(Draft {
                    text: "never written".to_owned(),
                    version: 1,
                });
            }
            if mine.draft != draft {
                stage.wrong(Wrong::Draft, || {
                    format!("{who}: {thread}: {:?}, should be {draft:?}", mine.draft)
                });
            }
            let read = self.read.get(&thread).copied().unwrap_or(0);
            if mine.read_seq < read {
                stage.wrong(Wrong::Mark, || {
                    format!("{who}: {thread}: read {}, was {read}", mine.read_seq)
                });
            }
        }
        Ok(())
    }
}
