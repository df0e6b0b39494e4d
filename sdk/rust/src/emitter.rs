//! The emitter over blocking connections.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use redis::{Client, ConnectionLike, ErrorKind, RedisError, RedisResult, Value as Answer};

use crate::answers::{
    Acks, Collect, CollectAcks, CollectRooms, CollectSocketRooms, CollectSockets, CollectValues, Socket,
};
use crate::args::Args;
use crate::asking::{Call, needs_replies};
use crate::confirm::{self, confirm};
use crate::count::count;
use crate::decode::Value;
use crate::error::{Error, Reason};
use crate::message::{Count, Request, Sink};
use crate::options::{Joined, Options, Settings};
use crate::pipeline::{Pipeline, collect};
use crate::replies::Receiver;
use crate::room::Rooms;
use crate::sent::{Channel, Sent};
use crate::streams::ENTRY_NAMESPACE;
use crate::target::{Target, operators};
use crate::value::Encoder;
use crate::way::{Blocking, Turns};

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
    shared: Arc<Shared<C>>,
    settings: Arc<Settings>,
    target: Target,
    receiver: Option<Arc<Receiver>>,
}

/// What the emitters of one family share.
struct Shared<C> {
    connection: Mutex<C>,
    sent: Sent,
    confirmations: Turns,
}

operators!(Emitter<C>, C);

