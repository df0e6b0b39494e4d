//! Servers as the wire and CLIENT LIST show them: each takes events and questions from one connection, in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use redis::{Connection, IntoConnectionInfo, ProtocolVersion, PushKind, RedisResult, Value};
use serde_json::{Value as Json, json};

use crate::redis_server::Redis;

pub fn wait_for(mut ready: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < give_up, "it does not happen");
        thread::sleep(Duration::from_millis(5));
    }
}

/// By what the servers are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    Classic,
    Sharded,
    Streams,
    /// Before 0.3: they subscribe to nothing.
    OldStreams,
}

/// A server of the namespace `/`, until redis-server stops. It connects again when it is cut off.
pub struct Member {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The id that Redis gave to its connection.
    connection: AtomicI64,
    frozen: AtomicBool,
    events: AtomicUsize,
    questions: AtomicUsize,
}

impl Member {
    /// One with a uid of 16 hexadecimal digits.
    pub fn start(redis: &Redis, joined: Joined, uid: &'static str) -> Self {
        let state = Arc::<State>::default();
        let (url, of_thread) = (redis.url(), Arc::clone(&state));
        thread::spawn(move || while live(&url, joined, uid, &of_thread).is_ok() {});
        let member = Self { state };
        wait_for(|| member.connection() != 0);
        member
    }

    /// How many events it has taken.
    pub fn events(&self) -> usize {
        self.state.events.load(Ordering::SeqCst)
    }

    /// How many questions it was asked.
    pub fn questions(&self) -> usize {
        self.state.questions.load(Ordering::SeqCst)
    }

    /// Has it take nothing, or all that has come meanwhile.
    pub fn freeze(&self, frozen: bool) {
        self.state.frozen.store(frozen, Ordering::SeqCst);
    }

    fn connection(&self) -> i64 {
        self.state.connection.load(Ordering::SeqCst)
    }

    /// Cuts it off, and returns when it is back.
    pub fn cut_off(&self, redis: &Redis) {
        let connection = self.connection();
        redis::cmd("CLIENT").arg("KILL").arg("ID").arg(connection).exec(&mut redis.connection()).unwrap();
        wait_for(|| self.connection() != connection);
    }
}

/// Unlike redis-rs, which no server uses, it does not say what it is.
fn connect(url: &str) -> RedisResult<Connection> {
    let info = url.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3).set_skip_set_lib_name();
    redis::Client::open(info.set_redis_settings(settings))?.get_connection()
}

/// Lives until it is cut off. It is an error when Redis has gone.
fn live(url: &str, joined: Joined, uid: &str, state: &State) -> RedisResult<()> {
    let (mut listening, mut speaking) = (connect(url)?, connect(url)?);
    let id = redis::cmd("CLIENT").arg("ID").query(&mut listening)?;
    let own = format!("socket.io#/#{uid}#");
    let subscriptions: &[[&str; 2]] = match joined {
        Joined::Classic => &[["PSUBSCRIBE", "socket.io#/#*"], ["SUBSCRIBE", "socket.io-request#/#"]],
        Joined::Sharded => &[["SSUBSCRIBE", "socket.io#/#"], ["SSUBSCRIBE", &own], ["SSUBSCRIBE", "socket.io#/#r#"]],
        Joined::Streams => &[["SUBSCRIBE", "socket.io#/#"]],
        Joined::OldStreams => &[],
    };
    for [command, channel] in subscriptions {
        listening.send_packed_command(&redis::cmd(command).arg(channel).get_packed_command())?;
        listening.recv_response()?.extract_error()?;
    }
    if matches!(joined, Joined::Streams | Joined::OldStreams) {
        return read(&mut speaking, joined, uid, state, id);
    }
    state.connection.store(id, Ordering::SeqCst);
    while let Ok(Value::Push { kind, data }) = listening.recv_response() {
        while state.frozen.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        let Some(Value::BulkString(message)) = data.get(1) else { continue };
        match kind {
            PushKind::PMessage => drop(state.events.fetch_add(1, Ordering::SeqCst)),
            PushKind::Message | PushKind::SMessage => {
                let message: Json = serde_json::from_slice(message).unwrap();
                if message["type"] == 3 {
                    state.events.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                state.questions.fetch_add(1, Ordering::SeqCst);
                if joined == Joined::Classic {
                    let reply = json!({"requestId": message["requestId"], "sockets": []});
                    publish(&mut speaking, "PUBLISH", "socket.io-response#/#", &reply)?;
                } else {
                    publish(&mut speaking, "SPUBLISH", "socket.io#/#emitter#", &answer(&message["data"], uid))?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Streams by their names, and what they hold by its id.
type Entries = Vec<(String, Vec<(String, HashMap<String, String>)>)>;

/// Reads the stream, from its end.
fn read(redis: &mut Connection, joined: Joined, uid: &str, state: &State, id: i64) -> RedisResult<()> {
    let beat = |redis: &mut Connection, number: u8, data: &Json| {
        let mut command = redis::cmd("XADD");
        command.arg("socket.io").arg("*").arg("uid").arg(uid).arg("nsp").arg("/").arg("type").arg(number);
        command.arg("data").arg(data.to_string()).query::<String>(redis)
    };
    let mut last = beat(redis, 2, &json!({}))?;
    state.connection.store(id, Ordering::SeqCst);
    loop {
        let mut command = redis::cmd("XREAD");
        command.arg("BLOCK").arg(200).arg("STREAMS").arg("socket.io").arg(&last);
        let streams: Option<Entries> = command.query(redis)?;
        while state.frozen.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        for (id, fields) in streams.into_iter().flatten().flat_map(|(_, entries)| entries) {
            last = id;
            match fields["type"].as_str() {
                "3" => drop(state.events.fetch_add(1, Ordering::SeqCst)),
                "7" => {
                    state.questions.fetch_add(1, Ordering::SeqCst);
                    let reply = answer(&serde_json::from_str(&fields["data"]).unwrap(), uid);
                    if joined == Joined::Streams {
                        publish(redis, "PUBLISH", "socket.io#/#emitter#", &reply)?;
                    } else {
                        beat(redis, 8, &reply["data"])?;
                    }
                }
                _ => {}
            }
        }
    }
}

fn answer(question: &Json, uid: &str) -> Json {
    json!({"uid": uid, "nsp": "/", "type": 8, "data": {"requestId": question["requestId"], "sockets": []}})
}

fn publish(redis: &mut Connection, command: &str, channel: &str, message: &Json) -> RedisResult<()> {
    redis::cmd(command).arg(channel).arg(message.to_string()).exec(redis)
}
