//! Ways to Redis that break, hold up what comes, or are slow. Their threads end with the process of the tests.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use redis::Client;

use crate::redis_server::Redis;

/// Returns a client of a port from which each connection is joined with one to Redis.
fn way(redis: &Redis, join: impl Fn(&TcpStream, &TcpStream) + Send + 'static) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, to) = (listener.local_addr().unwrap().port(), redis.port);
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
            join(&client.unwrap(), &server);
        }
    });
    Client::open(format!("redis://127.0.0.1:{port}")).unwrap()
}

/// Has a function pass on what comes, until that fails or an end closes.
fn pass(
    from: &TcpStream,
    to: &TcpStream,
    mut write: impl FnMut(&mut TcpStream, &[u8]) -> io::Result<()> + Send + 'static,
) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if write(&mut to, &buffer[..length]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// A way that breaks behind the first commands that publish, so many times: Redis gets them, and its answers are lost.
pub fn cut(redis: &Redis, times: usize) -> Client {
    let left = Arc::new(AtomicUsize::new(times));
    way(redis, move |client, server| {
        let (left, is_cut) = (Arc::clone(&left), Arc::new(AtomicBool::new(false)));
        let mark = Arc::clone(&is_cut);
        pass(client, server, move |to, bytes| {
            let publishes = bytes.windows(9).any(|word| word == b"\r\nPUBLISH");
            if publishes && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                mark.store(true, Ordering::SeqCst);
            }
            to.write_all(bytes)
        });
        pass(server, client, move |to, bytes| {
            if is_cut.load(Ordering::SeqCst) { Err(io::ErrorKind::BrokenPipe.into()) } else { to.write_all(bytes) }
        });
    })
}

/// A way on which nothing gets through while it is closed.
pub struct Gate {
    pub client: Client,
    state: Arc<GateState>,
}

#[derive(Default)]
struct GateState {
    closed: AtomicBool,
    holds: AtomicBool,
}

impl Gate {
    pub fn start(redis: &Redis) -> Self {
        let state = Arc::<GateState>::default();
        let shared = Arc::clone(&state);
        let client = way(redis, move |client, server| {
            for (from, to) in [(client, server), (server, client)] {
                let state = Arc::clone(&shared);
                pass(from, to, move |to, bytes| {
                    while state.closed.load(Ordering::SeqCst) {
                        state.holds.store(true, Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(5));
                    }
                    to.write_all(bytes)
                });
            }
        });
        Self { client, state }
    }

    pub fn close(&self, closed: bool) {
        self.state.closed.store(closed, Ordering::SeqCst);
    }

    /// Whether something has come while it was closed.
    pub fn holds(&self) -> bool {
        self.state.holds.load(Ordering::SeqCst)
    }
}

/// A way on which what Redis sends comes byte by byte, five a second, from a word on.
pub struct Drip {
    pub client: Client,
    pours: Arc<AtomicBool>,
}

impl Drip {
    pub fn start(redis: &Redis, word: &'static str) -> Self {
        let pours = Arc::<AtomicBool>::default();
        let shared = Arc::clone(&pours);
        let client = way(redis, move |client, server| {
            client.set_nodelay(true).unwrap();
            pass(client, server, TcpStream::write_all);
            let (pours, mut drips) = (Arc::clone(&shared), false);
            pass(server, client, move |to, bytes| {
                let found = bytes.windows(word.len()).position(|part| part == word.as_bytes());
                let (before, behind) = bytes.split_at(if drips { 0 } else { found.unwrap_or(bytes.len()) });
                drips |= found.is_some();
                to.write_all(before)?;
                behind.iter().try_for_each(|byte| {
                    if !pours.load(Ordering::SeqCst) {
                        thread::sleep(Duration::from_millis(200));
                    }
                    to.write_all(&[*byte])
                })
            });
        });
        Self { client, pours }
    }

    /// Has it send bytes without a pause, or drip.
    pub fn pour(&self, pours: bool) {
        self.pours.store(pours, Ordering::SeqCst);
    }
}
