//! What can go wrong, and why.

use std::fmt;

use redis::RedisError;
use serde::ser;

/// Why a call failed. Of all but [`Reason::Redis`], nothing has been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// An option that the adapter does not have, or not with this value.
    AdapterOption,
    /// Binary where servers read JSON only.
    BinaryInJson,
    /// An event without a name.
    EmptyEvent,
    /// A room without a name, or a list without a room: it would reach everyone.
    EmptyRoom,
    /// Socket.IO 1 to 3 and servers in Python leave out socket ids only, and would ignore a room.
    ExceptRoom,
    /// A room that no server can have, such as the number NaN.
    InvalidText,
    /// A call that servers before Socket.IO 4 do not know.
    NeedsVersion4,
    /// A call that servers in Python have no message for.
    NoCounterpart,
    /// Redis, or the way there, failed. A part may have been sent.
    Redis,
    /// A name that Socket.IO emits itself, such as `connect`: clients drop their connection for it.
    ReservedEvent,
    /// A version of Socket.IO other than 1 to 4.
    ServerVersion,
    /// Rooms for a call that goes to servers.
    Targeted,
    /// More than 1,000 levels, which end servers; for servers in Python, more than 300.
    TooDeep,
    /// A value that has no JSON form, or that harms a client.
    Unencodable,
    /// With several streams, no server reads the one of this namespace.
    UnreadStream,
}

impl Reason {
    /// The name that the emitters in all languages have for it, such as `empty-room`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdapterOption => "adapter-option",
            Self::BinaryInJson => "binary-in-json",
            Self::EmptyEvent => "empty-event",
            Self::EmptyRoom => "empty-room",
            Self::ExceptRoom => "except-room",
            Self::InvalidText => "invalid-text",
            Self::NeedsVersion4 => "needs-version-4",
            Self::NoCounterpart => "no-counterpart",
            Self::Redis => "redis",
            Self::ReservedEvent => "reserved-event",
            Self::ServerVersion => "server-version",
            Self::Targeted => "targeted",
            Self::TooDeep => "too-deep",
            Self::Unencodable => "unencodable",
            Self::UnreadStream => "unread-stream",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call that failed. [`Error::reason`] is for programs, the text is for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call is wrong. Nothing has been sent.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Redis, or the way there, failed. The text never holds a password.
    #[error("Redis: {0}")]
    Redis(RedisError), // no source, which would be told twice where all of them are printed
}

impl Error {
    /// Why the call failed.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Redis(_) => Reason::Redis,
        }
    }
}

impl From<RedisError> for Error {
    fn from(err: RedisError) -> Self {
        Self::Redis(without_secrets(err))
    }
}

/// Redis repeats the words of a command that it does not know, and AUTH and HELLO may have been renamed.
fn without_secrets(err: RedisError) -> RedisError {
    const ARGUMENTS: &str = "with args beginning with:";
    let text = err.to_string();
    match text.find(ARGUMENTS) {
        None => err,
        Some(at) => RedisError::from((
            err.kind(),
            "Redis does not know a command",
            format!("{}with arguments that are not repeated here", &text[..at]),
        )),
    }
}

/// What is wrong with a call.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Refusal(Box<Inner>); // a box, because encoding passes it through many hands

#[derive(Clone, Debug)]
struct Inner {
    reason: Reason,
    message: String,
}

impl Refusal {
    #[cold]
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { reason, message: message.into() }))
    }

    /// Why the call was refused.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Says which argument it is about.
    #[cold]
    pub(crate) fn of_argument(mut self, event: &str, index: usize) -> Self {
        self.0.message = format!("argument {} of event {event:?}: {}", index + 1, self.0.message);
        self
    }
}

/// What an implementation of `Serialize` has to say against a value.
impl ser::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Reason::Unencodable, message.to_string())
    }
}
