//! What can go wrong for a client: refused, unreachable, closed, or a disk that fails.

use kith_protocol::error::Retry;
use kith_protocol::{ErrorCode, Problem};

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered no, and says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// No answer came: whether the request was carried out is not known.
    #[error("server not reached: {0}")]
    Unreachable(String),
    /// The socket is closed.
    #[error("socket closed: {0}")]
    Closed(Closed),
    /// An answer that is not what the protocol says.
    #[error("answer not understood: {0}")]
    Garbled(String),
    /// An address that this client cannot use.
    #[error("address not usable: {0}")]
    Address(String),
    /// As many sends wait as the outbox holds: this one was not taken.
    #[error("outbox is full with {0} messages")]
    OutboxFull(usize),
    /// The client's own folder fails.
    #[error("client folder: {0}")]
    Disk(#[from] std::io::Error),
    /// The client was stopped, or its session is over.
    #[error("client has stopped")]
    Stopped,
}

/// How a socket ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// The close code; none if the connection was cut without one.
    pub code: Option<u16>,
    /// What was said with it, or what the network said.
    pub reason: String,
}

impl Closed {
    /// Whether the server said that dialling again is not allowed.
    pub fn is_final(&self) -> bool {
        self.code.is_some_and(|code| (4100..5000).contains(&code))
    }
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) => write!(f, "{code} {}", self.reason),
            None => write!(f, "cut ({})", self.reason),
        }
    }
}

impl ClientError {
    /// The code of a refusal.
    pub fn code(&self) -> Option<ErrorCode> {
        self.problem().map(|problem| problem.code)
    }

    /// The refusal, if it is one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.retry == Retry::Later,
            Self::Unreachable(_) => true,
            Self::Closed(closed) => !closed.is_final(),
            _ => false,
        }
    }

    /// Whether the session is dead: no request with its token will succeed any more.
    pub fn ends_session(&self) -> bool {
        match self {
            Self::Refused(problem) => problem.status == 401 && problem.retry == Retry::AfterLogin,
            Self::Closed(closed) => closed.is_final(),
            _ => false,
        }
    }
}

impl From<Problem> for ClientError {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}
