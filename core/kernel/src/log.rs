//! Catches what libbpf says, so that it goes into faults and not to the terminal.

use libbpf_rs::{PrintLevel, set_print};
use std::cell::RefCell;
use std::sync::Once;

/// A verifier log may reach megabytes; what is kept of one load.
const KEPT_BYTES: usize = 256 * 1024;

thread_local! {
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn catch(_level: PrintLevel, text: String) {
    CAUGHT.with_borrow_mut(|caught| {
        if let Some(caught) = caught.as_mut().filter(|caught| caught.len() < KEPT_BYTES) {
            caught.push_str(&text);
        }
    });
}

/// Runs a call and returns with its result what libbpf said on this thread meanwhile.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> (T, String) {
    static SET: Once = Once::new();
    SET.call_once(|| {
        set_print(Some((PrintLevel::Warn, catch)));
    });
    CAUGHT.set(Some(String::new()));
    let result = call();
    (result, CAUGHT.take().unwrap_or_default())
}
