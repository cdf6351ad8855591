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

/// The flags that a signature fixes: all eight of the byte in the header of TCP.
const TCP_FLAGS: u64 = 0xff;

/// The rule that discards what a signature matches, or none when routers could only say something much wider.
pub fn of(signature: &Signature) -> Option<Announcement> {
    let mut rule = FlowRule::to(signature.destination);
    let mut fields = 0;
    for (field, flow) in SAME {
        let Some(value) = signature.value(*field) else { continue };
        let flags = [Test::all_of(value.into()), Test::and_none_of(u64::from(!value) & TCP_FLAGS)];
        let exact = [Test::equal(value.into())];
        rule = rule.when(*flow, if flow.is_bits() { &flags[..] } else { &exact[..] }).ok()?;
        // Flags are those of every connection: they make no rule narrower that would take a service off the net.
        fields += usize::from(!flow.is_bits());
    }
    let udp = signature.value(Field::Protocol) == Some(17);
    // A rule on protocol, destination port and flags alone would take a service off the net.
    let narrow = fields >= 3 || (udp && fields >= 2 && signature.value(Field::SourcePort).is_some());
    narrow.then_some(Announcement::FlowSpec { rule, action: Action::Discard })
}

/// The destination of a rule that was ordered once, and the rule as it would be ordered now.
pub fn read(text: &str) -> Option<(ddos::Prefix, String)> {
    let announcement: Announcement = serde_json::from_str(text).ok()?;
    let Announcement::FlowSpec { rule, .. } = &announcement else { return None };
    let destination = rule.destination()?.to_string().parse().ok()?;
    Some((destination, serde_json::to_string(&announcement).ok()?))
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
        // The flags of the packets of a good connection are not theirs that the flood has.
        let acks = [(Field::Protocol, 6), (Field::DestinationPort, 443), (Field::TcpFlags, 0x10)];
        assert_eq!(of(&signature(&acks)), None);
        let text = of(&signature(&[&acks[..], &[(Field::Length, 1040)]].concat())).unwrap().to_string();
        assert!(text.contains("tcp-flags all 0x10&none 0xef"), "{text}");
        let web = signature(&[(Field::Protocol, 6), (Field::DestinationPort, 443), (Field::Ttl, 54)]);
        assert_eq!(of(&web), None);
    }
}
