//! Values to MessagePack, in one pass.
//!
//! The client receives what `serde_json` would have sent, except that bytes arrive as binary.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "each cast stands behind a comparison, or is what JavaScript does with the number"
)]

use serde::ser::{self, Serialize};

use crate::base64::base64;
use crate::error::{Reason, Refusal};
use crate::key::Key;

/// How deep values may be nested.
#[derive(Clone, Copy)]
pub(crate) struct Nesting {
    pub(crate) levels: u32,
    /// Why no deeper.
    pub(crate) why: &'static str,
}

/// Servers end, or go deaf, on values nested deeper than about 2,500.
const NESTING: Nesting = Nesting { levels: 1000, why: "it is nested deeper than 1,000 levels, which ends servers" };

/// Up to here every integer is a float64, too.
const MAX_INT: u64 = 1 << 53;

// What `serde_json` calls the structs by which its own types reach its own serializer.
const NUMBER: &str = "$serde_json::private::Number";
const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Writes values to a buffer, and notes what matters about them.
pub(crate) struct Encoder {
    pub(crate) out: Vec<u8>,
    depth: u32,
    /// How many binary values there are.
    pub(crate) binaries: usize,
    /// A key that is a trap beside binary.
    pub(crate) trap: Option<&'static str>,
    pub(crate) nesting: Nesting,
    /// Where binary is put, in base64, if a placeholder is to stand for it.
    pub(crate) detached: Option<Vec<String>>,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        // Most messages are smaller.
        Self { out: Vec::with_capacity(512), depth: 0, binaries: 0, trap: None, nesting: NESTING, detached: None }
    }

    /// Makes it ready for another message.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
        self.depth = 0;
        self.binaries = 0;
        self.trap = None;
        self.nesting = NESTING;
        self.detached = None;
    }

    /// Writes a number that takes one byte.
    pub(crate) fn small(&mut self, v: u8) {
        self.out.push(v & 0x7f);
    }

    pub(crate) fn boolean(&mut self, v: bool) {
        self.out.push(0xc2 | u8::from(v));
    }

    pub(crate) fn array(&mut self, len: usize) {
        header(&mut self.out, Kind::Array, len);
    }

    pub(crate) fn map(&mut self, len: usize) {
        header(&mut self.out, Kind::Map, len);
    }

    /// Writes what the caller has in MessagePack.
    #[inline]
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn text(&mut self, text: &str) {
        let out = &mut self.out;
        out.reserve(text.len() + 5);
        match text.len() {
            n @ 0..=31 => out.push(0xa0 | n as u8),
            n @ 32..=0xff => out.extend([0xd9, n as u8]),
            n @ 0x100..=0xffff => prefixed(out, 0xda, &(n as u16).to_be_bytes()),
            n => prefixed(out, 0xdb, &length(n)),
        }
        out.extend_from_slice(text.as_bytes());
    }

    fn binary(&mut self, bytes: &[u8]) {
        self.binaries += 1;
        if let Some(detached) = &mut self.detached {
            let num = detached.len();
            detached.push(base64(bytes));
            self.map(2);
            self.text(PLACEHOLDER);
            self.boolean(true);
            self.text("num");
            self.unsigned(num as u64);
            return;
        }
        let out = &mut self.out;
        match bytes.len() {
            n @ 0..=0xff => out.extend([0xc4, n as u8]),
            n @ 0x100..=0xffff => prefixed(out, 0xc5, &(n as u16).to_be_bytes()),
            n => prefixed(out, 0xc6, &length(n)),
        }
        out.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn unsigned(&mut self, v: u64) {
        let out = &mut self.out;
        match v {
            0..=0x7f => out.push(v as u8),
            0x80..=0xff => out.extend([0xcc, v as u8]),
            0x100..=0xffff => prefixed(out, 0xcd, &(v as u16).to_be_bytes()),
            0x1_0000..=0xffff_ffff => prefixed(out, 0xce, &(v as u32).to_be_bytes()),
            0x1_0000_0000..=MAX_INT => prefixed(out, 0xcf, &v.to_be_bytes()),
            _ => self.fraction(v as f64),
        }
    }

    #[inline]
    fn signed(&mut self, v: i64) {
        if let Ok(v) = u64::try_from(v) {
            return self.unsigned(v);
        }
        let out = &mut self.out;
        match v {
            -0x20..=-1 => out.push(v as u8),
            -0x80..=-0x21 => out.extend([0xd0, v as u8]),
            -0x8000..=-0x81 => prefixed(out, 0xd1, &(v as i16).to_be_bytes()),
            -0x8000_0000..=-0x8001 => prefixed(out, 0xd2, &(v as i32).to_be_bytes()),
            _ if v.unsigned_abs() <= MAX_INT => prefixed(out, 0xd3, &v.to_be_bytes()),
            _ => self.fraction(v as f64),
        }
    }

    fn fraction(&mut self, v: f64) {
        prefixed(&mut self.out, 0xcb, &v.to_be_bytes());
    }

    /// Writes a number as JavaScript has it, which knows no integers.
    pub(crate) fn float(&mut self, v: f64) -> Result<(), Refusal> {
        if !v.is_finite() {
            return Err(Refusal::new(Reason::Unencodable, format!("{v} has no JSON form")));
        }
        if v.abs() <= MAX_INT as f64 && v.trunc() == v {
            self.signed(v as i64);
        } else {
            self.fraction(v);
        }
        Ok(())
    }

    /// Writes a key of an object.
    #[inline]
    pub(crate) fn key(&mut self, key: &str) -> Result<(), Refusal> {
        if matches!(key.len(), 9 | 14) {
            self.check_key(key)?; // most are told by their lengths
        }
        self.text(key);
        Ok(())
    }

    fn check_key(&mut self, key: &str) -> Result<(), Refusal> {
        match key {
            "__proto__" => Err(Refusal::new(
                Reason::Unencodable,
                "the key \"__proto__\" replaces the prototype of its object, and may end servers",
            )),
            "hasOwnProperty" => {
                self.trap = Some("hasOwnProperty"); // which parsers of clients call
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Begins an array or an object of so many items, as far as is known.
    #[inline]
    fn open(&mut self, kind: Kind, len: Option<usize>) -> Result<Items<'_>, Refusal> {
        if self.depth >= self.nesting.levels {
            return Err(Refusal::new(Reason::TooDeep, self.nesting.why));
        }
        self.depth += 1;
        let at = self.out.len();
        let announced = len.unwrap_or(0);
        header(&mut self.out, kind, announced);
        Ok(Items { encoder: self, kind, at, announced, count: 0, levels: 1, placeholder: false })
    }

    /// Begins what a variant of an enum holds: `{"Variant": ...}`.
    fn variant(&mut self, name: &str, kind: Kind, len: usize) -> Result<Items<'_>, Refusal> {
        let items = self.open(Kind::Map, Some(1))?;
        items.encoder.key(name)?;
        if name == PLACEHOLDER {
            items.encoder.trap = Some(PLACEHOLDER); // its array or object is what JavaScript takes for true
        }
        let mut inner = items.encoder.open(kind, Some(len))?;
        inner.levels = 2;
        Ok(inner)
    }

    /// Takes back the text that has just been written.
    fn take_text(&mut self, start: usize) -> Option<String> {
        let skip = match self.out.get(start)? {
            0xa0..=0xbf => 1,
            0xd9 => 2,
            0xda => 3,
            0xdb => 5,
            _ => return None,
        };
        let text = String::from_utf8(self.out.get(start + skip..)?.to_vec()).ok()?;
        self.out.truncate(start);
        Some(text)
    }

    /// Writes a number that `serde_json` keeps as text, with its feature `arbitrary_precision`.
    fn number(&mut self, text: &str) -> Result<(), Refusal> {
        if let Ok(v) = text.parse::<i64>() {
            self.signed(v);
            return Ok(());
        }
        match text.parse::<f64>() {
            Ok(v) => self.float(v),
            Err(_) => Err(Refusal::new(Reason::Unencodable, format!("{text} is no number"))),
        }
    }
}

/// A float32 by its shortest decimal: 0.1 is 0.1, and not 0.10000000149011612.
pub(crate) fn shortest(v: f32) -> f64 {
    const EXACT: f32 = 16_777_216.0; // up to here whole numbers are their own shortest decimals
    if !v.is_finite() || (v.abs() <= EXACT && v.trunc() == v) {
        return v.into();
    }
    zmij::Buffer::new().format_finite(v).parse().unwrap_or_else(|_| v.into())
}

#[derive(Clone, Copy)]
enum Kind {
    Array,
    Map,
}

#[inline]
fn prefixed(out: &mut Vec<u8>, first: u8, rest: &[u8]) {
    out.push(first);
    out.extend_from_slice(rest);
}

/// The longest that MessagePack has is far beyond what Redis takes.
fn length(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes()
}

#[inline]
fn header(out: &mut Vec<u8>, kind: Kind, len: usize) {
    let (small, wide) = match kind {
        Kind::Array => (0x90, 0xdc),
        Kind::Map => (0x80, 0xde),
    };
    match len {
        0..=15 => out.push(small | len as u8),
        16..=0xffff => prefixed(out, wide, &(len as u16).to_be_bytes()),
        _ => prefixed(out, wide + 1, &length(len)),
    }
}

/// An array or an object that is being written.
pub(crate) struct Items<'a> {
    encoder: &'a mut Encoder,
    kind: Kind,
    /// Where its header is.
    at: usize,
    /// How many items the header says.
    announced: usize,
    count: usize,
    /// How many levels end with it.
    levels: u32,
    /// Whether the next value is that of a `_placeholder`.
    placeholder: bool,
}

