//! What carries events from Redis to the servers.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use redis::{Cmd, RedisError, RedisResult, Value};

use crate::asking::CLIENT_NAME;
use crate::error::without_secrets;

/// What carries events from Redis to the servers, at one time: as long as it stays the same, nothing is lost on the way.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// By what each calls its run.
    pub(crate) nodes: BTreeMap<String, Node>,
    /// How many servers listened on the namespace; 0 where nobody has counted.
    pub(crate) servers: u64,
}

/// One Redis.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) is_master: bool,
    /// The connections that may be those of servers, with how long each has been there, in whole seconds. A connection that
    /// was cut comes back as another one.
    subscribers: HashMap<String, Duration>,
    /// The connections of the cluster bus to other nodes, with the time at which each was made, in milliseconds. What Redis
    /// passes on to a node goes along one of them, in order, and is lost when it is cut.
    links: HashMap<String, u64>,
    /// The slots of a Redis Cluster, with their masters, as this node knows them: the subscriptions to a shard channel end
    /// when its slot moves, and not the connection. They are known where there are shard channels only.
    slots: Vec<(i64, i64, String)>,
    /// The time of Redis, since 1970, and the same time here or a little later.
    clock: Duration,
    seen: Instant,
}

/// Which subscribers may be servers, by what they subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// Those of the classic adapter have a pattern for each namespace.
    Pattern,
    /// Those of the sharded adapter have two channels for each, which on a Redis Cluster are on two nodes.
    ShardChannels,
    /// Those of streams read what stays in Redis.
    Stream,
}

/// What a node of a Redis Cluster answers to `CLUSTER SLOTS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Topology {
    masters: Vec<String>,
    replicas: Vec<String>,
    slots: Vec<(i64, i64, String)>,
}

impl Topology {
    /// All nodes, or no name for the one Redis that there is.
    pub(crate) fn nodes(&self) -> Vec<Option<String>> {
        let mut nodes = self.masters();
        nodes.extend(self.replicas.iter().cloned().map(Some));
        nodes
    }

    /// The same of masters.
    pub(crate) fn masters(&self) -> Vec<Option<String>> {
        if self.masters.is_empty() { vec![None] } else { self.masters.iter().cloned().map(Some).collect() }
    }

    pub(crate) fn read(answer: &Value) -> Option<Self> {
        let mut topology = Self::default();
        for range in array(answer)? {
            let [Value::Int(start), Value::Int(end), nodes @ ..] = array(range)? else { return None };
            for (i, node) in nodes.iter().enumerate() {
                let [host, Value::Int(port), id, ..] = array(node)? else { return None };
                let host = match text(host).unwrap_or_default().as_str() {
                    "?" => continue, // unknown
                    "0.0.0.0" | "::" => String::new(),
                    host => host.to_owned(), // none is that of the node that answers
                };
                if i == 0 {
                    topology.slots.push((*start, *end, text(id)?));
                }
                let nodes = if i == 0 { &mut topology.masters } else { &mut topology.replicas };
                nodes.push(format!("{host}:{port}"));
            }
        }
        for nodes in [&mut topology.masters, &mut topology.replicas] {
            nodes.sort_unstable();
            nodes.dedup();
        }
        Some(topology)
    }
}

fn array(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

pub(crate) fn text(value: &Value) -> Option<String> {
    redis::from_redis_value_ref(value).ok()
}

/// Returns what INFO says of one thing.
pub(crate) fn field<'a>(info: &'a str, name: &str) -> &'a str {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_default().trim()
}

/// Commands that look at a node, with how errors name them.
pub(crate) struct Look {
    is_cluster: bool,
    carrier: Carrier,
    names: Vec<&'static str>,
}

impl Look {
    pub(crate) fn new(carrier: Carrier, is_cluster: bool) -> Self {
        let mut names = vec!["INFO"];
        if is_cluster && carrier == Carrier::ShardChannels {
            names.push("CLUSTER SLOTS");
        }
        if carrier != Carrier::Stream {
            if is_cluster {
                names.push("CLUSTER LINKS");
            }
            names.push("CLIENT LIST");
        }
        names.push("TIME"); // behind the ages, so that no connection is taken for older than it is
        Self { is_cluster, carrier, names }
    }

    pub(crate) fn commands(&self) -> Vec<Cmd> {
        let command = |name: &&str| {
            let mut command = Cmd::new();
            for word in name.split(' ') {
                command.arg(word);
            }
            if *name == "CLIENT LIST" {
                command.arg("TYPE").arg("PUBSUB");
            }
            command
        };
        self.names.iter().map(command).collect()
    }

