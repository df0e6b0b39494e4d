//! Values that have been found in a message, but not decoded: JSON or MessagePack, by anyone.

use std::borrow::Cow;

/// How deep a reply may be nested.
const MAX_DEPTH: usize = 1000;

// About what decoded values take, in bytes, which is what all emitters count alike.
const OBJECT_COST: usize = 320;
const ARRAY_COST: usize = 48;
const ELEMENT_COST: usize = 64; // of an array or, twice, of an object

/// What a reply may take when it is decoded, beside 16 times its size. No server's answer comes near to it.
const MAX_COST: usize = 64 << 20;

/// How long a name may be. Those of official servers have 20 bytes at most.
const MAX_NAME: usize = 1 << 10;

/// A value, with the bytes that it takes.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) json: bool,
}

impl<'a> Raw<'a> {
    /// A whole message. It is JSON when it starts as an object or an array there, which none in MessagePack does.
    pub(crate) fn message(bytes: &'a [u8]) -> Self {
        Self { bytes, json: matches!(bytes.first(), Some(b'{' | b'[')) }
    }

    pub(crate) fn is_null(self) -> bool {
        self.bytes == if self.json { b"null".as_slice() } else { &[0xc0] }
    }

    pub(crate) fn is_object(self) -> bool {
        match self.bytes.first() {
            Some(b'{') if self.json => true,
            Some(0x80..=0x8f | 0xde | 0xdf) => !self.json,
            _ => false,
        }
    }

    pub(crate) fn is_array(self) -> bool {
        match self.bytes.first() {
            Some(b'[') if self.json => true,
            Some(0x90..=0x9f | 0xdc | 0xdd) => !self.json,
            _ => false,
        }
    }

    /// Hands over the members of an object, or nothing where there is none. What is within them is not looked at, so that a
    /// reply to somebody else costs no memory.
    pub(crate) fn members(self, mut take: impl FnMut(&str, Self)) -> Option<()> {
        if !self.is_object() {
            return None;
        }
        if self.json {
            let mut at = skip_space(self.bytes, 1);
            if self.bytes.get(at) == Some(&b'}') {
                return Some(());
            }
            loop {
                let end = skip_string(self.bytes, at)?;
                let name = self.part(at, end).text();
                at = skip_space(self.bytes, end);
                if self.bytes.get(at) != Some(&b':') {
                    return None;
                }
                at = skip_space(self.bytes, at + 1);
                let end = skip_json(self.bytes, at)?;
                take(name.as_deref().unwrap_or_default(), self.part(at, end));
                at = skip_space(self.bytes, end);
                match self.bytes.get(at)? {
                    b',' => at = skip_space(self.bytes, at + 1),
                    b'}' => return (skip_space(self.bytes, at + 1) == self.bytes.len()).then_some(()),
                    _ => return None,
                }
            }
        }
        let head = Head::read(self.bytes)?;
        let mut at = head.size;
        for _ in 0..head.items / 2 {
            let end = skip_pack(self.bytes, at)?;
            let name = self.part(at, end).text();
            at = skip_pack(self.bytes, end)?;
            take(name.as_deref().unwrap_or_default(), self.part(end, at));
        }
        (at == self.bytes.len()).then_some(())
    }

    /// Hands over the items of an array that has been checked.
    pub(crate) fn items(self, mut take: impl FnMut(Self)) {
        if !self.is_array() {
            return;
        }
        if !self.json {
            let Some(head) = Head::read(self.bytes) else { return };
            let mut at = head.size;
            for _ in 0..head.items {
                let Some(end) = skip_pack(self.bytes, at) else { return };
                take(self.part(at, end));
                at = end;
            }
            return;
        }
        let mut at = skip_space(self.bytes, 1);
        while let Some(end) = skip_json(self.bytes, at).filter(|end| *end > at) {
            take(self.part(at, end));
            at = skip_space(self.bytes, end);
            if self.bytes.get(at) != Some(&b',') {
                return;
            }
            at = skip_space(self.bytes, at + 1);
        }
    }

