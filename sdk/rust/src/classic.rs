//! The adapter made by `createAdapter` of `@socket.io/redis-adapter` and `socket.io-redis`, for Socket.IO 1 to 4.

use crate::args::NoBinary;
use crate::error::{Reason, Refusal};
use crate::json;
use crate::message::{Count, EVENT, Event, Question, Replies, Request, Sink, UID};
use crate::room::Room;
use crate::target::Target;
use crate::value::Encoder;

/// Socket.IO 1 and 2 need this type for a packet with binary; 4 drops clients for it.
const BINARY_EVENT: u8 = 5;

const IN_JSON: NoBinary = NoBinary { reason: Reason::BinaryInJson, why: "JSON cannot carry binary" };

pub(crate) struct Classic {
    pub(crate) key: String,
    pub(crate) json: bool,
    pub(crate) legacy_binary: bool,
}

impl Classic {
    /// Publishes `["emitter", packet, options]`.
    pub(crate) fn broadcast(
        &self,
        target: &Target,
        event: &Event<'_>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        let out = &mut encoder.out;
        out.extend_from_slice(self.key.as_bytes());
        out.push(b'#');
        out.extend_from_slice(target.namespace.as_bytes());
        out.push(b'#');
        // A room that is a number has no channel of its own: servers look up the text in the channel among their rooms.
        if let Some(name) = target.rooms.single().and_then(Room::name) {
            out.extend_from_slice(name.as_bytes());
            out.push(b'#');
        }
        let message = out.len();
        out.extend_from_slice(b"\x93\xa7emitter\x83\xa4type\x02\xa4data");
        let packet_type = out.len() - 6;
        self.encode(event, encoder)?;
        if encoder.binaries > 0 && self.legacy_binary {
            encoder.out[packet_type] = BINARY_EVENT;
        }
        debug_assert!(matches!(encoder.out[packet_type], EVENT | BINARY_EVENT));
        encoder.raw(b"\xa3nsp");
        encoder.text(&target.namespace);
        encoder.raw(b"\x83\xa5rooms");
        encoder.rooms(&target.rooms)?;
        encoder.raw(b"\xa5flags");
        encoder.flags(target, None);
        encoder.raw(b"\xa6except");
        encoder.rooms(&target.excepted)?;
        let (channel, message) = encoder.out.split_at(message);
        if self.json {
            json::publish(channel, message, sink);
        } else {
            sink.command(&[b"PUBLISH", channel, message]);
        }
        Ok(())
    }

    /// Publishes a request in JSON.
    pub(crate) fn request(
        &self,
        target: &Target,
        request: &Request,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.map(3);
        encoder.text("type");
        encoder.small(match request {
            Request::Join(_) => 2,
            Request::Leave(_) => 3,
            Request::Disconnect { .. } => 4,
        });
        encoder.text("opts");
        encoder.map(2);
        encoder.text("rooms");
        encoder.rooms(&target.rooms)?;
        encoder.text("except");
        encoder.rooms(&target.excepted)?;
        encoder.subject(request)?;
        json::publish(self.request_channel(&target.namespace).as_bytes(), &encoder.out, sink);
        Ok(())
    }

    /// Publishes what servers answer if it has an id: in JSON, unless it holds binary. Returns whether it does, since such a
    /// request ends servers with an adapter before 7.2.
    pub(crate) fn ask(
        &self,
        target: &Target,
        question: &Question<'_>,
        id: Option<&str>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<bool, Refusal> {
        let number = match question {
            Question::SocketIds => 0,
            Question::Rooms => 1,
            Question::Sockets => 5,
            Question::ServerSide(_) => 6,
            Question::Ack(..) => 7,
        };
        let members = match question {
            Question::Rooms => 2,
            Question::SocketIds | Question::Sockets | Question::ServerSide(_) => 3,
            Question::Ack(..) => 4,
        };
        encoder.map(members + usize::from(id.is_some()));
        encoder.text("uid");
        encoder.text(UID);
        encoder.request_id(id);
        encoder.text("type");
        encoder.small(number);
        match question {
            Question::Rooms => {}
            Question::SocketIds => {
                encoder.text("rooms");
                encoder.rooms(&target.rooms)?;
            }
            Question::Sockets => {
                encoder.text("opts");
                encoder.map(2);
                encoder.text("rooms");
                encoder.rooms(&target.rooms)?;
                encoder.text("except");
                encoder.rooms(&target.excepted)?;
            }
            Question::ServerSide(event) => {
                encoder.text("data");
                self.encode(event, encoder)?;
            }
            Question::Ack(event, timeout) => {
                encoder.text("packet");
                encoder.map(3);
                encoder.text("type");
                encoder.small(EVENT);
                encoder.text("data");
                self.encode(event, encoder)?;
                encoder.text("nsp");
                encoder.text(&target.namespace);
                encoder.text("opts");
                encoder.options(target, Some(*timeout))?;
            }
        }
        let binary = encoder.json_unless_binary();
        sink.command(&[b"PUBLISH", self.request_channel(&target.namespace).as_bytes(), &encoder.out]);
        Ok(binary)
    }

    fn encode(&self, event: &Event<'_>, encoder: &mut Encoder) -> Result<(), Refusal> {
        if self.json { event.without_binary(IN_JSON).encode(encoder) } else { event.encode(encoder) }
    }

    /// Servers answer on one of two channels, the second with `publishOnSpecificResponseChannel`.
    pub(crate) fn replies(&self, namespace: &str) -> Replies {
        let channel = format!("{}-response#{namespace}#", self.key);
        Replies { channels: vec![format!("{channel}{UID}#"), channel], sharded: false }
    }

    pub(crate) fn count(&self, namespace: &str) -> Count {
        Count { command: "NUMSUB", channel: self.request_channel(namespace) }
    }

    fn request_channel(&self, namespace: &str) -> String {
        format!("{}-request#{namespace}#", self.key)
    }
}
