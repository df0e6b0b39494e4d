//! Whether servers have taken what was sent, of both emitters.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Connection;
use redis::aio::MultiplexedConnection;
use sioemit::{AsyncEmitter, Emitter, Error, Options, Pipeline, Python, Reason, Sharded, Streams};
use tokio::runtime::Runtime;

use crate::members::{Joined, Member, wait_for};
use crate::redis_server::Redis;
use crate::ways::Gate;

const UIDS: [&str; 2] = ["00000000000000aa", "00000000000000bb"];

/// For calls whose time is to run out: what they get comes in much less.
const SOON: Duration = Duration::from_secs(3);

/// One of the emitters.
enum Io {
    Sync(Emitter<Connection>),
    Async(Arc<Runtime>, AsyncEmitter<MultiplexedConnection>),
}

impl Io {
    /// Both, for calls that have a minute.
    fn both(redis: &Redis, options: &Options) -> [Self; 2] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let connection = runtime.block_on(redis.client().get_multiplexed_async_connection()).unwrap();
        let blocking = Emitter::with_options(redis.connection(), options.clone()).unwrap().replies(redis.client());
        let awaited = AsyncEmitter::with_options(connection, options.clone()).unwrap().replies(redis.client());
        let minute = Duration::from_secs(60);
        [Self::Sync(blocking.timeout(minute)), Self::Async(Arc::new(runtime), awaited.timeout(minute))]
    }

    fn emit(&self) {
        match self {
            Self::Sync(io) => io.to("r").emit("ev", 1),
            Self::Async(runtime, io) => runtime.block_on(io.to("r").emit("ev", 1)),
        }
        .unwrap();
    }

    fn pipeline(&self, calls: impl FnOnce(&Pipeline<'_>) -> Result<(), Error>) {
        match self {
            Self::Sync(io) => io.pipeline(calls),
            Self::Async(runtime, io) => runtime.block_on(io.pipeline(calls)),
        }
        .unwrap();
    }

    fn confirm(&self) -> Result<u64, Error> {
        match self {
            Self::Sync(io) => io.confirm(),
            Self::Async(runtime, io) => runtime.block_on(io.confirm()),
        }
    }

    fn confirm_soon(&self) -> Result<u64, Error> {
        match self {
            Self::Sync(io) => io.timeout(SOON).confirm(),
            Self::Async(runtime, io) => runtime.block_on(io.timeout(SOON).confirm()),
        }
    }
}

fn options(joined: Joined) -> Options {
    match joined {
        Joined::Classic => Options::new(),
        Joined::Sharded => Options::new().adapter(Sharded::new()),
        Joined::Streams | Joined::OldStreams => Options::new().adapter(Streams::new()),
    }
}

fn members(redis: &Redis, joined: Joined) -> [Member; 2] {
    UIDS.map(|uid| Member::start(redis, joined, uid))
}

