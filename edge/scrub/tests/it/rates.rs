//! Rates of sources, networks and destinations; samples.

use crate::scene::{CLIENT, PASSED, SERVICE, address, counters, dropped, fate, filter_with, path, plan, prefix};
use ddos::{Level, Reason};
use scrub::{Cookies, Limits, Rate};
use scrub_lab::frame::Path;
use std::time::Duration;

fn limits(source: Option<Rate>, net: Option<Rate>) -> Limits {
    Limits { source, net, confirmed: Duration::from_secs(60) }
}

#[test]
fn a_source_has_its_burst_and_no_more() {
    // One packet in 1000 s after the burst: the test's own time does not matter.
    let slow = Rate { packets: 1, burst: 40 };
    let plan = scrub::Plan { limits: limits(Some(slow), None), ..plan(Cookies::None) };
    let Some(filter) = filter_with(&plan, Level::Limit) else { return };
    let fates: Vec<_> = (0..50).map(|_| fate(&filter, &path().udp(4000, 443, b"x"))).collect();
    let passed = fates.iter().filter(|fate| **fate == PASSED).count();
    assert!((40..=45).contains(&passed), "{passed}");
    assert_eq!(fates[49], dropped(Reason::SourceRate));
    let other = Path::new(address("192.0.2.200"), address(SERVICE));
    assert_eq!(fate(&filter, &other.udp(4000, 443, b"x")), PASSED, "its neighbour is not touched");
}

#[test]
fn a_network_has_its_burst_and_no_more() {
    let slow = Rate { packets: 1, burst: 40 };
    let plan = scrub::Plan { limits: limits(None, Some(slow)), ..plan(Cookies::None) };
    let Some(filter) = filter_with(&plan, Level::Limit) else { return };
    let from = |n: u8| Path::new([203, 0, 113, n].into(), address(SERVICE)).udp(4000, 443, b"x");
    let passed = (0..100).filter(|n| fate(&filter, &from(*n)) == PASSED).count();
    assert!((40..=45).contains(&passed), "{passed}");
    assert_eq!(fate(&filter, &from(200)), dropped(Reason::NetRate));
    assert_eq!(fate(&filter, &path().udp(4000, 443, b"x")), PASSED, "another network");
}

#[test]
fn a_destination_gets_what_it_is_meant_to() {
    let Some(mut filter) = filter_with(&plan(Cookies::None), Level::Limit) else { return };
    let rate = Rate { packets: 1, burst: 10 };
    filter.set_rate(prefix(SERVICE), Some(rate)).unwrap();
    assert_eq!(filter.defence(prefix(SERVICE)).unwrap().rate, Some(rate));
    let passed = (0..30).filter(|_| fate(&filter, &path().udp(4000, 443, b"x")) == PASSED).count();
    assert!((10..=13).contains(&passed), "{passed}");
    assert_eq!(fate(&filter, &path().udp(4000, 443, b"x")), dropped(Reason::DestinationRate));
    filter.set_rate(prefix(SERVICE), None).unwrap();
    assert_eq!(fate(&filter, &path().udp(4000, 443, b"x")), PASSED);
}

/// 65,000 spoofed sources neither fill a table nor push a real one out.
#[test]
fn spoofed_sources_do_not_hurt_a_real_one() {
    let rate = Rate { packets: 100, burst: 100 };
    let plan = scrub::Plan { limits: limits(Some(rate), None), ..plan(Cookies::None) };
    let Some(filter) = filter_with(&plan, Level::Limit) else { return };
    let mut lost = 0;
    for n in 0..65_000_u32 {
        let source = std::net::Ipv4Addr::from(0x0b00_0000 + n.wrapping_mul(2_654_435_761) % 0x00ff_ffff);
        filter.trial(&Path::new(source.into(), address(SERVICE)).udp(4000, 443, b"x"), 1).unwrap();
        if n % 1000 == 0 {
            lost += u32::from(fate(&filter, &path().udp(4000, 443, b"x")) != PASSED);
        }
    }
    assert_eq!(lost, 0);
    let seen = counters(&filter, SERVICE);
    // A second has room for 57,344 of them.
    assert!(seen.new_sources > 20_000, "{}", seen.new_sources);
}

#[test]
fn samples_carry_headers_and_verdicts() {
    let plan = scrub::Plan { sample_one_in: 1, ..plan(Cookies::None) };
    let Some(mut filter) = filter_with(&plan, Level::Clean) else { return };
    let passed = path().udp(4000, 443, &[7; 300]);
    let reflected = path().udp(19, 4000, &[7; 10]);
    fate(&filter, &passed);
    fate(&filter, &reflected);
    let samples = filter.samples(0).unwrap();
    assert_eq!(samples.len(), 2);
    let (destination, sample) = &samples[0];
    assert_eq!((*destination, sample.length, sample.reason), (prefix(SERVICE), 328, None));
    assert_eq!(sample.header[..], passed[14..14 + 96]);
    let (_, sample) = &samples[1];
    assert_eq!((sample.length, sample.reason), (38, Some(Reason::Amplification)));
    assert_eq!(sample.header[..], reflected[14..], "the frame's padding is no header");
    assert_eq!(sample.parse().unwrap().source, address(CLIENT));
    filter.set_sampling(0).unwrap();
    fate(&filter, &passed);
    assert_eq!(filter.samples(0).unwrap(), []);
    filter.set_sampling(1).unwrap();
    for _ in 0..2000 {
        filter.trial(&passed, 1).unwrap();
    }
    let kept = filter.samples(0).unwrap().len() as u64;
    assert!(kept < 2000 && kept + filter.samples_lost().unwrap() == 2000, "{kept}");
    assert_eq!(filter.samples(0).unwrap(), []);
}
