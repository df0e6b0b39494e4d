//! Messages between servers whose adapter is upstream's `ClusterAdapter`: the sharded one and that of streams.

use std::time::Duration;

use crate::error::Refusal;
use crate::json;
use crate::message::{EVENT, Event, Question, Request, UID};
use crate::target::Target;
use crate::value::Encoder;

// Types of messages.
pub(crate) const BROADCAST: u8 = 3;
pub(crate) const FETCH_SOCKETS: u8 = 7;
const SERVER_SIDE_EMIT: u8 = 9;

impl Request {
    pub(crate) fn message_type(&self) -> u8 {
        match self {
            Self::Join(_) => 4,
            Self::Leave(_) => 5,
            Self::Disconnect { .. } => 6,
        }
    }
}

impl Encoder {
    /// Writes what stands before the data of `{type, data, uid, nsp}`.
    pub(crate) fn begin_message(&mut self, message_type: u8) {
        self.map(4);
        self.text("type");
        self.small(message_type);
        self.text("data");
    }

    /// Writes what stands behind it.
    pub(crate) fn end_message(&mut self, namespace: &str) {
        self.text("uid");
        self.text(UID);
        self.text("nsp");
        self.text(namespace);
    }

    /// Writes `{packet, opts}`.
    pub(crate) fn broadcast_data(&mut self, target: &Target, event: &Event<'_>) -> Result<(), Refusal> {
        self.map(2);
        self.text("packet");
        self.map(2);
        self.text("type");
        self.small(EVENT);
        self.text("data");
        event.encode(self)?;
        self.text("opts");
        self.options(target, None)
    }

    /// Writes a whole message that servers answer if it has an id.
    pub(crate) fn question(
        &mut self,
        target: &Target,
        question: &Question<'_>,
        id: Option<&str>,
    ) -> Result<(), Refusal> {
        let members = usize::from(id.is_some());
        match question {
            Question::Ack(event, timeout) => {
                self.begin_message(BROADCAST);
                self.map(2 + members);
                self.text("packet");
                self.map(2);
                self.text("type");
                self.small(EVENT);
                self.text("data");
                event.encode(self)?;
                self.request_id(id);
                self.text("opts");
                self.options(target, Some(*timeout))?;
            }
            Question::ServerSide(event) => {
                self.begin_message(SERVER_SIDE_EMIT);
                self.map(1 + members);
                self.request_id(id);
                self.text("packet");
                event.encode(self)?;
            }
            Question::Sockets | Question::Rooms | Question::SocketIds => {
                self.begin_message(FETCH_SOCKETS);
                self.fetch_data(target, id)?;
            }
        }
        self.end_message(&target.namespace);
        Ok(())
    }

    /// Writes `{opts, requestId}`.
    pub(crate) fn fetch_data(&mut self, target: &Target, id: Option<&str>) -> Result<(), Refusal> {
        self.map(1 + usize::from(id.is_some()));
        self.text("opts");
        self.options(target, None)?;
        self.request_id(id);
        Ok(())
    }

    pub(crate) fn request_id(&mut self, id: Option<&str>) {
        if let Some(id) = id {
            self.text("requestId");
            self.text(id);
        }
    }

    /// Writes `{opts, rooms}` or `{opts, close}`.
    pub(crate) fn request_data(&mut self, target: &Target, request: &Request) -> Result<(), Refusal> {
        self.map(2);
        self.text("opts");
        self.options(target, None)?;
        self.subject(request)
    }

    /// Writes what a request is about, a key and a value.
    pub(crate) fn subject(&mut self, request: &Request) -> Result<(), Refusal> {
        match request {
            Request::Join(rooms) | Request::Leave(rooms) => {
                self.text("rooms");
                self.rooms(rooms)
            }
            Request::Disconnect { close } => {
                self.text("close");
                self.boolean(*close);
                Ok(())
            }
        }
    }

    pub(crate) fn options(&mut self, target: &Target, timeout: Option<Duration>) -> Result<(), Refusal> {
        self.map(3);
        self.text("rooms");
        self.rooms(&target.rooms)?;
        self.text("except");
        self.rooms(&target.excepted)?;
        self.text("flags");
        self.flags(target, timeout);
        Ok(())
    }

    /// Turns what was written into JSON, unless it holds binary. Returns whether it does.
    pub(crate) fn json_unless_binary(&mut self) -> bool {
        if self.binaries > 0 {
            return true;
        }
        let mut text = Vec::with_capacity(2 * self.out.len());
        json::transcode(&self.out, &mut text);
        self.out = text;
        false
    }
}
