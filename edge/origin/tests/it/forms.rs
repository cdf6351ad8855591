//! The field names of each maker.

use kit::mmdb::{Value, database};
use origin::{Database, Origin};

fn origin(asn: u32, name: &str, country: &str) -> Origin {
    Origin { asn, name: name.into(), country: country.into() }
}

fn lookup(kind: &str, record: Vec<(&'static str, Value)>) -> Option<Origin> {
    let bytes = database(kind, 28, &[("192.0.2.0/24", Value::Map(record))]);
    let database = Database::read(bytes, "test.mmdb").unwrap();
    assert_eq!((database.kind().as_str(), database.built_s()), (kind, 1_800_000_000));
    assert_eq!(database.lookup("198.51.100.1".parse().unwrap()), None);
    database.lookup("192.0.2.77".parse().unwrap())
}

#[test]
fn the_form_of_each_maker_is_read() {
    use Value::{Map, Number, Text};
    let english = || ("names", Map(vec![("en", Text("Australia"))]));
    // GeoLite2-ASN; DB-IP and what is made of iptoasn have the same names.
    let record =
        vec![("autonomous_system_number", Number(64_500)), ("autonomous_system_organization", Text("Example"))];
    assert_eq!(lookup("GeoLite2-ASN", record), Some(origin(64_500, "Example", "")));
    // GeoLite2-Country and -City: where it is used counts, where it is registered stands in.
    let code = |code| Map(vec![("geoname_id", Number(1)), ("iso_code", Text(code)), english()]);
    let continent = || ("continent", Map(vec![("code", Text("OC"))]));
    let record = vec![continent(), ("registered_country", code("NZ")), ("country", code("AU"))];
    assert_eq!(lookup("GeoLite2-City", record), Some(origin(0, "", "AU")));
    let record = vec![continent(), ("registered_country", code("NZ"))];
    assert_eq!(lookup("GeoLite2-Country", record), Some(origin(0, "", "NZ")));
    // DB-IP lite.
    let union = Map(vec![("iso_code", Text("DE")), ("is_in_european_union", Value::Flag(true))]);
    assert_eq!(lookup("DBIP-Country-Lite", vec![("country", union)]), Some(origin(0, "", "DE")));
    // IPinfo lite: the country's name stands where its code stands elsewhere.
    let record = vec![
        ("country", Text("Australia")),
        ("country_code", Text("au")),
        ("asn", Text("AS64501")),
        ("as_name", Text("Example, Inc.")),
        ("as_domain", Text("example.com")),
    ];
    assert_eq!(lookup("ipinfo lite", record), Some(origin(64_501, "Example, Inc.", "AU")));
    let record = vec![("asn", Text("AS64502")), ("country", Text("JP")), ("country_name", Text("Japan"))];
    assert_eq!(lookup("ipinfo country_asn.mmdb", record), Some(origin(64_502, "", "JP")));
    // IPLocate, and countries made of iptoasn.
    let record = vec![("asn", Number(64_503)), ("name", Text("EXAMPLE")), ("org", Text("Example Ltd."))];
    assert_eq!(lookup("iplocate-asn", record), Some(origin(64_503, "Example Ltd.", "")));
    assert_eq!(lookup("iptoasn-country", vec![("country_code", Text("FR"))]), Some(origin(0, "", "FR")));
}

#[test]
fn what_is_of_another_type_costs_itself_only() {
    use Value::{Flag, Map, Number, Text};
    let record = vec![
        ("autonomous_system_number", Map(vec![])),
        ("asn", Text("AS64500")),
        ("as_name", Flag(true)),
        ("country", Number(3)),
        ("country_code", Text("Germany")),
    ];
    assert_eq!(lookup("odd", record), Some(origin(64_500, "", "")));
    assert_eq!(lookup("none", vec![("city", Text("x"))]), None);
    // Names go into reports.
    let long = "\u{1b}[31mred\n\u{7}name that goes on for very much longer than any name of a system should ever go";
    let found = lookup("long", vec![("asn", Number(1)), ("as_name", Text(long))]).unwrap();
    assert!(found.name.starts_with("[31mredname") && found.name.chars().count() == 64, "{found:?}");
}

#[test]
fn ranges_of_both_families_and_every_size_of_record() {
    for bits in [24, 28, 32] {
        let number = |number| Value::Map(vec![("asn", Value::Number(number))]);
        let ranges = [
            ("10.0.0.0/8", number(1)),
            ("10.9.0.0/16", number(2)),
            ("2001:db8::/32", number(3)),
            ("10.9.8.7/32", number(4)),
        ];
        let database = Database::read(database("x", bits, &ranges), "x").unwrap();
        for (address, asn) in
            [("10.1.1.1", 1), ("10.9.1.1", 2), ("10.9.8.7", 4), ("2001:db8:1::1", 3), ("::ffff:10.9.8.7", 4)]
        {
            let found = database.lookup(address.parse().unwrap());
            assert_eq!(found.map(|found| found.asn), Some(asn), "{address} in records of {bits} bits");
        }
        assert_eq!(database.lookup("2001:db9::1".parse().unwrap()), None);
    }
}
