//! Whether every server has taken what was sent before.
//!
//! A harmless question is asked behind the events, and an answer proves that its server has taken what came before on the
//! same way, as long as nothing that carries events was replaced meanwhile.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::time::Duration;

use redis::{Cmd, ErrorKind, RedisError, RedisResult, Value};

use crate::answers::{CollectServers, Incomplete, Partial};
use crate::asking::{Answers, Command, MAX_ATTEMPTS, new_id, no_servers};
use crate::count::count;
use crate::error::{Error, Refusal, is_answer};
use crate::heartbeats::{Beats, Entry, PAGE, SILENCE};
use crate::message::Count;
use crate::options::{Joined, Settings};
use crate::sent::{EntryId, Sent, Window};
use crate::state::{Carrier, Look, NEW_MASTER, State, Topology, field, refused, text};
use crate::target::Target;
use crate::value::Encoder;

pub(crate) const CALL: &str = "confirm";

/// The connections of one confirmation, until its deadline. Those that block return futures that are ready.
pub(crate) trait Way {
    /// Begins to wait for the answers to one question.
    type Waiting: Send;

    /// Sends a command over the emitter's own connection.
    fn own(&self, command: Cmd) -> impl Future<Output = RedisResult<Value>> + Send;

    /// Sends commands to a node, that of the client unless another one is named. What Redis refuses is among the answers.
    fn look(&self, node: Option<String>, commands: Vec<Cmd>) -> impl Future<Output = RedisResult<Vec<Value>>> + Send;

    /// Sends a command once, to a node, or from there to the one that has its slot.
    fn ask(&self, node: Option<String>, command: Cmd) -> impl Future<Output = RedisResult<Value>> + Send;

    /// Has subscribed to where the answers come.
    fn wait(&self, id: String) -> impl Future<Output = Result<Self::Waiting, Error>> + Send;

    /// Collects the answers of so many servers, or those that come in time.
    fn collect(
        &self,
        waiting: Self::Waiting,
        asked: u64,
    ) -> impl Future<Output = Result<Answers<CollectServers>, Error>> + Send;

    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// Refuses what cannot be confirmed.
pub(crate) fn check(settings: &Settings, target: &Target) -> Result<(), Refusal> {
    target.check()?;
    question(settings, target, "", None).map(drop)
}

fn question(settings: &Settings, target: &Target, id: &str, channel: Option<&str>) -> Result<Cmd, Refusal> {
    let mut command = Command::default();
    let nobody = target.to_nobody(&new_id());
    settings.ask_behind(CALL, &nobody, id, channel, &mut Encoder::new(), &mut command)?;
    Ok(command.0)
}

/// The error of one that ran out of time.
pub(crate) fn incomplete(settings: &Settings, servers: u64, asked: u64) -> Error {
    Error::Incomplete(Box::new(Incomplete {
        call: CALL,
        servers,
        asked,
        clients: 0,
        expected: 0,
        unread: 0,
        needs: settings.needs(CALL).filter(|_| asked > 0 && servers == 0),
        partial: Partial::Nothing,
    }))
}

/// Confirms what was sent to the namespace of a target, and returns how many servers have it. One goes on at a time.
pub(crate) async fn confirm<W: Way>(way: &W, settings: &Settings, target: &Target, sent: &Sent) -> Result<u64, Error> {
    let window = sent.begin(&target.namespace);
    // Behind all that was given to the emitter's connection, too, and whose future was dropped then.
    let own = Own::read(way.own(redis::cmd("INFO")).await)?;
    let mut servers =
        Servers { way, settings, target, sent, is_cluster: own.is_cluster, topology: Topology::default() };
    if let Ok(topology) = servers.find_nodes().await? {
        servers.topology = topology;
    }
    let count = servers.ask(&window).await?;
    let proof = servers.prove(&own, &window, count).await;

    // What cannot be known now never will be: the next confirmation begins anew.
    let since = window.since;
    let streams = matches!(settings.adapter, Joined::Streams(_));
    let beside = streams && !window.channels.is_empty();
    let past = window.doubt(streams || own.is_cluster);
    let why = match proof {
        Ok((state, why)) => {
            window.end(count, Some(state), why.clone());
            why
        }
        Err(why) => {
            window.end(count, None, Some("Redis did not let us look".to_owned()));
            Some(why)
        }
    };
    let why = why
        .or_else(|| beside.then(|| "what is for the servers themselves goes beside the stream".to_owned()))
        .or(past)
        .filter(|_| since.is_some());
    why.map_or(Ok(count), |why| Err(Error::unconfirmed(count, why)))
}

/// The Redis that the emitter's own connection leads to.
struct Own {
    /// What it calls its run; of a Redis Cluster, what each master does that the connection knows.
    runs: Vec<String>,
    is_cluster: bool,
    /// Why it may not be known.
    refused: Option<String>,
}

impl Own {
    fn read(answer: RedisResult<Value>) -> Result<Self, Error> {
        let answers: RedisResult<Vec<Value>> = match answer.and_then(Value::extract_error) {
            Ok(Value::Map(nodes)) => nodes.into_iter().map(|(_, info)| info.extract_error()).collect(),
            answer => answer.map(|info| vec![info]),
        };
        let answers = match answers {
            Err(err) if is_answer(&err) => {
                return Ok(Self { runs: Vec::new(), is_cluster: false, refused: Some(refused("INFO", err)) });
            }
            answers => answers?,
        };
        let infos: Vec<String> = answers.iter().filter_map(text).collect();
        Ok(Self {
            runs: infos.iter().map(|info| field(info, "run_id").to_owned()).collect(),
            is_cluster: infos.iter().any(|info| field(info, "cluster_enabled") == "1"),
            refused: None,
        })
    }
}

/// The servers of one namespace.
struct Servers<'a, W> {
    way: &'a W,
    settings: &'a Settings,
    target: &'a Target,
    sent: &'a Sent,
    is_cluster: bool,
    /// Of a Redis Cluster, when the servers are asked.
    topology: Topology,
}

