//! The asynchronous connections of a confirmation.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisResult, Value};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::answers::CollectServers;
use crate::asking::{Answers, MAX_REDIRECTS, another_node, late, too_many_redirects};
use crate::async_replies::{Link, Receiver, Wait};
use crate::confirm::Way;
use crate::error::Error;
use crate::message::Replies;

/// Its connections to nodes are those of all calls that ask, and stay open while it lives.
pub(crate) struct Awaited<'a, C> {
    connection: &'a C,
    receiver: &'a Receiver,
    replies: Replies,
    deadline: Instant,
    links: Mutex<Vec<Arc<Link>>>,
}

impl<'a, C: ConnectionLike + Clone + Send + Sync> Awaited<'a, C> {
    pub(crate) fn new(connection: &'a C, receiver: &'a Receiver, replies: Replies, deadline: Instant) -> Self {
        Self { connection, receiver, replies, deadline, links: Mutex::default() }
    }

    fn link(&self, node: Option<String>) -> Arc<Link> {
        let link = self.receiver.link(true, node);
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if !links.iter().any(|known| Arc::ptr_eq(known, &link)) {
            links.push(Arc::clone(&link));
        }
        link
    }

    async fn in_time<T>(&self, result: impl Future<Output = RedisResult<T>> + Send) -> RedisResult<T> {
        timeout_at(self.deadline, result).await.map_err(|_| late())?
    }
}

impl<C: ConnectionLike + Clone + Send + Sync> Way for Awaited<'_, C> {
    type Waiting = Wait;

    async fn own(&self, command: Cmd) -> RedisResult<Value> {
        let mut connection = self.connection.clone();
        self.in_time(connection.req_packed_command(&command)).await
    }

    async fn look(&self, node: Option<String>, commands: Vec<Cmd>) -> RedisResult<Vec<Value>> {
        let mut pipeline = Pipeline::new();
        for command in commands {
            pipeline.add_command(command);
        }
        self.in_time(self.link(node).send_all(self.receiver, &pipeline)).await
    }

    async fn ask(&self, mut node: Option<String>, command: Cmd) -> RedisResult<Value> {
        for _ in 0..MAX_REDIRECTS {
            match self.in_time(self.link(node).send(self.receiver, &command)).await {
                Ok(answer) => return Ok(answer),
                Err(err) => node = Some(another_node(&err).ok_or(err)?),
            }
        }
        Err(too_many_redirects())
    }

    async fn wait(&self, id: String) -> Result<Wait, Error> {
        let waiting = timeout_at(self.deadline, self.receiver.wait(&self.replies, &id)).await;
        waiting.map_err(|_| Error::subscription(late()))?
    }

    async fn collect(&self, waiting: Wait, asked: u64) -> Result<Answers<CollectServers>, Error> {
        waiting.collect(asked, self.deadline).await
    }

    async fn pause(&self, time: Duration) {
        sleep_until(self.deadline.min(Instant::now() + time)).await;
    }
}
