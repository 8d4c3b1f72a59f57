//! What the screen wants done beside it, and what comes of it. A call never keeps the screen
//! waiting: its answer comes like any other event.

use crate::cli::chat::home::Account;
use kith_client::{Api, ClientError, Draft as Words, Ending, Found, new_msg_id};
use kith_protocol::contact::{AskContact, Block, Contact, ContactRequest};
use kith_protocol::entry::{DeleteMessage, EditMessage, Page, PageQuery, Receipts, SendMessage};
use kith_protocol::presence::State;
use kith_protocol::session::Session;
use kith_protocol::thread::{
    Draft, INBOX_LIMIT, InboxFilter, InboxQuery, InboxRow, Member, Mine, PatchMine, PatchThread,
    Role,
};
use kith_protocol::user::User;
use kith_protocol::{ClientMsgId, ErrorCode, RequestId, SessionId, ThreadId, UserId};

/// Pages of the inbox that are shown: 10,000 threads, more than a list can be looked through.
const INBOX_PAGES_MAX: usize = 100;

/// Something to be done.
#[derive(Clone, Debug)]
pub(super) enum Errand {
    /// By the client, in order.
    Send {
        thread: ThreadId,
        words: Box<Words>,
    },
    Read(ThreadId, u64),
    Typing(ThreadId, bool),
    Subscribe(ThreadId),
    State(State),
    Sync,
    /// By the terminal.
    Bell,
    /// On this device.
    Remember(ThreadId),
    Search(String),
    Accounts,
    SignIn(Box<Credentials>),
    SignOut,
    Switch(String),
    /// By a call.
    Call(Call),
}

/// Who wants in.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) server: String,
    pub(super) handle: String,
    pub(super) password: String,
    /// The account is to be made.
    pub(super) is_new: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// A call of the server.
#[derive(Clone, Debug)]
pub(super) enum Call {
    Page {
        thread: ThreadId,
        query: PageQuery,
    },
    Inbox,
    Members(ThreadId),
    Receipts(ThreadId, u64),
    User(UserId),
    People,
    Devices,
    Direct(String),
    DirectWith(UserId),
    Group {
        title: String,
        people: Vec<String>,
    },
    Add(ThreadId, Vec<String>),
    Remove(ThreadId, UserId),
    Leave(ThreadId, UserId),
    Role(ThreadId, UserId, Role),
    Retitle(ThreadId, String),
    Edit {
        thread: ThreadId,
        seq: u64,
        seen_head: u64,
        text: String,
    },
    Delete {
        thread: ThreadId,
        seq: u64,
        seen_head: u64,
    },
    React {
        thread: ThreadId,
        seq: u64,
        emoji: String,
        on: bool,
    },
    Mine(ThreadId, PatchMine),
    Draft(ThreadId, Option<Draft>),
    Ask(String),
    Accept(RequestId),
    Decline(RequestId),
    Part(UserId),
    Block(UserId),
    Unblock(UserId),
    EndSession(SessionId),
    EndOthers,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    Page(ThreadId, PageQuery, Box<Page>),
    Members(ThreadId, Vec<Member>),
    Receipts(ThreadId, u64, Receipts),
    User(User),
    Inbox(Vec<InboxRow>),
    People(Vec<Contact>, Vec<ContactRequest>, Vec<Block>),
    Devices(Vec<Session>),
    /// A thread to be opened.
    Opened(Box<InboxRow>),
    Mine(ThreadId, Mine),
    /// The draft was changed elsewhere: it is this one now.
    DraftConflict(ThreadId, Draft),
    /// On this device.
    Queued(ThreadId, Box<SendMessage>),
    NotQueued(ThreadId, Box<Words>, String),
    Waiting(Vec<(ThreadId, SendMessage)>),
    Remembered(ThreadId, Vec<kith_protocol::entry::Entry>),
    Found(String, Vec<Found>),
    Accounts(Vec<Account>),
    SignInFailed(String),
    Done(Call),
    Failed(Call, String),
    Wrong(String),
    Ended(Ending),
}

/// Makes a call; never fails, since a refusal is an answer too.
pub(super) async fn call(api: Api, call: Call) -> Answer {
    match answer_to(&api, &call).await {
        Ok(answer) => answer,
        Err(error) => match error.downcast_ref::<ClientError>() {
            Some(error) if error.ends_session() => Answer::Ended(Ending::by_error(error)),
            _ => Answer::Failed(call, format!("{error:#}")),
        },
    }
}

