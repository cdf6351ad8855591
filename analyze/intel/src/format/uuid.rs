//! Names that are the same for the same thing: UUID version 5 (RFC 9562).

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

/// Namespace of STIX for cyber observables (STIX 2.1 part 2.9): `00abedb4-aa42-466c-9c01-fed23315a9b7`.
pub const OASIS: [u8; 16] =
    [0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7];
/// Our own namespace: `7d1f7c52-6b5e-4c43-9a0e-2f60d3b1c5a8`, drawn once and never changed.
pub const OWN: [u8; 16] =
    [0x7d, 0x1f, 0x7c, 0x52, 0x6b, 0x5e, 0x4c, 0x43, 0x9a, 0x0e, 0x2f, 0x60, 0xd3, 0xb1, 0xc5, 0xa8];

/// The UUID of a name within a namespace.
pub fn v5(namespace: [u8; 16], name: &[u8]) -> String {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(&namespace);
    context.update(name);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// Whether a text is a UUID: 8-4-4-4-12 hexadecimal digits.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_standard() {
        // The DNS namespace of RFC 9562 and its example.
        let dns = [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];
        assert_eq!(v5(dns, b"www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
        // As the Python library of OASIS (stix2 3.0.2) names it.
        assert_eq!(v5(OASIS, br#"{"value":"198.51.100.3"}"#), "28bb3599-77cd-5a82-a950-b5bc3caf07c4");
        assert!(
            is_uuid("2ed6657d-e927-568b-95e1-2665a8aea6a2")
                && !is_uuid("../../etc/passwd")
                && !is_uuid(&"é".repeat(18))
        );
    }
}
