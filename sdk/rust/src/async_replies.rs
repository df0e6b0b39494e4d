//! The connections on which an [`AsyncEmitter`](crate::AsyncEmitter) asks, and receives replies.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::TryFutureExt;
use futures_util::future::{Either, select, try_join};
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, PushInfo, PushKind, RedisError, RedisResult, Value,
};
use tokio::sync::{Notify, OnceCell};
use tokio::time::{Instant, timeout_at};

use crate::answers::Collect;
use crate::asking::{
    Answers, Call, MAX_ATTEMPTS, MAX_REDIRECTS, another_node, client_of, introduce, late, subscribe, too_many_redirects,
};
use crate::error::{Error, is_answer};
use crate::message::Replies;
use crate::reply::Reply;

/// How long a connection may be without any replies before it is pinged, and how long the answer may take before new calls
/// take another connection: it may be dead, which TCP finds out after minutes if at all, or only slow.
const SILENCE: Duration = Duration::from_secs(3);

/// How long it may keep silent altogether before those who wait are told that it is dead. The answer to a ping comes behind
/// a reply that is on its way, which may be large, and the network slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many channels a connection may have: calls that always overlap would keep those of every namespace ever asked.
const MAX_CHANNELS: usize = 1000;

type Opening = Pin<Box<dyn Future<Output = RedisResult<Client>> + Send>>;

/// Asks, and receives replies. It has a connection only while a call waits: the first one opens it, and the last one, ended
/// or dropped, closes it.
pub(crate) struct Receiver {
    client: Box<dyn Fn() -> Opening + Send + Sync>,
    links: Mutex<HashMap<Place, Weak<Link>>>,
}

/// What a connection is for. Replies have one of their own, so that a question on its way is not lost with it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    asks: bool,
    /// The one of a Redis Cluster that has the slot of a shard channel, if that is not the client's.
    node: Option<String>,
}

/// A connection that those who wait share.
pub(crate) struct Link {
    place: Place,
    board: Arc<Board>,
    connection: OnceCell<MultiplexedConnection>,
    /// Those that Redis has confirmed.
    channels: tokio::sync::Mutex<HashSet<String>>,
}

/// Where replies are put for those who wait.
struct Board(Mutex<State>);

struct State {
    waiting: HashMap<String, Slot>,
    heard: Instant,
    lost: Option<&'static str>,
}

#[derive(Default)]
struct Slot {
    replies: Vec<Reply>,
    arrived: Arc<Notify>,
}

/// A question that waits for replies.
pub(crate) struct Wait {
    link: Arc<Link>,
    id: String,
    arrived: Arc<Notify>,
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.link.board.lock().waiting.remove(&self.id);
    }
}

impl Receiver {
    pub(crate) fn new(client: Box<dyn Fn() -> Opening + Send + Sync>) -> Self {
        Self { client, links: Mutex::default() }
    }

    /// Asks so many servers, and waits for their replies. It has subscribed before it asks.
    pub(crate) async fn ask<C: Collect>(
        &self,
        call: &mut Call,
        asked: u64,
        deadline: Instant,
    ) -> Result<C::Output, Error> {
        let mut attempt = 1;
        let wait = loop {
            let asking = self.link(true, None);
            let ready = try_join(self.wait(&call.replies, &call.id), asking.open(self).map_err(Error::from));
            let (wait, _) = timeout_at(deadline, ready).await.map_err(|_| Error::subscription(late()))??;
            call.set_time_left(deadline.saturating_duration_since(Instant::now()))?;
            match timeout_at(deadline, self.publish(asking, &call.command)).await {
                Ok(Ok(())) => break wait,
                Ok(Err(Error::MaybeAsked(_))) if attempt < MAX_ATTEMPTS && call.renew() => attempt += 1,
                Ok(Err(err)) => return Err(err),
                Err(_) => return Err(Error::maybe_asked(late())),
            }
        };
        let answers = wait.collect::<C>(asked, deadline).await?;
        if answers.complete() { Ok(answers.finish()) } else { Err(call.incomplete(answers)) }
    }

