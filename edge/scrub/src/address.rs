//! Keys of the maps: addresses and prefixes of both families.

use crate::layout::{Net4, Net6};
use ddos::Prefix;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as a key: IPv4 in four bytes, IPv6 in sixteen, both in network order. IPv4-mapped IPv6 is IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    V4(u32),
    V6([u32; 4]),
}

impl Key {
    pub(crate) fn of(address: IpAddr) -> Key {
        match address.to_canonical() {
            IpAddr::V4(address) => Key::V4(u32::from_ne_bytes(address.octets())),
            IpAddr::V6(address) => {
                let mut words = [0; 4];
                for (word, bytes) in words.iter_mut().zip(address.octets().chunks_exact(4)) {
                    *word = u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
                Key::V6(words)
            }
        }
    }

    /// Hash of a source, the same as `hash_source` of `bpf/hash.h`.
    pub(crate) fn hash(self, key: [u64; 3]) -> u64 {
        let double = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        let sum = match self {
            Key::V4(word) => u64::from(word).wrapping_mul(key[0]),
            Key::V6([a, b, c, d]) => {
                let (high, low) = (double(a, b), double(c, d));
                let high = (high ^ high >> 29).wrapping_mul(key[0]);
                high.wrapping_add((low ^ low >> 31).wrapping_mul(key[1]))
            }
        };
        let sum = sum.wrapping_add(key[2]);
        (sum ^ sum >> 32).wrapping_mul(key[1])
    }

    pub(crate) fn address4(key: u32) -> IpAddr {
        Ipv4Addr::from(key.to_ne_bytes()).into()
    }

    pub(crate) fn address6(key: [u32; 4]) -> IpAddr {
        let mut octets = [0; 16];
        for (bytes, word) in octets.chunks_exact_mut(4).zip(key) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        Ipv6Addr::from(octets).into()
    }
}

/// A prefix as a key of a trie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Net {
    V4(Net4),
    V6(Net6),
}

impl Net {
    pub(crate) fn of(prefix: Prefix) -> Net {
        let bits = u32::from(prefix.length());
        match prefix.address() {
            IpAddr::V4(address) => Net::V4(Net4 { bits, address: address.octets() }),
            IpAddr::V6(address) => Net::V6(Net6 { bits, address: address.octets() }),
        }
    }

    pub(crate) fn prefix4(net: Net4) -> Option<Prefix> {
        Prefix::new(Ipv4Addr::from(net.address).into(), u8::try_from(net.bits).ok()?)
    }

    pub(crate) fn prefix6(net: Net6) -> Option<Prefix> {
        Prefix::new(Ipv6Addr::from(net.address).into(), u8::try_from(net.bits).ok()?)
    }
}

/// Family, address and mask of a prefix, in network order; IPv4 in the first four bytes.
pub(crate) fn address_and_mask(prefix: Prefix) -> (bool, [u8; 16], [u8; 16]) {
    let (mut address, mut mask) = ([0; 16], [0; 16]);
    let six = match prefix.address() {
        IpAddr::V4(v4) => {
            address[..4].copy_from_slice(&v4.octets());
            false
        }
        IpAddr::V6(v6) => {
            address = v6.octets();
            true
        }
    };
    for bit in 0..usize::from(prefix.length()).min(128) {
        mask[bit / 8] |= 0x80 >> (bit % 8);
    }
    (six, address, mask)
}

/// The prefix of these.
pub(crate) fn prefix_of(six: bool, address: [u8; 16], mask: [u8; 16]) -> Option<Prefix> {
    let length = mask.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let address = if six {
        IpAddr::V6(address.into())
    } else {
        IpAddr::V4(Ipv4Addr::new(address[0], address[1], address[2], address[3]))
    };
    Prefix::new(address, u8::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many places are taken by a /17 of sources, as a share of what chance would take.
    fn spread(key: [u64; 3], place: impl Fn(u64) -> u64, places: f64) -> f64 {
        let sources = (0..32_768_u32).map(|n| Key::of(Ipv4Addr::from(0x0b16_0000 | n).into()));
        let taken: std::collections::HashSet<u64> = sources.map(|source| place(source.hash(key))).collect();
        taken.len() as f64 / (places * (1.0 - (-32_768.0 / places).exp()))
    }

    #[test]
    fn neighbours_are_spread_over_all_places() {
        use base::Random;
        let chance = base::SeededRandom::new(7);
        for _ in 0..60 {
            let key = [(); 3].map(|()| {
                let mut bytes = [0; 8];
                chance.fill(&mut bytes);
                u64::from_le_bytes(bytes) | 1
            });
            let rows = [spread(key, |hash| hash >> 48, 65_536.0), spread(key, |hash| hash >> 32 & 0xffff, 65_536.0)];
            let marks = spread(key, |hash| hash >> 44, 1_048_576.0);
            let cell = |hash: u64| ((hash >> 17 & 0x3ff) << 6) | (((hash >> 27 & 0xffff) * 56) >> 16);
            let cells = spread(key, cell, 57_344.0);
            for share in [rows[0], rows[1], marks, cells] {
                assert!(share > 0.9, "{key:x?}: {rows:?} {marks} {cells}");
            }
        }
    }

    #[test]
    fn keys_come_back() {
        for text in ["192.0.2.1", "2001:db8::7"] {
            let address: IpAddr = text.parse().unwrap();
            let back = match Key::of(address) {
                Key::V4(key) => Key::address4(key),
                Key::V6(key) => Key::address6(key),
            };
            assert_eq!(back, address);
        }
        assert_eq!(Key::of("::ffff:192.0.2.1".parse().unwrap()), Key::of("192.0.2.1".parse().unwrap()));
        for text in ["10.0.0.0/8", "2001:db8::/33", "0.0.0.0/0", "::/0", "192.0.2.1/32"] {
            let prefix: Prefix = text.parse().unwrap();
            let back = match Net::of(prefix) {
                Net::V4(net) => Net::prefix4(net),
                Net::V6(net) => Net::prefix6(net),
            };
            let (six, address, mask) = address_and_mask(prefix);
            assert_eq!((back, prefix_of(six, address, mask)), (Some(prefix), Some(prefix)));
        }
    }
}
