//! Attached to an interface, adopted, detached.

use crate::ground::{Ground, HOST, eventually, host_prefix, of_host};
use ddos::{Level, Reason};
use scrub::{Filter, Mode, Pins, Plan, Verdict, fault};
use scrub_lab::generate::Generator;
use scrub_lab::kinds::{Kind, Style};
use scrub_lab::scene::allowed;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

const PACKETS: u32 = 20_000;

fn flood(ground: &Ground, kind: Kind) {
    let index = ground.attacker.interface("v0").unwrap();
    let recipe = kind.recipe(ground.path(), Style::Linux, 80);
    ground.attacker.inside(|| Generator::new(index).unwrap().send(&recipe, PACKETS).unwrap()).unwrap();
}

#[test]
fn a_flood_is_dropped_and_counted_to_the_packet() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let mut filter = ground.attach(&Plan { sample_one_in: 16, ..ground.plan() });
    assert_eq!(filter.attachment().unwrap().mode, Mode::Native);
    filter.protect(&[(host_prefix(), Level::Clean)]).unwrap();
    for (kind, count) in [(Kind::Ntp, 1), (Kind::Dns, 2), (Kind::Memcached, 3), (Kind::Ssdp, 4)] {
        flood(&ground, kind);
        let wanted = u64::from(PACKETS) * count;
        eventually(kind.word(), || of_host(&filter).dropped[Reason::Amplification.index()] >= wanted);
    }
    let counters = of_host(&filter);
    // Packets of the kernel itself (neighbours) are none of these.
    assert_eq!(counters.dropped[Reason::Amplification.index()], u64::from(PACKETS) * 4);
    assert_eq!(counters.amp_packets, u64::from(PACKETS) * 4);
    let samples = filter.samples(0).unwrap();
    let share = f64::from(PACKETS) * 4.0 / 16.0;
    assert!((samples.len() as f64) > share * 0.8 && (samples.len() as f64) < share * 1.2, "{}", samples.len());
    let ports = samples.iter().filter_map(|(_, sample)| sample.parse()?.get(ddos::Field::SourcePort));
    assert!(ports.into_iter().all(|port| [123, 53, 11211, 1900].contains(&port)));
    filter.detach().unwrap();
    assert!(!ground.bpffs.pins().exists());
}

#[test]
fn the_host_is_not_touched_by_an_observer() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let mut filter = ground.attach(&ground.plan());
    filter.protect(&[(host_prefix(), Level::Observe)]).unwrap();
    let listener = ground.host.inside(|| TcpListener::bind((HOST, 80))).unwrap().unwrap();
    let to = (HOST, 80).to_socket_addrs().unwrap().next().unwrap();
    let client = ground.attacker.inside(|| TcpStream::connect_timeout(&to, Duration::from_secs(5))).unwrap();
    assert!(client.is_ok() && listener.accept().is_ok());
    let counters = of_host(&filter);
    assert_eq!((counters.tcp_syn, counters.lost()), (1, 0));
    filter.detach().unwrap();
}

#[test]
fn generic_mode_is_said_plainly() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let filter = ground.attach(&Plan { mode: Mode::Generic, ..ground.plan() });
    assert_eq!(filter.attachment().unwrap().mode, Mode::Generic);
    filter.detach().unwrap();
    // A loopback interface has no native mode.
    let plan = Plan { interface: 1, ..ground.plan() };
    let filter = ground.attach(&plan);
    assert_eq!(filter.attachment().unwrap().mode, Mode::Generic);
    filter.detach().unwrap();
    let native = Plan { mode: Mode::Native, ..plan };
    let refused = ground.host.inside(|| Filter::attach(&native, &base::SystemRandom::new()).err()).unwrap().unwrap();
    assert!(refused.is(&fault::ATTACH), "{refused:?}");
    assert!(!ground.bpffs.pins().exists(), "nothing is left of what failed");
}

#[test]
fn what_an_earlier_start_left_is_adopted_with_its_state() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let mut filter = ground.attach(&ground.plan());
    filter.protect(&[(host_prefix(), Level::Prove)]).unwrap();
    filter.list("203.0.113.0/24".parse().unwrap(), Verdict::Deny).unwrap();
    filter.ban("203.0.113.9".parse().unwrap(), Duration::from_secs(60), 3).unwrap();
    let now = 1_700_000_000_000_000;
    let signature = ddos::Signature::new(host_prefix(), vec![(ddos::Field::SourcePort, 123)], now + 60_000_000);
    filter.put_signature(&signature, now).unwrap();
    drop(filter);
    let second = ground.host.inside(|| Filter::attach(&ground.plan(), &base::SystemRandom::new()).err()).unwrap();
    assert!(second.unwrap().is(&fault::ALREADY));
    let lease = Duration::from_secs(60);
    let mut filter = ground.host.inside(|| Filter::adopt(&ground.bpffs.pins(), lease)).unwrap().unwrap().unwrap();
    assert_eq!(filter.attachment().unwrap().mode, Mode::Native);
    assert_eq!(filter.defence(host_prefix()).unwrap().level, Level::Prove);
    assert_eq!((filter.cookies(), filter.listed().unwrap().len()), (scrub::Cookies::None, 1));
    assert_eq!(filter.bans().unwrap()[0].1.reason, 3);
    assert_eq!(filter.signatures(now).unwrap()[0].signature.id, signature.id);
    // And it goes on from there: slots and rules of before are not given away.
    filter
        .put_signature(&ddos::Signature::new(host_prefix(), vec![(ddos::Field::Ttl, 3)], now + 60_000_000), now)
        .unwrap();
    assert_eq!(filter.signatures(now).unwrap().len(), 2);
    filter.detach().unwrap();
    assert!(ground.host.inside(|| Filter::adopt(&ground.bpffs.pins(), lease)).unwrap().unwrap().is_none());
}

