//! What servers send to whoever asked: which question a reply is for, and where its content is.

use std::ops::Range;

use crate::raw::Raw;

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One client's acknowledgement.
    Ack,
    /// Of how many clients one server expects one.
    Clients,
    /// One server's answer.
    Answer,
    /// The sockets of one server.
    Sockets,
    /// The rooms of one server.
    Rooms,
}

/// A reply whose content has been found, and is not decoded yet.
pub(crate) struct Reply {
    pub(crate) kind: Kind,
    /// Of the server. Those of the classic adapter do not say it.
    pub(crate) uid: Option<String>,
    json: bool,
    payload: Vec<u8>,
    content: Range<usize>,
}

#[derive(Default)]
struct Members<'a> {
    number: Option<Raw<'a>>,
    request_id: Option<Raw<'a>>,
    uid: Option<Raw<'a>>,
    nsp: Option<Raw<'a>>,
    data: Option<Raw<'a>>,
    sockets: Option<Raw<'a>>,
    rooms: Option<Raw<'a>>,
    packet: Option<Raw<'a>>,
    client_count: Option<Raw<'a>>,
}

impl<'a> Members<'a> {
    /// Of those that come twice the last one counts, as in JavaScript.
    fn read(object: Raw<'a>) -> Option<Self> {
        let mut members = Self::default();
        object.members(|name, value| {
            let member = match name {
                "type" => &mut members.number,
                "requestId" => &mut members.request_id,
                "uid" => &mut members.uid,
                "nsp" => &mut members.nsp,
                "data" => &mut members.data,
                "sockets" => &mut members.sockets,
                "rooms" => &mut members.rooms,
                "packet" => &mut members.packet,
                "clientCount" => &mut members.client_count,
                _ => return,
            };
            *member = Some(value);
        })?;
        Some(members)
    }

    fn request_id(&self) -> Option<String> {
        self.request_id?.text().map(Into::into)
    }

    /// Servers whose adapter is a `ClusterAdapter` have all in the member `data`, the id of the question too.
    fn of_cluster(&self) -> Option<(Kind, String, Option<Raw<'a>>)> {
        let data = Self::read(self.data?)?;
        let (kind, content) = match self.number?.count()? {
            8 => (Kind::Sockets, data.sockets),
            10 => (Kind::Answer, data.packet),
            11 => (Kind::Clients, data.client_count),
            12 => (Kind::Ack, data.packet),
            _ => return None,
        };
        Some((kind, data.request_id()?, content))
    }

    fn of_classic(&self) -> Option<(Kind, String, Option<Raw<'a>>)> {
        let (kind, content) = match self.number {
            None if self.sockets.is_some_and(|sockets| !sockets.is_null()) => (Kind::Sockets, self.sockets),
            None if self.rooms.is_some_and(|rooms| !rooms.is_null()) => (Kind::Rooms, self.rooms),
            None => return None,
            Some(number) => match number.count()? {
                6 if self.uid.is_none() => (Kind::Answer, self.data), // with one it is a question
                8 => (Kind::Clients, self.client_count),
                9 => (Kind::Ack, self.packet),
                _ => return None,
            },
        };
        Some((kind, self.request_id()?, content))
    }
}

impl Reply {
    /// Returns a reply, and the id of the question that it is for; none for a message that is no reply.
    pub(crate) fn read(payload: Vec<u8>) -> Option<(String, Self)> {
        let message = Raw::message(&payload);
        let members = Members::read(message)?;
        let is_cluster =
            members.request_id.is_none() && (members.nsp.is_some() || members.data.is_some_and(Raw::is_object));
        let (kind, id, content) = if is_cluster { members.of_cluster() } else { members.of_classic() }?;
        let uid = members.uid.and_then(Raw::text).map(Into::into);
        let content = content.map_or(0..0, |content| {
            let start = content.bytes.as_ptr() as usize - payload.as_ptr() as usize;
            start..start + content.bytes.len()
        });
        Some((id, Self { kind, uid, json: message.json, content, payload }))
    }

    /// What it holds: nothing, as a client gives that acknowledges without a value, or what has been checked. It is an error
    /// when that cannot be read.
    pub(crate) fn content(&self) -> Result<Option<Raw<'_>>, Unread> {
        let raw = Raw { bytes: &self.payload[self.content.clone()], json: self.json };
        match raw.bytes {
            [] => Ok(None),
            _ if raw.is_sound() => Ok(Some(raw)),
            _ => Err(Unread),
        }
    }
}

/// A reply that cannot be read. Only how many there are is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unread;
