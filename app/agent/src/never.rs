//! Whom no action may cut off: the server and the addresses of the configuration.

use crate::config::Config;
use crate::fault;
use action::{Direction, Management, NeverList};
use base::{Fault, Prefix, Result};
use std::net::{IpAddr, SocketAddr};

/// Resolver configurations, the one behind a local stub first: the stub's own address is loopback.
const RESOLVER_FILES: &[&str] = &["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"];

/// The list, and the resolvers that an isolated host may still ask.
pub struct Kept {
    /// What no action may touch.
    pub never: NeverList,
    /// Needed to find a server that has a name again when the connection breaks; none when it has an address.
    pub resolvers: Vec<IpAddr>,
}

/// Reads the configuration and finds the server at this URL.
///
/// # Errors
/// [`fault::NEVER_BLOCK`] for an entry that is no address: protecting less than was asked for would be found out on
/// the day it matters.
pub fn list(config: &Config, url: Option<&str>) -> Result<Kept> {
    let mut never = NeverList { addresses: prefixes(&config.never_block)?, ..NeverList::default() };
    let Some(server) = url.and_then(|url| url.strip_prefix("https://")) else {
        return Ok(Kept { never, resolvers: Vec::new() });
    };
    let server = server.trim_end_matches('/');
    let named = server.parse::<SocketAddr>().is_err();
    for address in fleet::addresses(&config.state.join("server-addresses.json"), server) {
        never.management.push(Management {
            address: Prefix::single(address.ip()),
            port: address.port(),
            direction: Direction::Outbound,
        });
    }
    let resolvers = if named { resolvers() } else { Vec::new() };
    Ok(Kept { never, resolvers })
}

fn prefixes(entries: &[String]) -> Result<Vec<Prefix>> {
    let read = |(place, text): (usize, &String)| {
        let wrong = || Fault::new(&fault::NEVER_BLOCK).object(format!("never_block[{place}]"));
        let wrong = || wrong().expected("an address or address/length").found(text);
        text.trim().parse::<Prefix>().map_err(|cause| wrong().because(cause))
    };
    entries.iter().enumerate().map(read).collect()
}

fn resolvers() -> Vec<IpAddr> {
    let text = RESOLVER_FILES.iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    nameservers(&text)
}

/// The servers of a resolv.conf(5).
fn nameservers(text: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).take(8);
    lines.filter_map(|rest| rest.trim().parse().ok()).filter(|address: &IpAddr| !address.is_loopback()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(entries: &[&str], state: &Path) -> Config {
        let never_block = entries.iter().map(|text| text.to_string()).collect();
        Config { never_block, state: state.to_path_buf(), ..Config::default() }
    }

    #[test]
    fn networks_are_read_and_a_typing_error_stops_the_start() {
        let state = std::env::temp_dir();
        let kept = list(&config(&["10.0.0.0/8", "2001:db8::1"], &state), None).unwrap();
        let texts: Vec<String> = kept.never.addresses.iter().map(Prefix::to_string).collect();
        assert_eq!(texts, ["10.0.0.0/8", "2001:db8::1/128"]);
        for bad in ["10.0.0.0/33", "bastion.example.org", "", "10.0.0"] {
            let refused = list(&config(&["10.0.0.1", bad], &state), None).err().unwrap();
            assert!(refused.is(&fault::NEVER_BLOCK) && refused.to_string().contains("never_block[1]"), "{refused}");
        }
    }

    #[test]
    fn only_resolvers_elsewhere_are_kept_open() {
        let text = "# comment\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nsearch example.org\nnameserver junk\n";
        assert_eq!(nameservers(text), ["192.0.2.53".parse::<IpAddr>().unwrap()]);
    }
}