impl<C> Emitter<C> {
    fn with(&self, target: Target) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            settings: Arc::clone(&self.settings),
            receiver: self.receiver.clone(),
            target,
        }
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
        Self {
            shared: Arc::new(Shared {
                connection: Mutex::new(connection),
                sent: Sent::default(),
                confirmations: Turns::default(),
            }),
            settings: Arc::new(settings),
            target: Target::default(),
            receiver: None,
        }
    }

    /// Has calls with replies open their connection with this client: one of the same Redis or, for a Redis Cluster, of one
    /// of its nodes. It needs Redis 6 or later.
    ///
    /// Each of these calls has a connection of its own for its replies, and another one on which it asks: nobody else's may
    /// repeat the question.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = redis::Client::open("redis://localhost:6379")?;
    /// let io = sioemit::Emitter::new(client.get_connection()?).replies(client);
    /// let sockets = io.to("lobby").fetch_sockets()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn replies(self, client: Client) -> Self {
        self.replies_by(move || Ok(client.clone()))
    }

    /// Does as [`replies`](Self::replies), with a client that is found anew for each connection, as by
    /// `redis::sentinel::SentinelClient::get_client`.
    #[must_use]
    pub fn replies_by(self, client: impl Fn() -> RedisResult<Client> + Send + Sync + 'static) -> Self {
        Self { receiver: Some(Arc::new(Receiver::new(client))), ..self }
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
        self.send(&packed, self.settings.room_channel(&self.target))
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
    /// Binary ends servers whose classic adapter is before 7.2. So these are asked first whether they can read it, for which
    /// [`replies`](Self::replies) is needed.
    ///
    /// # Errors
    ///
    /// What is wrong with the event, before anything is sent; [`Error::BinaryNotSent`]; and what Redis says.
    pub fn server_side_emit(&self, event: &str, args: impl Args) -> Result<(), Error> {
        let mut packed = Packed::default();
        let mut encoder = Encoder::new();
        if self.settings.server_side_emit(&self.target, event, &args, None, &mut encoder, &mut packed)? {
            let receiver = self.receiver("server_side_emit with binary")?;
            self.check_reads_binary("server_side_emit", receiver, Instant::now() + self.target.timeout())?;
        }
        self.send(&packed, self.settings.server_channel(&self.target))
    }

    /// Sends an event to the clients targeted, and waits until each has acknowledged it. It needs Socket.IO 4 and, of the
    /// classic adapter, version 7.2; and [`replies`](Self::replies).
    ///
    /// ```no_run
    /// # fn ask(io: sioemit::Emitter<redis::Connection>) -> Result<(), Box<dyn std::error::Error>> {
    /// for answer in io.to("lobby").emit_with_ack("ready?", "round 7")?.values {
    ///     println!("{}", answer.decode::<String>()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is sent; [`Error::Incomplete`] with what came, when some clients do not
    /// answer in time; what became of the connection for replies; and what Redis says.
    pub fn emit_with_ack(&self, event: &str, args: impl Args) -> Result<Acks, Error> {
        self.ask::<CollectAcks>(Call::emit_with_ack(&self.settings, &self.target, event, &args)?)
    }

    /// Returns the clients targeted, of all servers. It needs Socket.IO 4 and, of the classic adapter, version 6.1; and
    /// [`replies`](Self::replies).
    ///
    /// Each server writes down `socket.data` of its clients to answer. One whose data is circular ends with an uncaught
    /// exception then, as it does when another server calls `fetchSockets()`.
    ///
    /// # Errors
    ///
    /// Those of [`emit_with_ack`](Self::emit_with_ack).
    pub fn fetch_sockets(&self) -> Result<Vec<Socket>, Error> {
        self.ask::<CollectSockets>(Call::fetch_sockets(&self.settings, &self.target)?)
    }

    /// Sends an event to the servers of the namespace, and returns what each answered, in the order of arrival. It needs
    /// Socket.IO 4 and, of the classic adapter, version 7; and [`replies`](Self::replies). See
    /// [`server_side_emit`](Self::server_side_emit) for binary.
    ///
    /// # Errors
    ///
    /// Those of [`emit_with_ack`](Self::emit_with_ack). A server without a handler for the event never answers.
    pub fn server_side_emit_with_ack(&self, event: &str, args: impl Args) -> Result<Vec<Value>, Error> {
        self.ask::<CollectValues>(Call::server_side_emit_with_ack(&self.settings, &self.target, event, &args)?)
    }

    /// Returns the names of all rooms of the namespace, sorted, but for those that are numbers. The id of each socket is
    /// one.
    ///
    /// The classic adapter knows a request for it. Servers of the others are asked as by
    /// [`fetch_sockets`](Self::fetch_sockets).
    ///
    /// # Errors
    ///
    /// Those of [`emit_with_ack`](Self::emit_with_ack).
    pub fn rooms(&self) -> Result<Vec<String>, Error> {
        let call = Call::rooms(&self.settings, &self.target)?;
        match self.settings.adapter {
            Joined::Classic(_) => self.ask::<CollectRooms>(call),
            _ => self.ask::<CollectSocketRooms>(call),
        }
    }

    /// Returns once every server of the namespace has taken all that emitters of this family sent there before, with how many
    /// servers have. Rooms and flags make no difference. It needs Socket.IO 4 and, of the classic adapter, version 6.1; and
    /// [`replies`](Self::replies).
    ///
    /// The servers are asked a question that changes nothing, behind the events: a server takes what one connection brings
    /// in order. Whether a connection was cut meanwhile is looked at as well, for which the Redis user must be allowed
    /// `INFO`, `CLIENT LIST` and `TIME`, and on a Redis Cluster `CLUSTER SLOTS` and `CLUSTER LINKS`. The first call can
    /// compare with nothing but how long, in seconds, connections have been there; call it once before the first event where
    /// servers have just started.
    ///
    /// Calls wait for each other.
    ///
    /// ```no_run
    /// # fn sure(io: sioemit::Emitter<redis::Connection>) -> Result<(), sioemit::Error> {
    /// io.emit("maintenance", "in 5 minutes")?;
    /// println!("{} servers have it", io.confirm()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is asked; [`Error::Incomplete`] when some servers do not answer in time,
    /// after which the next call is about the same events and later ones; [`Error::Unconfirmed`] when an answer would prove
    /// nothing; what became of the connection for replies; and what Redis says.
    pub fn confirm(&self) -> Result<u64, Error> {
        confirm::check(&self.settings, &self.target)?;
        let receiver = self.receiver(confirm::CALL)?;
        let deadline = Instant::now() + self.target.timeout();
        let Some(_turn) = self.shared.confirmations.wait(deadline) else {
            return Err(confirm::incomplete(&self.settings, 0, 0));
        };
        let replies = self.settings.replies(&self.target.namespace);
        let way = Blocking::new(&self.shared.connection, receiver, replies, deadline);
        Blocking::<C>::run(confirm(&way, &self.settings, &self.target, &self.shared.sent))
    }

    /// Counts the servers that listen on the namespace.
    ///
    /// # Errors
    ///
    /// Rooms, which it takes none of; and what Redis says.
    pub fn server_count(&self) -> Result<u64, Error> {
        self.listeners(&self.settings.server_count(&self.target)?)
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
        let (packed, channels) = collect(&self.settings, &self.shared.sent, &self.target, Packed::default(), calls)?;
        if packed.commands.is_empty() { Ok(()) } else { self.send_all(&packed, channels) }
    }

    fn receiver(&self, call: &str) -> Result<&Receiver, Error> {
        Ok(self.receiver.as_deref().ok_or_else(|| needs_replies(call))?)
    }

    fn ask<A: Collect>(&self, call: Call) -> Result<A::Output, Error> {
        let receiver = self.receiver(call.name)?;
        let deadline = Instant::now() + call.timeout();
        if call.ends_servers {
            self.check_reads_binary(call.name, receiver, deadline)?;
        }
        self.asked::<A>(call, receiver, deadline)
    }

    fn asked<A: Collect>(&self, mut call: Call, receiver: &Receiver, deadline: Instant) -> Result<A::Output, Error> {
        match self.listeners(&call.count)? {
            0 => Err(call.no_servers()),
            asked => {
                let sending = call.sending(&self.shared.sent);
                let outcome = receiver.ask::<A>(&mut call, asked, deadline);
                call.end(sending, &outcome);
                outcome
            }
        }
    }

    fn check_reads_binary(&self, call: &'static str, receiver: &Receiver, deadline: Instant) -> Result<(), Error> {
        match self.asked::<CollectAcks>(Call::probe(call, &self.settings, &self.target)?, receiver, deadline) {
            Err(err) if err.reason() != Reason::NoServers => Err(Error::BinaryNotSent(Box::new(err))),
            _ => Ok(()),
        }
    }

    fn listeners(&self, question: &Count) -> Result<u64, Error> {
        let reply = self.lock()?.req_command(&question.to_command())?;
        Ok(count(&reply.extract_error()?, &question.channel)?)
    }

    fn request(&self, request: &Request) -> Result<(), Error> {
        let mut packed = Packed::default();
        self.settings.request(&self.target, request, &mut Encoder::new(), &mut packed)?;
        self.send(&packed, None)
    }

    fn lock(&self) -> Result<MutexGuard<'_, C>, Error> {
        self.shared.connection.lock().map_err(|_| panicked().into())
    }

    /// Sends the one command of a call.
    fn send(&self, packed: &Packed, channel: Option<Channel>) -> Result<(), Error> {
        self.shared.sent.goes_to(&self.target.namespace);
        self.send_all(packed, channel)
    }

    fn send_all(&self, packed: &Packed, channels: impl IntoIterator<Item = Channel>) -> Result<(), Error> {
        let mut connection = self.lock()?;
        let sending = self.shared.sent.sending(channels);
        let taken = |command: &Packet, answer: Answer| match answer {
            Answer::Int(_) => Ok(()), // of PUBLISH: only entries of a stream have an id to note
            answer => {
                sending.added(&packed.bytes[command.namespace.clone()], &answer.extract_error()?);
                Ok(())
            }
        };
        let pipeline = |connection: &mut C, bytes: &[u8], commands: &[Packet]| -> Result<(), Error> {
            let answers = connection.req_packed_commands(bytes, 0, commands.len())?;
            commands.iter().zip(answers).map(|(command, answer)| taken(command, answer)).fold(Ok(()), Result::and)
        };
        match packed.commands.as_slice() {
            [command] => taken(command, connection.req_packed_command(&packed.bytes)?),
            all if connection.supports_pipelining() => pipeline(&mut connection, &packed.bytes, all),
            // This is a cluster. A pipeline goes to the node of its first command there.
            _ => packed
                .groups()
                .iter()
                .map(|(bytes, commands)| pipeline(&mut connection, bytes, commands))
                .fold(Ok(()), Result::and),
        }
    }
}

