//! Replies behind a Sentinel, which makes another Redis the master.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Connection, FromRedisValue};
use sioemit::{AsyncEmitter, Emitter, Error};

use crate::members::{Joined, Member, wait_for};
use crate::redis_server::Redis;

const MASTER: &str = "m";

fn sentinel<T: FromRedisValue>(connection: &mut Connection, command: &str) -> T {
    redis::cmd("SENTINEL").arg(command).arg(MASTER).query(connection).unwrap()
}

fn unconfirmed(result: Result<u64, Error>) -> String {
    match result {
        Err(Error::Unconfirmed(unconfirmed)) => unconfirmed.why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn replies_come_from_the_master() {
    let master = Redis::start(&[]);
    let replica = Redis::start(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
    let config = std::env::temp_dir().join(format!("sioemit-rust-sentinel-{}", master.port));
    fs::write(&config, format!("sentinel monitor {MASTER} 127.0.0.1 {} 1\n", master.port)).unwrap();
    let watch = Redis::start_with(Some(&config), &["--sentinel"]);
    let mut connection = watch.connection();
    wait_for(|| sentinel::<Vec<redis::Value>>(&mut connection, "REPLICAS").len() == 1);

    let client = || SentinelClient::build(vec![watch.url()], MASTER, None, SentinelServerType::Master);
    let (found, found_later) = (Mutex::new(client().unwrap()), Arc::new(tokio::sync::Mutex::new(client().unwrap())));
    let blocking = Emitter::new(master.client()).replies_by(move || found.lock().unwrap().get_client());
    let blocking = blocking.timeout(Duration::from_secs(60));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let manager = runtime.block_on(master.client().get_connection_manager()).unwrap();
    let awaited = AsyncEmitter::new(manager).replies_by(move || {
        let found = Arc::clone(&found_later);
        async move { found.lock().await.async_get_client().await }
    });
    let awaited = awaited.timeout(Duration::from_secs(60));

    let _before = Member::start(&master, Joined::Classic, "00000000000000aa");
    assert_eq!(blocking.confirm().unwrap(), 1);
    assert_eq!(runtime.block_on(awaited.confirm()).unwrap(), 1);
    wait_for(|| redis::cmd("SENTINEL").arg("FAILOVER").arg(MASTER).exec(&mut watch.connection()).is_ok());
    let port = replica.port.to_string();
    wait_for(|| sentinel::<HashMap<String, String>>(&mut connection, "MASTER")["port"] == port);

    // The emitters' own connections lead to what was the master, which takes events all the same.
    let after = Member::start(&replica, Joined::Classic, "00000000000000bb");
    let asked = after.questions();
    blocking.emit("ev", ()).unwrap();
    wait_for(|| runtime.block_on(awaited.emit("ev", ())).is_ok());
    let why = "the emitter's connection leads to another Redis than the one for replies";
    assert_eq!(unconfirmed(blocking.confirm()), why);
    assert_eq!(unconfirmed(runtime.block_on(awaited.confirm())), why);
    assert_eq!((after.questions() - asked, after.events()), (2, 0));
    fs::remove_file(config).unwrap();
}