    fn part(self, start: usize, end: usize) -> Self {
        Self { bytes: &self.bytes[start..end], json: self.json }
    }

    /// A short text.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        if self.bytes.len() > MAX_NAME {
            return None;
        }
        self.long_text()
    }

    /// A text of any length.
    pub(crate) fn long_text(self) -> Option<Cow<'a, str>> {
        if !self.json {
            let head = Head::read(self.bytes)?;
            return (head.kind == Kind::Text).then(|| String::from_utf8_lossy(&self.bytes[head.start..head.size]));
        }
        match self.bytes {
            [b'"', inner @ .., b'"'] => unescape(inner),
            _ => None,
        }
    }

    /// A number.
    pub(crate) fn number(self) -> Option<f64> {
        #[allow(clippy::cast_precision_loss, reason = "this is what JavaScript does with it")]
        match self.scalar()? {
            Scalar::Unsigned(n) => Some(n as f64),
            Scalar::Signed(n) => Some(n as f64),
            Scalar::Float(n) => Some(n),
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn count(self) -> Option<u64> {
        match self.scalar()? {
            Scalar::Unsigned(n) => Some(n),
            Scalar::Signed(n) => u64::try_from(n).ok(),
            Scalar::Float(_) => None,
        }
    }

    pub(crate) fn scalar(self) -> Option<Scalar> {
        if self.json {
            let text = std::str::from_utf8(self.bytes).ok()?;
            if skip_number(self.bytes, 0) != Some(text.len()) {
                return None;
            }
            return Some(match (text.parse(), text.parse()) {
                (Ok(n), _) => Scalar::Unsigned(n),
                (_, Ok(n)) if n != 0 => Scalar::Signed(n),
                _ => Scalar::whole(text.parse().ok()?),
            });
        }
        let head = Head::read(self.bytes)?;
        let body = &self.bytes[head.start..head.size];
        let unsigned = || body.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        Some(match (self.bytes[0], body) {
            (n @ 0x00..=0x7f, _) => Scalar::Unsigned(n.into()),
            (n @ 0xe0..=0xff, _) => Scalar::Signed(i8::from_be_bytes([n]).into()),
            (0xca, _) => Scalar::whole(f32::from_be_bytes(body.try_into().ok()?).into()),
            (0xcb, _) => Scalar::whole(f64::from_be_bytes(body.try_into().ok()?)),
            (0xcc..=0xcf, _) => Scalar::Unsigned(unsigned()),
            (0xd0..=0xd3, [first, ..]) => {
                let sign = if *first < 0x80 { 0 } else { -1_i64 };
                Scalar::Signed(body.iter().fold(sign, |n, byte| n << 8 | i64::from(*byte)))
            }
            _ => return None,
        })
    }

    /// Whether it is one value of its form from its first byte to its last, is nested no deeper than 1,000 levels, and does
    /// not take far more memory than its size justifies when it is decoded.
    pub(crate) fn is_sound(self) -> bool {
        let cost = if self.json { check_json(self.bytes) } else { check_pack(self.bytes) };
        cost.is_some_and(|cost| cost < MAX_COST + 16 * self.bytes.len())
    }
}

/// A number as it was written.
pub(crate) enum Scalar {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl Scalar {
    /// JavaScript has one type of numbers: 2.0 is the integer 2.
    fn whole(n: f64) -> Self {
        const MAX_INT: f64 = 9_007_199_254_740_992.0;
        #[allow(clippy::cast_possible_truncation, reason = "it is whole, and not too large")]
        if n.fract() == 0.0 && n.abs() <= MAX_INT {
            return match n as i64 {
                0 if n.is_sign_negative() => Self::Float(n),
                whole => u64::try_from(whole).map_or(Self::Signed(whole), Self::Unsigned),
            };
        }
        Self::Float(n)
    }
}

pub(crate) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// Returns the end of the text in quotes that starts there.
pub(crate) fn skip_string(text: &[u8], mut at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'"') {
        return None;
    }
    loop {
        at += 1;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 1,
            _ => {}
        }
    }
}

