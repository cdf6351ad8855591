//! Filters that are not ours, each told to drop what ours drops, and asked how many it did.

use super::beside::{PORT, listed, wrong};
use crate::scene::Namespace;
use std::io;

/// A filter and how it recognises the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// By source port: a look into an array of its own processor.
    XdpFilterPort,
    /// By source address: a look into a hash of 4,096 of them.
    XdpFilterAddress,
    NftablesIngress,
    NftablesRaw,
    Iptables,
}

/// What it is called in figures.
pub(super) fn name(peer: Peer) -> String {
    match peer {
        Peer::XdpFilterPort => version("xdp-filter", "--version") + ", source port",
        Peer::XdpFilterAddress => version("xdp-filter", "--version") + ", source address",
        Peer::NftablesIngress => version("nft", "--version") + ", netdev ingress",
        Peer::NftablesRaw => version("nft", "--version") + ", prerouting raw",
        Peer::Iptables => version("iptables", "--version") + ", raw",
    }
}

fn version(program: &str, argument: &str) -> String {
    let output = std::process::Command::new(program).arg(argument).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or(program).trim().to_owned()
}

pub(super) fn output(namespace: &Namespace, program: &str, script: &str) -> io::Result<String> {
    let mut words = program.split(' ');
    let output = namespace.command(words.next().unwrap_or("sh")).args(words).args(["-c", script]).output()?;
    if !output.status.success() {
        return Err(wrong(format!("{script:.200}: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(super) fn shell(namespace: &Namespace, script: &str) -> io::Result<()> {
    output(namespace, "sh", script).map(|_| ())
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// Measures with a peer in place; nanoseconds, and how many packets it says that it dropped.
pub(super) fn drop(host: &Namespace, peer: Peer, measure: impl Fn() -> io::Result<f64>) -> io::Result<(f64, u64)> {
    let missing = || wrong(format!("{peer:?}: no counter"));
    let rule = format!("udp sport {{ 123, {PORT} }} counter drop");
    match peer {
        Peer::XdpFilterPort => {
            let ports = format!("xdp-filter port 123 -m src -p udp && xdp-filter port {PORT} -m src -p udp");
            xdp_filter(host, "udp", &ports, measure)
        }
        Peer::XdpFilterAddress => xdp_filter(host, "ipv4", &addresses(), measure),
        Peer::NftablesIngress => nft(
            host,
            &format!("table netdev t {{ chain c {{ type filter hook ingress device v0 priority 0; {rule}; }}; }}"),
            "netdev",
            measure,
        ),
        Peer::NftablesRaw => nft(
            host,
            &format!("table ip t {{ chain c {{ type filter hook prerouting priority raw; {rule}; }}; }}"),
            "ip",
            measure,
        ),
        Peer::Iptables => {
            shell(host, "iptables -t raw -A PREROUTING -p udp --sport 123 -j DROP")?;
            let measured = measure();
            let text = output(host, "sh", "iptables -t raw -vnxL PREROUTING; iptables -t raw -F")?;
            let counted = text.lines().find(|line| line.contains("spt:123")).and_then(first_number);
            Ok((measured?, counted.ok_or_else(missing)?))
        }
    }
}

/// Into its map of addresses at once, since its own command takes one at a time; 1 is its number for a source.
fn addresses() -> String {
    let map = "/sys/fs/bpf/xdp-filter/filter_ipv4";
    let listed: Vec<String> = listed().iter().map(|address| format!("{:x}", u32::from(*address) & 0xffff)).collect();
    format!(
        "for n in {}; do echo map update pinned {map} key 16 0 $((0x$n >> 8)) $((0x$n & 255)) value 1 0 0 0 0 0 0 0; \
         done | bpftool batch file /dev/stdin >/dev/null",
        listed.join(" ")
    )
}

/// In a mount namespace of its own, where it may pin what it likes; that namespace lives until its counters were read.
fn xdp_filter(
    host: &Namespace,
    features: &str,
    rules: &str,
    measure: impl Fn() -> io::Result<f64>,
) -> io::Result<(f64, u64)> {
    use std::io::{BufRead, BufReader, Write};
    let script = format!(
        "mount -t bpf bpf /sys/fs/bpf && xdp-filter load v0 -m native -p allow -f {features} && {rules} && echo ready \
         && read line; xdp-filter status; xdp-filter unload v0"
    );
    let mut shell = host.command("unshare");
    shell.args(["-m", "sh", "-c", &script]).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = shell.spawn()?;
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(wrong("no pipes"));
    };
    let mut lines = BufReader::new(output).lines();
    let ready = lines.next().transpose()?.is_some_and(|line| line == "ready");
    let measured = if ready { measure() } else { Err(wrong("xdp-filter did not start")) };
    let _ = writeln!(input, "done");
    std::mem::drop(input);
    let text: Vec<String> = lines.collect::<io::Result<_>>()?;
    child.wait()?;
    let dropped = text.iter().find_map(|line| first_number(line.trim().strip_prefix("XDP_DROP")?));
    Ok((measured?, dropped.ok_or_else(|| wrong("xdp-filter: no counter"))?))
}

fn nft(host: &Namespace, rules: &str, family: &str, measure: impl Fn() -> io::Result<f64>) -> io::Result<(f64, u64)> {
    shell(host, &format!("nft '{rules}'"))?;
    let measured = measure();
    let text = output(host, "sh", &format!("nft list table {family} t; nft delete table {family} t"))?;
    let counted = text.split("counter packets ").nth(1).and_then(first_number);
    Ok((measured?, counted.ok_or_else(|| wrong("nft: no counter"))?))
}
