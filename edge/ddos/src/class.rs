//! Classes of attacks.

use crate::Level;
use crate::service::{self, Service};
use base::Lang;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an attack is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// SYNs that nobody follows up.
    Syn,
    /// SYN-ACKs to a host that asked nobody: reflection off TCP servers.
    SynAck,
    /// ACKs of no connection.
    Ack,
    /// RSTs or FINs of no connection.
    Ends,
    /// TCP with flags that make no sense.
    Flags,
    /// More TCP than usual, in the shape of real connections.
    Tcp,
    /// Answers of a UDP service to questions forged in the destination's name.
    Reflection(&'static Service),
    /// UDP of no reflecting service.
    Udp,
    /// ICMP.
    Icmp,
    /// Fragments.
    Fragment,
    /// Another protocol than TCP, UDP and ICMP.
    Protocol,
    /// Requests to a site: seen by the gateway.
    Http,
}

impl Class {
    /// Classes without the reflections, in order.
    pub const PLAIN: [Class; 11] = [
        Class::Syn,
        Class::SynAck,
        Class::Ack,
        Class::Ends,
        Class::Flags,
        Class::Tcp,
        Class::Udp,
        Class::Icmp,
        Class::Fragment,
        Class::Protocol,
        Class::Http,
    ];

    /// Every class, the reflections by service among them.
    pub fn all() -> impl Iterator<Item = Class> {
        Class::PLAIN.into_iter().chain(service::ALL.iter().map(Class::Reflection))
    }

    /// Its name in records.
    pub fn word(self) -> String {
        let word = match self {
            Class::Syn => "syn-flood",
            Class::SynAck => "syn-ack-flood",
            Class::Ack => "ack-flood",
            Class::Ends => "rst-fin-flood",
            Class::Flags => "tcp-flags-flood",
            Class::Tcp => "tcp-flood",
            Class::Reflection(service) => return format!("reflection-{}", service.word),
            Class::Udp => "udp-flood",
            Class::Icmp => "icmp-flood",
            Class::Fragment => "fragment-flood",
            Class::Protocol => "protocol-flood",
            Class::Http => "http-flood",
        };
        word.into()
    }

    /// The class of a name.
    pub fn from_word(word: &str) -> Option<Class> {
        match word.strip_prefix("reflection-") {
            Some(service) => service::of_word(service).map(Class::Reflection),
            None => Class::PLAIN.into_iter().find(|class| class.word() == word),
        }
    }

    /// Its name for people.
    pub fn text(self, lang: Lang) -> String {
        let text = match self {
            Class::Syn => lang.pick("SYN flood", "SYN 洪水"),
            Class::SynAck => lang.pick("SYN-ACK flood", "SYN-ACK 洪水"),
            Class::Ack => lang.pick("ACK flood", "ACK 洪水"),
            Class::Ends => lang.pick("RST/FIN flood", "RST/FIN 洪水"),
            Class::Flags => lang.pick("TCP flood with senseless flags", "TCP 异常标志洪水"),
            Class::Tcp => lang.pick("TCP connection flood", "TCP 连接洪水"),
            Class::Reflection(service) => {
                return match lang {
                    Lang::En => format!("{} reflection", service.title),
                    Lang::Zh => format!("{} 反射放大", service.title),
                };
            }
            Class::Udp => lang.pick("UDP flood", "UDP 洪水"),
            Class::Icmp => lang.pick("ICMP flood", "ICMP 洪水"),
            Class::Fragment => lang.pick("fragment flood", "分片洪水"),
            Class::Protocol => lang.pick("flood of another protocol", "其他协议洪水"),
            Class::Http => lang.pick("HTTP flood", "HTTP 洪水"),
        };
        text.into()
    }

    /// The gentlest level with a means against it.
    pub fn answer(self) -> Level {
        match self {
            Class::Reflection(_) | Class::Flags => Level::Clean,
            Class::Tcp | Class::Udp | Class::Icmp | Class::Protocol => Level::Limit,
            Class::Syn | Class::SynAck | Class::Ack | Class::Ends | Class::Fragment | Class::Http => Level::Prove,
        }
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.word())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Class, D::Error> {
        let word = String::deserialize(from)?;
        Class::from_word(&word).ok_or_else(|| serde::de::Error::custom(format!("no class `{word}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_names_of_its_own() {
        let mut words: Vec<String> = Class::all().map(Class::word).collect();
        for class in Class::all() {
            assert_eq!(Class::from_word(&class.word()), Some(class));
            assert_ne!(class.text(Lang::En), class.text(Lang::Zh));
            assert!(class.answer() > Level::Observe);
        }
        words.sort();
        words.dedup();
        assert_eq!(words.len(), Class::all().count());
    }
}
