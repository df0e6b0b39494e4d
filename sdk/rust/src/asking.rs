//! Calls with replies: what is asked, and what becomes of the replies.

use std::sync::Arc;
use std::time::Duration;

use redis::{Client, Cmd, ConnectionAddr, ErrorKind, ProtocolVersion, RedisError, RedisResult};

use crate::answers::{Collect, Incomplete};
use crate::args::{Args, Written};
use crate::error::{Error, Reason, Refusal};
use crate::message::{Count, Question, Replies, Sink};
use crate::options::Settings;
use crate::sent::{Sending, Sent};
use crate::target::Target;
use crate::value::Encoder;

/// How often a question is asked that changes nothing, under another id each time.
pub(crate) const MAX_ATTEMPTS: u32 = 4;

/// How often a node of a Redis Cluster may say that another one has the slot.
pub(crate) const MAX_REDIRECTS: u32 = 5;

/// A call that waits for replies.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    pub(crate) settings: Arc<Settings>,
    pub(crate) replies: Replies,
    pub(crate) count: Count,
    /// Of the question, which replies carry.
    pub(crate) id: String,
    pub(crate) command: Cmd,
    /// Whether the question ends servers that are too old for it.
    pub(crate) ends_servers: bool,
    /// What servers need to answer it.
    needs: Option<String>,
    /// The event that clients acknowledge, if it is one.
    event: Option<(String, Written)>,
}

impl Call {
    pub(crate) fn emit_with_ack(
        settings: &Arc<Settings>,
        target: &Target,
        event: &str,
        args: &dyn Args,
    ) -> Result<Self, Refusal> {
        let call = Self::new("emit_with_ack", settings, target, |id, encoder, sink| {
            settings.emit_with_ack(target, event, args, id, encoder, sink)
        })?;
        Ok(Self { event: Some((event.to_owned(), Written::new(event, args)?)), ..call })
    }

    pub(crate) fn server_side_emit_with_ack(
        settings: &Arc<Settings>,
        target: &Target,
        event: &str,
        args: &dyn Args,
    ) -> Result<Self, Refusal> {
        Self::new("server_side_emit_with_ack", settings, target, |id, encoder, sink| {
            settings.server_side_emit(target, event, args, Some(id), encoder, sink)
        })
    }

    pub(crate) fn fetch_sockets(settings: &Arc<Settings>, target: &Target) -> Result<Self, Refusal> {
        Self::harmless("fetch_sockets", Question::Sockets, settings, target)
    }

    pub(crate) fn rooms(settings: &Arc<Settings>, target: &Target) -> Result<Self, Refusal> {
        Self::harmless("rooms", Question::Rooms, settings, target)
    }

    fn harmless(
        name: &'static str,
        question: Question<'_>,
        settings: &Arc<Settings>,
        target: &Target,
    ) -> Result<Self, Refusal> {
        Self::new(name, settings, target, |id, encoder, sink| {
            settings.ask(name, target, &question, Some(id), encoder, sink)
        })
    }

    /// Asks servers whether they can read binary in requests. What shows it is that they answer an event with
    /// acknowledgement: both came with the same version. It goes to a room that nobody is in.
    pub(crate) fn probe(name: &'static str, settings: &Arc<Settings>, target: &Target) -> Result<Self, Refusal> {
        let nobody = target.to_nobody(&new_id());
        let probe = Self::emit_with_ack(settings, &nobody, "probe", &())?;
        Ok(Self { name, ..probe })
    }

    fn new(
        name: &'static str,
        settings: &Arc<Settings>,
        target: &Target,
        encode: impl FnOnce(&str, &mut Encoder, &mut dyn Sink) -> Result<bool, Refusal>,
    ) -> Result<Self, Refusal> {
        let id = new_id();
        let mut command = Command::default();
        let ends_servers = encode(&id, &mut Encoder::new(), &mut command)?;
        let namespace = &target.namespace;
        Ok(Self {
            name,
            replies: settings.replies(namespace),
            count: settings.count(namespace),
            target: target.clone(),
            settings: Arc::clone(settings),
            id,
            command: command.0,
            ends_servers,
            needs: settings.needs(name),
            event: None,
        })
    }

    /// Has servers wait for acknowledgements as long as there is still time.
    pub(crate) fn set_time_left(&mut self, left: Duration) -> Result<(), Refusal> {
        if let Some((event, args)) = &self.event {
            let target = self.target.with_timeout(left.max(Duration::from_millis(1)));
            let mut command = Command::default();
            self.settings.emit_with_ack(&target, event, args, &self.id, &mut Encoder::new(), &mut command)?;
            self.command = command.0;
        }
        Ok(())
    }

    /// Makes another question of one that changes nothing, and returns whether it is one.
    pub(crate) fn renew(&mut self) -> bool {
        let renewed = match self.name {
            "fetch_sockets" => Self::fetch_sockets(&self.settings, &self.target),
            "rooms" => Self::rooms(&self.settings, &self.target),
            _ => return false,
        };
        renewed.map(|call| *self = call).is_ok()
    }