    /// Reads what a node has answered until now: its name, and what it is.
    pub(crate) fn read(&self, answers: RedisResult<Vec<Value>>) -> Result<(String, Node), String> {
        let answers = answers.map_err(|err| refused(self.names[0], err))?;
        let mut node = Node {
            is_master: true,
            subscribers: HashMap::new(),
            links: HashMap::new(),
            slots: Vec::new(),
            clock: Duration::ZERO,
            seen: Instant::now(),
        };
        let mut run = String::new();
        for (name, answer) in self.names.iter().zip(answers) {
            let answer = answer.extract_error().map_err(|err| refused(name, err))?;
            let read = match *name {
                "INFO" => text(&answer).map(|info| {
                    field(&info, "run_id").clone_into(&mut run);
                    node.is_master = !self.is_cluster || field(&info, "role") == "master";
                }),
                "CLUSTER SLOTS" => Topology::read(&answer).map(|topology| node.slots = topology.slots),
                "CLUSTER LINKS" => links(&answer).map(|links| node.links = links),
                "CLIENT LIST" => {
                    text(&answer).map(|list| node.subscribers = subscribers(&list, self.carrier, self.is_cluster))
                }
                _ => redis::from_redis_value_ref::<(u64, u64)>(&answer)
                    .ok()
                    .map(|(seconds, micros)| node.clock = Duration::from_secs(seconds) + Duration::from_micros(micros)),
            };
            read.ok_or_else(|| format!("{name}: the answer of Redis cannot be read"))?;
        }
        Ok((run, node))
    }
}

/// Says which command Redis has refused.
pub(crate) fn refused(name: &str, err: RedisError) -> String {
    format!("{name}: {}", without_secrets(err))
}

fn links(answer: &Value) -> Option<HashMap<String, u64>> {
    let mut links = HashMap::new();
    for link in array(answer)? {
        let link: HashMap<String, Value> = redis::from_redis_value_ref(link).ok()?;
        if text(link.get("direction")?)? == "to" {
            links.insert(text(link.get("node")?)?, redis::from_redis_value_ref(link.get("create-time")?).ok()?);
        }
    }
    Some(links)
}

/// Reads CLIENT LIST. Who asks, in Go or with a name that says so, is no Socket.IO server: these come and go as they wait for
/// answers.
fn subscribers(list: &str, carrier: Carrier, is_cluster: bool) -> HashMap<String, Duration> {
    let (subscription, least) = if carrier == Carrier::Pattern { ("psub", 1) } else { ("ssub", 2) };
    let mut all = HashMap::new();
    for line in list.lines() {
        let (mut id, mut addr, mut laddr, mut name, mut library, mut age, mut count) = ("", "", "", "", "", 0, 0);
        for field in line.split_ascii_whitespace() {
            match field.split_once('=') {
                Some(("id", value)) => id = value,
                Some(("addr", value)) => addr = value,
                Some(("laddr", value)) => laddr = value,
                Some(("age", value)) => age = value.parse().unwrap_or_default(),
                Some(("name", value)) => name = value,
                Some(("lib-name", value)) => library = value,
                Some((field, value)) if field == subscription => count = value.parse().unwrap_or_default(),
                _ => {}
            }
        }
        let asks = name == CLIENT_NAME || library.starts_with("go-redis");
        if (count >= least || (is_cluster && count > 0)) && !asks {
            all.insert(format!("{id} {addr} {laddr}"), Duration::from_secs(age));
        }
    }
    all
}

impl State {
    /// How many servers there are, at most where nobody has counted.
    pub(crate) fn known_servers(&self) -> u64 {
        match self.servers {
            0 => self.nodes.values().map(|node| node.subscribers.len() as u64).sum(),
            servers => servers,
        }
    }

