//! Servers of the streams adapter before 0.3, which subscribe to nothing, and answer by an entry.
//!
//! They add a heartbeat when they have added nothing else for five seconds, and take one who is silent for ten for gone.

use std::collections::HashMap;
use std::time::Duration;

use redis::Value;

use crate::message::UID;
use crate::sent::EntryId;

/// How long a server may be silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(11);

/// How many entries are read at once.
pub(crate) const PAGE: usize = 500;

// Types of messages.
const SOCKETS: &str = "8";
const CLOSE: &str = "13";

/// The servers of a namespace that have been heard, with when that was, in milliseconds of the clock of Redis.
#[derive(Clone)]
pub(crate) struct Beats {
    /// It is known of all until this entry.
    pub(crate) until: EntryId,
    pub(crate) heard: HashMap<String, u64>,
}

/// An entry of the stream.
pub(crate) struct Entry {
    pub(crate) id: EntryId,
    fields: HashMap<String, String>,
}

impl Entry {
    /// Reads what XRANGE answers.
    pub(crate) fn read_all(answer: &Value) -> Option<Vec<Self>> {
        let Value::Array(entries) = answer else { return None };
        entries.iter().map(Self::read).collect()
    }

    fn read(entry: &Value) -> Option<Self> {
        let Value::Array(parts) = entry else { return None };
        let [id, Value::Array(words)] = parts.as_slice() else { return None };
        let text = |word: &Value| match word {
            Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        let fields = words.chunks_exact(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect();
        Some(Self { id: EntryId::read(id)?, fields })
    }

    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Takes note of who has added it, if that is a server of the namespace.
    pub(crate) fn hear(&self, namespace: &str, heard: &mut HashMap<String, u64>) {
        let uid = self.field("uid");
        if self.field("nsp") != namespace || uid == UID || !is_server(uid) {
            return;
        }
        if self.field("type") == CLOSE {
            heard.remove(uid);
        } else {
            heard.insert(uid.to_owned(), self.id.milliseconds);
        }
    }

    /// The server that answers a question with it.
    pub(crate) fn answers(&self, question: &str) -> Option<&str> {
        let uid = self.field("uid");
        (self.field("type") == SOCKETS && self.field("data").contains(question) && is_server(uid)).then_some(uid)
    }
}

/// Whether these servers name themselves so.
fn is_server(uid: &str) -> bool {
    uid.len() == 16 && uid.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
