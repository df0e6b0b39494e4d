//! What calls return, as the suite writes it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value as Json, json};
use sioemit::{Acks, Error, Partial, Socket, Value};

use crate::Failure;

/// What a call returns.
pub trait Shown {
    fn shown(&self) -> Option<Json>;
}

impl Shown for () {
    fn shown(&self) -> Option<Json> {
        None
    }
}

impl Shown for u64 {
    fn shown(&self) -> Option<Json> {
        Some((*self).into())
    }
}

impl Shown for Acks {
    fn shown(&self) -> Option<Json> {
        Some(json!({
            "values": self.values.shown(), "clients": self.clients, "servers": self.servers,
            "perServer": self.per_server,
        }))
    }
}

impl Shown for Vec<Value> {
    fn shown(&self) -> Option<Json> {
        Some(self.iter().map(tagged).collect())
    }
}

impl Shown for Vec<String> {
    fn shown(&self) -> Option<Json> {
        Some(self.iter().cloned().collect())
    }
}

impl Shown for Vec<Socket> {
    fn shown(&self) -> Option<Json> {
        let socket = |socket: &Socket| {
            json!({
                "id": socket.id, "rooms": socket.rooms,
                "numberRooms": socket.number_rooms.iter().map(|room| number(*room)).collect::<Json>(),
                "data": tagged(&socket.data), "handshake": tagged(&socket.handshake),
            })
        };
        Some(self.iter().map(socket).collect())
    }
}

/// The answer of the driver to a call.
pub fn answer(result: Result<Option<Json>, Failure>) -> Json {
    match result {
        Ok(None) => json!({"ok": true}),
        Ok(Some(result)) => json!({"ok": true, "result": result}),
        Err(Failure::Refused(err)) => {
            let mut answer = json!({"error": err.reason().as_str(), "message": err.to_string()});
            if let Error::Incomplete(incomplete) = &err {
                let partial = match &incomplete.partial {
                    Partial::Acks(acks) => acks.shown(),
                    Partial::Sockets(sockets) => sockets.shown(),
                    Partial::Values(values) => values.shown(),
                    Partial::Rooms(rooms) => rooms.shown(),
                    _ => None,
                };
                if let Some(partial) = partial {
                    answer["result"] = partial;
                }
                answer["missing"] = json!({
                    "servers": incomplete.servers, "asked": incomplete.asked, "clients": incomplete.clients,
                    "expected": incomplete.expected, "unread": incomplete.unread,
                });
            }
            answer
        }
        Err(Failure::Skip(why)) => json!({"skip": why}),
    }
}

/// Whole numbers without a fraction, as JavaScript writes them.
fn number(n: f64) -> Json {
    let text = if n.fract() == 0.0 && n.abs() < 1e15 { format!("{n:.0}") } else { n.to_string() };
    text.parse::<Number>().map_or(Json::Null, Json::Number)
}

fn tagged(value: &Value) -> Json {
    value.decode::<Tagged>().map_or_else(|err| json!({"$undecodable": err.to_string()}), |tagged| tagged.0)
}

struct Tagged(Json);

impl<'de> Deserialize<'de> for Tagged {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TaggedVisitor).map(Self)
    }
}

struct TaggedVisitor;

impl<'de> Visitor<'de> for TaggedVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Json, E> {
        Ok(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> Result<Json, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Json, E> {
        Ok(v.into())
    }

    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Json, E> {
        Number::from_f64(v).map(Json::Number).ok_or_else(|| E::custom("no number of JSON"))
    }

    fn visit_str<E>(self, v: &str) -> Result<Json, E> {
        Ok(v.into())
    }

    fn visit_bytes<E>(self, v: &[u8]) -> Result<Json, E> {
        Ok(json!({"$binary": STANDARD.encode(v)}))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(Tagged(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Map::new();
        while let Some((key, Tagged(value))) = map.next_entry::<String, Tagged>()? {
            members.insert(key, value);
        }
        let is_tag = members.len() == 1 && members.keys().all(|key| key.starts_with('$'));
        Ok(if is_tag { json!({"$literal": members}) } else { Json::Object(members) })
    }
}
