//! Where tests let the agent die. Outside of tests both calls are empty.

#[cfg(test)]
pub(crate) use testing::{Burnt, arm, burn, is_next, left};

/// A point at which a crash is interesting.
#[cfg(not(test))]
pub(crate) fn burn(_: &'static str) {}

/// Whether the next point is the one to die at.
#[cfg(not(test))]
pub(crate) fn is_next() -> bool {
    false
}

#[cfg(test)]
mod testing {
    use std::cell::Cell;

    /// What the unwinding carries: the point of death.
    #[derive(Debug)]
    pub(crate) struct Burnt(#[allow(dead_code, reason = "shown by Debug when a test fails")] pub(crate) &'static str);

    thread_local! {
        static LEFT: Cell<Option<usize>> = const { Cell::new(None) };
    }

    /// Dies at the point with this number, counted from 0; `None` never.
    pub(crate) fn arm(points: Option<usize>) {
        LEFT.set(points);
    }

    /// Points left until the death.
    pub(crate) fn left() -> Option<usize> {
        LEFT.get()
    }

    /// Unwinds like a process that is killed: nothing of ours runs on the way, there is no clean-up code.
    pub(crate) fn burn(point: &'static str) {
        match LEFT.get() {
            Some(0) => {
                LEFT.set(None);
                std::panic::panic_any(Burnt(point));
            }
            Some(left) => LEFT.set(Some(left - 1)),
            None => {}
        }
    }

    pub(crate) fn is_next() -> bool {
        LEFT.get() == Some(0)
    }
}
