//! What five million addresses cost: `cargo test -p pool --test it -- --ignored --nocapture`. Writes `figures/pool.json`.
//!
//! Each shape is measured in a process of its own, so that memory which another has left behind is not counted. The worst
//! case is cut into single addresses, no two neighbours with one holder; the usual one is in ranges of 250. Memory is what
//! the process grew by; times are those that the thread was on a processor, medians of runs: the machine may be busy.

use pool::{Change, Held, Kind, Limits, Pool, Range, Row};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ADDRESSES: u32 = 5_000_000;
const HOLDERS: u32 = 1000;
const CALLS: u32 = 200_000;
const RUNS: usize = 5;

/// Resident memory, bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Seconds that this thread was on a processor.
fn processor() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn at(number: u32, ipv6: bool) -> IpAddr {
    match ipv6 {
        false => IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number)),
        true => IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::from(number))),
    }
}

/// All addresses in ranges of `size`, the next range always another holder's.
fn filled(size: u32, ipv6: bool) -> Pool {
    let holders = (0..HOLDERS).map(|number| (format!("customer-{number:04}"), Kind::Customer));
    let rows = (0..ADDRESSES / size).map(|number| Row {
        range: Range::new(at(number * size, ipv6), at(number * size + size - 1, ipv6)).unwrap(),
        holder: Some(format!("customer-{:04}", number % HOLDERS)),
    });
    Pool::restore(Limits::default(), holders, rows).unwrap()
}

/// Microseconds a call, by runs.
fn times(mut call: impl FnMut(u32)) -> Vec<f64> {
    let mut number = 1_u32;
    let mut run = || {
        let begin = processor();
        for _ in 0..CALLS {
            // Numerical Recipes' generator: addresses in no order.
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            call(((u64::from(number) * u64::from(ADDRESSES)) >> 32) as u32);
        }
        (processor() - begin) * 1e6 / f64::from(CALLS)
    };
    (0..RUNS).map(|_| run()).collect()
}

fn row(id: &str, what: &str, unit: &str, mut ours: Vec<f64>, goal: f64, data: &str) -> Value {
    ours.sort_by(f64::total_cmp);
    ours.iter_mut().for_each(|value| *value = (*value * 1000.0).round() / 1000.0);
    let median = ours[ours.len() / 2];
    json!({"id": id, "what": what, "ours": median, "unit": unit, "peer": null, "peer_name": "", "ratio": null,
        "goal": format!("<= {goal}"), "met": median <= goal, "runs": ours.len(), "spread": [ours[0], ours[ours.len() - 1]],
        "data": format!("5,000,000 addresses of 1000 holders, {data}")})
}

fn measure(shape: &str, size: u32, ipv6: bool, bytes: f64, rows: &mut Vec<Value>) {
    let before = resident();
    let begin = processor();
    let mut pool = filled(size, ipv6);
    let restored = processor() - begin;
    let each = || resident().saturating_sub(before) as f64 / f64::from(ADDRESSES);
    let data = if size == 1 { "each alone: no two neighbours have one holder" } else { "in ranges of 250" };
    let data = format!("{data}, {}", if ipv6 { "IPv6" } else { "IPv4" });
    let id = |what: &str| format!("E4.pool-{shape}-{what}");
    rows.push(row(&id("memory"), "memory of the pool an address", "B", vec![each()], bytes, &data));
    rows.push(row(&id("restore"), "the whole pool made again of its rows", "s", vec![restored], 60.0, &data));
    let all: Vec<f64> = (0..RUNS as u32)
        .map(|number| {
            let (from, to) = (format!("customer-{:04}", number * 2), format!("customer-{:04}", number * 2 + 1));
            let begin = processor();
            pool.apply(&Change::MoveAll { from, to }).unwrap();
            (processor() - begin) * 1000.0
        })
        .collect();
    rows.push(row(&id("move-all"), "all addresses of one holder, 5000, to another", "ms", all, 500.0, &data));
    let look = times(|number| assert!(matches!(black_box(&pool).look(at(number, ipv6)), Held::By(_))));
    rows.push(row(&id("look"), "look-up of an address", "us", look, 5.0, &data));
    let moved = times(|number| {
        let range = Range::single(at(number, ipv6));
        let Held::By(from) = pool.look(range.first()) else { panic!("{range} is held") };
        let (from, to) = (from.to_string(), format!("customer-{:04}", number.wrapping_mul(7) % HOLDERS));
        pool.apply(&Change::Move { range, from, to }).unwrap();
    });
    rows.push(row(&id("move"), "look-up and move of one address to another holder", "us", moved, 20.0, &data));
    let what = "the same after a million moves of single addresses";
    rows.push(row(&id("memory-moved"), what, "B", vec![each()], bytes * 4.0, &data));
    let mut page = Vec::new();
    for number in 0..RUNS as u32 * 20 {
        let begin = processor();
        let name = format!("customer-{:04}", number * 9 % HOLDERS);
        black_box(pool.held(Some(&name), at(ADDRESSES / 2, ipv6)).unwrap().take(1000).count());
        page.push((processor() - begin) * 1e6);
    }
    rows.push(row(&id("page"), "1000 ranges of one holder, from the middle", "us", page, 5000.0, &data));
}

/// Name, addresses a range, IPv6, bytes an address that are wanted at most.
const SHAPES: [(&str, u32, bool, f64); 3] =
    [("ranges", 250, false, 16.0), ("single", 1, false, 64.0), ("single6", 1, true, 160.0)];
/// Names the shape that a process measures.
const SHAPE: &str = "GARRISON_POOL_SHAPE";

/// The rows of a shape, measured by another process of this program.
fn elsewhere(shape: &str) -> Vec<Value> {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "measure::five_million_addresses", "--nocapture"]);
    let output = command.env(SHAPE, shape).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("row ")?).ok()).collect()
}

#[test]
#[ignore = "measures; `make bench` runs it"]
fn five_million_addresses() {
    let mut rows = Vec::new();
    if let Ok(wanted) = std::env::var(SHAPE) {
        for (shape, size, ipv6, bytes) in SHAPES.into_iter().filter(|shape| shape.0 == wanted) {
            measure(shape, size, ipv6, bytes, &mut rows);
        }
        return rows.iter().for_each(|row| println!("\nrow {row}"));
    }
    rows.extend(SHAPES.iter().flat_map(|shape| elsewhere(shape.0)));
    assert_eq!(rows.len(), 7 * SHAPES.len());
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap().to_string();
        println!("{:<26} {:>9.3} {:<3} {} | {}", text("id"), row["ours"], text("unit"), row["spread"], text("what"));
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| std::path::PathBuf::from("target"), Into::into);
    std::fs::create_dir_all(target.join("figures")).unwrap();
    std::fs::write(target.join("figures/pool.json"), format!("{:#}\n", Value::from(rows))).unwrap();
}
