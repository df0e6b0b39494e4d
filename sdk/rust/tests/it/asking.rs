//! Calls with replies, of both emitters.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use serde::Deserialize;
use serde_bytes::{ByteBuf, Bytes};
use serde_json::{Value as Json, json};
use sioemit::{Acks, AsyncEmitter, Emitter, Error, Options, Partial, Reason, Sharded, Socket, Streams};
use tokio::runtime::Runtime;

use crate::members::wait_for;
use crate::redis_server::Redis;
use crate::servers::Server;
use crate::ways::{Drip, cut};

/// For calls whose time is to run out: what is not waited for comes in much less.
const SOON: Duration = Duration::from_millis(1500);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

type Async = AsyncEmitter<MultiplexedConnection>;

fn asynchronous(runtime: &Runtime, redis: &Redis, replies: redis::Client, options: Options) -> Async {
    let connection = runtime.block_on(redis.client().get_multiplexed_async_connection()).unwrap();
    AsyncEmitter::with_options(connection, options).unwrap().replies(replies)
}

fn blocking(redis: &Redis, replies: redis::Client, options: Options) -> Emitter<redis::Connection> {
    Emitter::with_options(redis.connection(), options).unwrap().replies(replies)
}

/// Makes the same calls of both emitters: `$io` is one, and `wait!` has what its call returns.
macro_rules! both {
    ($redis:expr, $replies:expr, $options:expr, |$io:ident, $wait:ident| $body:block) => {{
        {
            let $io = blocking(&$redis, $replies, $options);
            macro_rules! $wait {
                ($call:expr) => {
                    $call
                };
            }
            $body
        }
        {
            let runtime = runtime();
            let $io = asynchronous(&runtime, &$redis, $replies, $options);
            macro_rules! $wait {
                ($call:expr) => {
                    runtime.block_on($call)
                };
            }
            $body
        }
    }};
}

fn reply(json: &Json) -> Vec<u8> {
    json.to_string().into_bytes()
}

/// Two sockets, one a server.
fn answer(question: &Json, uid: &str) -> Vec<Vec<u8>> {
    let socket = json!({
        "id": format!("s-{uid}"), "rooms": [format!("s-{uid}"), "r", 5], "handshake": {"headers": {"cookie": "secret"}},
        "data": {"name": "Ada", "image": {"type": "Buffer", "data": [1, 2]}},
    });
    let cluster = |number, id: &Json, member: &str, value: Json| {
        reply(&json!({"uid": uid, "nsp": "/", "type": number, "data": {"requestId": id, member: value}}))
    };
    let id = &question["requestId"];
    match (question["type"].as_u64().unwrap(), id.is_null()) {
        (1, false) => vec![reply(&json!({"requestId": id, "rooms": [format!("s-{uid}"), "r", 5]}))],
        (5, false) => vec![reply(&json!({"requestId": id, "sockets": [socket]}))],
        (6, false) => vec![reply(&json!({"type": 6, "requestId": id, "data": uid}))],
        (7, false) => vec![
            reply(&json!({"type": 9, "requestId": id, "packet": uid})),
            reply(&json!({"type": 8, "requestId": id, "clientCount": 1})),
        ],
        (3, true) => {
            let id = &question["data"]["requestId"];
            // Servers say who they are, so that what comes twice counts once.
            let count = cluster(11, id, "clientCount", json!(1));
            vec![count.clone(), count, cluster(12, id, "packet", json!(uid))]
        }
        (7, true) => vec![cluster(8, &question["data"]["requestId"], "sockets", json!([socket])); 2],
        (9, true) => vec![cluster(10, &question["data"]["requestId"], "packet", json!(uid)); 2],
        _ => Vec::new(),
    }
}

fn check_acks(acks: Acks) {
    let mut values: Vec<String> = acks.values.iter().map(|value| value.decode().unwrap()).collect();
    values.sort();
    assert_eq!(values, ["a", "b"]);
    assert_eq!((acks.clients, acks.per_server, acks.servers), (2, vec![1, 1], 2));
}