    /// Begins to send the question, if that is an event.
    pub(crate) fn sending<'s>(&self, sent: &'s Sent) -> Option<Sending<'s>> {
        let channel = match self.name {
            "emit_with_ack" | "server_side_emit_with_ack" => self.settings.server_channel(&self.target),
            _ => return None,
        };
        sent.goes_to(&self.target.namespace);
        Some(sent.sending(channel))
    }

    /// Ends that, and has a confirmation doubt what went beside a stream, unless all servers have answered that they
    /// send it to their clients.
    pub(crate) fn end<T>(&self, sending: Option<Sending<'_>>, outcome: &Result<T, Error>) {
        let is_answered = match outcome {
            Ok(_) => true,
            Err(Error::Incomplete(it)) => it.servers >= it.asked,
            Err(_) => false,
        };
        if let Some(sending) = sending {
            if is_answered && self.name == "emit_with_ack" {
                sending.arrived();
            }
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.target.timeout()
    }

    pub(crate) fn no_servers(&self) -> Error {
        no_servers(self.name, &self.target.namespace)
    }

    pub(crate) fn incomplete<C: Collect>(&self, answers: Answers<C>) -> Error {
        let (servers, clients, expected) = answers.collected.progress();
        Error::Incomplete(Box::new(Incomplete {
            call: self.name,
            servers,
            asked: answers.asked,
            clients,
            expected,
            unread: answers.unread,
            needs: self.needs.clone().filter(|_| servers == 0),
            partial: C::partial(answers.finish()),
        }))
    }
}

pub(crate) fn no_servers(call: &str, namespace: &str) -> Error {
    Refusal::new(Reason::NoServers, format!("{call}: no server listens on namespace {namespace}")).into()
}

/// The refusal of a call with replies by an emitter that has no connection for them.
pub(crate) fn needs_replies(call: &str) -> Refusal {
    let message =
        format!("{call} waits for replies: give the emitter what opens a connection for them, with replies()");
    Refusal::new(Reason::NeedsReplies, message)
}

/// What has come of a question.
pub(crate) struct Answers<C> {
    pub(crate) collected: C,
    asked: u64,
    unread: u64,
}

impl<C: Collect> Answers<C> {
    /// Of a question to so many servers.
    pub(crate) fn of(asked: u64) -> Self {
        Self { collected: C::default(), asked, unread: 0 }
    }

    /// Takes a reply, and returns whether that was the last.
    pub(crate) fn take(&mut self, reply: &crate::reply::Reply) -> bool {
        // Whatever comes behind the last one is too much.
        if !self.complete() && self.collected.wants(reply) && self.collected.add(reply).is_err() {
            self.unread += 1;
        }
        self.complete()
    }

    pub(crate) fn complete(&self) -> bool {
        self.missing() == 0
    }

    /// How many replies are still to come, at least.
    pub(crate) fn missing(&self) -> u64 {
        self.collected.missing(self.asked)
    }

    pub(crate) fn finish(self) -> C::Output {
        self.collected.finish(self.asked)
    }
}

/// The one command of a question.
#[derive(Default)]
pub(crate) struct Command(pub(crate) Cmd);

impl Sink for Command {
    fn command(&mut self, words: &[&[u8]]) {
        for word in words {
            self.0.arg(*word);
        }
    }
}

/// How connections for replies are named, in all languages, so that nobody takes them for those of servers: with shard
/// channels they look like these.
pub(crate) const CLIENT_NAME: &str = "sioemit-replies";

/// The command that says so, which Redis may refuse.
pub(crate) fn introduce() -> Cmd {
    let mut command = redis::cmd("CLIENT");
    command.arg("SETNAME").arg(CLIENT_NAME);
    command
}

/// The command that subscribes to a channel.
pub(crate) fn subscribe(channel: &str, sharded: bool) -> Cmd {
    let mut command = redis::cmd(if sharded { "SSUBSCRIBE" } else { "SUBSCRIBE" });
    command.arg(channel);
    command
}

/// Returns an id that nobody else uses.
pub(crate) fn new_id() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the system has random numbers");
    format!("{:032x}", u128::from_ne_bytes(random))
}

/// What opens the connection for replies with the settings of a client: at its Redis, or at another node of the cluster.
/// Messages are told from answers by RESP3.
pub(crate) fn client_of(client: &Client, node: Option<&str>) -> RedisResult<Client> {
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let mut addr = info.addr().clone();
    if let Some((to_host, to_port)) = node.and_then(|node| node.rsplit_once(':')) {
        if let ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } = &mut addr {
            if !to_host.is_empty() {
                to_host.clone_into(host);
            }
            *port = to_port.parse().unwrap_or(*port);
        }
    }
    Client::open(info.set_redis_settings(settings).set_addr(addr))
}

/// The deadline has passed.
pub(crate) fn late() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

pub(crate) fn too_many_redirects() -> RedisError {
    RedisError::from((ErrorKind::Client, "each node of the cluster says that another one has the slot"))
}

/// The node that has the slot of a shard channel.
pub(crate) fn another_node(err: &RedisError) -> Option<String> {
    err.redirect_node().map(|(node, _)| node.to_owned())
}
