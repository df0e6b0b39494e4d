//! The arguments of an event.

use serde::ser::Serialize;

use crate::error::{Reason, Refusal};
use crate::value::Encoder;

/// The arguments of an event: one, none, or several.
///
/// | what is given | what `socket.on(event, ...)` gets |
/// |---|---|
/// | `&order`, `"text"`, `&[1, 2]`, `&("a", 1)` | one argument: anything that is `Serialize`, by reference |
/// | `5`, `true`, `1.5`, a `String` or a `Vec` | one argument, by value |
/// | `()` | none |
/// | `Spread((1, "two", &order))`, `Spread(&list)` | several: see [`Spread`] |
///
/// A tuple or an array by value is none of them, so that whether it is one argument or several is always written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no arguments of an event",
    note = "give one argument by reference, `&value`; several as `Spread((&a, &b))`; none as `()`",
    note = "what is given has to implement `serde::Serialize`"
)]
pub trait Args {
    #[doc(hidden)]
    fn count(&self) -> usize;

    #[doc(hidden)]
    fn encode(&self, to: &mut Arguments<'_>) -> Result<(), Refusal>;
}

/// Several arguments: one for each member of a tuple, of up to twelve, or for each item of an array, slice or `Vec`.
///
/// ```
/// # use sioemit::{Args, Spread};
/// # fn takes(_: impl Args) {}
/// takes(Spread((1, "two", &[3]))); // three arguments
/// let words = vec!["a", "b", "c"];
/// takes(Spread(&words)); // three
/// takes(&words); // one, which is an array
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Spread<T>(pub T);

/// Where arguments are written.
pub struct Arguments<'a> {
    pub(crate) encoder: &'a mut Encoder,
    pub(crate) event: &'a str,
    pub(crate) limits: Limits,
    pub(crate) index: usize,
    /// Which argument has a key that is a trap beside binary.
    pub(crate) trap: Option<usize>,
}

/// What arguments may hold.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How many binary values, where clients take them apart.
    pub(crate) attachments: Option<usize>,
    /// Why they may hold no binary at all.
    pub(crate) no_binary: Option<NoBinary>,
}

/// Why binary is refused.
#[derive(Clone, Copy)]
pub(crate) struct NoBinary {
    pub(crate) reason: Reason,
    pub(crate) why: &'static str,
}

impl Arguments<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        value.serialize(&mut *self.encoder).map_err(|err| err.of_argument(self.event, self.index))?;
        if self.encoder.binaries > 0 {
            self.check_binary()?;
        }
        if self.trap.is_none() && self.encoder.trap.is_some() {
            self.trap = Some(self.index);
        }
        self.index += 1;
        Ok(())
    }

    fn check_binary(&self) -> Result<(), Refusal> {
        let refusal = match self.limits {
            Limits { no_binary: Some(NoBinary { reason, why }), .. } => Refusal::new(reason, why),
            Limits { attachments: Some(max), .. } if self.encoder.binaries > max => Refusal::new(
                Reason::Unencodable,
                format!(
                    "more than {max} binary values in one event disconnect clients with socket.io-parser 4.2.6 or \
                     later; send fewer, or set max_attachments if yours take more"
                ),
            ),
            Limits { .. } => return Ok(()),
        };
        Err(refusal.of_argument(self.event, self.index))
    }

    /// Refuses what binary turns into a trap for clients.
    pub(crate) fn check_traps(&self) -> Result<(), Refusal> {
        match (self.encoder.trap, self.trap) {
            (Some(key), Some(index)) if self.encoder.binaries > 0 && self.limits.attachments.is_some() => {
                let message = format!("the key \"{key}\" beside binary is a trap for the parsers of clients");
                Err(Refusal::new(Reason::Unencodable, message).of_argument(self.event, index))
            }
            _ => Ok(()),
        }
    }
}

/// Arguments that were written and checked before.
pub(crate) struct Written {
    count: usize,
    bytes: Vec<u8>,
    binaries: usize,
}

impl Written {
    pub(crate) fn new(event: &str, args: &dyn Args) -> Result<Self, Refusal> {
        let mut encoder = Encoder::new();
        let limits = Limits { attachments: None, no_binary: None };
        args.encode(&mut Arguments { encoder: &mut encoder, event, limits, index: 0, trap: None })?;
        Ok(Self { count: args.count(), bytes: encoder.out, binaries: encoder.binaries })
    }
}

impl Args for Written {
    fn count(&self) -> usize {
        self.count
    }

    fn encode(&self, to: &mut Arguments<'_>) -> Result<(), Refusal> {
        to.encoder.raw(&self.bytes);
        to.encoder.binaries += self.binaries;
        Ok(())
    }
}

impl<T: Serialize + ?Sized> Args for &T {
    fn count(&self) -> usize {
        1
    }

    fn encode(&self, to: &mut Arguments<'_>) -> Result<(), Refusal> {
        to.add(*self)
    }
}

macro_rules! lists {
    ($($type:ty $(, $n:ident)?);*) => {$(
        impl<T: Serialize $(, const $n: usize)?> Args for Spread<$type> {
            fn count(&self) -> usize {
                self.0.len()
            }

            fn encode(&self, to: &mut Arguments<'_>) -> Result<(), Refusal> {
                self.0.iter().try_for_each(|value| to.add(value))
            }
        }
    )*};
}

lists!(&[T]; Vec<T>; &Vec<T>; [T; N], N; &[T; N], N);

impl<T: Serialize> Args for Vec<T> {
    fn count(&self) -> usize {
        1
    }

    fn encode(&self, to: &mut Arguments<'_>) -> Result<(), Refusal> {
        to.add(self)
    }
}

macro_rules! by_value {
    ($($type:ty),*) => {$(
        impl Args for $type {
            fn count(&self) -> usize {
                1
            }

            fn encode(&self, to: &mut Arguments<'_>) -> Result<(), Refusal> {
                to.add(self)
            }
        }
    )*};
}

by_value!(bool, char, String, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64);

macro_rules! tuples {
    ($(($($name:ident $index:tt),*)),*) => {$(
        impl<$($name: Serialize),*> Args for Spread<($($name,)*)> {
            fn count(&self) -> usize {
                [$($index),*].len()
            }

            fn encode(&self, to: &mut Arguments<'_>) -> Result<(), Refusal> {
                $(to.add(&self.0.$index)?;)*
                Ok(())
            }
        }
    )*};
}

impl Args for () {
    fn count(&self) -> usize {
        0
    }

    fn encode(&self, _: &mut Arguments<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}

tuples!(
    (A 0),
    (A 0, B 1),
    (A 0, B 1, C 2),
    (A 0, B 1, C 2, D 3),
    (A 0, B 1, C 2, D 3, E 4),
    (A 0, B 1, C 2, D 3, E 4, F 5),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10),
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11)
);
