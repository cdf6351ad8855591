//! Questions of an agent to its server, and the answers.

use crate::wire::{Answer, Ask};
use std::collections::VecDeque;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// Questions that may wait for the link.
const WAITING: usize = 256;

struct Inner {
    waiting: Mutex<VecDeque<Ask>>,
    changed: Notify,
    answers: Sender<Answer>,
}

/// Questions on their way; clones are the same queue. It promises nothing: a question is lost with its link, and who
/// asked asks again after a while.
#[derive(Clone)]
pub struct Questions(Arc<Inner>);

impl Questions {
    /// An empty queue. Answers go into `answers`, by the number of the question.
    pub fn new(answers: Sender<Answer>) -> Questions {
        Questions(Arc::new(Inner { waiting: Mutex::default(), changed: Notify::new(), answers }))
    }

    /// Asks, from any thread and without waiting. False when too many questions wait already: the link is away.
    pub fn ask(&self, ask: Ask) -> bool {
        let mut waiting = self.waiting();
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
        // Who asked may have ended.
        let _ = self.0.answers.send(answer);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Ask>> {
        self.0.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
