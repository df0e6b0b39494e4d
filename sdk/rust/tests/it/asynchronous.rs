//! The emitter over asynchronous connections.

use redis::aio::ConnectionLike;
use rmpv::Value;
use serde_json::json;
use sioemit::{AsyncEmitter, Error, Options, Reason, Spread, Streams};

use crate::redis_server::{Listener, Redis};

async fn everything<C>(connection: C, listener: &mut Listener)
where
    C: ConnectionLike + Clone + Send + Sync + 'static,
{
    let io = AsyncEmitter::new(connection);
    io.to("a").except(["b", "c"]).emit("ev", Spread((1, &json!(["x"])))).await.unwrap();
    let (channel, data, options) = listener.event();
    assert_eq!(channel, "socket.io#/#a#");
    assert_eq!(data, Value::Array(vec!["ev".into(), 1.into(), Value::Array(vec!["x".into()])]));
    assert_eq!(options["except"], Value::Array(vec!["b".into(), "c".into()]));

    io.server_side_emit("ping", ()).await.unwrap();
    io.to("a").sockets_join("x").await.unwrap();
    io.to("a").sockets_leave("x").await.unwrap();
    io.disconnect_sockets(false).await.unwrap();
    for message_type in [6, 2, 3, 4] {
        let payload: serde_json::Value = serde_json::from_slice(&listener.raw().1).unwrap();
        assert_eq!(payload["type"], message_type);
    }
    assert_eq!(io.of("/none").server_count().await.unwrap(), 0);

    io.pipeline(|io| {
        let room = io.to("r");
        (0..100).try_for_each(|n| if n % 2 == 0 { room.emit("ev", n) } else { io.emit("ev", n) })
    })
    .await
    .unwrap();
    for n in 0..100 {
        assert_eq!(listener.args(), [n.into()]);
    }

    let refused = [
        io.to("").emit("ev", ()).await,
        io.emit("ev", f64::NAN).await,
        io.pipeline(|io| io.emit("ok", ()).and_then(|()| io.emit("connect", ()))).await,
    ];
    let reasons = refused.map(|result: Result<(), Error>| result.unwrap_err().reason());
    assert_eq!(reasons, [Reason::EmptyRoom, Reason::Unencodable, Reason::ReservedEvent]);
    io.pipeline(|_| Ok(())).await.unwrap();

    // Many at a time, in tasks of their own, whose arguments are gone by then.
    let tasks: Vec<_> = (0..50).map(|n| tokio::spawn(io.to("r").emit("ev", &[n]))).collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut seen: Vec<u64> = (0..50).map(|_| listener.args()[0][0].as_u64().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn multiplexed() {
    let redis = Redis::start(&[]);
    let connection = redis.client().get_multiplexed_async_connection().await.unwrap();
    everything(connection, &mut redis.listener()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_manager() {
    let redis = Redis::start(&[]);
    let connection = redis.client().get_connection_manager().await.unwrap();
    everything(connection, &mut redis.listener()).await;
}

#[tokio::test]
async fn a_future_that_nobody_awaits_sends_nothing() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = AsyncEmitter::new(redis.client().get_multiplexed_async_connection().await.unwrap());
    drop(io.emit("never", ()));
    io.emit("ev", 1).await.unwrap();
    assert_eq!(listener.event().1, Value::Array(vec!["ev".into(), 1.into()]));
}

#[tokio::test]
async fn errors_of_redis_are_told() {
    let redis = Redis::start(&[]);
    let io = AsyncEmitter::new(redis.client().get_multiplexed_async_connection().await.unwrap());
    redis::cmd("SET").arg("socket.io").arg("no stream").exec(&mut redis.connection()).unwrap();
    let connection = redis.client().get_multiplexed_async_connection().await.unwrap();
    let streams = AsyncEmitter::with_options(connection, Options::new().adapter(Streams::new())).unwrap();
    let refused =
        [streams.emit("ev", ()).await, streams.pipeline(|io| (0..3).try_for_each(|n| io.emit("ev", n))).await];
    for err in refused.map(Result::unwrap_err) {
        assert!(err.to_string().contains("WRONGTYPE"), "{err}");
    }
    drop(redis);
    for result in [io.emit("ev", ()).await, io.pipeline(|io| io.emit("ev", ())).await] {
        assert_eq!(result.unwrap_err().reason(), Reason::Redis);
    }
    assert_eq!(io.server_count().await.unwrap_err().reason(), Reason::Redis);
}
