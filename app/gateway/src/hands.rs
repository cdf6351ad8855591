//! The thread that carries orders out, one after the other, and ends leases: orders of the server, and our own.

use crate::ban::Ban;
use crate::fault;
use crate::filter::Filter;
use crate::offence::Policies;
use action::{Action, Direction, Executor, ExecutorConfig, Hands, Management, NeverList, NoGate};
use base::{Clock, Fault, Prefix, Result};
use bus::SharedSpool;
use flood::Bans;
use record::Order;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread::JoinHandle;

/// What orders are carried out with.
pub struct Work {
    /// Our id, 32 hexadecimal digits; empty or zeros without a server.
    pub agent: String,
    /// Where the server is, as `https://host:port`.
    pub server: Option<String>,
    /// Who is banned.
    pub bans: Arc<Bans>,
    /// Who never is.
    pub policies: Policies,
    /// The packet filter that drops them too.
    pub filter: Filter,
    /// Where receipts go.
    pub spool: SharedSpool,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The thread at work.
pub struct Running {
    orders: Sender<Order>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Starts, and takes over what was in force when the gateway last ended.
    ///
    /// # Errors
    /// When the journal of the state directory cannot be opened.
    pub fn start(state: &Path, work: Work) -> Result<Running> {
        let (bans, policies, filter) = (work.bans.clone(), work.policies.clone(), work.filter.clone());
        let hands = Hands::of([Arc::new(Ban { bans, policies, filter }) as Arc<dyn Action>]);
        let management = work.server.as_deref().map(|url| fleet::addresses(&state.join("server-addresses.json"), url));
        let management = management.into_iter().flatten().map(|address| Management {
            address: Prefix::single(address.ip()),
            port: address.port(),
            direction: Direction::Outbound,
        });
        let never = NeverList { management: management.collect(), ..NeverList::default() };
        let agent = work.agent.clone();
        let config = ExecutorConfig { agent, never, ..ExecutorConfig::edge(state.join("actions"), hands) };
        let (orders, inbox) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, begun) = sync_channel(1);
        let (stopping, spool, clock) = (stop.clone(), work.spool, work.clock);
        let refused = |cause| Fault::new(&fault::THREAD).object("hands").because(cause);
        let act = move || match Executor::new(config, Arc::new(NoGate), clock) {
            Ok(executor) => {
                // Whoever started us waits for this.
                let _ = ready.send(Ok(()));
                action::serve(executor, &inbox, &|receipt| spool.push_receipt(receipt).map(drop), &stopping);
            }
            Err(fault) => drop(ready.send(Err(fault))),
        };
        let thread = std::thread::Builder::new().name("hands".into()).spawn(act).map_err(refused)?;
        begun.recv().unwrap_or_else(|_| Err(Fault::new(&fault::THREAD).object("hands")))?;
        Ok(Running { orders, stop, thread })
    }

    /// Where orders go in.
    pub fn orders(&self) -> Sender<Order> {
        self.orders.clone()
    }

    /// Whether the thread has ended by itself.
    pub fn broken(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends; leases go on in the journal.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic was reported by the thread itself.
        let _ = self.thread.join();
    }
}
