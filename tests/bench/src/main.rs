//! `make bench`: speed and cost, beside a peer in the same run where there is one. Prints tables and writes
//! `target/figures/*.json` in the one shape of the design.
//!
//! `bench host AGENT ROUNDS` needs root (kernel programs, auditd); the others need none.

mod chain_bench;
mod compile;
mod host;
mod integrity_bench;
mod intel;
mod inventory;
mod lake_bench;
mod load;
mod logs_bench;
mod rules;
mod scan_bench;
mod share_bench;
mod watcher;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["host", agent, rounds] => host::run(Path::new(agent), rounds.parse().unwrap_or(5)),
        ["compile", agent] => compile::run(Path::new(agent)),
        ["lake", events] => lake_bench::run(events.parse().unwrap_or(10_000_000)),
        ["rules"] => rules::run(),
        ["chain"] => chain_bench::run(),
        ["logs"] => logs_bench::run(),
        ["scan"] => scan_bench::run(),
        ["integrity"] => integrity_bench::run(),
        ["intel", indicators] => intel::run(indicators.parse().unwrap_or(5_000_000)),
        ["inventory", advisories] => inventory::run(advisories.parse().unwrap_or(50_000)),
        ["taxii"] => share_bench::taxii(),
        ["update", agents, indicators] => {
            share_bench::update(agents.parse().unwrap_or(200), indicators.parse().unwrap_or(1_000_000))
        }
        ["intel-hold", role, path] => intel::hold(role, Path::new(path)),
        ["spin", "exec", count] => load::exec(count.parse().unwrap_or(0)),
        ["spin", "open", count, folder, rate] => {
            load::open(count.parse().unwrap_or(0), Path::new(folder), rate.parse().unwrap_or(0))
        }
        _ => {
            Err("usage: bench host AGENT ROUNDS | compile AGENT | lake EVENTS | rules | chain | logs | scan | integrity | intel INDICATORS | taxii | update AGENTS INDICATORS | inventory ADVISORIES"
                .to_string())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}