    /// Says what may have been lost on the way between two states, if anything may. Somebody is missed if a server was cut
    /// off before, and is not known to be back. Since is when the first of it was sent, and none where that is not known;
    /// there is no state before where nobody has looked.
    pub(crate) fn interruption(
        &self,
        before: Option<&Self>,
        since: Option<Instant>,
        is_missed: bool,
    ) -> Option<Cow<'static, str>> {
        let Some(before) = before else { return self.youth(since?).map(Into::into) };
        if let Some(why) = self.replaced(before) {
            return Some(why.into());
        }
        let gone = before.connections().filter(|(name, id, _)| !self.has(name, id)).count();
        let came = self.connections().any(|(name, id, age)| {
            !before.has(name, id) && !since.is_some_and(|since| self.nodes[name].is_older(age, since))
        });
        match gone {
            0 if came && is_missed => Some("a server that was cut off may have come back after the first event".into()),
            0 => None,
            // As many servers as before, and all of them have been there since before the first event: what has gone was
            // none of them, or went before that.
            _ if !came && before.servers > 0 && self.servers >= before.servers => None,
            1 => Some("a subscriber's connection to Redis was cut".into()),
            _ => Some(format!("{gone} subscribers' connections to Redis were cut").into()),
        }
    }

    /// Says which Redis, or what between two of them, is not what it was.
    fn replaced(&self, before: &Self) -> Option<&'static str> {
        for (name, was) in &before.nodes {
            match self.nodes.get(name) {
                None => return Some("a Redis node has gone, or was started again"),
                Some(is) if was.is_master && !is.is_master => return Some("a Redis node is no longer a master"),
                Some(is) if was.slots != is.slots => return Some("a slot of the Redis Cluster was moved"),
                Some(is) => {
                    if was.is_master && was.links.iter().any(|(peer, made)| is.links.get(peer) != Some(made)) {
                        return Some("a link of the Redis Cluster's bus was cut");
                    }
                }
            }
        }
        let was_master = |name: &String| before.nodes.get(name).is_some_and(|node| node.is_master);
        self.nodes.iter().any(|(name, is)| is.is_master && !was_master(name)).then_some(NEW_MASTER)
    }

    fn connections(&self) -> impl Iterator<Item = (&String, &String, Duration)> {
        self.nodes.iter().flat_map(|(name, node)| node.subscribers.iter().map(move |(id, age)| (name, id, *age)))
    }

    fn has(&self, name: &str, id: &str) -> bool {
        self.nodes.get(name).is_some_and(|node| node.subscribers.contains_key(id))
    }

    /// Says which part of the state may not have been there at a time.
    fn youth(&self, since: Instant) -> Option<&'static str> {
        self.nodes.values().find_map(|node| {
            let made = |made: &u64| Duration::from_millis(*made) >= node.at(since);
            if node.subscribers.values().any(|age| !node.is_older(*age, since)) {
                Some("a subscriber connected to Redis at about the time of the first event, or after it")
            } else if node.is_master && node.links.values().any(made) {
                Some("a link of the Redis Cluster's bus was made after the first event")
            } else {
                None
            }
        })
    }
}

pub(crate) const NEW_MASTER: &str = "a Redis node has become a master";

impl Node {
    /// Whether a connection of this age, in whole seconds of the clock of Redis, was there at a time.
    fn is_older(&self, age: Duration, since: Instant) -> bool {
        let second = Duration::from_secs(1);
        // Or up to a second later.
        let connected = Duration::from_secs(self.clock.as_secs()).saturating_sub(age);
        connected + second <= self.at(since)
    }

