//! Servers that may answer us over UDP.

use crate::Filter;
use crate::address::Key;
use crate::layout::{Service, holds};
use crate::marks::{SERVICE_BITS, set_mark, write_marks};
use base::Result;
use std::net::IpAddr;

impl Filter {
    /// Trusts the UDP answers of a server: of a resolver (port 53) or time server (123), and then of no other on these
    /// ports.
    ///
    /// # Errors
    /// [`crate::fault::FULL`], [`crate::fault::MAP`].
    pub fn trust(&mut self, server: IpAddr, port: u16) -> Result<()> {
        set_mark(&self.maps.service_marks, Key::of(server).hash(self.settings.key), SERVICE_BITS)?;
        self.maps.services.put(&service(server, port), &1_u32)?;
        let ours = match port {
            53 => holds::RESOLVERS,
            123 => holds::CLOCKS,
            _ => 0,
        };
        self.holds(holds::SERVICES | ours, true)
    }

    /// Trusts a server no more; says whether it was trusted.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn distrust(&mut self, server: IpAddr, port: u16) -> Result<bool> {
        let trusted = self.maps.services.remove(&service(server, port))?;
        self.mark_services()?;
        Ok(trusted)
    }

    /// Forgets the marks of servers that are no longer trusted.
    fn mark_services(&self) -> Result<()> {
        let key = self.settings.key;
        let left = self.maps.services.entries::<Service, u32>()?;
        let hashes = left.iter().map(|(service, _)| service_key(service).hash(key));
        write_marks(&self.maps.service_marks, hashes, SERVICE_BITS)
    }

    /// Trusts these servers and no others. Without a resolver or time server among them the answers of all pass that are no
    /// reflection by their size.
    ///
    /// # Errors
    /// [`crate::fault::FULL`], [`crate::fault::MAP`]; some are trusted then, and some of before.
    pub fn trust_only(&mut self, wanted: &[(IpAddr, u16)]) -> Result<()> {
        for (server, port) in wanted {
            self.trust(*server, *port)?;
        }
        let keys: Vec<Service> = wanted.iter().map(|(server, port)| service(*server, *port)).collect();
        for (known, _) in self.maps.services.entries::<Service, u32>()? {
            if !keys.contains(&known) {
                self.maps.services.remove(&known)?;
            }
        }
        self.mark_services()?;
        let any = |port| wanted.iter().any(|(_, other)| port == *other);
        self.holds(holds::RESOLVERS, any(53))?;
        self.holds(holds::CLOCKS, any(123))?;
        self.holds(holds::SERVICES, !wanted.is_empty())
    }

    /// How many servers are trusted, read back from the kernel.
    ///
    /// # Errors
    /// [`crate::fault::MAP`].
    pub fn trusted(&self) -> Result<usize> {
        Ok(self.maps.services.entries::<Service, u32>()?.len())
    }
}

fn service_key(service: &Service) -> Key {
    let address = service.address;
    // The other words of an IPv4 address are zeros; no server of IPv6 lives at ::/32.
    if address[4..] == [0; 12] {
        return Key::of(IpAddr::from([address[0], address[1], address[2], address[3]]));
    }
    Key::of(IpAddr::from(address))
}

fn service(server: IpAddr, port: u16) -> Service {
    let mut address = [0; 16];
    match server.to_canonical() {
        IpAddr::V4(server) => address[..4].copy_from_slice(&server.octets()),
        IpAddr::V6(server) => address = server.octets(),
    }
    Service { address, port: u32::from(port) }
}
