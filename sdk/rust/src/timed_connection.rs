//! A blocking connection that keeps nobody waiting beyond a deadline.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Connection, RedisResult, Value};

use crate::asking::{CLIENT_NAME, late};
use crate::emitter::panicked;

/// A connection of one call, which a thread of its own opens, reads and writes.
///
/// redis-rs has a timeout for each read of the socket and none for a whole value, and hands out no socket. What comes byte by
/// byte would hold up the call for as long as it comes. With the thread, the call ends in time. The thread is left to itself
/// then: it closes the connection when the value has come, or nothing has for as long as there was time.
pub(crate) struct TimedConnection {
    steps: mpsc::Sender<Step>,
    results: mpsc::Receiver<RedisResult<Value>>,
    deadline: Instant,
    /// How many of the values that the thread was told to read have not been taken yet.
    ahead: u64,
}

/// How many values the thread reads ahead at most.
const MAX_AHEAD: u64 = 1000;

/// What the thread is told to do.
enum Step {
    Write(Vec<u8>),
    Read,
}

impl TimedConnection {
    pub(crate) fn open(
        deadline: Instant,
        open: impl FnOnce() -> RedisResult<Connection> + Send + 'static,
    ) -> RedisResult<Self> {
        let (steps, to_do) = mpsc::channel::<Step>();
        let (done, results) = mpsc::channel();
        thread::Builder::new().name(CLIENT_NAME.to_owned()).spawn(move || {
            let mut connection = open();
            let mut result = connection.as_ref().map(|_| Value::Okay).map_err(Clone::clone);
            // Until nobody waits for a result, or has another step.
            while done.send(result).is_ok() {
                let (Ok(step), Ok(connection)) = (to_do.recv(), &mut connection) else { return };
                result = step.take(connection, deadline);
            }
        })?;
        let connection = Self { steps, results, deadline, ahead: 0 };
        connection.wait().map(|_| connection)
    }

    pub(crate) fn write(&mut self, bytes: Vec<u8>) -> RedisResult<()> {
        left(self.deadline)?;
        self.tell(Step::Write(bytes));
        self.wait().map(drop)
    }

    /// Reads what comes next. The thread goes on with as many values as will be taken at least, without waiting to be told of
    /// each. With one more, it would keep the connection open when the call has ended.
    pub(crate) fn read(&mut self, at_least: u64) -> RedisResult<Value> {
        left(self.deadline)?; // a result that came late is no longer to be told from the next one
        if self.ahead == 0 {
            self.ahead = at_least.clamp(1, MAX_AHEAD);
            (0..self.ahead).for_each(|_| self.tell(Step::Read));
        }
        self.ahead -= 1;
        self.wait()
    }

    fn tell(&self, step: Step) {
        let _ = self.steps.send(step); // when the thread has ended, there is no result either
    }

    fn wait(&self) -> RedisResult<Value> {
        match self.results.recv_timeout(self.deadline.saturating_duration_since(Instant::now())) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(late()),
            Err(RecvTimeoutError::Disconnected) => Err(panicked()),
        }
    }
}

impl Step {
    fn take(self, connection: &mut Connection, deadline: Instant) -> RedisResult<Value> {
        let left = Some(left(deadline)?);
        match self {
            Self::Write(bytes) => {
                connection.set_write_timeout(left)?;
                connection.send_packed_command(&bytes).map(|()| Value::Okay)
            }
            Self::Read => {
                connection.set_read_timeout(left)?;
                connection.recv_response()
            }
        }
    }
}

/// How much time there is, which is never none.
pub(crate) fn left(deadline: Instant) -> RedisResult<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(late()) } else { Ok(left) }
}