    /// Begins to wait for replies to a question, which has not been asked yet.
    pub(crate) async fn wait(&self, replies: &Replies, id: &str) -> Result<Wait, Error> {
        let mut node = None;
        for _ in 0..MAX_REDIRECTS {
            let link = self.link(false, node);
            let arrived = Arc::default();
            let slot = Slot { replies: Vec::new(), arrived: Arc::clone(&arrived) };
            link.board.lock().waiting.insert(id.to_owned(), slot);
            let wait = Wait { link, id: id.to_owned(), arrived };
            match wait.link.subscribe(self, &replies.channels, replies.sharded).await {
                Ok(()) => return Ok(wait),
                Err(err) => {
                    wait.link.broke(&err);
                    node = Some(another_node(&err).ok_or(err).map_err(Error::subscription)?);
                }
            }
        }
        Err(Error::subscription(too_many_redirects()))
    }

    /// Asks a question, which is written once.
    async fn publish(&self, mut link: Arc<Link>, question: &Cmd) -> Result<(), Error> {
        for _ in 0..MAX_REDIRECTS {
            link.open(self).await?;
            match link.send(self, question).await {
                Ok(Value::Int(_)) => return Ok(()),
                Ok(_) => return Err(Error::maybe_asked(broken("Redis answered something else than a number"))),
                Err(err) => {
                    let node = another_node(&err).ok_or(err).map_err(Error::of_question)?;
                    link = self.link(true, Some(node));
                }
            }
        }
        Err(too_many_redirects().into())
    }

    /// Returns the connection that calls share, or what becomes one.
    pub(crate) fn link(&self, asks: bool, node: Option<String>) -> Arc<Link> {
        let place = Place { asks, node };
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|_, link| link.strong_count() > 0);
        match links.get(&place).and_then(Weak::upgrade) {
            Some(link) if link.is_open_to_more() => link,
            _ => {
                let state = State { waiting: HashMap::new(), heard: Instant::now(), lost: None };
                let link = Arc::new(Link {
                    place: place.clone(),
                    board: Arc::new(Board(Mutex::new(state))),
                    connection: OnceCell::new(),
                    channels: tokio::sync::Mutex::default(),
                });
                links.insert(place, Arc::downgrade(&link));
                link
            }
        }
    }
}

impl Link {
    fn is_open_to_more(&self) -> bool {
        let full = self.channels.try_lock().is_ok_and(|channels| channels.len() >= MAX_CHANNELS);
        let state = self.board.lock();
        !full && state.lost.is_none() && state.heard.elapsed() < 2 * SILENCE
    }

    /// Opens the connection, if nobody has. When the one who does is dropped meanwhile, the next one does.
    async fn open(&self, receiver: &Receiver) -> RedisResult<MultiplexedConnection> {
        let open = || async {
            let client = client_of(&(receiver.client)().await?, self.place.node.as_deref())?;
            let board = Arc::clone(&self.board);
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(None) // calls have deadlines of their own
                .set_response_timeout(None)
                .set_push_sender(move |push| {
                    board.take(push);
                    Ok::<(), std::convert::Infallible>(())
                });
            let connection = client.get_multiplexed_async_connection_with_config(&config).await?;
            self.board.lock().heard = Instant::now();
            Ok(connection)
        };
        self.connection.get_or_try_init(open).await.cloned()
    }

    /// Sends a command once.
    pub(crate) async fn send(&self, receiver: &Receiver, command: &Cmd) -> RedisResult<Value> {
        let answer = self.open(receiver).await?.send_packed_command(command).await.and_then(Value::extract_error);
        answer.inspect_err(|err| self.broke(err))
    }

    /// Sends commands. What Redis refuses is among the answers.
    pub(crate) async fn send_all(&self, receiver: &Receiver, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let answers = self.open(receiver).await?.send_packed_commands(commands, 0, commands.len()).await;
        answers.inspect_err(|err| self.broke(err))
    }

