//! The adapter made by `createShardedAdapter` of `@socket.io/redis-adapter`.

use std::str::FromStr;

use crate::cluster_message::BROADCAST;
use crate::error::{Error, Refusal};
use crate::message::{Count, Event, Question, Replies, Request, Sink, UID};
use crate::options::{option, or_default};
use crate::room::Room;
use crate::target::Target;
use crate::value::Encoder;

const SOCKET_ID_LENGTH: usize = 20;

/// Which rooms have a channel of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionMode {
    /// Those of servers with `dynamic`: all but the rooms that are socket ids.
    #[default]
    Dynamic,
    /// Those of servers with `dynamic-private`: all.
    DynamicPrivate,
    /// Those of servers with `static`: none.
    Static,
}

impl FromStr for SubscriptionMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "dynamic" => Ok(Self::Dynamic),
            "dynamic-private" => Ok(Self::DynamicPrivate),
            "static" => Ok(Self::Static),
            _ => Err(option(format!("subscription_mode {name:?}: it is dynamic, dynamic-private or static")).into()),
        }
    }
}

/// The adapter made by `createShardedAdapter` of `@socket.io/redis-adapter` 8.2 and later, which needs Redis 7.
///
/// The options are upstream's.
#[derive(Clone, Debug)]
#[must_use]
pub struct Sharded {
    channel_prefix: String,
    subscription_mode: SubscriptionMode,
}

impl Default for Sharded {
    fn default() -> Self {
        Self { channel_prefix: or_default(String::new()), subscription_mode: SubscriptionMode::default() }
    }
}

impl Sharded {
    /// With upstream's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// What all channels begin with, by default `socket.io`.
    pub fn channel_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.channel_prefix = or_default(prefix.into());
        self
    }

    /// That of the servers, by default dynamic: with another one, events to one room reach nobody.
    pub fn subscription_mode(mut self, mode: SubscriptionMode) -> Self {
        self.subscription_mode = mode;
        self
    }

    /// Publishes to the channel of the namespace, or of the one room that has a channel of its own.
    pub(crate) fn broadcast(
        &self,
        target: &Target,
        event: &Event<'_>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        let channel = self.room_channel(target).unwrap_or_else(|| self.channel(&target.namespace));
        encoder.begin_message(BROADCAST);
        encoder.broadcast_data(target, event)?;
        encoder.end_message(&target.namespace);
        encoder.json_unless_binary();
        sink.command(&[b"SPUBLISH", channel.as_bytes(), &encoder.out]);
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
        encoder.begin_message(request.message_type());
        encoder.request_data(target, request)?;
        encoder.end_message(&target.namespace);
        encoder.json_unless_binary();
        sink.command(&[b"SPUBLISH", self.channel(&target.namespace).as_bytes(), &encoder.out]);
        Ok(())
    }

    /// Publishes what servers answer if it has an id.
    pub(crate) fn ask(
        &self,
        target: &Target,
        question: &Question<'_>,
        id: Option<&str>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.question(target, question, id)?;
        encoder.json_unless_binary();
        sink.command(&[b"SPUBLISH", self.channel(&target.namespace).as_bytes(), &encoder.out]);
        Ok(())
    }

    /// Publishes a question on the channel of the namespace, or of one room.
    pub(crate) fn ask_behind(
        &self,
        nobody: &Target,
        id: &str,
        channel: Option<&str>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.question(nobody, &Question::SocketIds, Some(id))?;
        encoder.json_unless_binary();
        let channel = channel.map_or_else(|| self.channel(&nobody.namespace), str::to_owned);
        sink.command(&[b"SPUBLISH", channel.as_bytes(), &encoder.out]);
        Ok(())
    }

    pub(crate) fn replies(&self, namespace: &str) -> Replies {
        Replies { channels: vec![format!("{}{UID}#", self.channel(namespace))], sharded: true }
    }

    pub(crate) fn count(&self, namespace: &str) -> Count {
        Count { command: "SHARDNUMSUB", channel: self.channel(namespace) }
    }

    fn channel(&self, namespace: &str) -> String {
        format!("{}#{namespace}#", self.channel_prefix)
    }

    /// The channel of the one room of a target, if that has one of its own.
    pub(crate) fn room_channel(&self, target: &Target) -> Option<String> {
        let name = target.rooms.single().and_then(|room| self.has_channel(room))?;
        Some(format!("{}{name}#", self.channel(&target.namespace)))
    }

    /// The name of a room that has a channel.
    fn has_channel<'a>(&self, room: &'a Room) -> Option<&'a str> {
        room.name().filter(|name| match self.subscription_mode {
            SubscriptionMode::Static => false,
            SubscriptionMode::DynamicPrivate => true,
            // Upstream compares the length in UTF-16 code units: a socket id has 20.
            SubscriptionMode::Dynamic => name.encode_utf16().count() != SOCKET_ID_LENGTH,
        })
    }
}
