//! The exec gate for actions, answered by the sensor's thread between two polls.

use action::{Denied, Gate};
use base::{Class, Code, Fault, Result};
use std::collections::HashSet;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, MutexGuard};
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

/// A wish to the sensor.
pub struct Wish {
    /// Device number, kernel encoding.
    pub device: u32,
    /// Inode number.
    pub inode: u64,
    /// Deny or allow again.
    pub deny: bool,
    answer: SyncSender<Result<()>>,
}

impl Wish {
    /// Answers it.
    pub fn answer(self, result: Result<()>) {
        // Whoever asked may have lost patience.
        let _ = self.answer.send(result);
    }
}

/// The asking side.
pub struct SensorGate {
    wishes: Sender<Wish>,
    standing: Mutex<HashSet<Denied>>,
}

/// Both ends.
pub fn pair() -> (SensorGate, Receiver<Wish>) {
    let (wishes, inbox) = channel();
    (SensorGate { wishes, standing: Mutex::default() }, inbox)
}

impl SensorGate {
    fn ask(&self, denied: &Denied, deny: bool) -> Result<()> {
        let Denied::File { device, inode, .. } = denied else {
            let unsupported = Fault::new(&action::fault::UNSUPPORTED).object(denied);
            return Err(unsupported.expected("a file").found("a digest; the fanotify gate refuses those"));
        };
        let silent = || Fault::new(&SILENT).object("exec gate");
        let (answer, answered) = sync_channel(1);
        let wish = Wish { device: action::kernel_device(*device), inode: *inode, deny, answer };
        self.wishes.send(wish).map_err(|_| silent())?;
        answered.recv_timeout(PATIENCE).map_err(|_| silent())?
    }

    fn standing(&self) -> MutexGuard<'_, HashSet<Denied>> {
        self.standing.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Gate for SensorGate {
    fn name(&self) -> String {
        "kernel program at exec".to_string()
    }

    fn deny(&self, denied: &Denied) -> Result<()> {
        self.ask(denied, true)?;
        self.standing().insert(denied.clone());
        Ok(())
    }

    fn allow(&self, denied: &Denied) -> Result<()> {
        if !self.standing().remove(denied) {
            return Ok(());
        }
        self.ask(denied, false)
    }

    fn denies(&self, denied: &Denied) -> Result<Option<String>> {
        // The kernel's map is written by the sensor alone, and its answer to the wish was the read-back.
        Ok(self.standing().contains(denied).then(|| format!("{denied} is in the kernel's deny map")))
    }
}
