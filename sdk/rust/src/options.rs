//! What the servers have set.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::classic::Classic;
use crate::error::{Error, Reason, Refusal};
use crate::python::Python;
use crate::sharded::Sharded;
use crate::streams::Streams;

/// The major version of Socket.IO that servers have unless it is said.
pub(crate) const CURRENT_VERSION: u32 = 4;

/// The adapter by which the servers are joined.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Adapter {
    /// That of `createAdapter` of `@socket.io/redis-adapter` and `socket.io-redis`, for Socket.IO 1 to 4.
    #[default]
    Classic,
    /// That of `createShardedAdapter`.
    Sharded(Sharded),
    /// That of `@socket.io/redis-streams-adapter`.
    Streams(Streams),
    /// That of python-socketio and Flask-SocketIO.
    Python(Python),
}

impl From<Sharded> for Adapter {
    fn from(sharded: Sharded) -> Self {
        Self::Sharded(sharded)
    }
}

impl From<Streams> for Adapter {
    fn from(streams: Streams) -> Self {
        Self::Streams(streams)
    }
}

impl From<Python> for Adapter {
    fn from(python: Python) -> Self {
        Self::Python(python)
    }
}

/// How events are written for servers with the classic adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// What all servers read, unless they have a parser of their own.
    #[default]
    MessagePack,
    /// For servers whose adapter has a `parser` of JSON. It cannot carry binary.
    Json,
}

impl FromStr for Codec {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "messagepack" => Ok(Self::MessagePack),
            "json" => Ok(Self::Json),
            _ => Err(option(format!("codec {name:?}: it is messagepack or json")).into()),
        }
    }
}

type LooksLikeAnId = dyn Fn(&str) -> bool + Send + Sync;

/// The options of an emitter, which must be those of the servers.
///
/// ```
/// use sioemit::{Options, Sharded, SubscriptionMode};
///
/// let old = Options::new().server_version(2).key("app");
/// let sharded = Options::new().adapter(Sharded::new().subscription_mode(SubscriptionMode::Static));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    adapter: Adapter,
    key: Option<String>,
    server_version: Option<u32>,
    codec: Option<Codec>,
    max_attachments: Option<usize>,
    socket_ids: Option<Arc<LooksLikeAnId>>,
}

impl Options {
    /// Those of servers with the classic adapter and its defaults, on Socket.IO 4.
    pub fn new() -> Self {
        Self::default()
    }

    /// The adapter of the servers, [`Sharded`], [`Streams`] or [`Python`], when it is not the classic one.
    pub fn adapter(mut self, adapter: impl Into<Adapter>) -> Self {
        self.adapter = adapter.into();
        self
    }

    /// The classic adapter's `key`, by default `socket.io`.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The major version of the servers' Socket.IO, 1 to 4, by default 4. It belongs to the classic adapter.
    pub fn server_version(mut self, version: u32) -> Self {
        self.server_version = Some(version);
        self
    }

    /// How events are written. It belongs to the classic adapter.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// How many binary values an event may hold, by default 10: more disconnect clients with socket.io-parser 4.2.6 or
    /// later.
    pub fn max_attachments(mut self, count: usize) -> Self {
        self.max_attachments = Some(count);
        self
    }

    /// Tells ids of sockets on servers before Socket.IO 4, or in Python, that make their own. Those leave out socket ids
    /// only.
    pub fn socket_ids(mut self, looks_like_one: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.socket_ids = Some(Arc::new(looks_like_one));
        self
    }

    pub(crate) fn settings(self) -> Result<Settings, Refusal> {
        let version = self.server_version.unwrap_or(CURRENT_VERSION);
        if !(1..=CURRENT_VERSION).contains(&version) {
            return Err(Refusal::new(Reason::ServerVersion, format!("server_version {version}: it is 1, 2, 3 or 4")));
        }
        if self.max_attachments == Some(0) {
            return Err(option("max_attachments 0: it must be 1 or more"));
        }
        if !matches!(self.adapter, Adapter::Classic) {
            for (name, given) in [
                ("key", self.key.is_some()),
                ("codec", self.codec.is_some()),
                ("server_version", version != CURRENT_VERSION),
            ] {
                if given {
                    return Err(option(format!("{name} belongs to the classic adapter, not to the one chosen")));
                }
            }
        }
        let default = Settings::default();
        Ok(Settings {
            adapter: match self.adapter {
                Adapter::Classic => Joined::Classic(Classic {
                    key: or_default(self.key.unwrap_or_default()),
                    json: self.codec == Some(Codec::Json),
                    legacy_binary: version <= 2,
                }),
                Adapter::Sharded(sharded) => Joined::Sharded(sharded),
                Adapter::Streams(streams) => Joined::Streams(streams.checked()?),
                Adapter::Python(python) => Joined::Python(python),
            },
            version,
            max_attachments: self.max_attachments.unwrap_or(default.max_attachments),
            socket_ids: self.socket_ids,
        })
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("adapter", &self.adapter)
            .field("key", &self.key)
            .field("server_version", &self.server_version)
            .field("codec", &self.codec)
            .field("max_attachments", &self.max_attachments)
            .finish_non_exhaustive()
    }
}

/// What the options add up to.
pub(crate) struct Settings {
    pub(crate) adapter: Joined,
    pub(crate) version: u32,
    pub(crate) max_attachments: usize,
    pub(crate) socket_ids: Option<Arc<LooksLikeAnId>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            adapter: Joined::Classic(Classic { key: or_default(String::new()), json: false, legacy_binary: false }),
            version: CURRENT_VERSION,
            max_attachments: 10,
            socket_ids: None,
        }
    }
}

/// How servers are joined.
pub(crate) enum Joined {
    Classic(Classic),
    Sharded(Sharded),
    Streams(Streams),
    Python(Python),
}

pub(crate) fn option(message: impl Into<String>) -> Refusal {
    Refusal::new(Reason::AdapterOption, message)
}

/// Upstream takes an empty name for none.
pub(crate) fn or_default(name: String) -> String {
    if name.is_empty() { "socket.io".to_owned() } else { name }
}
