//! `scrub-lab`: what a packet costs; a controller and a watchdog as processes of their own, for tests that kill them.

use base::{Fault, SystemRandom};
use ddos::{Level, Prefix};
use scrub::{Filter, Plan};
use scrub_lab::frame;
use scrub_lab::generate::Generator;
use scrub_lab::kinds::{Kind, Style};
use std::io::{BufRead, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

const USAGE: &str =
    "scrub-lab bench [quick]                                    what a packet costs, beside other filters
scrub-lab windows FILE SECONDS                             play users and floods through the filter, write what it saw
scrub-lab flood INTERFACE KIND STYLE FROM TO PORT PACKETS     send out of an interface of this namespace (index); FROM and TO
                                                           are MAC,ADDRESS
scrub-lab hold PINS INTERFACE LEASE_MS PREFIX LEVEL   attach or adopt, renew until stdin ends
scrub-lab watch PINS                                       remove the filter when its lease is over";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["hold", pins, interface, lease, prefix, level] => hold(pins, interface, lease, prefix, level),
        ["bench"] => bench(false),
        ["bench", "quick"] => bench(true),
        ["windows", file, seconds] => windows(file, seconds),
        ["flood", interface, kind, style, from, to, port, packets] => {
            flood(interface, kind, style, [from, to], port, packets)
        }
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

fn bench(quick: bool) -> Result<(), String> {
    if !scrub_lab::scene::allowed() {
        return Ok(());
    }
    let rows = scrub_lab::bench::run(quick).map_err(|cause| cause.to_string())?;
    kit::figures::publish("scrub", &rows)
}

fn windows(file: &str, seconds: &str) -> Result<(), String> {
    if !scrub_lab::scene::allowed() {
        return Ok(());
    }
    let seconds = seconds.parse().map_err(|_| USAGE)?;
    let file = std::fs::File::create(file).map_err(|cause| cause.to_string())?;
    let mut file = std::io::BufWriter::new(file);
    let written = scrub_lab::windows::run(seconds, &mut file).map_err(|cause| cause.to_string())?;
    file.flush().map_err(|cause| cause.to_string())?;
    println!("{written} windows");
    Ok(())
}

fn flood(interface: &str, kind: &str, style: &str, ends: [&str; 2], port: &str, packets: &str) -> Result<(), String> {
    let number = |text: &str| text.parse::<u32>().map_err(|_| USAGE.to_owned());
    let kind = Kind::ALL.into_iter().find(|known| known.word() == kind).ok_or(USAGE)?;
    let style = Style::ALL.into_iter().find(|known| known.word() == style).ok_or(USAGE)?;
    let end = |text: &str| -> Option<([u8; 6], std::net::IpAddr)> {
        let (mac, address) = text.split_once(',')?;
        let bytes: Vec<u8> = mac.split(':').filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
        Some((bytes.try_into().ok()?, address.parse().ok()?))
    };
    let [from, to] = ends.map(end);
    let (from, to) = (from.ok_or(USAGE)?, to.ok_or(USAGE)?);
    let path = frame::Path { from: from.0, to: to.0, ..frame::Path::new(from.1, to.1) };
    let port = port.parse().map_err(|_| USAGE)?;
    let generator = Generator::new(number(interface)?).map_err(|cause| cause.to_string())?;
    let sent = generator.send(&kind.recipe(path, style, port), number(packets)?).map_err(|cause| cause.to_string())?;
    println!("{} packets in {:.3} s", sent.packets, sent.time.as_secs_f64());
    Ok(())
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