impl Items<'_> {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.count += 1;
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Refusal> {
        self.placeholder = key == PLACEHOLDER;
        self.encoder.key(key)?;
        self.value(value)
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.count += 1;
        let start = self.encoder.out.len();
        value.serialize(&mut *self.encoder)?;
        // Parsers take the object of a true _placeholder for a binary. These are what JavaScript takes for false.
        if self.placeholder && !matches!(self.encoder.out.get(start), Some(0xc0 | 0xc2 | 0x00 | 0xa0)) {
            self.encoder.trap = Some(PLACEHOLDER);
        }
        Ok(())
    }

    #[inline]
    fn close(self) {
        self.encoder.depth -= self.levels;
        if self.count != self.announced {
            self.correct();
        }
    }

    /// Writes the header anew: lengths are hints, which may be wrong or missing.
    #[cold]
    fn correct(self) {
        let (mut wrong, mut right) = (Vec::new(), Vec::new());
        header(&mut wrong, self.kind, self.announced);
        header(&mut right, self.kind, self.count);
        self.encoder.out.splice(self.at..self.at + wrong.len(), right);
    }
}

const PLACEHOLDER: &str = "_placeholder";

impl<'a> ser::Serializer for &'a mut Encoder {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Items<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Items<'a>;

    #[inline]
    fn serialize_bool(self, v: bool) -> Result<(), Refusal> {
        self.boolean(v);
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, v: i8) -> Result<(), Refusal> {
        self.serialize_i64(v.into())
    }