fn check_sockets(mut sockets: Vec<Socket>) {
    #[derive(Deserialize)]
    struct Data {
        name: String,
        image: ByteBuf,
    }
    sockets.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(sockets.len(), 2);
    assert_eq!(sockets[0].rooms, ["s-a", "r"]);
    assert_eq!(sockets[1].number_rooms, [5.0]);
    let data: Data = sockets[0].data.decode().unwrap();
    assert_eq!((data.name.as_str(), data.image.as_slice()), ("Ada", [1, 2].as_slice()));
    assert!(sockets[1].data.decode::<Vec<u8>>().is_err());
    assert_eq!(sockets[0].handshake.decode::<Json>().unwrap()["headers"]["cookie"], "secret");
    assert!(!format!("{sockets:?}").contains("secret"));
}

#[test]
fn everything_is_answered_by_servers_of_each_adapter() {
    let classic = ["socket.io-request#/#", "socket.io-response#/#"];
    let cluster = ["socket.io#/#", "socket.io#/#emitter#"];
    for (options, sharded, channels) in [
        (Options::new(), false, classic),
        (Options::new().adapter(Sharded::new()), true, cluster),
        (Options::new().adapter(Streams::new()), false, cluster),
        (Options::new().adapter(Streams::new().use_sharded_pubsub(true)), true, cluster),
    ] {
        let redis = Redis::start(&[]);
        let _servers =
            ["a", "b"].map(|uid| Server::start(&redis, sharded, channels, move |question| answer(question, uid)));
        both!(redis, redis.client(), options.clone(), |io, wait| {
            let io = io.timeout(Duration::from_secs(60));
            check_acks(wait!(io.to("r").emit_with_ack("ready?", 7)).unwrap());
            check_sockets(wait!(io.fetch_sockets()).unwrap());
            assert_eq!(wait!(io.rooms()).unwrap(), ["r", "s-a", "s-b"]);
            let answers = wait!(io.server_side_emit_with_ack("ping", ())).unwrap();
            let answers: HashSet<String> = answers.iter().map(|value| value.decode().unwrap()).collect();
            assert_eq!(answers, HashSet::from(["a".to_owned(), "b".to_owned()]));
        });
    }
}

#[test]
fn what_came_in_time_is_told() {
    let redis = Redis::start(&[]);
    let _servers = [
        Server::classic(&redis, |question| answer(question, "a")),
        Server::classic(&redis, |question| {
            // One that cannot be read, and one for somebody else.
            ["{\"requestId\":\"ID\",\"sockets\":[1]}", "{\"requestId\":\"other\",\"sockets\":[]}"]
                .map(|text| text.replace("ID", question["requestId"].as_str().unwrap()).into_bytes())
                .to_vec()
        }),
    ];
    both!(redis, redis.client(), Options::new(), |io, wait| {
        let began = Instant::now();
        let err = wait!(io.timeout(SOON).fetch_sockets()).unwrap_err();
        assert!(began.elapsed() >= SOON);
        let Error::Incomplete(incomplete) = &err else { panic!("{err}") };
        assert_eq!(err.to_string(), "fetch_sockets: 1 of 2 servers answered in time; 1 more could not be read");
        assert!(matches!(&incomplete.partial, Partial::Sockets(sockets) if sockets[0].id == "s-a"));
        assert_eq!(incomplete.needs, None);
        assert_eq!(err.reason(), Reason::Incomplete);
    });
}

#[test]
fn a_server_that_does_not_answer_is_said_to_be_too_old() {
    let redis = Redis::start(&[]);
    let servers = [Server::classic(&redis, |_| Vec::new())];
    both!(redis, redis.client(), Options::new(), |io, wait| {
        let io = io.timeout(SOON);
        let err = wait!(io.emit_with_ack("ev", ())).unwrap_err();
        assert!(err.to_string().ends_with("servers answer it with @socket.io/redis-adapter 7.2 or later"), "{err}");
        servers[0].question();
        // Binary would end it.
        for err in [
            wait!(io.server_side_emit("ev", Bytes::new(&[1]))).unwrap_err(),
            wait!(io.server_side_emit_with_ack("ev", Bytes::new(&[1]))).unwrap_err(),
            wait!(io.emit_with_ack("ev", Bytes::new(&[1]))).unwrap_err(),
        ] {
            assert!(matches!(err, Error::BinaryNotSent(_)) && err.reason() == Reason::Incomplete, "{err}");
            assert!(
                err.to_string().contains("with @socket.io/redis-adapter 7.2 or later; the binary was not sent"),
                "{err}"
            );
            let probe = servers[0].question();
            assert_eq!((probe["type"].as_u64(), &probe["packet"]["data"]), (Some(7), &json!(["probe"])));
        }
        assert_eq!(servers[0].questions(), [] as [Json; 0]);
    });
}

