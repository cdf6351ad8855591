//! UDP services that reflect and amplify, by the port they answer from.
//!
//! Ports: US-CERT alert TA14-017A, and what later reports on reflection name (the port list of NLADC's dissector among them).

/// A service that answers a small forged question with a large answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// The port it answers from.
    pub port: u16,
    /// Its name in records.
    pub word: &'static str,
    /// Its name for people.
    pub title: &'static str,
}

const fn service(port: u16, word: &'static str, title: &'static str) -> Service {
    Service { port, word, title }
}

/// All, by port. The filter counts UDP from these ports as amplification.
pub const ALL: &[Service] = &[
    service(17, "qotd", "QOTD"),
    service(19, "chargen", "CharGEN"),
    service(53, "dns", "DNS"),
    service(69, "tftp", "TFTP"),
    service(111, "portmap", "Portmap"),
    service(123, "ntp", "NTP"),
    service(137, "netbios", "NetBIOS"),
    service(161, "snmp", "SNMP"),
    service(177, "xdmcp", "XDMCP"),
    service(389, "cldap", "CLDAP"),
    service(427, "slp", "SLP"),
    service(500, "ike", "IKE"),
    service(520, "rip", "RIPv1"),
    service(623, "ipmi", "IPMI"),
    service(1434, "mssql", "MS SQL Browser"),
    service(1900, "ssdp", "SSDP"),
    service(3283, "ard", "Apple Remote Desktop"),
    service(3389, "rdp", "RDP over UDP"),
    service(3702, "ws-discovery", "WS-Discovery"),
    service(5093, "sentinel", "Sentinel licence server"),
    service(5351, "nat-pmp", "NAT-PMP"),
    service(5353, "mdns", "mDNS"),
    service(5683, "coap", "CoAP"),
    service(10001, "ubiquiti", "Ubiquiti discovery"),
    service(10074, "tp-240", "Mitel TP-240"),
    service(11211, "memcached", "memcached"),
    service(27015, "source-engine", "Source engine"),
    service(32414, "plex", "Plex discovery"),
    service(33848, "jenkins", "Jenkins discovery"),
    service(37810, "dahua", "Dahua DHDiscover"),
];

/// The service of a source port.
pub fn of_port(port: u16) -> Option<&'static Service> {
    ALL.binary_search_by_key(&port, |service| service.port).ok().map(|index| &ALL[index])
}

/// The service of a name.
pub fn of_word(word: &str) -> Option<&'static Service> {
    ALL.iter().find(|service| service.word == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_sorted_and_found() {
        assert!(ALL.windows(2).all(|pair| pair[0].port < pair[1].port));
        assert_eq!(of_port(123).unwrap().word, "ntp");
        assert_eq!(of_port(80), None);
        assert!(ALL.iter().all(|service| of_word(service.word) == Some(service)));
    }
}
