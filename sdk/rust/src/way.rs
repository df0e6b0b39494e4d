//! The blocking connections of a confirmation.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, ready};
use std::pin::pin;
use std::sync::{Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Cmd, ConnectionLike, RedisResult, Value};

use crate::answers::CollectServers;
use crate::asking::{Answers, MAX_REDIRECTS, another_node, late, too_many_redirects};
use crate::confirm::Way;
use crate::error::Error;
use crate::message::Replies;
use crate::replies::{Link, Receiver};
use crate::timed_connection::left;

/// Has one confirmation of an emitter wait for the other.
#[derive(Default)]
pub(crate) struct Turns {
    taken: Mutex<bool>,
    ended: Condvar,
}

/// That of one confirmation, which ends with it.
pub(crate) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits for its turn, unless that does not come in time.
    pub(crate) fn wait(&self, deadline: Instant) -> Option<Turn<'_>> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let time = deadline.saturating_duration_since(Instant::now());
        let waited = self.ended.wait_timeout_while(taken, time, |taken| *taken);
        let (mut taken, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (!std::mem::replace(&mut *taken, true)).then(|| Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.ended.notify_one();
    }
}

/// Its futures are ready when they are made.
pub(crate) struct Blocking<'a, C> {
    connection: &'a Mutex<C>,
    receiver: &'a Receiver,
    replies: Replies,
    deadline: Instant,
    /// On which the answers come.
    subscribed: RefCell<Option<Link>>,
    /// To the nodes that were asked.
    links: RefCell<HashMap<Option<String>, Link>>,
}

impl<'a, C: ConnectionLike> Blocking<'a, C> {
    pub(crate) fn new(connection: &'a Mutex<C>, receiver: &'a Receiver, replies: Replies, deadline: Instant) -> Self {
        Self { connection, receiver, replies, deadline, subscribed: RefCell::default(), links: RefCell::default() }
    }

    /// Runs what waits for nothing but this.
    pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => unreachable!("it waits for what does not block"),
        }
    }

    fn send(&self, node: Option<String>, commands: &[&Cmd]) -> RedisResult<Vec<Value>> {
        let mut links = self.links.borrow_mut();
        let mut link = match links.remove(&node) {
            Some(link) => link,
            None => self.receiver.open(node.as_deref(), self.deadline)?,
        };
        let answers = link.send(commands)?;
        links.insert(node, link); // which is of no use behind an error
        Ok(answers)
    }

    fn follow(&self, mut node: Option<String>, command: &Cmd) -> RedisResult<Value> {
        for _ in 0..MAX_REDIRECTS {
            match self.send(node, &[command])?.pop().unwrap_or_default().extract_error() {
                Ok(answer) => return Ok(answer),
                Err(err) => node = Some(another_node(&err).ok_or(err)?),
            }
        }
        Err(too_many_redirects())
    }

    fn expect(&self, id: &str) -> RedisResult<()> {
        let mut subscribed = self.subscribed.borrow_mut();
        if subscribed.is_none() {
            *subscribed = Some(self.receiver.subscribe(&self.replies, self.deadline)?);
        }
        subscribed.iter_mut().for_each(|link| link.expect(id.to_owned()));
        Ok(())
    }
}

impl<C: ConnectionLike> Way for Blocking<'_, C> {
    type Waiting = String;

    fn own(&self, command: Cmd) -> impl Future<Output = RedisResult<Value>> + Send {
        ready(match self.connection.lock() {
            Ok(mut connection) => connection.req_command(&command),
            Err(_) => Err(crate::emitter::panicked()),
        })
    }

    fn look(&self, node: Option<String>, commands: Vec<Cmd>) -> impl Future<Output = RedisResult<Vec<Value>>> + Send {
        ready(self.send(node, &commands.iter().collect::<Vec<_>>()))
    }

    fn ask(&self, node: Option<String>, command: Cmd) -> impl Future<Output = RedisResult<Value>> + Send {
        ready(self.follow(node, &command))
    }

    fn wait(&self, id: String) -> impl Future<Output = Result<String, Error>> + Send {
        ready(self.expect(&id).map(|()| id).map_err(Error::subscription))
    }

    fn collect(&self, id: String, asked: u64) -> impl Future<Output = Result<Answers<CollectServers>, Error>> + Send {
        ready(match &mut *self.subscribed.borrow_mut() {
            Some(link) => link.collect(&id, asked),
            None => Err(Error::subscription(late())),
        })
    }

    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send {
        thread::sleep(left(self.deadline).map_or(Duration::ZERO, |left| left.min(time)));
        ready(())
    }
}
