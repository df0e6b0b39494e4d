//! What comes back when servers or clients are asked.

use std::collections::HashSet;
use std::fmt;

use crate::decode::Value;
use crate::raw::Raw;
use crate::reply::{Kind, Reply, Unread};

/// The acknowledgements of one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acks {
    /// What the clients answered, in the order of arrival: the first argument of each acknowledgement, null when it had
    /// none.
    pub values: Vec<Value>,
    /// How many clients the servers sent the event to.
    pub clients: u64,
    /// The same, for each server that said so.
    pub per_server: Vec<u64>,
    /// How many servers were asked.
    pub servers: u64,
}

/// One connected client, as its server describes it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Socket {
    /// Its id, which is the name of a room, too.
    pub id: String,
    /// The rooms that it is in.
    pub rooms: Vec<String>,
    /// Those that are numbers: `join(5)` is not `join("5")`.
    pub number_rooms: Vec<f64>,
    /// What the server has stored in `socket.data`.
    pub data: Value,
    /// How the client connected: `headers`, `time`, `address`, `xdomain`, `secure`, `issued`, `url`, `query` and `auth`. It
    /// holds cookies and tokens: do not log it.
    pub handshake: Value,
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.id)
            .field("rooms", &self.rooms)
            .field("number_rooms", &self.number_rooms)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}

/// Some answers did not come in time; [`partial`](Self::partial) holds those that did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Incomplete {
    /// The name of the call.
    pub call: &'static str,
    /// How many servers answered.
    pub servers: u64,
    /// How many were asked.
    pub asked: u64,
    /// How many clients acknowledged, of `emit_with_ack`.
    pub clients: u64,
    /// How many the servers expect to, of `emit_with_ack`.
    pub expected: u64,
    /// How many answers could not be read.
    pub unread: u64,
    /// What a server needs to answer this call, when none did: the likely reason.
    pub needs: Option<String>,
    /// What came.
    pub partial: Partial,
}

/// Not all that was sent is sure to have arrived, although all servers have answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unconfirmed {
    /// How many servers answered.
    pub servers: u64,
    /// What may have been lost on the way, or why that cannot be seen.
    pub why: String,
}

impl fmt::Display for Unconfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "confirm: whether the servers have taken everything cannot be known: {}", self.why)
    }
}

/// What came of an incomplete answer, in the type that the call returns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Partial {
    /// Of `emit_with_ack`.
    Acks(Acks),
    /// Of `fetch_sockets`.
    Sockets(Vec<Socket>),
    /// Of `server_side_emit_with_ack`.
    Values(Vec<Value>),
    /// Of `rooms`.
    Rooms(Vec<String>),
    /// Of `confirm`: its answers hold nothing.
    Nothing,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} servers answered in time", self.call, self.servers, self.asked)?;
        if self.expected > 0 {
            write!(f, ", and {} of {} clients", self.clients, self.expected)?;
        }
        if self.unread > 0 {
            write!(f, "; {} more could not be read", self.unread)?;
        }
        match &self.needs {
            Some(needs) => write!(f, "; servers answer it with {needs}"),
            None => Ok(()),
        }
    }
}

/// Takes the replies to one question.
pub(crate) trait Collect: Default {
    /// What the call returns.
    type Output;

    /// Whether a reply is of use.
    fn wants(&self, reply: &Reply) -> bool;

    /// Takes one that is.
    fn add(&mut self, reply: &Reply) -> Result<(), Unread>;

    /// How many replies are still to come, if so many servers were asked. There may be more.
    fn missing(&self, asked: u64) -> u64;

    /// How many servers answered; how many clients did, and are expected to.
    fn progress(&self) -> (u64, u64, u64);

    fn finish(self, asked: u64) -> Self::Output;

    fn partial(output: Self::Output) -> Partial;
}

/// The servers that have answered, so that a reply that comes twice is known.
#[derive(Default)]
struct Seen(HashSet<String>);

impl Seen {
    fn add(&mut self, reply: &Reply) {
        self.0.extend(reply.uid.clone());
    }

    fn has(&self, reply: &Reply) -> bool {
        reply.uid.as_ref().is_some_and(|uid| self.0.contains(uid))
    }
}

fn length<T>(list: &[T]) -> u64 {
    list.len() as u64
}

fn value(content: Option<Raw<'_>>) -> Value {
    content.map_or_else(Value::null, Value::new)
}