/// Returns the end of the JSON that starts there. Whether all is well inside of it is found out later.
pub(crate) fn skip_json(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => {
                at = skip_string(text, at)?;
                if depth == 0 {
                    return Some(at);
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            // A number ends here.
            b',' | b':' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
        if depth == 0 && at == text.len() {
            return Some(at); // a number by itself
        }
    }
}

pub(crate) fn skip_number(text: &[u8], mut at: usize) -> Option<usize> {
    let digits = |mut at: usize| {
        let start = at;
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > start).then_some(at)
    };
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = if text.get(at) == Some(&b'0') { at + 1 } else { digits(at)? };
    if text.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(at)?;
    }
    Some(at)
}

/// What stands within quotes. Halves of surrogate pairs and bytes that are no UTF-8 become U+FFFD.
fn unescape(text: &[u8]) -> Option<Cow<'_, str>> {
    if !text.contains(&b'\\') {
        return text.iter().all(|byte| *byte >= b' ').then(|| String::from_utf8_lossy(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut units = Vec::new(); // of UTF-16, in a row
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let escaped = if byte == b'\\' { Some(*text.get(at)?) } else { None };
        if escaped != Some(b'u') {
            flush(&mut units, &mut out);
        }
        let Some(escaped) = escaped else {
            if byte < b' ' {
                return None;
            }
            out.push(byte);
            continue;
        };
        at += 1;
        out.push(match escaped {
            b'"' | b'\\' | b'/' => escaped,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                units.push(unit(text, at)?);
                at += 4;
                continue;
            }
            _ => return None,
        });
    }
    flush(&mut units, &mut out);
    Some(Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(err) => String::from_utf8_lossy(err.as_bytes()).into_owned(),
    }))
}

/// The four hexadecimal digits that start there.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    text.get(at..at + 4)?.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

