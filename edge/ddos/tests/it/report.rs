//! The report of an attack that was played.

use crate::scene::*;
use base::Lang;
use ddos::Class;
use ddos::report::{Listed, Lookups, Origin, Ours, Participant, Report, Role, SCHEMA};
use proptest::prelude::*;
use std::net::IpAddr;

fn last(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[3],
        IpAddr::V6(address) => address.octets()[15],
    }
}

fn listed() -> Listed {
    let (sources, names) = (vec!["ipsum".to_string()], vec!["mirai".to_string()]);
    Listed { kind: "cidr".into(), value: "10.0.0.0/8".into(), score: 80, tlp: "green".into(), sources, names }
}

#[test]
fn a_report_says_what_it_was_and_what_was_done() {
    let (mut watch, now) = taught("web", 1_000.0, 320);
    let mut frames = users(1, "web", 1_000.0, 12);
    frames.extend(flooding(3, flood("script", "syn-flood"), 12_000.0, 9, 2 * SECOND));
    frames.extend(flooding(4, flood("script", "reflection-memcached"), 9_000.0, 9, 2 * SECOND));
    for (step, mut second) in (1..).zip(cut(frames)) {
        let signatures: Vec<_> = watch.signatures().cloned().collect();
        filtered(&mut second, &signatures);
        watch.second(now + step * SECOND, &second.counters, &second.samples, None, None);
    }
    // Half of the world is one system, a quarter another, the rest is in no database.
    let origin = |address: IpAddr| match last(address) % 4 {
        0 | 1 => Some(Origin { asn: 64_500, name: "Even".into(), country: "DE".into() }),
        2 => Some(Origin { asn: 64_501, name: "Odd".into(), country: String::new() }),
        _ => None,
    };
    let intel = |_: IpAddr| vec![listed()];
    let host = |_: IpAddr| Some(Ours { agent: "ab".repeat(16), name: "web-1".into() });
    let report = watch.report(now + 12 * SECOND, &Lookups { origin: &origin, intel: &intel, host: &host }).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((json["schema"].as_str(), report.ongoing), (Some(SCHEMA), true));
    let vectors = json["fingerprint"]["attack_vectors"].as_array().unwrap();
    let classes: Vec<_> = vectors.iter().filter_map(|vector| vector["class"].as_str()).collect();
    assert_eq!(classes, ["syn-flood", "reflection-memcached"]);
    assert_eq!(
        (vectors[0]["tcp_flags"]["......S."].as_f64(), vectors[1]["source_port"].as_u64()),
        (Some(1.0), Some(11_211))
    );
    assert_eq!(json["fingerprint"]["tags"][0], "Multi-vector attack");
    assert!(json["fingerprint"]["time_start"].as_str().unwrap().ends_with('Z'));
    assert!(report.held.iter().any(|held| held.packets > 50_000), "{:?}", report.held);
    assert!(report.answered_s.is_some_and(|seconds| seconds <= 3.0), "{:?}", report.answered_s);
    assert!(report.cost.share.is_some_and(|share| share < 0.01), "{:?}", report.cost);
    assert!(report.sources.iter().any(|source| source.role == Role::Reflector && source.intel == [listed()]));
    // A forged address is asked of nobody.
    assert!(report.sources.iter().filter(|source| source.role == Role::Forged).all(|source| source.host.is_none()));
    let share = |asn| report.networks.iter().find(|network| network.asn == asn).map_or(0.0, |network| network.share);
    assert!((0.3..0.7).contains(&share(64_500)) && (0.1..0.4).contains(&share(64_501)), "{:?}", report.networks);
    assert_eq!(report.networks.iter().map(|network| network.name.as_str()).collect::<Vec<_>>(), ["Even", "Odd"]);
    assert!(report.countries.len() == 1 && report.countries[0].country == "DE", "{:?}", report.countries);
    assert!((0.2..1.0).contains(&report.forged_share), "{}", report.forged_share);
    reads_well(&report);
}

/// People read it in either language.
fn reads_well(report: &Report) {
    for (lang, words) in [
        (
            Lang::En,
            [
                "SYN flood",
                "memcached reflection",
                "reflector, itself abused",
                "OUR HOST web-1",
                "listed as cidr 10.0.0.0/8 by ipsum (score 80) mirai",
                "most likely forged",
                "AS64500 Even",
                "Countries: DE",
                "% held",
            ],
        ),
        (
            Lang::Zh,
            [
                "SYN 洪水",
                "memcached 反射放大",
                "反射器（被利用）",
                "本方主机 web-1",
                "命中情报 cidr 10.0.0.0/8，来源 ipsum（评分 80） mirai",
                "很可能伪造的地址",
                "AS64500 Even",
                "国家或地区：DE",
                "时间线",
            ],
        ),
    ] {
        let text = report.text(lang);
        let missing: Vec<_> = words.iter().filter(|word| !text.contains(*word)).collect();
        assert!(missing.is_empty(), "{missing:?} in\n{text}");
    }
}

#[test]
fn without_lookups_a_report_is_made_as_well() {
    let (mut watch, now) = taught("web", 1_000.0, 320);
    for (step, second) in (1..).zip(cut(flooding(4, flood("script", "reflection-memcached"), 9_000.0, 6, 0))) {
        watch.second(now + step * SECOND, &second.counters, &second.samples, None, None);
    }
    let report = watch.report(now + 6 * SECOND, &Lookups::default()).unwrap();
    assert!(report.networks.is_empty() && report.countries.is_empty() && !report.sources.is_empty());
    let text = report.text(Lang::En);
    assert!(!text.contains("OUR HOST") && !text.contains("Networks") && !text.contains("Countries"), "{text}");
}

#[test]
fn what_did_not_alarm_has_no_report() {
    let (watch, now) = taught("web", 1_000.0, 60);
    assert!(watch.report(now, &Lookups::default()).is_none());
}

proptest! {
    #[test]
    fn a_participant_reads_back_and_no_text_harms(
        address: IpAddr,
        role in 0..3usize,
        class in any::<prop::sample::Index>(),
        packets: u64,
        text in "[0-9a-f.: ]{0,20}(sender|forged)?[ a-z-]{0,30}[0-9]{0,25}",
    ) {
        let classes: Vec<Class> = Class::all().collect();
        let one = Participant { address, role: Role::ALL[role], class: *class.get(&classes), packets };
        prop_assert_eq!(one.to_string().parse::<Participant>(), Ok(one));
        if let Ok(read) = text.parse::<Participant>() {
            prop_assert_eq!(read.to_string().parse::<Participant>(), Ok(read));
        }
    }
}
