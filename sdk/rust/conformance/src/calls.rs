//! Options, operators and calls by the names that cases have for them.

use std::time::Duration;

use regex_lite::Regex;
use serde_json::Value as Json;
use sioemit::{Codec, Options, Python, Room, Sharded, Streams};

use crate::Failure;
use crate::value;

pub fn options(given: &Json) -> Result<Options, Failure> {
    let mut options = Options::new();
    if let Some(key) = given["key"].as_str() {
        options = options.key(key);
    }
    if let Some(codec) = given["codec"].as_str() {
        options = options.codec(codec.parse::<Codec>()?);
    }
    if let Some(version) = number(given, "serverVersion")? {
        options = options.server_version(version);
    }
    if let Some(count) = number(given, "maxAttachments")? {
        options = options.max_attachments(count);
    }
    if let Some(ids) = given["socketIds"].as_str() {
        let whole = Regex::new(&format!(r"\A(?:{ids})\z")).map_err(|err| Failure::Skip(err.to_string()))?;
        options = options.socket_ids(move |id| whole.is_match(id));
    }
    match given["adapter"].as_str() {
        Some("sharded") => Ok(options.adapter(sharded(given)?)),
        Some("streams") => Ok(options.adapter(streams(given)?)),
        Some("python") => Ok(options.adapter(python(given))),
        _ => Ok(options),
    }
}

fn sharded(given: &Json) -> Result<Sharded, Failure> {
    let mut sharded = Sharded::new();
    if let Some(prefix) = given["channelPrefix"].as_str() {
        sharded = sharded.channel_prefix(prefix);
    }
    if let Some(mode) = given["subscriptionMode"].as_str() {
        sharded = sharded.subscription_mode(mode.parse()?);
    }
    Ok(sharded)
}

fn streams(given: &Json) -> Result<Streams, Failure> {
    let mut streams = Streams::new();
    if let Some(name) = given["streamName"].as_str() {
        streams = streams.stream_name(name);
    }
    if let Some(prefix) = given["channelPrefix"].as_str() {
        streams = streams.channel_prefix(prefix);
    }
    if let Some(count) = number(given, "streamCount")? {
        streams = streams.stream_count(count);
    }
    if let Some(entries) = number(given, "maxLen")? {
        streams = streams.max_len(entries);
    }
    if let Some(sharded) = given["useShardedPubSub"].as_bool() {
        streams = streams.use_sharded_pubsub(sharded);
    }
    Ok(streams)
}

fn python(given: &Json) -> Python {
    let mut python = Python::new();
    if let Some(channel) = given["channel"].as_str() {
        python = python.channel(channel);
    }
    if let Some(allowed) = given["allowBinary"].as_bool() {
        python = python.allow_binary(allowed);
    }
    python
}

fn number<T: TryFrom<i64>>(given: &Json, name: &str) -> Result<Option<T>, Failure> {
    match given[name].as_i64() {
        None => Ok(None),
        Some(number) => T::try_from(number).map(Some).map_err(|_| Failure::Skip(format!("{name} {number}"))),
    }
}

pub fn rooms(words: &[Json]) -> Result<Vec<Room>, Failure> {
    let room = |word: &Json| match word {
        Json::String(name) => Ok(name.into()),
        Json::Number(number) => number.as_f64().map(Room::from).ok_or_else(|| Failure::Skip(format!("room {number}"))),
        _ => Err(Failure::Skip(format!("a room that is {word}"))),
    };
    words.iter().map(room).collect()
}

/// What follows the name of a call, or of an operator.
pub fn words(step: &Json) -> (&str, &[Json]) {
    match step.as_array().map(Vec::as_slice) {
        Some([name, words @ ..]) => (name.as_str().unwrap_or_default(), words),
        _ => ("", &[]),
    }
}

/// An event's name and its arguments.
pub fn event(words: &[Json]) -> Result<(&str, Vec<value::Value>), Failure> {
    let [event, args @ ..] = words else { return Err(Failure::Skip("an event without a name".to_owned())) };
    let Some(event) = event.as_str() else { return Err(Failure::Skip(format!("the event {event}"))) };
    Ok((event, args.iter().map(value::read).collect::<Result<_, _>>()?))
}

/// How long a call waits.
pub fn timeout(words: &[Json]) -> Result<Duration, Failure> {
    let millis = words.first().and_then(Json::as_u64);
    millis.map(Duration::from_millis).ok_or_else(|| Failure::Skip("the type of a timeout is never negative".to_owned()))
}

/// Applies the operators of a step to an emitter or a pipeline, which have them alike.
macro_rules! chain {
    ($io:expr, $step:expr) => {{
        let mut io = $io.clone();
        for link in $step["chain"].as_array().into_iter().flatten() {
            let (name, words) = $crate::calls::words(link);
            io = match name {
                "of" => io.of(words[0].as_str().unwrap_or_default()),
                "to" => io.to($crate::calls::rooms(words)?),
                "in" => io.in_($crate::calls::rooms(words)?),
                "except" => io.except($crate::calls::rooms(words)?),
                "volatile" => io.volatile(),
                "compress" => io.compress(words[0] == true),
                "timeout" => io.timeout($crate::calls::timeout(words)?),
                _ => return Err($crate::Failure::Skip(format!("no operator {name}"))),
            };
        }
        io
    }};
}

/// Makes the call of a step, which returns what the emitter or the pipeline returns for it.
macro_rules! call {
    ($io:expr, $step:expr, $done:expr) => {{
        let io = $io;
        let (name, words) = $crate::calls::words(&$step["call"]);
        match name {
            "emit" => {
                let (event, args) = $crate::calls::event(words)?;
                $done(io.emit(event, Spread(&args)))
            }
            "serverSideEmit" => {
                let (event, args) = $crate::calls::event(words)?;
                $done(io.server_side_emit(event, Spread(&args)))
            }
            "socketsJoin" => $done(io.sockets_join($crate::calls::rooms(words)?)),
            "socketsLeave" => $done(io.sockets_leave($crate::calls::rooms(words)?)),
            "disconnectSockets" => $done(io.disconnect_sockets(words.first().is_some_and(|close| close == true))),
            _ => return Err($crate::Failure::Skip(format!("no call {name}"))),
        }
    }};
}

/// Makes a call that has an answer, or, if it has none, the other.
macro_rules! ask {
    ($io:expr, $step:expr, $done:expr) => {{
        let io = &$io;
        let (name, words) = $crate::calls::words(&$step["call"]);
        match name {
            "serverCount" => $done(io.server_count()),
            "fetchSockets" => $done(io.fetch_sockets()),
            "rooms" => $done(io.rooms()),
            "confirm" => $done(io.confirm()),
            "emitWithAck" => {
                let (event, args) = $crate::calls::event(words)?;
                $done(io.emit_with_ack(event, Spread(&args)))
            }
            "serverSideEmitWithAck" => {
                let (event, args) = $crate::calls::event(words)?;
                $done(io.server_side_emit_with_ack(event, Spread(&args)))
            }
            _ => $crate::calls::call!(io, $step, $done),
        }
    }};
}

pub(crate) use {ask, call, chain};
