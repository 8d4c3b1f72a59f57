//! A signed-in device: who it is, and every call with its token.

use crate::error::ClientError;
use crate::http::Api;
use crate::socket::Socket;
use kith_protocol::presence::{PushAddressQuery, State};
use kith_protocol::session::{Device, DeviceKind, Login, Register, SignedIn};
use kith_protocol::thread::{CreateThread, InboxRow, ThreadKind};
use kith_protocol::user::User;
use kith_protocol::{ClientMsgId, ClientThreadId, UserId};
use std::ops::Deref;
use uuid::Uuid;

/// A signed-in device. It is an [`Api`] with a token: every call can be made on it.
#[derive(Clone)]
pub struct Session {
    /// Who is signed in.
    pub user: User,
    /// The device.
    pub session: kith_protocol::session::Session,
    /// What proves it; never write it anywhere that others read.
    pub token: String,
    /// Sessions that this sign-in ended.
    pub replaced: Vec<kith_protocol::session::Session>,
    api: Api,
}

impl Deref for Session {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

impl Session {
    pub(crate) fn of(api: &Api, signed_in: SignedIn) -> Result<Self, ClientError> {
        let token = signed_in
            .token
            .ok_or_else(|| ClientError::Garbled("signed in without a token".into()))?;
        Ok(Self {
            user: signed_in.user,
            session: signed_in.session,
            api: api.with_token(&token),
            token,
            replaced: signed_in.replaced,
        })
    }

    /// The user's id.
    pub fn id(&self) -> UserId {
        self.user.id
    }

    /// The calls alone.
    pub fn api(&self) -> &Api {
        &self.api
    }
}

impl Api {
    /// Asks where to go, opens a socket there and says hello; `welcome` has come.
    pub async fn socket(&self) -> Result<Socket, ClientError> {
        let address = self.push_address(PushAddressQuery::default()).await?;
        let token = self.token().map(str::to_owned);
        Socket::open(&address.url, token, State::Online).await
    }

    /// The direct thread with somebody.
    pub async fn direct(&self, other: UserId) -> Result<InboxRow, ClientError> {
        self.create_thread(&CreateThread {
            kind: ThreadKind::Direct,
            participants: vec![other],
            title: None,
            history: None,
            client_thread_id: new_thread_id(),
        })
        .await
    }

    /// A new group with these others.
    pub async fn group(&self, title: &str, others: &[UserId]) -> Result<InboxRow, ClientError> {
        self.create_thread(&CreateThread {
            kind: ThreadKind::Group,
            participants: others.to_vec(),
            title: Some(title.to_owned()),
            history: None,
            client_thread_id: new_thread_id(),
        })
        .await
    }
}

/// What to register with, nothing more than needed.
pub fn registration(handle: &str, password: &str, kind: DeviceKind) -> Register {
    Register {
        handle: handle.to_owned(),
        password: password.to_owned(),
        display_name: None,
        email: None,
        device: device(kind),
        cookie: None,
    }
}

/// What to sign in with, nothing more than needed.
pub fn credentials(handle: &str, password: &str, kind: DeviceKind) -> Login {
    Login {
        handle: Some(handle.to_owned()),
        email: None,
        password: password.to_owned(),
        device: device(kind),
        takeover: None,
        cookie: None,
    }
}

/// A fresh id for a message: made once, kept on every retry.
pub fn new_msg_id() -> ClientMsgId {
    ClientMsgId(Uuid::new_v4())
}

/// A fresh id for a group: made once, kept on every retry.
pub fn new_thread_id() -> ClientThreadId {
    ClientThreadId(Uuid::new_v4())
}

fn device(kind: DeviceKind) -> Device {
    Device {
        kind,
        label: format!("kith-client on {}", std::env::consts::OS),
    }
}