/// A thread panicked while it used the connection.
pub(crate) fn panicked() -> RedisError {
    RedisError::from((ErrorKind::Client, "a thread panicked while it used the connection"))
}

/// Commands as they go over the wire.
#[derive(Default)]
struct Packed {
    bytes: Vec<u8>,
    commands: Vec<Packet>,
}

/// Where a command is in the bytes, its channel or stream, and, of an entry for a stream, its namespace.
#[derive(Clone)]
struct Packet {
    start: usize,
    channel: Range<usize>,
    namespace: Range<usize>,
}

impl Sink for Packed {
    fn command(&mut self, words: &[&[u8]]) {
        let start = self.bytes.len();
        let (mut channel, mut namespace) = (0..0, 0..0);
        self.bytes.reserve(words.iter().map(|word| word.len() + HEADER).sum::<usize>() + HEADER);
        self.header(b'*', words.len());
        for (i, word) in words.iter().enumerate() {
            self.header(b'$', word.len());
            let place = self.bytes.len()..self.bytes.len() + word.len();
            match i {
                1 => channel = place,
                ENTRY_NAMESPACE => namespace = place,
                _ => {}
            }
            self.bytes.extend_from_slice(word);
            self.bytes.extend_from_slice(b"\r\n");
        }
        self.commands.push(Packet { start, channel, namespace });
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

    /// The commands of each channel, in their order, with their bytes.
    fn groups(&self) -> Vec<(Vec<u8>, Vec<Packet>)> {
        let mut groups: Vec<(Vec<u8>, Vec<Packet>)> = Vec::new();
        let mut of_channel = std::collections::HashMap::new();
        let ends = self.commands.iter().skip(1).map(|next| next.start).chain([self.bytes.len()]);
        for (command, end) in self.commands.iter().zip(ends) {
            let group = *of_channel.entry(&self.bytes[command.channel.clone()]).or_insert_with(|| {
                groups.push(<_>::default());
                groups.len() - 1
            });
            groups[group].0.extend_from_slice(&self.bytes[command.start..end]);
            groups[group].1.push(command.clone());
        }
        groups
    }
}
