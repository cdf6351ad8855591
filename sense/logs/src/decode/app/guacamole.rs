//! Apache Guacamole, the remote-desktop gateway.

use super::{App, Around, Fields, Read};

/// `guacamole`: outcome, user, src_ip.
pub struct Guacamole;

impl App for Guacamole {
    fn word(&self) -> &'static str {
        "guacamole"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["guacd", "guacamole", "guacamole-client"]
    }

    /// `User "bob" successfully authenticated from 1.2.3.4.`, `Authentication attempt from 1.2.3.4 for user "bob"
    /// failed.`, `User "bob" joined connection "1". (2 users now present)`.
    fn read(&self, message: &str, _: &Around<'_>, fields: &mut Fields) -> Read {
        let quoted = |word: &str| message.split_once(word)?.1.split_once('"').map(|(name, _)| name);
        let address = message.split_once(" from ").map(|(_, rest)| rest.trim_start_matches('['));
        let end = |text: &'_ str| text.find([' ', ',', ']']).unwrap_or(text.len());
        let outcome = if message.contains("successfully authenticated") {
            "accepted"
        } else if message.starts_with("Authentication attempt") {
            "failed"
        } else if message.contains(" joined connection ") {
            "joined"
        } else {
            return false.into();
        };
        fields.put("outcome", outcome);
        fields.some("user", quoted("ser \"").unwrap_or_default());
        if let Some(address) = address {
            fields.some("src_ip", address[..end(address)].trim_end_matches('.'));
        }
        true.into()
    }
}
