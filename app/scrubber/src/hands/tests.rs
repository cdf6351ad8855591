//! What is given is carried out, also when it is told to stop meanwhile.

use super::*;
use action::{Action, Adopted, Applied, ExecutorConfig, HostView, NoGate, Plan, Progress};
use base::{ManualClock, SystemRandom};
use record::ReceiptState;
use serde_json::Value;
use std::sync::atomic::Ordering;
use std::sync::{Condvar, PoisonError};

/// Carries out nothing, once the gate is open.
struct Slow(Arc<(Mutex<bool>, Condvar)>);

impl Action for Slow {
    fn kind(&self) -> ActionKind {
        ActionKind::Block
    }

    fn plan(&self, _: &Order, _: &HostView) -> Result<Plan> {
        let (open, changed) = &*self.0;
        let open = open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(open, |open| !*open));
        Ok(Plan { touched: Vec::new(), record: Value::Null })
    }

    fn apply(&self, _: &Order, plan: &Plan, _: &HostView, _: &mut Progress<'_>) -> Result<Applied> {
        Ok(Applied { touched: Vec::new(), record: plan.record.clone() })
    }

    fn verify(&self, _: &HostView, _: &Value) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn undo(&self, _: &HostView, _: &Value) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn adopt(&self, _: &HostView, _: &Value, _: u64, _: bool) -> Result<Adopted> {
        Ok(Adopted::Kept)
    }
}

#[derive(Default)]
struct Book(Mutex<Vec<Receipt>>);

impl Told for Book {
    fn receipt(&self, receipt: &Receipt) -> Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(receipt.clone());
        Ok(())
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    gate: Arc<(Mutex<bool>, Condvar)>,
    book: Arc<Book>,
    stop: Arc<AtomicBool>,
    hands: Hands,
    threads: Vec<JoinHandle<()>>,
    orders: crate::orders::Orders,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(1_800_000_000_000_000));
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let actions = ::action::Hands::of([Arc::new(Slow(gate.clone())) as Arc<dyn Action>]);
        let settings = ExecutorConfig::edge(folder.path(), actions);
        let executor = Executor::new(settings, Arc::new(NoGate), clock.clone()).unwrap();
        let (book, stop) = (Arc::new(Book::default()), Arc::new(AtomicBool::new(false)));
        let (hands, threads) = Hands::start(vec![(Lane::Kernel, executor)], book.clone(), stop.clone()).unwrap();
        let orders = crate::orders::Orders::new(String::new(), clock, Arc::new(SystemRandom::new()));
        Scene { _folder: folder, gate, book, stop, hands, threads, orders }
    }

    fn order(&self) -> Order {
        self.orders.block([192, 0, 2, 7].into(), Duration::from_secs(600), &crate::orders::Reason::default())
    }

    /// Told to stop while nothing can be done, which changes then; gives how many orders were carried out.
    fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        let told = self.book.0.lock().unwrap();
        told.iter().filter(|receipt| receipt.state() == ReceiptState::Verified).count()
    }
}

#[test]
fn what_waits_at_a_stop_is_carried_out() {
    let scene = Scene::new();
    assert!((0..20).all(|_| scene.hands.give(scene.order())));
    assert_eq!(scene.end(), 20);
}

#[test]
fn what_finds_no_room_is_said() {
    let scene = Scene::new();
    let given = (0..).take_while(|_| scene.hands.give(scene.order())).count();
    assert!((WAITING..=WAITING + 1).contains(&given), "{given}");
    assert!(scene.hands.carry(scene.order()).unwrap_err().is(&fault::HANDS));
    assert!(scene.hands.offer(Lane::Kernel, scene.order()).is_some());
    assert!(scene.end() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_order_of_the_server_is_lost_while_the_hands_are_busy() {
    let scene = Scene::new();
    let (sender, given) = tokio::sync::mpsc::channel(8);
    let passing = tokio::spawn(crate::outbox::pass(given, scene.hands.clone()));
    let many = WAITING + 50;
    for _ in 0..many {
        sender.send(scene.order()).await.unwrap();
    }
    *scene.gate.0.lock().unwrap() = true;
    scene.gate.1.notify_all();
    let carried = || scene.book.0.lock().unwrap().len();
    while carried() < many {
        tokio::task::yield_now().await;
    }
    drop(sender);
    passing.await.unwrap();
    assert_eq!(scene.end(), many);
}
