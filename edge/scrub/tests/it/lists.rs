//! Allowed and denied prefixes, bans, and how they stand to each other; the lease.

use crate::scene::{
    CLIENT, CLIENT6, PASSED, SERVICE, SERVICE6, address, dropped, fate, filter, path, path6, plan, prefix,
};
use ddos::{Level, Prefix, Reason};
use scrub::{Cookies, Filter, Verdict, fault};
use scrub_lab::frame::Path;
use std::net::IpAddr;
use std::time::Duration;

#[test]
fn the_longest_prefix_decides_at_every_level() {
    let Some(mut filter) = filter(Level::Observe) else { return };
    let (frame, frame6) = (path().udp(4000, 443, b"x"), path6().udp(4000, 443, b"x"));
    filter.list(prefix("192.0.2.0/24"), Verdict::Deny).unwrap();
    filter.list(prefix("2001:db8:2::/48"), Verdict::Deny).unwrap();
    assert_eq!(fate(&filter, &frame), dropped(Reason::Denied));
    assert_eq!(fate(&filter, &frame6), dropped(Reason::Denied));
    filter.list(Prefix::single(address(CLIENT)), Verdict::Allow).unwrap();
    assert_eq!(fate(&filter, &frame), PASSED);
    let mut listed = filter.listed().unwrap();
    listed.sort_by_key(|(prefix, _)| prefix.length());
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[0], (prefix("192.0.2.0/24"), Verdict::Deny));
    assert!(filter.unlist(prefix("2001:db8:2::/48")).unwrap());
    assert!(!filter.unlist(prefix("2001:db8:2::/48")).unwrap());
    assert_eq!(fate(&filter, &frame6), PASSED);
    filter.set_level(prefix(SERVICE), Level::Verified).unwrap();
    assert_eq!(fate(&filter, &frame), PASSED, "an allowed source is spared everything");
}

fn eventually_passes(filter: &Filter, frame: &[u8]) {
    let begin = std::time::Instant::now();
    while fate(filter, frame) != PASSED {
        assert!(begin.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn bans_end_by_themselves() {
    let Some(mut filter) = filter(Level::Observe) else { return };
    let (frame, frame6) = (path().udp(4000, 443, b"x"), path6().udp(4000, 443, b"x"));
    filter.ban(address(CLIENT), Duration::from_secs(60), 7).unwrap();
    filter.ban(address(CLIENT6), Duration::ZERO, 7).unwrap();
    assert_eq!(fate(&filter, &frame), dropped(Reason::Banned));
    // This one is over as soon as the program's clock has ticked: it does so in steps of up to 10 ms.
    eventually_passes(&filter, &frame6);
    let ban = filter.banned(address(CLIENT)).unwrap().unwrap();
    assert!(ban.reason == 7 && ban.left > Duration::from_secs(50));
    assert_eq!(filter.banned(address(CLIENT6)).unwrap(), None);
    assert_eq!(filter.bans().unwrap().len(), 1);
    filter.refresh().unwrap();
    assert_eq!(fate(&filter, &frame), dropped(Reason::Banned), "a running ban keeps its mark");
    assert!(filter.unban(address(CLIENT)).unwrap());
    assert!(!filter.unban(address(CLIENT)).unwrap());
    assert_eq!(fate(&filter, &frame), PASSED);
}

/// Program and library hash every source alike: a ban that were not found would be none.
#[test]
fn every_ban_is_found() {
    let Some(mut filter) = filter(Level::Observe) else { return };
    for n in 0..200_u32 {
        let four = std::net::Ipv4Addr::from(0x0b00_0001 + n.wrapping_mul(0x0101_9e37) % 0x0100_0000);
        let six = std::net::Ipv6Addr::from(
            0x2001_0db8_0000_0000_0000_0000_0000_0000_u128 | u128::from(n).wrapping_mul(0x0123_4567_89ab_cdef),
        );
        for (source, to) in [(IpAddr::V4(four), SERVICE), (IpAddr::V6(six), SERVICE6)] {
            let frame = Path::new(source, address(to)).udp(4000, 443, b"x");
            filter.ban(source, Duration::from_secs(60), 1).unwrap();
            assert_eq!(fate(&filter, &frame), dropped(Reason::Banned), "{source}");
            assert!(filter.unban(source).unwrap());
        }
    }
}

#[test]
fn destinations_change_while_it_runs() {
    let Some(mut filter) = filter(Level::Clean) else { return };
    assert_eq!(filter.defence(prefix(SERVICE)).unwrap().level, Level::Clean);
    filter.protect(&[(prefix(SERVICE6), Level::Limit), (prefix("198.51.100.0/24"), Level::Observe)]).unwrap();
    assert!(filter.defence(prefix(SERVICE)).unwrap_err().is(&fault::NOT_PROTECTED));
    assert!(filter.set_level(prefix(SERVICE), Level::Clean).unwrap_err().is(&fault::NOT_PROTECTED));
    assert_eq!(filter.protected().count(), 2);
    fate(&filter, &path().udp(4000, 443, b"x"));
    let of =
        |wanted: &str| filter.counters().unwrap().into_iter().find(|(found, _)| *found == prefix(wanted)).unwrap().1;
    assert_eq!((of("198.51.100.0/24").packets, of(SERVICE6).packets), (1, 0));
    let many: Vec<(Prefix, Level)> =
        (0..65_u8).map(|n| (Prefix::single([10, 0, 0, n].into()), Level::Observe)).collect();
    assert!(filter.protect(&many).unwrap_err().is(&fault::FULL));
    assert_eq!(filter.protected().count(), 2, "nothing has changed");
}

#[test]
fn tables_that_are_full_say_so() {
    let Some(mut filter) = filter(Level::Observe) else { return };
    let nth = |n: u32| Prefix::single(std::net::Ipv4Addr::from(0x0a00_0000 + n).into());
    for n in 0..1000 {
        filter.list(nth(n), Verdict::Deny).unwrap();
    }
    assert!(filter.list(nth(1000), Verdict::Deny).unwrap_err().is(&fault::FULL));
    assert_eq!(filter.listed().unwrap().len(), 1000);
    for n in 0..1000 {
        filter.ban(nth(n).address(), Duration::from_secs(60), 1).unwrap();
    }
    // The bans of least use give way, a few at a time.
    let bans = filter.bans().unwrap().len();
    assert!((700..=1000).contains(&bans), "{bans}");
}

#[test]
fn after_the_lease_everything_passes() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return;
    }
    let plan = scrub::Plan { lease: Duration::ZERO, ..plan(Cookies::None) };
    let mut filter = Filter::load(&plan, &base::SystemRandom::new()).unwrap();
    filter.protect(&[(prefix(SERVICE), Level::Verified)]).unwrap();
    filter.list(prefix("0.0.0.0/0"), Verdict::Deny).unwrap();
    assert_eq!(filter.lease_left().unwrap(), Duration::ZERO);
    // The program's clock ticks in steps of up to 10 ms, and the lease of this filter ended when it was made.
    let frame = path().udp(4000, 443, b"x");
    eventually_passes(&filter, &frame);
    assert_eq!(fate(&filter, &path().tcp(&scrub_lab::frame::Segment::default())), PASSED);
}
