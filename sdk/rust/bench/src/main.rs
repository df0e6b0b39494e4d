//! What an emit costs beside the bare client and beside `serde_json`, in CPU time of the client.
//!
//! It starts a redis-server of its own. `BENCH_JSON=FILE` writes the figures into a file, too, one object a line.

mod contest;
mod report;
mod server;

use std::fmt::Debug;
use std::future::Future;
use std::hint::black_box;

use redis::aio::MultiplexedConnection;
use redis::{Connection, RedisError};
use serde::Serialize;
use sioemit::{AsyncEmitter, Emitter, Error, Pipeline};
use tokio::runtime::{Builder, Runtime};

use crate::contest::Contest;
use crate::report::{Figure, report};
use crate::server::Redis;

const CHANNEL: &str = "socket.io#/#r#";
const BARE: (&str, Option<f64>) = ("a pipeline of ready bytes", Some(0.85));
const BARE_ONE: (&str, Option<f64>) = ("PUBLISH of ready bytes, one by one", None);

#[derive(Serialize)]
struct Order {
    id: u32,
    title: &'static str,
    price: f64,
    tags: [&'static str; 3],
    user: User,
}

#[derive(Serialize)]
struct User {
    id: &'static str,
    name: &'static str,
}

const ORDER: Order = Order {
    id: 12345,
    title: "Order shipped",
    price: 19.99,
    tags: ["a", "b", "c"],
    user: User { id: "u_123", name: "Ada" },
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let redis = Redis::start()?;
    let client = redis::Client::open(redis.url())?;
    let message = capture(&client)?;
    let contest = Contest::new();
    let mut figures = vec![encoding(&contest)];
    figures.extend(blocking(&contest, client.get_connection()?, client.get_connection()?, &message));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let connection = runtime.block_on(client.get_multiplexed_async_connection())?;
    figures.extend(asynchronous(&contest, &runtime, &connection, &message));
    report(&figures)?;
    Ok(())
}

/// The bytes of the event, ready to be published.
fn capture(client: &redis::Client) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut listener = client.get_connection()?;
    let mut listener = listener.as_pubsub();
    listener.subscribe(CHANNEL)?;
    Emitter::new(client.get_connection()?).to("r").emit("order", &ORDER)?;
    Ok(listener.get_message()?.get_payload_bytes().to_vec())
}

/// What is left of a pipeline that is never sent is encoding, and the words of the command around it.
fn encoding(contest: &Contest) -> Figure {
    let nowhere = Emitter::new(redis::Client::open("redis://127.0.0.1:1").expect("a URL"));
    let ours = || {
        let never = nowhere.pipeline(|io| {
            kept(io, contest.events)?;
            io.emit("", ())
        });
        never.expect_err("an event without a name is refused");
    };
    let theirs = || {
        for _ in 0..contest.events {
            black_box(serde_json::to_vec(black_box(&ORDER)).expect("it has a JSON form"));
        }
    };
    contest.hold(
        ("", "encode a broadcast, target kept"),
        ours,
        ("serde_json::to_vec of the argument", Some(0.6)),
        theirs,
    )
}

fn bare(events: u32, message: &[u8]) -> redis::Pipeline {
    let mut pipeline = redis::Pipeline::with_capacity(events as usize);
    for _ in 0..events {
        pipeline.publish(CHANNEL, message);
    }
    pipeline
}

fn each(io: &Pipeline<'_>, events: u32) -> Result<(), Error> {
    (0..events).try_for_each(|_| io.to("r").emit("order", black_box(&ORDER)))
}

fn kept(io: &Pipeline<'_>, events: u32) -> Result<(), Error> {
    let room = io.to("r");
    (0..events).try_for_each(|_| room.emit("order", black_box(&ORDER)))
}

fn blocking(contest: &Contest, mut connection: Connection, other: Connection, message: &[u8]) -> [Figure; 3] {
    const CLIENT: &str = "redis-rs-sync";
    let io = Emitter::new(other);
    let n = contest.events;
    let mut pipeline = || bare(n, message).exec(&mut connection).expect("Redis answers");
    let first = contest.hold(
        (CLIENT, "pipeline, target kept"),
        || io.pipeline(|io| kept(io, n)).expect("it is sent"),
        BARE,
        &mut pipeline,
    );
    let second = contest.hold(
        (CLIENT, "pipeline, io.to(room) each time"),
        || io.pipeline(|io| each(io, n)).expect("it is sent"),
        BARE,
        &mut pipeline,
    );
    let one_by_one = || {
        for _ in 0..n {
            redis::cmd("PUBLISH").arg(CHANNEL).arg(message).exec(&mut connection).expect("Redis answers");
        }
    };
    let ours = || (0..n).for_each(|_| io.to("r").emit("order", &ORDER).expect("it is sent"));
    let last = contest.hold((CLIENT, "io.to(room).emit, one by one"), ours, BARE_ONE, one_by_one);
    [first, second, last]
}

fn asynchronous(
    contest: &Contest,
    runtime: &Runtime,
    connection: &MultiplexedConnection,
    message: &[u8],
) -> [Figure; 3] {
    fn run<T, E: Debug>(runtime: &Runtime, work: impl Future<Output = Result<T, E>>) {
        runtime.block_on(work).expect("it is sent");
    }
    const CLIENT: &str = "redis-rs-tokio";
    let io = AsyncEmitter::new(connection.clone());
    let n = contest.events;
    let pipeline = || run(runtime, async { bare(n, message).exec_async(&mut connection.clone()).await });
    let one_by_one = || {
        run(runtime, async {
            let mut connection = connection.clone();
            for _ in 0..n {
                redis::cmd("PUBLISH").arg(CHANNEL).arg(message).exec_async(&mut connection).await?;
            }
            Ok::<_, RedisError>(())
        });
    };
    let ours = || {
        run(runtime, async {
            for _ in 0..n {
                io.to("r").emit("order", &ORDER).await?;
            }
            Ok::<_, Error>(())
        });
    };
    [
        contest.hold((CLIENT, "pipeline, target kept"), || run(runtime, io.pipeline(|io| kept(io, n))), BARE, pipeline),
        contest.hold(
            (CLIENT, "pipeline, io.to(room) each time"),
            || run(runtime, io.pipeline(|io| each(io, n))),
            BARE,
            pipeline,
        ),
        contest.hold((CLIENT, "io.to(room).emit, one by one"), ours, BARE_ONE, one_by_one),
    ]
}
