//! A typed call for every route of the protocol, in the order of its table.

use crate::error::ClientError;
use crate::http::{Api, CALL_TIMEOUT, encoded, segment, with_query};
use crate::session::Session;
use bytes::Bytes;
use hyper::Method;
use kith_protocol::contact::{AskContact, Block, Contact, ContactRequest};
use kith_protocol::entry::{
    Added, DeleteMessage, EditMessage, Marks, Page, PageQuery, Receipts, SendMessage, Sent, SetMark,
};
use kith_protocol::list::List;
use kith_protocol::presence::{Beat, Heartbeat, PushAddress, PushAddressQuery};
use kith_protocol::session::{EndSessions, Login, Register, SignedIn};
use kith_protocol::sync::{Sync, SyncQuery};
use kith_protocol::thread::{
    AddMembers, ByParticipants, CreateThread, InboxQuery, InboxRow, Member, Mine, PatchMember,
    PatchMine, PatchThread, Role, Thread, Typing,
};
use kith_protocol::user::{ChangePassword, FindUsers, Me, PatchMe, User};
use kith_protocol::{RequestId, SessionId, ThreadId, UserId};
use serde::de::IgnoredAny;
use std::time::Duration;

type Answer<T> = Result<T, ClientError>;

/// Accounts and sessions.
impl Api {
    /// Makes an account and signs in.
    pub async fn register(&self, register: &Register) -> Answer<Session> {
        let signed_in: SignedIn = self.with(Method::POST, "/v1/register", register).await?;
        Session::of(self, signed_in)
    }

    /// Signs in.
    pub async fn login(&self, login: &Login) -> Answer<Session> {
        let signed_in: SignedIn = self.with(Method::POST, "/v1/login", login).await?;
        Session::of(self, signed_in)
    }

    /// Ends this session.
    pub async fn logout(&self) -> Answer<()> {
        self.nothing(Method::POST, "/v1/logout").await
    }

    /// The caller's signed-in devices.
    pub async fn sessions(&self) -> Answer<List<kith_protocol::session::Session>> {
        self.get("/v1/sessions").await
    }

    /// Signs a device out.
    pub async fn end_session(&self, id: SessionId) -> Answer<()> {
        self.nothing(Method::DELETE, &format!("/v1/sessions/{id}"))
            .await
    }

    /// Signs out all devices but this one.
    pub async fn end_other_sessions(&self) -> Answer<()> {
        let path = with_query("/v1/sessions", &EndSessions { others: true })?;
        self.nothing(Method::DELETE, &path).await
    }

    /// The caller's account.
    pub async fn me(&self) -> Answer<Me> {
        self.get("/v1/me").await
    }

    /// Changes the caller's account.
    pub async fn patch_me(&self, patch: &PatchMe) -> Answer<Me> {
        self.with(Method::PATCH, "/v1/me", patch).await
    }

    /// A new password; ends all other sessions.
    pub async fn change_password(&self, change: &ChangePassword) -> Answer<()> {
        self.ignored(Method::PUT, "/v1/me/password", encoded(change)?)
            .await
    }

    /// People whose handle or name begins so.
    pub async fn find_users(&self, q: &str) -> Answer<List<User>> {
        self.query("/v1/users", &FindUsers { q: q.to_owned() })
            .await
    }

    /// Somebody's public profile.
    pub async fn user(&self, id: UserId) -> Answer<User> {
        self.get(&format!("/v1/users/{id}")).await
    }

    /// The same by handle, with or without the `@`.
    pub async fn user_by_handle(&self, handle: &str) -> Answer<User> {
        let handle = segment(handle.trim_start_matches('@'));
        self.get(&format!("/v1/users/@{handle}")).await
    }
}

/// Contacts.
impl Api {
    /// The caller's contacts.
    pub async fn contacts(&self) -> Answer<List<Contact>> {
        self.get("/v1/contacts").await
    }

    /// Takes somebody off the contacts, on both sides.
    pub async fn part(&self, user: UserId) -> Answer<()> {
        self.nothing(Method::DELETE, &format!("/v1/contacts/{user}"))
            .await
    }

