//! The host as its records name it.

use record::Host;
use std::net::IpAddr;

/// Most addresses listed.
const ADDRESSES_MAX: usize = 16;

/// Reads name, ids, kernel, operating system and addresses of this host. What cannot be read stays empty.
pub fn host() -> Host {
    let line = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let release =
        std::fs::read_to_string("/etc/os-release").or_else(|_| std::fs::read_to_string("/usr/lib/os-release"));
    Host {
        name: line("/proc/sys/kernel/hostname"),
        machine_id: line("/etc/machine-id"),
        boot_id: line("/proc/sys/kernel/random/boot_id"),
        kernel: line("/proc/sys/kernel/osrelease"),
        os: release.ok().and_then(|text| pretty_name(&text)).unwrap_or_default(),
        addresses: addresses(),
    }
}

/// `PRETTY_NAME` of os-release(5), without its quotes.
fn pretty_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?.trim();
    let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let bare = bare.or_else(|| value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''))).unwrap_or(value);
    Some(bare.replace("\\\"", "\"").replace("\\$", "$").replace("\\\\", "\\"))
}

/// Addresses of the interfaces of our network namespace: loopback and link-local ones left out.
fn addresses() -> Vec<String> {
    let mut first: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the call fills `first` with a list that it allocates, or fails and leaves it alone.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut next = first;
    while !next.is_null() && found.len() < ADDRESSES_MAX {
        // SAFETY: `next` points at an entry of the list, which lives until freeifaddrs below.
        let entry = unsafe { &*next };
        // SAFETY: `ifa_addr` is null or points at a socket address of the family it names, in the same list.
        let address = unsafe { address_of(entry.ifa_addr) };
        if let Some(address) = address.filter(is_worth_listing) {
            let text = address.to_string();
            if !found.contains(&text) {
                found.push(text);
            }
        }
        next = entry.ifa_next;
    }
    // SAFETY: `first` came from getifaddrs and is freed once; `found` holds copies.
    unsafe { libc::freeifaddrs(first) };
    found
}

fn is_worth_listing(address: &IpAddr) -> bool {
    let local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !local && !address.is_loopback() && !address.is_unspecified()
}

/// # Safety
/// `address` is null or points at a complete socket address of the family that it names.
unsafe fn address_of(address: *const libc::sockaddr) -> Option<IpAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: not null, and every socket address begins with its family.
    match i32::from(unsafe { (*address).sa_family }) {
        libc::AF_INET => {
            // SAFETY: the family says that this is a `sockaddr_in`; unaligned reads are allowed here.
            let address = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            Some(IpAddr::from(address.sin_addr.s_addr.to_ne_bytes()))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that this is a `sockaddr_in6`.
            let address = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            Some(IpAddr::from(address.sin6_addr.s6_addr))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_a_name_and_a_kernel() {
        let host = host();
        assert!(!host.name.is_empty() && !host.kernel.is_empty());
        assert_eq!(host.boot_id.len(), 36);
        assert!(
            host.addresses.iter().all(|address| address.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback()))
        );
    }

    #[test]
    fn the_system_name_loses_its_quotes() {
        assert_eq!(pretty_name("ID=x\nPRETTY_NAME=\"A \\\"B\\\" 1\"\n").as_deref(), Some("A \"B\" 1"));
        assert_eq!(pretty_name("PRETTY_NAME=Plain\n").as_deref(), Some("Plain"));
        assert_eq!(pretty_name("ID=x\n"), None);
    }
}
