//! Fields of a header that a signature may fix.

use serde::{Deserialize, Serialize};

/// One field of a header, read as an unsigned number of at most 32 bits in network order. A packet that lacks the field
/// (ports of a later fragment, TCP flags of UDP, payload bytes beyond the end) is matched by no term on it.
///
/// The numbers are those of `enum field` in the C program. Addresses are not among them: the destination is the
/// signature's own, and sources of a distributed attack are forged or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Field {
    /// Protocol number; of IPv6 the one behind the extension headers.
    Protocol = 0,
    /// Source port of TCP or UDP.
    SourcePort = 1,
    /// Destination port of TCP or UDP.
    DestinationPort = 2,
    /// Length of the IP packet, bytes: total length of IPv4, payload length + 40 of IPv6.
    Length = 3,
    /// Time to live, hop limit.
    Ttl = 4,
    /// Type of service, traffic class: 8 bits.
    TrafficClass = 5,
    /// Identification of IPv4 (RFC 791).
    IpId = 6,
    /// Flags and fragment offset of IPv4 as they stand in the header (16 bits: 0x4000 is "don't fragment").
    Fragment = 7,
    /// Flags of TCP, 8 bits (FIN is 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128).
    TcpFlags = 8,
    /// Window of TCP, as it stands (not scaled).
    TcpWindow = 9,
    /// Data offset of TCP, 32-bit words: 5 without options.
    DataOffset = 10,
    /// First four bytes of TCP's options; lacking when the data offset is 5.
    TcpOptions = 11,
    /// Sequence number.
    TcpSequence = 12,
    /// Acknowledgement number.
    TcpAcknowledgement = 13,
    /// Type and code of ICMP or ICMPv6: type << 8 | code.
    IcmpType = 14,
    /// Payload bytes 0 to 3 behind the header of TCP, UDP (8 bytes) or ICMP (8 bytes); of other protocols behind IP's.
    Payload0 = 15,
    /// Payload bytes 4 to 7.
    Payload4 = 16,
    /// Payload bytes 8 to 11.
    Payload8 = 17,
    /// Payload bytes 12 to 15.
    Payload12 = 18,
}

impl Field {
    /// Number of fields.
    pub const COUNT: usize = 19;
    /// All, in the order of their numbers.
    pub const ALL: [Field; Field::COUNT] = [
        Field::Protocol,
        Field::SourcePort,
        Field::DestinationPort,
        Field::Length,
        Field::Ttl,
        Field::TrafficClass,
        Field::IpId,
        Field::Fragment,
        Field::TcpFlags,
        Field::TcpWindow,
        Field::DataOffset,
        Field::TcpOptions,
        Field::TcpSequence,
        Field::TcpAcknowledgement,
        Field::IcmpType,
        Field::Payload0,
        Field::Payload4,
        Field::Payload8,
        Field::Payload12,
    ];

    /// The field of a number.
    pub fn from_number(number: u8) -> Option<Field> {
        Field::ALL.get(usize::from(number)).copied()
    }

    /// Its number.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name in records and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Field::Protocol => "protocol",
            Field::SourcePort => "source-port",
            Field::DestinationPort => "destination-port",
            Field::Length => "length",
            Field::Ttl => "ttl",
            Field::TrafficClass => "traffic-class",
            Field::IpId => "ip-id",
            Field::Fragment => "fragment",
            Field::TcpFlags => "tcp-flags",
            Field::TcpWindow => "tcp-window",
            Field::DataOffset => "data-offset",
            Field::TcpOptions => "tcp-options",
            Field::TcpSequence => "tcp-sequence",
            Field::TcpAcknowledgement => "tcp-acknowledgement",
            Field::IcmpType => "icmp-type",
            Field::Payload0 => "payload0",
            Field::Payload4 => "payload4",
            Field::Payload8 => "payload8",
            Field::Payload12 => "payload12",
        }
    }

    /// Whether people read its values as hexadecimal.
    pub fn is_hexadecimal(self) -> bool {
        use Field::*;
        matches!(self, Fragment | TcpFlags | TcpOptions | IcmpType | Payload0 | Payload4 | Payload8 | Payload12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_words_and_order_agree() {
        for (number, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!((field.index(), Field::from_number(number as u8)), (number, Some(field)));
            assert_eq!(serde_json::to_value(field).unwrap(), field.word());
        }
        assert_eq!(Field::from_number(Field::COUNT as u8), None);
    }
}
