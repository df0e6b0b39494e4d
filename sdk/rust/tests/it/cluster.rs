//! A Redis Cluster, whose slots move.

use std::thread;
use std::time::{Duration, Instant};

use redis::cluster::ClusterClient;
use redis::{Connection, RedisResult};
use serde_json::json;
use sioemit::{AsyncEmitter, Emitter, Error, Options, Sharded, Streams};

use crate::members::{Joined, Member};
use crate::redis_server::{Redis, free_port};
use crate::servers::Server;

const STREAM: &str = "moving";

/// Two masters, with the slots of the stream and of all else on the first.
pub struct Cluster {
    pub nodes: [Redis; 2],
    /// At which the nodes are said to be.
    pub ports: [u16; 2],
}

fn ask<T: redis::FromRedisValue>(connection: &mut Connection, words: &[&str]) -> RedisResult<T> {
    let mut command = redis::cmd("CLUSTER");
    for word in words {
        command.arg(word);
    }
    command.query(connection)
}

fn wait_for(mut ready: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < give_up, "the cluster is not ready");
        thread::sleep(Duration::from_millis(20));
    }
}

impl Cluster {
    fn start() -> Self {
        Self::start_with(|options| {
            let redis = Redis::start(options);
            let port = redis.port;
            (redis, port)
        })
    }

    /// One of nodes that a function starts, and says at which port.
    pub fn start_with(start: impl Fn(&[&str]) -> (Redis, u16)) -> Self {
        let buses = [(); 2].map(|()| free_port().to_string());
        // No other nodes will come, so that one may be asked for what only a majority decides elsewhere.
        let options = |bus| ["--cluster-enabled", "yes", "--cluster-node-timeout", "60000", "--cluster-port", bus];
        let [(first, first_port), (second, second_port)] = buses.each_ref().map(|bus| start(&options(bus)));
        let (nodes, ports) = ([first, second], [first_port, second_port]);
        let mut connections = nodes.each_ref().map(Redis::connection);
        ask::<()>(&mut connections[0], &["ADDSLOTSRANGE", "0", "16382"]).unwrap();
        ask::<()>(&mut connections[1], &["ADDSLOTSRANGE", "16383", "16383"]).unwrap();
        ask::<()>(&mut connections[0], &["MEET", "127.0.0.1", &ports[1].to_string(), &buses[1]]).unwrap();
        for connection in &mut connections {
            wait_for(|| {
                let info: String = ask(connection, &["INFO"]).unwrap();
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
            });
        }
        Self { nodes, ports }
    }

    /// Moves the slot of the stream to the second node.
    fn move_stream(&self) {
        redis::cmd("DEL").arg(STREAM).exec(&mut self.nodes[0].connection()).unwrap();
        self.move_slot_of(STREAM);
    }

    fn move_slot_of(&self, name: &str) {
        let mut connections = self.nodes.each_ref().map(Redis::connection);
        let slot: u16 = ask(&mut connections[0], &["KEYSLOT", name]).unwrap();
        let there: String = ask(&mut connections[1], &["MYID"]).unwrap();
        for connection in connections.iter_mut().rev() {
            ask::<()>(connection, &["SETSLOT", &slot.to_string(), "NODE", &there]).unwrap();
        }
    }

    /// How often the first node has said that a slot is on the other.
    fn redirects(&self) -> u64 {
        let stats: String = redis::cmd("INFO").arg("errorstats").query(&mut self.nodes[0].connection()).unwrap();
        let count = stats.lines().find_map(|line| line.strip_prefix("errorstat_MOVED:count="));
        count.map_or(0, |count| count.parse().unwrap())
    }

    fn entries(&self) -> usize {
        redis::cmd("XLEN").arg(STREAM).query(&mut self.nodes[1].connection()).unwrap()
    }

    fn client(&self) -> ClusterClient {
        ClusterClient::new([self.nodes[0].url()]).unwrap()
    }
}

fn options() -> Options {
    Options::new().adapter(Streams::new().stream_name(STREAM))
}