impl<W: Way> Servers<'_, W> {
    /// Finds the nodes of a Redis Cluster, unless Redis refuses it.
    async fn find_nodes(&self) -> Result<Result<Topology, String>, Error> {
        const NAME: &str = "CLUSTER SLOTS";
        if !self.is_cluster {
            return Ok(Ok(Topology::default()));
        }
        let mut command = redis::cmd("CLUSTER");
        command.arg("SLOTS");
        match self.way.ask(None, command).await {
            Ok(answer) => Ok(Topology::read(&answer).ok_or_else(|| format!("{NAME}: the answer cannot be read"))),
            Err(err) if is_answer(&err) => Ok(Err(refused(NAME, err))),
            Err(err) => Err(err.into()),
        }
    }

    /// Asks all servers whether they have taken what was sent before, and returns how many have answered. It asks again when
    /// servers have come meanwhile: one of them may have answered in the place of another.
    async fn ask(&self, window: &Window<'_>) -> Result<u64, Error> {
        let of_all = self.settings.count(&self.target.namespace);
        let mut channels = vec![of_all.channel.as_str()];
        if self.is_cluster && matches!(self.settings.adapter, Joined::Sharded(_)) {
            // They come by other connections than what goes to the channel of the namespace.
            channels.extend(window.channels.iter().map(String::as_str).filter(|channel| *channel != of_all.channel));
        }
        let mut counts = self.count(&of_all, &channels).await?;
        loop {
            if counts[0] == 0 {
                return match self.ask_old().await? {
                    0 => Err(no_servers(CALL, &self.target.namespace)),
                    servers => Ok(servers),
                };
            }
            let servers = self.ask_all(&channels, &counts).await?;
            let now = self.count(&of_all, &channels).await?;
            if now.iter().zip(&counts).any(|(now, before)| now > before) {
                counts = now;
                continue;
            }
            return match servers {
                0 => Err(no_servers(CALL, &self.target.namespace)), // of those who only listen, as sioemit does
                _ => Ok(servers),
            };
        }
    }

    /// Counts those who listen on each channel, on all nodes.
    async fn count(&self, question: &Count, channels: &[&str]) -> Result<Vec<u64>, Error> {
        let mut counts = vec![0; channels.len()];
        for node in self.topology.nodes() {
            let answers = self.way.look(node, vec![question.of_channels(channels)]).await?;
            let answer = answers.into_iter().next().unwrap_or_default().extract_error()?;
            for (sum, channel) in counts.iter_mut().zip(channels) {
                *sum += count(&answer, channel)?;
            }
        }
        Ok(counts)
    }

    /// Asks on all channels at the same time, of each the servers that listen. Whoever listens to a channel of the namespace
    /// answers on the first one. It returns how many servers did, unless some have not answered in time.
    async fn ask_all(&self, channels: &[&str], counts: &[u64]) -> Result<u64, Error> {
        // Events of one namespace took the way of several masters, and are in order on their way from each.
        let every_master = matches!(self.settings.adapter, Joined::Classic(_));
        let masters = if every_master { self.topology.masters() } else { vec![None] };
        let mut questions = Vec::new();
        for (i, (channel, asked)) in channels.iter().zip(counts).enumerate() {
            for node in &masters {
                if *asked > 0 {
                    let own = Some(*channel).filter(|_| i > 0);
                    questions.push((self.ask_one(node.as_ref(), own).await?, *asked));
                }
            }
        }
        let mut result = Ok(0);
        let mut most = None; // answers that are missing
        for (waiting, asked) in questions {
            let CollectServers { servers, listeners, .. } = self.way.collect(waiting, asked).await?.collected;
            let missing = asked.saturating_sub(servers + listeners);
            if most.is_none_or(|most| missing > most) {
                most = Some(missing);
                result = match missing {
                    0 => Ok(servers),
                    _ => Err(incomplete(self.settings, servers, asked.saturating_sub(listeners))),
                };
            }
        }
        result
    }

    /// Asks one question, on the channel of the namespace or of one room. It is asked again, by another id, when it is not
    /// known whether Redis has got it.
    async fn ask_one(&self, node: Option<&String>, channel: Option<&str>) -> Result<W::Waiting, Error> {
        let mut attempt = 1;
        loop {
            let id = new_id();
            let question = question(self.settings, self.target, &id, channel)?;
            let waiting = self.way.wait(id).await?;
            match self.way.ask(node.cloned(), question).await.map_err(Error::of_question) {
                Ok(_) => return Ok(waiting),
                Err(Error::MaybeAsked(err)) if attempt < MAX_ATTEMPTS && !err.is_timeout() => attempt += 1,
                Err(err) => return Err(err),
            }
        }
    }

    /// Asks the servers of a stream that nothing but their entries shows, if there are any.
    async fn ask_old(&self) -> Result<u64, Error> {
        let Joined::Streams(streams) = &self.settings.adapter else { return Ok(0) };
        let stream = &streams.stream(&self.target.namespace)?;
        let mut heard = self.listen(stream, streams.limit()).await?;
        if heard.is_empty() {
            return Ok(0);
        }
        let id = new_id(); // which no other question has
        let asked = EntryId::read(&self.way.ask(None, question(self.settings, self.target, &id, None)?).await?);
        let asked = asked.ok_or_else(|| unreadable("XADD"))?;
        let mut answered = HashSet::new();
        let mut at = asked;
        let mut pause = Duration::from_millis(1);
        while answered.len() < heard.len() {
            let entries = match self.entries(stream, &format!("({at}"), PAGE).await {
                Err(Error::Redis(err)) if err.is_timeout() => {
                    return Err(incomplete(self.settings, answered.len() as u64, heard.len() as u64));
                }
                entries => entries?,
            };
            if entries.is_empty() {
                self.way.pause(pause).await;
                pause = (2 * pause).min(Duration::from_millis(50));
            }
            for entry in entries {
                at = entry.id;
                answered.extend(entry.answers(&id).filter(|uid| heard.contains_key(*uid)).map(str::to_owned));
            }
        }
        for at in heard.values_mut() {
            *at = asked.milliseconds;
        }
        self.sent.set_beats(&self.target.namespace, Beats { until: asked, heard });
        Ok(answered.len() as u64)
    }

    /// The servers of the stream that have been heard in the last seconds, with when that was.
    async fn listen(&self, stream: &str, limit: u64) -> Result<HashMap<String, u64>, Error> {
        let namespace = &self.target.namespace;
        let clock = self.way.ask(None, redis::cmd("TIME")).await?;
        let (seconds, micros): (u64, u64) = redis::from_redis_value_ref(&clock).map_err(|_| unreadable("TIME"))?;
        let now = Duration::from_secs(seconds) + Duration::from_micros(micros);
        let since = milliseconds(now.saturating_sub(SILENCE));
        let (mut from, mut heard) = (format!("{since}-0"), HashMap::new());
        if let Some(last) = self.sent.beats(namespace).filter(|last| last.until.milliseconds > since) {
            from = last.until.to_string();
            heard.extend(last.heard.into_iter().filter(|(_, at)| *at >= since));
        }
        let mut start = from.clone();
        loop {
            let entries = self.entries(stream, &start, PAGE).await?;
            for entry in &entries {
                entry.hear(namespace, &mut heard);
            }
            match entries.last() {
                Some(last) if entries.len() == PAGE => start = format!("({}", last.id),
                _ => break,
            }
        }
        // What was trimmed has not been heard.
        let oldest = self.entries(stream, "-", 1).await?;
        let Some(oldest) = oldest.first().filter(|_| !heard.is_empty()) else { return Ok(HashMap::new()) };
        if EntryId::read(&Value::BulkString(from.into())).is_some_and(|from| oldest.id > from) {
            let mut command = redis::cmd("XLEN");
            command.arg(stream);
            if matches!(self.way.ask(None, command).await?, Value::Int(length) if u64::try_from(length).is_ok_and(|length| length >= limit))
            {
                let held = Duration::from_millis(milliseconds(now).saturating_sub(oldest.id.milliseconds));
                let why =
                    format!("the stream holds no more than the last {held:?}, in which a server may have said nothing");
                return Err(Error::unconfirmed(0, why));
            }
        }
        Ok(heard)
    }

    async fn entries(&self, stream: &str, start: &str, count: usize) -> Result<Vec<Entry>, Error> {
        let mut command = redis::cmd("XRANGE");
        command.arg(stream).arg(start).arg("+").arg("COUNT").arg(count);
        let entries = Entry::read_all(&self.way.ask(None, command).await?);
        Ok(entries.ok_or_else(|| unreadable("XRANGE"))?)
    }

    /// Looks whether all that carried the events is still in place, now that so many servers have answered, and says what is
    /// not. It is an error when that is not to be seen.
    async fn prove(&self, own: &Own, window: &Window<'_>, servers: u64) -> Result<(State, Option<String>), String> {
        if let Some(refused) = &own.refused {
            return Err(refused.clone());
        }
        let topology = self.find_nodes().await.map_err(|err| err.to_string())??;
        let carrier = match self.settings.adapter {
            Joined::Sharded(_) => Carrier::ShardChannels,
            Joined::Streams(_) => Carrier::Stream,
            _ => Carrier::Pattern,
        };
        let look = Look::new(carrier, self.is_cluster);
        let mut state = State { servers, ..State::default() };
        for node in topology.nodes() {
            let (run, node) = look.read(self.way.look(node, look.commands()).await)?;
            state.nodes.insert(run, node);
        }
        let replaced = own.runs.iter().find_map(|run| match state.nodes.get(run) {
            None => Some("the emitter's connection leads to another Redis than the one for replies"),
            Some(node) if !node.is_master => Some("a Redis node is no longer a master"),
            Some(_) => None,
        });
        let mut why = replaced.map(Into::into);
        if why.is_none() && topology.masters() != self.topology.masters() {
            why = Some(NEW_MASTER.into());
        }
        why = why.or_else(|| state.interruption(window.last.state.as_deref(), window.since, window.last.missed > 0));
        let mut why = why.map(Cow::into_owned);
        if why.is_none() {
            why = self.trimmed(window).await.unwrap_or_else(|err| Some(format!("XRANGE: {err}")));
        }
        Ok((state, why))
    }

    /// Says whether entries are not in the stream any more, now that every server has read beyond them: they were trimmed
    /// before they were read, or lost by a Redis whose place another took. While the first one is there, none behind it has
    /// been trimmed.
    async fn trimmed(&self, window: &Window<'_>) -> Result<Option<String>, Error> {
        let (Joined::Streams(streams), Some(entries)) = (&self.settings.adapter, window.entries) else {
            return Ok(None);
        };
        let stream = streams.stream(&self.target.namespace)?;
        for id in [entries.first, entries.last] {
            let mut command = redis::cmd("XRANGE");
            command.arg(&stream).arg(id.to_string()).arg(id.to_string());
            if matches!(self.way.ask(None, command).await?, Value::Array(found) if found.is_empty()) {
                let why = "an entry is no longer in the stream, and may have been trimmed before it was read";
                return Ok(Some(why.to_owned()));
            }
        }
        Ok(None)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn unreadable(command: &'static str) -> RedisError {
    RedisError::from((ErrorKind::UnexpectedReturnType, "the answer cannot be read", command.to_owned()))
}