/// Waits for a count of each server, and for as many acknowledgements as the counts add up to. An acknowledgement may
/// overtake the count.
#[derive(Default)]
pub(crate) struct CollectAcks {
    acks: Acks,
    seen: Seen,
}

impl Collect for CollectAcks {
    type Output = Acks;

    fn wants(&self, reply: &Reply) -> bool {
        reply.kind == Kind::Ack || (reply.kind == Kind::Clients && !self.seen.has(reply))
    }

    fn add(&mut self, reply: &Reply) -> Result<(), Unread> {
        let content = reply.content()?;
        if reply.kind == Kind::Ack {
            self.acks.values.push(value(content));
            return Ok(());
        }
        let clients = content.and_then(Raw::count).filter(|clients| i32::try_from(*clients).is_ok()).ok_or(Unread)?;
        self.seen.add(reply);
        self.acks.per_server.push(clients);
        self.acks.clients += clients;
        Ok(())
    }

    fn missing(&self, asked: u64) -> u64 {
        let counts = asked.saturating_sub(length(&self.acks.per_server));
        counts + self.acks.clients.saturating_sub(length(&self.acks.values))
    }

    fn progress(&self) -> (u64, u64, u64) {
        (length(&self.acks.per_server), length(&self.acks.values), self.acks.clients)
    }

    fn finish(self, asked: u64) -> Acks {
        Acks { servers: asked, ..self.acks }
    }

    fn partial(acks: Acks) -> Partial {
        Partial::Acks(acks)
    }
}

/// Waits for the answer of each server.
#[derive(Default)]
pub(crate) struct CollectValues {
    values: Vec<Value>,
    seen: Seen,
}

impl Collect for CollectValues {
    type Output = Vec<Value>;

    fn wants(&self, reply: &Reply) -> bool {
        reply.kind == Kind::Answer && !self.seen.has(reply)
    }

    fn add(&mut self, reply: &Reply) -> Result<(), Unread> {
        self.values.push(value(reply.content()?));
        self.seen.add(reply);
        Ok(())
    }

    fn missing(&self, asked: u64) -> u64 {
        asked.saturating_sub(length(&self.values))
    }

    fn progress(&self) -> (u64, u64, u64) {
        (length(&self.values), 0, 0)
    }

    fn finish(self, _: u64) -> Vec<Value> {
        self.values
    }

    fn partial(values: Vec<Value>) -> Partial {
        Partial::Values(values)
    }
}

/// How the uid of one begins who listens, as `sioemit listen` does, and answers as a server does.
const LISTENER: &str = "listen-";

/// Waits for any answer of each server.
#[derive(Default)]
pub(crate) struct CollectServers {
    pub(crate) servers: u64,
    /// Who have answered, too, and are no servers.
    pub(crate) listeners: u64,
    seen: Seen,
}

impl Collect for CollectServers {
    type Output = u64;

    fn wants(&self, reply: &Reply) -> bool {
        reply.kind == Kind::Sockets && !self.seen.has(reply)
    }

    fn add(&mut self, reply: &Reply) -> Result<(), Unread> {
        self.seen.add(reply);
        if reply.uid.as_ref().is_some_and(|uid| uid.starts_with(LISTENER)) {
            self.listeners += 1;
        } else {
            self.servers += 1;
        }
        Ok(())
    }

    fn missing(&self, asked: u64) -> u64 {
        asked.saturating_sub(self.servers + self.listeners)
    }

    fn progress(&self) -> (u64, u64, u64) {
        (self.servers, 0, 0)
    }

    fn finish(self, _: u64) -> u64 {
        self.servers
    }

    fn partial(_: u64) -> Partial {
        Partial::Nothing
    }
}

/// Waits for the sockets of each server.
#[derive(Default)]
pub(crate) struct CollectSockets {
    sockets: Vec<Socket>,
    known: HashSet<String>,
    answered: u64,
    seen: Seen,
}

impl Collect for CollectSockets {
    type Output = Vec<Socket>;

    fn wants(&self, reply: &Reply) -> bool {
        reply.kind == Kind::Sockets && !self.seen.has(reply)
    }