    /// A time of here by the clock of Redis, or a little before it.
    fn at(&self, here: Instant) -> Duration {
        self.clock.saturating_sub(self.seen.saturating_duration_since(here))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A minute behind the clock of here, and almost in the next second.
    fn clock() -> Duration {
        Duration::from_millis(1_700_000_000_900)
    }

    /// A Redis with subscribers of these ages in seconds, by name, and one link.
    fn state(servers: u64, is_master: bool, link: u64, ages: &[(&str, u64)], seen: Instant) -> State {
        let subscribers = ages.iter().map(|(name, age)| ((*name).to_owned(), Duration::from_secs(*age))).collect();
        let links = HashMap::from([("b".to_owned(), link)]);
        let node = Node { is_master, subscribers, links, slots: Vec::new(), clock: clock(), seen };
        State { servers, nodes: BTreeMap::from([("a".to_owned(), node)]) }
    }

    #[test]
    fn what_was_replaced_is_told() {
        const OLD: u64 = 1;
        let seen = Instant::now() + Duration::from_secs(60);
        let since = seen.checked_sub(Duration::from_secs(10));
        let now = u64::try_from(clock().as_millis()).unwrap();
        let with = |servers, ages: &[(&str, u64)]| state(servers, true, OLD, ages, seen);
        let old = [("a", 100), ("b", 100)];
        let both = with(2, &old);
        let replica = state(2, false, OLD, &old, seen);
        let mut other = both.clone();
        other.nodes = BTreeMap::from([("b".to_owned(), both.nodes["a"].clone())]);
        let mut moved = both.clone();
        moved.nodes.get_mut("a").unwrap().slots = vec![(0, 16383, "x".to_owned())];
        let cut = "a subscriber's connection to Redis was cut";
        for (name, before, after, want) in [
            ("nothing has changed", Some(&both), &both, ""),
            ("one more", Some(&both), &with(3, &[("a", 100), ("b", 100), ("c", 1)]), ""),
            ("one has gone", Some(&both), &with(1, &[("a", 100)]), cut),
            ("one was replaced", Some(&both), &with(2, &[("a", 100), ("c", 1)]), cut),
            (
                "both were replaced",
                Some(&both),
                &with(2, &[("c", 1), ("d", 1)]),
                "2 subscribers' connections to Redis were cut",
            ),
            ("one was replaced before the first event", Some(&both), &with(2, &[("a", 100), ("c", 12)]), ""),
            ("one in the second of the first event", Some(&both), &with(2, &[("a", 100), ("c", 10)]), cut),
            (
                "one was replaced before, and one is away",
                Some(&both),
                &with(1, &[("c", 12)]),
                "2 subscribers' connections to Redis were cut",
            ),
            ("nobody has counted", Some(&with(0, &old)), &with(2, &[("a", 100), ("c", 12)]), cut),
            ("who was no server has gone", Some(&with(2, &[("a", 100), ("b", 100), ("c", 100)])), &both, ""),
            ("another Redis", Some(&both), &other, "a Redis node has gone, or was started again"),
            ("a slot was moved", Some(&both), &moved, "a slot of the Redis Cluster was moved"),
            ("no master any more", Some(&both), &replica, "a Redis node is no longer a master"),
            ("a new master", Some(&replica), &both, NEW_MASTER),
            (
                "a link was cut",
                Some(&both),
                &state(2, true, now, &old, seen),
                "a link of the Redis Cluster's bus was cut",
            ),
            ("a link of a replica was cut", Some(&replica), &state(2, false, now, &old, seen), ""),
            ("first, and all were there before", None, &both, ""),
            (
                "first, and one was not",
                None,
                &with(2, &[("a", 100), ("b", 10)]),
                "a subscriber connected to Redis at about the time of the first event, or after it",
            ),
            ("first, and one was there just before", None, &with(2, &[("a", 100), ("b", 12)]), ""),
            (
                "first, and a link is new",
                None,
                &state(2, true, now - 9000, &old, seen),
                "a link of the Redis Cluster's bus was made after the first event",
            ),
            ("first, and a link is old enough", None, &state(2, true, now - 11000, &old, seen), ""),
        ] {
            assert_eq!(after.interruption(before, since, false).unwrap_or_default(), want, "{name}");
        }
        let young = with(2, &[("a", 0)]);
        assert_eq!(young.interruption(None, None, false), None, "first, and nothing was sent");
        // One was cut off, and is away, has come back after the first event, or before.
        let one = with(1, &[("a", 100)]);
        let back = "a server that was cut off may have come back after the first event";
        assert_eq!(one.interruption(Some(&one), since, true), None);
        for (age, want) in [(1, back), (12, "")] {
            let after = with(2, &[("a", 100), ("b", age)]);
            assert_eq!(after.interruption(Some(&one), since, true).unwrap_or_default(), want, "{age} s");
        }
    }

    #[test]
    fn client_list_shows_who_may_be_a_server() {
        const LIST: &str = "\
id=3 addr=127.0.0.1:4 laddr=127.0.0.1:6379 name= age=7 sub=2 psub=1 ssub=0 cmd=psubscribe lib-name=node-redis lib-ver=5.0.0
id=4 addr=127.0.0.1:5 laddr=127.0.0.1:6379 name= age=8 sub=0 psub=0 ssub=2 cmd=ssubscribe
id=5 addr=127.0.0.1:6 laddr=127.0.0.1:6379 name= age=9 sub=0 psub=0 ssub=1 cmd=ssubscribe lib-name=ioredis
id=6 addr=127.0.0.1:7 laddr=127.0.0.1:6379 name= age=9 sub=2 psub=1 ssub=2 cmd=ssubscribe lib-name=go-redis(,go1.26)
id=7 addr=127.0.0.1:8 name=no\\ name age=10 sub=2 psub=3 cmd=psubscribe
id=8 addr=127.0.0.1:9 name=sioemit-replies age=10 sub=2 psub=1 ssub=2 cmd=ssubscribe lib-name=redis-rs
";
        for (carrier, is_cluster, want) in [
            (Carrier::Pattern, false, ["3 7", "7 10"].as_slice()),
            (Carrier::ShardChannels, false, &["4 8"]),
            (Carrier::ShardChannels, true, &["4 8", "5 9"]),
        ] {
            let mut found: Vec<_> = subscribers(LIST, carrier, is_cluster)
                .iter()
                .map(|(name, age)| format!("{} {}", name.split(' ').next().unwrap_or_default(), age.as_secs()))
                .collect();
            found.sort();
            assert_eq!(found, want, "{carrier:?}, cluster {is_cluster}");
        }
    }
}
