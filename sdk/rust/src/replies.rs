//! The connection on which an [`Emitter`](crate::Emitter) asks, and receives replies.

use std::time::{Duration, Instant};

use redis::{Client, Cmd, Connection, ErrorKind, PushKind, RedisError, RedisResult, Value};

use crate::answers::Collect;
use crate::asking::{
    Answers, Call, MAX_ATTEMPTS, MAX_REDIRECTS, another_node, client_of, late, subscribe, too_many_redirects,
};
use crate::error::Error;
use crate::reply::Reply;

/// Asks, and receives replies. Each call has a connection of its own, which ends with it.
pub(crate) struct Receiver {
    client: Box<dyn Fn() -> RedisResult<Client> + Send + Sync>,
}

/// A connection on which one call waits for replies.
struct Link {
    connection: Connection,
    deadline: Instant,
    /// Of the question.
    id: String,
    arrived: Vec<Reply>,
}

impl Receiver {
    pub(crate) fn new(client: impl Fn() -> RedisResult<Client> + Send + Sync + 'static) -> Self {
        Self { client: Box::new(client) }
    }

    /// Asks so many servers, and waits for their replies. It has subscribed before it asks.
    pub(crate) fn ask<C: Collect>(&self, call: &mut Call, asked: u64, deadline: Instant) -> Result<C::Output, Error> {
        let mut attempt = 1;
        let link = loop {
            let link = self.subscribe(call, deadline).map_err(Error::subscription)?;
            match self.publish(&call.command, deadline) {
                Ok(()) => break link,
                Err(Error::MaybeAsked(_)) if attempt < MAX_ATTEMPTS && Instant::now() < deadline && call.renew() => {
                    attempt += 1;
                }
                Err(err) => return Err(err),
            }
        };
        link.replies::<C>(call, asked)
    }

    /// Opens a connection that Redis has confirmed to be subscribed to all channels.
    fn subscribe(&self, call: &Call, deadline: Instant) -> RedisResult<Link> {
        let mut node: Option<String> = None;
        for _ in 0..MAX_REDIRECTS {
            let mut link = self.open(node.as_deref(), call.id.clone(), deadline)?;
            match link.subscribe(&call.replies.channels, call.replies.sharded) {
                Ok(()) => return Ok(link),
                Err(err) => node = Some(another_node(&err).ok_or(err)?),
            }
        }
        Err(too_many_redirects())
    }

    fn open(&self, node: Option<&str>, id: String, deadline: Instant) -> RedisResult<Link> {
        let client = client_of(&(self.client)()?, node)?;
        let connection = client.get_connection_with_timeout(left(deadline)?)?;
        Ok(Link { connection, deadline, id, arrived: Vec::new() })
    }

    /// Asks a question, which is written once, on a connection of its own.
    fn publish(&self, question: &Cmd, deadline: Instant) -> Result<(), Error> {
        let mut node: Option<String> = None;
        for _ in 0..MAX_REDIRECTS {
            match self.open(node.as_deref(), String::new(), deadline)?.publish(question) {
                Ok(()) => return Ok(()),
                Err(err) => node = Some(another_node(&err).ok_or(err).map_err(Error::of_question)?),
            }
        }
        Err(too_many_redirects().into())
    }
}

impl Link {
    fn subscribe(&mut self, channels: &[String], sharded: bool) -> RedisResult<()> {
        for channel in channels {
            self.write(&subscribe(channel, sharded))?;
            while !matches!(self.read()?, Value::Push { kind: PushKind::Subscribe | PushKind::SSubscribe, .. }) {}
        }
        Ok(())
    }

    fn publish(&mut self, question: &Cmd) -> RedisResult<()> {
        self.write(question)?;
        match self.read()? {
            Value::Int(_) => Ok(()),
            _ => Err((ErrorKind::Io, "Redis answered something else than a number").into()),
        }
    }

    /// Collects replies until they are all there, or it is too late.
    fn replies<C: Collect>(mut self, call: &Call, asked: u64) -> Result<C::Output, Error> {
        let mut answers = Answers::<C>::of(asked);
        loop {
            for reply in self.arrived.drain(..) {
                if answers.take(&reply) {
                    return Ok(answers.finish());
                }
            }
            let read = self.read().and_then(|value| match value {
                Value::Push { kind, data } => self.take(&kind, data),
                _ => Ok(()),
            });
            match read {
                Ok(()) => {}
                Err(err) if err.is_timeout() => return Err(call.incomplete(answers)),
                Err(err) => return Err(Error::subscription(err)),
            }
        }
    }

    /// Takes what Redis sends of its own accord: replies to the question, and to others.
    fn take(&mut self, kind: &PushKind, data: Vec<Value>) -> RedisResult<()> {
        match (kind, data.into_iter().nth(1)) {
            (PushKind::Message | PushKind::SMessage, Some(Value::BulkString(payload))) => {
                self.arrived.extend(Reply::read(payload).filter(|(id, _)| *id == self.id).map(|(_, reply)| reply));
            }
            // The slot of a shard channel has moved, or the user may no longer have it.
            (PushKind::Unsubscribe | PushKind::SUnsubscribe, _) => {
                return Err(RedisError::from((ErrorKind::Io, "Redis ended the subscription")));
            }
            _ => {}
        }
        Ok(())
    }

    fn write(&mut self, command: &Cmd) -> RedisResult<()> {
        self.connection.set_write_timeout(Some(left(self.deadline)?))?;
        self.connection.send_packed_command(&command.get_packed_command())
    }

    /// Reads what comes next, by the deadline: a reply may stall, and only at the end of the call may a part be lost.
    fn read(&mut self) -> RedisResult<Value> {
        self.connection.set_read_timeout(Some(left(self.deadline)?))?;
        self.connection.recv_response()?.extract_error()
    }
}

/// How much time there is, which is never none.
fn left(deadline: Instant) -> RedisResult<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(late()) } else { Ok(left) }
}
