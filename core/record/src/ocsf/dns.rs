//! DNS Activity (4003).

use super::draft::Draft;
use super::{network, parts};
use crate::{Dns, Proc};
use serde_json::json;

/// A name was asked for.
pub(super) fn query(draft: &mut Draft, proc: Option<&Proc>, dns: &Dns) {
    draft.profile("host");
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    let server = parts::endpoint(&dns.server_ip, dns.server_port, "");
    draft.set("dst_endpoint", server.unwrap_or_else(|| json!({"svc_name": "dns"})));
    draft.set("query", question(dns));
    // A query seen on its way out was sent over UDP unless said otherwise; the sensor sees UDP only.
    let mut info = network::protocol(17, dns.server_ip.len());
    info["direction_id"] = 2.into();
    info["direction"] = "Outbound".into();
    draft.set("connection_info", info);
}

/// The question as `dns_query`.
pub(super) fn question(dns: &Dns) -> serde_json::Value {
    json!({"hostname": dns.name, "type": type_name(dns.query_type), "class": "IN"})
}

/// Mnemonic of a query type (IANA DNS parameters); RFC 3597 form for the rest.
fn type_name(number: u32) -> String {
    let known = match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        10 => "NULL",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        35 => "NAPTR",
        43 => "DS",
        48 => "DNSKEY",
        52 => "TLSA",
        64 => "SVCB",
        65 => "HTTPS",
        252 => "AXFR",
        255 => "ANY",
        257 => "CAA",
        _ => return format!("TYPE{number}"),
    };
    known.to_owned()
}
