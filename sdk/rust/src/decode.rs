//! What a server or a client has answered, to whatever is `Deserialize`.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{
    BorrowedBytesDeserializer, CowStrDeserializer, I8Deserializer, MapAccessDeserializer, SeqDeserializer,
};
use serde::de::{self, Deserialize, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::raw::{Head, Kind, Raw, Scalar, skip_json, skip_number, skip_pack, skip_space, skip_string};

/// An answer of a client or a server, which [`decode`](Self::decode) reads.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    bytes: Box<[u8]>,
    json: bool,
}

impl Value {
    /// Keeps a value that has been checked.
    pub(crate) fn new(raw: Raw<'_>) -> Self {
        Self { bytes: raw.bytes.into(), json: raw.json }
    }

    /// What stands for an answer without a value.
    pub(crate) fn null() -> Self {
        Self { bytes: b"null".as_slice().into(), json: true }
    }

    /// Reads it as `serde_json` would read the JSON that was sent. Binary, at any depth, is bytes:
    /// [`serde_bytes`](https://docs.rs/serde_bytes) takes it.
    ///
    /// # Errors
    ///
    /// It is not what `T` is.
    pub fn decode<'a, T: Deserialize<'a>>(&'a self) -> Result<T, DecodeError> {
        T::deserialize(&mut Decoder { bytes: &self.bytes, json: self.json, at: 0 })
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.json { f.write_str(&String::from_utf8_lossy(&self.bytes)) } else { self.bytes.escape_ascii().fmt(f) }
    }
}

/// An answer is not what it was decoded as.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn malformed() -> DecodeError {
    DecodeError("the answer is malformed".to_owned())
}

/// Reads a value that has been checked, which bounds its depth.
struct Decoder<'de> {
    bytes: &'de [u8],
    json: bool,
    at: usize,
}

impl<'de> Decoder<'de> {
    fn rest(&self) -> &'de [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Takes what ends there.
    fn take(&mut self, end: Option<usize>) -> Result<Raw<'de>, DecodeError> {
        let bytes = end.and_then(|end| self.bytes.get(self.at..end)).ok_or_else(malformed)?;
        self.at += bytes.len();
        Ok(Raw { bytes, json: self.json })
    }

    fn space(&mut self) {
        if self.json {
            self.at = skip_space(self.bytes, self.at);
        }
    }

    fn text(&mut self) -> Result<Cow<'de, str>, DecodeError> {
        let end = if self.json { skip_string(self.bytes, self.at) } else { skip_pack(self.bytes, self.at) };
        self.take(end)?.long_text().ok_or_else(malformed)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let end = if self.json { skip_number(self.bytes, self.at) } else { skip_pack(self.bytes, self.at) };
        match self.take(end)?.scalar().ok_or_else(malformed)? {
            Scalar::Unsigned(n) => visitor.visit_u64(n),
            Scalar::Signed(n) => visitor.visit_i64(n),
            Scalar::Float(n) if n.is_finite() => visitor.visit_f64(n),
            Scalar::Float(_) => visitor.visit_unit(), // as in JSON
        }
    }

    /// Reads what is in an array or an object, of which MessagePack says how much there is.
    fn items<T>(
        &mut self,
        left: Option<usize>,
        read: impl FnOnce(&mut Items<'_, 'de>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let mut items = Items { left, first: true, ended: false, decoder: self };
        let value = read(&mut items)?;
        if items.ended || !items.next()? {
            Ok(value)
        } else {
            Err(de::Error::custom("it has more items than expected"))
        }
    }

    fn json<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let rest = self.rest();
        match rest.first() {
            Some(b'n') => {
                self.at += 4;
                visitor.visit_unit()
            }
            Some(b't' | b'f') => {
                let truth = rest[0] == b't';
                self.at += if truth { 4 } else { 5 };
                visitor.visit_bool(truth)
            }
            Some(b'"') => visit_text(self.text()?, visitor),
            Some(b'[') => {
                self.at += 1;
                self.items(None, |items| visitor.visit_seq(items))
            }
            Some(b'{') => {
                if let Some((binary, end)) = buffer(rest) {
                    self.at += end;
                    return visitor.visit_byte_buf(binary);
                }
                self.at += 1;
                self.items(None, |items| visitor.visit_map(items))
            }
            _ => self.number(visitor),
        }
    }

    fn pack<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, DecodeError> {
        let rest = self.rest();
        let head = Head::read(rest).ok_or_else(malformed)?;
        match head.kind {
            Kind::Number => return self.number(visitor),
            Kind::Text => return visit_text(self.text()?, visitor),
            _ => self.at += head.size,
        }
        match head.kind {
            Kind::Bool => visitor.visit_bool(rest[0] == 0xc3),
            Kind::Array => self.items(Some(head.items), |items| visitor.visit_seq(items)),
            Kind::Map => self.items(Some(head.items / 2), |items| visitor.visit_map(items)),
            Kind::Binary => visitor.visit_borrowed_bytes(&rest[head.start..head.size]),
            Kind::Extension => {
                extension(rest.get(head.start..head.size).and_then(<[u8]>::split_first).ok_or_else(malformed)?, visitor)
            }
            Kind::Nil | Kind::Number | Kind::Text => visitor.visit_unit(),
        }
    }

    /// Whether null comes next, or what is read as null.
    fn is_null(&self) -> bool {
        let rest = self.rest();
        if self.json {
            rest.first() == Some(&b'n')
        } else {
            rest.first() == Some(&0xc0) || rest.starts_with(&UNDEFINED)
        }
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value, DecodeError> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

/// `{"type":"Buffer","data":[1,2]}`, which is what `JSON.stringify` makes of binary, and where it ends.
fn buffer(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut at = skip_space(text, 1);
    for word in [br#""type""#.as_slice(), b":", br#""Buffer""#, b",", br#""data""#, b":", b"["] {
        if !text[at..].starts_with(word) {
            return None;
        }
        at = skip_space(text, at + word.len());
    }
    let mut binary = Vec::new();
    while text.get(at) != Some(&b']') {
        let end = skip_number(text, at)?;
        binary.push(std::str::from_utf8(&text[at..end]).ok()?.parse().ok()?);
        at = skip_space(text, end);
        if text.get(at) == Some(&b',') {
            at = skip_space(text, at + 1);
        }
    }
    at = skip_space(text, at + 1);
    (text.get(at) == Some(&b'}')).then_some((binary, at + 1))
}

/// What notepack.io 2 makes of undefined.
const UNDEFINED: [u8; 3] = [0xd4, 0, 0];

/// Reads what a client would receive: the extensions of type 0 are those of notepack.io 2 for undefined, a `Date` and an
/// `ArrayBuffer`, and type -1 is a `Date` of MessagePack. Any other is an array of its type and its bytes.
fn extension<'de, V: Visitor<'de>>((kind, data): (&'de u8, &'de [u8]), visitor: V) -> Result<V::Value, DecodeError> {
    let integer = |bytes: &[u8]| bytes.iter().fold(0_i64, |n, byte| n << 8 | i64::from(*byte));
    let millis = match (i8::from_be_bytes([*kind]), data.len()) {
        (0, 1) if data[0] == 0 => return visitor.visit_unit(),
        (0, 8) => Some(integer(data)),
        (0, _) => return visitor.visit_borrowed_bytes(data),
        (-1, 4) => integer(data).checked_mul(1000),
        (-1, 8) => {
            let nanos = i64::from(u32::from_be_bytes([data[0], data[1], data[2], data[3]]) >> 2);
            (integer(data) & 0x3_ffff_ffff).checked_mul(1000).map(|millis| millis + nanos / 1_000_000)
        }
        (-1, 12) => {
            integer(&data[4..]).checked_mul(1000).and_then(|millis| millis.checked_add(integer(&data[..4]) / 1_000_000))
        }
        (kind, _) => {
            let kind: I8Deserializer<DecodeError> = kind.into_deserializer();
            let parts = [Part::Kind(kind), Part::Data(BorrowedBytesDeserializer::new(data))];
            return visitor.visit_seq(SeqDeserializer::new(parts.into_iter()));
        }
    };
    match millis.and_then(date) {
        Some(text) => visitor.visit_string(text),
        None => visitor.visit_unit(),
    }
}

/// A part of an extension that nobody knows.
enum Part<'de> {
    Kind(I8Deserializer<DecodeError>),
    Data(BorrowedBytesDeserializer<'de, DecodeError>),
}

impl<'de> IntoDeserializer<'de, DecodeError> for Part<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Part<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Kind(kind) => kind.deserialize_any(visitor),
            Self::Data(data) => data.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// The text that `JSON.stringify` makes of a `Date`, of milliseconds from 1970.
fn date(millis: i64) -> Option<String> {
    const MOST: i64 = 8_640_000_000_000_000;
    if !(-MOST..=MOST).contains(&millis) {
        return None;
    }
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // Years that start in March, in eras of 400.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = of_era + era * 400 + i64::from(month <= 2);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.abs()),
    };
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    Some(format!("{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", rest % 1000))
}

