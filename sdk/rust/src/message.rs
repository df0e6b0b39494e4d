//! What all adapters have in common: calls in, the words of Redis commands out.

use std::time::Duration;

use crate::args::{Args, Arguments, Limits, NoBinary};
use crate::error::{Reason, Refusal};
use crate::options::{CURRENT_VERSION, Joined, Settings};
use crate::python::no_counterpart;
use crate::room::{RoomList, Rooms};
use crate::sent::Channel;
use crate::target::{self, Target};
use crate::value::Encoder;

/// The name under which emitters sign: servers take it for no member of their cluster. Any other is counted as one, and
/// answers to `fetchSockets()` are then waited for in vain.
pub(crate) const UID: &str = "emitter";

/// The type of a packet that is an event.
pub(crate) const EVENT: u8 = 2;

/// An event on its way to clients or servers.
pub(crate) struct Event<'a> {
    pub(crate) name: &'a str,
    pub(crate) args: &'a dyn Args,
    limits: Limits,
}

/// What servers are asked to do with the sockets of a target.
pub(crate) enum Request {
    Join(RoomList),
    Leave(RoomList),
    Disconnect { close: bool },
}

/// What servers are asked. An event for servers need not be answered.
pub(crate) enum Question<'a> {
    /// An event that clients acknowledge, and how long servers wait for that.
    Ack(Event<'a>, Duration),
    /// An event for the servers themselves.
    ServerSide(Event<'a>),
    Sockets,
    /// Of the classic adapter only.
    Rooms,
    /// Of the classic adapter only: the sockets without their data.
    SocketIds,
}

/// Where servers answer.
pub(crate) struct Replies {
    pub(crate) channels: Vec<String>,
    /// Whether these are shard channels.
    pub(crate) sharded: bool,
}

/// The Redis command that counts who listens on a channel.
pub(crate) struct Count {
    pub(crate) command: &'static str,
    pub(crate) channel: String,
}

/// Takes the words of Redis commands.
pub(crate) trait Sink {
    fn command(&mut self, words: &[&[u8]]);
}

impl Settings {
    /// Sends an event to clients.
    pub(crate) fn emit(
        &self,
        target: &Target,
        name: &str,
        args: &dyn Args,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        target.check()?;
        target::check_event(name)?;
        let event = Event { name, args, limits: Limits { attachments: Some(self.max_attachments), no_binary: None } };
        encoder.clear();
        match &self.adapter {
            Joined::Classic(classic) => classic.broadcast(target, &event, encoder, sink),
            Joined::Sharded(sharded) => sharded.broadcast(target, &event, encoder, sink),
            Joined::Streams(streams) => streams.broadcast(target, &event, encoder, sink),
            Joined::Python(python) => python.broadcast(target, &event, encoder, sink),
        }
    }

    /// Sends an event to servers. It has an id if they are to answer. Returns whether it ends servers with an adapter that
    /// is too old.
    pub(crate) fn server_side_emit(
        &self,
        target: &Target,
        name: &str,
        args: &dyn Args,
        id: Option<&str>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<bool, Refusal> {
        let call = if id.is_none() { "server_side_emit" } else { "server_side_emit_with_ack" };
        target.check()?;
        target::check_server_event(name)?;
        target.untargeted(call)?;
        // Servers read binary without a parser.
        let event = Event { name, args, limits: Limits { attachments: None, no_binary: None } };
        self.ask(call, target, &Question::ServerSide(event), id, encoder, sink)
    }

    /// Sends an event that clients acknowledge; see `server_side_emit`.
    pub(crate) fn emit_with_ack(
        &self,
        target: &Target,
        name: &str,
        args: &dyn Args,
        id: &str,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<bool, Refusal> {
        target::check_event(name)?;
        let event = Event { name, args, limits: Limits { attachments: Some(self.max_attachments), no_binary: None } };
        self.ask("emit_with_ack", target, &Question::Ack(event, target.timeout()), Some(id), encoder, sink)
    }

    /// Asks the servers of a namespace.
    pub(crate) fn ask(
        &self,
        call: &str,
        target: &Target,
        question: &Question<'_>,
        id: Option<&str>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<bool, Refusal> {
        target.check()?;
        if matches!(question, Question::Rooms) {
            target.untargeted(call)?;
        }
        self.needs_version_4(call)?;
        encoder.clear();
        match &self.adapter {
            Joined::Classic(classic) => classic.ask(target, question, id, encoder, sink),
            Joined::Sharded(sharded) => sharded.ask(target, question, id, encoder, sink).map(|()| false),
            Joined::Streams(streams) => streams.ask(target, question, id, encoder, sink).map(|()| false),
            Joined::Python(_) => Err(not_answered(call)),
        }
    }

    /// Asks the servers of a namespace behind all that was sent there, of a room that nobody is in. Events on the channel of
    /// a room took another way than the others.
    pub(crate) fn ask_behind(
        &self,
        call: &str,
        nobody: &Target,
        id: &str,
        channel: Option<&str>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        self.needs_version_4(call)?;
        match &self.adapter {
            Joined::Classic(classic) => classic.ask(nobody, &Question::SocketIds, Some(id), encoder, sink).map(drop),
            Joined::Sharded(sharded) => sharded.ask_behind(nobody, id, channel, encoder, sink),
            Joined::Streams(streams) => streams.ask_behind(nobody, id, encoder, sink),
            Joined::Python(_) => Err(not_answered(call)),
        }
    }

    /// The channel of its own that the one room of a target has, where not all rooms take one way.
    pub(crate) fn room_channel(&self, target: &Target) -> Option<Channel> {
        match &self.adapter {
            Joined::Sharded(sharded) => Some((target.namespace.to_string(), sharded.room_channel(target)?)),
            _ => None,
        }
    }

    /// What stands for one when an event for servers goes beside the stream, where `confirm` cannot know of it.
    pub(crate) fn server_channel(&self, target: &Target) -> Option<Channel> {
        let beside = matches!(self.adapter, Joined::Streams(_));
        beside.then(|| (target.namespace.to_string(), target.namespace.to_string()))
    }

    /// Where the servers of a namespace answer.
    pub(crate) fn replies(&self, namespace: &str) -> Replies {
        match &self.adapter {
            Joined::Classic(classic) => classic.replies(namespace),
            Joined::Sharded(sharded) => sharded.replies(namespace),
            Joined::Streams(streams) => streams.replies(namespace),
            Joined::Python(_) => Replies { channels: Vec::new(), sharded: false }, // they are not asked
        }
    }

    /// What servers need to answer a call.
    pub(crate) fn needs(&self, call: &str) -> Option<String> {
        const HANDLER: &str = "a handler for the event";
        let classic = matches!(self.adapter, Joined::Classic(_));
        match call {
            "server_side_emit_with_ack" if classic => {
                Some(format!("@socket.io/redis-adapter 7.0 or later and {HANDLER}"))
            }
            "server_side_emit_with_ack" => Some(HANDLER.to_owned()),
            _ if !classic => None,
            "fetch_sockets" | "rooms" | "confirm" => {
                Some("socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later".to_owned())
            }
            _ => Some("@socket.io/redis-adapter 7.2 or later".to_owned()),
        }
    }

    /// Changes sockets.
    pub(crate) fn request(
        &self,
        target: &Target,
        request: &Request,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        target.check()?;
        self.needs_version_4(request.call())?;
        encoder.clear();
        match &self.adapter {
            Joined::Classic(classic) => classic.request(target, request, encoder, sink),
            Joined::Sharded(sharded) => sharded.request(target, request, encoder, sink),
            Joined::Streams(streams) => streams.request(target, request, encoder, sink),
            Joined::Python(python) => {
                target.check_sockets(self)?;
                python.request(target, request, encoder, sink)
            }
        }
    }

    /// How the servers of a namespace are counted, for who asks for their number.
    pub(crate) fn server_count(&self, target: &Target) -> Result<Count, Refusal> {
        target.check()?;
        target.untargeted("server_count")?;
        Ok(self.count(&target.namespace))
    }

    /// How the servers of a namespace are counted: each of them listens once on a channel.
    pub(crate) fn count(&self, namespace: &str) -> Count {
        match &self.adapter {
            Joined::Classic(classic) => classic.count(namespace),
            Joined::Sharded(sharded) => sharded.count(namespace),
            Joined::Streams(streams) => streams.count(namespace),
            Joined::Python(python) => python.count(),
        }
    }

    fn needs_version_4(&self, call: &str) -> Result<(), Refusal> {
        if self.version == CURRENT_VERSION {
            return Ok(());
        }
        let message = format!("{call} needs Socket.IO 4, not {}", self.version);
        Err(Refusal::new(Reason::NeedsVersion4, message))
    }
}

fn not_answered(call: &str) -> Refusal {
    no_counterpart(&format!("servers there do not answer {call}"))
}

impl Request {
    pub(crate) fn join(rooms: impl Rooms) -> Result<Self, Refusal> {
        changed(rooms, "sockets_join").map(Self::Join)
    }

    pub(crate) fn leave(rooms: impl Rooms) -> Result<Self, Refusal> {
        changed(rooms, "sockets_leave").map(Self::Leave)
    }

    fn call(&self) -> &'static str {
        match self {
            Self::Join(_) => "sockets_join",
            Self::Leave(_) => "sockets_leave",
            Self::Disconnect { .. } => "disconnect_sockets",
        }
    }
}

fn changed(rooms: impl Rooms, call: &str) -> Result<RoomList, Refusal> {
    let mut list = RoomList::default();
    match list.add(rooms)? {
        0 => Err(Refusal::new(Reason::EmptyRoom, format!("{call} without a room"))),
        _ => Ok(list),
    }
}

impl Event<'_> {
    /// The event, for servers that may get no binary.
    pub(crate) fn without_binary(&self, no_binary: NoBinary) -> Event<'_> {
        Event { limits: Limits { no_binary: Some(no_binary), ..self.limits }, ..*self }
    }

    /// Writes the data of a packet: an array of the event's name and its arguments.
    pub(crate) fn encode(&self, encoder: &mut Encoder) -> Result<(), Refusal> {
        encoder.array(1 + self.args.count());
        encoder.text(self.name);
        self.encode_args(encoder)
    }

    /// Writes the arguments, one behind the other.
    pub(crate) fn encode_args(&self, encoder: &mut Encoder) -> Result<(), Refusal> {
        let mut arguments = Arguments { encoder, event: self.name, limits: self.limits, index: 0, trap: None };
        self.args.encode(&mut arguments)?;
        arguments.check_traps()
    }
}

impl Encoder {
    pub(crate) fn rooms(&mut self, rooms: &RoomList) -> Result<(), Refusal> {
        self.array(rooms.len());
        rooms.iter().try_for_each(|room| room.encode(self))
    }

    /// Writes the flags that are set, as servers read them, and how long they wait for acknowledgements.
    pub(crate) fn flags(&mut self, target: &Target, timeout: Option<Duration>) {
        let flags = [target.volatile, target.compress.is_some(), timeout.is_some()];
        self.map(flags.into_iter().map(usize::from).sum());
        if target.volatile {
            self.text("volatile");
            self.boolean(true);
        }
        if let Some(compress) = target.compress {
            self.text("compress");
            self.boolean(compress);
        }
        if let Some(timeout) = timeout {
            self.text("timeout");
            self.unsigned(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1));
        }
    }
}
