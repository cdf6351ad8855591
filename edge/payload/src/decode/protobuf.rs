//! Messages of protocol buffers, alone or in the frames of gRPC: every text in them, named by its field numbers: `grpc.1.3`.
//!
//! No schema is needed: a length-delimited field is a message if it reads as one to its last byte, and a text if it looks
//! like one; it may be given as both. Compressed frames are passed over.

use super::{Decoder, Give, Input, is_text};

/// Deepest nesting of messages.
const DEPTH: usize = 12;
/// Fields of one body that are looked at; reading a field costs its length once a level.
const FIELDS: usize = 16_384;

/// The decoder.
pub struct Protobuf;

impl Decoder for Protobuf {
    fn name(&self) -> &'static str {
        "grpc"
    }

    fn decode(&self, input: Input, give: &mut Give) {
        let Input::Body { content_type, body } = input else { return };
        let kind = content_type.to_ascii_lowercase();
        let mut walk = Walk { path: Vec::new(), fields: FIELDS, give };
        if kind.starts_with(b"application/grpc-web-text") {
            if let Some(frames) = super::base64::decode(body.trim_ascii()) {
                walk.frames(&frames);
            }
        } else if kind.starts_with(b"application/grpc") {
            walk.frames(body);
        } else if [&b"application/x-protobuf"[..], b"application/protobuf", b"application/vnd.google.protobuf"]
            .iter()
            .any(|name| kind.starts_with(name))
        {
            walk.message(body);
        }
    }
}

/// A field as it stands on the wire.
enum Field<'m> {
    /// Number and bytes of a length-delimited field.
    Bytes(u64, &'m [u8]),
    /// A number of any size.
    Number,
    /// Begin or end of a group, an old form of nesting.
    Group,
}

struct Walk<'g, 'f> {
    /// Field numbers on the way down.
    path: Vec<u64>,
    fields: usize,
    give: &'g mut Give<'f>,
}

impl Walk<'_, '_> {
    /// Frames: a byte that says whether it is compressed, a length of four bytes, the message.
    fn frames(&mut self, mut rest: &[u8]) {
        while let [flag, a, b, c, d, after @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            let message = &after[..length.min(after.len())];
            if *flag == 0 && !self.message(message) {
                return;
            }
            rest = &after[message.len()..];
        }
    }

    /// Every text of a message; false when no more is taken.
    fn message(&mut self, message: &[u8]) -> bool {
        let mut rest = message;
        while let Some((field, after)) = field(rest) {
            rest = after;
            let Field::Bytes(number, bytes) = field else { continue };
            let Some(left) = self.fields.checked_sub(1) else { return false };
            self.fields = left;
            self.path.push(number);
            let name: Vec<String> = self.path.iter().map(u64::to_string).collect();
            let given = !is_text(bytes) || (self.give)(name.join(".").as_bytes(), bytes);
            let given = given && (self.path.len() >= DEPTH || !is_message(bytes) || self.message(bytes));
            self.path.pop();
            if !given {
                return false;
            }
        }
        true
    }
}

/// Whether bytes read as a message to the last one.
fn is_message(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some((_, after)) = field(rest) {
        rest = after;
    }
    rest.is_empty() && !bytes.is_empty()
}

/// The first field and what follows it.
fn field(message: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let (key, rest) = varint(message)?;
    let number = key >> 3;
    if number == 0 || number > (1 << 29) - 1 {
        return None;
    }
    match key & 7 {
        0 => varint(rest).map(|(_, rest)| (Field::Number, rest)),
        1 => rest.get(8..).map(|rest| (Field::Number, rest)),
        2 => {
            let (length, rest) = varint(rest)?;
            let (bytes, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((Field::Bytes(number, bytes), rest))
        }
        3 | 4 => Some((Field::Group, rest)),
        5 => rest.get(4..).map(|rest| (Field::Number, rest)),
        _ => None,
    }
}

/// A number in seven bits a byte, least significant first; at most ten bytes.
fn varint(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in text.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at).min(63);
        if byte & 0x80 == 0 {
            return Some((value, &text[at + 1..]));
        }
    }
    None
}
