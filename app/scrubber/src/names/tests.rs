//! Names moved by orders, at a name server in memory and with services on loopback.

use super::*;
use crate::action::SwitchDns;
use crate::hands::Told;
use ::action::{Executor, ExecutorConfig, Hands as Actions, NoGate};
use async_trait::async_trait;
use base::{SystemClock, SystemRandom};
use divert::Sighting;
use record::{Order, OrderMode, Receipt, ReceiptState};
use std::net::TcpListener;
use std::sync::atomic::AtomicBool;

/// A name server in memory.
struct Memory(Arc<Mutex<Addresses>>);

#[async_trait]
impl Records for Memory {
    async fn read(&self, _: &Protected) -> Result<Found> {
        Ok(Found { addresses: self.0.lock().unwrap().clone(), ttl_s: 5 })
    }

    async fn compare_and_swap(&self, name: &Protected, from: &Addresses, to: &Addresses) -> Result<Swap> {
        let found = self.read(name).await?;
        if found.addresses == *to {
            return Ok(Swap::Already);
        }
        if found.addresses != *from {
            return Ok(Swap::Changed(found));
        }
        *self.0.lock().unwrap() = to.clone();
        Ok(Swap::Done)
    }

    async fn verify(&self, name: &Protected) -> Vec<Seen> {
        vec![Seen { server: "192.0.2.53:53".parse().unwrap(), found: self.read(name).await }]
    }
}

/// Keeps every receipt.
#[derive(Default)]
struct Book(Mutex<Vec<Receipt>>);

impl Told for Book {
    fn receipt(&self, receipt: &Receipt) -> Result<()> {
        self.0.lock().unwrap().push(receipt.clone());
        Ok(())
    }
}

struct Scene {
    names: Arc<Names>,
    record: Arc<Mutex<Addresses>>,
    executor: Executor,
    folder: tempfile::TempDir,
    clock: Arc<dyn Clock>,
}

fn set(text: &str) -> Addresses {
    text.parse().unwrap()
}

fn config(port: u16, votes: &str) -> Arc<Config> {
    let need = if votes.is_empty() { 1 } else { 2 };
    let text = format!(
        "interfaces: [eth0]
protect: [{{name: shop, prefix: 127.0.0.0/8}}]
names:
  - zone: example.test
    name: shop.example.test
    records: {{provider: rfc2136, server: '192.0.2.53:53', key_file: none}}
    places:
      - {{label: home, addresses: [127.83.0.1]}}
      - {{label: standby, addresses: [127.83.0.2]}}
    probe: {{kind: tcp, port: {port}}}
    health: {{window: 1, fall: 1, rise: 1, settle_s: 0}}
    quorum: {{need: {need}}}
    switching: {{hold_s: 1}}
{votes}
"
    );
    Arc::new(Config::parse(&text, "scrubber.yaml").unwrap())
}

impl Scene {
    fn new(port: u16) -> Scene {
        Scene::with(config(port, ""))
    }

    fn with(config: Arc<Config>) -> Scene {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let record = Arc::new(Mutex::new(set("127.83.0.1")));
        let name = Protected::new("example.test", "shop.example.test", 5).unwrap();
        let records = Arc::new(Memory(record.clone()));
        let rows = vec![Row { name, places: config.names[0].places.clone(), records }];
        let (keeper, standing) = (OnceLock::new(), Mutex::default());
        let alerts = Mutex::default();
        let names = Arc::new(Names { rows, config, clock: clock.clone(), random, keeper, standing, alerts });
        let folder = tempfile::tempdir().unwrap();
        let executor = executor(&names, folder.path(), &clock);
        Scene { names, record, executor, folder, clock }
    }

    fn now(&self) -> Addresses {
        self.record.lock().unwrap().clone()
    }

    fn order(&self, id: &str, from: &str, to: &str) -> Order {
        let orders = Orders::new(String::new(), self.clock.clone(), Arc::new(SystemRandom::new()));
        let way = (from.to_string(), to.to_string());
        let reason = crate::orders::Reason { by: "test".into(), ..Default::default() };
        let lease = Duration::from_secs(600);
        Order { id: id.into(), ..orders.switch("example.test.", "Shop.example.test", way, lease, &reason) }
    }

    fn carry(&mut self, order: &Order) -> Receipt {
        self.executor.execute(order).pop().unwrap()
    }
}

