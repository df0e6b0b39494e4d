//! The emitter over asynchronous connections.

use std::collections::HashMap;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::join_all;
use redis::aio::ConnectionLike;
use redis::{Arg, Client, Cmd, ErrorKind, Pipeline, RedisResult, ServerErrorKind, Value as Answer};
use tokio::time::{Instant, timeout_at};

use crate::answers::{
    Acks, Collect, CollectAcks, CollectRooms, CollectSocketRooms, CollectSockets, CollectValues, Socket,
};
use crate::args::Args;
use crate::asking::{Call, late, needs_replies};
use crate::async_replies::Receiver;
use crate::async_way::Awaited;
use crate::confirm::{self, confirm};
use crate::count::count;
use crate::decode::Value;
use crate::error::{Error, Reason, Refusal};
use crate::message::{Count, Request, Sink};
use crate::options::{Joined, Options, Settings};
use crate::pipeline::{self, collect};
use crate::room::Rooms;
use crate::sent::{Channel, Sending as OnItsWay, Sent};
use crate::streams::ENTRY_NAMESPACE;
use crate::target::{Target, operators};
use crate::value::Encoder;

/// What the calls of an [`AsyncEmitter`] return. It holds no borrow, so that it can be spawned.
pub type Sending<T = ()> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Sends to the clients of a Socket.IO cluster, over an asynchronous connection of redis-rs.
///
/// Operators such as [`to`](Self::to) return another emitter with a narrower target and change nothing, so that emitters
/// can be kept, cloned and shared between tasks.
///
/// `C` is any connection that can be cloned: [`redis::aio::MultiplexedConnection`], `redis::aio::ConnectionManager`, one
/// of a Sentinel, or `redis::cluster_async::ClusterConnection`.
///
/// Arguments are read when a method is called, and sent when its future is awaited. A future that is dropped halfway may
/// have sent or not.
///
/// ```no_run
/// # async fn notify() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = redis::Client::open("redis://localhost:6379")?.get_multiplexed_async_connection().await?;
/// let io = sioemit::AsyncEmitter::new(redis);
/// io.to("user:7").emit("order:paid", &["anything", "Serialize"]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AsyncEmitter<C> {
    shared: Arc<Shared<C>>,
    settings: Arc<Settings>,
    target: Target,
    receiver: Option<Arc<Receiver>>,
}

/// What the emitters of one family share.
struct Shared<C> {
    connection: C,
    sent: Sent,
    /// Held by one confirmation at a time.
    confirming: tokio::sync::Mutex<()>,
}

operators!(AsyncEmitter<C>, C);

impl<C> AsyncEmitter<C> {
    fn with(&self, target: Target) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            settings: Arc::clone(&self.settings),
            receiver: self.receiver.clone(),
            target,
        }
    }
}

