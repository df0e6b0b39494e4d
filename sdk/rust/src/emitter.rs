//! The emitter over blocking connections.

use std::sync::{Arc, Mutex, MutexGuard};

use redis::{ConnectionLike, ErrorKind, RedisError};

use crate::args::Args;
use crate::count::count;
use crate::error::Error;
use crate::message::{Request, Sink};
use crate::options::{Options, Settings};
use crate::pipeline::{Pipeline, collect};
use crate::room::Rooms;
use crate::target::{Target, operators};
use crate::value::Encoder;

/// Sends to the clients of a Socket.IO cluster, over a blocking connection of redis-rs.
///
/// Operators such as [`to`](Self::to) return another emitter with a narrower target and change nothing, so that emitters
/// can be kept and shared. Those of one family share the connection, one call at a time.
///
/// `C` is any connection: [`redis::Connection`], one of a [`redis::Client`], of a Sentinel or of a cluster, one lent by a
/// pool, or `&mut` one of these, which then stays yours.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut redis = redis::Client::open("redis://localhost:6379")?.get_connection()?;
/// let io = sioemit::Emitter::new(&mut redis);
/// io.to("user:7").emit("order:paid", &["anything", "Serialize"])?;
/// # Ok(())
/// # }
/// ```
pub struct Emitter<C> {
    connection: Arc<Mutex<C>>,
    settings: Arc<Settings>,
    target: Target,
}

operators!(Emitter<C>, C);

impl<C> Emitter<C> {
    fn with(&self, target: Target) -> Self {
        Self { connection: Arc::clone(&self.connection), settings: Arc::clone(&self.settings), target }
    }
}

impl<C> Clone for Emitter<C> {
    fn clone(&self) -> Self {
        self.with(self.target.clone())
    }
}

impl<C> std::fmt::Debug for Emitter<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emitter").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<C: ConnectionLike> Emitter<C> {
    /// Makes one for servers with the classic adapter and its defaults, on Socket.IO 4. Nothing is sent.
    pub fn new(connection: C) -> Self {
        Self::with_settings(connection, Settings::default())
    }

    /// Makes one for servers with other options. Nothing is sent.
    ///
    /// # Errors
    ///
    /// An option that cannot be.
    pub fn with_options(connection: C, options: Options) -> Result<Self, Error> {
        Ok(Self::with_settings(connection, options.settings()?))
    }

    fn with_settings(connection: C, settings: Settings) -> Self {
        Self { connection: Arc::new(Mutex::new(connection)), settings: Arc::new(settings), target: Target::default() }
    }

    /// Sends an event to the clients targeted. It returns once Redis has taken the event.
    ///
    /// It has one argument, `&value`; none, `()`; or several, `Spread((&a, &b))`: see [`Args`].
    ///
    /// # Errors
    ///
    /// What is wrong with the event or its target, before anything is sent; and what Redis says.
    pub fn emit(&self, event: &str, args: impl Args) -> Result<(), Error> {
        let mut packed = Packed::default();
        self.settings.emit(&self.target, event, &args, &mut Encoder::new(), &mut packed)?;
        self.send(&packed)
    }

    /// Makes the clients targeted join a room, or several. Servers do not answer.
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is sent; and what Redis says.
    pub fn sockets_join(&self, rooms: impl Rooms) -> Result<(), Error> {
        self.request(&Request::join(rooms)?)
    }

    /// Makes the clients targeted leave a room, or several.
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is sent; and what Redis says.
    pub fn sockets_leave(&self, rooms: impl Rooms) -> Result<(), Error> {
        self.request(&Request::leave(rooms)?)
    }

    /// Disconnects the clients targeted from the namespace; with `close`, closes their connections.
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is sent; and what Redis says.
    pub fn disconnect_sockets(&self, close: bool) -> Result<(), Error> {
        self.request(&Request::Disconnect { close })
    }

    /// Sends an event to the servers of the namespace, where `io.on(event)` receives it.
    ///
    /// # Errors
    ///
    /// What is wrong with the event, before anything is sent; and what Redis says.
    pub fn server_side_emit(&self, event: &str, args: impl Args) -> Result<(), Error> {
        let mut packed = Packed::default();
        self.settings.server_side_emit(&self.target, event, &args, &mut Encoder::new(), &mut packed)?;
        self.send(&packed)
    }

    /// Counts the servers that listen on the namespace.
    ///
    /// # Errors
    ///
    /// Rooms, which it takes none of; and what Redis says.
    pub fn server_count(&self) -> Result<u64, Error> {
        let question = self.settings.count(&self.target)?;
        let reply = self.lock()?.req_command(&question.to_command())?;
        Ok(count(&reply.extract_error()?, &question.channel)?)
    }

    /// Sends what the closure adds in one round trip, in its order. On a Redis Cluster, it takes one for each channel.
    ///
    /// When the closure fails, nothing is sent. A pipeline is no transaction: when the connection breaks, a part may have
    /// been sent.
    ///
    /// On a Redis Cluster, when a node is lost, a slot moves or the cluster is down for a moment, redis-rs repeats what it
    /// sent, of a pipeline all events of that channel; `ClusterClientBuilder::retries(0)` makes it an error.
    ///
    /// ```no_run
    /// # fn notify(io: &sioemit::Emitter<redis::Connection>) -> Result<(), sioemit::Error> {
    /// io.pipeline(|io| {
    ///     for n in 0..1000 {
    ///         io.to(format!("user:{n}")).emit("tick", n)?;
    ///     }
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// That of the closure, before anything is sent; and what Redis says first.
    pub fn pipeline(&self, calls: impl FnOnce(&Pipeline<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let packed = collect(&self.settings, &self.target, Packed::default(), calls)?;
        if packed.commands.is_empty() { Ok(()) } else { self.send(&packed) }
    }

    fn request(&self, request: &Request) -> Result<(), Error> {
        let mut packed = Packed::default();
        self.settings.request(&self.target, request, &mut Encoder::new(), &mut packed)?;
        self.send(&packed)
    }

    fn lock(&self) -> Result<MutexGuard<'_, C>, Error> {
        self.connection
            .lock()
            .map_err(|_| RedisError::from((ErrorKind::Client, "a thread panicked while it used the connection")).into())
    }

    fn send(&self, packed: &Packed) -> Result<(), Error> {
        let mut connection = self.lock()?;
        match packed.commands.as_slice() {
            [_] => {
                connection.req_packed_command(&packed.bytes)?.extract_error()?;
                Ok(())
            }
            all if connection.supports_pipelining() => send_pipeline(&mut *connection, &packed.bytes, all.len()),
            // This is a cluster. A pipeline goes to the node of its first command there.
            _ => packed
                .groups()
                .iter()
                .map(|group| send_pipeline(&mut *connection, &group.concat(), group.len()))
                .fold(Ok(()), Result::and),
        }
    }
}

