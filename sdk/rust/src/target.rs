//! Who gets what is sent.

use std::borrow::Cow;
use std::time::Duration;

use crate::error::{Reason, Refusal};
use crate::options::{CURRENT_VERSION, Joined, Settings};
use crate::python::no_counterpart;
use crate::room::{Room, RoomList, Rooms};

const SOCKET_ID_LENGTH: usize = 20;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The timers of JavaScript, which servers are told of it for, go no further: 24 days.
const MAX_TIMEOUT: Duration = Duration::from_millis(i32::MAX.unsigned_abs() as u64);

const OWN_IDS: &str = "If your servers make their own ids, say what they look like with Options::socket_ids";

/// Who gets an event. What was wrong with it is kept until something is sent.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) namespace: Cow<'static, str>,
    pub(crate) rooms: RoomList,
    pub(crate) excepted: RoomList,
    pub(crate) volatile: bool,
    pub(crate) compress: Option<bool>,
    timeout: Option<Duration>,
    wrong: Option<Refusal>,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            namespace: Cow::Borrowed("/"),
            rooms: RoomList::default(),
            excepted: RoomList::default(),
            volatile: false,
            compress: None,
            timeout: None,
            wrong: None,
        }
    }
}

impl Target {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match &self.wrong {
            None => Ok(()),
            Some(refusal) => Err(refusal.clone()),
        }
    }

    pub(crate) fn of(&self, namespace: &str) -> Self {
        let namespace = if namespace.starts_with('/') { namespace.to_owned() } else { format!("/{namespace}") };
        Self { namespace: Cow::Owned(namespace), ..self.clone() }
    }

    pub(crate) fn to(&self, rooms: impl Rooms) -> Self {
        let mut target = self.clone();
        match target.rooms.add(rooms) {
            Ok(0) => target.refuse(Refusal::new(
                Reason::EmptyRoom,
                "to() without a room would reach everyone; give it one, or leave it out",
            )),
            Ok(_) => {}
            Err(refusal) => target.refuse(refusal),
        }
        target
    }

    pub(crate) fn except(&self, rooms: impl Rooms, settings: &Settings) -> Self {
        let mut target = self.clone();
        if let Err(refusal) = target.excepted.add(rooms) {
            target.refuse(refusal);
        }
        let in_python = matches!(settings.adapter, Joined::Python(_));
        if settings.version < CURRENT_VERSION || in_python {
            let wrong = target.excepted.iter().find(|room| !is_socket_id(room, settings)).cloned();
            if let Some(room) = wrong {
                let servers =
                    if in_python { "python-socketio".to_owned() } else { format!("Socket.IO {}", settings.version) };
                let message =
                    format!("except({room}): {servers} leaves out socket ids only, and would ignore a room. {OWN_IDS}");
                target.refuse(Refusal::new(Reason::ExceptRoom, message));
            }
        }
        target
    }

    pub(crate) fn volatile(&self) -> Self {
        Self { volatile: true, ..self.clone() }
    }

    pub(crate) fn compress(&self, compress: bool) -> Self {
        Self { compress: Some(compress), ..self.clone() }
    }

    /// The same namespace, and a room in it that nobody is in.
    pub(crate) fn to_nobody(&self, room: &str) -> Self {
        let nobody = Self { namespace: self.namespace.clone(), timeout: self.timeout, ..Self::default() };
        nobody.to(format!("nobody-{room}"))
    }

    pub(crate) fn with_timeout(&self, timeout: Duration) -> Self {
        let mut target = Self { timeout: Some(timeout.min(MAX_TIMEOUT)), ..self.clone() };
        if timeout.is_zero() {
            target.refuse(Refusal::new(Reason::Timeout, "timeout(0): it must be more than 0"));
        }
        target
    }

    /// How long a call waits for replies.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Keeps what was wrong first.
    fn refuse(&mut self, refusal: Refusal) {
        self.wrong.get_or_insert(refusal);
    }

    /// Refuses a room for a call that changes a socket, which is targeted by its id.
    pub(crate) fn check_sockets(&self, settings: &Settings) -> Result<(), Refusal> {
        match self.rooms.iter().find(|room| !is_socket_id(room, settings)) {
            None => Ok(()),
            Some(room) => {
                Err(no_counterpart(&format!("one socket is changed at a time, and {room} is no socket id. {OWN_IDS}")))
            }
        }
    }

    /// Refuses rooms for a call that goes to servers.
    pub(crate) fn untargeted(&self, call: &str) -> Result<(), Refusal> {
        if self.rooms.is_empty() && self.excepted.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(Reason::Targeted, format!("{call} goes to the servers of a namespace and takes no rooms")))
    }
}

