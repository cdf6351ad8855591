//! Sources that attack: sound requests for real pages, from many addresses, by three kinds of programs.

use crate::link::Link;
use crate::{Chance, address};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A script on a dear page, a library on all pages, and one that looks like a browser.
const PROGRAMS: [&str; 3] = [
    "GET /search?q={} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: python-requests/2.32\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    "GET /item/{} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n",
    "GET /?r={} HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 Chrome/149.0\r\nAccept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip\r\nAccept-Language: zh-CN,zh;q=0.9\r\n\r\n",
];

/// Connections of a source: what waits on one holds up the others as little as with real attackers.
const CONNECTIONS: u32 = 4;

/// Sends from so many sources, so many requests a second each, and prints what came back.
pub fn flood(target: SocketAddrV4, first: Ipv4Addr, sources: u32, rate: f64, seconds: u64) {
    let end = Instant::now() + Duration::from_secs(seconds);
    let answers = Mutex::new(BTreeMap::<String, u64>::new());
    std::thread::scope(|scope| {
        for number in 0..sources * CONNECTIONS {
            let answers = &answers;
            let source = move || {
                let counted = source(
                    target,
                    address(first, number / CONNECTIONS, 37),
                    number,
                    rate / f64::from(CONNECTIONS),
                    end,
                );
                let mut answers = answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                for (answer, count) in counted {
                    *answers.entry(answer).or_default() += count;
                }
            };
            // Hundreds of them: a small stack each.
            let started = std::thread::Builder::new().stack_size(128 * 1024).spawn_scoped(scope, source);
            if let Err(cause) = started {
                eprintln!("crowd: source {number} did not start: {cause}");
            }
        }
    });
    let answers = answers.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let answers: Vec<String> = answers.iter().map(|(answer, count)| format!("\"{answer}\":{count}")).collect();
    println!("{{{}}}", answers.join(","));
}

/// One connection of a source; all of them are one program.
fn source(to: SocketAddrV4, from: Ipv4Addr, number: u32, rate: f64, end: Instant) -> BTreeMap<String, u64> {
    let mut counted = BTreeMap::new();
    let mut chance = Chance(u64::from(number) + 1000);
    let mut link = Link::new(from, to, Duration::from_secs(5));
    let pause = Duration::from_secs_f64(1.0 / rate);
    let mut next = Instant::now() + pause.mul_f64(chance.below(1000) as f64 / 1000.0);
    while next < end {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        // Who is held up by a slow answer makes up for it, as far as a second.
        next = (next + pause).max(Instant::now() - Duration::from_secs(1));
        let program = PROGRAMS[(number / CONNECTIONS) as usize % PROGRAMS.len()];
        let request = program.replacen("{}", &chance.below(1000).to_string(), 1);
        let answer =
            link.ask(&request).map_or_else(|cause| cause.kind().to_string(), |answer| answer.status.to_string());
        *counted.entry(answer).or_default() += 1;
    }
    counted
}
