//! What routers accept, and when they drop it.

use crate::router::{Bird, Gobgp, Router, Session};
use crate::world::{Side, World, established, neighbour, possible, speaker, wait};
use bgp::flow::{Field, Test};
use bgp::{Action, Announcement, Approval, FlowRule, Password, Phase, Secret, Speaker};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const LEASE: Duration = Duration::from_secs(600);

pub fn approval() -> Approval {
    Approval::Policy("interop".into())
}

/// One announcement of each family, with a text that a router shows for it.
pub fn examples() -> Vec<(Announcement, &'static str)> {
    let flow = |rule: FlowRule, action| Announcement::FlowSpec { rule, action };
    let reflection = FlowRule::to("203.0.113.9/32".parse().unwrap())
        .when(Field::Protocol, &[Test::equal(17)])
        .and_then(|rule| rule.when(Field::SourcePort, &[Test::equal(389), Test::equal(123)]))
        .and_then(|rule| rule.when(Field::Length, &Test::range(400, 1500)))
        .unwrap();
    let syn = FlowRule::to("2001:db8:5::9/128".parse().unwrap())
        .when(Field::Protocol, &[Test::equal(6)])
        .and_then(|rule| rule.when(Field::TcpFlags, &[Test::all_of(2), Test::and_none_of(0x10)]))
        .unwrap();
    vec![
        (Announcement::blackhole("203.0.113.7/32".parse().unwrap()), "203.0.113.7"),
        (Announcement::blackhole("2001:db8:5::7/128".parse().unwrap()), "2001:db8:5::7"),
        (flow(reflection, Action::Discard), "203.0.113.9"),
        (flow(syn, Action::RateLimit { bytes_s: 125_000.0 }), "2001:db8:5::9"),
    ]
}

fn wait_heard(router: &dyn Router, what: &str, shows: bool) -> Duration {
    let begin = std::time::Instant::now();
    while router.heard().contains(what) != shows {
        assert!(begin.elapsed() < Duration::from_secs(30), "{what} {shows}: {}\n{}", router.heard(), router.log());
    }
    begin.elapsed()
}

fn announce(speaker: &Speaker, announcement: &Announcement, lease: Duration) -> bgp::Id {
    speaker.announce(announcement.clone(), lease, approval()).unwrap()
}

/// Everything that a session is for, against one router.
fn tells(router: &dyn Router, runtime: &tokio::runtime::Runtime) {
    let speaker = speaker(runtime, neighbour());
    established(&speaker);
    let ids: Vec<_> = examples().iter().map(|(announcement, _)| announce(&speaker, announcement, LEASE)).collect();
    for (_, text) in examples() {
        wait_heard(router, text, true);
    }
    let heard = router.heard();
    println!("{}\n{heard}", router.version());
    // Ports, lengths and the rate stand in what the router has understood.
    for part in ["389", "123", "400", "1500"] {
        assert!(heard.contains(part), "{part}: {heard}");
    }
    assert!(speaker.state().announced.iter().all(|row| row.told));

    // Withdrawn one by one, the others stay.
    speaker.withdraw(ids[2]).unwrap();
    wait_heard(router, "203.0.113.9", false);
    assert!(router.heard().contains("203.0.113.7") && router.heard().contains("2001:db8:5::9"));

    // A lease ends by itself.
    announce(&speaker, &Announcement::blackhole("203.0.113.8/32".parse().unwrap()), Duration::from_millis(1500));
    wait_heard(router, "203.0.113.8", true);
    wait_heard(router, "203.0.113.8", false);
    assert_eq!(speaker.state().announced.len(), 3);

    // The router asks for everything again.
    let told = speaker.state().counts.told;
    if router.refresh() {
        wait("refresh", || speaker.state().counts.told > told);
    }

    // The router's operator closes the session and opens it again: what stands is told to the new one.
    router.set_session(false);
    wait("end of the session", || speaker.state().phase != Phase::Established);
    wait("reason", || speaker.state().error.is_some());
    println!("the session ended: {}", speaker.state().error.unwrap());
    router.set_session(true);
    established(&speaker);
    wait_heard(router, "203.0.113.7", true);
    wait_heard(router, "2001:db8:5::9", true);

    // A stop takes everything back.
    runtime.block_on(speaker.stop("interop is over"));
    for (_, text) in examples() {
        wait_heard(router, text, false);
    }
}

#[test]
fn bird_accepts_everything_and_drops_it() {
    if !possible("BIRD", &["ip", "bird", "birdc"]) {
        return;
    }
    let world = World::new();
    let bird = Bird::start(&world, Session::default());
    world.inside(|runtime| tells(&bird, runtime));
    assert!(bird.log().contains("interop is over"), "the text of RFC 9003 is in its log: {}", bird.log());
    assert!(world.blackholes().trim().is_empty());
}

#[test]
fn gobgp_accepts_everything_and_drops_it() {
    if !possible("GoBGP", &["ip", "gobgpd", "gobgp"]) {
        return;
    }
    let world = World::new();
    let gobgp = Gobgp::start(&world, Session::default());
    world.inside(|runtime| tells(&gobgp, runtime));
}