impl<C> std::fmt::Debug for AsyncEmitter<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AsyncEmitter").field("target", &self.target).finish_non_exhaustive()
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> AsyncEmitter<C> {
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
            shared: Arc::new(Shared { connection, sent: Sent::default(), confirming: <_>::default() }),
            settings: Arc::new(settings),
            target: Target::default(),
            receiver: None,
        }
    }

    /// Has calls with replies open their connection with this client: one of the same Redis or, for a Redis Cluster, of one
    /// of its nodes. It needs Redis 6 or later.
    ///
    /// While calls wait, there is one connection for the replies to all of them, and while they ask, another one: nobody
    /// else's may repeat the question. Afterwards there is none. With shard channels on a Redis Cluster there is one for
    /// each node that is needed.
    ///
    /// ```no_run
    /// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = redis::Client::open("redis://localhost:6379")?;
    /// let io = sioemit::AsyncEmitter::new(client.get_multiplexed_async_connection().await?).replies(client);
    /// let sockets = io.to("lobby").fetch_sockets().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn replies(self, client: Client) -> Self {
        self.replies_by(move || future::ready(Ok(client.clone())))
    }

    /// Does as [`replies`](Self::replies), with a client that is found anew for each connection, as by
    /// `redis::sentinel::SentinelClient::async_get_client`.
    #[must_use]
    pub fn replies_by<F, R>(self, client: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = RedisResult<Client>> + Send + 'static,
    {
        Self { receiver: Some(Arc::new(Receiver::new(Box::new(move || Box::pin(client()))))), ..self }
    }

    /// Sends an event to the clients targeted. It is done once Redis has taken the event.
    ///
    /// It has one argument, `&value`; none, `()`; or several, `Spread((&a, &b))`: see [`Args`].
    ///
    /// # Errors
    ///
    /// What is wrong with the event or its target, before anything is sent; and what Redis says.
    pub fn emit(&self, event: &str, args: impl Args) -> Sending {
        let mut commands = Commands::default();
        let result = self.settings.emit(&self.target, event, &args, &mut Encoder::new(), &mut commands);
        self.send(result, commands, self.settings.room_channel(&self.target))
    }

    /// Makes the clients targeted join a room, or several. Servers do not answer.
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is sent; and what Redis says.
    pub fn sockets_join(&self, rooms: impl Rooms) -> Sending {
        self.request(Request::join(rooms))
    }

    /// Makes the clients targeted leave a room, or several.
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is sent; and what Redis says.
    pub fn sockets_leave(&self, rooms: impl Rooms) -> Sending {
        self.request(Request::leave(rooms))
    }

    /// Disconnects the clients targeted from the namespace; with `close`, closes their connections.
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is sent; and what Redis says.
    #[must_use = "it sends nothing unless it is awaited"]
    pub fn disconnect_sockets(&self, close: bool) -> Sending {
        self.request(Ok(Request::Disconnect { close }))
    }

    /// Sends an event to the servers of the namespace, where `io.on(event)` receives it.
    ///
    /// Binary ends servers whose classic adapter is before 7.2. So these are asked first whether they can read it, for which
    /// [`replies`](Self::replies) is needed.
    ///
    /// # Errors
    ///
    /// What is wrong with the event, before anything is sent; [`Error::BinaryNotSent`]; and what Redis says.
    pub fn server_side_emit(&self, event: &str, args: impl Args) -> Sending {
        const CALL: &str = "server_side_emit with binary";
        let mut commands = Commands::default();
        let mut encoder = Encoder::new();
        let result = self.settings.server_side_emit(&self.target, event, &args, None, &mut encoder, &mut commands);
        let channel = self.settings.server_channel(&self.target);
        match result.and_then(|ends_servers| if ends_servers { self.receiver(CALL).map(Some) } else { Ok(None) }) {
            Ok(Some(receiver)) => {
                let (io, sending) = (self.clone(), self.send(Ok(()), commands, channel));
                Box::pin(async move {
                    let deadline = Instant::now() + io.target.timeout();
                    io.check_reads_binary("server_side_emit", &receiver, deadline).await?;
                    sending.await
                })
            }
            checked => self.send(checked.map(drop), commands, channel),
        }
    }

    /// Sends an event to the clients targeted, and waits until each has acknowledged it. It needs Socket.IO 4 and, of the
    /// classic adapter, version 7.2; and [`replies`](Self::replies).
    ///
    /// ```no_run
    /// # async fn ask(io: sioemit::AsyncEmitter<redis::aio::MultiplexedConnection>) -> Result<(), Box<dyn std::error::Error>> {
    /// for answer in io.to("lobby").emit_with_ack("ready?", "round 7").await?.values {
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
    pub fn emit_with_ack(&self, event: &str, args: impl Args) -> Sending<Acks> {
        self.ask::<CollectAcks>(Call::emit_with_ack(&self.settings, &self.target, event, &args))
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
    #[must_use = "it asks nothing unless it is awaited"]
    pub fn fetch_sockets(&self) -> Sending<Vec<Socket>> {
        self.ask::<CollectSockets>(Call::fetch_sockets(&self.settings, &self.target))
    }

    /// Sends an event to the servers of the namespace, and returns what each answered, in the order of arrival. It needs
    /// Socket.IO 4 and, of the classic adapter, version 7; and [`replies`](Self::replies). See
    /// [`server_side_emit`](Self::server_side_emit) for binary.
    ///
    /// # Errors
    ///
    /// Those of [`emit_with_ack`](Self::emit_with_ack). A server without a handler for the event never answers.
    pub fn server_side_emit_with_ack(&self, event: &str, args: impl Args) -> Sending<Vec<Value>> {
        self.ask::<CollectValues>(Call::server_side_emit_with_ack(&self.settings, &self.target, event, &args))
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
    #[must_use = "it asks nothing unless it is awaited"]
    pub fn rooms(&self) -> Sending<Vec<String>> {
        let call = Call::rooms(&self.settings, &self.target);
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
    /// Calls wait for each other. One whose future is dropped leaves its events to the next call. An event whose future was
    /// dropped may be sent or not; if it was, it counts.
    ///
    /// ```no_run
    /// # async fn sure(io: sioemit::AsyncEmitter<redis::aio::MultiplexedConnection>) -> Result<(), sioemit::Error> {
    /// io.emit("maintenance", "in 5 minutes").await?;
    /// println!("{} servers have it", io.confirm().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// What is wrong with the call, before anything is asked; [`Error::Incomplete`] when some servers do not answer in time,
    /// after which the next call is about the same events and later ones; [`Error::Unconfirmed`] when an answer would prove
    /// nothing; what became of the connection for replies; and what Redis says.
    #[must_use = "it asks nothing unless it is awaited"]
    pub fn confirm(&self) -> Sending<u64> {
        let io = self.clone();
        Box::pin(async move {
            confirm::check(&io.settings, &io.target)?;
            let receiver = io.receiver(confirm::CALL)?;
            let deadline = Instant::now() + io.target.timeout();
            let turn = timeout_at(deadline, io.shared.confirming.lock()).await;
            let _turn = turn.map_err(|_| confirm::incomplete(&io.settings, 0, 0))?;
            let replies = io.settings.replies(&io.target.namespace);
            let way = Awaited::new(&io.shared.connection, &receiver, replies, deadline);
            confirm(&way, &io.settings, &io.target, &io.shared.sent).await
        })
    }

    /// Counts the servers that listen on the namespace.
    ///
    /// # Errors
    ///
    /// Rooms, which it takes none of; and what Redis says.
    #[must_use = "it asks nothing unless it is awaited"]
    pub fn server_count(&self) -> Sending<u64> {
        let question = self.settings.server_count(&self.target);
        let io = self.clone();
        Box::pin(async move { io.listeners(&question?).await })
    }

    /// Sends what the closure adds in one round trip, in its order. On a Redis Cluster, it takes one for each channel, all
    /// at a time.
    ///
    /// The calls within the closure are not awaited. When it fails, nothing is sent. A pipeline is no transaction: when the
    /// connection breaks, a part may have been sent.
    ///
    /// On a Redis Cluster, when a node is lost, a slot moves or the cluster is down for a moment, redis-rs repeats what it
    /// sent, of a pipeline all events of that channel; `ClusterClientBuilder::retries(0)` makes it an error.
    ///
    /// ```no_run
    /// # async fn notify(io: sioemit::AsyncEmitter<redis::aio::MultiplexedConnection>) -> Result<(), sioemit::Error> {
    /// io.pipeline(|io| {
    ///     for n in 0..1000 {
    ///         io.to(format!("user:{n}")).emit("tick", n)?;
    ///     }
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// That of the closure, before anything is sent; and what Redis says first.
    pub fn pipeline(&self, calls: impl FnOnce(&pipeline::Pipeline<'_>) -> Result<(), Error>) -> Sending {
        match collect(&self.settings, &self.shared.sent, &self.target, Commands::default(), calls) {
            Ok((commands, _)) if commands.0.is_empty() => Box::pin(future::ready(Ok(()))),
            Ok((commands, channels)) => {
                let shared = Arc::clone(&self.shared);
                Box::pin(async move {
                    let sending = shared.sent.sending(channels);
                    send_all(shared.connection.clone(), commands.0, &sending).await
                })
            }
            Err(err) => Box::pin(future::ready(Err(err))),
        }
    }

    fn receiver(&self, call: &str) -> Result<Arc<Receiver>, Refusal> {
        self.receiver.clone().ok_or_else(|| needs_replies(call))
    }

    fn ask<A: Collect + Send + 'static>(&self, call: Result<Call, Refusal>) -> Sending<A::Output> {
        let io = self.clone();
        Box::pin(async move {
            let call = call?;
            let receiver = io.receiver(call.name)?;
            let deadline = Instant::now() + call.timeout();
            if call.ends_servers {
                io.check_reads_binary(call.name, &receiver, deadline).await?;
            }
            io.asked::<A>(call, &receiver, deadline).await
        })
    }

    async fn asked<A: Collect>(
        &self,
        mut call: Call,
        receiver: &Receiver,
        deadline: Instant,
    ) -> Result<A::Output, Error> {
        match timeout_at(deadline, self.listeners(&call.count)).await.map_err(|_| late())?? {
            0 => Err(call.no_servers()),
            asked => {
                let sending = call.sending(&self.shared.sent);
                let outcome = receiver.ask::<A>(&mut call, asked, deadline).await;
                call.end(sending, &outcome);
                outcome
            }
        }
    }

    async fn check_reads_binary(
        &self,
        call: &'static str,
        receiver: &Receiver,
        deadline: Instant,
    ) -> Result<(), Error> {
        match self.asked::<CollectAcks>(Call::probe(call, &self.settings, &self.target)?, receiver, deadline).await {
            Err(err) if err.reason() != Reason::NoServers => Err(Error::BinaryNotSent(Box::new(err))),
            _ => Ok(()),
        }
    }

    async fn listeners(&self, question: &Count) -> Result<u64, Error> {
        let reply = self.shared.connection.clone().req_packed_command(&question.to_command()).await?;
        Ok(count(&reply.extract_error()?, &question.channel)?)
    }

    fn request(&self, request: Result<Request, Refusal>) -> Sending {
        let mut commands = Commands::default();
        let result = request
            .and_then(|request| self.settings.request(&self.target, &request, &mut Encoder::new(), &mut commands));
        self.send(result, commands, None)
    }

    /// Sends the one command of a call.
    fn send(&self, result: Result<(), Refusal>, commands: Commands, channel: Option<Channel>) -> Sending {
        let shared = Arc::clone(&self.shared);
        if result.is_ok() {
            shared.sent.goes_to(&self.target.namespace);
        }
        Box::pin(async move {
            result?;
            let mut connection = shared.connection.clone();
            let sending = shared.sent.sending(channel);
            for command in commands.0.cmd_iter() {
                taken(&sending, command, connection.req_packed_command(command).await?)?;
            }
            Ok(())
        })
    }
}

async fn send_all<C: ConnectionLike + Clone>(
    connection: C,
    pipeline: Pipeline,
    sending: &OnItsWay<'_>,
) -> Result<(), Error> {
    match send_pipeline(connection.clone(), &pipeline, sending).await {
        // redis-rs finds out before it sends: this is a cluster, and the channels are not on one node.
        Err(Error::Redis(err)) if err.kind() == ErrorKind::Server(ServerErrorKind::CrossSlot) => {
            let groups = groups(&pipeline);
            let all = groups.iter().map(|group| send_pipeline(connection.clone(), group, sending));
            join_all(all).await.into_iter().fold(Ok(()), Result::and)
        }
        result => result,
    }
}

async fn send_pipeline<C: ConnectionLike>(
    mut connection: C,
    pipeline: &Pipeline,
    sending: &OnItsWay<'_>,
) -> Result<(), Error> {
    let answers = connection.req_packed_commands(pipeline, 0, pipeline.len()).await?;
    let taken = pipeline.cmd_iter().zip(answers).map(|(command, answer)| taken(sending, command, answer));
    taken.fold(Ok(()), Result::and)
}

/// Notes what Redis has answered to a command.
fn taken(sending: &OnItsWay<'_>, command: &Cmd, answer: Answer) -> Result<(), Error> {
    if matches!(answer, Answer::Int(_)) {
        return Ok(()); // of PUBLISH: only entries of a stream have an id to note
    }
    let answer = answer.extract_error()?;
    if let Some(Arg::Simple(namespace)) = command.args_iter().nth(ENTRY_NAMESPACE) {
        sending.added(namespace, &answer);
    }
    Ok(())
}

/// The commands of each channel, in their order.
fn groups(pipeline: &Pipeline) -> Vec<Pipeline> {
    let mut groups: Vec<Pipeline> = Vec::new();
    let mut of_channel = HashMap::new();
    for command in pipeline.cmd_iter() {
        let channel = match command.args_iter().nth(1) {
            Some(Arg::Simple(channel)) => channel,
            _ => &[],
        };
        let group = *of_channel.entry(channel).or_insert_with(|| {
            groups.push(Pipeline::new());
            groups.len() - 1
        });
        groups[group].add_command(command.clone());
    }
    groups
}

/// Commands as redis-rs has them.
#[derive(Default)]
struct Commands(Pipeline);

impl Sink for Commands {
    fn command(&mut self, words: &[&[u8]]) {
        let mut command = Cmd::with_capacity(words.len(), words.iter().map(|word| word.len()).sum());
        for word in words {
            command.arg(*word);
        }
        self.0.add_command(command);
    }
}
