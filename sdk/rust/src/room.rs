//! Rooms, which have names or are numbers.

use std::borrow::Cow;

use crate::error::{Reason, Refusal};
use crate::value::{Encoder, shortest};

/// A room: a name, or a number.
///
/// A number is a room of its own: the servers' `socket.join(5)` is not `socket.join("5")`. It is made `from` any text or
/// number, so that methods take those.
#[derive(Clone, Debug, PartialEq)]
pub struct Room(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Name(String),
    Number(f64), // as JavaScript has them
}

impl Room {
    /// The name, unless it is a number.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.0 {
            Kind::Name(name) => Some(name),
            Kind::Number(_) => None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match &self.0 {
            Kind::Name(name) if name.is_empty() => Err(Refusal::new(Reason::EmptyRoom, "the room's name is empty")),
            Kind::Number(n) if !n.is_finite() => {
                Err(Refusal::new(Reason::InvalidText, format!("room {n}: no server can have a room of that number")))
            }
            _ => Ok(()),
        }
    }

    /// The number, unless it is a name.
    pub(crate) fn number(&self) -> Option<f64> {
        match self.0 {
            Kind::Name(_) => None,
            Kind::Number(n) => Some(n),
        }
    }

    pub(crate) fn encode(&self, encoder: &mut Encoder) -> Result<(), Refusal> {
        match &self.0 {
            Kind::Name(name) => encoder.text(name),
            Kind::Number(n) => encoder.float(*n)?,
        }
        Ok(())
    }
}

impl std::fmt::Display for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Name(name) => write!(f, "{name:?}"),
            Kind::Number(n) => write!(f, "{n}"),
        }
    }
}

/// Rooms, each once, in order. Most targets have one, for which nothing is allocated but its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoomList {
    first: Option<Room>,
    rest: Vec<Room>,
}

impl RoomList {
    /// Adds rooms, and returns how many were given.
    pub(crate) fn add(&mut self, rooms: impl Rooms) -> Result<usize, Refusal> {
        let mut adding = Adding { list: self, given: 0, result: Ok(()) };
        rooms.add_to(&mut adding);
        adding.result.map(|()| adding.given)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Room> {
        self.first.iter().chain(&self.rest)
    }

    /// The only room.
    pub(crate) fn single(&self) -> Option<&Room> {
        self.first.as_ref().filter(|_| self.rest.is_empty())
    }
}

/// Where rooms are added. Nobody else can name it, and so implement [`Rooms`].
pub struct Adding<'a> {
    list: &'a mut RoomList,
    given: usize,
    result: Result<(), Refusal>,
}

impl Adding<'_> {
    fn room(&mut self, room: Room) {
        self.given += 1;
        match room.check() {
            Err(refusal) => self.result = Err(refusal),
            Ok(()) if self.list.first.is_none() => self.list.first = Some(room),
            Ok(()) if self.list.iter().any(|other| *other == room) => {}
            Ok(()) => self.list.rest.push(room),
        }
    }
}

/// One room or several: text, a number, a [`Room`], or an array, slice or `Vec` of them.
///
/// It is sealed. A type of your own is a room where `Room` is `From` it: `to(Room::from(mine))`, `to([mine, other])`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no room, and no rooms",
    note = "rooms are text or numbers, or an array, slice or `Vec` of them"
)]
pub trait Rooms {
    #[doc(hidden)]
    fn add_to(self, adding: &mut Adding<'_>);
}

macro_rules! names {
    ($($type:ty),*) => {$(
        impl From<$type> for Room {
            fn from(name: $type) -> Self {
                Self(Kind::Name(name.into()))
            }
        }
    )*};
}

names!(&str, String, &String, Cow<'_, str>);

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl From<$type> for Room {
            /// As JavaScript has numbers: beyond 2^53, the nearest float64.
            #[allow(clippy::cast_lossless, clippy::cast_precision_loss, reason = "that is what is meant")]
            fn from(number: $type) -> Self {
                Self(Kind::Number(number as f64))
            }
        }
    )*};
}

numbers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f64);

impl From<f32> for Room {
    fn from(number: f32) -> Self {
        Self(Kind::Number(shortest(number)))
    }
}

impl From<&Room> for Room {
    fn from(room: &Room) -> Self {
        room.clone()
    }
}

macro_rules! single {
    ($($type:ty),*) => {$(
        impl Rooms for $type {
            fn add_to(self, adding: &mut Adding<'_>) {
                adding.room(self.into());
            }
        }
    )*};
}

single!(&str, String, &String, Cow<'_, str>, Room, &Room);
single!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

impl<T: Into<Room>, const N: usize> Rooms for [T; N] {
    fn add_to(self, adding: &mut Adding<'_>) {
        for room in self {
            adding.room(room.into());
        }
    }
}

impl<T: Into<Room>> Rooms for Vec<T> {
    fn add_to(self, adding: &mut Adding<'_>) {
        for room in self {
            adding.room(room.into());
        }
    }
}

impl<T: Into<Room> + Clone> Rooms for &[T] {
    fn add_to(self, adding: &mut Adding<'_>) {
        for room in self {
            adding.room(room.clone().into());
        }
    }
}

impl<T: Into<Room> + Clone> Rooms for &Vec<T> {
    fn add_to(self, adding: &mut Adding<'_>) {
        self.as_slice().add_to(adding);
    }
}

impl<T: Into<Room> + Clone, const N: usize> Rooms for &[T; N] {
    fn add_to(self, adding: &mut Adding<'_>) {
        self.as_slice().add_to(adding);
    }
}
