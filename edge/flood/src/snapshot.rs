//! What a site shows of itself: level, reasons, figures.

use crate::challenge::Figures;
use crate::level::{Change, Level};
use crate::load::Reading;
use crate::mix::Suspect;
use crate::settings::Mode;
use crate::site::Site;
use base::Lang;
use serde::Serialize;
use std::net::IpAddr;

/// Why a request was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// The client asks too often.
    ClientRate,
    /// Its network asks too often.
    NetworkRate,
    /// Requests of its kind grew beyond all others.
    Shape,
    /// The level wants a proof.
    Unproven,
    /// Only essential paths are open.
    Essential,
    /// Too many wait already.
    QueueFull,
    /// It waited as long as it may.
    Waited,
    /// Its place went to a client with history.
    Displaced,
}

impl Held {
    /// Every reason, in order.
    pub const ALL: [Held; 8] = [
        Held::ClientRate,
        Held::NetworkRate,
        Held::Shape,
        Held::Unproven,
        Held::Essential,
        Held::QueueFull,
        Held::Waited,
        Held::Displaced,
    ];

    /// The name in events.
    pub fn name(self) -> &'static str {
        let names =
            ["client-rate", "network-rate", "shape", "unproven", "essential", "queue-full", "waited", "displaced"];
        names[self as usize]
    }

    /// One sentence for people.
    pub fn text(self, lang: Lang) -> &'static str {
        let (en, zh) = match self {
            Held::ClientRate => ("the client asks too often", "客户端请求过于频繁"),
            Held::NetworkRate => ("its network asks too often", "所在网段请求过于频繁"),
            Held::Shape => ("requests of its kind grew beyond all others", "此类请求异常激增"),
            Held::Unproven => ("clients without history prove themselves first", "无历史记录的客户端需先通过验证"),
            Held::Essential => ("only essential paths are open", "仅开放关键路径"),
            Held::QueueFull => ("too many wait already", "排队已满"),
            Held::Waited => ("it waited as long as it may", "等待超时"),
            Held::Displaced => ("its place went to a client with history", "位置让给了有历史记录的客户端"),
        };
        lang.pick(en, zh)
    }
}

/// A source that is confirmed as an attacker: held again and again, and nobody behind it solved a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Attacker {
    /// The address.
    pub client: IpAddr,
    /// Why it was held last.
    pub reason: Held,
    /// The level then.
    pub level: Level,
    /// Requests held in a row.
    pub holds: u32,
    /// When, seconds.
    pub at_s: u32,
}

impl Attacker {
    /// One sentence for people.
    pub fn text(&self, lang: Lang) -> String {
        let Attacker { client, reason, holds, .. } = self;
        let why = reason.text(lang);
        match lang {
            Lang::En => format!("{client}: {holds} requests held in a row, no challenge solved ({why})"),
            Lang::Zh => format!("{client}：连续拦下 {holds} 个请求，未通过任何验证（{why}）"),
        }
    }
}

/// Counts since the site began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests.
    pub arrived: u64,
    /// Sent to the origin.
    pub admitted: u64,
    /// Waited first.
    pub queued: u64,
    /// Held, by reason in the order of [`Held::ALL`].
    pub held: [u64; 8],
    /// Attackers confirmed.
    pub attackers: u64,
}

/// A site at a moment.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    /// The site.
    pub site: String,
    /// Whether requests are held; where it only observes, the counters say what would be.
    pub mode: Mode,
    /// Its level.
    pub level: Level,
    /// The figures of the last second.
    pub reading: Reading,
    /// What grew.
    pub suspects: Vec<Suspect>,
    /// The last changes of level, the oldest first.
    pub changes: Vec<Change>,
    /// Part of their rate that clients with history have now: below 1 when even they are too many.
    pub squeeze: f64,
    /// Counts.
    pub counters: Counters,
    /// Challenges.
    pub challenges: Figures,
}

impl Site {
    /// The site now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            site: self.name.clone(),
            mode: self.settings.mode,
            level: self.level(),
            reading: self.reading,
            suspects: self.mix.suspects().to_vec(),
            changes: self.changes.iter().copied().collect(),
            squeeze: self.squeeze,
            counters: self.counters,
            challenges: self.challenges,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Held::ALL.iter().map(|held| held.name()).collect();
        assert_eq!(names.len(), Held::ALL.len());
        for (at, held) in Held::ALL.iter().enumerate() {
            assert_eq!(*held as usize, at);
            assert!(held.text(Lang::En) != held.text(Lang::Zh));
        }
    }
}