    #[inline]
    fn serialize_i16(self, v: i16) -> Result<(), Refusal> {
        self.serialize_i64(v.into())
    }

    #[inline]
    fn serialize_i32(self, v: i32) -> Result<(), Refusal> {
        self.serialize_i64(v.into())
    }

    #[inline]
    fn serialize_i64(self, v: i64) -> Result<(), Refusal> {
        self.signed(v);
        Ok(())
    }

    fn serialize_i128(self, v: i128) -> Result<(), Refusal> {
        match i64::try_from(v) {
            Ok(v) => self.signed(v),
            Err(_) => self.fraction(v as f64),
        }
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, v: u8) -> Result<(), Refusal> {
        self.serialize_u64(v.into())
    }

    #[inline]
    fn serialize_u16(self, v: u16) -> Result<(), Refusal> {
        self.serialize_u64(v.into())
    }

    #[inline]
    fn serialize_u32(self, v: u32) -> Result<(), Refusal> {
        self.serialize_u64(v.into())
    }

    #[inline]
    fn serialize_u64(self, v: u64) -> Result<(), Refusal> {
        self.unsigned(v);
        Ok(())
    }

    fn serialize_u128(self, v: u128) -> Result<(), Refusal> {
        match u64::try_from(v) {
            Ok(v) => self.unsigned(v),
            Err(_) => self.fraction(v as f64),
        }
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, v: f32) -> Result<(), Refusal> {
        self.float(shortest(v))
    }

