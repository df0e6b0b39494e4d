//! The emitter over blocking connections.

use std::thread;

use redis::{Commands, ConnectionLike};
use rmpv::Value;
use serde_bytes::Bytes;
use serde_json::json;
use sioemit::{Codec, Emitter, Error, Options, Reason, Room, Sharded, Spread, Streams, SubscriptionMode};

use crate::redis_server::Redis;

fn options(rooms: &[&str], flags: Vec<(Value, Value)>, except: &[&str]) -> Value {
    let names = |names: &[&str]| Value::Array(names.iter().map(|&name| name.into()).collect());
    Value::Map(vec![
        ("rooms".into(), names(rooms)),
        ("flags".into(), Value::Map(flags)),
        ("except".into(), names(except)),
    ])
}

#[test]
fn emit() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = Emitter::new(redis.connection());
    let target = io.of("admin").to(["a", "b"]).to("a").except("c").volatile().compress(false);
    target.emit("ev", Spread((1, json!({"a": null}), Bytes::new(b"\xff")))).unwrap();
    let (channel, data, got) = listener.event();
    assert_eq!(channel, "socket.io#/admin#");
    let object = Value::Map(vec![("a".into(), Value::Nil)]);
    assert_eq!(data, Value::Array(vec!["ev".into(), 1.into(), object, Value::Binary(vec![0xff])]));
    let flags = vec![("volatile".into(), true.into()), ("compress".into(), false.into())];
    assert_eq!(got, options(&["a", "b"], flags, &["c"]));
}

#[test]
fn one_argument_none_and_several() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = Emitter::new(redis.connection());
    let words = vec!["a", "b"];
    io.emit("ev", ()).unwrap();
    io.emit("ev", "text").unwrap();
    io.emit("ev", 5).unwrap();
    io.emit("ev", Spread((1, "two", &[3]))).unwrap();
    io.emit("ev", &(1, "two")).unwrap();
    io.emit("ev", &[1, 2]).unwrap();
    io.emit("ev", &words).unwrap();
    io.emit("ev", words.clone()).unwrap();
    io.emit("ev", Spread(&words)).unwrap();
    io.emit("ev", Spread(words)).unwrap();
    io.emit("ev", Spread(["a", "b"])).unwrap();
    io.emit("ev", &json!({"a": 1})).unwrap();
    io.emit("ev", &Option::<i32>::None).unwrap();
    io.emit("ev", Spread((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))).unwrap();
    let array = |items: &[Value]| Value::Array(items.to_vec());
    let (one, two): (Value, Value) = (1.into(), "two".into());
    assert_eq!(listener.args(), []);
    assert_eq!(listener.args(), ["text".into()]);
    assert_eq!(listener.args(), [5.into()]);
    assert_eq!(listener.args(), [one.clone(), two.clone(), array(&[3.into()])]);
    assert_eq!(listener.args(), [array(&[one.clone(), two])]);
    assert_eq!(listener.args(), [array(&[one.clone(), 2.into()])]);
    assert_eq!(listener.args(), [array(&["a".into(), "b".into()])]);
    assert_eq!(listener.args(), [array(&["a".into(), "b".into()])]);
    for _ in 0..3 {
        assert_eq!(listener.args(), ["a".into(), "b".into()]);
    }
    assert_eq!(listener.args(), [Value::Map(vec![("a".into(), one)])]);
    assert_eq!(listener.args(), [Value::Nil]);
    assert_eq!(listener.args(), (1..=12).map(Value::from).collect::<Vec<_>>());
}

#[test]
fn a_target_never_changes() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = Emitter::new(redis.connection());
    let room = io.to("a");
    let _ = (room.to("b"), room.except("c"), room.of("/x"), room.volatile(), room.compress(true), room.to(""));
    room.emit("ev", ()).unwrap();
    io.emit("ev", ()).unwrap();
    assert_eq!(listener.event().2, options(&["a"], vec![], &[]));
    assert_eq!(listener.event().2, options(&[], vec![], &[]));
}

