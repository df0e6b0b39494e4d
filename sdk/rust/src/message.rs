//! What all adapters have in common: calls in, the words of Redis commands out.

use crate::args::{Args, Arguments, Limits, NoBinary};
use crate::error::{Reason, Refusal};
use crate::options::{CURRENT_VERSION, Joined, Settings};
use crate::python::no_counterpart;
use crate::room::{RoomList, Rooms};
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

    /// Sends an event to servers.
    pub(crate) fn server_side_emit(
        &self,
        target: &Target,
        name: &str,
        args: &dyn Args,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        target.check()?;
        target::check_server_event(name)?;
        target.untargeted("server_side_emit")?;
        self.needs_version_4("server_side_emit")?;
        // Servers read binary without a parser.
        let event = Event { name, args, limits: Limits { attachments: None, no_binary: None } };
        encoder.clear();
        match &self.adapter {
            Joined::Classic(classic) => classic.server_side(target, &event, encoder, sink),
            Joined::Sharded(sharded) => sharded.server_side(target, &event, encoder, sink),
            Joined::Streams(streams) => streams.server_side(target, &event, encoder, sink),
            Joined::Python(_) => Err(no_counterpart("it has no events for servers")),
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

    /// How the servers of a namespace are counted: each of them listens once on a channel.
    pub(crate) fn count(&self, target: &Target) -> Result<Count, Refusal> {
        target.check()?;
        target.untargeted("server_count")?;
        let namespace = &target.namespace;
        Ok(match &self.adapter {
            Joined::Classic(classic) => classic.count(namespace),
            Joined::Sharded(sharded) => sharded.count(namespace),
            Joined::Streams(streams) => streams.count(namespace),
            Joined::Python(python) => python.count(),
        })
    }

    fn needs_version_4(&self, call: &str) -> Result<(), Refusal> {
        if self.version == CURRENT_VERSION {
            return Ok(());
        }
        let message = format!("{call} needs Socket.IO 4, not {}", self.version);
        Err(Refusal::new(Reason::NeedsVersion4, message))
    }
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

    /// Writes the flags that are set, as servers read them.
    pub(crate) fn flags(&mut self, target: &Target) {
        self.map(usize::from(target.volatile) + usize::from(target.compress.is_some()));
        if target.volatile {
            self.text("volatile");
            self.boolean(true);
        }
        if let Some(compress) = target.compress {
            self.text("compress");
            self.boolean(compress);
        }
    }
}
