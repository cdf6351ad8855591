//! What a window of a session is: an attack, users, or neither clearly.

use crate::corpus::Session;
use crate::session::Second;

/// The truth of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// At least a quarter of its packets are the flood's.
    Attack,
    /// None is.
    Users,
    /// In between: a flood's first or last packets. Not measured, not trained on.
    Between,
}

/// The truth of a window.
pub fn truth(window: &Second) -> Truth {
    match (window.attack, window.counters.packets) {
        (0, _) => Truth::Users,
        (attack, packets) if attack * 4 >= packets => Truth::Attack,
        _ => Truth::Between,
    }
}

/// Calls back with each window of a session: its number, what the watch would see of it, and the truth.
pub fn each(session: &Session, mut judge: impl FnMut(i64, &Second, Truth)) {
    for (number, window) in (1..).zip(&session.windows) {
        if window.counters.packets > 0 {
            judge(number, window, truth(window));
        }
    }
}