#[test]
fn binary_goes_to_servers_that_can_read_it() {
    let redis = Redis::start(&[]);
    let server = Server::classic(&redis, |question| match question["packet"]["data"][0].as_str() {
        Some("probe") => vec![reply(&json!({"type": 8, "requestId": question["requestId"], "clientCount": 0}))],
        _ => answer(question, "a"),
    });
    both!(redis, redis.client(), Options::new(), |io, wait| {
        let io = io.timeout(Duration::from_secs(60));
        wait!(io.server_side_emit("ev", Bytes::new(&[1, 2]))).unwrap();
        assert_eq!(server.question()["type"], 7);
        assert_eq!(server.question()["data"], json!(["ev", [1, 2]]));
        assert_eq!(wait!(io.server_side_emit_with_ack("ev", Bytes::new(&[3]))).unwrap().len(), 1);
        assert_eq!(
            [server.question()["type"].clone(), server.question()["data"].clone()],
            [json!(7), json!(["ev", [3]])]
        );
        let pipelined = wait!(io.pipeline(|io| io.server_side_emit("ev", Bytes::new(&[1]))));
        assert_eq!(pipelined.unwrap_err().reason(), Reason::Pipelined);
    });
}

#[test]
fn the_time_of_a_call_is_that_of_its_probe_too() {
    let redis = Redis::start(&[]);
    let server = Server::classic(&redis, |question| match question["packet"]["data"][0].as_str() {
        Some("probe") => {
            std::thread::sleep(Duration::from_secs(2));
            vec![reply(&json!({"type": 8, "requestId": question["requestId"], "clientCount": 0}))]
        }
        _ => Vec::new(),
    });
    both!(redis, redis.client(), Options::new(), |io, wait| {
        let began = Instant::now();
        let io = io.timeout(Duration::from_secs(3));
        let err = wait!(io.emit_with_ack("ev", Bytes::new(&[1]))).unwrap_err();
        assert!(matches!(err, Error::Incomplete(_)), "{err}");
        assert!(began.elapsed() < Duration::from_millis(4500), "{:?}", began.elapsed());
        // Servers wait as long as there is still time.
        let [probe, event] = [(); 2].map(|()| server.question());
        assert!(probe["opts"]["flags"]["timeout"].as_u64().unwrap() <= 3000);
        assert_eq!((&event["packet"]["data"], event["requestId"] != probe["requestId"]), (&json!(["ev", [1]]), true));
        assert!(event["opts"]["flags"]["timeout"].as_u64().unwrap() <= 1000, "{event}");
    });
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let redis = Redis::start(&[]);
    let server = Server::classic(&redis, |question| answer(question, "a"));
    both!(redis, redis.client(), Options::new(), |io, wait| {
        assert_eq!(wait!(io.of("/none").fetch_sockets()).unwrap_err().reason(), Reason::NoServers);
        assert_eq!(wait!(io.timeout(Duration::ZERO).rooms()).unwrap_err().reason(), Reason::Timeout);
        assert_eq!(wait!(io.timeout(Duration::MAX).fetch_sockets()).unwrap().len(), 1);
        server.question();
        assert_eq!(wait!(io.to("r").rooms()).unwrap_err().reason(), Reason::Targeted);
    });
    let without = Emitter::new(redis.connection());
    for err in [without.fetch_sockets().unwrap_err(), without.server_side_emit("ev", Bytes::new(&[1])).unwrap_err()] {
        assert!(err.reason() == Reason::NeedsReplies && err.to_string().contains("replies()"), "{err}");
    }
    assert_eq!(server.questions(), [] as [Json; 0]);
}