#[test]
fn an_interface_that_comes_back_gets_its_filter_with_all_that_it_held() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let mut filter = ground.attach(&ground.plan());
    filter.protect(&[(host_prefix(), Level::Prove)]).unwrap();
    filter.ban("203.0.113.9".parse().unwrap(), Duration::from_secs(60), 3).unwrap();
    ground.host.ip(&["link", "delete", "v0"]).unwrap();
    eventually("it is gone", || !filter.stands());
    ground.host.ip(&["link", "add", "v0", "type", "veth", "peer", "name", "v1"]).unwrap();
    assert!(!filter.stands(), "another interface of the same name is not the same interface");
    let plan = ground.plan();
    assert_eq!(ground.host.inside(|| filter.reattach(&plan)).unwrap().unwrap(), Pins::Kept);
    assert!(filter.stands() && filter.attachment().unwrap().interface == plan.interface);
    assert_eq!((filter.defence(host_prefix()).unwrap().level, filter.bans().unwrap().len()), (Level::Prove, 1));
    // And whoever comes next finds it where it is now.
    drop(filter);
    let pins = ground.bpffs.pins();
    let filter = ground.host.inside(|| Filter::adopt(&pins, Duration::from_secs(60))).unwrap().unwrap().unwrap();
    assert!(filter.stands() && filter.attachment().unwrap().interface == plan.interface);
    filter.detach().unwrap();
    assert!(!pins.exists());
}

#[test]
fn a_controller_that_slept_takes_nothing_away_from_the_next() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let plan = Plan { lease: Duration::from_millis(1), ..ground.plan() };
    let mut sleeper = ground.attach(&plan);
    sleeper.protect(&[(host_prefix(), Level::Prove)]).unwrap();
    assert_eq!(scrub::watch(&plan.pins).unwrap(), scrub::Ended::Removed);
    assert!(!sleeper.stands() && !plan.pins.exists());
    let next = ground.attach(&ground.plan());
    let refused = ground.host.inside(|| sleeper.reattach(&plan)).unwrap().unwrap_err();
    assert!(refused.is(&fault::OWNED), "{refused:?}");
    sleeper.detach().unwrap();
    assert!(next.stands() && plan.pins.exists());
    next.detach().unwrap();
    // Alone it would have come back, with pins that a watchdog does not know yet.
    let mut sleeper = ground.attach(&plan);
    sleeper.protect(&[(host_prefix(), Level::Prove)]).unwrap();
    assert_eq!(scrub::watch(&plan.pins).unwrap(), scrub::Ended::Removed);
    assert_eq!(ground.host.inside(|| sleeper.reattach(&plan)).unwrap().unwrap(), Pins::Anew);
    assert!(sleeper.stands() && sleeper.defence(host_prefix()).unwrap().level == Level::Prove);
    sleeper.detach().unwrap();
}

#[test]
fn what_the_configuration_no_longer_names_is_taken_out() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let mut filter = ground.attach(&ground.plan());
    let server = |last: u8| std::net::IpAddr::from([192, 0, 2, last]);
    filter.list("203.0.113.0/24".parse().unwrap(), Verdict::Deny).unwrap();
    filter.list("198.51.100.0/24".parse().unwrap(), Verdict::Allow).unwrap();
    filter.trust(server(53), 53).unwrap();
    filter.trust(server(123), 123).unwrap();
    let kept = ("198.51.100.0/24".parse().unwrap(), Verdict::Deny);
    filter.list_only(&[kept].into()).unwrap();
    assert_eq!(filter.listed().unwrap(), [kept]);
    filter.trust_only(&[(server(54), 53), ("2001:db8::35".parse().unwrap(), 53)]).unwrap();
    assert_eq!(filter.trusted().unwrap(), 2);
    filter.list_only(&Default::default()).unwrap();
    filter.trust_only(&[]).unwrap();
    assert_eq!((filter.listed().unwrap().len(), filter.trusted().unwrap()), (0, 0));
    filter.detach().unwrap();
}

#[test]
fn pins_need_a_bpf_file_system() {
    if !allowed() {
        return;
    }
    let ground = Ground::make();
    let elsewhere = std::env::temp_dir().join(format!("scrub-no-bpf-{}", std::process::id()));
    let plan = Plan { pins: elsewhere.clone(), ..ground.plan() };
    let refused = ground.host.inside(|| Filter::attach(&plan, &base::SystemRandom::new()).err()).unwrap().unwrap();
    assert!(refused.is(&fault::NOT_BPFFS) && !elsewhere.exists(), "{refused:?}");
}
