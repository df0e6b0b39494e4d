//! The adapter made by `createAdapter` of `@socket.io/redis-streams-adapter`.

use crate::base64::base64;
use crate::cluster_message::{BROADCAST, FETCH_SOCKETS};
use crate::error::{Reason, Refusal};
use crate::message::{Count, Event, Question, Replies, Request, Sink, UID};
use crate::options::{option, or_default};
use crate::target::Target;
use crate::value::Encoder;

/// Where the namespace stands among the words of the command that adds an entry.
pub(crate) const ENTRY_NAMESPACE: usize = 9;

/// The adapter made by `createAdapter` of `@socket.io/redis-streams-adapter`.
///
/// The options are upstream's. Servers that were disconnected from Redis for a moment get what they missed.
#[derive(Clone, Debug)]
#[must_use]
pub struct Streams {
    stream_name: String,
    stream_count: u32,
    max_len: u64,
    channel_prefix: String,
    use_sharded_pubsub: bool,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            stream_name: or_default(String::new()),
            stream_count: 1,
            max_len: 10_000,
            channel_prefix: or_default(String::new()),
            use_sharded_pubsub: false,
        }
    }
}

impl Streams {
    /// With upstream's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the stream, by default `socket.io`.
    pub fn stream_name(mut self, name: impl Into<String>) -> Self {
        self.stream_name = or_default(name.into());
        self
    }

    /// How many streams the namespaces are spread over, by default 1.
    pub fn stream_count(mut self, count: u32) -> Self {
        self.stream_count = count;
        self
    }

    /// About how many entries a stream keeps, by default 10,000.
    pub fn max_len(mut self, entries: u64) -> Self {
        self.max_len = entries;
        self
    }

    /// What the channels begin with that go beside the streams, by default `socket.io`.
    pub fn channel_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.channel_prefix = or_default(prefix.into());
        self
    }

    /// Whether those channels are sharded, by default not.
    pub fn use_sharded_pubsub(mut self, sharded: bool) -> Self {
        self.use_sharded_pubsub = sharded;
        self
    }

    pub(crate) fn checked(self) -> Result<Self, Refusal> {
        for (name, value) in [("stream_count", self.stream_count.into()), ("max_len", self.max_len)] {
            if value == 0 {
                return Err(option(format!("{name} 0: it must be 1 or more")));
            }
        }
        Ok(self)
    }

    /// Adds an entry to the stream of the namespace.
    pub(crate) fn broadcast(
        &self,
        target: &Target,
        event: &Event<'_>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.broadcast_data(target, event)?;
        self.add(&target.namespace, BROADCAST, encoder, sink)
    }

    /// Adds an entry to the stream: a server that is away for a moment must not miss it.
    pub(crate) fn request(
        &self,
        target: &Target,
        request: &Request,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.request_data(target, request)?;
        self.add(&target.namespace, request.message_type(), encoder, sink)
    }

    /// Publishes, in MessagePack, what servers answer if it has an id.
    pub(crate) fn ask(
        &self,
        target: &Target,
        question: &Question<'_>,
        id: Option<&str>,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.question(target, question, id)?;
        let command: &[u8] = if self.use_sharded_pubsub { b"SPUBLISH" } else { b"PUBLISH" };
        sink.command(&[command, self.channel(&target.namespace).as_bytes(), &encoder.out]);
        Ok(())
    }

    /// Adds a question to the stream of the namespace.
    pub(crate) fn ask_behind(
        &self,
        nobody: &Target,
        id: &str,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        encoder.fetch_data(nobody, Some(id))?;
        self.add(&nobody.namespace, FETCH_SOCKETS, encoder, sink)
    }

    pub(crate) fn replies(&self, namespace: &str) -> Replies {
        Replies { channels: vec![format!("{}{UID}#", self.channel(namespace))], sharded: self.use_sharded_pubsub }
    }

    pub(crate) fn count(&self, namespace: &str) -> Count {
        let command = if self.use_sharded_pubsub { "SHARDNUMSUB" } else { "NUMSUB" };
        Count { command, channel: self.channel(namespace) }
    }

    fn channel(&self, namespace: &str) -> String {
        format!("{}#{namespace}#", self.channel_prefix)
    }

    /// Adds an entry with the data that was written: JSON, or MessagePack in base64 when it holds binary.
    fn add(
        &self,
        namespace: &str,
        message_type: u8,
        encoder: &mut Encoder,
        sink: &mut dyn Sink,
    ) -> Result<(), Refusal> {
        let stream = self.stream(namespace)?;
        if encoder.json_unless_binary() {
            encoder.out = base64(&encoder.out).into_bytes();
        }
        sink.command(&[
            b"XADD",
            stream.as_bytes(),
            b"MAXLEN",
            b"~",
            itoa::Buffer::new().format(self.max_len).as_bytes(),
            b"*",
            b"uid",
            UID.as_bytes(),
            b"nsp",
            namespace.as_bytes(),
            b"type",
            itoa::Buffer::new().format(message_type).as_bytes(),
            b"data",
            &encoder.out,
        ]);
        Ok(())
    }

    /// To how many entries a stream is trimmed.
    pub(crate) fn limit(&self) -> u64 {
        self.max_len
    }

    pub(crate) fn stream(&self, namespace: &str) -> Result<String, Refusal> {
        if self.stream_count == 1 {
            return Ok(self.stream_name.clone());
        }
        // Upstream's remainder keeps the sign of the hash, as that of JavaScript and Rust does.
        match i64::from(java_hash(namespace)) % i64::from(self.stream_count) {
            number @ 0.. => Ok(format!("{}-{number}", self.stream_name)),
            number => Err(Refusal::new(
                Reason::UnreadStream,
                format!(
                    "no server reads the stream of namespace {namespace:?}: it hashes to {number} of {}",
                    self.stream_count
                ),
            )),
        }
    }
}

/// The hash code of a string in Java, which upstream borrowed: over UTF-16 code units, signed, 32 bits.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |code: i32, unit| code.wrapping_mul(31).wrapping_add(unit.into()))
}