    /// Asks somebody to become a contact.
    pub async fn ask_contact(&self, ask: &AskContact) -> Answer<ContactRequest> {
        self.with(Method::POST, "/v1/contacts/requests", ask).await
    }

    /// Requests from and to the caller.
    pub async fn contact_requests(&self) -> Answer<List<ContactRequest>> {
        self.get("/v1/contacts/requests").await
    }

    /// Accepts a request.
    pub async fn accept_contact(&self, id: RequestId) -> Answer<Contact> {
        let path = format!("/v1/contacts/requests/{id}/accept");
        self.call(Method::POST, &path, Bytes::new()).await
    }

    /// Declines a request.
    pub async fn decline_contact(&self, id: RequestId) -> Answer<()> {
        let path = format!("/v1/contacts/requests/{id}/decline");
        self.nothing(Method::POST, &path).await
    }

    /// People whom the caller has blocked.
    pub async fn blocks(&self) -> Answer<List<Block>> {
        self.get("/v1/blocks").await
    }

    /// Blocks somebody.
    pub async fn block(&self, user: UserId) -> Answer<()> {
        self.nothing(Method::PUT, &format!("/v1/blocks/{user}"))
            .await
    }

    /// Takes it back.
    pub async fn unblock(&self, user: UserId) -> Answer<()> {
        self.nothing(Method::DELETE, &format!("/v1/blocks/{user}"))
            .await
    }
}

/// Threads.
impl Api {
    /// Makes a thread, or finds the one that is there.
    pub async fn create_thread(&self, create: &CreateThread) -> Answer<InboxRow> {
        self.with(Method::POST, "/v1/threads", create).await
    }

    /// The direct thread of these people, or the newest group of exactly these; the caller
    /// included.
    pub async fn thread_by_participants(&self, users: &[UserId]) -> Answer<InboxRow> {
        let users: Vec<String> = users.iter().map(UserId::to_string).collect();
        let query = ByParticipants {
            users: users.join(","),
        };
        self.query("/v1/threads/by-participants", &query).await
    }

    /// A page of the inbox.
    pub async fn inbox(&self, query: &InboxQuery) -> Answer<List<InboxRow>> {
        self.query("/v1/threads", query).await
    }

    /// A thread as the caller sees it.
    pub async fn thread(&self, thread: ThreadId) -> Answer<Thread> {
        self.get(&format!("/v1/threads/{thread}")).await
    }

    /// Changes title or settings.
    pub async fn patch_thread(&self, thread: ThreadId, patch: &PatchThread) -> Answer<Thread> {
        self.with(Method::PATCH, &format!("/v1/threads/{thread}"), patch)
            .await
    }

    /// Changes what the caller privately has on a thread.
    pub async fn patch_mine(&self, thread: ThreadId, patch: &PatchMine) -> Answer<Mine> {
        self.with(Method::PATCH, &format!("/v1/threads/{thread}/mine"), patch)
            .await
    }

    /// The members.
    pub async fn members(&self, thread: ThreadId) -> Answer<List<Member>> {
        self.get(&format!("/v1/threads/{thread}/members")).await
    }

    /// Adds people.
    pub async fn add_members(&self, thread: ThreadId, user_ids: &[UserId]) -> Answer<()> {
        let add = AddMembers {
            user_ids: user_ids.to_vec(),
        };
        let path = format!("/v1/threads/{thread}/members");
        self.ignored(Method::POST, &path, encoded(&add)?).await
    }

    /// Gives a member another role.
    pub async fn set_role(&self, thread: ThreadId, user: UserId, role: Role) -> Answer<()> {
        let path = format!("/v1/threads/{thread}/members/{user}");
        self.ignored(Method::PATCH, &path, encoded(&PatchMember { role })?)
            .await
    }

    /// Removes a member; oneself: leaves.
    pub async fn remove_member(&self, thread: ThreadId, user: UserId) -> Answer<()> {
        self.nothing(
            Method::DELETE,
            &format!("/v1/threads/{thread}/members/{user}"),
        )
        .await
    }
}