fn executor(names: &Arc<Names>, state: &std::path::Path, clock: &Arc<dyn Clock>) -> Executor {
    let actions = Actions::of([Arc::new(SwitchDns::new(names.clone())) as Arc<dyn ::action::Action>]);
    Executor::new(ExecutorConfig::edge(state, actions), Arc::new(NoGate), clock.clone()).unwrap()
}

fn start(executor: Executor, told: Arc<Book>, stop: &Arc<AtomicBool>) -> (Hands, Vec<std::thread::JoinHandle<()>>) {
    Hands::start(vec![(crate::hands::Lane::Names, executor)], told, stop.clone()).unwrap()
}

/// Nobody is asked.
fn nobody() -> Tell {
    Arc::new(|asked| panic!("{asked:?}"))
}

fn undo(of: &str) -> Order {
    Order { id: format!("undo-{of}"), mode: OrderMode::Undo as i32, undoes: of.into(), ..Order::default() }
}

#[test]
fn an_order_moves_a_name_is_read_back_and_taken_back() {
    let mut scene = Scene::new(9);
    let order = scene.order("ord-1", "127.83.0.1", "127.83.0.2");
    let dry = scene.carry(&Order { mode: OrderMode::DryRun as i32, ..order.clone() });
    assert_eq!(dry.state(), ReceiptState::Planned);
    assert!(dry.touched[0].contains("from 127.83.0.1 to 127.83.0.2"), "{:?}", dry.touched);
    assert_eq!(scene.now(), set("127.83.0.1"));
    let done = scene.carry(&order);
    assert_eq!((done.state(), done.observed.len()), (ReceiptState::Verified, 1), "{}", done.message);
    assert_eq!(scene.now(), set("127.83.0.2"));
    assert_eq!(scene.names.standing().get(&0).map(|standing| standing.order.clone()).as_deref(), Some("ord-1"));
    assert_eq!(scene.carry(&undo("ord-1")).state(), ReceiptState::Undone);
    assert_eq!(scene.now(), set("127.83.0.1"));
    assert!(scene.names.standing().is_empty());
}

#[test]
fn what_is_no_place_or_was_changed_by_others_is_left_alone() {
    let mut scene = Scene::new(9);
    for (id, from, to, code) in [
        ("ord-1", "127.83.0.1", "203.0.113.66", fault::GUARDED.id),
        ("ord-2", "127.83.0.1", "127.83.0.1", fault::GUARDED.id),
        ("ord-3", "127.83.0.1", "127.83.0.2, x", fault::PARAMETER.id),
    ] {
        let refused = scene.carry(&scene.order(id, from, to));
        assert_eq!((refused.state(), refused.fault.as_str()), (ReceiptState::Refused, code), "{}", refused.message);
    }
    let other = Order { parameters: BTreeMap::new(), ..scene.order("ord-4", "127.83.0.1", "127.83.0.2") };
    assert_eq!(scene.carry(&other).state(), ReceiptState::Refused);
    *scene.record.lock().unwrap() = set("203.0.113.9");
    let refused = scene.carry(&scene.order("ord-5", "127.83.0.1", "127.83.0.2"));
    assert_eq!(refused.fault, divert::fault::CHANGED.id);
    *scene.record.lock().unwrap() = set("127.83.0.1");
    assert_eq!(scene.carry(&scene.order("ord-6", "127.83.0.1", "127.83.0.2")).state(), ReceiptState::Verified);
    *scene.record.lock().unwrap() = set("203.0.113.9");
    let undone = scene.carry(&undo("ord-6"));
    assert_eq!(undone.state(), ReceiptState::Undone);
    assert!(undone.observed[0].contains("left so"), "{:?}", undone.observed);
    assert_eq!(scene.now(), set("203.0.113.9"));
}

#[test]
fn a_restart_takes_over_what_stands() {
    let mut scene = Scene::new(9);
    assert_eq!(scene.carry(&scene.order("ord-1", "127.83.0.1", "127.83.0.2")).state(), ReceiptState::Verified);
    scene.names.standing().clear();
    drop(scene.executor);
    scene.executor = executor(&scene.names, scene.folder.path(), &scene.clock);
    assert_eq!(scene.names.standing().get(&0).map(|standing| standing.order.clone()).as_deref(), Some("ord-1"));
    assert_eq!(scene.carry(&undo("ord-1")).state(), ReceiptState::Undone);
    assert_eq!(scene.now(), set("127.83.0.1"));
}