fn is_socket_id(room: &Room, settings: &Settings) -> bool {
    let Some(name) = room.name() else { return false };
    // On Socket.IO 1 and 2 it stands behind the namespace, unless that is "/".
    let bare = match name.split_once('#') {
        Some((namespace, bare)) if settings.version <= 2 && namespace.starts_with('/') => bare,
        _ => "",
    };
    let looks = |id: &str| match &settings.socket_ids {
        Some(looks) => looks(id),
        None => id.len() == SOCKET_ID_LENGTH && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
    };
    looks(name) || (!bare.is_empty() && looks(bare))
}

/// What Socket.IO emits itself: a client that gets one of these drops its connection.
pub(crate) fn check_event(event: &str) -> Result<(), Refusal> {
    match event {
        "" => Err(Refusal::new(Reason::EmptyEvent, "the event's name is empty")),
        "connect" | "connect_error" | "disconnect" | "disconnecting" | "newListener" | "removeListener" => {
            Err(reserved(event))
        }
        _ => Ok(()),
    }
}

/// To servers these would call handlers with no socket; without a listener, "error" ends a server.
pub(crate) fn check_server_event(event: &str) -> Result<(), Refusal> {
    match event {
        "" => check_event(event),
        "connect" | "connection" | "new_namespace" | "error" => Err(reserved(event)),
        _ => Ok(()),
    }
}

fn reserved(event: &str) -> Refusal {
    Refusal::new(Reason::ReservedEvent, format!("event {event:?}: the name is reserved by Socket.IO"))
}

/// The operators, which return another target of the same kind.
macro_rules! operators {
    ($type:ty $(, $generics:ident)?) => {
        impl$(<$generics>)? $type {
            /// Targets another namespace, in which rooms and flags are kept. `"admin"` is `"/admin"`.
            #[must_use]
            pub fn of(&self, namespace: &str) -> Self {
                self.with(self.target.of(namespace))
            }

            /// Targets a room, or several, besides those already targeted. A client in several of them gets an event
            /// once.
            ///
            /// A socket id is a room, too. A number is a room that is a number: the servers' `socket.join(5)` is not
            /// `socket.join("5")`.
            #[must_use]
            pub fn to(&self, rooms: impl $crate::Rooms) -> Self {
                self.with(self.target.to(rooms))
            }

            /// Does as `to`, by its other name in Socket.IO, where `in` is no keyword.
            #[must_use]
            pub fn in_(&self, rooms: impl $crate::Rooms) -> Self {
                self.to(rooms)
            }

            /// Leaves out the clients in any of the rooms. On Socket.IO 1 to 3 and servers in Python it
            /// takes socket ids only.
            #[must_use]
            pub fn except(&self, rooms: impl $crate::Rooms) -> Self {
                self.with(self.target.except(rooms, &self.settings))
            }

            /// Lets servers drop the event for clients that are not ready to receive it.
            #[must_use]
            pub fn volatile(&self) -> Self {
                self.with(self.target.volatile())
            }

            /// Says whether servers may compress the event.
            #[must_use]
            pub fn compress(&self, compress: bool) -> Self {
                self.with(self.target.compress(compress))
            }

            /// Sets how long calls with replies wait for them, by default 5 seconds. It must be more than 0.
            #[must_use]
            pub fn timeout(&self, timeout: std::time::Duration) -> Self {
                self.with(self.target.with_timeout(timeout))
            }
        }
    };
}

pub(crate) use operators;
