//! FlowSpec rules: which packets a router upstream shall drop or limit (RFC 8955 for IPv4, RFC 8956 for IPv6).

mod codec;
mod field;
mod reach;

pub use field::{Field, Test};

use crate::{Family, fault};
use base::{Fault, Prefix, Result};
use serde::{Deserialize, Serialize};

/// Longest text about a component in a fault, characters.
const SHOWN: usize = 200;

/// One component of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "match", rename_all = "kebab-case")]
pub enum Component {
    /// The destination address.
    Destination(Range),
    /// The source address.
    Source(Range),
    /// A field of the header; one of the tests, or a chain of tests joined by `and`, must hold.
    Field {
        /// Which field.
        field: Field,
        /// At least one test.
        tests: Vec<Test>,
    },
}

/// A range of addresses. IPv6 may leave out bits at the beginning (RFC 8956, 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    /// The range; bits before the offset are zero.
    pub prefix: Prefix,
    /// Bits at the beginning that are not compared; 0 for IPv4.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offset: u8,
}

fn is_zero(offset: &u8) -> bool {
    *offset == 0
}

impl From<Prefix> for Range {
    fn from(prefix: Prefix) -> Range {
        Range { prefix, offset: 0 }
    }
}

impl Component {
    /// Its number in messages; components stand in this order.
    pub fn number(&self) -> u8 {
        match self {
            Component::Destination(_) => 1,
            Component::Source(_) => 2,
            Component::Field { field, .. } => field.number(),
        }
    }

    fn range(&self) -> Option<Range> {
        match *self {
            Component::Destination(range) | Component::Source(range) => Some(range),
            Component::Field { .. } => None,
        }
    }
}

/// A rule: all components must match. Its components are the key of the announcement: two equal rules are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct FlowRule {
    ipv6: bool,
    components: Vec<Component>,
}

/// A rule as it is stored.
#[derive(Serialize, Deserialize)]
struct Parts {
    ipv6: bool,
    components: Vec<Component>,
}

impl FlowRule {
    /// A rule for packets to this range.
    pub fn to(destination: Prefix) -> FlowRule {
        FlowRule { ipv6: destination.is_ipv6(), components: vec![Component::Destination(destination.into())] }
    }

    /// A rule of components in any order. [`fault::RULE`] when there is none, one stands twice, ranges are of the other
    /// family, or a value is wider than its field.
    pub fn new(ipv6: bool, mut components: Vec<Component>) -> Result<FlowRule> {
        components.sort_by_key(Component::number);
        let rule = FlowRule { ipv6, components };
        rule.check()?;
        Ok(rule)
    }

    /// The same with one more component; the same faults.
    pub fn with(self, component: Component) -> Result<FlowRule> {
        let mut components = self.components;
        components.push(component);
        FlowRule::new(self.ipv6, components)
    }

    /// The same, only from this range.
    pub fn from(self, source: Prefix) -> Result<FlowRule> {
        self.with(Component::Source(source.into()))
    }

    /// The same, only where a field passes one of the tests.
    pub fn when(self, field: Field, tests: &[Test]) -> Result<FlowRule> {
        self.with(Component::Field { field, tests: tests.to_vec() })
    }

    /// Its components, in the order of messages.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Its family.
    pub fn family(&self) -> Family {
        if self.ipv6 { Family::Ipv6Flow } else { Family::Ipv4Flow }
    }

    /// The whole range of destinations that it can touch; none when it does not say or leaves bits out.
    pub fn destination(&self) -> Option<Prefix> {
        match self.components.first() {
            Some(Component::Destination(Range { prefix, offset: 0 })) => Some(*prefix),
            _ => None,
        }
    }

    fn check(&self) -> Result<()> {
        // What a neighbour sent may be long, and stands in the status.
        let wrong = |found: String| {
            let found: String = found.chars().take(SHOWN).collect();
            Err(Fault::new(&fault::RULE).object("rule").found(found))
        };
        if self.components.is_empty() {
            return wrong("no component".into());
        }
        if let Some(twice) = self.components.windows(2).find(|pair| pair[0].number() >= pair[1].number()) {
            return wrong(format!("component {} out of order or twice", twice[1].number()));
        }
        for component in &self.components {
            let good = match component {
                Component::Field { field, tests } => field.takes(tests, self.ipv6),
                Component::Destination(range) | Component::Source(range) => codec::is_canonical(*range, self.ipv6),
            };
            if !good {
                return wrong(format!("{component:?}"));
            }
        }
        Ok(())
    }
}

impl TryFrom<Parts> for FlowRule {
    type Error = Fault;

    fn try_from(parts: Parts) -> Result<FlowRule> {
        FlowRule::new(parts.ipv6, parts.components)
    }
}

impl From<FlowRule> for Parts {
    fn from(rule: FlowRule) -> Parts {
        Parts { ipv6: rule.ipv6, components: rule.components }
    }
}

impl std::fmt::Display for FlowRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, component) in self.components.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "; " })?;
            match component {
                Component::Destination(_) => f.write_str("destination")?,
                Component::Source(_) => f.write_str("source")?,
                Component::Field { field, .. } => f.write_str(field.name())?,
            }
            match (component, component.range()) {
                (_, Some(Range { prefix, offset: 0 })) => write!(f, " {prefix}")?,
                (_, Some(range)) => write!(f, " {} offset {}", range.prefix, range.offset)?,
                (Component::Field { field, tests }, _) => field.write(tests, f)?,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_reads_as_its_components() {
        let rule = FlowRule::to(prefix("192.0.2.1/32"))
            .when(Field::Length, &Test::range(400, 1500))
            .and_then(|rule| rule.when(Field::Protocol, &[Test::equal(17)]))
            .and_then(|rule| rule.when(Field::SourcePort, &[Test::equal(123), Test::equal(389)]))
            .unwrap();
        assert_eq!(
            rule.to_string(),
            "destination 192.0.2.1/32; protocol =17; source-port =123,=389; length >=400&<=1500"
        );
        assert_eq!(rule.destination(), Some(prefix("192.0.2.1/32")));
        assert!(!rule.takes_everything() && FlowRule::to(prefix("::1/128")).takes_everything());
    }

    #[test]
    fn rules_that_cannot_be_said_are_refused() {
        let to = || FlowRule::to(prefix("192.0.2.1/32"));
        for wrong in [
            FlowRule::new(false, vec![]),
            to().with(Component::Destination(prefix("192.0.2.2/32").into())),
            to().from(prefix("2001:db8::/32")),
            to().when(Field::Protocol, &[]),
            to().when(Field::Protocol, &[Test::equal(256)]),
            to().when(Field::FlowLabel, &[Test::equal(1)]),
            FlowRule::to(prefix("2001:db8::/32")).when(Field::Fragment, &[Test::any_of(1)]),
        ] {
            assert!(wrong.unwrap_err().is(&fault::RULE));
        }
    }

    #[test]
    fn a_stored_rule_is_checked_when_it_is_read() {
        let rule = FlowRule::to(prefix("2001:db8::1/128")).when(Field::TcpFlags, &[Test::all_of(0x12)]).unwrap();
        let stored = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<FlowRule>(&stored).unwrap(), rule);
        assert!(serde_json::from_str::<FlowRule>(&stored.replace("18", "70000")).is_err());
    }
}
