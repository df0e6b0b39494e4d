//! Values of cases, which are JSON with tags for what JSON has no word for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;

use crate::Failure;

/// A value that an event may hold, as people have them in Rust.
pub enum Value {
    Plain(Json),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
    Binary(Vec<u8>),
    Date(DateTime<Utc>),
    Integer(i128),
    Float(f64),
    Nested { object: bool, levels: u64 },
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(json) => json.serialize(serializer),
            Self::Array(items) => items.serialize(serializer),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Binary(bytes) => serde_bytes::Bytes::new(bytes).serialize(serializer),
            Self::Date(date) => date.serialize(serializer),
            Self::Integer(integer) => integer.serialize(serializer),
            Self::Float(float) => float.serialize(serializer),
            Self::Nested { levels: 0, .. } => serializer.serialize_none(),
            Self::Nested { object, levels } => {
                let inner = Self::Nested { object: *object, levels: levels - 1 };
                if *object { serializer.collect_map([("a", inner)]) } else { [inner].serialize(serializer) }
            }
        }
    }
}

/// Reads a value of a case.
pub fn read(json: &Json) -> Result<Value, Failure> {
    match json {
        Json::Array(items) => Ok(Value::Array(items.iter().map(read).collect::<Result<_, _>>()?)),
        Json::Object(members) => match members.iter().next() {
            Some((tag, inner)) if members.len() == 1 && tag.starts_with('$') => tagged(tag, inner),
            _ => object(members),
        },
        plain => Ok(Value::Plain(plain.clone())),
    }
}

fn object(members: &serde_json::Map<String, Json>) -> Result<Value, Failure> {
    let members = members.iter().map(|(key, value)| Ok((key.clone(), read(value)?)));
    Ok(Value::Object(members.collect::<Result<_, Failure>>()?))
}

fn tagged(tag: &str, inner: &Json) -> Result<Value, Failure> {
    let unknown = || Failure::Skip(format!("{tag} of {inner}"));
    match (tag, inner) {
        ("$binary", Json::String(text)) => STANDARD.decode(text).map(Value::Binary).map_err(|_| unknown()),
        ("$date", Json::String(text)) => text.parse().map(Value::Date).map_err(|_| unknown()),
        ("$bigint", Json::String(text)) => text.parse().map(Value::Integer).map_err(|_| unknown()),
        ("$float", Json::String(text)) => text.parse().map(Value::Float).map_err(|_| unknown()),
        ("$object", Json::Array(pairs)) => {
            let member = |pair: &Json| match (pair[0].as_str(), &pair[1]) {
                (Some(key), value) => Ok((key.to_owned(), read(value)?)),
                _ => Err(unknown()),
            };
            Ok(Value::Object(pairs.iter().map(member).collect::<Result<_, _>>()?))
        }
        ("$literal", Json::Object(members)) => object(members),
        ("$repeat", Json::Object(repeat)) => {
            let count = repeat["count"].as_u64().ok_or_else(unknown)?;
            match repeat.get("nest").and_then(Json::as_str) {
                Some(kind) => Ok(Value::Nested { object: kind == "object", levels: count }),
                None => repeated(&repeat["value"], count).ok_or_else(unknown)?,
            }
        }
        _ => Err(unknown()),
    }
}

fn repeated(value: &Json, count: u64) -> Option<Result<Value, Failure>> {
    let count = usize::try_from(count).ok()?;
    Some(match value {
        Json::String(text) => Ok(Value::Plain(text.repeat(count).into())),
        Json::Array(items) => {
            let all = std::iter::repeat_n(items, count).flatten().map(read);
            all.collect::<Result<_, _>>().map(Value::Array)
        }
        _ => read(value).map(|value| match value {
            Value::Binary(bytes) => Value::Binary(bytes.repeat(count)),
            value => value,
        }),
    })
}
