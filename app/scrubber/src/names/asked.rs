//! A move for which a person is asked.

use base::Lang;
use divert::{Place, Protected, Reason};
use std::sync::Arc;

/// Tells of a move that waits for a person; gives the id of the alert, empty when it could not be kept.
pub type Tell = Arc<dyn Fn(&MoveAsked<'_>) -> String + Send + Sync>;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct MoveAsked<'a> {
    /// Which name.
    pub name: &'a Protected,
    /// Where it is.
    pub from: &'a Place,
    /// Where it would go.
    pub to: &'a Place,
    /// Why.
    pub reason: Reason,
    /// For how long at most, seconds.
    pub lease_s: u64,
}

impl MoveAsked<'_> {
    /// Why, in words.
    pub fn why(&self, lang: Lang) -> String {
        let (from, to) = (&self.from.label, &self.to.label);
        match (self.reason, lang) {
            (Reason::Dead, Lang::En) => format!("{from} does not answer"),
            (Reason::Dead, Lang::Zh) => format!("{from} 没有应答"),
            (Reason::Attack, Lang::En) => format!("{from} is attacked"),
            (Reason::Attack, Lang::Zh) => format!("{from} 遭受攻击"),
            (Reason::Operator, Lang::En) => "it was asked for".to_string(),
            (Reason::Operator, Lang::Zh) => "应请求切换".to_string(),
            (Reason::Home, Lang::En) => format!("{to} is well again"),
            (Reason::Home, Lang::Zh) => format!("{to} 已恢复"),
        }
    }

    /// What makes the move as an order from the server.
    pub fn order(&self) -> [(&'static str, String); 4] {
        [
            ("zone", self.name.zone()),
            ("name", self.name.name()),
            ("from", self.from.addresses.to_string()),
            ("to", self.to.addresses.to_string()),
        ]
    }

    /// How a person agrees: on the scrubber's machine, and from the server, which knows the scrubber by `agent`.
    pub fn commands(&self, agent: &str) -> [String; 2] {
        let parameters = self.order().map(|(key, value)| format!(" --parameter '{key}={value}'")).concat();
        let host = if agent.is_empty() { String::new() } else { format!(" --host {agent}") };
        let there = format!("garrison act switch-dns{host}{parameters} --lease {}s --reason agreed", self.lease_s);
        [format!("garrison-gateway scrub approve {}", self.name.name()), there]
    }
}