fn unconfirmed(result: Result<u64, Error>) -> (u64, String) {
    match result {
        Err(Error::Unconfirmed(unconfirmed)) => (unconfirmed.servers, unconfirmed.why.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_server_has_what_was_sent() {
    for joined in [Joined::Classic, Joined::Sharded, Joined::Streams, Joined::OldStreams] {
        let redis = Redis::start(&[]);
        let members = members(&redis, joined);
        let before = || members.each_ref().map(Member::events);
        for io in Io::both(&redis, &options(joined)) {
            assert_eq!(io.confirm().unwrap(), 2, "{joined:?}");
            let [one, other] = before();
            (0..500).for_each(|_| match &io {
                Io::Sync(io) => io.emit("ev", 1).unwrap(),
                Io::Async(runtime, io) => runtime.block_on(io.emit("ev", 1)).unwrap(),
            });
            io.pipeline(|io| (0..500).try_for_each(|n| io.emit("ev", n)));
            assert_eq!(io.confirm().unwrap(), 2, "{joined:?}");
            assert_eq!(before(), [one + 1000, other + 1000], "{joined:?}");
        }
    }
}

#[test]
fn a_server_that_was_cut_off_may_have_missed_something() {
    for joined in [Joined::Classic, Joined::Sharded] {
        let redis = Redis::start(&[]);
        let members = members(&redis, joined);
        for io in Io::both(&redis, &options(joined)) {
            assert_eq!(io.confirm().unwrap(), 2);
            io.emit();
            members[0].cut_off(&redis);
            let cut = (2, "a subscriber's connection to Redis was cut".to_owned());
            let result = io.confirm();
            assert_eq!(result.as_ref().unwrap_err().reason(), Reason::Unconfirmed);
            assert_eq!(unconfirmed(result), cut, "{joined:?}");
            // The next one begins anew.
            assert_eq!(io.confirm().unwrap(), 2);
            io.emit();
            assert_eq!(io.confirm().unwrap(), 2);
            // Nothing is on the way.
            members[1].cut_off(&redis);
            assert_eq!(io.confirm().unwrap(), 2);
        }
    }
}

#[test]
fn the_first_one_knows_the_ages_of_connections() {
    let redis = Redis::start(&[]);
    let _members = members(&redis, Joined::Classic);
    for io in Io::both(&redis, &Options::new()) {
        io.emit();
        let late = Member::start(&redis, Joined::Classic, "00000000000000cc");
        let (servers, why) = unconfirmed(io.confirm());
        assert!(servers >= 3, "{servers}");
        assert_eq!(why, "a subscriber connected to Redis at about the time of the first event, or after it");
        assert!(late.questions() > 0);
    }
}

#[test]
fn who_does_not_answer_is_missing() {
    for joined in [Joined::Classic, Joined::OldStreams] {
        let redis = Redis::start(&[]);
        let members = members(&redis, joined);
        for io in Io::both(&redis, &options(joined)) {
            io.confirm().unwrap();
            members[1].freeze(true);
            io.emit();
            let began = Instant::now();
            let Err(Error::Incomplete(incomplete)) = io.confirm_soon() else { panic!("it was confirmed") };
            assert!(began.elapsed() >= SOON && began.elapsed() < 10 * SOON, "{:?}", began.elapsed());
            assert_eq!((incomplete.servers, incomplete.asked, incomplete.call), (1, 2, "confirm"), "{joined:?}");
            members[1].freeze(false);
            // It is about the same event.
            assert_eq!(io.confirm().unwrap(), 2);
        }
    }
}

#[test]
fn what_is_not_confirmed_is_left_to_the_next_one() {
    let redis = Redis::start(&[]);
    let members = members(&redis, Joined::Classic);
    for io in Io::both(&redis, &Options::new()) {
        io.confirm().unwrap();
        io.emit();
        members[0].freeze(true);
        let asked = members[1].questions();
        match &io {
            Io::Sync(_) => drop(io.confirm_soon().unwrap_err()),
            Io::Async(runtime, io) => {
                let confirmation = runtime.spawn(io.confirm());
                wait_for(|| members[1].questions() > asked);
                confirmation.abort();
            }
        }
        members[0].freeze(false);
        members[0].cut_off(&redis);
        assert_eq!(unconfirmed(io.confirm()).0, 2);
    }
}

#[test]
fn an_event_whose_future_was_dropped_comes_before_the_question() {
    let redis = Redis::start(&[]);
    let member = Member::start(&redis, Joined::Classic, UIDS[0]);
    let gate = Gate::start(&redis);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let connection = runtime.block_on(gate.client.get_multiplexed_async_connection()).unwrap();
    let io = AsyncEmitter::new(connection).replies(redis.client()).timeout(Duration::from_secs(60));
    assert_eq!(runtime.block_on(io.confirm()).unwrap(), 1);
    gate.close(true);
    let mut event = io.emit("ev", 1);
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = &mut event => panic!("Redis has it"),
            () = tokio::task::yield_now() => {}
        }
    });
    wait_for(|| gate.holds());
    drop(event);
    runtime.block_on(io.timeout(SOON).confirm()).unwrap_err();
    assert_eq!(member.questions(), 1, "the question overtook the event");
    gate.close(false);
    assert_eq!(runtime.block_on(io.confirm()).unwrap(), 1);
    assert_eq!(member.events(), 1);
}

#[test]
fn servers_of_another_redis_prove_nothing() {
    let (redis, other) = (Redis::start(&[]), Redis::start(&[]));
    let members = members(&redis, Joined::Classic);
    for io in Io::both(&other, &Options::new()) {
        let io = match io {
            Io::Sync(io) => Io::Sync(io.replies(redis.client())),
            Io::Async(runtime, io) => Io::Async(runtime, io.replies(redis.client())),
        };
        assert_eq!(io.confirm().unwrap(), 2); // nothing was sent
        io.emit();
        let why = "the emitter's connection leads to another Redis than the one for replies";
        assert_eq!(unconfirmed(io.confirm()), (2, why.to_owned()));
        assert_eq!(members[0].events(), 0);
    }
}

