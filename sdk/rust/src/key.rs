//! Keys of maps, which `serde_json` makes text of, or refuses.

use serde::ser::{Impossible, Serialize, Serializer};

use crate::error::{Reason, Refusal};
use crate::value::{Encoder, shortest};

/// Writes what is a key in JSON.
pub(crate) struct Key<'a>(pub(crate) &'a mut Encoder);

fn no_text<T>() -> Result<T, Refusal> {
    Err(Refusal::new(Reason::Unencodable, "the key of a map must be text, a number or a bool, as in JSON"))
}

impl Key<'_> {
    fn integer(self, v: impl itoa::Integer) -> Result<(), Refusal> {
        self.0.key(itoa::Buffer::new().format(v))
    }
}

impl Serializer for Key<'_> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Impossible<(), Refusal>;
    type SerializeTuple = Impossible<(), Refusal>;
    type SerializeTupleStruct = Impossible<(), Refusal>;
    type SerializeTupleVariant = Impossible<(), Refusal>;
    type SerializeMap = Impossible<(), Refusal>;
    type SerializeStruct = Impossible<(), Refusal>;
    type SerializeStructVariant = Impossible<(), Refusal>;

    fn serialize_bool(self, v: bool) -> Result<(), Refusal> {
        self.0.key(if v { "true" } else { "false" })
    }

    fn serialize_i8(self, v: i8) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_i16(self, v: i16) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_i32(self, v: i32) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_i64(self, v: i64) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_i128(self, v: i128) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_u8(self, v: u8) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_u16(self, v: u16) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_u32(self, v: u32) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_u64(self, v: u64) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_u128(self, v: u128) -> Result<(), Refusal> {
        self.integer(v)
    }

    fn serialize_f32(self, v: f32) -> Result<(), Refusal> {
        if v.is_finite() { self.0.key(zmij::Buffer::new().format_finite(v)) } else { self.serialize_f64(shortest(v)) }
    }

    fn serialize_f64(self, v: f64) -> Result<(), Refusal> {
        if v.is_finite() {
            self.0.key(zmij::Buffer::new().format_finite(v))
        } else {
            Err(Refusal::new(Reason::Unencodable, format!("the key {v} has no JSON form")))
        }
    }

    fn serialize_char(self, v: char) -> Result<(), Refusal> {
        self.0.key(v.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, v: &str) -> Result<(), Refusal> {
        self.0.key(v)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Refusal> {
        no_text()
    }

    fn serialize_none(self) -> Result<(), Refusal> {
        no_text()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refusal> {
        no_text()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refusal> {
        no_text()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Refusal> {
        self.0.key(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Refusal> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Refusal> {
        no_text()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Refusal> {
        no_text()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Refusal> {
        no_text()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Refusal> {
        no_text()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Refusal> {
        no_text()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Refusal> {
        no_text()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Refusal> {
        no_text()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Refusal> {
        no_text()
    }
}
