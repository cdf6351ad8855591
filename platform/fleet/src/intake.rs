//! The agent's end of content: parts come in, whole pieces are settled beside the link, one after the other.

use crate::Questions;
use crate::content::{Contents, Step, Whole};
use crate::wire::{AgentAsks, Held, ServerBrings, Took};
use std::collections::VecDeque;
use tokio::task::JoinHandle;

/// What the link does for content and questions.
pub(crate) struct Intake {
    contents: Option<Contents>,
    questions: Option<Questions>,
    whole: VecDeque<Whole>,
    settling: Option<JoinHandle<Took>>,
    took: VecDeque<Took>,
    room: u64,
}

impl Intake {
    pub(crate) fn new(contents: Option<Contents>, questions: Option<Questions>) -> Intake {
        Intake { contents, questions, whole: VecDeque::new(), settling: None, took: VecDeque::new(), room: 0 }
    }

    /// What the greeting says.
    pub(crate) fn held(&self) -> Vec<Held> {
        self.contents.as_ref().map(Contents::held).unwrap_or_default()
    }

    /// Takes what the server brings.
    pub(crate) fn hear(&mut self, brings: ServerBrings) {
        match (brings, &self.contents, &self.questions) {
            (ServerBrings::Answer(answer), _, Some(questions)) => questions.answered(answer),
            (ServerBrings::Content(content), Some(contents), _) => match contents.part(content) {
                Step::Room(bytes) => self.room += bytes,
                Step::Whole(whole) => self.whole.push_back(whole),
                Step::Took(took) => self.took.push_back(took),
            },
            // Not asked for.
            (ServerBrings::Answer(_), _, None) | (ServerBrings::Content(_), None, _) => {}
        }
        self.settle();
    }

    fn settle(&mut self) {
        let (None, Some(contents)) = (&self.settling, &self.contents) else { return };
        if let Some(whole) = self.whole.pop_front() {
            let contents = contents.clone();
            self.settling = Some(tokio::task::spawn_blocking(move || contents.settle(whole)));
        }
    }

    /// Returns when a piece was settled or a question waits.
    pub(crate) async fn due(&mut self) {
        let settled = async {
            match &mut self.settling {
                Some(settling) => settling.await,
                None => std::future::pending().await,
            }
        };
        let asked = async {
            match &self.questions {
                Some(questions) => questions.changed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            took = settled => {
                self.settling = None;
                // An error is a panic of the taker: the piece stays unanswered until the next link.
                self.took.extend(took.ok());
                self.settle();
            }
            () = asked => {}
        }
    }

    /// Whether there is something to say.
    pub(crate) fn any(&self) -> bool {
        self.room > 0 || !self.took.is_empty() || self.questions.as_ref().is_some_and(Questions::any)
    }

    /// What to say next.
    pub(crate) fn next(&mut self) -> Option<AgentAsks> {
        if let Some(took) = self.took.pop_front() {
            return Some(AgentAsks::Took(took));
        }
        if self.room > 0 {
            return Some(AgentAsks::Room(std::mem::take(&mut self.room)));
        }
        self.questions.as_ref().and_then(Questions::next).map(AgentAsks::Ask)
    }
}
