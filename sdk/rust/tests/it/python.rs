//! Servers in Python.

use serde_bytes::Bytes;
use serde_json::{Value, json};
use sioemit::{Emitter, Error, Options, Python, Reason, Spread};

use crate::redis_server::{Listener, Redis};

const SOCKET: &str = "abcdefghijklmnopqrst";
const OTHER: &str = "ABCDEFGHIJKLMNOPQRST";

fn emitter(redis: &Redis, python: Python) -> Emitter<redis::Connection> {
    Emitter::with_options(redis.connection(), Options::new().adapter(python)).unwrap()
}

fn next(listener: &mut Listener) -> (String, Value) {
    let (channel, payload) = listener.raw();
    (channel, serde_json::from_slice(&payload).unwrap())
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |value, _| json!([value]))
}

#[test]
fn an_event_with_binary() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = emitter(&redis, Python::new().channel("flask-socketio").allow_binary(true));
    let target = io.of("admin").to(["a", "b"]).to(5).except(SOCKET).volatile();
    target.emit("ev", Spread((Bytes::new(b"\x01\x02"), &[Bytes::new(b"")], "\u{2028}"))).unwrap();
    let want = json!({
        "method": "emit", "event": "ev", "binary": true, "namespace": "/admin",
        "data": [[{"_placeholder": true, "num": 0}, [{"_placeholder": true, "num": 1}], "\u{2028}"], "AQI=", ""],
        "room": ["a", "b", 5], "skip_sid": SOCKET, "callback": null, "host_id": "emitter",
    });
    assert_eq!(next(&mut listener), ("flask-socketio".to_owned(), want));
}

/// What is refused leaves nothing behind in the pipeline for the events that follow.
#[test]
fn a_pipeline() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    emitter(&redis, Python::new().allow_binary(true))
        .pipeline(|io| {
            for n in 0..2 {
                assert_eq!(io.emit("ev", &(Bytes::new(b"x"), f64::NAN)).unwrap_err().reason(), Reason::Unencodable);
                io.emit("ev", n)?;
                io.emit("ev", Bytes::new(b"\0"))?;
            }
            Ok(())
        })
        .unwrap();
    for n in 0..2 {
        for (data, binary) in [(json!([n]), false), (json!([[{"_placeholder": true, "num": 0}], "AA=="]), true)] {
            let (channel, message) = next(&mut listener);
            assert_eq!((channel.as_str(), &message["data"], &message["binary"]), ("socketio", &data, &binary.into()));
        }
    }
}

#[test]
fn refusals() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = emitter(&redis, Python::new());
    let socket = io.to(SOCKET);
    let mut refused: Vec<(Result<(), Error>, Reason, &str)> = vec![
        (io.except(5).emit("ev", ()), Reason::ExceptRoom, "except(5): python-socketio leaves out socket ids only"),
        (io.emit("ev", &None::<i32>), Reason::Unencodable, "argument 1 of event \"ev\": null"),
        (io.emit("ev", Spread((1, Bytes::new(b"x")))), Reason::Unencodable, "argument 2 of event \"ev\": binary"),
        (io.emit("ev", &nested(301)), Reason::TooDeep, "300 levels"),
        (io.sockets_join("a"), Reason::NoCounterpart, "one socket joins"),
        (socket.sockets_join(["a", "b"]), Reason::NoCounterpart, "one room"),
        (socket.except(OTHER).sockets_join("a"), Reason::NoCounterpart, "one socket joins"),
        (io.sockets_leave(["a", "b"]), Reason::NoCounterpart, "one room"),
        (io.except(OTHER).sockets_leave("a"), Reason::NoCounterpart, "one socket leaves"),
        (socket.to(OTHER).sockets_leave("a"), Reason::NoCounterpart, "one socket leaves"),
        (io.disconnect_sockets(false), Reason::NoCounterpart, "one socket is disconnected"),
        (socket.disconnect_sockets(true), Reason::NoCounterpart, "keeps its connection"),
        (io.server_side_emit("ev", ()), Reason::NoCounterpart, "servers"),
    ];
    for room in ["room", "/admin#abcdefghijklmnopqrst"] {
        let target = io.to(room);
        refused.extend([
            (io.except(room).emit("ev", ()), Reason::ExceptRoom, "socket_ids"),
            (target.sockets_join("a"), Reason::NoCounterpart, "no socket id"),
            (target.sockets_leave("a"), Reason::NoCounterpart, "no socket id"),
            (target.disconnect_sockets(false), Reason::NoCounterpart, "no socket id"),
        ]);
    }
    for (result, reason, text) in refused {
        let err = result.unwrap_err();
        assert_eq!(err.reason(), reason, "{err}");
        assert!(err.to_string().contains(text), "{err}");
    }
    io.emit("last", &nested(300)).unwrap();
    let (_, payload) = listener.raw(); // too deep for serde_json to read
    assert!(payload.starts_with(br#"{"method":"emit","event":"last","data":[[["#));
    let options = Options::new().adapter(Python::new()).server_version(3);
    assert_eq!(Emitter::with_options(redis.connection(), options).unwrap_err().reason(), Reason::AdapterOption);
}

#[test]
fn ids_of_servers_that_make_their_own() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let options = Options::new().adapter(Python::new()).socket_ids(|id| id.starts_with("user-"));
    let io = Emitter::with_options(redis.connection(), options).unwrap();
    io.except("user-7").emit("ev", ()).unwrap();
    assert_eq!(next(&mut listener).1["skip_sid"], "user-7");
    io.to("user-7").disconnect_sockets(false).unwrap();
    assert_eq!(next(&mut listener).1["sid"], "user-7");
    assert_eq!(io.to(SOCKET).disconnect_sockets(false).unwrap_err().reason(), Reason::NoCounterpart);
}
