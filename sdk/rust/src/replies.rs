//! The connection on which an [`Emitter`](crate::Emitter) asks, and receives replies.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use redis::{Client, Cmd, ErrorKind, PushKind, RedisError, RedisResult, Value};

use crate::answers::Collect;
use crate::asking::{
    Answers, Call, MAX_ATTEMPTS, MAX_REDIRECTS, another_node, client_of, introduce, subscribe, too_many_redirects,
};
use crate::error::Error;
use crate::message::Replies;
use crate::reply::Reply;
use crate::timed_connection::{TimedConnection, left};

/// Asks, and receives replies. Each call has a connection of its own, which ends with it.
pub(crate) struct Receiver {
    client: Arc<dyn Fn() -> RedisResult<Client> + Send + Sync>,
}

/// A connection on which one call asks, or waits for replies.
pub(crate) struct Link {
    connection: TimedConnection,
    /// The replies to each question, by its id.
    arrived: HashMap<String, Vec<Reply>>,
}

impl Receiver {
    pub(crate) fn new(client: impl Fn() -> RedisResult<Client> + Send + Sync + 'static) -> Self {
        Self { client: Arc::new(client) }
    }

    /// Asks so many servers, and waits for their replies. It has subscribed before it asks.
    pub(crate) fn ask<C: Collect>(&self, call: &mut Call, asked: u64, deadline: Instant) -> Result<C::Output, Error> {
        let mut attempt = 1;
        let mut link = loop {
            let mut link = self.subscribe(&call.replies, deadline).map_err(Error::subscription)?;
            link.expect(call.id.clone());
            call.set_time_left(left(deadline).unwrap_or_default())?;
            match self.publish(&call.command, deadline) {
                Ok(()) => break link,
                Err(Error::MaybeAsked(_)) if attempt < MAX_ATTEMPTS && Instant::now() < deadline && call.renew() => {
                    attempt += 1;
                }
                Err(err) => return Err(err),
            }
        };
        let answers = link.collect::<C>(&call.id, asked)?;
        if answers.complete() { Ok(answers.finish()) } else { Err(call.incomplete(answers)) }
    }

    /// Opens a connection that Redis has confirmed to be subscribed to all channels.
    pub(crate) fn subscribe(&self, replies: &Replies, deadline: Instant) -> RedisResult<Link> {
        let mut node: Option<String> = None;
        for _ in 0..MAX_REDIRECTS {
            let mut link = self.open(node.as_deref(), deadline)?;
            match link.subscribe(&replies.channels, replies.sharded) {
                Ok(()) => return Ok(link),
                Err(err) => node = Some(another_node(&err).ok_or(err)?),
            }
        }
        Err(too_many_redirects())
    }

    pub(crate) fn open(&self, node: Option<&str>, deadline: Instant) -> RedisResult<Link> {
        let (client, node) = (Arc::clone(&self.client), node.map(str::to_owned));
        let connection = TimedConnection::open(deadline, move || {
            client_of(&client()?, node.as_deref())?.get_connection_with_timeout(left(deadline)?)
        })?;
        Ok(Link { connection, arrived: HashMap::new() })
    }

    /// Asks a question, which is written once, on a connection of its own.
    fn publish(&self, question: &Cmd, deadline: Instant) -> Result<(), Error> {
        let mut node: Option<String> = None;
        for _ in 0..MAX_REDIRECTS {
            match self.open(node.as_deref(), deadline)?.publish(question) {
                Ok(()) => return Ok(()),
                Err(err) => node = Some(another_node(&err).ok_or(err).map_err(Error::of_question)?),
            }
        }
        Err(too_many_redirects().into())
    }
}

impl Link {
    fn subscribe(&mut self, channels: &[String], sharded: bool) -> RedisResult<()> {
        if sharded {
            self.send(&[&introduce()])?;
        }
        for channel in channels {
            self.write(&subscribe(channel, sharded))?;
            while !matches!(self.read(1)?, Value::Push { kind: PushKind::Subscribe | PushKind::SSubscribe, .. }) {}
        }
        Ok(())
    }

    fn publish(&mut self, question: &Cmd) -> RedisResult<()> {
        match self.send(&[question])?.pop().unwrap_or_default().extract_error()? {
            Value::Int(_) => Ok(()),
            _ => Err((ErrorKind::Io, "Redis answered something else than a number").into()),
        }
    }

    /// Sends commands, on a connection that is subscribed to nothing. What Redis refuses is among the answers.
    pub(crate) fn send(&mut self, commands: &[&Cmd]) -> RedisResult<Vec<Value>> {
        commands.iter().try_for_each(|command| self.write(command))?;
        commands.iter().map(|_| self.connection.read(1)).collect()
    }

    /// Keeps the replies to a question.
    pub(crate) fn expect(&mut self, id: String) {
        self.arrived.insert(id, Vec::new());
    }

    /// Collects replies until they are all there, or it is too late.
    pub(crate) fn collect<C: Collect>(&mut self, id: &str, asked: u64) -> Result<Answers<C>, Error> {
        let mut answers = Answers::<C>::of(asked);
        loop {
            let arrived = self.arrived.get_mut(id).map(std::mem::take).unwrap_or_default();
            if arrived.iter().any(|reply| answers.take(reply)) {
                return Ok(answers);
            }
            let read = self.read(answers.missing()).and_then(|value| match value {
                Value::Push { kind, data } => self.take(&kind, data),
                _ => Ok(()),
            });
            match read {
                Ok(()) => {}
                Err(err) if err.is_timeout() => return Ok(answers),
                Err(err) => return Err(Error::subscription(err)),
            }
        }
    }

    /// Takes what Redis sends of its own accord: replies to the questions, and to others.
    fn take(&mut self, kind: &PushKind, data: Vec<Value>) -> RedisResult<()> {
        match (kind, data.into_iter().nth(1)) {
            (PushKind::Message | PushKind::SMessage, Some(Value::BulkString(payload))) => {
                if let Some((id, reply)) = Reply::read(payload) {
                    if let Some(arrived) = self.arrived.get_mut(&id) {
                        arrived.push(reply);
                    }
                }
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
        self.connection.write(command.get_packed_command())
    }

    fn read(&mut self, at_least: u64) -> RedisResult<Value> {
        self.connection.read(at_least)?.extract_error()
    }
}