/// Messages.
impl Api {
    /// A page of a thread's log.
    pub async fn page(&self, thread: ThreadId, query: PageQuery) -> Answer<Page> {
        self.query(&format!("/v1/threads/{thread}/messages"), &query)
            .await
    }

    /// Sends a message; the same call again is the same message.
    pub async fn send(&self, thread: ThreadId, message: SendMessage) -> Answer<Sent> {
        self.with(
            Method::POST,
            &format!("/v1/threads/{thread}/messages"),
            &message,
        )
        .await
    }

    /// New text for a message.
    pub async fn edit(&self, thread: ThreadId, seq: u64, edit: EditMessage) -> Answer<Added> {
        let path = format!("/v1/threads/{thread}/messages/{seq}");
        self.with(Method::PATCH, &path, &edit).await
    }

    /// Takes a message back.
    pub async fn delete(&self, thread: ThreadId, seq: u64, delete: DeleteMessage) -> Answer<Added> {
        let path = format!("/v1/threads/{thread}/messages/{seq}");
        self.call(Method::DELETE, &with_query(&path, &delete)?, Bytes::new())
            .await
    }

    /// Puts an emoji on a message.
    pub async fn react(&self, thread: ThreadId, seq: u64, emoji: &str) -> Answer<()> {
        self.nothing(Method::PUT, &reaction(thread, seq, emoji))
            .await
    }

    /// Takes it away.
    pub async fn unreact(&self, thread: ThreadId, seq: u64, emoji: &str) -> Answer<()> {
        self.nothing(Method::DELETE, &reaction(thread, seq, emoji))
            .await
    }

    /// Everything up to `seq` was read.
    pub async fn read(&self, thread: ThreadId, seq: u64) -> Answer<Marks> {
        let path = format!("/v1/threads/{thread}/read");
        self.with(Method::PUT, &path, &SetMark { seq }).await
    }

    /// Everything up to `seq` has arrived.
    pub async fn delivered(&self, thread: ThreadId, seq: u64) -> Answer<Marks> {
        let path = format!("/v1/threads/{thread}/delivered");
        self.with(Method::PUT, &path, &SetMark { seq }).await
    }

    /// Who has read and who holds an entry.
    pub async fn receipts(&self, thread: ThreadId, seq: u64) -> Answer<Receipts> {
        let path = format!("/v1/threads/{thread}/receipts");
        self.query(&path, &SetMark { seq }).await
    }

    /// The caller is typing, or stopped.
    pub async fn typing(&self, thread: ThreadId, active: bool) -> Answer<()> {
        let path = format!("/v1/threads/{thread}/typing");
        self.ignored(Method::POST, &path, encoded(&Typing { active })?)
            .await
    }
}

/// What changed, and who is here.
impl Api {
    /// What changed since a cursor; may wait as long as `wait_s` says.
    pub async fn sync(&self, query: SyncQuery) -> Answer<Sync> {
        let within = CALL_TIMEOUT + Duration::from_secs(query.wait_s.unwrap_or(0));
        let path = with_query("/v1/sync", &query)?;
        self.call_within(Method::GET, &path, Bytes::new(), within)
            .await
    }

    /// This session lives; what became of friends and large groups?
    pub async fn heartbeat(&self, heartbeat: &Heartbeat) -> Answer<Beat> {
        self.with(Method::POST, "/v1/heartbeat", heartbeat).await
    }

    /// Where to open a socket.
    pub async fn push_address(&self, query: PushAddressQuery) -> Answer<PushAddress> {
        self.query("/v1/push-address", &query).await
    }

    async fn nothing(&self, method: Method, path: &str) -> Answer<()> {
        self.ignored(method, path, Bytes::new()).await
    }

    /// A call whose answer, if there is one, adds nothing to its success.
    async fn ignored(&self, method: Method, path: &str, body: Bytes) -> Answer<()> {
        self.call::<IgnoredAny>(method, path, body).await.map(drop)
    }
}

fn reaction(thread: ThreadId, seq: u64, emoji: &str) -> String {
    let emoji = segment(emoji);
    format!("/v1/threads/{thread}/messages/{seq}/reactions/{emoji}")
}