#[test]
fn a_question_is_never_written_twice() {
    let redis = Redis::start(&[]);
    let server = Server::classic(&redis, |question| answer(question, "a"));
    let ids = |questions: usize| -> usize {
        let ids: HashSet<String> = (0..questions).map(|_| server.question()["requestId"].to_string()).collect();
        assert_eq!(server.questions(), [] as [Json; 0]);
        ids.len()
    };
    // What may act is not repeated.
    both!(redis, cut(&redis, 1), Options::new(), |io, wait| {
        let io = io.timeout(Duration::from_secs(60));
        assert_eq!(wait!(io.emit_with_ack("ev", ())).unwrap_err().reason(), Reason::MaybeAsked);
        assert_eq!(ids(1), 1);
        wait!(io.emit_with_ack("ev", ())).unwrap();
        assert_eq!(ids(1), 1);
    });
    // What is harmless is asked again, by another id.
    both!(redis, cut(&redis, 3), Options::new(), |io, wait| {
        assert_eq!(wait!(io.timeout(Duration::from_secs(60)).fetch_sockets()).unwrap().len(), 1);
        assert_eq!(ids(4), 4);
    });
    both!(redis, cut(&redis, 4), Options::new(), |io, wait| {
        let err = wait!(io.timeout(Duration::from_secs(60)).rooms()).unwrap_err();
        assert_eq!(err.reason(), Reason::MaybeAsked);
        assert_eq!(ids(4), 4);
    });
}

#[test]
fn what_comes_byte_by_byte_keeps_nobody_waiting() {
    let redis = Redis::start(&[]);
    let _servers = [
        Server::classic(&redis, |question| {
            let sockets = json!([{"id": "s-b", "rooms": [], "handshake": {}, "data": "drip".repeat(100)}]);
            let slow = reply(&json!({"requestId": question["requestId"], "sockets": sockets}));
            [answer(question, "a"), vec![slow]].concat()
        }),
        Server::classic(&redis, |_| Vec::new()),
    ];
    let in_time = |call: &mut dyn FnMut() -> Error| {
        let began = Instant::now();
        let err = call();
        assert!(began.elapsed() >= SOON && began.elapsed() < SOON + Duration::from_secs(10), "{:?}", began.elapsed());
        err
    };
    let (reply, hello) = (Drip::start(&redis, "drip"), Drip::start(&redis, "version"));
    let pour = |pours| [&reply, &hello].iter().for_each(|drip| drip.pour(pours));
    both!(redis, reply.client.clone(), Options::new(), |io, wait| {
        let before = connections(&redis);
        let err = in_time(&mut || wait!(io.timeout(SOON).fetch_sockets()).unwrap_err());
        let Error::Incomplete(incomplete) = &err else { panic!("{err}") };
        assert!(matches!(&incomplete.partial, Partial::Sockets(sockets) if sockets[0].id == "s-a"), "{incomplete:?}");
        let slow = io.clone().replies(hello.client.clone()).timeout(SOON);
        assert_eq!(in_time(&mut || wait!(slow.fetch_sockets()).unwrap_err()).reason(), Reason::Subscription);
        assert_eq!(in_time(&mut || wait!(slow.confirm()).unwrap_err()).reason(), Reason::Redis);
        // The connections close when the rest has come.
        pour(true);
        wait_for(|| connections(&redis) <= before);
        pour(false);
    });
}

/// What one server answers, in the bytes that it sends.
fn decoded<T: serde::de::DeserializeOwned>(io: &Emitter<redis::Connection>, server: &Server) -> Result<T, String> {
    let values = io.server_side_emit_with_ack("ev", ()).map_err(|err| err.to_string())?;
    server.question();
    values[0].decode().map_err(|err| err.to_string())
}