impl<'de> de::Deserializer<'de> for &mut Decoder<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.space();
        if self.json { self.json(visitor) } else { self.pack(visitor) }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.space();
        if self.is_null() {
            self.deserialize_ignored_any(de::IgnoredAny)?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.space();
        if !(Raw { bytes: self.rest(), json: self.json }).is_object() {
            return visitor.visit_enum(CowStrDeserializer::new(self.text()?));
        }
        let left = if self.json {
            self.at += 1;
            None
        } else {
            let head = Head::read(self.rest()).ok_or_else(malformed)?;
            self.at += head.size;
            Some(head.items / 2)
        };
        self.items(left, |items| visitor.visit_enum(MapAccessDeserializer::new(items)))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        self.space();
        let end = if self.json { skip_json(self.bytes, self.at) } else { skip_pack(self.bytes, self.at) };
        self.take(end)?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier
    }
}

/// What is in an array or an object.
struct Items<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    /// How much is to come, in MessagePack.
    left: Option<usize>,
    first: bool,
    ended: bool,
}

impl Items<'_, '_> {
    /// Goes to the next item, or member, if there is one.
    fn next(&mut self) -> Result<bool, DecodeError> {
        let decoder = &mut *self.decoder;
        if let Some(left) = &mut self.left {
            self.ended = *left == 0;
            *left = left.saturating_sub(1);
            return Ok(!self.ended);
        }
        decoder.space();
        match decoder.rest().first() {
            Some(b']' | b'}') => {
                decoder.at += 1;
                self.ended = true;
            }
            Some(b',') if !self.first => {
                decoder.at += 1;
                decoder.space();
            }
            Some(_) if self.first => {}
            _ => return Err(malformed()),
        }
        self.first = false;
        Ok(!self.ended)
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        if self.next()? { seed.deserialize(&mut *self.decoder).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DecodeError> {
        while self.next()? {
            let key = self.decoder.text()?;
            if !self.decoder.json && self.decoder.rest().starts_with(&UNDEFINED) {
                self.decoder.at += UNDEFINED.len(); // JSON leaves such members out
                continue;
            }
            return seed.deserialize(CowStrDeserializer::new(key)).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DecodeError> {
        if self.decoder.json {
            self.decoder.space();
            self.decoder.at += 1; // the colon
        }
        seed.deserialize(&mut *self.decoder)
    }
}