#[test]
fn a_blackhole_reaches_the_kernel_of_the_router() {
    if !possible("blackholes in the kernel", &["ip", "bird", "birdc"]) {
        return;
    }
    let world = World::new();
    let _bird = Bird::start(&world, Session::default());
    world.inside(|runtime| {
        let speaker = speaker(runtime, neighbour());
        established(&speaker);
        for (announcement, text) in &examples()[..2] {
            announce(&speaker, announcement, LEASE);
            wait("blackhole", || world.blackholes().contains(text));
        }
        // Nobody says goodbye: the kernel closes the connection as it does for a program that was killed.
        drop(speaker);
        wait("nothing is left", || world.blackholes().trim().is_empty());
    });
}

/// A session with a password and with TTL security. With a wrong password the kernel of the router drops our packets; a new one
/// holds without a restart.
fn protected(world: &World, router: &dyn Router) {
    let mut both = neighbour();
    let key = Arc::new(Mutex::new("another"));
    let now = key.clone();
    both.password = Some(Secret::new(move || Password::new(*now.lock().unwrap())));
    both.ttl_security = Some(1);
    world.inside(|runtime| {
        let speaker = speaker(runtime, both);
        wait("a wrong password is seen", || world.counter(Side::Router, "TCPMD5Failure") > 0);
        assert_ne!(speaker.state().phase, Phase::Established);
        *key.lock().unwrap() = "s3cret";
        established(&speaker);
        announce(&speaker, &examples()[0].0, LEASE);
        wait_heard(router, "203.0.113.7", true);
        runtime.block_on(speaker.stop(""));
    });
}

const PROTECTED: Session = Session { password: Some("s3cret"), ttl_security: true, hold_s: None, internal_ipv6: false };

#[test]
fn password_and_ttl_security_hold_with_bird() {
    if !possible("MD5 and TTL security with BIRD", &["ip", "bird", "birdc"]) {
        return;
    }
    let world = World::new();
    protected(&world, &Bird::start(&world, PROTECTED));
}

#[test]
fn password_and_ttl_security_hold_with_gobgp() {
    if !possible("MD5 and TTL security with GoBGP", &["ip", "gobgpd", "gobgp"]) {
        return;
    }
    let world = World::new();
    protected(&world, &Gobgp::start(&world, PROTECTED));
}

#[test]
fn an_internal_session_over_ipv6_with_password_and_ttl_security() {
    if !possible("IPv6 and one AS", &["ip", "bird", "birdc"]) {
        return;
    }
    let world = World::new();
    let bird = Bird::start(&world, Session { internal_ipv6: true, ..PROTECTED });
    let mut inside = bgp::Neighbour::new("fd99::1".parse().unwrap(), 65_001, 65_001, [10, 99, 0, 2].into());
    inside.next_hop_v4 = "10.99.0.2".parse().ok();
    inside.password = Some(Password::new("s3cret").unwrap().into());
    inside.ttl_security = Some(1);
    world.inside(|runtime| {
        let speaker = speaker(runtime, inside);
        established(&speaker);
        for (announcement, text) in &examples() {
            announce(&speaker, announcement, LEASE);
            wait_heard(&bird, text, true);
        }
        let heard = bird.heard();
        assert!(heard.contains("BGP.local_pref: 100") && !heard.contains("AS65001"), "the path is empty: {heard}");
        runtime.block_on(speaker.stop(""));
        wait_heard(&bird, "203.0.113.7", false);
    });
}

#[test]
fn packets_from_far_do_not_reach_a_session_with_ttl_security() {
    if !possible("TTL security", &["ip", "bird", "birdc"]) {
        return;
    }
    // A router without TTL security sends with ordinary TTLs, as a forger from far would.
    let world = World::new();
    let bird = Bird::start(&world, Session::default());
    world.inside(|runtime| {
        let speaker = speaker(runtime, bgp::Neighbour { ttl_security: Some(1), ..neighbour() });
        wait("a packet from far is seen", || world.counter(Side::Ours, "TCPMinTTLDrop") > 0);
        assert_ne!(speaker.state().phase, Phase::Established, "{}", bird.log());
    });
}

#[test]
fn a_loss_of_power_ends_with_the_hold_time() {
    if !possible("hold time", &["ip", "bird", "birdc"]) {
        return;
    }
    let world = World::new();
    let bird = Bird::start(&world, Session::default());
    world.inside(|runtime| {
        let speaker = speaker(runtime, bgp::Neighbour { hold_s: 3, ..neighbour() });
        established(&speaker);
        announce(&speaker, &examples()[0].0, LEASE);
        wait_heard(&bird, "203.0.113.7", true);
        world.silence();
        let taken = wait_heard(&bird, "203.0.113.7", false);
        println!("hold time of 3 s: the router forgot {taken:?} after our last packet could leave");
        assert!(bird.log().contains("Hold timer expired"), "{}", bird.log());
    });
}