#[test]
fn a_pipeline_follows_a_stream_that_has_moved() {
    let cluster = Cluster::start();
    let io = Emitter::with_options(cluster.client().get_connection().unwrap(), options()).unwrap();
    cluster.move_stream();
    io.pipeline(|io| (0..10).try_for_each(|n| io.emit("ev", n))).unwrap();
    assert_eq!(cluster.entries(), 10);
    io.emit("ev", ()).unwrap();
    assert_eq!(cluster.entries(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asynchronous_pipeline_follows_a_stream_that_has_moved() {
    let cluster = Cluster::start();
    let connection = cluster.client().get_async_connection().await.unwrap();
    let io = AsyncEmitter::with_options(connection, options()).unwrap();
    cluster.move_stream();
    io.pipeline(|io| (0..10).try_for_each(|n| io.emit("ev", n))).await.unwrap();
    assert_eq!(cluster.entries(), 10);
}

#[test]
fn servers_are_counted_on_all_nodes() {
    let cluster = Cluster::start();
    let io = Emitter::new(cluster.client().get_connection().unwrap());
    let mut listeners = cluster.nodes.each_ref().map(Redis::connection);
    for listener in &mut listeners {
        redis::cmd("SUBSCRIBE").arg("socket.io-request#/#").exec(listener).unwrap();
    }
    assert_eq!(io.server_count().unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipeline_goes_to_many_channels() {
    let cluster = Cluster::start();
    let mut listener = cluster.nodes[1].listener();
    let blocking = Emitter::new(cluster.client().get_connection().unwrap());
    let io = AsyncEmitter::new(cluster.client().get_async_connection().await.unwrap());
    let calls = |io: &sioemit::Pipeline<'_>| (0..100).try_for_each(|n| io.to(n.to_string()).emit("ev", n % 10));
    blocking.pipeline(calls).unwrap();
    io.pipeline(calls).await.unwrap();
    let mut channels: Vec<String> = (0..200).map(|_| listener.raw().0).collect();
    channels.sort();
    channels.dedup();
    assert_eq!(channels.len(), 100);
}

/// One server on the first node: what is sent to rooms on either of them is confirmed, until a slot moves.
fn confirms(
    cluster: &Cluster,
    joined: Joined,
    emit: impl Fn(&str) -> Result<(), Error>,
    confirm: impl Fn() -> Result<u64, Error>,
) {
    let member = Member::start(&cluster.nodes[0], joined, "00000000000000aa");
    assert_eq!(confirm().unwrap(), 1);
    let before = (member.events(), member.questions());
    // The second one is on the second node.
    emit("r").unwrap();
    emit("6809").unwrap();
    assert_eq!(confirm().unwrap(), 1);
    let (events, questions) = (member.events() - before.0, member.questions() - before.1);
    // Of the classic adapter by way of each master, of the sharded one on the channel of the room, too.
    assert_eq!((events, questions), (if joined == Joined::Classic { 2 } else { 1 }, 2), "{joined:?}");
    emit("r").unwrap();
    cluster.move_stream();
    match (joined, confirm()) {
        (Joined::Sharded, Err(Error::Unconfirmed(unconfirmed))) => {
            assert_eq!(unconfirmed.why, "a slot of the Redis Cluster was moved");
        }
        (_, result) => assert_eq!(result.unwrap(), 1),
    }
    emit("r").unwrap();
    member.cut_off(&cluster.nodes[0]);
    assert!(matches!(confirm(), Err(Error::Unconfirmed(_))));
}

#[test]
fn events_are_confirmed_on_all_nodes() {
    for (joined, options) in
        [(Joined::Classic, Options::new()), (Joined::Sharded, Options::new().adapter(Sharded::new()))]
    {
        let cluster = Cluster::start();
        let connection = cluster.client().get_connection().unwrap();
        let io = Emitter::with_options(connection, options).unwrap().replies(cluster.nodes[1].client());
        let io = io.timeout(Duration::from_secs(60));
        confirms(&cluster, joined, |room| io.to(room).emit("ev", ()), || io.confirm());
    }
}

#[test]
fn events_are_confirmed_on_all_nodes_asynchronously() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for (joined, options) in
        [(Joined::Classic, Options::new()), (Joined::Sharded, Options::new().adapter(Sharded::new()))]
    {
        let cluster = Cluster::start();
        let connection = runtime.block_on(cluster.client().get_async_connection()).unwrap();
        let io = AsyncEmitter::with_options(connection, options).unwrap().replies(cluster.nodes[1].client());
        let io = io.timeout(Duration::from_secs(60));
        let emit = |room: &str| runtime.block_on(io.to(room).emit("ev", ()));
        confirms(&cluster, joined, emit, || runtime.block_on(io.confirm()));
    }
}

/// Of calls that are made before and behind the move, and of the first ones of other emitters.
#[test]
fn replies_follow_a_shard_channel_that_has_moved() {
    const REPLIES: &str = "socket.io#/#emitter#";
    let cluster = Cluster::start();
    let client = cluster.client();
    let _server = Server::start(&cluster.nodes[0], true, ["socket.io#/#", REPLIES], move |question| {
        let data = json!({"requestId": question["data"]["requestId"], "packet": 1});
        let reply = json!({"uid": "a", "nsp": "/", "type": 10, "data": data}).to_string();
        let mut anywhere = client.get_connection().unwrap();
        redis::cmd("SPUBLISH").arg(REPLIES).arg(reply).exec(&mut anywhere).unwrap();
        Vec::new()
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let options = Options::new().adapter(Sharded::new());
    let blocking = [(); 2].map(|()| {
        let connection = cluster.client().get_connection().unwrap();
        let io = Emitter::with_options(connection, options.clone()).unwrap().replies(cluster.nodes[0].client());
        io.timeout(Duration::from_secs(60))
    });
    let connection = runtime.block_on(cluster.client().get_async_connection()).unwrap();
    let asynchronous = [(); 2].map(|()| {
        let io = AsyncEmitter::with_options(connection.clone(), options.clone()).unwrap();
        io.replies(cluster.nodes[0].client()).timeout(Duration::from_secs(60))
    });
    let check = |emitters: usize| {
        for i in 0..emitters {
            assert_eq!(blocking[i].server_side_emit_with_ack("ev", ()).unwrap().len(), 1);
            assert_eq!(runtime.block_on(asynchronous[i].server_side_emit_with_ack("ev", ())).unwrap().len(), 1);
        }
    };
    check(1);
    let before = cluster.redirects();
    cluster.move_slot_of(REPLIES);
    check(2);
    assert_eq!(cluster.redirects() - before, 4);
}