    #[inline]
    fn serialize_f64(self, v: f64) -> Result<(), Refusal> {
        self.float(v)
    }

    fn serialize_char(self, v: char) -> Result<(), Refusal> {
        self.text(v.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<(), Refusal> {
        self.text(v);
        Ok(())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<(), Refusal> {
        self.binary(v);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Refusal> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Refusal> {
        self.out.push(0xc0);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refusal> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Refusal> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Refusal> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        let mut object = self.open(Kind::Map, Some(1))?;
        object.member(variant, value)?;
        object.close();
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Items<'a>, Refusal> {
        self.open(Kind::Array, len)
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Items<'a>, Refusal> {
        self.open(Kind::Array, Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items<'a>, Refusal> {
        self.open(Kind::Array, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'a>, Refusal> {
        self.variant(variant, Kind::Array, len)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Items<'a>, Refusal> {
        self.open(Kind::Map, len)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'a>, Refusal> {
        match name {
            NUMBER => Ok(Fields::Number(self)),
            RAW_VALUE => Err(Refusal::new(
                Reason::Unencodable,
                "a RawValue is text that would have to be read first; make a serde_json::Value of it",
            )),
            _ => self.open(Kind::Map, Some(len)).map(Fields::Object),
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items<'a>, Refusal> {
        self.variant(variant, Kind::Map, len)
    }
}

/// What a struct holds: the members of an object, but for a number of `serde_json`.
pub(crate) enum Fields<'a> {
    Object(Items<'a>),
    Number(&'a mut Encoder),
}

impl ser::SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Refusal;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Refusal> {
        match self {
            Self::Object(items) => items.member(key, value),
            Self::Number(encoder) => {
                let start = encoder.out.len();
                value.serialize(&mut **encoder)?;
                let text = encoder.take_text(start).unwrap_or_default();
                encoder.number(&text)
            }
        }
    }

    #[inline]
    fn end(self) -> Result<(), Refusal> {
        if let Self::Object(items) = self {
            items.close();
        }
        Ok(())
    }
}

impl ser::SerializeMap for Items<'_> {
    type Ok = ();
    type Error = Refusal;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        let start = self.encoder.out.len();
        key.serialize(Key(&mut *self.encoder))?;
        self.placeholder = self.encoder.out[start + 1..] == *PLACEHOLDER.as_bytes();
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), Refusal> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStructVariant for Items<'_> {
    type Ok = ();
    type Error = Refusal;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Refusal> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), Refusal> {
        self.close();
        Ok(())
    }
}

/// All kinds of arrays are written alike.
macro_rules! arrays {
    ($($trait:ident $method:ident),*) => {$(
        impl ser::$trait for Items<'_> {
            type Ok = ();
            type Error = Refusal;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
                self.item(value)
            }

            #[inline]
            fn end(self) -> Result<(), Refusal> {
                self.close();
                Ok(())
            }
        }
    )*};
}

arrays!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);
