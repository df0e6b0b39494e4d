//! Servers that answer questions, as far as the wire shows them.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use redis::{ConnectionLike, IntoConnectionInfo, ProtocolVersion, Value};
use serde_json::Value as Json;

use crate::redis_server::Redis;

/// A server that has subscribed, and publishes what a function makes of each question.
pub struct Server {
    questions: mpsc::Receiver<Json>,
}

impl Server {
    /// One that listens on a channel and answers on another.
    pub fn start(
        redis: &Redis,
        sharded: bool,
        [channel, answers]: [&str; 2],
        answer: impl Fn(&Json) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        let info = redis.url().into_connection_info().unwrap();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = redis::Client::open(info.set_redis_settings(settings)).unwrap();
        let (mut listening, mut speaking) = (client.get_connection().unwrap(), client.get_connection().unwrap());
        let (subscribe, publish) = if sharded { ("SSUBSCRIBE", "SPUBLISH") } else { ("SUBSCRIBE", "PUBLISH") };
        listening.send_packed_command(&redis::cmd(subscribe).arg(channel).get_packed_command()).unwrap();
        listening.recv_response().unwrap();
        let (seen, questions) = mpsc::channel();
        let answers = answers.to_owned();
        thread::spawn(move || {
            // Until redis-server stops.
            while let Ok(Value::Push { data, .. }) = listening.recv_response() {
                let Some(Value::BulkString(message)) = data.get(1) else { continue };
                let question = match message.first() {
                    Some(b'{') => serde_json::from_slice(message).unwrap(),
                    _ => json(&rmpv::decode::read_value(&mut message.as_slice()).unwrap()),
                };
                for reply in answer(&question) {
                    let command = redis::cmd(publish).arg(&answers).arg(reply).get_packed_command();
                    if speaking.req_packed_command(&command).is_err() {
                        return;
                    }
                }
                if seen.send(question).is_err() {
                    return;
                }
            }
        });
        Self { questions }
    }

    /// One with the classic adapter, in the namespace `/`.
    pub fn classic(redis: &Redis, answer: impl Fn(&Json) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self::start(redis, false, ["socket.io-request#/#", "socket.io-response#/#"], answer)
    }

    /// The next question.
    pub fn question(&self) -> Json {
        self.questions.recv_timeout(Duration::from_secs(60)).expect("nobody asks")
    }

    /// Those that came and have not been looked at.
    pub fn questions(&self) -> Vec<Json> {
        self.questions.try_iter().collect()
    }
}

/// MessagePack that holds no binary.
fn json(value: &rmpv::Value) -> Json {
    match value {
        rmpv::Value::Map(members) => {
            members.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), json(value))).collect()
        }
        rmpv::Value::Array(items) => items.iter().map(json).collect(),
        rmpv::Value::Binary(bytes) => bytes.clone().into(),
        rmpv::Value::String(text) => text.as_str().unwrap().into(),
        other => serde_json::from_str(&other.to_string()).unwrap(),
    }
}
