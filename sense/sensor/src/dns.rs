//! Domain name messages (RFC 1035 §4). Pure: bytes in, question and answers out.
//!
//! Only what a sensor needs: the first question, and the addresses among the answers. Compression pointers are
//! followed a bounded number of times, so that a message that points at itself ends.

use std::net::IpAddr;

/// Most pointers followed in one name.
const JUMPS: usize = 16;
/// Longest name, bytes (RFC 1035 §2.3.4).
const NAME_BYTES: usize = 255;
/// Most answers looked at.
const ANSWERS: usize = 64;
/// Address record types: A and AAAA (RFC 3596).
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether it is a response.
    pub response: bool,
    /// Name of the first question: lower case, no last dot, bytes outside printable ASCII written `\NNN`.
    pub name: String,
    /// Type of the first question.
    pub query_type: u16,
    /// Addresses in the answers with their time to live in seconds.
    pub addresses: Vec<(IpAddr, u32)>,
}

/// Parses a message over UDP. `None` when it has no well-formed question.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let response = bytes.get(2)? & 0x80 != 0;
    let opcode = bytes.get(2)? >> 3 & 0x0f;
    let (questions, answers) = (short(bytes, 4)?, short(bytes, 6)?);
    if questions == 0 || questions > 16 || opcode != 0 {
        return None;
    }
    let (name, mut at) = read_name(bytes, 12)?;
    let query_type = short(bytes, at)?;
    at += 4;
    for _ in 1..questions {
        at = read_name(bytes, at)?.1 + 4;
    }
    let mut addresses = Vec::new();
    if response {
        for _ in 0..usize::from(answers).min(ANSWERS) {
            let Some((address, next)) = read_answer(bytes, at) else { break };
            addresses.extend(address);
            at = next;
        }
    }
    Some(Message { response, name, query_type, addresses })
}

/// Parses a message over TCP: two bytes of length before it (RFC 1035 §4.2.2).
pub fn parse_tcp(bytes: &[u8]) -> Option<Message> {
    parse(bytes.get(2..)?)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// A name and the place after it.
fn read_name(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let mut name = String::new();
    let (mut at, mut after, mut jumps, mut length) = (start, None, 0, 0);
    loop {
        let count = usize::from(*bytes.get(at)?);
        match count {
            0 => break,
            1..=63 => {
                length += count + 1;
                if length > NAME_BYTES {
                    return None;
                }
                if !name.is_empty() {
                    name.push('.');
                }
                push_label(&mut name, bytes.get(at + 1..at + 1 + count)?);
                at += 1 + count;
            }
            0xc0.. => {
                jumps += 1;
                if jumps > JUMPS {
                    return None;
                }
                after.get_or_insert(at + 2);
                at = usize::from(short(bytes, at)? & 0x3fff);
            }
            _ => return None,
        }
    }
    Some((name, after.unwrap_or(at + 1)))
}

fn push_label(name: &mut String, label: &[u8]) {
    for byte in label {
        match byte {
            b'!'..=b'~' if !matches!(byte, b'.' | b'\\') => name.push(char::from(byte.to_ascii_lowercase())),
            _ => name.push_str(&format!("\\{byte:03}")),
        }
    }
}

/// The address of a resource record, if it is one, and the place after the record.
fn read_answer(bytes: &[u8], at: usize) -> Option<(Option<(IpAddr, u32)>, usize)> {
    let at = read_name(bytes, at)?.1;
    let kind = short(bytes, at)?;
    let lifetime = u32::from_be_bytes(bytes.get(at + 4..at + 8)?.try_into().ok()?);
    let length = usize::from(short(bytes, at + 8)?);
    let data = bytes.get(at + 10..at + 10 + length)?;
    let address = match kind {
        TYPE_A => <[u8; 4]>::try_from(data).ok().map(IpAddr::from),
        TYPE_AAAA => <[u8; 16]>::try_from(data).ok().map(IpAddr::from),
        _ => None,
    };
    Some((address.map(|address| (address, lifetime)), at + 10 + length))
}

/// Makes a query, for canaries and tests (recursion desired, class IN).
pub fn query(id: u16, name: &str, query_type: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32 + name.len());
    bytes.extend(id.to_be_bytes());
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(63)];
        bytes.push(label.len() as u8);
        bytes.extend(label);
    }
    bytes.push(0);
    bytes.extend(query_type.to_be_bytes());
    bytes.extend([0, 1]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_query_reads_back() {
        let message = parse(&query(7, "Www.Example.COM.", 28)).unwrap();
        assert_eq!((message.name.as_str(), message.query_type, message.response), ("www.example.com", 28, false));
    }

    #[test]
    fn answers_with_pointers_give_addresses() {
        let mut bytes = query(7, "a.example", 1);
        bytes[2] = 0x81;
        bytes[7] = 3;
        // CNAME a.example -> b.example, then A and AAAA of it.
        bytes.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'b', 0xc0, 14]);
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 7]);
        bytes
            .extend([0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 1, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        let message = parse(&bytes).unwrap();
        assert_eq!(message.addresses, [("192.0.2.7".parse().unwrap(), 300), ("2001:db8::1".parse().unwrap(), 1)]);
        // Cut anywhere, it still gives the question or nothing.
        for end in 0..bytes.len() {
            let _ = parse(&bytes[..end]);
        }
    }

    #[test]
    fn a_pointer_to_itself_ends() {
        let mut bytes = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1];
        assert_eq!(parse(&bytes), None);
        bytes[12] = 0x40;
        assert_eq!(parse(&bytes), None);
    }

    #[test]
    fn unprintable_bytes_are_escaped() {
        let mut name = String::new();
        push_label(&mut name, b"A.\\\x00\xff ");
        assert_eq!(name, "a\\046\\092\\000\\255\\032");
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
            let _ = parse_tcp(&bytes);
        }

        #[test]
        fn a_damaged_message_never_panics(at in 0usize..60, byte in any::<u8>(), tail in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = query(1, "some.longer.name.example", 1);
            bytes[2] |= 0x80;
            bytes[7] = 9;
            bytes.extend(tail);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            if let Some(message) = parse(&bytes) {
                prop_assert!(message.name.len() <= 4 * NAME_BYTES && message.addresses.len() <= ANSWERS);
            }
        }

        #[test]
        fn every_plain_name_reads_back(name in "[a-z0-9-]{1,20}(\\.[a-z0-9-]{1,20}){0,5}", query_type in any::<u16>()) {
            let message = parse(&query(1, &name, query_type)).unwrap();
            prop_assert_eq!((message.name, message.query_type), (name, query_type));
        }
    }
}
