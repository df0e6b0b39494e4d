//! What can go wrong, and why.

use std::fmt;

use redis::{ErrorKind, RedisError};
use serde::ser;

use crate::answers::{Incomplete, Unconfirmed};

/// Why a call failed. See [`Error`] for what may have been sent.
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
    /// Not all answers came in time.
    Incomplete,
    /// A room that no server can have, such as the number NaN.
    InvalidText,
    /// The connection broke while the servers were asked, and nobody knows whether they were.
    MaybeAsked,
    /// A call that waits for replies, and nobody has said on which connection: see
    /// [`Emitter::replies`](crate::Emitter::replies).
    NeedsReplies,
    /// A call that servers before Socket.IO 4 do not know.
    NeedsVersion4,
    /// A call that servers in Python have no message for.
    NoCounterpart,
    /// No server listens on the namespace.
    NoServers,
    /// A call that waits for replies, in a pipeline.
    Pipelined,
    /// Redis, or the way there, failed. A part may have been sent.
    Redis,
    /// A name that Socket.IO emits itself, such as `connect`: clients drop their connection for it.
    ReservedEvent,
    /// A version of Socket.IO other than 1 to 4.
    ServerVersion,
    /// The connection for replies broke, or could not be opened.
    Subscription,
    /// Rooms for a call that goes to servers.
    Targeted,
    /// A time to wait of nothing.
    Timeout,
    /// More than 1,000 levels, which end servers; for servers in Python, more than 300.
    TooDeep,
    /// It is not certain that the servers have taken everything, although all of them have answered.
    Unconfirmed,
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
            Self::Incomplete => "incomplete",
            Self::InvalidText => "invalid-text",
            Self::MaybeAsked => "maybe-asked",
            Self::NeedsReplies => "needs-replies",
            Self::NeedsVersion4 => "needs-version-4",
            Self::NoCounterpart => "no-counterpart",
            Self::NoServers => "no-servers",
            Self::Pipelined => "pipelined",
            Self::Redis => "redis",
            Self::ReservedEvent => "reserved-event",
            Self::ServerVersion => "server-version",
            Self::Subscription => "subscription",
            Self::Targeted => "targeted",
            Self::Timeout => "timeout",
            Self::TooDeep => "too-deep",
            Self::Unconfirmed => "unconfirmed",
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
    /// Some answers did not come in time. It holds those that did.
    #[error("{0}")]
    Incomplete(Box<Incomplete>),
    /// The connection for replies broke, or could not be opened. The servers may have been asked.
    #[error("the connection for replies: {0}")]
    Subscription(RedisError),
    /// The connection broke while the servers were asked. They are not asked again: those that were would answer, and act,
    /// twice.
    #[error("it is not known whether the servers were asked: {0}")]
    MaybeAsked(RedisError),
    /// All servers have answered `confirm`, and it is not certain all the same that they have taken everything. The next
    /// `confirm` begins anew.
    #[error("{0}")]
    Unconfirmed(Box<Unconfirmed>),
    /// Binary that ends servers with an adapter that is too old has not been sent, because of what came of asking them
    /// whether they can read it.
    #[error("{0}; the binary was not sent, because it is not certain that all servers can read it")]
    BinaryNotSent(Box<Error>),
}

impl Error {
    /// Why the call failed.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Redis(_) => Reason::Redis,
            Self::Incomplete(_) => Reason::Incomplete,
            Self::Subscription(_) => Reason::Subscription,
            Self::MaybeAsked(_) => Reason::MaybeAsked,
            Self::Unconfirmed(_) => Reason::Unconfirmed,
            Self::BinaryNotSent(err) => err.reason(),
        }
    }
}

impl Error {
    pub(crate) fn unconfirmed(servers: u64, why: String) -> Self {
        Self::Unconfirmed(Box::new(Unconfirmed { servers, why }))
    }

    pub(crate) fn subscription(err: RedisError) -> Self {
        Self::Subscription(without_secrets(err))
    }

    pub(crate) fn maybe_asked(err: RedisError) -> Self {
        Self::MaybeAsked(without_secrets(err))
    }

    /// What became of a question when Redis did not take it. Its own refusal says that nobody was asked.
    pub(crate) fn of_question(err: RedisError) -> Self {
        if is_answer(&err) { err.into() } else { Self::maybe_asked(err) }
    }
}

/// Whether Redis said it.
pub(crate) fn is_answer(err: &RedisError) -> bool {
    matches!(err.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

impl From<RedisError> for Error {
    fn from(err: RedisError) -> Self {
        Self::Redis(without_secrets(err))
    }
}

/// Redis repeats the words of a command that it does not know, and AUTH and HELLO may have been renamed.
pub(crate) fn without_secrets(err: RedisError) -> RedisError {
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
