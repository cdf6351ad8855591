//! The report of an attack that was played.

use crate::scene::*;
use base::Lang;
use ddos::report::{Lookups, Origin, Role, SCHEMA};
use std::net::IpAddr;

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
    let origin = |address: IpAddr| Some(Origin { asn: 64_500, name: format!("of {address}"), country: "ZZ".into() });
    let intel = |_: IpAddr| vec!["ipsum".to_string()];
    let host = |_: IpAddr| Some("ours".to_string());
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
    assert!(report.sources.iter().any(|source| source.role == Role::Reflector && source.intel == ["ipsum"]));
    // A forged address is asked of nobody.
    assert!(report.sources.iter().filter(|source| source.role == Role::Forged).all(|source| source.host.is_none()));
    for (lang, words) in [
        (Lang::En, ["SYN flood", "memcached reflection", "reflector"]),
        (Lang::Zh, ["SYN 洪水", "memcached 反射放大", "反射器"]),
    ] {
        let text = report.text(lang);
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn what_did_not_alarm_has_no_report() {
    let (watch, now) = taught("web", 1_000.0, 60);
    assert!(watch.report(now, &Lookups::default()).is_none());
}