async fn answer_to(api: &Api, call: &Call) -> anyhow::Result<Answer> {
    match call.clone() {
        Call::Page { thread, query } => {
            let page = api.page(thread, query.clone()).await?;
            return Ok(Answer::Page(thread, query, Box::new(page)));
        }
        Call::Members(thread) => {
            return Ok(Answer::Members(thread, api.members(thread).await?.items));
        }
        Call::Receipts(thread, seq) => {
            let receipts = api.receipts(thread, seq).await?;
            return Ok(Answer::Receipts(thread, seq, receipts));
        }
        Call::User(user) => return Ok(Answer::User(api.user(user).await?)),
        Call::People => {
            let contacts = api.contacts().await?.items;
            let requests = api.contact_requests().await?.items;
            let blocks = api.blocks().await?.items;
            return Ok(Answer::People(contacts, requests, blocks));
        }
        Call::Inbox => return Ok(Answer::Inbox(inbox(api).await?)),
        Call::Devices => return Ok(Answer::Devices(api.sessions().await?.items)),
        Call::Direct(_) | Call::DirectWith(_) | Call::Group { .. } => {
            return opened(api, call).await;
        }
        Call::Mine(thread, patch) => {
            return Ok(Answer::Mine(thread, api.patch_mine(thread, &patch).await?));
        }
        Call::Draft(thread, draft) => return save(api, thread, draft).await,
        Call::Add(thread, people) => {
            let people = find_all(api, &people).await?;
            api.add_members(thread, &people).await?;
        }
        Call::Remove(thread, user) | Call::Leave(thread, user) => {
            api.remove_member(thread, user).await?;
        }
        Call::Role(thread, user, role) => api.set_role(thread, user, role).await?,
        Call::Retitle(thread, title) => {
            let (title, settings) = (Some(title), None);
            let patch = PatchThread { title, settings };
            api.patch_thread(thread, &patch).await?;
        }
        call => return about_messages_or_people(api, call).await,
    }
    Ok(Answer::Done(call.clone()))
}

async fn about_messages_or_people(api: &Api, call: Call) -> anyhow::Result<Answer> {
    let client_msg_id: ClientMsgId = new_msg_id();
    match call.clone() {
        Call::Edit {
            thread,
            seq,
            seen_head,
            text,
        } => {
            let edit = EditMessage {
                client_msg_id,
                seen_head,
                text,
            };
            api.edit(thread, seq, edit).await?;
        }
        Call::Delete {
            thread,
            seq,
            seen_head,
        } => {
            let delete = DeleteMessage {
                client_msg_id,
                seen_head,
            };
            api.delete(thread, seq, delete).await?;
        }
        Call::React {
            thread,
            seq,
            emoji,
            on: true,
        } => api.react(thread, seq, &emoji).await?,
        Call::React {
            thread, seq, emoji, ..
        } => api.unreact(thread, seq, &emoji).await?,
        Call::Ask(text) => {
            let (who, note) = text.split_once(' ').unwrap_or((&text, ""));
            let note = Some(note.trim().to_owned()).filter(|note| !note.is_empty());
            let user_id = find(api, who).await?;
            api.ask_contact(&AskContact { user_id, note }).await?;
        }
        Call::Accept(request) => drop(api.accept_contact(request).await?),
        Call::Decline(request) => api.decline_contact(request).await?,
        Call::Part(user) => api.part(user).await?,
        Call::Block(user) => api.block(user).await?,
        Call::Unblock(user) => api.unblock(user).await?,
        Call::EndSession(session) => api.end_session(session).await?,
        Call::EndOthers => api.end_other_sessions().await?,
        _ => {}
    }
    Ok(Answer::Done(call))
}

async fn opened(api: &Api, call: &Call) -> anyhow::Result<Answer> {
    let row = match call {
        Call::Direct(who) => api.direct(find(api, who).await?).await?,
        Call::DirectWith(user) => api.direct(*user).await?,
        Call::Group { title, people } => {
            let people = find_all(api, people).await?;
            api.group(title, &people).await?
        }
        _ => anyhow::bail!("there is no such thread"),
    };
    Ok(Answer::Opened(Box::new(row)))
}

/// A draft that was changed elsewhere meanwhile is told, not overwritten.
async fn save(api: &Api, thread: ThreadId, draft: Option<Draft>) -> anyhow::Result<Answer> {
    let patch = PatchMine {
        draft: Some(draft),
        ..PatchMine::default()
    };
    match api.patch_mine(thread, &patch).await {
        Ok(mine) => Ok(Answer::Mine(thread, mine)),
        Err(ClientError::Refused(problem)) if problem.code == ErrorCode::Conflict => {
            match problem.draft.clone() {
                Some(draft) => Ok(Answer::DraftConflict(thread, draft)),
                None => Err(ClientError::Refused(problem).into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// All threads, those that are archived too.
async fn inbox(api: &Api) -> anyhow::Result<Vec<InboxRow>> {
    let mut rows = Vec::new();
    for filter in [None, Some(InboxFilter::Archived)] {
        let mut cursor = None;
        for _ in 0..INBOX_PAGES_MAX {
            let limit = Some(*INBOX_LIMIT.end());
            let query = InboxQuery {
                cursor,
                limit,
                filter,
            };
            let page = api.inbox(&query).await?;
            rows.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(rows)
}

/// Somebody by handle, with or without the `@`.
async fn find(api: &Api, who: &str) -> anyhow::Result<UserId> {
    let handle = who.trim().trim_start_matches('@').to_lowercase();
    match api.user_by_handle(&handle).await {
        Ok(user) => Ok(user.id),
        Err(error) if error.code() == Some(ErrorCode::NotFound) => {
            anyhow::bail!("nobody is called @{handle}: check how it is written")
        }
        Err(error) => Err(error.into()),
    }
}

async fn find_all(api: &Api, people: &[String]) -> anyhow::Result<Vec<UserId>> {
    let mut found = Vec::new();
    for who in people {
        found.push(find(api, who).await?);
    }
    Ok(found)
}
