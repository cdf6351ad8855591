//! A session judged from its begin to its end by a watch with rules and model together, as in service.

use crate::corpus::Session;
use crate::window::{Truth, truth};
use ddos::{Class, Model, Prefix, Settings, Watch};

/// Seconds of users that a known destination has seen: the ten that are there, again and again.
const TAUGHT_S: usize = 330;

/// What became of a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Windows of the flood.
    pub attacks: usize,
    /// Of these, with an alarm.
    pub alarmed: usize,
    /// Of those, called by the right class first.
    pub named: usize,
    /// Windows of users alone.
    pub users: usize,
    /// Of these, with an alarm that no flood before explains.
    pub falsely: usize,
    /// Windows from the flood's first to the first alarm, that one counted; `None` when there was none.
    pub after: Option<usize>,
}

/// Whether the destination has a history when the session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Nothing is known of it.
    None,
    /// Its usual traffic is.
    Known,
}

/// Judges a session; `None` when it has no users to make a history of.
pub fn judge(session: &Session, history: History, settings: &Settings, model: Option<&Model>) -> Option<Verdict> {
    let mut watch = Watch::new(Prefix::single(std::net::Ipv4Addr::new(198, 51, 100, 7).into()), settings.clone());
    let mut now = 1_700_000_000_000_000_i64;
    if history == History::Known {
        if session.usual.is_empty() {
            return None;
        }
        for second in session.usual.iter().cycle().take(TAUGHT_S) {
            now += 1_000_000;
            watch.second(now, &second.counters, &second.samples, None, None);
        }
    }
    let class = Class::from_word(&session.class);
    let (mut verdict, mut began) = (Verdict::default(), None);
    for (number, window) in session.windows.iter().enumerate() {
        now += 1_000_000 * session.span_s;
        let judgement = watch.second(now, &window.counters, &window.samples, None, model);
        match truth(window) {
            Truth::Attack => {
                let first = *began.get_or_insert(number);
                verdict.attacks += 1;
                if judgement.alarm {
                    verdict.alarmed += 1;
                    verdict.after.get_or_insert(number - first + 1);
                    verdict.named += usize::from(judgement.class() == class);
                }
            }
            Truth::Users if began.is_none() && window.counters.packets > 0 => {
                verdict.users += 1;
                verdict.falsely += usize::from(judgement.alarm);
            }
            _ => {}
        }
    }
    Some(verdict)
}

impl std::ops::AddAssign<&Verdict> for Verdict {
    fn add_assign(&mut self, other: &Verdict) {
        self.attacks += other.attacks;
        self.alarmed += other.alarmed;
        self.named += other.named;
        self.users += other.users;
        self.falsely += other.falsely;
    }
}