#[test]
fn rooms_that_are_numbers() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = Emitter::new(redis.connection());
    let mixed: Vec<Room> = vec![5.into(), "5".into(), 5.0.into(), 0.1f32.into(), u64::MAX.into()];
    io.to(5).emit("ev", ()).unwrap();
    io.in_("5").emit("ev", ()).unwrap();
    io.to(&mixed).except([-7, 2]).emit("ev", ()).unwrap();
    let (channel, _, got) = listener.event();
    assert_eq!((channel.as_str(), &got["rooms"]), ("socket.io#/#", &Value::Array(vec![5.into()])));
    let (channel, _, got) = listener.event();
    assert_eq!((channel.as_str(), &got["rooms"]), ("socket.io#/#5#", &Value::Array(vec!["5".into()])));
    let (_, _, got) = listener.event();
    assert_eq!(got["rooms"], Value::Array(vec![5.into(), "5".into(), 0.1.into(), 18_446_744_073_709_551_616.0.into()]));
    assert_eq!(got["except"], Value::Array(vec![(-7).into(), 2.into()]));
    for wrong in [f64::NAN, f64::INFINITY] {
        assert_eq!(io.to(wrong).emit("ev", ()).unwrap_err().reason(), Reason::InvalidText);
    }
}

#[test]
fn refusals_come_before_anything_is_sent() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = Emitter::new(redis.connection());
    let none: [&str; 0] = [];
    let cases: [(Result<(), Error>, Reason, &str); 10] = [
        (io.emit("", ()), Reason::EmptyEvent, "name is empty"),
        (io.emit("disconnect", ()), Reason::ReservedEvent, "\"disconnect\""),
        (io.to("").emit("ev", ()), Reason::EmptyRoom, "room's name"),
        (io.to("").to("a").emit("ev", ()), Reason::EmptyRoom, "room's name"),
        (io.to(none).emit("ev", ()), Reason::EmptyRoom, "everyone"),
        (io.sockets_join(none), Reason::EmptyRoom, "sockets_join"),
        (io.to("a").server_side_emit("ev", ()), Reason::Targeted, "takes no rooms"),
        (io.server_side_emit("error", ()), Reason::ReservedEvent, "\"error\""),
        (io.server_side_emit("ev", Spread((1, Bytes::new(b"x")))), Reason::NeedsReplies, "with binary"),
        (io.emit("ev", Spread(("a", f64::NAN))), Reason::Unencodable, "argument 2 of event \"ev\": NaN"),
    ];
    for (result, reason, text) in cases {
        let err = result.unwrap_err();
        assert_eq!(err.reason(), reason);
        assert!(err.to_string().contains(text), "{err}");
    }
    assert_eq!(io.to("a").server_count().unwrap_err().reason(), Reason::Targeted);
    io.emit("last", ()).unwrap();
    assert_eq!(listener.event().1, Value::Array(vec!["last".into()]));
}

#[test]
fn options_that_cannot_be() {
    let client = redis::Client::open("redis://127.0.0.1:1").unwrap();
    for (options, reason) in [
        (Options::new().server_version(5), Reason::ServerVersion),
        (Options::new().server_version(0), Reason::ServerVersion),
        (Options::new().max_attachments(0), Reason::AdapterOption),
        (Options::new().adapter(Sharded::new()).key("x"), Reason::AdapterOption),
        (Options::new().adapter(Sharded::new()).codec(Codec::Json), Reason::AdapterOption),
        (Options::new().adapter(Streams::new()).server_version(3), Reason::AdapterOption),
        (Options::new().adapter(Streams::new().stream_count(0)), Reason::AdapterOption),
        (Options::new().adapter(Streams::new().max_len(0)), Reason::AdapterOption),
    ] {
        let err = Emitter::with_options(client.clone(), options).unwrap_err();
        assert_eq!(err.reason(), reason, "{err}");
    }
    assert_eq!("private".parse::<SubscriptionMode>().unwrap_err().reason(), Reason::AdapterOption);
    assert_eq!("xml".parse::<Codec>().unwrap_err().reason(), Reason::AdapterOption);
}

#[test]
fn nothing_is_sent_when_the_closure_of_a_pipeline_fails() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = Emitter::new(redis.connection());
    let failed = io.pipeline(|io| {
        io.emit("never", ())?;
        io.to("").emit("wrong", ())
    });
    assert_eq!(failed.unwrap_err().reason(), Reason::EmptyRoom);
    io.pipeline(|_| Ok(())).unwrap();
    io.pipeline(|io| {
        let (a, b) = (io.to("a"), io.to("b"));
        for n in 0..100 {
            a.emit("ev", n)?;
            b.emit("ev", n)?;
        }
        Ok(())
    })
    .unwrap();
    for n in 0..100 {
        for room in ["a", "b"] {
            let (channel, data, _) = listener.event();
            assert_eq!(channel, format!("socket.io#/#{room}#"));
            assert_eq!(data, Value::Array(vec!["ev".into(), n.into()]));
        }
    }
}

