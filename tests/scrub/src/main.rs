//! `scrub-lab`: a controller and a watchdog as processes of their own, for tests that kill them.

use base::{Fault, SystemRandom};
use ddos::{Level, Prefix};
use scrub::{Filter, Plan};
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

const USAGE: &str = "scrub-lab hold PINS INTERFACE LEASE_MS PREFIX LEVEL   attach or adopt, renew until stdin ends
scrub-lab watch PINS                                       remove the filter when its lease is over";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["hold", pins, interface, lease, prefix, level] => hold(pins, interface, lease, prefix, level),
        ["watch", pins] => scrub::watch(Path::new(pins)).map_err(text).map(|ended| println!("{ended:?}")),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("{cause}");
            ExitCode::FAILURE
        }
    }
}

fn text(fault: Fault) -> String {
    fault.inside()
}

/// A controller: it attaches or adopts, says so, and renews its lease until its input ends; then it detaches.
fn hold(pins: &str, interface: &str, lease: &str, prefix: &str, level: &str) -> Result<(), String> {
    let interface = interface.parse().map_err(|_| USAGE)?;
    let lease = Duration::from_millis(lease.parse().map_err(|_| USAGE)?);
    let prefix: Prefix = prefix.parse().map_err(text)?;
    let level = Level::from_word(level).ok_or(USAGE)?;
    let mut filter = match Filter::adopt(Path::new(pins), lease).map_err(text)? {
        Some(filter) => {
            println!("adopted");
            filter
        }
        None => {
            let plan = Plan { lease, ..Plan::new(interface, pins.into()) };
            let mut filter = Filter::attach(&plan, &SystemRandom::new()).map_err(text)?;
            filter.protect(&[(prefix, level)]).map_err(text)?;
            println!("attached");
            filter
        }
    };
    std::io::stdout().flush().map_err(|cause| cause.to_string())?;
    let (closed, ended) = mpsc::channel();
    std::thread::spawn(move || {
        for _ in std::io::stdin().lock().lines() {}
        let _ = closed.send(());
    });
    while ended.recv_timeout(lease / 4) == Err(mpsc::RecvTimeoutError::Timeout) {
        filter.renew().map_err(text)?;
    }
    filter.detach().map_err(text)
}
