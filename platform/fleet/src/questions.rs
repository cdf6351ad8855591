//! Questions of an agent to its server, and the answers.

use crate::wire::{Answer, Ask};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// Questions that may wait for the link.
const WAITING: usize = 256;

struct Inner {
    waiting: Mutex<VecDeque<Ask>>,
    changed: Notify,
    answered: Box<dyn Fn(Answer) + Send + Sync>,
}

/// Questions on their way; clones are the same queue. It promises nothing: a question is lost with its link, and who
/// asked asks again after a while.
#[derive(Clone)]
pub struct Questions(Arc<Inner>);

impl Questions {
    /// An empty queue. Each answer is handed to `answered` on a thread of the link, so it must not wait.
    pub fn new(answered: impl Fn(Answer) + Send + Sync + 'static) -> Questions {
        let answered = Box::new(answered);
        Questions(Arc::new(Inner { waiting: Mutex::default(), changed: Notify::new(), answered }))
    }

    /// Asks, from any thread and without waiting. A question that waits already is not put twice. False when too many
    /// wait: the link is away.
    pub fn ask(&self, ask: Ask) -> bool {
        let mut waiting = self.waiting();
        if waiting.iter().any(|other| other.id == ask.id) {
            return true;
        }
        if waiting.len() >= WAITING {
            return false;
        }
        waiting.push_back(ask);
        drop(waiting);
        self.0.changed.notify_one();
        true
    }

    pub(crate) fn next(&self) -> Option<Ask> {
        self.waiting().pop_front()
    }

    pub(crate) fn any(&self) -> bool {
        !self.waiting().is_empty()
    }

    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    pub(crate) fn answered(&self, answer: Answer) {
        (self.0.answered)(answer);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Ask>> {
        self.0.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