    fn add(&mut self, reply: &Reply) -> Result<(), Unread> {
        let list = reply.content()?.filter(|list| list.is_array()).ok_or(Unread)?;
        let mut sockets = Vec::new();
        list.items(|item| sockets.push(socket(item)));
        let sockets = sockets.into_iter().collect::<Option<Vec<_>>>().ok_or(Unread)?;
        self.seen.add(reply);
        let (before, none) = (self.sockets.len(), sockets.is_empty());
        for socket in sockets {
            if self.known.insert(socket.id.clone()) {
                self.sockets.push(socket);
            }
        }
        // One that names known sockets only came twice: no two servers have the same.
        if none || self.sockets.len() > before {
            self.answered += 1;
        }
        Ok(())
    }

    fn missing(&self, asked: u64) -> u64 {
        asked.saturating_sub(self.answered)
    }

    fn progress(&self) -> (u64, u64, u64) {
        (self.answered, 0, 0)
    }

    fn finish(self, _: u64) -> Vec<Socket> {
        self.sockets
    }

    fn partial(sockets: Vec<Socket>) -> Partial {
        Partial::Sockets(sockets)
    }
}

fn socket(raw: Raw<'_>) -> Option<Socket> {
    let (mut id, mut rooms, mut data, mut handshake) = (None, None, None, None);
    raw.members(|name, value| match name {
        "id" => id = Some(value),
        "rooms" => rooms = Some(value),
        "data" => data = Some(value),
        "handshake" => handshake = Some(value),
        _ => {}
    })?;
    let id = id?.long_text().filter(|id| !id.is_empty())?.into_owned();
    let (rooms, number_rooms) = rooms.map(split_rooms).unwrap_or_default();
    Some(Socket { id, rooms, number_rooms, data: value(data), handshake: value(handshake) })
}

/// Rooms that are text, and those that are numbers. Others are left out: JavaScript lets a server `join(undefined)`, for
/// which no other room must suffer.
fn split_rooms(list: Raw<'_>) -> (Vec<String>, Vec<f64>) {
    let (mut names, mut numbers) = (Vec::new(), Vec::new());
    list.items(|room| match (room.long_text(), room.number()) {
        (Some(name), _) => names.push(name.into_owned()),
        (_, Some(number)) => numbers.push(number),
        _ => {}
    });
    (names, numbers)
}

/// Waits for the rooms of each server of the classic adapter.
#[derive(Default)]
pub(crate) struct CollectRooms {
    replies: Vec<(Vec<String>, Vec<f64>)>,
    answered: u64,
}

impl Collect for CollectRooms {
    type Output = Vec<String>;

    fn wants(&self, reply: &Reply) -> bool {
        reply.kind == Kind::Rooms
    }

    fn add(&mut self, reply: &Reply) -> Result<(), Unread> {
        let rooms = split_rooms(reply.content()?.filter(|list| list.is_array()).ok_or(Unread)?);
        // One that names the same rooms as another came twice: each server has the ids of its sockets among them. Those
        // without rooms are all alike.
        if !rooms.0.is_empty() || !rooms.1.is_empty() {
            if self.replies.contains(&rooms) {
                return Ok(());
            }
            self.replies.push(rooms);
        }
        self.answered += 1;
        Ok(())
    }

    fn missing(&self, asked: u64) -> u64 {
        asked.saturating_sub(self.answered)
    }

    fn progress(&self) -> (u64, u64, u64) {
        (self.answered, 0, 0)
    }

    fn finish(self, _: u64) -> Vec<String> {
        distinct(self.replies.into_iter().flat_map(|(names, _)| names))
    }

    fn partial(rooms: Vec<String>) -> Partial {
        Partial::Rooms(rooms)
    }
}

/// Takes the rooms out of the sockets of each server, for the adapters that have no request for them.
#[derive(Default)]
pub(crate) struct CollectSocketRooms(CollectSockets);

impl Collect for CollectSocketRooms {
    type Output = Vec<String>;

    fn wants(&self, reply: &Reply) -> bool {
        self.0.wants(reply)
    }

    fn add(&mut self, reply: &Reply) -> Result<(), Unread> {
        self.0.add(reply)
    }

    fn missing(&self, asked: u64) -> u64 {
        self.0.missing(asked)
    }

    fn progress(&self) -> (u64, u64, u64) {
        self.0.progress()
    }

    fn finish(self, _: u64) -> Vec<String> {
        distinct(self.0.sockets.into_iter().flat_map(|socket| socket.rooms))
    }

    fn partial(rooms: Vec<String>) -> Partial {
        Partial::Rooms(rooms)
    }
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}
