//! Warning lists.

use super::*;
use crate::fault;
use proptest::prelude::*;
use std::collections::BTreeMap;

const LISTS: &str = r#"{
    "amazon-aws": {"name": "AWS", "version": 3, "type": "cidr", "matching_attributes": ["ip-dst", "domain|ip"],
        "list": ["198.51.100.0/24", "2001:db8::/32", "203.0.113.9", "nonsense"]},
    "dynamic-dns": {"name": "Dynamic DNS", "type": "hostname", "matching_attributes": ["domain", "hostname"],
        "list": [".duck.example", "Free.example"]},
    "google": {"name": "Google", "type": "string", "matching_attributes": ["domain", "url"], "list": ["www.Big.example", ".mail.example"]},
    "empty-hashes": {"name": "Empty", "type": "string", "matching_attributes": ["md5", "sha256|filename"],
        "list": ["D41D8CD98F00B204E9800998ECF8427E"]},
    "disposable-email": {"name": "Disposable", "type": "substring", "matching_attributes": ["email-src"], "list": ["mailinator.example"]},
    "common-contact-emails": {"name": "Contacts", "type": "regex", "matching_attributes": ["email-dst"],
        "list": ["/^(security|abuse)\\@.*\\..*$/i", "/(a)\\1/", "/(?=x)/"]},
    "everything": {"name": "All", "type": "string", "list": ["evil.example"]}
}"#;

fn warnings() -> Warnings {
    Warnings::compile(&[LISTS.as_bytes()], &BTreeMap::new()).unwrap()
}

fn ids(warnings: &Warnings, kind: Kind, value: &str) -> Vec<(String, bool)> {
    warnings.of(kind, value).iter().map(|warning| (warning.list.id.clone(), warning.itself)).collect()
}

#[test]
fn every_type_of_list_finds_its_values() {
    let lists = warnings();
    let one = |id: &str, itself| vec![(id.to_string(), itself)];
    for (kind, value, expected) in [
        (Kind::Ip, "198.51.100.7", one("amazon-aws", false)),
        (Kind::Ip, "203.0.113.9", one("amazon-aws", false)),
        (Kind::Cidr, "198.51.100.0/28", one("amazon-aws", false)),
        (Kind::Ip, "2001:db8::1", one("amazon-aws", false)),
        (Kind::Url, "http://198.51.100.7:8080/x", one("amazon-aws", false)),
        (Kind::Domain, "duck.example", one("dynamic-dns", true)),
        (Kind::Domain, "my.free.example", one("dynamic-dns", false)),
        (Kind::Domain, "www.big.example", one("google", true)),
        (Kind::Domain, "x.mail.example", one("google", false)),
        (Kind::Url, "https://www.big.example/a?b", one("google", false)),
        (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e", one("empty-hashes", true)),
        (Kind::Email, "x@mailinator.example", one("disposable-email", false)),
        (Kind::Email, "abuse@corp.example", one("common-contact-emails", false)),
        (Kind::Domain, "evil.example", one("everything", true)),
    ] {
        assert_eq!(ids(&lists, kind, value), expected, "{value}");
    }
    for (kind, value) in [
        (Kind::Ip, "192.0.2.1"),
        (Kind::Domain, "notduck.example"),
        (Kind::Domain, "sub.www.big.example"),
        (Kind::Sha1, "d41d8cd98f00b204e9800998ecf8427e"),
        (Kind::Domain, "x.mailinator.example"),
    ] {
        assert!(lists.of(kind, value).is_empty(), "{value}");
    }
}

#[test]
fn bad_entries_cost_only_themselves() {
    let lists = warnings();
    let counts: Vec<_> = lists.lists().iter().map(|list| (list.id.as_str(), list.entries, list.bad)).collect();
    assert!(counts.contains(&("amazon-aws", 3, 1)) && counts.contains(&("common-contact-emails", 1, 2)), "{counts:?}");
    assert_eq!(lists.lists()[0].version, 3);
}

#[test]
fn a_policy_is_the_configured_one_or_that_of_its_sort() {
    let policies = BTreeMap::from([("amazon-aws".to_string(), Policy::LowerScore(7))]);
    let lists = Warnings::compile(&[LISTS.as_bytes()], &policies).unwrap();
    let warning = lists.of(Kind::Ip, "198.51.100.7")[0];
    assert_eq!((warning.lowers(), warning.forbids()), (7, false));
    let zone = |name| lists.of(Kind::Domain, name)[0].forbids();
    assert!(zone("free.example") && !zone("my.free.example"));
}

#[test]
fn one_list_alone_is_read_and_nonsense_is_refused() {
    let one = br#"{"name": "My Own List", "type": "hostname", "list": ["a.example"]}"#;
    assert_eq!(Warnings::compile(&[one], &BTreeMap::new()).unwrap().lists()[0].id, "my-own-list");
    for text in [&b"["[..], b"{}x", br#"{"name": "x", "type": "magic", "list": []}"#, br#"{"a": {"name": "x"}}"#] {
        let fault = Warnings::compile(&[text], &BTreeMap::new()).unwrap_err();
        assert!(fault.is(&fault::WARNING_LIST), "{fault}");
    }
    assert!(Warnings::compile(&[b"{}"], &BTreeMap::new()).unwrap().of(Kind::Ip, "192.0.2.1").is_empty());
}

proptest! {
    #[test]
    fn hostile_lists_and_values_never_panic(kind in 0..5usize, entry in "\\PC{0,30}", value in "\\PC{0,40}") {
        let kind = ["cidr", "hostname", "string", "substring", "regex"][kind];
        let text = serde_json::json!({"l": {"name": "l", "type": kind, "list": [entry]}}).to_string();
        if let Ok(lists) = Warnings::compile(&[text.as_bytes()], &BTreeMap::new()) {
            for kind in Kind::ALL {
                lists.of(*kind, &value);
            }
        }
    }
}