    /// Returns once Redis has confirmed all channels. redis-rs pairs one answer with one command, so each has its own.
    async fn subscribe(&self, receiver: &Receiver, channels: &[String], sharded: bool) -> RedisResult<()> {
        let mut connection = self.open(receiver).await?;
        let mut subscribed = self.channels.lock().await;
        if sharded && subscribed.is_empty() {
            connection.send_packed_command(&introduce()).await?;
        }
        for channel in channels {
            if !subscribed.contains(channel) {
                connection.send_packed_command(&subscribe(channel, sharded)).await?.extract_error()?;
                subscribed.insert(channel.clone());
            }
        }
        Ok(())
    }

    /// Ends all waits when this is what became of the connection. redis-rs tells whoever sent a command before it tells the
    /// board.
    fn broke(&self, err: &RedisError) {
        if self.connection.initialized() && !is_answer(err) {
            self.board.lose("the connection broke");
        }
    }

    /// Has Redis say something. Any answer proves that the connection lives: that the user may not PING, too.
    async fn ping(&self) {
        if let Some(connection) = self.connection.get() {
            if connection.clone().send_packed_command(&redis::cmd("PING")).await.is_ok() {
                self.board.lock().heard = Instant::now();
            }
        }
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what Redis sends of its own accord. Whatever is no reply to a call that waits is left alone: replies to
    /// others, late ones, and what cannot be read.
    fn take(&self, push: PushInfo) {
        match push.kind {
            PushKind::Message | PushKind::SMessage => {
                let reply = match push.data.into_iter().nth(1) {
                    Some(Value::BulkString(payload)) => Reply::read(payload),
                    _ => None,
                };
                let mut state = self.lock();
                state.heard = Instant::now();
                if let Some((id, reply)) = reply {
                    if let Some(slot) = state.waiting.get_mut(&id) {
                        slot.replies.push(reply);
                        slot.arrived.notify_one();
                    }
                }
            }
            PushKind::Disconnection => self.lose("the connection broke"),
            // The slot of a shard channel has moved, or the user may no longer have it.
            PushKind::Unsubscribe | PushKind::SUnsubscribe => self.lose("Redis ended the subscription"),
            _ => self.lock().heard = Instant::now(),
        }
    }

    /// Ends all waits.
    fn lose(&self, why: &'static str) {
        let mut state = self.lock();
        state.lost.get_or_insert(why);
        state.waiting.values().for_each(|slot| slot.arrived.notify_one());
    }
}

impl Wait {
    /// Collects replies until they are all there, or it is too late.
    pub(crate) async fn collect<C: Collect>(&self, asked: u64, deadline: Instant) -> Result<Answers<C>, Error> {
        let board = &self.link.board;
        let mut answers = Answers::<C>::of(asked);
        let mut ping = None;
        loop {
            let (replies, lost, heard) = {
                let mut state = board.lock();
                let slot = state.waiting.get_mut(&self.id);
                (slot.map(|slot| std::mem::take(&mut slot.replies)).unwrap_or_default(), state.lost, state.heard)
            };
            if replies.iter().any(|reply| answers.take(reply)) {
                return Ok(answers);
            }
            let now = Instant::now();
            if let Some(why) = lost {
                return Err(Error::subscription(broken(why)));
            }
            if now >= deadline {
                return Ok(answers);
            }
            if now >= heard + PATIENCE {
                board.lose("it has not answered for a minute");
                continue;
            }
            if now >= heard + SILENCE && ping.is_none() {
                ping = Some(Box::pin(self.link.ping()));
            }
            let wake = deadline.min(heard + if ping.is_some() { PATIENCE } else { SILENCE });
            let arrived = pin!(self.arrived.notified());
            let waiting = async {
                match &mut ping {
                    None => arrived.await,
                    Some(pinged) => {
                        if let Either::Right(_) = select(arrived, pinged).await {
                            ping = None;
                        }
                    }
                }
            };
            let _ = timeout_at(wake, waiting).await;
        }
    }
}

fn broken(why: &'static str) -> RedisError {
    RedisError::from((ErrorKind::Io, why))
}
