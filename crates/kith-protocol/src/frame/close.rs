//! Why sockets are closed, and what a client does then.

use crate::session::EndReason;

/// Why a socket was closed. From 4100 on a close is final: do not reconnect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum CloseCode {
    /// The client closed, or all is well.
    Normal = 1000,
    /// Text that is not UTF-8.
    NotUtf8 = 1007,
    /// Against the rules of this server.
    Policy = 1008,
    /// A frame over its bound.
    TooLarge = 1009,
    /// No hello within 10 s, or nothing received for 90 s.
    Idle = 4001,
    /// The reader was too slow for its queue.
    SlowReader = 4002,
    /// The server restarts or drains: reconnect with jitter.
    Restart = 4003,
    /// Another device of the same kind signed in.
    SessionReplaced = 4100,
    /// Signed out, revoked, or the password was changed.
    SignedOut = 4101,
    /// The account is disabled.
    AccountDisabled = 4102,
    /// The token is unknown or expired.
    TokenInvalid = 4103,
    /// Bad JSON, a binary frame, a second hello, or anything before hello.
    ProtocolError = 4104,
}

impl CloseCode {
    /// Every code, in order.
    pub const ALL: &'static [Self] = &[
        Self::Normal,
        Self::NotUtf8,
        Self::Policy,
        Self::TooLarge,
        Self::Idle,
        Self::SlowReader,
        Self::Restart,
        Self::SessionReplaced,
        Self::SignedOut,
        Self::AccountDisabled,
        Self::TokenInvalid,
        Self::ProtocolError,
    ];

    /// The code with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|code| *code as u16 == number)
    }

    /// Whether a client may dial again.
    pub const fn is_final(self) -> bool {
        self as u16 >= 4100
    }

    /// In words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "closed",
            Self::NotUtf8 => "text is not utf-8",
            Self::Policy => "against the rules of this server",
            Self::TooLarge => "frame too large",
            Self::Idle => "nothing heard for too long",
            Self::SlowReader => "reader too slow",
            Self::Restart => "server restarts",
            Self::SessionReplaced => "another device signed in",
            Self::SignedOut => "signed out",
            Self::AccountDisabled => "account disabled",
            Self::TokenInvalid => "token unknown or expired",
            Self::ProtocolError => "protocol error",
        }
    }
}

impl From<EndReason> for CloseCode {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Replaced => Self::SessionReplaced,
            EndReason::SignedOut | EndReason::Revoked | EndReason::PasswordChanged => {
                Self::SignedOut
            }
            EndReason::Disabled => Self::AccountDisabled,
            EndReason::Expired => Self::TokenInvalid,
        }
    }
}
