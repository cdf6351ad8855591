//! A filter that is loaded and attached to nothing, and the addresses of the tests.

use base::SystemRandom;
use ddos::{Counters, Level, Prefix, Reason};
use scrub::{Action, Cookies, Filter, Limits, Plan, Sizes};
use scrub_lab::frame::Path;
use std::net::IpAddr;
use std::time::Duration;

/// Where the protected service is, in both families.
pub(crate) const SERVICE: &str = "198.51.100.7";
pub(crate) const SERVICE6: &str = "2001:db8:1::7";
/// Where a client is.
pub(crate) const CLIENT: &str = "192.0.2.10";
pub(crate) const CLIENT6: &str = "2001:db8:2::10";

pub(crate) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

/// From a client to the service.
pub(crate) fn path() -> Path {
    Path::new(address(CLIENT), address(SERVICE))
}

/// The same over IPv6.
pub(crate) fn path6() -> Path {
    Path::new(address(CLIENT6), address(SERVICE6))
}

pub(crate) fn plan(cookies: Cookies) -> Plan {
    let sizes = Sizes { places: 64, prefixes: 1000, bans: 1024, confirmed: 1024, samples: 1 << 16 };
    let limits = Limits { source: None, net: None, confirmed: Duration::from_secs(600) };
    let lease = Duration::from_secs(600);
    Plan { cookies, limits, sizes, lease, sample_one_in: 0, ..Plan::new(0, "/sys/fs/bpf/unused".into()) }
}

/// A filter that protects the service in both families at this level, or says why this host cannot load one.
pub(crate) fn filter(level: Level) -> Option<Filter> {
    filter_with(&plan(Cookies::None), level)
}

pub(crate) fn filter_with(plan: &Plan, level: Level) -> Option<Filter> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root");
        return None;
    }
    let mut filter = Filter::load(plan, &SystemRandom::new()).unwrap();
    filter.protect(&[(Prefix::single(address(SERVICE)), level), (Prefix::single(address(SERVICE6)), level)]).unwrap();
    Some(filter)
}

/// The counters of the service in the family of a path.
pub(crate) fn counters(filter: &Filter, of: &str) -> Counters {
    let wanted = Prefix::single(address(of));
    filter.counters().unwrap().into_iter().find(|(prefix, _)| *prefix == wanted).unwrap().1
}

/// Runs a frame once and says why it was dropped, by the counters of the service or of the rest.
pub(crate) fn fate(filter: &Filter, frame: &[u8]) -> (Action, Option<Reason>) {
    let dropped = |filter: &Filter| filter.dropped().unwrap().packets;
    let before = dropped(filter);
    let trial = filter.trial(frame, 1).unwrap();
    let after = dropped(filter);
    let mut rose = Reason::ALL.into_iter().filter(|reason| after[reason.index()] > before[reason.index()]);
    let reason = rose.next();
    assert!(rose.next().is_none(), "one packet, one reason");
    (trial.action, reason)
}

pub(crate) const PASSED: (Action, Option<Reason>) = (Action::Pass, None);

pub(crate) fn dropped(reason: Reason) -> (Action, Option<Reason>) {
    (Action::Drop, Some(reason))
}
