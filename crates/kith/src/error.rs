//! What can be refused, each named after the refusal; the code, status and retry of each stand in
//! `kith-protocol`.

use kith_protocol::error::Retry;
use kith_protocol::session::{EndReason, Session};
use kith_protocol::thread::Draft;
use kith_protocol::{BadField, ErrorCode, Problem};
use kith_store::StoreError;

/// Why a request was not done. Nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A field cannot be accepted.
    #[error("{0}")]
    Field(#[from] BadField),
    /// No token, or an unknown one.
    #[error("no session has this token")]
    Unauthorized,
    /// Handle or password are wrong; which one is not said.
    #[error("handle or password are wrong")]
    WrongPassword,
    /// The session of this token ended.
    #[error("the session has ended: {0}")]
    SessionEnded(EndReason),
    /// The caller's role or the thread's kind does not allow it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// One of the two has blocked the other.
    #[error("one of the two has blocked the other")]
    Blocked,
    /// The other accepts direct messages from contacts only.
    #[error("the other accepts direct messages from contacts only")]
    ContactsOnly,
    /// The caller has left, or was removed.
    #[error("the caller is not a member any more")]
    NotAMember,
    /// A cookie request from elsewhere.
    #[error("{0}")]
    Origin(&'static str),
    /// There is no such thing, or the caller may not know of it.
    #[error("there is no such thing")]
    NotFound,
    /// Somebody has the handle.
    #[error("the handle is taken")]
    HandleTaken,
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(&'static str),
    /// Another draft was written meanwhile.
    #[error("the draft has another version")]
    DraftConflict(Option<Draft>),
    /// The group would have more members than allowed.
    #[error("a group has at most {0} members")]
    GroupFull(usize),
    /// The policy allows no further session of this kind.
    #[error("no further session of this kind is allowed")]
    SessionLimit(Vec<Session>),
    /// An earlier send of this connection to this thread was refused and comes first.
    #[error("an earlier send of this connection comes first")]
    OutOfOrder,
    /// The body is over its bound.
    #[error("at most {0} bytes")]
    TooLarge(usize),
    /// Another media type than JSON.
    #[error("{0}")]
    Unsupported(&'static str),
    /// Too often.
    #[error("too often; again in {retry_after_s} s")]
    RateLimited {
        /// When to come back.
        retry_after_s: u64,
    },
    /// A queue is full.
    #[error("{0}")]
    Overloaded(&'static str),
    /// The store cannot.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of ours.
    #[error("{0}")]
    Internal(&'static str),
}

/// Result of a rule.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The stable name.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Field(bad) => bad.code,
            Self::Unauthorized | Self::WrongPassword => ErrorCode::Unauthorized,
            Self::SessionEnded(EndReason::Replaced) => ErrorCode::SessionReplaced,
            Self::SessionEnded(EndReason::Disabled) => ErrorCode::AccountDisabled,
            Self::SessionEnded(EndReason::Expired) => ErrorCode::SessionExpired,
            Self::SessionEnded(_) => ErrorCode::SessionRevoked,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::Blocked => ErrorCode::Blocked,
            Self::ContactsOnly => ErrorCode::ContactsOnly,
            Self::NotAMember => ErrorCode::NotAMember,
            Self::Origin(_) => ErrorCode::Origin,
            Self::NotFound => ErrorCode::NotFound,
            Self::HandleTaken => ErrorCode::HandleTaken,
            Self::Conflict(_) | Self::DraftConflict(_) => ErrorCode::Conflict,
            Self::GroupFull(_) => ErrorCode::GroupFull,
            Self::SessionLimit(_) => ErrorCode::SessionLimit,
            Self::OutOfOrder => ErrorCode::OutOfOrder,
            Self::TooLarge(_) => ErrorCode::TooLarge,
            Self::Unsupported(_) => ErrorCode::Unsupported,
            Self::RateLimited { .. } => ErrorCode::RateLimited,
            Self::Overloaded(_) => ErrorCode::Overloaded,
            Self::Store(StoreError::Damaged(_)) | Self::Internal(_) => ErrorCode::Internal,
            Self::Store(_) => ErrorCode::StoreUnavailable,
        }
    }

    /// Whether the same request may be accepted later.
    pub fn is_retryable(&self) -> bool {
        self.code().retry() == Retry::Later
    }

    /// The refusal as it travels. What the store says stays in the log.
    pub fn problem(&self) -> Problem {
        if let Self::Field(bad) = self {
            return bad.clone().into();
        }
        let mut problem = Problem::of(self.code());
        match self {
            Self::Store(_) | Self::Internal(_) | Self::NotFound => {}
            Self::WrongPassword => {
                problem.retry = Retry::Never;
                problem.detail = Some(self.to_string());
            }
            Self::RateLimited { retry_after_s } => problem.retry_after_s = Some(*retry_after_s),
            Self::SessionLimit(sessions) => problem.sessions.clone_from(sessions),
            Self::DraftConflict(draft) => problem.draft.clone_from(draft),
            _ => problem.detail = Some(self.to_string()),
        }
        problem
    }
}
