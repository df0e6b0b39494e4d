//! How many listen on a channel.

use redis::{Cmd, ErrorKind, RedisError, Value};

use crate::message::Count;

impl Count {
    pub(crate) fn to_command(&self) -> Cmd {
        self.of_channels(&[&self.channel])
    }

    /// The same for other channels.
    pub(crate) fn of_channels(&self, channels: &[&str]) -> Cmd {
        let mut command = redis::cmd("PUBSUB");
        command.arg(self.command).arg(channels);
        command
    }
}

/// Reads what Redis answers: names and numbers in turns. On a cluster, redis-rs has added up those of all nodes.
pub(crate) fn count(reply: &Value, channel: &str) -> Result<u64, RedisError> {
    let number = match reply {
        Value::Array(words) => words.chunks_exact(2).find(|pair| is(&pair[0], channel)).map(|pair| &pair[1]),
        Value::Map(pairs) => pairs.iter().find(|pair| is(&pair.0, channel)).map(|pair| &pair.1),
        _ => None,
    };
    match number {
        Some(Value::Int(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
    .ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "PUBSUB answered something else than a count")))
}

fn is(word: &Value, channel: &str) -> bool {
    match word {
        Value::BulkString(bytes) => bytes == channel.as_bytes(),
        Value::SimpleString(text) => text == channel,
        _ => false,
    }
}
