//! Bytes that are no database, or one that was damaged.

use kit::mmdb::{Value, database};
use origin::Database;
use proptest::prelude::*;
use std::net::IpAddr;

fn good() -> Vec<u8> {
    let record = || {
        let code =
            Value::Map(vec![("iso_code", Value::Text("DE")), ("names", Value::Map(vec![("en", Value::Text("x"))]))]);
        Value::Map(vec![("asn", Value::Number(1)), ("country", code), ("as_name", Value::Text("Example"))])
    };
    database("GeoLite2-ASN", 24, &[("192.0.2.0/24", record()), ("2001:db8::/32", record())])
}

fn look(bytes: Vec<u8>, address: IpAddr) {
    if let Ok(database) = Database::read(bytes, "x") {
        for address in [address, "192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()] {
            if let Some(found) = database.lookup(address) {
                assert!(found.name.chars().count() <= 64 && (found.country.is_empty() || found.country.len() == 2));
                assert!(!found.name.chars().any(char::is_control));
            }
        }
        assert!(database.kind().chars().count() <= 64);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..600), address: IpAddr) {
        let mut marked = bytes.clone();
        marked.extend(b"\xab\xcd\xefMaxMind.com");
        marked.extend(&bytes);
        look(bytes, address);
        look(marked, address);
    }

    #[test]
    fn a_damaged_database_harms_nothing(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        address: IpAddr,
    ) {
        let mut bytes = good();
        for (at, byte) in &damage {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        look(bytes.clone(), address);
        bytes.truncate(cut.index(bytes.len()));
        look(bytes, address);
    }
}
