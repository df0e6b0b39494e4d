//! Servers that answer questions, as far as the wire shows them, and a way to Redis that breaks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
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

/// A way to Redis that breaks behind some of the commands that publish: Redis gets them, and its answers are lost.
pub struct Cutter {
    pub port: u16,
}

impl Cutter {
    /// One that breaks behind the first of them, so many times.
    pub fn start(redis: &Redis, times: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to, left) = (redis.port, Arc::new(AtomicUsize::new(times)));
        // Both threads end with the process of the tests.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, left) = (client.unwrap(), Arc::clone(&left));
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
                let cut = Arc::new(AtomicUsize::new(0));
                let (mut from, mut into, mark) =
                    (client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&cut));
                thread::spawn(move || {
                    pass(&mut from, &mut into, |bytes| {
                        let publishes = bytes.windows(9).any(|word| word == b"\r\nPUBLISH");
                        if publishes
                            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
                        {
                            mark.store(1, Ordering::SeqCst);
                        }
                        true
                    });
                });
                let (mut from, mut into) = (server, client);
                thread::spawn(move || pass(&mut from, &mut into, |_| cut.load(Ordering::SeqCst) == 0));
            }
        });
        Self { port }
    }

    pub fn client(&self) -> redis::Client {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap()
    }
}

/// A way to Redis on which nothing gets through while it is closed.
pub struct Gate {
    port: u16,
    closed: Arc<AtomicBool>,
    holds: Arc<AtomicBool>,
}

impl Gate {
    pub fn start(redis: &Redis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Self { port: listener.local_addr().unwrap().port(), closed: Arc::default(), holds: Arc::default() };
        let (to, closed, holds) = (redis.port, Arc::clone(&gate.closed), Arc::clone(&gate.holds));
        // All threads end with the process of the tests.
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
                for (mut from, mut into) in
                    [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
                {
                    let (closed, holds) = (Arc::clone(&closed), Arc::clone(&holds));
                    thread::spawn(move || {
                        pass(&mut from, &mut into, |_| {
                            while closed.load(Ordering::SeqCst) {
                                holds.store(true, Ordering::SeqCst);
                                thread::sleep(Duration::from_millis(5));
                            }
                            true
                        });
                    });
                }
            }
        });
        gate
    }

    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// Whether something has come while it was closed.
    pub fn holds(&self) -> bool {
        self.holds.load(Ordering::SeqCst)
    }

    pub fn client(&self) -> redis::Client {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap()
    }
}

/// Passes on bytes until an end closes, or not all are to be passed on.
fn pass(from: &mut TcpStream, to: &mut TcpStream, mut passes: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !passes(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
