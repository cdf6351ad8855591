//! A signature as a FlowSpec rule: as much of it as routers can say (RFC 8955), never less than protocol and one more field.

use bgp::flow::{Field as Flow, Test};
use bgp::{Action, Announcement, FlowRule};
use ddos::{Field, Signature};

/// Fields that both know; the others narrow our own filter only.
const SAME: &[(Field, Flow)] = &[
    (Field::Protocol, Flow::Protocol),
    (Field::SourcePort, Flow::SourcePort),
    (Field::DestinationPort, Flow::DestinationPort),
    (Field::Length, Flow::Length),
    (Field::TcpFlags, Flow::TcpFlags),
];

/// The rule that discards what a signature matches, or none when routers could only say something much wider.
pub fn of(signature: &Signature) -> Option<Announcement> {
    let mut rule = FlowRule::to(signature.destination.to_string().parse().ok()?);
    let mut fields = 0;
    for (field, flow) in SAME {
        let Some(value) = signature.value(*field) else { continue };
        let test = if flow.is_bits() { Test::all_of(value.into()) } else { Test::equal(value.into()) };
        rule = rule.when(*flow, &[test]).ok()?;
        fields += 1;
    }
    let udp = signature.value(Field::Protocol) == Some(17);
    // A rule on protocol and destination port alone would take a service off the net.
    let narrow = fields >= 3 || (udp && fields >= 2 && signature.value(Field::SourcePort).is_some());
    narrow.then_some(Announcement::FlowSpec { rule, action: Action::Discard })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(terms: &[(Field, u32)]) -> Signature {
        Signature::new("192.0.2.7".parse().unwrap(), terms.to_vec(), 1)
    }

    #[test]
    fn a_reflection_becomes_a_rule_and_a_port_alone_does_not() {
        let ntp = signature(&[(Field::Protocol, 17), (Field::SourcePort, 123), (Field::Length, 468), (Field::Ttl, 54)]);
        let text = of(&ntp).unwrap().to_string();
        assert!(
            text.starts_with("discard ") && text.contains("source-port =123") && text.contains("length =468"),
            "{text}"
        );
        let web = signature(&[(Field::Protocol, 6), (Field::DestinationPort, 443), (Field::Ttl, 54)]);
        assert_eq!(of(&web), None);
    }
}
