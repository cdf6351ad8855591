//! Network Activity (4001).

use super::draft::Draft;
use super::parts;
use crate::{NetActivity, NetOp, Proc};
use serde_json::{Value, json};

/// `connection_info.direction_id`.
const INBOUND: u32 = 1;
/// `connection_info.direction_id`.
const OUTBOUND: u32 = 2;
/// `EINPROGRESS`.
const IN_PROGRESS: u32 = 115;

/// A connection or datagram. The source is who began it: for an accept the other side.
pub(super) fn flow(draft: &mut Draft, proc: Option<&Proc>, net: &NetActivity) {
    draft.profile("host");
    let actor = parts::actor(draft, proc);
    draft.set("actor", actor);
    let local = parts::endpoint(&net.local_ip, net.local_port, "");
    let remote = parts::endpoint(&net.remote_ip, net.remote_port, &net.remote_name);
    let op = net.op();
    let (source, target) = match op {
        NetOp::Accept => (remote, local),
        NetOp::Listen | NetOp::Bind => (None, local),
        _ => (local, remote),
    };
    // The schema asks for at least one end. A socket bound to nothing yet is named by its device alone.
    if source.is_none() && target.is_none() {
        draft.set("dst_endpoint", json!({"name": "unspecified"}));
    }
    if let Some(source) = source {
        draft.set("src_endpoint", source);
    }
    if let Some(target) = target {
        draft.set("dst_endpoint", target);
    }
    draft.set("is_src_dst_assignment_known", matches!(op, NetOp::Connect | NetOp::Accept | NetOp::Send));
    draft.set("connection_info", connection(net));
    if op == NetOp::Bind {
        draft.set("activity_name", "Bind");
    }
    draft.errno(if net.errno == IN_PROGRESS { 0 } else { net.errno });
    if net.errno == IN_PROGRESS {
        draft.set("status_detail", "in progress");
    }
    draft.other("op", op.word());
}

/// Protocol, address family and direction.
pub(super) fn connection(net: &NetActivity) -> Value {
    let direction = match net.op() {
        NetOp::Connect | NetOp::Send => OUTBOUND,
        NetOp::Accept => INBOUND,
        _ => 0,
    };
    let mut object = protocol(net.protocol, net.local_ip.len().max(net.remote_ip.len()));
    object["direction_id"] = direction.into();
    object["direction"] = ["Unknown", "Inbound", "Outbound"][direction as usize].into();
    object
}

/// Protocol by number and name, version by the length of an address.
pub(super) fn protocol(number: u32, address_bytes: usize) -> Value {
    let mut object = json!({"direction_id": 0, "protocol_num": number});
    if let Some(name) = protocol_name(number) {
        object["protocol_name"] = name.into();
    }
    match address_bytes {
        4 => object["protocol_ver_id"] = 4.into(),
        16 => object["protocol_ver_id"] = 6.into(),
        _ => {}
    }
    object
}

/// IANA protocol numbers in lower case, as OCSF asks.
const fn protocol_name(number: u32) -> Option<&'static str> {
    match number {
        1 => Some("icmp"),
        6 => Some("tcp"),
        17 => Some("udp"),
        58 => Some("ipv6-icmp"),
        132 => Some("sctp"),
        _ => None,
    }
}
