//! JSON: of what the encoder wrote, for servers that read no MessagePack.

use crate::message::Sink;

/// Publishes what was written in MessagePack as JSON.
pub(crate) fn publish(channel: &[u8], message: &[u8], sink: &mut dyn Sink) {
    let mut text = Vec::with_capacity(2 * message.len());
    transcode(message, &mut text);
    sink.command(&[b"PUBLISH", channel, &text]);
}

/// A container that is being written.
struct Open {
    /// How many items are to come: of an object, keys and values.
    left: usize,
    object: bool,
    first: bool,
}

/// Appends the JSON of one value in MessagePack, which holds no binary and which the encoder of this crate wrote. The
/// call stack stays flat, whatever the depth.
pub(crate) fn transcode(mut packed: &[u8], out: &mut Vec<u8>) {
    let mut open: Vec<Open> = Vec::new();
    loop {
        while let Some(container) = open.last() {
            if container.left > 0 {
                break;
            }
            out.push(if container.object { b'}' } else { b']' });
            open.pop();
        }
        if let Some(container) = open.last_mut() {
            if container.object && container.left % 2 == 1 {
                out.push(b':');
            } else if !container.first {
                out.push(b',');
            }
            container.first = false;
            container.left -= 1;
        }
        let Some((&first, rest)) = packed.split_first() else { return };
        packed = rest;
        match first {
            0x00..=0x7f => integer(out, first),
            0xe0..=0xff => integer(out, i8::from_be_bytes([first])),
            0xc0 => out.extend_from_slice(b"null"),
            0xc2 => out.extend_from_slice(b"false"),
            0xc3 => out.extend_from_slice(b"true"),
            0xcb => out.extend_from_slice(zmij::Buffer::new().format(f64::from_be_bytes(take(&mut packed))).as_bytes()),
            0xcc => integer(out, u8::from_be_bytes(take(&mut packed))),
            0xcd => integer(out, u16::from_be_bytes(take(&mut packed))),
            0xce => integer(out, u32::from_be_bytes(take(&mut packed))),
            0xcf => integer(out, u64::from_be_bytes(take(&mut packed))),
            0xd0 => integer(out, i8::from_be_bytes(take(&mut packed))),
            0xd1 => integer(out, i16::from_be_bytes(take(&mut packed))),
            0xd2 => integer(out, i32::from_be_bytes(take(&mut packed))),
            0xd3 => integer(out, i64::from_be_bytes(take(&mut packed))),
            _ => {
                let len = length(first, &mut packed);
                match first {
                    0x80..=0x8f | 0xde | 0xdf => {
                        out.push(b'{');
                        open.push(Open { left: 2 * len, object: true, first: true });
                    }
                    0x90..=0x9f | 0xdc | 0xdd => {
                        out.push(b'[');
                        open.push(Open { left: len, object: false, first: true });
                    }
                    _ => {
                        let (bytes, rest) = packed.split_at(len);
                        text(out, bytes);
                        packed = rest;
                    }
                }
            }
        }
    }
}

/// The length that a header says.
fn length(first: u8, packed: &mut &[u8]) -> usize {
    match first {
        0x80..=0x9f => (first & 0x0f).into(),
        0xd9 => u8::from_be_bytes(take(packed)).into(),
        0xda | 0xdc | 0xde => u16::from_be_bytes(take(packed)).into(),
        0xdb | 0xdd | 0xdf => u32::from_be_bytes(take(packed)) as usize,
        _ => (first & 0x1f).into(),
    }
}

fn take<const N: usize>(packed: &mut &[u8]) -> [u8; N] {
    let (bytes, rest) = packed.split_first_chunk().expect("the encoder writes whole values");
    *packed = rest;
    *bytes
}

fn integer(out: &mut Vec<u8>, v: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(v).as_bytes());
}

/// Appends text in quotes.
pub(crate) fn text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\') {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'\n' => out.extend_from_slice(b"\\n"),
            b @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', b]),
            b => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
