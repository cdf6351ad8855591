//! The exec gate for actions, answered by the sensor's thread between two polls.

use action::{Denied, FileKey, Gate};
use base::{Class, Code, Fault, Result};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Longest wait for the sensor's answer; it polls at least ten times a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sensor does not answer.
pub const SILENT: Code = Code {
    id: "agent.gate-silent",
    class: Class::Unavailable,
    title: "the sensor does not answer",
    title_zh: "传感器没有响应",
    hint: "kernel programs may not be loaded; see `garrison-agent probe`",
    hint_zh: "内核程序可能未加载；请查看 `garrison-agent probe`",
};

/// What is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Refuse executions of the file.
    Deny,
    /// Allow them again.
    Allow,
    /// Tell whether the kernel refuses them now.
    Query,
}

/// A wish waits for the sensor.
const WAITING: u8 = 0;
/// The sensor carries it out.
const TAKEN: u8 = 1;
/// Whoever wished has lost patience: it must not be carried out any more.
const CANCELLED: u8 = 2;

/// A wish to the sensor.
pub struct Wish {
    /// The file.
    pub file: FileKey,
    /// What to do.
    pub deed: Deed,
    state: Arc<AtomicU8>,
    answer: SyncSender<Result<bool>>,
}

impl Wish {
    /// Carries it out, unless it was given up meanwhile; a denial that takes place after its order was answered with
    /// "failed" would be nobody's. Answers whether the kernel refuses the file now.
    pub fn serve(self, carry_out: impl FnOnce(Deed, FileKey) -> Result<bool>) {
        if self.state.compare_exchange(WAITING, TAKEN, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            // Whoever asked may have ended.
            let _ = self.answer.send(carry_out(self.deed, self.file));
        }
    }
}

/// The asking side.
pub struct SensorGate {
    wishes: Sender<Wish>,
    patience: Duration,
}

/// Both ends.
pub fn pair() -> (SensorGate, Receiver<Wish>) {
    let (wishes, inbox) = channel();
    (SensorGate { wishes, patience: PATIENCE }, inbox)
}

impl SensorGate {
    fn ask(&self, denied: &Denied, deed: Deed) -> Result<bool> {
        let Denied::File { key, .. } = denied else {
            // Contents are the fanotify gate's.
            if deed != Deed::Deny {
                return Ok(false);
            }
            let unsupported = Fault::new(&action::fault::UNSUPPORTED).object(denied);
            return Err(unsupported.expected("a file").found("a digest"));
        };
        let silent = || Fault::new(&SILENT).object("exec gate");
        let (answer, answered) = sync_channel(1);
        let state = Arc::new(AtomicU8::new(WAITING));
        let wish = Wish { file: *key, deed, state: Arc::clone(&state), answer };
        self.wishes.send(wish).map_err(|_| silent())?;
        if let Ok(answer) = answered.recv_timeout(self.patience) {
            return answer;
        }
        match state.compare_exchange(WAITING, CANCELLED, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Err(silent()),
            // It is being carried out at this moment: what comes of it counts.
            Err(_) => answered.recv_timeout(self.patience).map_err(|_| silent())?,
        }
    }
}

impl Gate for SensorGate {
    fn name(&self) -> String {
        "kernel program at exec".to_string()
    }

    fn deny(&self, denied: &Denied, _: Option<BorrowedFd<'_>>) -> Result<()> {
        match self.ask(denied, Deed::Deny)? {
            true => Ok(()),
            false => {
                let unsupported = Fault::new(&action::fault::UNSUPPORTED).object(denied);
                Err(unsupported.expected("a kernel hook that refuses executions").found("none that works"))
            }
        }
    }

    fn allow(&self, denied: &Denied, _: Option<BorrowedFd<'_>>) -> Result<()> {
        self.ask(denied, Deed::Allow).map(|_| ())
    }

    fn denies(&self, denied: &Denied) -> Result<Option<String>> {
        let denies = self.ask(denied, Deed::Query)?;
        Ok(denies.then(|| format!("kernel: {denied} is in the map of denied files")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Denied {
        Denied::File { device: 1, inode: 2, key: FileKey { device: 1, inode: 2 }, path: "/x".into() }
    }

    #[test]
    fn a_wish_that_was_given_up_is_not_carried_out() {
        let (mut gate, inbox) = pair();
        gate.patience = Duration::ZERO;
        assert!(gate.deny(&file(), None).unwrap_err().is(&SILENT));
        inbox.recv().unwrap().serve(|_, _| panic!("carried out after all"));
    }

    #[test]
    fn the_answer_is_what_the_kernel_says() {
        let (gate, inbox) = pair();
        let sensor = std::thread::spawn(move || {
            let mut map = std::collections::BTreeSet::new();
            while let Ok(wish) = inbox.recv() {
                wish.serve(|deed, key| {
                    match deed {
                        Deed::Deny => map.insert(key),
                        Deed::Allow => map.remove(&key),
                        Deed::Query => false,
                    };
                    Ok(map.contains(&key))
                });
            }
        });
        assert_eq!(gate.denies(&file()).unwrap(), None);
        gate.deny(&file(), None).unwrap();
        assert!(gate.denies(&file()).unwrap().is_some());
        gate.allow(&file(), None).unwrap();
        assert_eq!(gate.denies(&file()).unwrap(), None);
        assert!(gate.deny(&Denied::Sha256([0; 32]), None).unwrap_err().is(&action::fault::UNSUPPORTED));
        drop(gate);
        sensor.join().unwrap();
    }
}
