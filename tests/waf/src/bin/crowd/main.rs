//! The crowd of the flood story: an application with few workers, people who browse, and sources that attack.
//!
//! - `crowd origin ADDRESS WORKERS MILLISECONDS`: an application that takes so long a page, so many at once.
//! - `crowd people TARGET FIRST COUNT SECONDS`: so many people with addresses from FIRST on; a line of JSON a visit.
//! - `crowd attack TARGET FIRST SOURCES RATE SECONDS`: so many sources, so many requests a second each; a line of JSON at the end.
//!
//! People do what a browser does: they keep connections and cookies, and answer a challenge as its script would.

mod attack;
mod link;
mod origin;
mod people;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;

const USAGE: &str = "usage: crowd origin ADDRESS WORKERS MILLISECONDS\n       crowd people TARGET FIRST COUNT SECONDS\n       \
                     crowd attack TARGET FIRST SOURCES RATE SECONDS";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Some(()) => ExitCode::SUCCESS,
        None => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Option<()> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["origin", address, workers, milliseconds] => {
            origin::serve(address.parse().ok()?, workers.parse().ok()?, milliseconds.parse().ok()?)
        }
        ["people", target, first, count, seconds] => {
            people::browse(target.parse().ok()?, first.parse().ok()?, count.parse().ok()?, seconds.parse().ok()?);
            Some(())
        }
        ["attack", target, first, sources, rate, seconds] => {
            let (target, first): (SocketAddrV4, Ipv4Addr) = (target.parse().ok()?, first.parse().ok()?);
            attack::flood(target, first, sources.parse().ok()?, rate.parse().ok()?, seconds.parse().ok()?);
            Some(())
        }
        _ => None,
    }
}

/// The address `number` places behind `first`, `step` apart.
fn address(first: Ipv4Addr, number: u32, step: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(first).wrapping_add(number * step))
}

/// Numbers that look like chance and repeat (SplitMix64), one generator a thread.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit.max(1)
    }
}