#[test]
fn answers_are_read_as_what_javascript_makes_of_them() {
    #[derive(Debug, Deserialize, PartialEq)]
    enum Shape {
        Point,
        Circle { radius: u8 },
    }
    let redis = Redis::start(&[]);
    let (next, answers) = std::sync::mpsc::channel::<Vec<u8>>();
    let server = Server::classic(&redis, move |question| {
        let content = answers.recv().unwrap();
        let id = question["requestId"].as_str().unwrap();
        if content.starts_with(b"json:") {
            let head = format!("{{\"type\":6,\"requestId\":\"{id}\",\"data\":");
            return vec![[head.as_bytes(), &content[5..], b"}"].concat()];
        }
        let head = [b"\x83\xa4type\x06\xa9requestId\xd9\x20".as_slice(), id.as_bytes(), b"\xa4data"].concat();
        vec![[head, content].concat()]
    });
    let io = blocking(&redis, redis.client(), Options::new()).timeout(Duration::from_secs(60));
    let given = |content: &[u8]| next.send(content.to_vec()).unwrap();

    // Extensions of notepack.io 2 and of MessagePack: a Date, one before 1970, one out of range, undefined, and others.
    for (content, want) in [
        (b"\xd7\x00\x00\x00\x01\x9b\x76\xda\xa8\xa1".as_slice(), json!("2026-01-01T00:00:00.161Z")),
        (b"\xd7\x00\xff\xff\xff\xff\xff\xff\xff\xff", json!("1969-12-31T23:59:59.999Z")),
        (b"\xd7\x00\x7f\xff\xff\xff\xff\xff\xff\xff", Json::Null),
        (b"\xd6\xff\x00\x00\x00\x01", json!("1970-01-01T00:00:01.000Z")),
        (b"\xd4\x00\x00", Json::Null),
        (b"\x82\xa1a\xd4\x00\x00\xa1b\x01", json!({"b": 1})),
        (b"\xcb\x40\x00\x00\x00\x00\x00\x00\x00", json!(2)),
        (b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", Json::Null),
        (b"\xd1\xff\x00", json!(-256)),
        (b"json:\"\\ud83d\\ude00\\ud83d\"", json!("\u{1f600}\u{fffd}")),
        (b"json: { \"a\" : [ ] , \"b\" : -1.5e1 } ", json!({"a": [], "b": -15})),
    ] {
        given(content);
        assert_eq!(decoded::<Json>(&io, &server).unwrap(), want, "{}", content.escape_ascii());
    }
    given(b"\xd6\x05abcd");
    assert_eq!(decoded::<(i8, ByteBuf)>(&io, &server).unwrap(), (5, ByteBuf::from(*b"abcd")));
    given(b"json:[\"Point\",{\"Circle\":{\"radius\":2}},null]");
    let shapes = [Some(Shape::Point), Some(Shape::Circle { radius: 2 }), None];
    assert_eq!(decoded::<[Option<Shape>; 3]>(&io, &server).unwrap(), shapes);
    given(b"json:[1,2,3]");
    assert_eq!(decoded::<(u8, u8)>(&io, &server).unwrap_err(), "it has more items than expected");
    given(b"json:{\"type\":\"Buffer\",\"data\":[256]}");
    assert_eq!(decoded::<Json>(&io, &server).unwrap()["data"], json!([256]));

    // As deep as it may be, and one level deeper.
    let nested = |levels: usize| [b"json:".as_slice(), &vec![b'['; levels], &vec![b']'; levels]].concat();
    given(&nested(1000));
    assert!(decoded::<Json>(&io, &server).is_ok());
    given(&nested(1001));
    let io = io.timeout(SOON);
    assert!(decoded::<Json>(&io, &server).unwrap_err().contains("1 more could not be read"));
}

fn connections(redis: &Redis) -> usize {
    let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut redis.connection()).unwrap();
    list.lines().count()
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    let redis = Redis::start(&[]);
    let _server = Server::classic(&redis, |question| answer(question, "a"));
    let runtime = runtime();
    let io = asynchronous(&runtime, &redis, redis.client(), Options::new()).timeout(Duration::from_secs(60));
    // A thread that went on to read would keep its connection until then, or until another reply.
    let blocking = blocking(&redis, redis.client(), Options::new()).timeout(Duration::from_secs(600));
    runtime.block_on(io.fetch_sockets()).unwrap();
    let tasks = || runtime.metrics().num_alive_tasks();
    wait_for(|| tasks() == 1); // that of the emitter's own connection
    let before = connections(&redis);
    for _ in 0..9 {
        let calls: Vec<_> = (0..100).map(|_| runtime.spawn(io.fetch_sockets())).collect();
        for call in calls {
            assert_eq!(runtime.block_on(call).unwrap().unwrap().len(), 1);
        }
    }
    wait_for(|| tasks() == 1);
    wait_for(|| connections(&redis) == before);
    for _ in 0..50 {
        assert_eq!(blocking.fetch_sockets().unwrap().len(), 1);
    }
    wait_for(|| connections(&redis) == before);
    for _ in 0..50 {
        assert_eq!(blocking.emit_with_ack("ev", ()).unwrap().clients, 1);
    }
    wait_for(|| connections(&redis) == before);
}

