//! Rules for nftables that let the kernel's synproxy take over connections whose cookie the filter made, on a router.

use ddos::Prefix;
use std::fmt::Write;

/// The kernel settings that the rules need, as `sysctl` names and values.
pub const SETTINGS: &[(&str, &str)] = &[
    // An ACK that belongs to nothing must not open a connection by itself.
    ("net.netfilter.nf_conntrack_tcp_loose", "0"),
    ("net.ipv4.tcp_syncookies", "1"),
    ("net.ipv4.tcp_timestamps", "1"),
    ("net.ipv4.ip_forward", "1"),
];

/// The rules for TCP to these destinations and ports: a table of our own name, to be fed to `nft -f -` and removed with
/// `nft delete table inet NAME`.
///
/// SYNs are not tracked; what comes back with a valid cookie is, from then on, a connection that synproxy opens towards
/// the server. Options that a cookie cannot remember are offered to nobody.
pub fn rules(table: &str, destinations: &[Prefix], ports: &[u16]) -> String {
    let mut text = format!("table inet {table} {{\n");
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let ports = ports.join(", ");
    let mut chain = |name: &str, hook: &str, lines: &[&str]| {
        let _ = writeln!(text, "  chain {name} {{\n    type filter hook {hook}; policy accept;");
        for destination in destinations {
            let family = if destination.address().is_ipv4() { "ip" } else { "ip6" };
            for line in lines {
                let _ = writeln!(text, "    {family} daddr {destination} tcp dport {{ {ports} }} {line}");
            }
        }
        text.push_str("  }\n");
    };
    chain("before", "prerouting priority raw", &["tcp flags & (fin | syn | rst | ack) == syn notrack"]);
    let proxy = "ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm";
    chain("through", "forward priority filter", &[proxy, "ct state invalid drop"]);
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_their_rules() {
        let destinations = ["192.0.2.0/24".parse().unwrap(), "2001:db8::/64".parse().unwrap()];
        let text = rules("garrison_proof", &destinations, &[80, 443]);
        assert!(text.starts_with("table inet garrison_proof {\n"), "{text}");
        assert!(text.contains("ip daddr 192.0.2.0/24 tcp dport { 80, 443 } ct state invalid,untracked synproxy"));
        assert!(text.contains("ip6 daddr 2001:db8::/64 tcp dport { 80, 443 } tcp flags"));
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }
}
