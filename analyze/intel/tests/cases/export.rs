//! Exports: what leaves, in which words, and that nobody can smuggle anything through a value.

use super::{Kept, settings};
use intel::format::export::{ALL, Fields, Profile, named, stix};
use intel::format::{fault, import};
use intel::{Claim, Indicator, Kind, Sightings, Tlp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub const NOW_US: i64 = 1_780_000_000_000_000;

/// A value of every kind, and some that invite mischief.
pub fn sample() -> Vec<Indicator> {
    let values = [
        (Kind::Ip, "203.0.113.7"),
        (Kind::Ip, "2001:db8::7"),
        (Kind::Cidr, "198.51.100.0/24"),
        (Kind::Cidr, "2001:db8::/32"),
        (Kind::Domain, "evil.example"),
        (Kind::Domain, "xn--bcher-kva.example"),
        (Kind::Url, "http://evil.example/a/b.php?q=1&r='x'"),
        (Kind::Url, "http://evil.example/a;b|c:d\\e"),
        (Kind::Url, "https://evil.example/secret"),
        (Kind::Md5, "d41d8cd98f00b204e9800998ecf8427e"),
        (Kind::Sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (Kind::Sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (Kind::Ja3, "e7d705a3286e19ea42f587b344ee6865"),
        (Kind::Ja4, "t13d1516h2_8daaf6152771_b186095e22b6"),
        (Kind::Email, "mail@evil.example"),
        (Kind::Path, "/tmp/.x/kin'sing"),
        (Kind::Path, "c:\\users\\public\\a.exe"),
    ];
    let claim = |at: usize| Claim {
        source: "feed".into(),
        id: format!("id-{at}"),
        confidence: 80,
        tlp: [Tlp::Clear, Tlp::Green, Tlp::Amber][at % 3],
        first_us: NOW_US - 10_000_000_000,
        last_us: NOW_US - 5_000_000_000,
        valid_until_us: if at.is_multiple_of(2) { NOW_US + 86_400_000_000 } else { 0 },
        tags: vec!["c2".into(), "=cmd|' /C calc'!A0".into()],
        malware: vec!["Kinsing".into()],
        actors: if at.is_multiple_of(4) { vec!["TeamTNT".into()] } else { Vec::new() },
        description: "seen in a \"sandbox\",\nagain; and\tagain".into(),
    };
    let values = values.iter().enumerate();
    values.map(|(at, (kind, value))| Indicator::new(*kind, value).unwrap().with(claim(at))).collect()
}

pub fn profile(ceiling: Tlp) -> Profile {
    Profile { ceiling, now_us: NOW_US, title: "test export".into(), ..Profile::default() }
}

/// The files, and how many values they hold.
pub fn export(name: &str, items: Vec<Indicator>, profile: &Profile) -> (BTreeMap<String, Vec<u8>>, u64) {
    let mut files = BTreeMap::new();
    let count = named(name).unwrap().write(&mut items.into_iter(), profile, &mut files).unwrap();
    (files, count.written)
}

pub fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// What an import of an export gives: kind, value and marking.
fn again(bytes: &[u8]) -> Vec<(Kind, String, Tlp)> {
    let mut kept = Kept::default();
    let report = import(&mut &*bytes, None, &settings(), &mut kept);
    assert!(report.fault.is_none() && report.bad == 0, "{report:?}");
    let mut all: Vec<_> =
        kept.indicators.into_iter().map(|found| (found.kind, found.value, found.claims[0].tlp)).collect();
    all.sort();
    all
}

fn wanted(items: &[Indicator]) -> Vec<(Kind, String, Tlp)> {
    let mut all: Vec<_> = items.iter().map(|item| (item.kind, item.value.clone(), item.claims[0].tlp)).collect();
    all.sort();
    all
}

#[test]
fn what_leaves_as_stix_comes_back_the_same() {
    let (files, written) = export("stix", sample(), &profile(Tlp::Amber));
    assert_eq!(written, 17);
    assert_eq!(again(&files["bundle.json"]), wanted(&sample()));
    let mut kept = Kept::default();
    import(&mut files["bundle.json"].as_slice(), None, &settings(), &mut kept);
    let claim = &kept.indicators[0].claims[0];
    assert_eq!((claim.confidence, claim.malware.as_slice()), (80, ["Kinsing".to_string()].as_slice()));
    assert_eq!(claim.actors, ["TeamTNT"]);
    assert_eq!(claim.valid_until_us, NOW_US + 86_400_000_000);
    assert_eq!(claim.id, stix::indicator_id(Kind::Ip, "203.0.113.7"), "ids are the same every time");
    assert_eq!(export("stix", sample(), &profile(Tlp::Amber)).0, files);
}

#[test]
fn what_leaves_as_misp_and_csv_comes_back_the_same() {
    let items: Vec<Indicator> = sample().into_iter().filter(|item| item.kind != Kind::Ja4).collect();
    let (files, written) = export("misp", sample(), &profile(Tlp::Amber));
    assert_eq!(written, items.len() as u64, "MISP has no type for JA4");
    let events = files.iter().filter(|(name, _)| name.ends_with(".json") && *name != "manifest.json");
    let mut found: Vec<_> = events.flat_map(|(_, bytes)| again(bytes)).collect();
    found.sort();
    assert_eq!(found, wanted(&items));
    let listed = intel::format::misp::manifest(&files["manifest.json"]).unwrap();
    let named: BTreeSet<String> = listed.iter().map(|event| format!("{}.json", event.uuid)).collect();
    assert!(named.iter().all(|name| files.contains_key(name)) && named.len() + 2 == files.len());

    // The one URL that is guarded against spreadsheets is none; all values read back.
    let (files, written) = export("csv", sample(), &profile(Tlp::Amber));
    assert_eq!((again(&files["indicators.csv"]), written), (wanted(&sample()), 17));
}

#[test]
fn nothing_in_a_value_or_a_text_becomes_syntax() {
    let csv = text(&export("csv", sample(), &profile(Tlp::Amber)).0, "indicators.csv");
    assert!(csv.contains("\"'=cmd|' /C calc'!A0;c2\"") && csv.contains("\"seen in a \"\"sandbox\"\""));
    let zeek = text(&export("zeek", sample(), &profile(Tlp::Amber)).0, "intel.dat");
    assert!(zeek.lines().all(|line| line.split('\t').count() == if line.starts_with('#') { 5 } else { 4 }), "{zeek}");
    assert!(zeek.contains("evil.example/a/b.php?q=1&r=%27x%27\tIntel::URL\tGarrison\t"));
    let rules = text(&export("suricata", sample(), &profile(Tlp::Amber)).0, "garrison.rules");
    assert!(
        rules.contains("content:\"/a|3b|b")
            && rules.contains("content:\"/a/b.php?q=1&r=%27x%27\"")
            && !rules.contains("secret")
    );

    let hostile = |kind, value: &str| Indicator {
        kind,
        value: value.into(),
        claims: vec![Claim::default()],
        sightings: Sightings::default(),
    };
    let items = || {
        vec![
            hostile(Kind::Ip, "192.0.2.1 }\nflush ruleset"),
            hostile(Kind::Domain, "evil.example. CNAME .\n$INCLUDE /etc/passwd"),
            hostile(Kind::Domain, "a b.example"),
            hostile(Kind::Path, "/tmp/x\n192.0.2.9"),
        ]
    };
    for (name, file) in [("nft", "garrison.nft"), ("rpz", "rpz.zone"), ("plain", "indicators.txt")] {
        let (files, _) = export(name, items(), &profile(Tlp::Clear));
        let text = files.get(file).map(|bytes| String::from_utf8(bytes.clone()).unwrap()).unwrap_or_default();
        assert!(
            !text.contains("ruleset") && !text.contains("INCLUDE") && !text.contains("\n192.0.2.9"),
            "{name}: {text}"
        );
    }
}

#[test]
fn zones_sets_and_lists_are_as_their_readers_want_them() {
    let profile = Profile { place: "rpz.corp.example".into(), ..profile(Tlp::Amber) };
    let zone = text(&export("rpz", sample(), &profile).0, "rpz.zone");
    for line in [
        "$ORIGIN rpz.corp.example.",
        "@ SOA localhost. hostmaster.localhost. 1780000000 3600 600 86400 300",
        "evil.example CNAME .",
        "*.evil.example CNAME .",
        "32.7.113.0.203.rpz-ip CNAME .",
        "24.0.100.51.198.rpz-ip CNAME .",
        "128.7.zz.db8.2001.rpz-ip CNAME .",
    ] {
        assert!(zone.lines().any(|known| known == line), "{line}\n{zone}");
    }
    let script = text(&export("nft", sample(), &profile).0, "garrison.nft");
    assert!(
        script.contains("add element inet garrison_intel indicators4 { 203.0.113.7, 198.51.100.0/24 }"),
        "{script}"
    );
    let (files, written) = export("suricata", sample(), &profile);
    assert_eq!(text(&files, "garrison-domain.lst").lines().next(), Some("ZXZpbC5leGFtcGxl"));
    assert_eq!(text(&files, "garrison-ip.lst"), "203.0.113.7\n2001:db8::7\n");
    let rules = text(&files, "garrison.rules");
    assert!(rules.contains("alert ip any any <> [198.51.100.0/24,2001:db8::/32] any"));
    let ids: Vec<&str> = rules.split("sid:").skip(1).map(|rest| rest.split(';').next().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    assert_eq!(written, 13, "encrypted URLs, e-mail and paths have no rule");
}

#[test]
fn every_format_has_a_word_and_a_type() {
    let words: BTreeSet<&str> = ALL.iter().map(|export| export.name()).collect();
    assert_eq!(words.len(), ALL.len());
    assert!(ALL.iter().all(|export| export.media_type().contains('/')));
    assert!(named("x").err().unwrap().is(&fault::UNKNOWN));
}

#[test]
fn kinds_confidence_and_expiry_are_kept() {
    let count = |profile: &Profile| {
        let mut files = BTreeMap::new();
        named("plain").unwrap().write(&mut sample().into_iter(), profile, &mut files).unwrap()
    };
    let all = profile(Tlp::Amber);
    assert_eq!(count(&Profile { kinds: vec![Kind::Ip], ..all.clone() }).written, 2);
    assert_eq!(count(&Profile { min_confidence: 81, ..all.clone() }).unsure, 17);
    assert_eq!(count(&Profile { now_us: NOW_US + 90_000_000_000, ..all.clone() }).expired, 9);
    let none = Fields { tags: false, names: false, description: false, sources: false, observables: false };
    let (files, _) = export("csv", sample(), &Profile { fields: none, ..all });
    let csv = text(&files, "indicators.csv");
    assert!(!csv.contains("Kinsing") && !csv.contains("c2") && !csv.contains("sandbox") && !csv.contains("feed"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is marked above the ceiling is in no file of any format, whatever is mixed with it.
    #[test]
    fn nothing_above_the_ceiling_leaves(marks in proptest::collection::vec((0_usize..5, 0_usize..5), 1..12), ceiling in 0_usize..5) {
        let items: Vec<Indicator> = marks.iter().enumerate().map(|(at, (one, two))| {
            let claim = |tlp: usize, side: &str| Claim {
                source: format!("source-{side}-{at}-{tlp}"), id: side.into(), confidence: 50, tlp: Tlp::ALL[tlp],
                tags: vec![format!("tag-{side}-{at}-{tlp}")], malware: vec![format!("malware-{side}-{at}-{tlp}")],
                actors: vec![format!("actor-{side}-{at}-{tlp}")], description: format!("text-{side}-{at}-{tlp}"), ..Claim::default()
            };
            Indicator::new(Kind::Domain, &format!("d{at}x{one}x{two}x.example")).unwrap().with(claim(*one, "l")).with(claim(*two, "r"))
        }).collect();
        let profile = Profile { fields: Fields { sources: true, ..Fields::default() }, ..profile(Tlp::ALL[ceiling]) };
        for format in ALL {
            let mut files = BTreeMap::new();
            let count = format.write(&mut items.clone().into_iter(), &profile, &mut files).unwrap();
            let text: String = files.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
            for (at, (one, two)) in marks.iter().enumerate() {
                for (side, tlp) in [("l", one), ("r", two)].into_iter().filter(|(_, tlp)| **tlp > ceiling) {
                    let needle = format!("-{side}-{at}-{tlp}");
                    prop_assert!(!text.contains(&needle), "{} tells {needle}", format.name());
                }
                if one.min(two) > &ceiling {
                    let value = format!("d{at}x{one}x{two}x.example");
                    prop_assert!(!text.contains(&value));
                }
            }
            prop_assert_eq!((count.written + count.unfit) as usize, marks.iter().filter(|(one, two)| one.min(two) <= &ceiling).count());
        }
    }
}