#[test]
fn of_two_orders_about_a_name_the_later_one_holds_it() {
    let mut scene = Scene::new(9);
    for id in ["ord-1", "ord-2"] {
        let receipt = scene.carry(&scene.order(id, "127.83.0.1", "127.83.0.2"));
        assert_eq!(receipt.state(), ReceiptState::Verified, "{}", receipt.message);
    }
    let undone = scene.carry(&undo("ord-1"));
    assert!(undone.observed[0].contains("order ord-2 came after"), "{:?}", undone.observed);
    assert_eq!(scene.now(), set("127.83.0.2"), "the second order stands");
    assert_eq!(scene.carry(&undo("ord-2")).state(), ReceiptState::Undone);
    assert_eq!(scene.now(), set("127.83.0.1"));
}

#[tokio::test]
async fn health_alone_does_not_end_an_order_of_before_a_restart() {
    for (by, stays) in [("test", true), (KEEPER, false)] {
        let mut scene = Scene::new(9);
        let order = Order { by: by.into(), ..scene.order("ord-1", "127.83.0.1", "127.83.0.2") };
        // The name server is asked on a thread of its own, so that the test's runtime is not in its way.
        assert_eq!(scene.carry(&order).state(), ReceiptState::Verified);
        scene.names.standing().clear();
        drop(scene.executor);
        let executor = executor(&scene.names, scene.folder.path(), &scene.clock);
        let stop = Arc::new(AtomicBool::new(false));
        let (hands, _threads) = start(executor, Arc::new(Book::default()), &stop);
        let orders = Orders::new(String::new(), scene.clock.clone(), Arc::new(SystemRandom::new()));
        let _prober = scene.names.watch(hands, orders, nobody()).unwrap();
        let keeper = scene.names.keeper().unwrap();
        let stay = keeper.guards()[0].switching.stay().map(|(reason, _)| reason);
        assert_eq!(stay == Some(divert::Reason::Operator), stays, "{by}: {stay:?}");
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_home_is_left_by_an_order_and_come_back_to_by_its_end() {
    let home = TcpListener::bind("127.83.0.1:0").unwrap();
    let port = home.local_addr().unwrap().port();
    let _standby = TcpListener::bind(("127.83.0.2", port)).unwrap();
    let scene = Scene::new(port);
    let (book, stop) = (Arc::new(Book::default()), Arc::new(AtomicBool::new(false)));
    let (hands, _threads) = start(scene.executor, book.clone(), &stop);
    let orders = Orders::new(String::new(), scene.clock.clone(), Arc::new(SystemRandom::new()));
    let _prober = scene.names.watch(hands.clone(), orders, nobody()).unwrap();
    let until = async |wanted: &str| {
        for _ in 0..600 {
            if *scene.record.lock().unwrap() == set(wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it never has {wanted}: {:?}", scene.names.shown());
    };
    let keeper = scene.names.keeper().unwrap().clone();
    while keeper.guards()[0].verdicts(scene.clock.monotonic()) != [Condition::Up, Condition::Up] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(home);
    until("127.83.0.2").await;
    // Nobody gets it back while home is down: neither an undo nor the end of the lease.
    while scene.names.standing().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let standing = scene.names.standing().get(&0).unwrap().order.clone();
    keeper.vote("scrubber", &Sighting { name: 0, place: 0, condition: Condition::Down, failure: None });
    let early = tokio::task::spawn_blocking({
        let hands = hands.clone();
        move || hands.carry(undo(&standing))
    });
    let early = early.await.unwrap().unwrap();
    assert_eq!(early[0].fault, fault::GUARDED.id, "{early:?}");
    assert_eq!(*scene.record.lock().unwrap(), set("127.83.0.2"));
    let _home = TcpListener::bind(("127.83.0.1", port)).unwrap();
    until("127.83.0.1").await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let states: Vec<ReceiptState> = book.0.lock().unwrap().iter().map(Receipt::state).collect();
    assert!(states.contains(&ReceiptState::Verified), "{states:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_prober_moves_nothing_until_another_agrees() {
    let home = TcpListener::bind("127.83.0.1:0").unwrap();
    let port = home.local_addr().unwrap().port();
    let _standby = TcpListener::bind(("127.83.0.2", port)).unwrap();
    let to = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("there.key");
    std::fs::write(&key, "hmac-sha256:there:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let votes = format!("votes: {{listen: '{to}', key_files: [{}]}}", key.display());
    let config = config(port, &votes);
    let scene = Scene::with(config.clone());
    let stop = Arc::new(AtomicBool::new(false));
    let (hands, _threads) = start(scene.executor, Arc::new(Book::default()), &stop);
    let orders = Orders::new(String::new(), scene.clock.clone(), Arc::new(SystemRandom::new()));
    let _prober = scene.names.watch(hands, orders, nobody()).unwrap();
    let keeper = scene.names.keeper().unwrap().clone();
    let heard = |wanted: usize| keeper.guards()[0].votes(0, scene.clock.monotonic()).count() == wanted;
    while !heard(1) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(keeper.guards()[0].verdicts(scene.clock.monotonic()), [Condition::Unknown; 2]);
    let there = tokio::spawn(async move {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
            (Arc::new(SystemClock::default()), Arc::new(SystemRandom::new()));
        probe(&config, to, &key, &clock, &random).await
    });
    while keeper.guards()[0].verdicts(scene.clock.monotonic()) != [Condition::Up; 2] {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(home);
    while *scene.record.lock().unwrap() != set("127.83.0.2") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    there.abort();
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
}

/// What a person was told: why, and the commands that agree.
type Asking = (String, [String; 2]);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_is_asked_is_told_and_moves_it_either_way() {
    for by_order in [false, true] {
        let home = TcpListener::bind("127.83.0.1:0").unwrap();
        let port = home.local_addr().unwrap().port();
        let _standby = TcpListener::bind(("127.83.0.2", port)).unwrap();
        let mut config = Config::clone(&config(port, ""));
        config.policy.names = Decide::Ask;
        let scene = Scene::with(Arc::new(config));
        let (book, stop) = (Arc::new(Book::default()), Arc::new(AtomicBool::new(false)));
        let (hands, _threads) = start(scene.executor, book.clone(), &stop);
        let orders = Orders::new("ab".into(), scene.clock.clone(), Arc::new(SystemRandom::new()));
        let said: Arc<Mutex<Vec<Asking>>> = Arc::default();
        let heard = said.clone();
        let tell: Tell = Arc::new(move |asked| {
            assert_eq!(asked.why(base::Lang::Zh), "home 没有应答");
            heard.lock().unwrap().push((asked.why(base::Lang::En), asked.commands("ab")));
            "alert-1".into()
        });
        let _prober = scene.names.watch(hands.clone(), orders, tell).unwrap();
        let keeper = scene.names.keeper().unwrap().clone();
        until(|| keeper.guards()[0].verdicts(scene.clock.monotonic()) == [Condition::Up; 2]).await;
        drop(home);
        until(|| !said.lock().unwrap().is_empty()).await;
        let (why, [here, there]) = said.lock().unwrap()[0].clone();
        assert_eq!(
            (why.as_str(), here.as_str()),
            ("home does not answer", "garrison-gateway scrub approve shop.example.test.")
        );
        assert!(
            there.contains("--host ab --parameter 'zone=example.test.'") && there.contains("'to=127.83.0.2'"),
            "{there}"
        );
        assert_eq!(*scene.record.lock().unwrap(), set("127.83.0.1"), "nothing moves before");
        assert_eq!(scene.names.shown()[0].state, "asking");
        if by_order {
            // As `garrison act` gives it: by the server, of a person.
            let order = Order {
                id: "ord-person".into(),
                action: record::ActionKind::SwitchDns as i32,
                mode: OrderMode::Apply as i32,
                lease_s: 600,
                by: "operator".into(),
                parameters: [
                    ("zone", "example.test."),
                    ("name", "shop.example.test."),
                    ("from", "127.83.0.1"),
                    ("to", "127.83.0.2"),
                ]
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .into(),
                ..Order::default()
            };
            assert!(hands.give(order));
        } else {
            scene.names.approve("shop.example.test", "uid 0").unwrap();
        }
        until(|| *scene.record.lock().unwrap() == set("127.83.0.2")).await;
        until(|| scene.names.shown()[0].state != "asking").await;
        // The hands tell it after they have done it.
        until(|| !book.0.lock().unwrap().is_empty()).await;
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(said.lock().unwrap().len(), 1, "asked once");
        let receipts = book.0.lock().unwrap();
        let own = receipts.iter().filter_map(|receipt| receipt.local_order.as_ref()).find(|order| order.by == KEEPER);
        assert_eq!(own.map(|order| order.alert.as_str()), (!by_order).then_some("alert-1"), "{receipts:?}");
    }
}

/// Waits until something holds; probes and hands are tasks and threads of their own.
async fn until(good: impl Fn() -> bool) {
    while !good() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