#[test]
fn a_pipeline_is_one_round_trip() {
    let redis = Redis::start(&[]);
    let mut connection = redis.connection();
    let io = Emitter::new(&mut connection);
    let reads = |info: &str| {
        let field = info.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        field.unwrap().parse::<u64>().unwrap()
    };
    let mut watcher = redis.connection();
    let mut info = || redis::cmd("INFO").arg("stats").query::<String>(&mut watcher).unwrap();
    let before = reads(&info());
    io.pipeline(|io| (0..50).try_for_each(|n| io.emit("ev", n))).unwrap();
    // One for the pipeline, one for INFO.
    assert_eq!(reads(&info()) - before, 2);
}

#[test]
fn threads_share_one_emitter() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let room = Emitter::new(redis.connection()).to("r");
    thread::scope(|scope| {
        for thread in 0..4 {
            let room = &room;
            scope.spawn(move || (0..100).for_each(|n| room.emit("ev", Spread((thread, n))).unwrap()));
        }
    });
    let mut next = [0; 4];
    for _ in 0..400 {
        let args = listener.args();
        let thread = usize::try_from(args[0].as_u64().unwrap()).unwrap();
        assert_eq!(args[1], next[thread].into());
        next[thread] += 1;
    }
}

#[test]
fn the_connection_stays_the_callers() {
    let redis = Redis::start(&[]);
    let mut connection = redis.connection();
    Emitter::new(&mut connection).emit("ev", ()).unwrap();
    connection.set::<_, _, ()>("key", 1).unwrap();
    assert_eq!(connection.get::<_, i32>("key").unwrap(), 1);
}