fn send_pipeline(connection: &mut impl ConnectionLike, packed: &[u8], count: usize) -> Result<(), Error> {
    for reply in connection.req_packed_commands(packed, 0, count)? {
        reply.extract_error()?;
    }
    Ok(())
}

/// Commands as they go over the wire.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    commands: Vec<Packet>,
}

/// Where a command is in the bytes, and its channel or stream.
struct Packet {
    start: usize,
    channel: std::ops::Range<usize>,
}

impl Sink for Packed {
    fn command(&mut self, words: &[&[u8]]) {
        let start = self.bytes.len();
        let mut channel = 0..0;
        self.bytes.reserve(words.iter().map(|word| word.len() + HEADER).sum::<usize>() + HEADER);
        self.header(b'*', words.len());
        for (i, word) in words.iter().enumerate() {
            self.header(b'$', word.len());
            if i == 1 {
                channel = self.bytes.len()..self.bytes.len() + word.len();
            }
            self.bytes.extend_from_slice(word);
            self.bytes.extend_from_slice(b"\r\n");
        }
        self.commands.push(Packet { start, channel });
    }
}

/// More than a header takes, and the end of a word.
const HEADER: usize = 24;

impl Packed {
    /// Writes the type of what follows, and its length.
    fn header(&mut self, kind: u8, mut length: usize) {
        let mut text = [b'\n'; HEADER];
        let mut at = HEADER - 2;
        text[at] = b'\r';
        loop {
            at -= 1;
            text[at] = b"0123456789"[length % 10];
            length /= 10;
            if length == 0 {
                break;
            }
        }
        at -= 1;
        text[at] = kind;
        self.bytes.extend_from_slice(&text[at..]);
    }

    /// The commands of each channel, in their order.
    fn groups(&self) -> Vec<Vec<&[u8]>> {
        let mut groups: Vec<Vec<&[u8]>> = Vec::new();
        let mut of_channel = std::collections::HashMap::new();
        let ends = self.commands.iter().skip(1).map(|next| next.start).chain([self.bytes.len()]);
        for (command, end) in self.commands.iter().zip(ends) {
            let group = *of_channel.entry(&self.bytes[command.channel.clone()]).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(&self.bytes[command.start..end]);
        }
        groups
    }
}
