//! A redis-server of a test's own, on a free port, and one who listens to everything.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use redis::{Connection, PubSub};
use rmpv::Value;

/// Nothing healthy comes near to it.
const DEADLINE: Duration = Duration::from_secs(60);

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub struct Redis {
    process: Child,
    directory: PathBuf,
    pub port: u16,
}

impl Redis {
    pub fn start(options: &[&str]) -> Self {
        Self::start_with(None, options)
    }

    /// One with a file of settings, which a Sentinel changes.
    pub fn start_with(config: Option<&Path>, options: &[&str]) -> Self {
        let port = free_port();
        let directory = std::env::temp_dir().join(format!("sioemit-rust-{port}"));
        fs::create_dir_all(&directory).unwrap();
        let process = Command::new("redis-server")
            .args(config)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--dir"])
            .arg(&directory)
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .expect("the tests need redis-server: apt-get install redis-server");
        let mut redis = Self { process, directory, port };
        let give_up = Instant::now() + DEADLINE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(redis.process.try_wait().unwrap().is_none(), "redis-server ended");
            assert!(Instant::now() < give_up, "redis-server does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn client(&self) -> redis::Client {
        redis::Client::open(self.url()).unwrap()
    }

    pub fn connection(&self) -> Connection {
        self.client().get_connection().unwrap()
    }

    pub fn listener(&self) -> Listener {
        let connection = Box::leak(Box::new(self.connection())); // for as long as the test
        let mut pubsub = connection.as_pubsub();
        pubsub.psubscribe("*").unwrap();
        pubsub.set_read_timeout(Some(DEADLINE)).unwrap();
        Listener(pubsub)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        fs::remove_dir_all(&self.directory).unwrap();
    }
}

/// Hears everything that is published, as a server of the classic adapter would.
pub struct Listener(PubSub<'static>);

impl Listener {
    /// The channel and the payload of the next message.
    pub fn raw(&mut self) -> (String, Vec<u8>) {
        let message = self.0.get_message().expect("nothing was published");
        (message.get_channel_name().to_owned(), message.get_payload_bytes().to_vec())
    }

    /// The channel of the next event, its data, and its options.
    pub fn event(&mut self) -> (String, Value, Value) {
        let (channel, payload) = self.raw();
        let mut rest = payload.as_slice();
        let Value::Array(parts) = rmpv::decode::read_value(&mut rest).unwrap() else { panic!("no array: {payload:?}") };
        assert!(rest.is_empty(), "something stands behind the message");
        let [uid, packet, options] = <[Value; 3]>::try_from(parts).unwrap();
        assert_eq!(uid, "emitter".into());
        (channel, packet["data"].clone(), options)
    }

    /// The arguments of the next event.
    pub fn args(&mut self) -> Vec<Value> {
        let Value::Array(data) = self.event().1 else { panic!("no array") };
        data[1..].to_vec()
    }
}