#[test]
fn sockets_and_servers() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let io = Emitter::new(redis.connection());
    io.to("a").sockets_join(["x", "y"]).unwrap();
    io.except(1.5).sockets_leave("x").unwrap();
    io.of("/é\"\n\u{1}").disconnect_sockets(true).unwrap();
    io.server_side_emit("ping", Spread((1, "a\"b\\", 0.5, -1e300))).unwrap();
    for (channel, want) in [
        ("socket.io-request#/#", r#"{"type":2,"opts":{"rooms":["a"],"except":[]},"rooms":["x","y"]}"#),
        ("socket.io-request#/#", r#"{"type":3,"opts":{"rooms":[],"except":[1.5]},"rooms":["x"]}"#),
        ("socket.io-request#/é\"\n\u{1}#", r#"{"type":4,"opts":{"rooms":[],"except":[]},"close":true}"#),
        ("socket.io-request#/#", r#"{"uid":"emitter","type":6,"data":["ping",1,"a\"b\\",0.5,-1e+300]}"#),
    ] {
        let (got, payload) = listener.raw();
        assert_eq!((got.as_str(), String::from_utf8(payload).unwrap().as_str()), (channel, want));
    }
}

#[test]
fn server_count_asks_redis() {
    let redis = Redis::start(&[]);
    let io = Emitter::new(redis.connection()).of("é");
    assert_eq!(io.server_count().unwrap(), 0);
    let mut connections = [redis.connection(), redis.connection()];
    for connection in &mut connections {
        redis::cmd("SUBSCRIBE").arg("socket.io-request#/é#").exec(connection).unwrap();
    }
    assert_eq!(io.server_count().unwrap(), 2);
    let resp3 = format!("{}?protocol=resp3", redis.url());
    let io = Emitter::new(redis::Client::open(resp3).unwrap().get_connection().unwrap());
    assert_eq!(io.of("é").server_count().unwrap(), 2);
}

#[test]
fn streams() {
    let redis = Redis::start(&[]);
    let mut connection = redis.connection();
    let adapter = Streams::new().stream_name("s").max_len(10);
    let io = Emitter::with_options(&mut connection, Options::new().adapter(adapter)).unwrap();
    io.to("r").emit("ev", Bytes::new(b"\0")).unwrap();
    io.emit("ev", 1).unwrap();
    drop(io);
    let range = redis::cmd("XRANGE").arg("s").arg("-").arg("+").clone();
    let entries: Vec<(String, Vec<(String, String)>)> = range.query(&mut connection).unwrap();
    let data: Vec<&str> = entries.iter().map(|(_, fields)| fields.last().unwrap().1.as_str()).collect();
    assert!(data[0].starts_with("gqZwYWNrZXSCpHR5cGUCpGRhdGGSomV2xAEA"), "{}", data[0]);
    assert_eq!(data[1], r#"{"packet":{"type":2,"data":["ev",1]},"opts":{"rooms":[],"except":[],"flags":{}}}"#);
}

#[test]
fn ids_of_servers_that_make_their_own() {
    let redis = Redis::start(&[]);
    let mut listener = redis.listener();
    let options = Options::new().server_version(2).socket_ids(|id| id.starts_with("user-"));
    let io = Emitter::with_options(redis.connection(), options).unwrap();
    io.of("admin").except(["user-7", "/admin#user-7"]).emit("ev", ()).unwrap();
    assert_eq!(listener.event().2["except"], Value::Array(vec!["user-7".into(), "/admin#user-7".into()]));
    for wrong in ["room", "abcdefghijklmnopqrst", "admin#user-7"] {
        let err = io.except(wrong).emit("ev", ()).unwrap_err();
        assert_eq!(err.reason(), Reason::ExceptRoom);
        assert!(err.to_string().contains("socket_ids"), "{err}");
    }
}

#[test]
fn errors_of_redis_are_told_and_hold_no_password() {
    let hidden = ["--requirepass", "right", "--rename-command", "AUTH", "HIDDEN", "--rename-command", "HELLO", "GONE"];
    let redis = Redis::start(&hidden);
    // These connect anew for each call, and Redis repeats the words of what it does not know.
    for (user, query) in [("", ""), ("ada", ""), ("", "?protocol=resp3"), ("ada", "?protocol=resp3")] {
        let url = format!("redis://{user}:S3cr3tP4ss@127.0.0.1:{}/{query}", redis.port);
        let io = Emitter::new(redis::Client::open(url).unwrap());
        for err in [
            io.emit("ev", ()).unwrap_err(),
            io.server_count().unwrap_err(),
            io.pipeline(|io| io.emit("ev", ())).unwrap_err(),
            io.to("r").sockets_join("x").unwrap_err(),
        ] {
            assert_eq!(err.reason(), Reason::Redis);
            assert!(matches!(err, Error::Redis(_)));
            assert!(!format!("{err} {err:?} {:?}", std::error::Error::source(&err)).contains("S3cr3tP4ss"), "{err}");
        }
    }
    let gone = redis::Client::open("redis://127.0.0.1:1").unwrap();
    assert_eq!(Emitter::new(gone).emit("ev", ()).unwrap_err().reason(), Reason::Redis);
}

#[test]
fn what_redis_refuses_is_told() {
    let redis = Redis::start(&[]);
    let mut connection = redis.connection();
    connection.set::<_, _, ()>("socket.io", "no stream").unwrap();
    let io = Emitter::with_options(&mut connection, Options::new().adapter(Streams::new())).unwrap();
    for refused in [io.emit("ev", ()), io.pipeline(|io| (0..3).try_for_each(|n| io.emit("ev", n)))] {
        let err = refused.unwrap_err();
        let chain = std::iter::successors(Some(&err as &dyn std::error::Error), |err| err.source());
        let told: Vec<_> = chain.map(ToString::to_string).collect();
        assert_eq!(told.concat().matches("WRONGTYPE").count(), 1, "{told:?}");
    }
    drop(io);
    assert!(connection.check_connection());
}

#[test]
fn all_may_travel() {
    fn travels<T: Send + Sync + 'static>() {}
    travels::<Emitter<redis::Connection>>();
    travels::<Emitter<redis::cluster::ClusterConnection>>();
    travels::<sioemit::AsyncEmitter<redis::aio::MultiplexedConnection>>();
    travels::<sioemit::AsyncEmitter<redis::cluster_async::ClusterConnection>>();
    travels::<Options>();
    travels::<Error>();
}