#[test]
fn entries_that_were_trimmed_may_not_have_been_read() {
    let redis = Redis::start(&[]);
    let _members = members(&redis, Joined::Streams);
    for io in Io::both(&redis, &options(Joined::Streams)) {
        let why = "an entry is no longer in the stream, and may have been trimmed before it was read";
        for pipelined in [false, true] {
            if pipelined {
                io.pipeline(|io| (0..5).try_for_each(|n| io.to("r").emit("ev", n)));
            } else {
                io.emit();
            }
            redis::cmd("XTRIM").arg("socket.io").arg("MAXLEN").arg(0).exec(&mut redis.connection()).unwrap();
            assert_eq!(unconfirmed(io.confirm()), (2, why.to_owned()));
        }
        io.emit();
        assert_eq!(io.confirm().unwrap(), 2);
        // This goes beside the stream.
        match &io {
            Io::Sync(io) => io.server_side_emit("ev", ()),
            Io::Async(runtime, io) => runtime.block_on(io.server_side_emit("ev", ())),
        }
        .unwrap();
        assert_eq!(unconfirmed(io.confirm()).1, "what is for the servers themselves goes beside the stream");
        assert_eq!(io.confirm().unwrap(), 2);
    }
}

#[test]
fn what_redis_refuses_is_named() {
    let redis = Redis::start(&[]);
    let _members = members(&redis, Joined::Classic);
    let mut admin = redis.connection();
    for (refused, named) in [("-client|list", "CLIENT LIST: "), ("-info", "INFO: "), ("-time", "TIME: ")] {
        let acl = ["SETUSER", "default", "+@all", refused];
        redis::cmd("ACL").arg(&acl).exec(&mut admin).unwrap();
        for io in Io::both(&redis, &Options::new()) {
            assert_eq!(io.confirm().unwrap(), 2); // nothing was sent
            io.emit();
            let (servers, why) = unconfirmed(io.confirm());
            assert!(servers == 2 && why.starts_with(named) && why.contains("permission"), "{why}");
        }
    }
}

#[test]
fn what_cannot_be_confirmed_is_refused() {
    let redis = Redis::start(&[]);
    for io in Io::both(&redis, &Options::new()) {
        assert_eq!(io.confirm().unwrap_err().reason(), Reason::NoServers);
    }
    for (options, reason) in [
        (Options::new().server_version(3), Reason::NeedsVersion4),
        (Options::new().adapter(Python::new()), Reason::NoCounterpart),
        // No server reads the stream of the namespace.
        (Options::new().adapter(Streams::new().stream_count(3)), Reason::UnreadStream),
    ] {
        for io in Io::both(&redis, &options) {
            let result = match io {
                Io::Sync(io) => io.of("/private").confirm(),
                Io::Async(runtime, io) => runtime.block_on(io.of("/private").confirm()),
            };
            assert_eq!(result.unwrap_err().reason(), reason);
        }
    }
    let without = Emitter::new(redis.connection());
    assert_eq!(without.confirm().unwrap_err().reason(), Reason::NeedsReplies);
    assert_eq!(without.to("").confirm().unwrap_err().reason(), Reason::EmptyRoom);
}

#[test]
fn confirmations_wait_for_each_other() {
    let redis = Redis::start(&[]);
    let members = members(&redis, Joined::Classic);
    let [Io::Sync(blocking), Io::Async(runtime, awaited)] = Io::both(&redis, &Options::new()) else { unreachable!() };
    members[0].freeze(true);
    let asked = members[1].questions();
    let (first, second) = (blocking.clone(), blocking.clone());
    let threads = [first, second].map(|io| std::thread::spawn(move || io.confirm().unwrap()));
    let tasks = [runtime.spawn(awaited.confirm()), runtime.spawn(awaited.to("r").confirm())];
    // One of each, and the other ones when those have ended.
    wait_for(|| members[1].questions() == asked + 2);
    let late = runtime.block_on(awaited.timeout(SOON).confirm()).unwrap_err();
    assert_eq!(late.reason(), Reason::Incomplete);
    assert_eq!(blocking.timeout(SOON).confirm().unwrap_err().reason(), Reason::Incomplete);
    assert_eq!(members[1].questions(), asked + 2);
    members[0].freeze(false);
    assert_eq!(threads.map(|thread| thread.join().unwrap()), [2, 2]);
    assert_eq!(tasks.map(|task| runtime.block_on(task).unwrap().unwrap()), [2, 2]);
}