fn flush(units: &mut Vec<u16>, out: &mut Vec<u8>) {
    for c in char::decode_utf16(units.drain(..)) {
        let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Returns what the JSON costs when it is decoded. The call stack stays flat, whatever the depth.
fn check_json(text: &[u8]) -> Option<usize> {
    let mut open = Vec::new(); // by what each is closed
    let mut cost = text.len();
    let mut at = skip_space(text, 0);
    loop {
        match text.get(at)? {
            b'{' => {
                cost += OBJECT_COST;
                open.push(b'}');
                at = skip_space(text, at + 1);
                if text.get(at) != Some(&b'}') {
                    at = check_key(text, at, &mut cost)?;
                    continue;
                }
            }
            b'[' => {
                cost += ARRAY_COST;
                open.push(b']');
                at = skip_space(text, at + 1);
                if text.get(at) != Some(&b']') {
                    if open.len() > MAX_DEPTH {
                        return None;
                    }
                    continue;
                }
            }
            b'"' => at = check_string(text, at)?,
            b't' if text[at..].starts_with(b"true") => at += 4,
            b'f' if text[at..].starts_with(b"false") => at += 5,
            b'n' if text[at..].starts_with(b"null") => at += 4,
            _ => at = skip_number(text, at)?,
        }
        if open.len() > MAX_DEPTH {
            return None;
        }
        loop {
            at = skip_space(text, at);
            let Some(&close) = open.last() else {
                return (at == text.len()).then_some(cost);
            };
            match *text.get(at)? {
                b',' => {
                    cost += ELEMENT_COST;
                    at = skip_space(text, at + 1);
                    if close == b'}' {
                        at = check_key(text, at, &mut cost)?;
                    }
                    break;
                }
                byte if byte == close => {
                    open.pop();
                    at += 1;
                }
                _ => return None,
            }
        }
    }
}

/// Returns where the value of the key starts.
fn check_key(text: &[u8], at: usize, cost: &mut usize) -> Option<usize> {
    *cost += ELEMENT_COST;
    let at = skip_space(text, check_string(text, at)?);
    (text.get(at) == Some(&b':')).then(|| skip_space(text, at + 1))
}

fn check_string(text: &[u8], mut at: usize) -> Option<usize> {
    let end = skip_string(text, at)?;
    while at + 1 < end {
        at += 1;
        match text[at] {
            b'\\' if text[at + 1] == b'u' => {
                unit(&text[..end], at + 2)?;
                at += 5;
            }
            b'\\' if b"\"\\/bfnrt".contains(&text[at + 1]) => at += 1,
            b'\\' | 0..b' ' => return None,
            _ => {}
        }
    }
    Some(end)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Nil,
    Bool,
    Number,
    Text,
    Binary,
    Extension,
    Array,
    Map,
}

/// The beginning of a value in MessagePack.
pub(crate) struct Head {
    pub(crate) kind: Kind,
    /// Where its bytes start, behind what says how many they are.
    pub(crate) start: usize,
    /// Where it ends, or its first item starts.
    pub(crate) size: usize,
    /// How many items follow, of a map keys and values.
    pub(crate) items: usize,
}

impl Head {
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        // How many bytes say the length, and how many there are beside it.
        let (kind, width, more) = match first {
            0x00..=0x7f | 0xe0..=0xff => (Kind::Number, 0, 0),
            0x80..=0x8f => (Kind::Map, 0, usize::from(first & 0x0f)),
            0x90..=0x9f => (Kind::Array, 0, usize::from(first & 0x0f)),
            0xa0..=0xbf => (Kind::Text, 0, usize::from(first & 0x1f)),
            0xc0 => (Kind::Nil, 0, 0),
            0xc1 => return None,
            0xc2 | 0xc3 => (Kind::Bool, 0, 0),
            0xc4..=0xc6 => (Kind::Binary, 1 << (first - 0xc4), 0),
            0xc7..=0xc9 => (Kind::Extension, 1 << (first - 0xc7), 1),
            0xca | 0xcb => (Kind::Number, 0, 4 << (first - 0xca)),
            0xcc..=0xcf => (Kind::Number, 0, 1 << (first - 0xcc)),
            0xd0..=0xd3 => (Kind::Number, 0, 1 << (first - 0xd0)),
            0xd4..=0xd8 => (Kind::Extension, 0, 1 + (1 << (first - 0xd4))),
            0xd9..=0xdb => (Kind::Text, 1 << (first - 0xd9), 0),
            0xdc | 0xdd => (Kind::Array, 2 << (first - 0xdc), 0),
            0xde | 0xdf => (Kind::Map, 2 << (first - 0xde), 0),
        };
        let start = 1 + width;
        let said = bytes.get(1..start)?.iter().fold(0_usize, |n, byte| n << 8 | usize::from(*byte));
        let length = said.checked_add(more)?;
        if length > bytes.len() {
            return None; // each of them takes a byte at least
        }
        Some(match kind {
            Kind::Array => Self { kind, start, size: start, items: length },
            Kind::Map => Self { kind, start, size: start, items: 2 * length },
            _ if start + length > bytes.len() => return None,
            _ => Self { kind, start, size: start + length, items: 0 },
        })
    }
}

/// Returns the end of the value in MessagePack that starts there.
pub(crate) fn skip_pack(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut left = 1;
    while left > 0 {
        let head = Head::read(bytes.get(at..)?)?;
        at += head.size;
        left = left - 1 + head.items;
        if left > bytes.len() - at {
            return None;
        }
    }
    Some(at)
}

fn check_pack(bytes: &[u8]) -> Option<usize> {
    let mut open: Vec<usize> = Vec::new(); // how many items are to come
    let mut cost = 0;
    let mut at = 0;
    loop {
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        let head = Head::read(bytes.get(at..)?)?;
        at += head.size;
        cost += ELEMENT_COST;
        match head.kind {
            Kind::Array => cost += ARRAY_COST,
            Kind::Map => cost += OBJECT_COST,
            _ => {}
        }
        if matches!(head.kind, Kind::Array | Kind::Map) {
            open.push(head.items);
            if open.len() > MAX_DEPTH {
                return None;
            }
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.is_empty() {
            return (at == bytes.len()).then_some(cost);
        }
    }
}