#[test]
fn a_thousand_questions_at_once_share_a_connection_for_replies() {
    let redis = Redis::start(&[]);
    let (open, answers) = std::sync::mpsc::channel::<()>();
    let server = Server::classic(&redis, move |question| {
        answers.recv().unwrap_err(); // waits until all have asked
        answer(question, "a")
    });
    let runtime = runtime();
    let io = asynchronous(&runtime, &redis, redis.client(), Options::new()).timeout(Duration::from_secs(300));
    let mut listener = redis.listener();
    let before = connections(&redis);
    let calls: Vec<_> = (0..1000).map(|_| runtime.spawn(io.fetch_sockets())).collect();
    for _ in 0..1000 {
        assert_eq!(listener.raw().0, "socket.io-request#/#");
    }
    wait_for(|| connections(&redis) == before + 1); // for the replies to all of them
    drop(open);
    let mut ids = HashSet::new();
    for call in calls {
        assert_eq!(runtime.block_on(call).unwrap().unwrap().len(), 1);
        ids.insert(server.question()["requestId"].to_string());
    }
    assert_eq!(ids.len(), 1000);
    wait_for(|| connections(&redis) == before && runtime.metrics().num_alive_tasks() == 1);
}

#[test]
fn futures_that_are_dropped_leave_nothing_behind() {
    let redis = Redis::start(&[]);
    let server = Server::classic(&redis, |_| Vec::new());
    let runtime = runtime();
    let io = asynchronous(&runtime, &redis, redis.client(), Options::new()).timeout(Duration::from_secs(600));
    let before = connections(&redis);
    let calls: Vec<_> = (0..20).map(|_| runtime.spawn(io.fetch_sockets())).collect();
    for _ in 0..20 {
        server.question();
    }
    wait_for(|| connections(&redis) == before + 1); // for the replies to all of them
    for call in &calls {
        call.abort();
    }
    wait_for(|| connections(&redis) == before && runtime.metrics().num_alive_tasks() == 1);
    // Halfway to the question, too.
    for polls in 0..40 {
        let mut call = io.fetch_sockets();
        runtime.block_on(async {
            for _ in 0..polls {
                tokio::select! {
                    biased;
                    _ = &mut call => panic!("nobody answers"),
                    () = tokio::task::yield_now() => {}
                }
            }
        });
    }
    wait_for(|| connections(&redis) == before && runtime.metrics().num_alive_tasks() == 1);
}

#[test]
fn a_subscription_that_is_lost_ends_all_waits() {
    let redis = Redis::start(&[]);
    let server = Server::classic(&redis, |_| Vec::new());
    let runtime = runtime();
    let io = asynchronous(&runtime, &redis, redis.client(), Options::new()).timeout(Duration::from_secs(600));
    let calls: Vec<_> = (0..5).map(|_| runtime.spawn(io.fetch_sockets())).collect();
    let blocking = blocking(&redis, redis.client(), Options::new()).timeout(Duration::from_secs(600));
    let blocked = std::thread::spawn(move || blocking.fetch_sockets());
    for _ in 0..6 {
        server.question();
    }
    // The questions are answered once Redis has taken them; nothing is on its way any more.
    wait_for(|| connections_that_ask(&redis) == 0);
    let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut redis.connection()).unwrap();
    for line in list.lines().filter(|line| line.contains(" sub=2 ")) {
        let id = line.split([' ', '=']).nth(1).unwrap();
        redis::cmd("CLIENT").arg("KILL").arg("ID").arg(id).exec(&mut redis.connection()).unwrap();
    }
    let began = Instant::now();
    for call in calls {
        assert_eq!(runtime.block_on(call).unwrap().unwrap_err().reason(), Reason::Subscription);
    }
    assert_eq!(blocked.join().unwrap().unwrap_err().reason(), Reason::Subscription);
    assert!(began.elapsed() < Duration::from_secs(30), "that takes a minute when only silence tells");
}

/// How many connections have published and are still there, but for that of the server.
fn connections_that_ask(redis: &Redis) -> usize {
    let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut redis.connection()).unwrap();
    list.lines().filter(|line| line.contains(" cmd=publish ")).count()
}
