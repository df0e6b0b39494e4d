//! The adapter of python-socketio, which Flask-SocketIO has, too.

use crate::args::NoBinary;
use crate::error::{Reason, Refusal};
use crate::json;
use crate::message::{Count, Event, Request, Sink, UID};
use crate::room::{Room, RoomList};
use crate::target::Target;
use crate::value::{Encoder, Nesting};

/// Python gives up at 1,000 calls that are open at once, of which each level takes two.
const NESTING: Nesting =
    Nesting { levels: 300, why: "it is nested deeper than 300 levels, which python-socketio cannot read" };

const NO_BINARY: NoBinary = NoBinary {
    reason: Reason::Unencodable,
    why: "binary disconnects clients on HTTP long-polling where others use websocket, and is allowed only if all use \
          the same transport: see Python::allow_binary",
};

/// The `RedisManager` and the `AsyncRedisManager` of python-socketio 5.15.1 and later, which join servers in Python,
/// those of Flask-SocketIO too.
///
/// These servers leave out socket ids only, and change one socket at a time. What they have no message for is refused.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Python {
    channel: String,
    allow_binary: bool,
}

impl Python {
    /// With the defaults of python-socketio.
    pub fn new() -> Self {
        Self::default()
    }

    /// The channel of the servers, by default `socketio`. That of Flask-SocketIO is `flask-socketio`.
    pub fn channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = channel.into();
        self
    }

    /// Lets events hold binary, by default not. It is for clients that all use the same transport: where one uses
    /// websocket, the servers disconnect those on HTTP long-polling.
    pub fn allow_binary(mut self, allowed: bool) -> Self {
        self.allow_binary = allowed;
        self
    }

    /// Publishes an event in JSON.
    pub(crate) fn broadcast(
        &self,
        target: &Target,
        event: &Event<'_>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.nesting = NESTING;
        encoder.array(event.args.count());
        let first = encoder.out.len();
        if self.allow_binary {
            encoder.detached = Some(Vec::new());
            event.encode_args(encoder)?;
        } else {
            event.without_binary(NO_BINARY).encode_args(encoder)?;
        }
        if event.args.count() == 1 && encoder.out[first] == NULL {
            let message = "null as the only argument arrives as no argument; send none";
            return Err(Refusal::new(Reason::Unencodable, message).of_argument(event.name, 0));
        }
        let args = std::mem::take(&mut encoder.out);
        let attachments = encoder.detached.take().unwrap_or_default();
        encoder.method(9, "emit");
        encoder.member("event", event.name);
        encoder.text("data");
        if !attachments.is_empty() {
            encoder.array(1 + attachments.len());
        }
        encoder.raw(&args);
        for attachment in &attachments {
            encoder.text(attachment);
        }
        encoder.text("binary");
        encoder.boolean(!attachments.is_empty());
        encoder.member("namespace", &target.namespace);
        encoder.text("room");
        encoder.room_or_rooms(&target.rooms)?;
        encoder.text("skip_sid");
        encoder.room_or_rooms(&target.excepted)?;
        encoder.text("callback");
        encoder.raw(&[NULL]);
        self.publish(encoder, sink);
        Ok(())
    }

    /// Publishes a request in JSON. There is one for a socket and a room, and one that empties a room.
    pub(crate) fn request(
        &self,
        target: &Target,
        request: &Request,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        let everyone = target.rooms.is_empty() && target.excepted.is_empty();
        let one = target.rooms.len() == 1 && target.excepted.is_empty();
        let room = match request {
            Request::Join(rooms) if one && rooms.len() == 1 => {
                encoder.method(5, "enter_room");
                Some(rooms)
            }
            Request::Leave(rooms) if one && rooms.len() == 1 => {
                encoder.method(5, "leave_room");
                Some(rooms)
            }
            Request::Leave(rooms) if everyone && rooms.len() == 1 => {
                encoder.method(4, "close_room");
                Some(rooms)
            }
            Request::Disconnect { close: false } if one => {
                encoder.method(4, "disconnect");
                None
            }
            Request::Join(_) => return Err(no_counterpart("one socket joins one room there; target it by its id")),
            Request::Leave(_) => return Err(no_counterpart("one socket leaves one room there, or everyone does")),
            Request::Disconnect { close: true } => {
                return Err(no_counterpart("a socket leaves its namespace there, and keeps its connection"));
            }
            Request::Disconnect { close: false } => {
                return Err(no_counterpart("one socket is disconnected there; target it by its id"));
            }
        };
        if one {
            encoder.text("sid");
            encoder.room_or_rooms(&target.rooms)?;
        }
        if let Some(room) = room {
            encoder.text("room");
            encoder.room_or_rooms(room)?;
        }
        encoder.member("namespace", &target.namespace);
        self.publish(encoder, sink);
        Ok(())
    }

    /// Counts the servers of all namespaces: each listens once.
    pub(crate) fn count(&self) -> Count {
        Count { command: "NUMSUB", channel: self.name().to_owned() }
    }

    /// Ends a message, and publishes it.
    fn publish(&self, encoder: &mut Encoder, sink: &mut dyn Sink) {
        encoder.member("host_id", UID);
        json::publish(self.name().as_bytes(), &encoder.out, sink);
    }

    fn name(&self) -> &str {
        if self.channel.is_empty() { "socketio" } else { &self.channel }
    }
}

/// 2^53. Every whole number below it is an f64.
const TOLD_APART: f64 = 9_007_199_254_740_992.0;

/// Null in MessagePack.
const NULL: u8 = 0xc0;

pub(crate) fn no_counterpart(why: &str) -> Refusal {
    Refusal::new(Reason::NoCounterpart, format!("python-socketio has no counterpart to this call: {why}"))
}

impl Encoder {
    /// Begins a message of so many members.
    fn method(&mut self, members: usize, name: &str) {
        self.map(members);
        self.member("method", name);
    }

    fn member(&mut self, name: &str, value: &str) {
        self.text(name);
        self.text(value);
    }

    /// Writes no room as null, one by itself, and several as a list. Refuses a number that may stand for others: an f64
    /// from 2^53 up is the nearest to several whole numbers of Python's.
    fn room_or_rooms(&mut self, rooms: &RoomList) -> Result<(), Refusal> {
        if let Some(n) = rooms.iter().filter_map(Room::number).find(|n| n.abs() >= TOLD_APART) {
            let message = format!("the room {n}: Python tells numbers from 2^53 up apart that are the same one here");
            return Err(Refusal::new(Reason::NoCounterpart, message));
        }
        match rooms.single() {
            Some(room) => room.encode(self),
            None if rooms.is_empty() => {
                self.raw(&[NULL]);
                Ok(())
            }
            None => self.rooms(rooms),
        }
    }
}
